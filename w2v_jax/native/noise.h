// The noise words of a chunk: counted draws, so that any of them can be had alone.

#ifndef W2V_JAX_NOISE_H_
#define W2V_JAX_NOISE_H_

#include <vector>

#include "rows.h"

namespace w2v {

// Words drawn by Walker's alias method: one slot, one coin, exact.
class Noise {
 public:
  Noise(const float* threshold, const int32_t* alias, int64_t words, uint64_t key)
      : threshold_(threshold), alias_(alias), words_(words), key_(key) {}

  // 64 bits, by the mixing function of SplitMix64 (Steele et al. 2014).
  uint64_t bits(uint64_t place) const {
    uint64_t x = key_ + (place + 1) * 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }

  // Word number `place`.
  int32_t word(uint64_t place) const {
    const uint64_t x = bits(place);
    const auto slot = static_cast<int32_t>(((x >> 32) * words_) >> 32);
    const float coin = static_cast<float>(static_cast<uint32_t>(x) >> 8) * 0x1p-24f;
    return coin < threshold_[slot] ? slot : alias_[slot];
  }

 private:
  const float* threshold_;
  const int32_t* alias_;
  uint64_t words_, key_;
};

// The noise of the steps between two meetings, as copies of the rows of a table.
class Draws {
 public:
  // `each`: of a step; `pool`: rows that all steps choose from, or 0.
  Draws(Noise noise, int each, size_t pool) : noise_(noise), each_(each), pool_(pool) {}

  // Draws for the steps [step, stop): each step's own, or its choice from the pool.
  void draw(Rows& rows, uint64_t step, uint64_t stop) {
    places_.clear();
    const uint64_t begin = step * each_, end = stop * each_;
    if (!pool_) {
      for (uint64_t draw = begin; draw < end; ++draw)
        places_.push_back(rows.use(noise_.word(draw)));
      return;
    }
    chosen_from_.clear();
    for (uint64_t draw = step * pool_; chosen_from_.size() < pool_; ++draw)
      chosen_from_.push_back(rows.use(noise_.word(draw)));
    for (uint64_t draw = begin; draw < end; ++draw) {
      const uint64_t choice = (noise_.bits(draw | kChoices) >> 32) * pool_ >> 32;
      places_.push_back(chosen_from_[choice]);
    }
  }

  // The copies of the step that is `number` after the first.
  const int32_t* of(int number) const {
    return places_.data() + static_cast<size_t>(number) * each_;
  }

 private:
  static constexpr uint64_t kChoices = uint64_t{1} << 62;  // apart from all words

  const Noise noise_;
  const uint64_t each_;
  const size_t pool_;
  std::vector<int32_t> places_, chosen_from_;
};

}  // namespace w2v

#endif
