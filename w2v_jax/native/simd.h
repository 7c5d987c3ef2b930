// Vectors of floats as the compiler's own type, so that one source suits AVX-512,
// AVX2, NEON and SSE; the widest the target has is chosen when it is compiled.

#ifndef W2V_JAX_SIMD_H_
#define W2V_JAX_SIMD_H_

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#if defined(__AVX__)
#include <immintrin.h>
#endif

namespace w2v {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef int32_t IntVec __attribute__((vector_size(kLanes * 4)));
typedef int64_t PairVec __attribute__((vector_size(kLanes * 4)));

// Whether lanes are moved within registers, which gcc and clang can, or through memory.
#if !defined(W2V_JAX_SHUFFLES)
#define W2V_JAX_SHUFFLES 1
#endif

// How many vectors the tiles of the products may keep at a time.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

// Before a loop over an array of vectors: taken apart early, it leaves them in registers.
// gcc 12 otherwise keeps the array in memory as well, clears it there and goes through it
// once more, which takes as long as a third of a short product.
#define W2V_JAX_UNROLL _Pragma("GCC unroll 16")

inline Vec load(const float* from) {
  Vec x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

inline void store(float* to, Vec x) { std::memcpy(to, &x, sizeof x); }

// x in a register: gcc would read it again for each product.
inline Vec kept(Vec x) {
#if defined(__AVX512F__)
  asm("" : "+v"(x));
#elif defined(__AVX__)
  asm("" : "+x"(x));
#endif
  return x;
}

inline Vec splat(float x) { return x - Vec{}; }

#if W2V_JAX_SHUFFLES
// Lane i of the result is lane from(i) of x and, behind its lanes, of y.
template <int (*from)(int), typename V, int... I>
inline V picked(V x, V y, std::integer_sequence<int, I...>) {
#if defined(__clang__)
  return __builtin_shufflevector(x, y, from(I)...);
#else
  if constexpr (sizeof(x[0]) == sizeof(int32_t))
    return __builtin_shuffle(x, y, IntVec{from(I)...});
  else
    return __builtin_shuffle(x, y, PairVec{from(I)...});
#endif
}

template <int (*from)(int), typename V>
inline V picked(V x, V y) {
  return picked<from>(x, y, std::make_integer_sequence<int, sizeof(V) / sizeof(x[0])>());
}

// The lanes of x and y in turn, of their first halves and of their last.
template <int Lanes>
constexpr int first_in_turn(int i) {
  return i / 2 + i % 2 * Lanes;
}
template <int Lanes>
constexpr int last_in_turn(int i) {
  return first_in_turn<Lanes>(i) + Lanes / 2;
}

// Row r of a square tile becomes its column r: each stage interleaves rows that are half
// a tile apart.
template <int Size, typename V>
inline void transpose(V tile[Size]) {
  W2V_JAX_UNROLL
  for (int stage = 1; stage < Size; stage *= 2) {
    V next[Size];
    W2V_JAX_UNROLL
    for (int r = 0; r < Size / 2; ++r) {
      next[2 * r] = picked<first_in_turn<Size>>(tile[r], tile[r + Size / 2]);
      next[2 * r + 1] = picked<last_in_turn<Size>>(tile[r], tile[r + Size / 2]);
    }
    W2V_JAX_UNROLL
    for (int r = 0; r < Size; ++r) tile[r] = next[r];
  }
}
#else
template <int Size, typename V>
inline void transpose(V tile[Size]) {
  for (int r = 0; r < Size; ++r)
    for (int c = 0; c < r; ++c) {
      const auto other = tile[r][c];
      tile[r][c] = tile[c][r];
      tile[c][r] = other;
    }
}
#endif

inline float sum(Vec x) {
  float lanes[kLanes];
  store(lanes, x);
  for (int half = kLanes / 2; half; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

// y where either is no number, as the instructions of x86 have it; compilers do not find
// those by themselves.
#if defined(__AVX512F__)
inline Vec smaller(Vec x, Vec y) { return (Vec)_mm512_min_ps((__m512)x, (__m512)y); }
inline Vec larger(Vec x, Vec y) { return (Vec)_mm512_max_ps((__m512)x, (__m512)y); }
#elif defined(__AVX__)
inline Vec smaller(Vec x, Vec y) { return (Vec)_mm256_min_ps((__m256)x, (__m256)y); }
inline Vec larger(Vec x, Vec y) { return (Vec)_mm256_max_ps((__m256)x, (__m256)y); }
#else
inline Vec smaller(Vec x, Vec y) { return x < y ? x : y; }
inline Vec larger(Vec x, Vec y) { return x > y ? x : y; }
#endif

// exp(y) for -80 <= y <= 80, to a relative error below 3e-7.
//
// exp(y) = 2^n exp(r), n = round(y / ln 2), |r| <= ln 2 / 2, exp(r) by the polynomial of
// degree 5 through (0, 1) whose largest relative error there is least: 9.2e-8. ln 2 is
// taken off in two parts so that r keeps its bits.
inline Vec exponential_within(Vec y) {
  const Vec magic = splat(12582912.0f);  // 1.5 x 2^23: adding it rounds to whole
  Vec shifted = y * splat(1.44269504f) + magic;
  Vec n = shifted - magic;
  Vec r = y - n * splat(0.693359375f);
  r = r - n * splat(-2.12194440e-4f);
  Vec p = splat(8.290264755e-3f);
  p = p * r + splat(4.189816117e-2f);
  p = p * r + splat(1.666763872e-1f);
  p = p * r + splat(4.999914765e-1f);
  p = p * r + splat(9.999997020e-1f);
  p = p * r + splat(1.0f);
  IntVec power = (IntVec)shifted << 23;  // the low bits of `shifted` are n
  return (Vec)((IntVec)p + power);
}

// The same for x <= 80; below -80 it stays what it is there.
inline Vec exponential(Vec x) { return exponential_within(larger(x, splat(-80.0f))); }

// 1 / y for 1 <= y < 1e35, to a relative error below 1.3e-7: where dividing takes long,
// the machine's guess, within 2^-14, and Newton's step, which squares that.
inline Vec reciprocal(Vec y) {
#if defined(__AVX512F__)
  const Vec guess = (Vec)_mm512_rcp14_ps((__m512)y);
  return guess * (splat(2.0f) - y * guess);
#else
  return splat(1.0f) / y;
#endif
}

// 1 / (1 + exp(-x)), to a relative error below 3e-7; beyond 80 it is 0 or 1 to the last
// bit of a gradient.
inline Vec logistic(Vec x) {
  return reciprocal(splat(1.0f) + exponential(smaller(-x, splat(80.0f))));
}

// Floats on a cache line of their own; zero to begin with.
class Floats {
 public:
  explicit Floats(size_t count) {
    size_t bytes = (count * sizeof(float) + 63) / 64 * 64 + 64;
    data_ = static_cast<float*>(std::aligned_alloc(64, bytes));
    if (!data_) throw std::bad_alloc();
    std::memset(data_, 0, bytes);
  }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  ~Floats() { std::free(data_); }
  float* at(size_t place) { return data_ + place; }
  const float* at(size_t place) const { return data_ + place; }

 private:
  float* data_;
};

inline int rounded_up(int count, int unit) { return (count + unit - 1) / unit * unit; }

// `rows`, where the places of so many rows of `wide` floats can be told by an int.
inline int countable(int rows, int wide) {
  if (static_cast<int64_t>(rows) * wide > INT32_MAX)
    throw std::length_error("a block is too large for its dimensions");
  return rows;
}

}  // namespace w2v

#endif
