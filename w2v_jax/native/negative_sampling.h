// A block step of negative sampling (Mikolov et al. 2013b, eq. 4).
//
//     loss = sum_ij M_ij softplus(-z_ij) + (K / S) sum_i n_i sum_s softplus(z_is)
//
// as in w2v_jax/objectives/negative_sampling.py: all scores at the values the rows have
// before the step, then one step of every row.

#ifndef W2V_JAX_NEGATIVE_SAMPLING_H_
#define W2V_JAX_NEGATIVE_SAMPLING_H_

#include "block.h"
#include "few.h"
#include "noise.h"

namespace w2v {

class NegativeSampling : public Block {
 public:
  NegativeSampling(const Shape& shape, const Text& text, float* inputs, float* outputs,
                   int64_t words, Noise noise)
      : Block(shape, text, inputs, words),
        draws_(noise, shape.noise, shape.pool),
        out_(outputs, words, shape.dim,
             shape.every * (static_cast<int64_t>(shape.block) + shape.noise) +
                 2 * shape.window + static_cast<int64_t>(shape.pool)),
        few_(shape.block <= kFew),
        lanes_(few_ ? kFew : padded_),
        places_(std::max(lanes_, kLanes)),
        noise_at_(shape.cbow ? 0 : rounded_up(columns_, 2)),
        scored_(noise_at_ + rounded_up(shape.noise, 2), zero_.at(0)),
        cbow_targets_(shape.cbow ? shape.block : 0),
        targets_(shape.cbow ? cbow_targets_.data() : scored_.data()),
        noise_rows_(scored_.data() + noise_at_),
        starts_(places_),
        stops_(places_),
        owns_(places_),
        turned_(static_cast<size_t>(stride_) * countable(lanes_, stride_)),
        scores_(static_cast<size_t>(countable(scored_.size(), lanes_)) * lanes_),
        pulls_(padded_),
        pairs_(places_),
        dropped_(shape.rule.drops_targets ? scored_.size() * lanes_ : 0) {
    for (int at = 0; at < places_; ++at)
      owns_[at] = at % lanes_ + shape.window - at / lanes_;
  }

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
    draws_.draw(out_, step, stop);
    in_.fetch();
    out_.fetch();
  }

  // One step of `n` centres from slot `first`; `number` counts from the last fetch.
  bool step(int64_t first, int n, int number, float rate) {
    look(first, n);
    noise_ = draws_.of(number);
    for (int s = 0; s < shape_.noise; ++s) noise_rows_[s] = out_.row(noise_[s]);
    shape_.cbow ? cbow(first, n, rate) : skipgram(first, n, rate);
    return true;
  }

 private:
  int32_t out_place(int64_t slot) const { return out_places_[slot - out_origin_]; }
  float* output(int64_t slot) {
    return out_place(slot) < 0 ? zero_.at(0) : out_.row(out_place(slot));
  }

  static constexpr int kGroup = 8;  // columns scored against one range of centres

  // The scores, then the factors, of a row of `scored_` and every hidden vector.
  float* factors(int row) { return scores_.at(static_cast<size_t>(row) * lanes_); }
  float* noisy(int s) { return factors(noise_at_ + s); }

  // Scores noise against every hidden vector and a target against those near it.
  void score_all(int columns) {
    if (few_) {
      turn_few(hidden_rows_.data(), vectors_, turned_.at(0));
      score_few(scored_.data(), scored_.size(), turned_.at(0), shape_.dim, factors(0));
      return;
    }
    turn(hidden_rows_.data(), lanes_, vectors_, turned_.at(0), lanes_);
    score(noise_rows_, shape_.noise, turned_.at(0), lanes_, shape_.dim, lanes_ / kLanes,
          noisy(0), lanes_);
    for (int c = 0; c < columns; c += kGroup) {
      const int x = begin_near(c), wide = (end_near(c) - x) / kLanes;
      score(targets_ + c, std::min(kGroup, columns - c), turned_.at(x), lanes_,
            shape_.dim, wide, factors(c) + x, lanes_);
    }
  }

  // The places that hold what a group of columns from c on is to the centres near it:
  // those whose windows may reach it, and two more, since three are moved at a time.
  int begin_near(int c) const {
    return std::max(0, c - 2 * shape_.window - 2) / kLanes * kLanes;
  }
  int end_near(int c) const {
    return std::min(places_, rounded_up(c + kGroup + 2, kLanes));
  }

