// A step of full softmax, of all replicas together.
//
//     loss = sum_i n_i logsumexp_v <hidden_i, u_v> - sum_ij M_ij <hidden_i, u_j>
//
// as in w2v_jax/objectives/softmax.py. Every row of the output table moves in every
// step, so that table has no copies: each replica owns a slice of its rows (slice.h) for
// the hidden vectors of all, and all wait for each other three times a step.

#ifndef W2V_JAX_SOFTMAX_H_
#define W2V_JAX_SOFTMAX_H_

#include <cmath>

#include "block.h"
#include "meeting.h"
#include "slice.h"

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
        number_(static_cast<int>(group->all.size())),
        outputs_(outputs),
        slice_(outputs, words * number_ / shape.replicas,
               words * (number_ + 1) / shape.replicas, shape.dim, shape.replicas,
               padded_, shape.row_cap),
        sides_{{padded_, stride_}, {padded_, stride_}} {
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
    side_ ^= 1;  // others may still read the hidden vectors of the step before
    hold(first, n);
    if (!group_.meeting.wait()) return false;
    std::vector<const Hidden*> hidden;
    for (const Softmax* other : group_.all) hidden.push_back(&other->sides_[side_]);
    slice_.add_up(hidden);
    if (!group_.meeting.wait()) return false;
    normalise(rate);
    if (!group_.meeting.wait()) return false;
    slice_.move(hidden, rate);
    move_inputs(first, n);
    return true;
  }

 private:
  // Lays out the block's hidden vectors and their targets for all to see.
  void hold(int64_t first, int n) {
    Hidden& mine = sides_[side_];
    mine.count = n;
    mine.targets.clear();
    if (!n) return;  // its text has ended: no slot around `first` has been fetched
    look(first, n);
    if (shape_.cbow) {
      average(first, n);
    } else {
      for (int i = 0; i < padded_; ++i)
        hidden_rows_[i] = i < n ? input(first + i) : zero_.at(0);
    }
    for (int i = 0; i < n; ++i) std::memcpy(mine.row(i), hidden_rows_[i], stride_ * 4);
    turn(hidden_rows_.data(), padded_, vectors_, mine.turned.at(0), padded_);
    for (int i = 0; i < n; ++i) {
      const int own = i + shape_.window;
      if (!many_[i]) continue;
      if (shape_.cbow) mine.targets.push_back({i, text_.tokens[first + i]});
      for (int c = low_[i]; c <= high_[i] && !shape_.cbow; ++c)
        if (c != own) mine.targets.push_back({i, text_.tokens[first + c - shape_.window]});
    }
  }

  // The log-sum-exps and gradients of this replica, from the sums of all slices.
  void normalise(float rate) {
    Hidden& mine = sides_[side_];
    clear_gradients(mine.count);
    std::memset(mine.logs.at(0), 0, padded_ * 4);
    std::memset(mine.shares.at(0), 0, padded_ * 4);
    for (int i = 0; i < mine.count; ++i) {
      if (!many_[i]) continue;
      float top = slice_.top(number_, i), total = 0.0f;
      for (const Softmax* other : group_.all)
        top = std::max(top, other->slice_.top(number_, i));
      auto weight = [&](const Slice& slice) {
        return std::exp(slice.top(number_, i) - top);
      };
      for (const Softmax* other : group_.all)
        total += other->slice_.total(number_, i) * weight(other->slice_);
      *mine.logs.at(i) = top + std::log(total);
      *mine.shares.at(i) = -rate * static_cast<float>(shape_.cbow ? 1 : many_[i]);
      for (const Softmax* other : group_.all)
        add_scaled(gradient_rows_[i],
                   *mine.shares.at(i) * weight(other->slice_) / total,
                   other->slice_.sum(number_, i), vectors_);
    }
    for (const Hidden::Target& target : mine.targets) {
      const float* row = outputs_ + static_cast<int64_t>(target.word) * shape_.dim;
      float* gradient = gradient_rows_[target.hidden];
      for (int d = 0; d < shape_.dim; ++d) gradient[d] += rate * row[d];
    }
  }

  void move_inputs(int64_t first, int n) {
    if (!n) return;
    if (shape_.cbow) {
      hand_back(n);
      return;
    }
    const bool capped_rows = shape_.row_cap > 0;
    for (int i = 0; i < n && capped_rows; ++i)
      in_.count_terms(place(first + i), static_cast<float>(many_[i]));
    for (int i = 0; i < n; ++i) {
      const float by = capped_rows ? capped(in_.terms(place(first + i))) : 1.0f;
      add_scaled(input(first + i), by * shape_.input_scale, gradient_rows_[i], vectors_);
    }
    for (int i = 0; i < n && capped_rows; ++i) in_.forget_terms(place(first + i));
  }

  Group& group_;
  const int number_;
  const float* const outputs_;
  Slice slice_;
  Hidden sides_[2];
  int side_ = 0;
};

}  // namespace w2v

#endif
