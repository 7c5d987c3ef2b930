// A block step of negative sampling (Mikolov et al. 2013b, eq. 4).
//
//     loss = sum_ij M_ij softplus(-z_ij) + (K / S) sum_i n_i sum_s softplus(z_is)
//
// as in w2v_jax/objectives/negative_sampling.py: all scores at the values the rows have
// before the step, then one step of every row.

#ifndef W2V_JAX_NEGATIVE_SAMPLING_H_
#define W2V_JAX_NEGATIVE_SAMPLING_H_

#include "block.h"
#include "noise.h"

namespace w2v {

class NegativeSampling : public Block {
 public:
  NegativeSampling(const Shape& shape, const Text& text, float* inputs, float* outputs,
                   int64_t words, Noise noise)
      : Block(shape, text, inputs, words),
        noise_(noise),
        out_(outputs, words, shape.dim,
             shape.every * (static_cast<int64_t>(shape.block) + shape.noise) +
                 2 * shape.window + static_cast<int64_t>(shape.pool)),
        wide_(rounded_up(2 * shape.window + kGroup, kLanes)),
        left_(rounded_up(2 * shape.window, kLanes)),
        width_(countable(rounded_up(left_ + columns_ + kGroup + wide_, kLanes), stride_)),
        starts_(width_, 1 << 30),
        stops_(width_, -1),
        targets_(columns_ + kGroup),
        around_(width_, zero_.at(0)),
        noise_rows_(shape.noise),
        turned_(static_cast<size_t>(stride_) * width_),
        near_(static_cast<size_t>(columns_ + kGroup) * width_),
        noisy_(static_cast<size_t>(countable(shape.noise, padded_)) * padded_),
        pairs_(padded_),
        dropped_(shape.rule.drops_targets
                     ? static_cast<size_t>(shape.noise) * padded_ : 0) {}

  static constexpr bool kTogether = false;  // each replica at its own pace

  std::vector<Rows*> rows() { return {&in_, &out_}; }

  // Fetches the rows of the steps [step, stop) whose centres are slots [begin, end).
  void fetch(int64_t begin, int64_t end, uint64_t step, uint64_t stop) {
    const int m = shape_.window;
    const int out = shape_.cbow ? 0 : m, in = m - out;
    use_inputs(begin - in, end + in);
    out_.begin();
    out_origin_ = begin - out;
    out_places_.assign(end - begin + 2 * out, -1);
    for (int64_t slot = begin - out; slot < end + out; ++slot)
      if (has(slot)) out_places_[slot - out_origin_] = out_.use(text_.tokens[slot]);
    draw_noise(step, stop);
    in_.fetch();
    out_.fetch();
  }

  // One step of `n` centres from slot `first`; `number` counts from the last fetch.
  bool step(int64_t first, int n, int number, float rate) {
    look(first, n);
    for (int s = 0; s < shape_.noise; ++s)
      noise_rows_[s] = out_.row(noise_places_[number * shape_.noise + s]);
    if (shape_.cbow)
      cbow(first, n, number, rate);
    else
      skipgram(first, n, number, rate);
    return true;
  }

 private:
  // Each step's own noise, or its choice from the pool of the round.
  void draw_noise(uint64_t step, uint64_t stop) {
    noise_places_.clear();
    const uint64_t begin = step * shape_.noise, end = stop * shape_.noise;
    if (!shape_.pool) {
      for (uint64_t draw = begin; draw < end; ++draw)
        noise_places_.push_back(out_.use(noise_.word(draw)));
      return;
    }
    pool_.clear();
    for (uint64_t draw = step * shape_.pool; pool_.size() < shape_.pool; ++draw)
      pool_.push_back(out_.use(noise_.word(draw)));
    for (uint64_t draw = begin; draw < end; ++draw) {
      const uint64_t choice = (noise_.bits(draw | kChoices) >> 32) * shape_.pool >> 32;
      noise_places_.push_back(pool_[choice]);
    }
  }

  static constexpr uint64_t kChoices = uint64_t{1} << 62;  // apart from all words
  static constexpr int kGroup = 6;  // columns scored against one range of centres

  float* output(int64_t slot) {
    const int32_t place = out_places_[slot - out_origin_];
    return place < 0 ? zero_.at(0) : out_.row(place);
  }

