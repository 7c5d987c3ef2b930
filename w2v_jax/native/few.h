// Scores against a few columns, as many as fill half a vector.
//
// A pair of features of each column stands in one vector, so that no lane is idle, and
// the scores of two rows come out as one vector.

#ifndef W2V_JAX_FEW_H_
#define W2V_JAX_FEW_H_

#include "simd.h"

namespace w2v {

constexpr int kFew = kLanes / 2;

// The same two floats in every pair of lanes, as bits.
inline Vec splat_pair(const float* from) {
  int64_t both;
  std::memcpy(&both, from, sizeof both);
  return (Vec)(both - PairVec{});
}

// turned[(d / 2) * kLanes + 2 r + d % 2] = rows[r][d] for kFew rows.
inline void turn_few(const float* const* rows, int vectors, float* turned) {
  for (int v = 0; v < vectors; ++v) {
    PairVec tile[kFew];
    W2V_JAX_UNROLL
    for (int r = 0; r < kFew; ++r) tile[r] = (PairVec)load(rows[r] + v * kLanes);
    transpose<kFew>(tile);
    float* to = turned + v * kLanes * kFew;
    W2V_JAX_UNROLL
    for (int p = 0; p < kFew; ++p) store(to + p * kLanes, (Vec)tile[p]);
  }
}

#if W2V_JAX_SHUFFLES
constexpr int even(int i) { return 2 * i; }
constexpr int odd(int i) { return 2 * i + 1; }
#endif

// Lane k is the sum of lanes 2 k and 2 k + 1 of x and, behind those, of y.
inline Vec sums_of_pairs(Vec x, Vec y) {
#if W2V_JAX_SHUFFLES
  return picked<even>(x, y) + picked<odd>(x, y);
#else
  Vec all;
  for (int k = 0; k < kFew; ++k) {
    all[k] = x[2 * k] + x[2 * k + 1];
    all[kFew + k] = y[2 * k] + y[2 * k + 1];
  }
  return all;
#endif
}

// scores[r * kFew + column] = <rows[r], column> for R rows, R even.
template <int R>
inline void score_few_tile(const float* const* rows, const float* turned, int pairs,
                           float* scores) {
  Vec sums[R];
  W2V_JAX_UNROLL
  for (int r = 0; r < R; ++r) sums[r] = Vec{};
  for (int p = 0; p < pairs; ++p) {
    const Vec columns = load(turned + p * kLanes);
    W2V_JAX_UNROLL
    for (int r = 0; r < R; ++r) sums[r] += splat_pair(rows[r] + 2 * p) * columns;
  }
  W2V_JAX_UNROLL
  for (int r = 0; r < R; r += 2)
    store(scores + r * kFew, sums_of_pairs(sums[r], sums[r + 1]));
}

// The same for any even number of rows.
inline void score_few(const float* const* rows, int count, const float* turned, int dim,
                      float* scores) {
  const int pairs = (dim + 1) / 2;
  int r = 0;
  for (; r + 8 <= count; r += 8)
    score_few_tile<8>(rows + r, turned, pairs, scores + r * kFew);
  for (; r < count; r += 2)
    score_few_tile<2>(rows + r, turned, pairs, scores + r * kFew);
}

}  // namespace w2v

#endif
