// Sampling a chunk: which tokens are kept and how far their windows reach.
//
// The same function of (seed, epoch, position) as w2v_jax/blocks.py, bit for bit: the
// 64 bits of Philox4x64-10 (Salmon et al. 2011) that NumPy's generator of key (seed,
// epoch) gives for a position.

#ifndef W2V_JAX_SAMPLING_H_
#define W2V_JAX_SAMPLING_H_

#include <cstdint>

namespace w2v {

class Philox {
 public:
  Philox(uint64_t first_key, uint64_t second_key) : key_{first_key, second_key} {}

  // Draws 4 block to 4 block + 3; NumPy counts before it draws.
  void block(uint64_t block, uint64_t draws[4]) const {
    uint64_t c[4] = {block + 1, 0, 0, 0};
    uint64_t first = key_[0], second = key_[1];
    for (int round = 0; round < 10; ++round) {
      const auto one = static_cast<unsigned __int128>(0xD2E7470EE14C6C93u) * c[0];
      const auto two = static_cast<unsigned __int128>(0xCA5A826395121157u) * c[2];
      const auto high_one = static_cast<uint64_t>(one >> 64);
      const auto high_two = static_cast<uint64_t>(two >> 64);
      c[0] = high_two ^ c[1] ^ first;
      c[2] = high_one ^ c[3] ^ second;
      c[1] = static_cast<uint64_t>(two);
      c[3] = static_cast<uint64_t>(one);
      first += 0x9E3779B97F4A7C15u;
      second += 0xBB67AE8584CAA73Bu;
    }
    for (int k = 0; k < 4; ++k) draws[k] = c[k];
  }

 private:
  uint64_t key_[2];
};

}  // namespace w2v

// Fills tokens, reach and sentences, each with room for stop - start; returns how many
// are kept. ids[k] is the token at position start + k; `counted` gets the raw words.
extern "C" int64_t W2vSample(const int32_t* ids, int64_t start, int64_t stop,
                             const uint32_t* thresholds, int64_t words, uint64_t seed,
                             uint64_t epoch, uint32_t window, bool dynamic,
                             int32_t* tokens, int32_t* reach, int32_t* sentences,
                             int64_t* counted) {
  const w2v::Philox philox(seed, epoch);
  uint64_t draws[4] = {};
  int64_t kept = 0, ends = 0;
  for (int64_t position = start; position < stop; ++position) {
    if (position == start || position % 4 == 0)
      philox.block(static_cast<uint64_t>(position / 4), draws);
    const uint64_t drawn = draws[position % 4];
    const int32_t id = ids[position - start];
    // Written always, kept where the next one goes behind it: no branch to guess.
    tokens[kept] = id;
    reach[kept] = dynamic ? static_cast<int32_t>((drawn >> 32) * window >> 32) + 1
                          : static_cast<int32_t>(window);
    sentences[kept] = static_cast<int32_t>(ends);
    ends += id < 0;
    const bool known = static_cast<uint32_t>(id) < static_cast<uint64_t>(words);
    kept += known && static_cast<uint32_t>(drawn) <= thresholds[known ? id : 0];
  }
  *counted = stop - start - ends;
  return kept;
}

#endif
