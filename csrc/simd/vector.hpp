// Vectors of doubles for the instruction set that TALWEG_ISA names (baseline, avx2, avx512).
//
// Everything here is static or lives in namespace talweg::<isa>: an inline function with a common
// name, compiled for two instruction sets, would be merged by the linker into one of them.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>

#ifndef TALWEG_ISA
#error "TALWEG_ISA must be baseline, avx2 or avx512"
#endif

#if defined(__AVX512F__)
#define TALWEG_VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#define TALWEG_VECTOR_BYTES 32
#else
#define TALWEG_VECTOR_BYTES 16
#endif

#define TALWEG_INLINE static inline __attribute__((always_inline))

namespace talweg::TALWEG_ISA {

constexpr int vector_lanes = TALWEG_VECTOR_BYTES / 8;

typedef double Vector __attribute__((vector_size(TALWEG_VECTOR_BYTES)));
typedef std::uint64_t Bits __attribute__((vector_size(TALWEG_VECTOR_BYTES)));
// What comparisons give: all bits of a lane, or none.
typedef std::int64_t Mask __attribute__((vector_size(TALWEG_VECTOR_BYTES)));
// The same vector at any address that a double may have.
typedef double LooseVector __attribute__((vector_size(TALWEG_VECTOR_BYTES), aligned(8), may_alias));
// Of numbers in single precision, twice as many.
typedef float SingleVector __attribute__((vector_size(TALWEG_VECTOR_BYTES)));
typedef float LooseSingleVector
    __attribute__((vector_size(TALWEG_VECTOR_BYTES), aligned(4), may_alias));

TALWEG_INLINE Vector load(const double* from) {
  return *reinterpret_cast<const LooseVector*>(from);
}
TALWEG_INLINE void store(double* to, Vector value) { *reinterpret_cast<LooseVector*>(to) = value; }
TALWEG_INLINE Vector fill(double value) { return value - Vector{}; }
TALWEG_INLINE SingleVector load(const float* from) {
  return *reinterpret_cast<const LooseSingleVector*>(from);
}
TALWEG_INLINE void store(float* to, SingleVector value) {
  *reinterpret_cast<LooseSingleVector*>(to) = value;
}

TALWEG_INLINE Bits bits(Vector value) { return reinterpret_cast<Bits>(value); }
TALWEG_INLINE Vector from_bits(Bits value) { return reinterpret_cast<Vector>(value); }
// 1.0 where the mask is set, else 0.0.
TALWEG_INLINE Vector one_where(Mask mask) { return from_bits((Bits)mask & bits(fill(1.0))); }

// a * b + c, rounded once where the instruction set has it.
TALWEG_INLINE Vector multiply_add(Vector a, Vector b, Vector c) {
#if TALWEG_VECTOR_BYTES == 64
  return _mm512_fmadd_pd(a, b, c);
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_fmadd_pd(a, b, c);
#else
  return a * b + c;
#endif
}

TALWEG_INLINE SingleVector multiply_add(SingleVector a, SingleVector b, SingleVector c) {
#if TALWEG_VECTOR_BYTES == 64
  return _mm512_fmadd_ps(a, b, c);
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_fmadd_ps(a, b, c);
#else
  return a * b + c;
#endif
}

// a * b - c
TALWEG_INLINE Vector multiply_subtract(Vector a, Vector b, Vector c) {
#if TALWEG_VECTOR_BYTES == 64
  return _mm512_fmsub_pd(a, b, c);
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_fmsub_pd(a, b, c);
#else
  return a * b - c;
#endif
}

// c - a * b
TALWEG_INLINE Vector negated_multiply_add(Vector a, Vector b, Vector c) {
#if TALWEG_VECTOR_BYTES == 64
  return _mm512_fnmadd_pd(a, b, c);
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_fnmadd_pd(a, b, c);
#else
  return c - a * b;
#endif
}

TALWEG_INLINE Vector square_root(Vector a) {
#if TALWEG_VECTOR_BYTES == 64
  return _mm512_maskz_sqrt_pd(-1, a);  // _mm512_sqrt_pd warns of an uninitialised value
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_sqrt_pd(a);
#elif defined(__x86_64__)
  return _mm_sqrt_pd(a);
#else
  return Vector{__builtin_sqrt(a[0]), __builtin_sqrt(a[1])};
#endif
}

// 1 / a and the square root of a to within two units in the last place, a positive, finite and not
// subnormal (the root of zero is zero): by an estimate and Newton steps where division is slow.
TALWEG_INLINE Vector fast_inverse(Vector a) {
#if TALWEG_VECTOR_BYTES == 64
  Vector y = _mm512_maskz_rcp14_pd(-1, a);
  Vector e = negated_multiply_add(a, y, fill(1.0));
  y = multiply_add(y, multiply_add(e, e, e), y);
  e = negated_multiply_add(a, y, fill(1.0));
  return multiply_add(y, e, y);
#else
  return 1.0 / a;
#endif
}
TALWEG_INLINE Vector fast_square_root(Vector a) {
#if TALWEG_VECTOR_BYTES == 64
  const Vector b = _mm512_maskz_max_pd(-1, a, fill(0x1p-1000));
  Vector y = _mm512_maskz_rsqrt14_pd(-1, b);
  Vector e = negated_multiply_add(b * y, y, fill(1.0));
  y = multiply_add(y * e, multiply_add(e, fill(0.375), fill(0.5)), y);
  const Vector root = a * y;
  e = negated_multiply_add(root, root, a);
  return multiply_add(0.5 * y, e, root);
#else
  return square_root(a);
#endif
}

// The larger and the smaller of two numbers; b where one of them is NaN.
TALWEG_INLINE Vector larger(Vector a, Vector b) {
#if TALWEG_VECTOR_BYTES == 64
  return _mm512_maskz_max_pd(-1, a, b);
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_max_pd(a, b);
#else
  return a > b ? a : b;
#endif
}
TALWEG_INLINE Vector smaller(Vector a, Vector b) {
#if TALWEG_VECTOR_BYTES == 64
  return _mm512_maskz_min_pd(-1, a, b);
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_min_pd(a, b);
#else
  return a < b ? a : b;
#endif
}

// a where the mask is set, else b.
TALWEG_INLINE Vector select(Mask mask, Vector a, Vector b) {
#if TALWEG_VECTOR_BYTES == 64
  return (Vector)_mm512_ternarylogic_epi64((__m512i)mask, (__m512i)a, (__m512i)b, 0xca);
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_blendv_pd(b, a, (__m256d)mask);
#else
  return from_bits(((Bits)mask & bits(a)) | (~(Bits)mask & bits(b)));
#endif
}

// True when some lane of a comparison's result is true.
TALWEG_INLINE bool any(Mask mask) {
#if TALWEG_VECTOR_BYTES == 64
  return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_movemask_pd((__m256d)mask) != 0;
#elif defined(__x86_64__)
  return _mm_movemask_pd((__m128d)mask) != 0;
#else
  return (mask[0] | mask[1]) != 0;
#endif
}

constexpr std::uint64_t sign_bit = UINT64_C(1) << 63;

TALWEG_INLINE Vector magnitude(Vector a) { return from_bits(bits(a) & ~sign_bit); }
// |a| with the sign of b.
TALWEG_INLINE Vector with_sign(Vector a, Vector b) {
  return from_bits((bits(a) & ~sign_bit) | (bits(b) & sign_bit));
}
TALWEG_INLINE Vector sign_of(Vector a) { return from_bits(bits(a) & sign_bit); }
// a with its sign changed where the sign bit of b is set.
TALWEG_INLINE Vector flip_sign(Vector a, Vector b) { return from_bits(bits(a) ^ bits(b)); }
// a, or the bound (which is not negative) with its sign where it is smaller than that.
TALWEG_INLINE Vector away_from_zero(Vector a, Vector bound) {
  return from_bits(bits(larger(magnitude(a), bound)) | (bits(a) & sign_bit));
}

}  // namespace talweg::TALWEG_ISA
