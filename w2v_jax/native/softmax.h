// A step of full softmax, of all replicas together.
//
//     loss = sum_i n_i logsumexp_v <hidden_i, u_v> - sum_ij M_ij <hidden_i, u_j>
//
// as in w2v_jax/objectives/softmax.py. Every row of the output table moves in every
// step, so that table has no copies: each replica owns a slice of its rows and takes it
// twice past the hidden vectors of all. First it adds up, of its slice alone,
//
//     Z_i = sum_v exp(z_iv - m_i),     a_i = sum_v exp(z_iv - m_i) u_v
//
// m_i being the largest score so far; what has been summed below a smaller one is
// scaled. The sums of all slices give each log-sum-exp and the gradient of each hidden
// vector. Then the scores are taken once more, and row v moves by
// -rate sum_i n_i exp(z_iv - logsumexp_i) hidden_i and by its pull. No more than a few
// rows' scores are kept: 8 V D operations a hidden vector, where 6 would need all of
// them.

#ifndef W2V_JAX_SOFTMAX_H_
#define W2V_JAX_SOFTMAX_H_

#include <cmath>
#include <limits>

#include "block.h"
#include "meeting.h"

namespace w2v {

class Softmax : public Block {
 public:
  static constexpr bool kTogether = true;  // also those whose text has ended

  // All replicas of a chunk, in order.
  struct Group {
    Meeting& meeting;
    std::vector<Softmax*> all;
  };

  Softmax(const Shape& shape, const Text& text, float* inputs, float* outputs,
          int64_t words, Group* group)
      : Block(shape, text, inputs, words),
        group_(*group),
        number_(static_cast<int64_t>(group->all.size())),
        table_(outputs),
        begin_(words * number_ / shape.replicas),
        end_(words * (number_ + 1) / shape.replicas),
        all_(countable(shape.replicas, padded_ * stride_) * padded_),
        sides_{{padded_, stride_}, {padded_, stride_}},
        sources_(shape.block),
        logs_(padded_),
        shares_(padded_),
        tops_(all_),
        sums_(all_),
        slice_(static_cast<size_t>(all_) * stride_),
        tile_(static_cast<size_t>(kTile) * stride_),
        moved_(static_cast<size_t>(kTile) * stride_),
        scores_(static_cast<size_t>(kTile) * padded_) {
    for (int r = 0; r < kTile; ++r) {
      tile_rows_.push_back(tile_.at(static_cast<size_t>(r) * stride_));
      moved_rows_.push_back(moved_.at(static_cast<size_t>(r) * stride_));
    }
    for (int i = 0; i < all_; ++i)
      slice_rows_.push_back(slice_.at(static_cast<size_t>(i) * stride_));
    group->all.push_back(this);
  }

  std::vector<Rows*> rows() { return {&in_}; }

  // Fetches the input rows of the centres in slots [begin, end).
  void fetch(int64_t begin, int64_t end, uint64_t, uint64_t) {
    const int around = shape_.cbow ? shape_.window : 0;
    use_inputs(begin - around, end + around);
    in_.fetch();
  }

  // False where another replica has failed.
  bool step(int64_t first, int n, int, float rate) {
    side_ ^= 1;
    hold(first, n);
    if (!group_.meeting.wait()) return false;
    add_up_slice();
    if (!group_.meeting.wait()) return false;
    normalise(rate);
    if (!group_.meeting.wait()) return false;
    move_slice(rate);
    move_inputs(first);
    return true;
  }

 private:
  static constexpr int kTile = 64;  // rows scored together
  static constexpr int kHeld = 64;  // hidden vectors that fit a core beside them
  static constexpr float kLeast = -std::numeric_limits<float>::max();

  // One of the words that a hidden vector predicts.
  struct Target {
    int hidden;
    int32_t word;
  };

