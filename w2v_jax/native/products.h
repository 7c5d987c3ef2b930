// The products of a block step, over rows that lie anywhere.
//
// Rows are padded with zeros to whole vectors. `turned` rows lie as columns, feature
// after feature, so that one vector holds the same feature of many rows.

#ifndef W2V_JAX_PRODUCTS_H_
#define W2V_JAX_PRODUCTS_H_

#include "simd.h"

namespace w2v {

// Sizes of tiles whose sums stay in registers beside what they are made from.
constexpr bool kManyRegisters = kRegisters >= 32;
constexpr int kMostWide = kManyRegisters ? 7 : 4;  // vectors of a row at a time
constexpr int kMostAcross = kManyRegisters ? 4 : 2;  // rows of `others` in `dots`

// turned[d * width + r] = rows[r][d]. `width` and `count` are multiples of the lanes.
inline void turn(const float* const* rows, int count, int vectors, float* turned,
                 int width) {
  for (int first = 0; first < count; first += kLanes) {
    for (int v = 0; v < vectors; ++v) {
      Vec tile[kLanes];
      W2V_JAX_UNROLL
      for (int r = 0; r < kLanes; ++r) tile[r] = load(rows[first + r] + v * kLanes);
      transpose<kLanes>(tile);
      float* to = turned + v * kLanes * width + first;
      W2V_JAX_UNROLL
      for (int r = 0; r < kLanes; ++r) store(to + r * width, tile[r]);
    }
  }
}

// scores[r * stride + lane] = <rows[r], column `lane`> for R rows and L vectors.
template <int R, int L>
inline void score_tile(const float* const* rows, const float* turned, int width,
                       int dim, float* scores, int stride) {
  Vec sums[R][L];
  W2V_JAX_UNROLL
  for (int r = 0; r < R; ++r)
    W2V_JAX_UNROLL
    for (int l = 0; l < L; ++l) sums[r][l] = Vec{};
  for (int d = 0; d < dim; ++d) {
    Vec columns[L];
    W2V_JAX_UNROLL
    for (int l = 0; l < L; ++l) columns[l] = load(turned + d * width + l * kLanes);
    W2V_JAX_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vec x = splat(rows[r][d]);
      W2V_JAX_UNROLL
      for (int l = 0; l < L; ++l) sums[r][l] += x * columns[l];
    }
  }
  W2V_JAX_UNROLL
  for (int r = 0; r < R; ++r)
    W2V_JAX_UNROLL
    for (int l = 0; l < L; ++l) store(scores + r * stride + l * kLanes, sums[r][l]);
}

// R rows at a time, as many as the registers hold beside L vectors.
template <int R, int L>
inline void score_rows(const float* const* rows, int count, const float* turned,
                       int width, int dim, float* scores, int stride) {
  int r = 0;
  for (; r + R <= count; r += R)
    score_tile<R, L>(rows + r, turned, width, dim, scores + r * stride, stride);
  for (; r + 4 <= count; r += 4)
    score_tile<4, L>(rows + r, turned, width, dim, scores + r * stride, stride);
  for (; r < count; ++r)
    score_tile<1, L>(rows + r, turned, width, dim, scores + r * stride, stride);
}

// The same for any number of rows and of vectors.
inline void score(const float* const* rows, int count, const float* turned, int width,
                  int dim, int vectors, float* scores, int stride) {
  int l = 0;
  for (; kManyRegisters && l + 4 <= vectors; l += 4)
    score_rows<6, 4>(rows, count, turned + l * kLanes, width, dim, scores + l * kLanes,
                     stride);
  for (; l + 2 <= vectors; l += 2)
    score_rows<kManyRegisters ? 8 : 6, 2>(rows, count, turned + l * kLanes, width, dim,
                                          scores + l * kLanes, stride);
  if (l < vectors)
    score_rows<8, 1>(rows, count, turned + l * kLanes, width, dim, scores + l * kLanes,
                  stride);
}

// to[r] += sum_k factors[k * by_k + r * by_row] from[k], R rows, W vectors of each.
// The rows of `to` may repeat; those of `from` are none of them.
template <int R, int W>
inline void combine_tile(const float* const* from, int count, const float* factors,
                         int by_k, int by_row, float* const* to, int offset) {
  Vec sums[R][W];
  W2V_JAX_UNROLL
  for (int r = 0; r < R; ++r)
    W2V_JAX_UNROLL
    for (int w = 0; w < W; ++w) sums[r][w] = Vec{};
  for (int k = 0; k < count; ++k) {
    Vec factor[R];
    W2V_JAX_UNROLL
    for (int r = 0; r < R; ++r) factor[r] = splat(factors[k * by_k + r * by_row]);
    W2V_JAX_UNROLL
    for (int w = 0; w < W; ++w) {
      const Vec x = kept(load(from[k] + offset + w * kLanes));
      W2V_JAX_UNROLL
      for (int r = 0; r < R; ++r) sums[r][w] += factor[r] * x;
    }
  }
  W2V_JAX_UNROLL
  for (int r = 0; r < R; ++r)
    W2V_JAX_UNROLL
    for (int w = 0; w < W; ++w) {
      float* place = to[r] + offset + w * kLanes;
      store(place, load(place) + sums[r][w]);
    }
}

