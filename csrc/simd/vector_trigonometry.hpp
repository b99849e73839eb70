// Circular functions, their inverse and the error function on vectors of doubles; accuracy as in
// vector_math.hpp.
#pragma once

#include "simd/vector_math.hpp"

namespace talweg::TALWEG_ISA {

// (sin r - r) / r^3 in z = r^2 up to (pi/4)^2; error 3.4e-18
constexpr double sin_tail[] = {-0x1.5555555555549p-3,  0x1.111111110f881p-7,
                               -0x1.a01a019c126e9p-13, 0x1.71de357876ac1p-19,
                               -0x1.ae5e66d654f61p-26, 0x1.5d932fa167ed2p-33};
// (cos r - 1 + r^2/2) / r^4 in z = r^2 up to (pi/4)^2; error 4.7e-20
constexpr double cos_tail[] = {0x1.555555555554cp-5,  -0x1.6c16c16c15184p-10,
                               0x1.a01a019cb26f7p-16, -0x1.27e4f80a75eb3p-22,
                               0x1.1ee9ec470087cp-29, -0x1.8faecea970ac0p-37};
// (atan t - t) / t^3 in z = t^2 up to tan(pi/8)^2; error 1.2e-18
constexpr double atan_tail[] = {-0x1.555555555553dp-2, 0x1.99999999958fap-3,  -0x1.24924922b1815p-3,
                                0x1.c71c70e7c9db5p-4,  -0x1.745cf90fbb77fp-4, 0x1.3b111cb9d04a6p-4,
                                -0x1.10ebe1861c9e6p-4, 0x1.df11a1e939c53p-5,  -0x1.9cdd34a4385f6p-5,
                                0x1.37effd388c910p-5,  -0x1.25a3684bf1555p-6};
// erf(x) / x in z = x^2 up to 1; error 7.1e-18
constexpr double erf_small[] = {
    0x1.20dd750429b6dp+0,  -0x1.812746b0379c2p-2,  0x1.ce2f21a041017p-4,  -0x1.b82ce31206290p-6,
    0x1.565bccfa9a389p-8,  -0x1.c02db072eb41bp-11, 0x1.f9a2bf7351a56p-14, -0x1.f4ca949221a0dp-17,
    0x1.b9827aead18cfp-20, -0x1.5c16e26efb92dp-23, 0x1.d78491d332943p-27, -0x1.acdffb70cff6bp-31};
// exp(x^2) erfc(x) in t = (x - 2)/(x + 2), x from 1 to 6, weighted by exp(-x^2); error 2.4e-17
constexpr double erf_large[] = {
    0x1.058671b52c78ep-2,  -0x1.b57034efd3e5cp-2, 0x1.eeea7dc89b021p-3,   -0x1.437f0b6a33dcep-4,
    0x1.e947167347b5ap-9,  0x1.ca95f95df374cp-8,  -0x1.bc248ee8c2be5p-11, -0x1.0170a4be0e38bp-10,
    0x1.6912d39222e7bp-15, 0x1.6d147b2894a60p-13, 0x1.12c186685759cp-15,  -0x1.9010987189603p-17};

// p(x) = c[0] + c[1] x + ... by Horner's rule.
template <int count>
TALWEG_INLINE Vector polynomial(const double (&c)[count], Vector x) {
  Vector value = fill(c[count - 1]);
  for (int i = count - 2; i >= 0; --i) value = multiply_add(value, x, fill(c[i]));
  return value;
}

// pi/2 in four parts; the first three have 33 bits, so that n times them is exact for n < 2^20.
constexpr double half_pi_parts[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69,
                                    0x1.b839a252049c1p-104};
constexpr double half_pi_inverse = 0x1.45f306dc9c883p-1;
// Beyond it n may reach 2^20; lanes beyond go to the C library, whose reduction has no bound.
constexpr double circular_bound = 0x1p20;

// x = n pi/2 + high + low, and n modulo 4 in the low bits of quadrant.
struct CircularReduction {
  Vector high, low;
  Bits quadrant;
};

TALWEG_INLINE CircularReduction reduce_circular(Vector x) {
  const Vector shifted = multiply_add(x, fill(half_pi_inverse), fill(round_shift));
  const Vector n = shifted - round_shift;
  const Vector a = x - n * half_pi_parts[0];  // exact
  const Vector p2 = n * half_pi_parts[1];
  const Vector b = a - p2;
  const Vector b_back = b - a;
  const Vector b_error = (a - (b - b_back)) - (p2 + b_back);
  const Vector p3 = n * half_pi_parts[2];
  const Vector c = b - p3;
  const Vector c_back = c - b;
  const Vector c_error = (b - (c - c_back)) - (p3 + c_back);
  const Vector rest = negated_multiply_add(n, fill(half_pi_parts[3]), b_error + c_error);
  CircularReduction out;
  out.high = c + rest;
  out.low = rest - (out.high - c);
  out.quadrant = bits(shifted);
  return out;
}

// sin and cos of high + low, |high| <= pi/4.
struct SineCosine {
  Vector sine, cosine;
};

TALWEG_INLINE SineCosine sine_cosine(Vector high, Vector low) {
  const Vector z = high * high;
  const Vector half = 0.5 * z;
  SineCosine out;
  const Vector sine_low = negated_multiply_add(half, low, low);
  out.sine = high + multiply_add(high * z, polynomial(sin_tail, z), sine_low);
  const Vector top = 1.0 - half;
  const Vector top_error = (1.0 - top) - half;
  const Vector tail = multiply_subtract(z * z, polynomial(cos_tail, z), high * low);
  out.cosine = top + (top_error + tail);
  return out;
}

// function(x) of the C library in the lanes of the mask.
template <class Function>
static __attribute__((noinline, cold)) Vector replace_lanes(Bits mask, Vector x, Vector result,
                                                            Function function) {
  for (int i = 0; i < vector_lanes; ++i)
    if (mask[i]) result[i] = function(x[i]);
  return result;
}

TALWEG_INLINE Vector sin(Vector x) {
  const CircularReduction t = reduce_circular(x);
  const SineCosine s = sine_cosine(t.high, t.low);
  Vector result = (t.quadrant & 1) != 0 ? s.cosine : s.sine;
  result = from_bits(bits(result) ^ ((t.quadrant & 2) << 62));
  result = x == 0.0 ? x : result;  // keeps -0
  const Bits far = !(magnitude(x) <= circular_bound);
  if (any(far)) [[unlikely]]
    result = replace_lanes(far, x, result, [](double a) { return __builtin_sin(a); });
  return result;
}

TALWEG_INLINE Vector cos(Vector x) {
  const CircularReduction t = reduce_circular(x);
  const SineCosine s = sine_cosine(t.high, t.low);
  Vector result = (t.quadrant & 1) != 0 ? s.sine : s.cosine;
  result = from_bits(bits(result) ^ (((t.quadrant + 1) & 2) << 62));
  const Bits far = !(magnitude(x) <= circular_bound);
  if (any(far)) [[unlikely]]
    result = replace_lanes(far, x, result, [](double a) { return __builtin_cos(a); });
  return result;
}

TALWEG_INLINE Vector tan(Vector x) {
  const CircularReduction t = reduce_circular(x);
  const SineCosine s = sine_cosine(t.high, t.low);
  const Bits odd = (t.quadrant & 1) != 0;
  Vector result = (odd ? -s.cosine : s.sine) / (odd ? s.sine : s.cosine);
  result = x == 0.0 ? x : result;
  const Bits far = !(magnitude(x) <= circular_bound);
  if (any(far)) [[unlikely]]
    result = replace_lanes(far, x, result, [](double a) { return __builtin_tan(a); });
  return result;
}

// atan(|x|) = base + atan(t), |t| <= tan(pi/8), from the tangent of a difference.
TALWEG_INLINE Vector atan(Vector x) {
  const Vector a = magnitude(x);
  const Bits middle = a > 0x1.a827999fcef32p-2;  // tan(pi/8)
  const Bits large = a > 0x1.3504f333f9de6p+1;   // 1 / tan(pi/8)
  const Vector top = large ? fill(-1.0) : (middle ? a - 1.0 : a);
  const Vector bottom = large ? a : (middle ? a + 1.0 : fill(1.0));
  const Vector base =
      large ? fill(0x1.921fb54442d18p+0) : (middle ? fill(0x1.921fb54442d18p-1) : Vector{});
  const Vector base_low =
      large ? fill(0x1.1a62633145c07p-54) : (middle ? fill(0x1.1a62633145c07p-55) : Vector{});
  const Vector t = top / bottom;
  const Vector z = t * t;
  const Vector tail = multiply_add(t * z, polynomial(atan_tail, z), base_low);
  return with_sign(base + (t + tail), x);
}

// x p(x^2) below 1 and 1 - exp(-x^2) q(x) above, where rounding of x^2 no longer matters.
TALWEG_INLINE Vector erf(Vector x) {
  Vector a = magnitude(x);
  const Vector z = x * x;
  Vector result = a * polynomial(erf_small, z);
  const Bits large = a > 1.0;
  if (any(large)) {
    a = a > 6.0 ? fill(6.0) : a;  // erf(6) rounds to 1
    const Vector q = polynomial(erf_large, (a - 2.0) / (a + 2.0));
    const Vector far = 1.0 - exp(-(a * a)) * q;
    result = large ? far : result;
  }
  return with_sign(result, x);
}

}  // namespace talweg::TALWEG_ISA