  // What a step shows to the other replicas: its hidden vectors, as rows and as
  // columns, and their targets. There are two, for others may still read those of the
  // step before.
  struct Side {
    Side(int padded, int wide)
        : stride(wide),
          held(static_cast<size_t>(padded) * wide),
          turned(static_cast<size_t>(padded) * wide) {}
    float* row(int i) { return held.at(static_cast<size_t>(i) * stride); }

    const int stride;
    int count = 0;
    Floats held, turned;
    std::vector<Target> targets;
  };

  Side& side() { return sides_[side_]; }
  Side& side_of(Softmax& other) { return other.sides_[side_]; }  // its own may be ahead

  void hold(int64_t first, int n) {
    look(first, n);
    if (shape_.cbow) {
      average(first, n);
    } else {
      for (int i = 0; i < padded_; ++i)
        hidden_rows_[i] = i < n ? input(first + i) : zero_.at(0);
    }
    side().count = n;
    for (int i = 0; i < n; ++i)
      std::memcpy(side().row(i), hidden_rows_[i], stride_ * 4);
    turn(hidden_rows_.data(), padded_, vectors_, side().turned.at(0), padded_);
    side().targets.clear();
    for (int i = 0; i < n; ++i)
      if (shape_.cbow) {
        if (many_[i]) side().targets.push_back({i, text_.tokens[first + i]});
      } else {
        for (int c = low_[i]; c <= high_[i]; ++c)
          if (c != i + shape_.window)
            side().targets.push_back({i, text_.tokens[first - shape_.window + c]});
      }
  }

  // Pairs behind hidden vector i.
  float pairs(int i) const { return shape_.cbow ? many_[i] > 0 : many_[i]; }

  // Copies rows [row, row + rows) of the table to where they are padded.
  void copy_tile(int64_t row, int rows) {
    for (int r = 0; r < rows; ++r)
      std::memcpy(tile_.at(static_cast<size_t>(r) * stride_),
                  in_table(row + r), shape_.dim * 4);
  }

  void score_tile_against(Softmax& other, int rows) {
    score(tile_rows_.data(), rows, side_of(other).turned.at(0), padded_, shape_.dim,
          padded_ / kLanes, scores_.at(0), padded_);
  }

  float* scores(int row, int x) {
    return scores_.at(static_cast<size_t>(row) * padded_ + x);
  }

  void add_up_slice() {
    std::fill_n(tops_.at(0), all_, kLeast);
    std::memset(sums_.at(0), 0, static_cast<size_t>(all_) * 4);
    std::memset(slice_.at(0), 0, static_cast<size_t>(all_) * stride_ * 4);
    for (int64_t row = begin_; row < end_; row += kTile) {
      const int rows = static_cast<int>(std::min<int64_t>(kTile, end_ - row));
      copy_tile(row, rows);
      for (Softmax* other : group_.all) {
        if (!side_of(*other).count) continue;
        const int from = static_cast<int>(other->number_) * padded_;
        score_tile_against(*other, rows);
        for (int x = 0; x < padded_; x += kLanes) exponentials(rows, x, from + x);
        combine(tile_rows_.data(), rows, scores_.at(0), padded_, 1,
                slice_rows_.data() + from, side_of(*other).count, vectors_);
      }
    }
  }

  // Scores to exp(score - top) for hidden vectors `place` and on, under a new top.
  void exponentials(int rows, int x, int place) {
    const Vec before = load(tops_.at(place));
    Vec top = before;
    for (int r = 0; r < rows; ++r) top = larger(top, load(scores(r, x)));
    Vec total = load(sums_.at(place));
    const Vec scale = exponential(before - top);
    for (int k = 0; k < kLanes; ++k)
      if (scale[k] != 1.0f) scale_row(slice_rows_[place + k], scale[k]);
    total *= scale;
    for (int r = 0; r < rows; ++r) {
      const Vec e = exponential(load(scores(r, x)) - top);
      total += e;
      store(scores(r, x), e);
    }
    store(tops_.at(place), top);
    store(sums_.at(place), total);
  }

