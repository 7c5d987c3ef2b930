// What the steps of both objectives share: the text of a block, its windows, its rows.
//
// A block has T centres; column c is the token m - c before the first of them, so that
// centre i is column i + m and its window lies in columns i to i + 2 m.

#ifndef W2V_JAX_BLOCK_H_
#define W2V_JAX_BLOCK_H_

#include <vector>

#include "products.h"
#include "rows.h"

namespace w2v {

// What is propagated in place of the gradient, as in w2v_jax/deviations.py.
struct Rule {
  enum { kExact, kSaturates, kSkips };
  int beyond;          // what becomes of scores at the limit and beyond
  float limit;
  bool divides;        // whether a context word's share of the error is 1 / C of it
  bool drops_targets;  // whether noise that is the target has no gradient
};

// The numbers of a run that a step needs; the letters are those of the package.
struct Shape {
  int dim, window, block, noise;  // D, m, T, S
  int every, replicas;            // steps between meetings, R
  size_t pool;                    // noise rows that the steps of a round share, or 0
  bool cbow, average;
  float noise_weight;  // K / S
  float row_cap, input_scale;
  Rule rule;
};

// A chunk's kept tokens, m slots from the left; `sentences` may be null.
struct Text {
  const int32_t* tokens;
  const int32_t* reach;
  const int32_t* sentences;
  int64_t count;
};

class Block {
 public:
  Block(const Shape& shape, const Text& text, float* inputs, int64_t words)
      : shape_(shape),
        text_(text),
        in_(inputs, words, shape.dim,
            static_cast<int64_t>(shape.every) * shape.block + 2 * shape.window),
        stride_(in_.stride()),
        vectors_(stride_ / kLanes),
        columns_(shape.block + 2 * shape.window),
        padded_(rounded_up(shape.block, kLanes)),
        low_(shape.block),
        high_(shape.block),
        many_(shape.block),
        in_rows_(columns_),
        hidden_rows_(padded_),
        gradient_rows_(columns_),
        sums_(shape.block),
        hidden_(static_cast<size_t>(shape.block) * stride_),
        gradient_(static_cast<size_t>(columns_) * stride_),
        zero_(stride_),
        shares_(shape.cbow ? static_cast<size_t>(countable(columns_, padded_)) * padded_
                           : 0) {
    for (int c = 0; c < columns_; ++c)
      gradient_rows_[c] = gradient_.at(static_cast<size_t>(c) * stride_);
    for (int i = 0; i < shape.block; ++i)
      sums_[i] = hidden_.at(static_cast<size_t>(i) * stride_);
  }

 protected:
  bool has(int64_t slot) const {
    return slot >= shape_.window && slot < shape_.window + text_.count;
  }

  // Names the input rows of the slots [begin, end).
  void use_inputs(int64_t begin, int64_t end) {
    in_.begin();
    origin_ = begin;
    in_places_.assign(end - begin, -1);
    for (int64_t slot = begin; slot < end; ++slot)
      if (has(slot)) in_places_[slot - begin] = in_.use(text_.tokens[slot]);
  }

  // The copy of a slot's input row; -1 where the slot holds no word.
  int32_t place(int64_t slot) const { return in_places_[slot - origin_]; }

  float* input(int64_t slot) {
    return place(slot) < 0 ? zero_.at(0) : in_.row(place(slot));
  }

  // The windows of `n` centres from slot `first`: columns low to high, and how many.
  void look(int64_t first, int n) {
    for (int i = 0; i < n; ++i) {
      const int64_t centre = first + i;
      const int64_t least = std::max<int64_t>(centre - text_.reach[centre],
                                              shape_.window);
      const int64_t most = std::min<int64_t>(centre + text_.reach[centre],
                                             shape_.window + text_.count - 1);
      int64_t low = least, high = most;
      if (text_.sentences) {
        const int32_t mine = text_.sentences[centre];
        for (low = centre; low > least && text_.sentences[low - 1] == mine;) --low;
        for (high = centre; high < most && text_.sentences[high + 1] == mine;) ++high;
      }
      const int64_t column = first - shape_.window;
      low_[i] = static_cast<int>(low - column);
      high_[i] = static_cast<int>(high - column);
      many_[i] = high_[i] - low_[i];
    }
  }

  // hidden_i = the average, or the sum, of the context's input vectors.
  void average(int64_t first, int n) {
    const int m = shape_.window;
    for (int c = 0; c < n + 2 * m; ++c) in_rows_[c] = input(first - m + c);
    std::fill_n(hidden_rows_.begin(), padded_, zero_.at(0));
    for (int i = 0; i < n; ++i) hidden_rows_[i] = sums_[i];
    std::memset(hidden_.at(0), 0, static_cast<size_t>(n) * stride_ * 4);
    std::memset(shares_.at(0), 0, static_cast<size_t>(n + 2 * m) * padded_ * 4);
    for (int i = 0; i < n; ++i) {
      for (int c = low_[i]; c <= high_[i]; ++c) *share_of(c, i) = share(i);
      *share_of(i + m, i) = 0.0f;
    }
    for (int i = 0; i < n; i += 3) {
      const int rows = std::min(3, n - i);
      combine(in_rows_.data() + i, 2 * m + rows, share_of(i, i), padded_, 1,
              sums_.data() + i, rows, vectors_);
    }
  }

  // The weight of column c in hidden vector i.
  float* share_of(int c, int i) {
    return shares_.at(static_cast<size_t>(c) * padded_ + i);
  }

  float share(int i) const { return shape_.average ? 1.0f / many_[i] : 1.0f; }

  // The derivative of softplus at z, by the rule.
  Vec slope(Vec z) const {
    const Rule& rule = shape_.rule;
    const Vec exact = logistic(z), limit = splat(rule.limit);
    if (rule.beyond == Rule::kExact) return exact;
    if (rule.beyond == Rule::kSkips) return (z < limit) & (z > -limit) ? exact : Vec{};
    return z > limit ? splat(1.0f) : z < -limit ? Vec{} : exact;
  }

  // Hands each hidden vector's gradient to the context words behind it.
  void hand_back(int n) {
    const int m = shape_.window, columns = n + 2 * m;
    for (int i = 0; i < n; ++i)
      if (many_[i])
        scale(gradient_rows_[i], back(i) / share(i) * shape_.input_scale, vectors_);
    for (int c = 0; c < columns; c += 3) {
      const int rows = std::min(3, columns - c), from = std::max(0, c - 2 * m);
      const int count = std::min(n, c + rows) - from;
      combine(gradient_rows_.data() + from, count, share_of(c, from), 1, padded_,
              const_cast<float* const*>(in_rows_.data()) + c, rows, vectors_);
    }
  }

  // The part of its error that hidden vector i hands to each of its words.
  float back(int i) const { return shape_.rule.divides ? 1.0f / many_[i] : 1.0f; }

  void clear_gradients(int rows) {
    std::memset(gradient_.at(0), 0, static_cast<size_t>(rows) * stride_ * 4);
  }

  // min(1, cap / pair terms); noise may count for less than one pair, but as one.
  float capped(float terms) const {
    return std::min(1.0f, shape_.row_cap / std::max(terms, 1.0f));
  }

  const Shape shape_;
  const Text text_;
  Rows in_;
  const int stride_, vectors_, columns_, padded_;
  int64_t origin_ = 0;
  std::vector<int32_t> in_places_;
  std::vector<int> low_, high_, many_;
  std::vector<const float*> in_rows_, hidden_rows_;
  std::vector<float*> gradient_rows_, sums_;
  Floats hidden_, gradient_, zero_, shares_;
};

}  // namespace w2v

#endif