  // Counts for noise row s and hidden vector i the pairs whose target it is, so that
  // n_is = n_i less that.
  void count_dropped(int64_t first, int n) {
    const int m = shape_.window, margin = shape_.cbow ? 0 : m;
    std::memset(dropped_.at(0), 0, static_cast<size_t>(shape_.noise) * lanes_ * 4);
    for (int c = m - margin; c < n + m + margin; ++c) {
      const int32_t target = out_place(first - m + c);
      for (int s = 0; s < shape_.noise && target >= 0; ++s) {
        if (noise_[s] != target) continue;
        float* row = dropped_.at(static_cast<size_t>(s) * lanes_);
        if (shape_.cbow) row[c - m] = *pairs_.at(c - m);
        for (int i = std::max(0, c - 2 * m); i <= std::min(c, n - 1) && margin; ++i)
          row[i] += i + m != c && low_[i] <= c && c <= high_[i];
      }
    }
  }

  // Factors of noise row s and hidden vector i: -rate (K / S) n_is slope(z_is).
  void repel(int64_t first, int n, float rate) {
    if (shape_.rule.drops_targets) count_dropped(first, n);
    const Vec each = splat(-rate * shape_.noise_weight);
    for (int x = 0; x < places_; x += kLanes) {
      const Vec pairs = load(pairs_.at(x));
      for (int s = 0; s < shape_.noise; s += places_ / lanes_) {
        float* place = noisy(s) + x;
        Vec counted = pairs;
        if (shape_.rule.drops_targets) counted -= load(dropped_.at(place - noisy(0)));
        store(place, counted * each * slope(load(place)));
      }
    }
  }

  void cap_noise(float terms) {
    for (int s = 0; s < shape_.noise; ++s) out_.count_terms(noise_[s], terms);
  }

  void scale_noise() {
    for (int s = 0; s < shape_.noise; ++s) {
      const float by = capped(out_.terms(noise_[s]));
      for (int i = 0; i < lanes_; ++i) noisy(s)[i] *= by;
    }
  }

  void forget_noise() {
    for (int s = 0; s < shape_.noise; ++s) out_.forget_terms(noise_[s]);
  }

  float count_pairs(int n) {
    float total = 0.0f;
    for (int i = 0; i < lanes_; ++i) {
      const float pairs = i < n ? shape_.cbow ? many_[i] > 0 : many_[i] : 0;
      total += *pairs_.at(i) = pairs;
    }
    if (few_) std::copy_n(pairs_.at(0), lanes_, pairs_.at(lanes_));
    return total;
  }

  void skipgram(int64_t first, int n, float rate) {
    const int m = shape_.window, columns = n + 2 * m;
    for (int i = 0; i < lanes_; ++i)
      hidden_rows_[i] = i < n ? input(first + i) : zero_.at(0);
    for (int c = 0; c < columns_; ++c)
      targets_[c] = c < columns ? output(first - m + c) : zero_.at(0);
    const float pairs = count_pairs(n);
    score_all(columns);
    attract(n, columns, rate);
    repel(first, n, rate);
    clear_gradients(n);
    combine(noise_rows_, shape_.noise, noisy(0), lanes_, 1, gradient_rows_.data(), n,
            vectors_);
    for (int i = 0; i < n; i += 3) {
      const int rows = std::min(3, n - i), count = 2 * m + rows;
      combine(targets_ + i, count, factors(i) + i, lanes_, 1, gradient_rows_.data() + i,
              rows, vectors_);
    }
    if (shape_.row_cap > 0) cap_skipgram(first, n, pairs);
    combine(hidden_rows_.data(), n, noisy(0), 1, lanes_,
            const_cast<float* const*>(noise_rows_), shape_.noise, vectors_);
    move_targets(n, columns);
    for (int i = 0; i < n; ++i)
      add_scaled(const_cast<float*>(hidden_rows_[i]), shape_.input_scale,
                 gradient_rows_[i], vectors_);
  }