  void scale_row(float* row, float by) const {
    for (int v = 0; v < vectors_; ++v)
      store(row + v * kLanes, load(row + v * kLanes) * splat(by));
  }

  // This replica's log-sum-exps and gradients, from the sums of all slices.
  void normalise(float rate) {
    const int n = side().count;
    clear_gradients(n);
    for (int i = 0; i < padded_; ++i) *logs_.at(i) = *shares_.at(i) = 0.0f;
    for (int i = 0; i < n; ++i) {
      if (pairs(i) == 0.0f) continue;
      const size_t place = static_cast<size_t>(number_) * padded_ + i;
      float top = kLeast, total = 0.0f;
      for (const Softmax* other : group_.all) top = std::max(top, *other->tops_.at(place));
      for (const Softmax* other : group_.all)
        total += *other->sums_.at(place) * std::exp(*other->tops_.at(place) - top);
      *logs_.at(i) = top + std::log(total);
      *shares_.at(i) = -rate * pairs(i);
      for (const Softmax* other : group_.all)
        add_scaled(gradient_rows_[i],
                   *shares_.at(i) * std::exp(*other->tops_.at(place) - top) / total,
                   other->slice_rows_[place], vectors_);
    }
    for (const Target& target : side().targets) {
      const float* row = in_table(target.word);
      float* gradient = gradient_rows_[target.hidden];
      for (int d = 0; d < shape_.dim; ++d) gradient[d] += rate * row[d];
    }
  }

  void move_slice(float rate) {
    for (int64_t row = begin_; row < end_; row += kTile) {
      const int rows = static_cast<int>(std::min<int64_t>(kTile, end_ - row));
      copy_tile(row, rows);
      std::memset(moved_.at(0), 0, static_cast<size_t>(rows) * stride_ * 4);
      for (Softmax* other : group_.all) {
        const int n = side_of(*other).count;
        if (!n) continue;
        score_tile_against(*other, rows);
        for (int x = 0; x < padded_; x += kLanes) {
          const Vec log = load(other->logs_.at(x)), share = load(other->shares_.at(x));
          for (int r = 0; r < rows; ++r)
            store(scores(r, x), share * exponential(load(scores(r, x)) - log));
        }
        for (int i = 0; i < n; i += kHeld) {
          const int count = std::min(kHeld, n - i);
          for (int k = 0; k < count; ++k) sources_[k] = side_of(*other).row(i + k);
          combine(sources_.data(), count, scores(0, i), 1, padded_, moved_rows_.data(),
                  rows, vectors_);
        }
      }
      for (int r = 0; r < rows; ++r) {
        float* to = in_table(row + r);
        for (int d = 0; d < shape_.dim; ++d) to[d] += moved_rows_[r][d];
      }
    }
    for (Softmax* other : group_.all)
      for (const Target& target : side_of(*other).targets) {
        if (target.word < begin_ || target.word >= end_) continue;
        float* to = in_table(target.word);
        const float* hidden = side_of(*other).row(target.hidden);
        for (int d = 0; d < shape_.dim; ++d) to[d] += rate * hidden[d];
      }
  }

  float* in_table(int64_t word) { return table_ + word * shape_.dim; }

  void move_inputs(int64_t first) {
    const int n = side().count;
    if (shape_.cbow) {
      hand_back(n);
      return;
    }
    for (int i = 0; i < n; ++i)
      add_scaled(input(first + i), shape_.input_scale, gradient_rows_[i], vectors_);
  }

  Group& group_;
  const int64_t number_;
  float* const table_;
  const int64_t begin_, end_;
  const int all_;  // hidden vectors of all replicas
  Side sides_[2];
  int side_ = 0;
  std::vector<const float*> sources_, tile_rows_;
  std::vector<float*> moved_rows_, slice_rows_;
  Floats logs_, shares_, tops_, sums_, slice_, tile_, moved_, scores_;
};

}  // namespace w2v

#endif