  // Counts for noise row s and hidden vector i the pairs whose target it is, so that
  // n_is = n_i less that.
  void drop_targets(int64_t first, int n, int number) {
    const int m = shape_.window, margin = shape_.cbow ? 0 : m;
    std::memset(dropped_.at(0), 0, static_cast<size_t>(shape_.noise) * padded_ * 4);
    const int32_t* noise = noise_places_.data() + number * shape_.noise;
    for (int c = m - margin; c < n + m + margin; ++c) {
      const int32_t target = out_place(first - m + c);
      for (int s = 0; s < shape_.noise && target >= 0; ++s) {
        if (noise[s] != target) continue;
        float* row = dropped_.at(static_cast<size_t>(s) * padded_);
        if (shape_.cbow) row[c - m] = *pairs_.at(c - m);
        for (int i = std::max(0, c - 2 * m); i <= std::min(c, n - 1) && margin; ++i)
          row[i] += i + m != c && low_[i] <= c && c <= high_[i];
      }
    }
  }

  // Factors of noise row s and hidden vector i: -rate (K / S) n_is slope(z_is).
  void score_noise(int64_t first, int n, int number, float rate) {
    const bool drops = shape_.rule.drops_targets;
    if (drops) drop_targets(first, n, number);
    turn(hidden_rows_.data(), padded_, vectors_, turned_.at(left_), width_);
    score(noise_rows_.data(), shape_.noise, turned_.at(left_), width_, shape_.dim,
          padded_ / kLanes, noisy_.at(0), padded_);
    for (int x = 0; x < padded_; x += kLanes) {
      const Vec pairs = load(pairs_.at(x)), each = splat(-rate * shape_.noise_weight);
      for (int s = 0; s < shape_.noise; ++s) {
        const size_t at = static_cast<size_t>(s) * padded_ + x;
        const Vec counted = drops ? pairs - load(dropped_.at(at)) : pairs;
        store(noisy_.at(at), counted * each * slope(load(noisy_.at(at))));
      }
    }
  }

  void cap_noise(int number, float terms) {
    for (int s = 0; s < shape_.noise; ++s)
      out_.count_terms(noise_places_[number * shape_.noise + s], terms);
  }

  void scale_noise(int number) {
    for (int s = 0; s < shape_.noise; ++s) {
      const float by = capped(out_.terms(noise_places_[number * shape_.noise + s]));
      for (int x = 0; x < padded_; ++x)
        *noisy_.at(static_cast<size_t>(s) * padded_ + x) *= by;
    }
  }

  void forget_noise(int number) {
    for (int s = 0; s < shape_.noise; ++s)
      out_.forget_terms(noise_places_[number * shape_.noise + s]);
  }

  float count_pairs(int n) {
    float total = 0.0f;
    for (int i = 0; i < padded_; ++i) *pairs_.at(i) = 0.0f;
    for (int i = 0; i < n; ++i) {
      *pairs_.at(i) = shape_.cbow ? many_[i] > 0 : many_[i];
      total += *pairs_.at(i);
    }
    return total;
  }

  void skipgram(int64_t first, int n, int number, float rate) {
    const int m = shape_.window, columns = n + 2 * m;
    for (int i = 0; i < padded_; ++i)
      hidden_rows_[i] = i < n ? input(first + i) : zero_.at(0);
    for (int c = 0; c < columns_ + kGroup; ++c)
      targets_[c] = c < columns ? output(first - m + c) : zero_.at(0);
    const float pairs = count_pairs(n);
    score_noise(first, n, number, rate);
    score_targets(n, columns, rate);
    clear_gradients(n);
    combine(noise_rows_.data(), shape_.noise, noisy_.at(0), padded_, 1,
            gradient_rows_.data(), n, vectors_);
    attract(n);
    if (shape_.row_cap > 0) cap_skipgram(first, n, number, pairs);
    combine(hidden_rows_.data(), n, noisy_.at(0), 1, padded_,
            const_cast<float* const*>(noise_rows_.data()), shape_.noise, vectors_);
    move_targets(columns);
    for (int i = 0; i < n; ++i)
      add_scaled(const_cast<float*>(hidden_rows_[i]), shape_.input_scale,
                 gradient_rows_[i], vectors_);
  }

  // The factor of column c and centre i: rate M_ic slope(-z_ic).
  float* factor(int c, int i) {
    return near_.at(static_cast<size_t>(c) * width_ + left_ + i);
  }