  // Factors of column c and centre i: rate M_ic slope(-z_ic).
  void attract(int n, int columns, float rate) {
    std::fill_n(stops_.begin(), places_, -1);
    for (int i = 0; i < n; ++i) {
      starts_[i] = low_[i];
      stops_[i] = high_[i];
      if (!few_) continue;
      starts_[lanes_ + i] = low_[i] - 1;  // the second row is a column further
      stops_[lanes_ + i] = high_[i] - 1;
    }
    for (int group = 0; group < columns; group += kGroup)
      for (int x = begin_near(group); x < end_near(group); x += kLanes) {
        IntVec start, stop, own;
        std::memcpy(&start, starts_.data() + x, sizeof start);
        std::memcpy(&stop, stops_.data() + x, sizeof stop);
        std::memcpy(&own, owns_.data() + x, sizeof own);
        const int end = std::min(columns, group + kGroup);
        for (int c = group; c < end; c += places_ / lanes_) {
          const IntVec in = (start <= c) & (stop >= c) & (own != c);
          float* place = factors(c) + x;
          store(place, (in ? splat(rate) : Vec{}) * slope(-load(place)));
        }
      }
  }

  // Each target moves towards the centres whose windows may reach it.
  void move_targets(int n, int columns) {
    for (int c = 0; c < columns; c += 3) {
      const int from = std::max(0, c - 2 * shape_.window);
      const int rows = std::min(3, columns - c);
      const int count = std::min(n, c + rows) - from;
      combine(hidden_rows_.data() + from, count, factors(c) + from, 1, lanes_,
              const_cast<float* const*>(targets_) + c, rows, vectors_);
    }
  }

  void cap_skipgram(int64_t first, int n, float pairs) {
    const int m = shape_.window;
    cap_noise(shape_.noise_weight * pairs);
    for (int i = 0; i < n; ++i)
      for (int c = low_[i]; c <= high_[i]; ++c)
        if (c != i + m) out_.count_terms(out_place(first - m + c), 1.0f);
    scale_noise();
    for (int i = 0; i < n; ++i)
      for (int c = low_[i]; c <= high_[i]; ++c)
        if (c != i + m) factors(c)[i] *= capped(out_.terms(out_place(first - m + c)));
    forget_noise();
    for (int c = 0; c < n + 2 * m; ++c)
      if (out_place(first - m + c) >= 0) out_.forget_terms(out_place(first - m + c));
  }

  void cbow(int64_t first, int n, float rate) {
    average(first, n);
    const float pairs = count_pairs(n);
    score_all(0);
    repel(first, n, rate);
    clear_gradients(n);
    combine(noise_rows_, shape_.noise, noisy(0), lanes_, 1, gradient_rows_.data(), n,
            vectors_);
    for (int i = 0; i < n; ++i) targets_[i] = output(first + i);
    for (int i = 0; i < n; i += kLanes) {
      Vec terms[kLanes] = {};
      for (int k = 0; k < std::min(kLanes, n - i); ++k)
        terms[k] = product(targets_[i + k], hidden_rows_[i + k], vectors_);
      store(pulls_.at(i), splat(rate) * load(pairs_.at(i)) * slope(-sums_of(terms)));
    }
    for (int i = 0; i < n; ++i)
      add_scaled(gradient_rows_[i], *pulls_.at(i), targets_[i], vectors_);
    if (shape_.row_cap > 0) cap_cbow(first, n, pairs);
    combine(hidden_rows_.data(), n, noisy(0), 1, lanes_,
            const_cast<float* const*>(noise_rows_), shape_.noise, vectors_);
    for (int i = 0; i < n; ++i)
      add_scaled(const_cast<float*>(targets_[i]), *pulls_.at(i), hidden_rows_[i],
                 vectors_);
    hand_back(n);
  }

  void cap_cbow(int64_t first, int n, float pairs) {
    cap_noise(shape_.noise_weight * pairs);
    for (int i = 0; i < n; ++i) out_.count_terms(out_place(first + i), *pairs_.at(i));
    scale_noise();
    for (int i = 0; i < n; ++i)
      *pulls_.at(i) *= capped(out_.terms(out_place(first + i)));
    forget_noise();
    for (int i = 0; i < n; ++i) out_.forget_terms(out_place(first + i));
  }

  Draws draws_;
  Rows out_;
  const bool few_;            // whether the scores of two rows fill one vector
  const int lanes_, places_;  // scores of a row, and of whole vectors of them
  const int noise_at_;
  const int32_t* noise_ = nullptr;  // copies of the step's rows
  int64_t out_origin_ = 0;
  std::vector<int32_t> out_places_;
  std::vector<const float*> scored_, cbow_targets_;  // skip-gram's, then noise
  const float **const targets_, **const noise_rows_;
  std::vector<int32_t> starts_, stops_, owns_;  // of windows, and their centres
  Floats turned_, scores_;
  Floats pulls_, pairs_, dropped_;
};

}  // namespace w2v

#endif