template <int R>
inline void combine_rows(const float* const* from, int count, const float* factors,
                         int by_k, int by_row, float* const* to, int vectors) {
  const int parts = (vectors + kMostWide - 1) / kMostWide;
  int done = 0;
  for (int part = 0; part < parts; ++part) {
    const int wide = (vectors - done) / (parts - part);
    const int offset = done * kLanes;
    done += wide;
    switch (wide) {
      case 1: combine_tile<R, 1>(from, count, factors, by_k, by_row, to, offset); break;
      case 2: combine_tile<R, 2>(from, count, factors, by_k, by_row, to, offset); break;
      case 3: combine_tile<R, 3>(from, count, factors, by_k, by_row, to, offset); break;
      case 4: combine_tile<R, 4>(from, count, factors, by_k, by_row, to, offset); break;
      case 5: combine_tile<R, 5>(from, count, factors, by_k, by_row, to, offset); break;
      case 6: combine_tile<R, 6>(from, count, factors, by_k, by_row, to, offset); break;
      default: combine_tile<R, 7>(from, count, factors, by_k, by_row, to, offset);
    }
  }
}

// to[r] += sum_k factors[k * by_k + r * by_row] from[k], for any number of rows.
inline void combine(const float* const* from, int count, const float* factors, int by_k,
                    int by_row, float* const* to, int rows, int vectors) {
  int r = 0;
  for (; r + 3 <= rows; r += 3)
    combine_rows<3>(from, count, factors + r * by_row, by_k, by_row, to + r, vectors);
  factors += r * by_row;
  if (rows - r == 2)
    combine_rows<2>(from, count, factors, by_k, by_row, to + r, vectors);
  else if (rows - r == 1)
    combine_rows<1>(from, count, factors, by_k, by_row, to + r, vectors);
}

#if W2V_JAX_SHUFFLES
// Of every 2 Half lanes the first half from x, and the same ones of y behind them; the
// other half of each.
template <int Half>
constexpr int first_halves(int i) {
  return i % (2 * Half) < Half ? i : kLanes + i - Half;
}
template <int Half>
constexpr int last_halves(int i) {
  return first_halves<Half>(i) + Half;
}

// Adds halves of two vectors side by side, until one vector is left.
template <int Half>
inline void add_halves(Vec* terms) {
  W2V_JAX_UNROLL
  for (int k = 0; k < Half; ++k)
    terms[k] = picked<first_halves<Half>>(terms[k], terms[k + Half]) +
               picked<last_halves<Half>>(terms[k], terms[k + Half]);
  if constexpr (Half > 1) add_halves<Half / 2>(terms);
}
#endif

// Lane j is the sum of all lanes of terms[j].
inline Vec sums_of(Vec terms[kLanes]) {
#if W2V_JAX_SHUFFLES
  add_halves<kLanes / 2>(terms);
  return terms[0];
#else
  Vec all;
  for (int k = 0; k < kLanes; ++k) all[k] = sum(terms[k]);
  return all;
#endif
}

// products[r * stride + c] = <rows[r], others[c]> for R rows and C others.
template <int R, int C>
inline void dot_tile(const float* const* rows, const float* const* others, int vectors,
                     float* products, int stride) {
  static_assert(R * C % kLanes == 0, "whole vectors of products");
  Vec terms[R * C];
  W2V_JAX_UNROLL
  for (int k = 0; k < R * C; ++k) terms[k] = Vec{};
  for (int v = 0; v < vectors; ++v) {
    Vec y[C];
    W2V_JAX_UNROLL
    for (int c = 0; c < C; ++c) y[c] = kept(load(others[c] + v * kLanes));
    W2V_JAX_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vec x = kept(load(rows[r] + v * kLanes));
      W2V_JAX_UNROLL
      for (int c = 0; c < C; ++c) terms[r * C + c] += x * y[c];
    }
  }
  float all[R * C];
  W2V_JAX_UNROLL
  for (int k = 0; k < R * C; k += kLanes) store(all + k, sums_of(terms + k));
  W2V_JAX_UNROLL
  for (int r = 0; r < R; ++r)
    std::memcpy(products + r * stride, all + r * C, C * sizeof(float));
}

// The same for any number; up to three more of either are read, and written.
inline void dots(const float* const* rows, int count, const float* const* others,
                 int many, int vectors, float* products, int stride) {
  for (int c = 0; c < many; c += kMostAcross)
    for (int r = 0; r < count; r += 4)
      dot_tile<4, kMostAcross>(rows + r, others + c, vectors, products + r * stride + c, stride);
}

// The terms of <x, y>, to be added up.
inline Vec product(const float* x, const float* y, int vectors) {
  Vec total = Vec{};
  for (int v = 0; v < vectors; ++v)
    total += load(x + v * kLanes) * load(y + v * kLanes);
  return total;
}

inline void scale(float* row, float factor, int vectors) {
  for (int v = 0; v < vectors; ++v)
    store(row + v * kLanes, load(row + v * kLanes) * splat(factor));
}

// to += factor . from
inline void add_scaled(float* to, float factor, const float* from, int vectors) {
  const Vec by = splat(factor);
  for (int v = 0; v < vectors; ++v) {
    float* place = to + v * kLanes;
    store(place, load(place) + by * load(from + v * kLanes));
  }
}

}  // namespace w2v

#endif
