// A replica's slice of an output table in which every row moves in every step.
//
// The slice is taken twice past the hidden vectors of all replicas, a tile of rows at a
// time. First it adds up
//
//     Z_i = sum_v exp(z_iv - m_i),     a_i = sum_v exp(z_iv - m_i) u_v
//
// m_i being the largest score so far; what was summed below a smaller one is scaled.
// From the sums of all slices come the log-sum-exps, and row v moves by
// sum_i share_i exp(z_iv - logsumexp_i) hidden_i. The exponentials of the last tiles, as
// many as kKept holds, are kept from the first time, the others worked out again: where
// all are kept a hidden vector costs 6 V D operations, otherwise up to 8 V D.

#ifndef W2V_JAX_SLICE_H_
#define W2V_JAX_SLICE_H_

#include <algorithm>
#include <limits>
#include <vector>

#include "products.h"

// Tests make both small.
#if !defined(W2V_JAX_TILE)
#define W2V_JAX_TILE 64
#endif
#if !defined(W2V_JAX_KEPT)
#define W2V_JAX_KEPT (8 << 20)
#endif

namespace w2v {

// The hidden vectors of one replica in a step, and what they predict.
struct Hidden {
  struct Target {
    int hidden;
    int32_t word;
  };

  // Room for so many, a multiple of the lanes, of so many floats.
  Hidden(int most, int wide)
      : stride(wide),
        rows(static_cast<size_t>(most) * wide),
        turned(static_cast<size_t>(most) * wide),
        logs(most),
        shares(most) {}

  float* row(int i) { return rows.at(static_cast<size_t>(i) * stride); }
  const float* row(int i) const { return rows.at(static_cast<size_t>(i) * stride); }

  const int stride;
  int count = 0;
  Floats rows, turned;  // the second feature by feature
  std::vector<Target> targets;
  Floats logs, shares;  // logsumexp_i, -rate n_i; zero beyond `count`
};

class Slice {
 public:
  // Rows [begin, end) of a table, for `replicas` times `room` hidden vectors.
  // A row moves by min(1, cap / the pairs that it is the target of); 0: without a cap.
  Slice(float* table, int64_t begin, int64_t end, int dim, int replicas, int room,
        float cap)
      : table_(table),
        begin_(begin),
        end_(end),
        dim_(dim),
        stride_(rounded_up(dim, kLanes)),
        vectors_(stride_ / kLanes),
        room_(room),
        cap_(cap),
        all_(replicas * countable(room, std::max(replicas * stride_, kTile))),
        per_tile_(static_cast<size_t>(kTile) * all_),
        tiles_((end - begin + kTile - 1) / kTile),
        first_kept_(tiles_ - std::min<int64_t>(tiles_, kKept / per_tile_)),
        sources_(kHeld),
        tops_(all_),
        sums_(all_),
        sum_(static_cast<size_t>(all_) * stride_),
        tile_(static_cast<size_t>(kTile) * stride_),
        moved_(static_cast<size_t>(kTile) * stride_),
        scores_((tiles_ - first_kept_ + 1) * per_tile_),
        kept_tops_((tiles_ - first_kept_ + 1) * all_),
        targeted_(cap > 0 ? end - begin : 0) {
    for (int r = 0; r < kTile; ++r) {
      tile_rows_.push_back(tile_.at(static_cast<size_t>(r) * stride_));
      moved_rows_.push_back(moved_.at(static_cast<size_t>(r) * stride_));
    }
    for (int i = 0; i < all_; ++i)
      sum_rows_.push_back(sum_.at(static_cast<size_t>(i) * stride_));
  }

  // m_i, Z_i and a_i of hidden vector i of a replica.
  float top(int replica, int i) const { return *tops_.at(replica * room_ + i); }
  float total(int replica, int i) const { return *sums_.at(replica * room_ + i); }
  const float* sum(int replica, int i) const { return sum_rows_[replica * room_ + i]; }

  void add_up(const std::vector<const Hidden*>& hidden) {
    std::fill_n(tops_.at(0), all_, kLeast);
    std::memset(sums_.at(0), 0, static_cast<size_t>(all_) * 4);
    std::memset(sum_.at(0), 0, static_cast<size_t>(all_) * stride_ * 4);
    for (int64_t tile = 0; tile < tiles_; ++tile) {
      const int rows = copy(tile);
      for (size_t k = 0; k < hidden.size(); ++k) {
        if (!hidden[k]->count) continue;
        float* scores = scores_of(tile, k);
        const int from = static_cast<int>(k) * room_;
        score_against(*hidden[k], rows, scores);
        for (int x = 0; x < room_; x += kLanes)
          exponentials(rows, scores + x, from + x);
        combine(tile_rows_.data(), rows, scores, room_, 1, sum_rows_.data() + from,
                hidden[k]->count, vectors_);
      }
      std::memcpy(kept_tops_.at(place(tile) * all_), tops_.at(0), all_ * 4);
    }
  }

