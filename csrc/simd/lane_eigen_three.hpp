// Eigenvalues and eigenvectors of 3 x 3 matrices without iteration, across lanes.
//
// The characteristic polynomial gives the eigenvalue that stands apart from the other two to full
// accuracy, as it is at least 3/4 of the spread away from them; a column of the adjugate of A -
// lambda is its eigenvector. A reflection takes that to the third axis, and what is left is a 2 x 2
// matrix, whose decomposition loses nothing where its eigenvalues are close. The errors of the
// first pair show only as entries that the reflection should have made zero, a few roundings of
// the deviator each, so that the whole is backward stable.
// Source: D. Eberly, A robust eigensolver for 3 x 3 symmetric matrices (2014, revised 2021), for
// the deflation.
#pragma once

#include <cstdint>

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// 2 cos(acos(r) / 3) on 0 <= r <= 1, where it is smooth; error 4e-9, which a Newton step squares.
constexpr double cubic_root[] = {1.73205081119913, 0.33333274228919, -0.09620888290923,
                                 0.04920859360990, -0.03021455041888, 0.01876666134524,
                                 -0.00985938258586, 0.00352971389543, -0.00060570844055};

TALWEG_INLINE Vector largest_root_of_cubic(Vector r) {
  const double* c = cubic_root;
  const Vector r2 = r * r, r4 = r2 * r2;
  const Vector c01 = multiply_add(r, fill(c[1]), fill(c[0]));
  const Vector c23 = multiply_add(r, fill(c[3]), fill(c[2]));
  const Vector c45 = multiply_add(r, fill(c[5]), fill(c[4]));
  const Vector c67 = multiply_add(r, fill(c[7]), fill(c[6]));
  const Vector c03 = multiply_add(r2, c23, c01);
  const Vector c47 = multiply_add(r2, c67, c45);
  const Vector x = multiply_add(r4, multiply_add(r4, fill(c[8]), c47), c03);
  // x^3 - 3 x = 2 r
  const Vector square = x * x;
  const Vector excess = multiply_subtract(x, square - 3.0, r + r);
  return negated_multiply_add(excess, fast_inverse(multiply_subtract(fill(3.0), square, fill(3.0))),
                              x);
}

// Makes the first component that none after it exceeds by more than rounding positive.
TALWEG_INLINE void turn_three(Vector* v) {
  const Vector tie = fill(1.0 + 1e-9);
  Vector best = v[0], threshold = magnitude(v[0]) * tie;
  const Mask second = magnitude(v[1]) > threshold;
  best = select(second, v[1], best);
  threshold = select(second, magnitude(v[1]) * tie, threshold);
  best = select(magnitude(v[2]) > threshold, v[2], best);
  const Vector sign = sign_of(best);
  v[0] = flip_sign(v[0], sign), v[1] = flip_sign(v[1], sign), v[2] = flip_sign(v[2], sign);
}

