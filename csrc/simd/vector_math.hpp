// exp, log, circular, hyperbolic and error functions on vectors of doubles.
//
// Largest error found, in units in the last place, on 1e7 arguments a function (even and random in
// several ranges, random bit patterns, special values), with and without fused multiply-add:
//     exp  1.00   log   0.91   sin  0.78   cos  0.78   tan  2.12   atan    1.89   erf 1.91
//     sinh 2.37   cosh  1.41   tanh 2.53   log1p 0.87  expm1 2.24  sigmoid 2.10
// That includes subnormal arguments and results, overflow, infinities and NaN. sin, cos and tan of
// |x| > 2^20, and powers, come from the C library.
//
// A lane's result never depends on the other lanes: the branches below only skip work that no lane
// of the vector needs. The polynomials come from coefficients.py.
#pragma once

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// (e^r - 1 - r) / r^2 on |r| <= log(2)/2; error 1.8e-17
constexpr double exp_tail[] = {0x1.0000000000005p-1,  0x1.555555555555cp-3,  0x1.55555555520ffp-5,
                               0x1.111111110e6e2p-7,  0x1.6c16c17f34831p-10, 0x1.a01a01b5d327ap-13,
                               0x1.a019a68f1a1e5p-16, 0x1.71ddea11d57c1p-19, 0x1.28a2a1e19a891p-22,
                               0x1.af7696742b9e2p-26};
// (log((1+s)/(1-s)) - 2 s) / s^3 in z = s^2 up to (3 - 2 sqrt 2)^2; error 2.5e-18
constexpr double log_tail[] = {0x1.5555555555592p-1, 0x1.999999997fdb8p-2, 0x1.24924941f1216p-2,
                               0x1.c71c52095d3f8p-3, 0x1.74663ee8b7786p-3, 0x1.39a1baa91ed01p-3,
                               0x1.2f056458c3008p-3};

constexpr double infinity = __builtin_inf();
constexpr double not_a_number = __builtin_nan("");
constexpr double smallest_normal = 0x1p-1022;

// Adding it to a double below 2^51 rounds to an integer, which then stands in the low bits.
constexpr double round_shift = 0x1.8p52;

// log(2) in two parts; the first has 41 bits, so that n * log_2_high is exact for |n| < 2^12.
constexpr double log_2_high = 0x1.62e42fefa3000p-1;
constexpr double log_2_low = 0x1.3de6af278ece6p-42;
constexpr double log_2_inverse = 0x1.71547652b82fep+0;

// x = n log(2) + r with |r| <= log(2)/2 up to rounding.
struct ExponentReduction {
  Vector shifted;  // n + round_shift
  Vector n;
  Vector r;
  Vector tail;  // e^r - 1 - r
};

TALWEG_INLINE ExponentReduction reduce_exponent(Vector x) {
  ExponentReduction out;
  out.shifted = multiply_add(x, fill(log_2_inverse), fill(round_shift));
  out.n = out.shifted - round_shift;
  Vector r = negated_multiply_add(out.n, fill(log_2_high), x);
  out.r = r = negated_multiply_add(out.n, fill(log_2_low), r);
  const double* c = exp_tail;
  const Vector r2 = r * r;
  const Vector r4 = r2 * r2;
  const Vector c01 = multiply_add(r, fill(c[1]), fill(c[0]));
  const Vector c23 = multiply_add(r, fill(c[3]), fill(c[2]));
  const Vector c45 = multiply_add(r, fill(c[5]), fill(c[4]));
  const Vector c67 = multiply_add(r, fill(c[7]), fill(c[6]));
  const Vector c89 = multiply_add(r, fill(c[9]), fill(c[8]));
  const Vector c03 = multiply_add(r2, c23, c01);
  const Vector c47 = multiply_add(r2, c67, c45);
  const Vector q = multiply_add(r4, multiply_add(r4, c89, c47), c03);
  out.tail = r2 * q;
  return out;
}

// 2^n for integers |n| <= 1022, given n + round_shift.
TALWEG_INLINE Vector power_of_two(Vector shifted) {
  return from_bits((bits(shifted) << 52) + UINT64_C(0x3ff0000000000000));
}

// e^x 2^extra for every x, with one rounding where the result is subnormal.
TALWEG_INLINE Vector exp_scaled(Vector x, double extra) {
  x = x > 711.0 ? fill(711.0) : x;
  x = x < -746.0 ? fill(-746.0) : x;
  const ExponentReduction e = reduce_exponent(x);
  const Vector y = 1.0 + (e.r + e.tail);
  const Vector n = e.n + extra;
  const Vector half = (n * 0.5 + round_shift) - round_shift;
  const Vector rest = n - half;
  return y * power_of_two(half + round_shift) * power_of_two(rest + round_shift);
}

// The bound within which e^x is normal and its scale needs one power of two.
constexpr double exp_fast_bound = 708.0;

TALWEG_INLINE Vector exp(Vector x) {
  if (any(!(magnitude(x) <= exp_fast_bound))) [[unlikely]]
    return exp_scaled(x, 0.0);
  const ExponentReduction e = reduce_exponent(x);
  const Vector y = 1.0 + (e.r + e.tail);
  return from_bits(bits(y) + (bits(e.shifted) << 52));
}