  // Scores groups of columns against the range of centres whose windows reach them.
  void score_targets(int n, int columns, float rate) {
    const int m = shape_.window;
    for (int x = 0; x < padded_; ++x) {
      starts_[left_ + x] = x < n ? low_[x] : 1 << 30;
      stops_[left_ + x] = x < n ? high_[x] : -1;
    }
    std::memset(near_.at(0), 0, static_cast<size_t>(columns) * width_ * 4);
    IntVec lane;
    for (int k = 0; k < kLanes; ++k) lane[k] = k;
    for (int c = 0; c < columns; c += kGroup)
      for (int x = c - 2 * m; x < c - 2 * m + wide_; x += kLanes) {
        float z[kGroup * kLanes];
        score_tile<kGroup, 1>(targets_.data() + c, turned_.at(left_ + x), width_,
                              shape_.dim, z, kLanes);
        IntVec start, stop;
        std::memcpy(&start, starts_.data() + left_ + x, sizeof start);
        std::memcpy(&stop, stops_.data() + left_ + x, sizeof stop);
        for (int k = 0; k < kGroup; ++k) {
          const IntVec in = (start <= c + k) & (stop >= c + k) & (lane + x != c + k - m);
          const Vec by = in ? splat(rate) : Vec{};
          store(factor(c + k, x), by * slope(-load(z + k * kLanes)));
        }
      }
  }

  // Adds the pull of the targets to the gradients of the centres.
  void attract(int n) {
    for (int i = 0; i < n; i += 3) {
      const int rows = std::min(3, n - i), count = 2 * shape_.window + rows;
      combine(targets_.data() + i, count, factor(i, i), width_, 1,
              gradient_rows_.data() + i, rows, vectors_);
    }
  }

  void move_targets(int columns) {
    const int m = shape_.window;
    std::copy(hidden_rows_.begin(), hidden_rows_.end(), around_.begin() + left_);
    for (int c = 0; c < columns; c += 3) {
      const int rows = std::min(3, columns - c), count = 2 * m + rows;
      combine(around_.data() + left_ + c - 2 * m, count, factor(c, c - 2 * m), 1,
              width_, const_cast<float* const*>(targets_.data()) + c, rows, vectors_);
    }
  }

  void cap_skipgram(int64_t first, int n, int number, float pairs) {
    const int m = shape_.window;
    cap_noise(number, shape_.noise_weight * pairs);
    for (int i = 0; i < n; ++i)
      for (int c = low_[i]; c <= high_[i]; ++c)
        if (c != i + m) out_.count_terms(out_place(first - m + c), 1.0f);
    scale_noise(number);
    for (int i = 0; i < n; ++i)
      for (int c = low_[i]; c <= high_[i]; ++c)
        if (c != i + m) *factor(c, i) *= capped(out_.terms(out_place(first - m + c)));
    forget_noise(number);
    for (int c = 0; c < n + 2 * m; ++c)
      if (out_place(first - m + c) >= 0) out_.forget_terms(out_place(first - m + c));
  }

  int32_t out_place(int64_t slot) const { return out_places_[slot - out_origin_]; }

  void cbow(int64_t first, int n, int number, float rate) {
    average(first, n);
    const float pairs = count_pairs(n);
    score_noise(first, n, number, rate);
    clear_gradients(n);
    combine(noise_rows_.data(), shape_.noise, noisy_.at(0), padded_, 1,
            gradient_rows_.data(), n, vectors_);
    for (int i = 0; i < n; ++i) {
      targets_[i] = output(first + i);
      const float z = dot(targets_[i], hidden_rows_[i], vectors_);
      store(near_.at(i), slope(splat(-z)) * splat(rate * *pairs_.at(i)));
      add_scaled(gradient_rows_[i], *near_.at(i), targets_[i], vectors_);
    }
    if (shape_.row_cap > 0) cap_cbow(first, n, number, pairs);
    combine(hidden_rows_.data(), n, noisy_.at(0), 1, padded_,
            const_cast<float* const*>(noise_rows_.data()), shape_.noise, vectors_);
    for (int i = 0; i < n; ++i)
      add_scaled(const_cast<float*>(targets_[i]), *near_.at(i), hidden_rows_[i],
                 vectors_);
    hand_back(n);
  }

  void cap_cbow(int64_t first, int n, int number, float pairs) {
    cap_noise(number, shape_.noise_weight * pairs);
    for (int i = 0; i < n; ++i)
      out_.count_terms(out_place(first + i), *pairs_.at(i));
    scale_noise(number);
    for (int i = 0; i < n; ++i)
      *near_.at(i) *= capped(out_.terms(out_place(first + i)));
    forget_noise(number);
    for (int i = 0; i < n; ++i) out_.forget_terms(out_place(first + i));
  }

  Noise noise_;
  Rows out_;
  const int wide_, left_, width_;
  int64_t out_origin_ = 0;
  std::vector<int32_t> out_places_, noise_places_, pool_;
  std::vector<int32_t> starts_, stops_;
  std::vector<const float*> targets_, around_;
  std::vector<float*> noise_rows_;
  Floats turned_, near_, noisy_, pairs_, dropped_;
};

}  // namespace w2v

#endif
