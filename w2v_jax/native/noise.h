// The noise words of a chunk: counted draws, so that any of them can be had alone.

#ifndef W2V_JAX_NOISE_H_
#define W2V_JAX_NOISE_H_

#include <cstdint>

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

}  // namespace w2v

#endif