  // Moves the rows, and towards those who predict them.
  void move(const std::vector<const Hidden*>& hidden, float rate) {
    if (cap_ > 0)
      for_targets(hidden, [&](int32_t word, const float*) {
        *targeted_.at(word - begin_) += 1.0f;
      });
    // The last tiles first: they may still be in a cache.
    for (int64_t tile = tiles_ - 1; tile >= 0; --tile) {
      const bool is_kept = tile >= first_kept_;
      const int rows = is_kept ? rows_of(tile) : copy(tile);
      std::memset(moved_.at(0), 0, static_cast<size_t>(rows) * stride_ * 4);
      for (size_t k = 0; k < hidden.size(); ++k) {
        if (!hidden[k]->count) continue;
        float* scores = scores_of(tile, k);
        if (is_kept) {
          weigh_kept(*hidden[k], rows, scores, kept_tops_.at(place(tile) * all_) +
                                                   k * room_);
        } else {
          score_against(*hidden[k], rows, scores);
          weigh(*hidden[k], rows, scores);
        }
        for (int i = 0; i < hidden[k]->count; i += kHeld) {
          const int count = std::min(kHeld, hidden[k]->count - i);
          for (int x = 0; x < count; ++x) sources_[x] = hidden[k]->row(i + x);
          combine(sources_.data(), count, scores + i, 1, room_, moved_rows_.data(), rows,
                  vectors_);
        }
      }
      for (int r = 0; r < rows; ++r) {
        const int64_t word = begin_ + tile * kTile + r;
        add(word, share(word), moved_rows_[r]);
      }
    }
    for_targets(hidden, [&](int32_t word, const float* vector) {
      add(word, rate * share(word), vector);
    });
    if (cap_ > 0)
      for_targets(hidden, [&](int32_t word, const float*) {
        *targeted_.at(word - begin_) = 0.0f;
      });
  }

 private:
  static constexpr int kTile = W2V_JAX_TILE;  // rows scored together
  static constexpr int kHeld = 64;  // hidden vectors that fit a core beside them
  static constexpr size_t kKept = W2V_JAX_KEPT;  // exponentials: 32 MiB
  static constexpr float kLeast = -std::numeric_limits<float>::max();

  // Calls with every target among these rows and the hidden vector that predicts it.
  template <class Call>
  void for_targets(const std::vector<const Hidden*>& hidden, Call call) const {
    for (const Hidden* mine : hidden)
      for (const Hidden::Target& target : mine->targets)
        if (target.word >= begin_ && target.word < end_)
          call(target.word, mine->row(target.hidden));
  }

  // The part of its change that a row takes.
  float share(int64_t word) const {
    if (cap_ <= 0) return 1.0f;
    return std::min(1.0f, cap_ / std::max(*targeted_.at(word - begin_), 1.0f));
  }

  float* in_table(int64_t word) { return table_ + word * dim_; }

  void add(int64_t word, float by, const float* change) {
    float* row = in_table(word);
    for (int d = 0; d < dim_; ++d) row[d] += by * change[d];
  }

  int rows_of(int64_t tile) const {
    return static_cast<int>(std::min<int64_t>(kTile, end_ - begin_ - tile * kTile));
  }

  // Copies a tile to where its rows are padded; how many there are.
  int copy(int64_t tile) {
    const int rows = rows_of(tile);
    for (int r = 0; r < rows; ++r)
      std::memcpy(tile_.at(static_cast<size_t>(r) * stride_),
                  in_table(begin_ + tile * kTile + r), dim_ * 4);
    return rows;
  }

  // Where a tile is kept; 0 is for those that are not.
  int64_t place(int64_t tile) const {
    return std::max<int64_t>(0, tile - first_kept_ + 1);
  }

  // A tile's scores against replica k's hidden vectors: `room_` for every row.
  float* scores_of(int64_t tile, size_t k) {
    return scores_.at(place(tile) * per_tile_ + k * kTile * room_);
  }

  void score_against(const Hidden& hidden, int rows, float* scores) {
    score(tile_rows_.data(), rows, hidden.turned.at(0), room_, dim_, room_ / kLanes,
          scores, room_);
  }

  // Scores to exp(score - top) for hidden vectors `from` and on, under a new top.
  void exponentials(int rows, float* scores, int from) {
    const Vec before = load(tops_.at(from));
    Vec top = before;
    for (int r = 0; r < rows; ++r) top = larger(top, load(scores + r * room_));
    const Vec scale = exponential(before - top);
    for (int k = 0; k < kLanes; ++k)
      if (scale[k] != 1.0f) scale_row(sum_rows_[from + k], scale[k]);
    Vec total = load(sums_.at(from)) * scale;
    for (int r = 0; r < rows; ++r) {
      const Vec e = exponential(load(scores + r * room_) - top);
      total += e;
      store(scores + r * room_, e);
    }
    store(tops_.at(from), top);
    store(sums_.at(from), total);
  }

  void scale_row(float* row, float by) const {
    for (int v = 0; v < vectors_; ++v)
      store(row + v * kLanes, load(row + v * kLanes) * splat(by));
  }

  // Scores to share_i exp(score - logsumexp_i).
  void weigh(const Hidden& hidden, int rows, float* scores) const {
    for (int x = 0; x < room_; x += kLanes) {
      const Vec log = load(hidden.logs.at(x)), share = load(hidden.shares.at(x));
      for (int r = 0; r < rows; ++r) {
        float* at = scores + r * room_ + x;
        store(at, share * exponential(load(at) - log));
      }
    }
  }

  // The same of exp(score - top), the top being that of the time.
  void weigh_kept(const Hidden& hidden, int rows, float* scores,
                  const float* tops) const {
    for (int x = 0; x < room_; x += kLanes) {
      const Vec by = load(hidden.shares.at(x)) *
                     exponential(load(tops + x) - load(hidden.logs.at(x)));
      for (int r = 0; r < rows; ++r) {
        float* at = scores + r * room_ + x;
        store(at, by * load(at));
      }
    }
  }

  float* const table_;
  const int64_t begin_, end_;
  const int dim_, stride_, vectors_, room_;
  const float cap_;
  const int all_;  // hidden vectors of all replicas
  const size_t per_tile_;  // scores
  const int64_t tiles_, first_kept_;
  std::vector<const float*> sources_, tile_rows_;
  std::vector<float*> moved_rows_, sum_rows_;
  Floats tops_, sums_, sum_, tile_, moved_, scores_, kept_tops_;
  Floats targeted_;  // pairs of the step that each row is the target of
};

}  // namespace w2v

#endif