TALWEG_INLINE Vector expm1(Vector x) {
  Vector inside = x;
  const Mask outside = !(magnitude(x) <= exp_fast_bound);
  const bool special = any(outside);
  if (special) [[unlikely]]
    inside = outside ? Vector{} : x;
  const ExponentReduction e = reduce_exponent(inside);
  const Vector scale = power_of_two(e.shifted);
  Vector result = multiply_add(scale, e.r + e.tail, scale - 1.0);
  result = x == 0.0 ? x : result;  // keeps -0
  if (special) [[unlikely]]
    result = outside ? exp_scaled(x, 0.0) - 1.0 : result;
  return result;
}

// log(x) + correction for normal positive x; the correction is below the rounding of log(x), or x
// is near 1. With m = x / 2^k in [sqrt(1/2), sqrt(2)), f = m - 1 and s = f / (2 + f), log(m) = 2 s
// + s^3 P(s^2) = f - s (f - s^2 P(s^2)).
TALWEG_INLINE Vector log_normal(Vector x, Vector k_offset, Vector correction) {
  const Bits shifted = bits(x) - UINT64_C(0x3fe6a09e667f3bcd);
  // 2^52 + (k + 1024): a logical shift, as few instruction sets have an arithmetic one.
  const Bits k_bits = ((shifted + (UINT64_C(1024) << 52)) >> 52) | UINT64_C(0x4330000000000000);
  const Vector k = (from_bits(k_bits) - (0x1p52 + 1024.0)) + k_offset;
  const Vector m = from_bits(bits(x) - (shifted & (UINT64_C(0xfff) << 52)));
  const Vector f = m - 1.0;
  const Vector s = f / (2.0 + f);
  const Vector z = s * s;
  const Vector z2 = z * z;
  const double* c = log_tail;
  const Vector c01 = multiply_add(z, fill(c[1]), fill(c[0]));
  const Vector c23 = multiply_add(z, fill(c[3]), fill(c[2]));
  const Vector c45 = multiply_add(z, fill(c[5]), fill(c[4]));
  const Vector c46 = multiply_add(z2, fill(c[6]), c45);
  const Vector p = multiply_add(z2, multiply_add(z2, c46, c23), c01);
  const Vector low = multiply_add(k, fill(log_2_low), correction);
  const Vector bend = multiply_subtract(s, f - z * p, low);
  return multiply_add(k, fill(log_2_high), f - bend);
}

TALWEG_INLINE Vector log(Vector x) {
  const Mask special = !((x >= smallest_normal) & (x < infinity));
  if (!any(special)) [[likely]]
    return log_normal(x, Vector{}, Vector{});
  const Mask subnormal = (x > 0.0) & (x < smallest_normal);
  const Mask ordinary = (x > 0.0) & (x < infinity);
  Vector y = subnormal ? x * 0x1p54 : x;
  y = ordinary ? y : fill(1.0);
  const Vector result = log_normal(y, subnormal ? fill(-54.0) : Vector{}, Vector{});
  const Vector outside = x == 0.0 ? fill(-infinity) : (x < 0.0 ? fill(not_a_number) : x);
  return ordinary ? result : outside;
}

TALWEG_INLINE Vector log1p(Vector x) {
  const Mask special = !((x > -1.0) & (x < infinity));
  const bool some_special = any(special);
  Vector y = x;
  if (some_special) [[unlikely]]
    y = special ? Vector{} : x;
  // u + error = 1 + y exactly, and log(1 + y) = log(u) + error / u + O(eps^2).
  const Vector u = 1.0 + y;
  const Vector back = u - 1.0;
  const Vector error = (1.0 - (u - back)) + (y - back);
  Vector result = log_normal(u, Vector{}, error / u);
  result = y == 0.0 ? y : result;  // keeps -0
  if (some_special) [[unlikely]] {
    const Vector outside = x == -1.0 ? fill(-infinity) : (x < -1.0 ? fill(not_a_number) : x);
    result = special ? outside : result;
  }
  return result;
}

TALWEG_INLINE Vector sinh(Vector x) {
  const Vector a = magnitude(x);
  const Vector e = expm1(a);
  Vector result = 0.5 * (e + e / (e + 1.0));
  const Mask large = !(a <= exp_fast_bound);
  if (any(large)) [[unlikely]]
    result = large ? exp_scaled(a, -1.0) : result;
  return with_sign(result, x);
}

TALWEG_INLINE Vector cosh(Vector x) {
  const Vector a = magnitude(x);
  const Vector e = exp(a);
  Vector result = 0.5 * e + 0.5 / e;
  const Mask large = !(a <= exp_fast_bound);
  if (any(large)) [[unlikely]]
    result = large ? exp_scaled(a, -1.0) : result;
  return result;
}

TALWEG_INLINE Vector tanh(Vector x) {
  Vector a = magnitude(x);
  a = a > 20.0 ? fill(20.0) : a;  // 1 - tanh(20) is below the rounding of 1; NaN stays
  const Vector e = expm1(a + a);
  return with_sign(e / (e + 2.0), x);
}

// 1 / (1 + e^-x), to relative accuracy on both sides.
TALWEG_INLINE Vector sigmoid(Vector x) {
  const Vector e = exp(-magnitude(x));
  return (x < 0.0 ? e : fill(1.0)) / (1.0 + e);
}

}  // namespace talweg::TALWEG_ISA