// The arguments are those of lane_eigen, for one vector of lanes; stride of values and vectors:
// group.
template <bool wanted>
TALWEG_INLINE void eigen_of_three(const double* packed, std::size_t stride, double* values,
                                  double* vectors, std::size_t group) {
  Vector a00 = load(packed), a10 = load(packed + stride), a11 = load(packed + 2 * stride);
  Vector a20 = load(packed + 3 * stride), a21 = load(packed + 4 * stride);
  Vector a22 = load(packed + 5 * stride);
  Vector size = larger(larger(larger(magnitude(a00), magnitude(a11)), magnitude(a22)),
                       larger(larger(magnitude(a10), magnitude(a20)), magnitude(a21)));
  // Powers of two keep fourth powers in range.
  Vector back = fill(1.0);
  const Mask extreme = (size > 0x1p120) | ((size < 0x1p-120) & (size > 0.0));
  const bool scaled = any(extreme);
  if (scaled) [[unlikely]] {
    Bits field = 2046 - (bits(size) >> 52);
    field = (Bits)select((Mask)(field == 0), from_bits(Bits{} + 1), from_bits(field));
    const Vector scale = select(extreme, from_bits(field << 52), fill(1.0));
    back = 1.0 / scale;
    a00 = a00 * scale, a10 = a10 * scale, a11 = a11 * scale;
    a20 = a20 * scale, a21 = a21 * scale, a22 = a22 * scale;
    size = size * scale;
  }
  // A = mean + B; the eigenvalues of B are p times the roots of x^3 - 3 x = det B / p^3.
  const Vector mean = (a00 + a11 + a22) * (1.0 / 3.0);
  const Vector b00 = a00 - mean, b11 = a11 - mean, b22 = a22 - mean;
  const Vector outer = multiply_add(a10, a10, multiply_add(a20, a20, a21 * a21));
  const Vector trace = multiply_add(b00, b00, multiply_add(b11, b11, b22 * b22));
  const Vector square = multiply_add(fill(2.0), outer, trace) * (1.0 / 6.0);
  // Where B is far below the rounding of A any first vector will do. NaN where an entry is not
  // finite.
  const Mask flat = square <= size * size * 0x1p-133;
  const Vector p2 = select(flat, fill(1.0), square) + (square - square);
  const Vector p = fast_square_root(p2), inverse_p2 = fast_inverse(p2);
  const Vector minor = multiply_subtract(b11, b22, a21 * a21);
  const Vector next = multiply_subtract(a20, a21, a10 * b22);
  const Vector last = multiply_subtract(a10, a21, b11 * a20);
  const Vector determinant =
      multiply_add(b00, minor, multiply_add(a10, next, a20 * last));
  const Vector ratio = (0.5 * magnitude(determinant) * inverse_p2) * (inverse_p2 * p);
  const Vector apart =
      with_sign(p * largest_root_of_cubic(smaller(ratio, fill(1.0))), determinant);
  const Mask top = apart > 0.0;

  // The largest column of the adjugate of B - apart, (x, y, z).
  const Vector d0 = b00 - apart, d1 = b11 - apart, d2 = b22 - apart;
  const Vector c00 = multiply_subtract(d1, d2, a21 * a21);
  const Vector c11 = multiply_subtract(d0, d2, a20 * a20);
  const Vector c22 = multiply_subtract(d0, d1, a10 * a10);
  const Vector c10 = multiply_subtract(a20, a21, a10 * d2);
  const Vector c20 = multiply_subtract(a10, a21, d1 * a20);
  const Vector c21 = multiply_subtract(a10, a20, d0 * a21);
  const Mask second = c11 > c00;
  Vector x = select(second, c10, c00), y = select(second, c11, c10), z = select(second, c21, c20);
  const Mask third = c22 > larger(c00, c11);
  x = select(third, c20, x), y = select(third, c21, y), z = select(third, c22, z);
  Vector length2 = multiply_add(x, x, multiply_add(y, y, z * z));
  // Only where rounding of A is all that B is: then again any vector will do.
  const Mask lost = length2 < p2 * p2 * 0x1p-200;
  if (any(lost)) [[unlikely]] {
    x = select(lost, Vector{}, x), y = select(lost, Vector{}, y), z = select(lost, p2, z);
    length2 = select(lost, p2 * p2, length2);
  }

  // H = 1 - beta h h' takes it to the third axis; H B H by a symmetric update of rank two.
  const Vector length = fast_square_root(length2);
  const Vector h = z + with_sign(length, z);
  const Vector beta = fast_inverse(length * magnitude(h));
  const Vector t0 = beta * multiply_add(b00, x, multiply_add(a10, y, a20 * h));
  const Vector t1 = beta * multiply_add(a10, x, multiply_add(b11, y, a21 * h));
  const Vector t2 = beta * multiply_add(a20, x, multiply_add(a21, y, b22 * h));
  const Vector half_dot = (0.5 * beta) * multiply_add(t0, x, multiply_add(t1, y, t2 * h));
  const Vector q0 = negated_multiply_add(half_dot, x, t0);
  const Vector q1 = negated_multiply_add(half_dot, y, t1);
  const Vector q2 = negated_multiply_add(half_dot, h, t2);
  const Vector s00 = negated_multiply_add(x + x, q0, b00);
  const Vector s11 = negated_multiply_add(y + y, q1, b11);
  const Vector s10 = negated_multiply_add(x, q1, negated_multiply_add(y, q0, a10));
  const Vector s22 = negated_multiply_add(h + h, q2, b22);

  const Vector half = 0.5 * s00 - 0.5 * s11, middle = 0.5 * s00 + 0.5 * s11;
  const Vector radius = fast_square_root(multiply_add(half, half, s10 * s10));
  const Vector low = middle - radius, high = middle + radius;
  // Rounding of A may have brought the one that stands apart among the others.
  const Vector single = select(top, larger(s22, high), smaller(s22, low));
  store(values, (select(top, low, single) + mean) * back);
  store(values + group, (select(top, high, low) + mean) * back);
  store(values + 2 * group, (select(top, single, high) + mean) * back);
  if constexpr (!wanted) return;

  // (cosine, sine) is the eigenvector of the larger eigenvalue of the 2 x 2 matrix.
  const Vector long_side = magnitude(half) + radius;
  const Vector side2 = multiply_add(long_side, long_side, s10 * s10);
  const Mask round = side2 < 0x1p-400;
  const Vector inverse = fast_inverse(fast_square_root(select(round, fill(1.0), side2)));
  const Vector major = select(round, fill(1.0), long_side * inverse);
  const Vector minor_side = select(round, Vector{}, s10 * inverse);
  const Mask first = half > 0.0;
  const Vector cosine = select(first, major, minor_side), sine = select(first, minor_side, major);
  const Vector by = beta * y, bh = beta * h;
  const Vector one = fill(1.0);
  const Vector h00 = negated_multiply_add(beta * x, x, one), h10 = -(by * x), h20 = -(bh * x);
  const Vector h11 = negated_multiply_add(by, y, one), h21 = -(bh * y);
  const Vector h22 = negated_multiply_add(bh, h, one);
  Vector lower[3] = {multiply_subtract(h10, cosine, h00 * sine),
                     multiply_subtract(h11, cosine, h10 * sine),
                     multiply_subtract(h21, cosine, h20 * sine)};
  Vector upper[3] = {multiply_add(h00, cosine, h10 * sine), multiply_add(h10, cosine, h11 * sine),
                     multiply_add(h20, cosine, h21 * sine)};
  Vector alone[3] = {h20, h21, h22};
  turn_three(lower), turn_three(upper), turn_three(alone);
#pragma GCC unroll 3
  for (int k = 0; k < 3; ++k) {
    double* const to = vectors + 3 * k * group;
    store(to, select(top, lower[k], alone[k]));
    store(to + group, select(top, upper[k], lower[k]));
    store(to + 2 * group, select(top, alone[k], upper[k]));
  }
}

}  // namespace talweg::TALWEG_ISA
