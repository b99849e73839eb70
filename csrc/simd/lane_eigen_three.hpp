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

#include <cstddef>

#include "simd/lane_pack.hpp"
#include "simd/lane_scale.hpp"
#include "simd/lane_transposition.hpp"

namespace talweg::TALWEG_ISA {

// 2 cos(acos(r) / 3) on 0 <= r <= 1, where it is smooth; error 4e-9, which a Newton step squares.
constexpr double cubic_root[] = {1.73205081119913,  0.33333274228919,  -0.09620888290923,
                                 0.04920859360990,  -0.03021455041888, 0.01876666134524,
                                 -0.00985938258586, 0.00352971389543,  -0.00060570844055};

template <int width>
TALWEG_INLINE Pack<width> largest_root_of_cubic(const Pack<width>& r) {
  const auto c = [](int k) { return pack<width>(cubic_root[k]); };
  const Pack<width> three = pack<width>(3.0);
  const auto r2 = r * r, r4 = r2 * r2;
  const auto c03 = multiply_add(r2, multiply_add(r, c(3), c(2)), multiply_add(r, c(1), c(0)));
  const auto c47 = multiply_add(r2, multiply_add(r, c(7), c(6)), multiply_add(r, c(5), c(4)));
  const auto x = multiply_add(r4, multiply_add(r4, c(8), c47), c03);
  // x^3 - 3 x = 2 r
  const auto square = x * x;
  const auto excess = multiply_subtract(x, square - three, r + r);
  return negated_multiply_add(excess, inverse(multiply_subtract(three, square, three)), x);
}

// Makes the first component that none after it exceeds by more than rounding positive.
template <int width>
TALWEG_INLINE void turn_three(Pack<width>* v) {
  const Pack<width> tie = pack<width>(1.0 + 1e-9);
  const auto second = greater(magnitude(v[1]), magnitude(v[0]) * tie);
  Pack<width> best = select(second, v[1], v[0]);
  best = select(greater(magnitude(v[2]), magnitude(best) * tie), v[2], best);
  const auto sign = sign_of(best);
  v[0] = flip_sign(v[0], sign), v[1] = flip_sign(v[1], sign), v[2] = flip_sign(v[2], sign);
}

template <int rows, int width>
TALWEG_INLINE void store_points(const Pack<width>* numbers, double* points) {
  TALWEG_EACH {
    Vector own[rows];
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) own[r] = numbers[r].part[w];
    store_points<rows>(own, points + w * vector_lanes * rows);
  }
}

// The arguments are those of lane_eigen, for `width` vectors of lanes.
template <bool wanted, int width>
TALWEG_INLINE void eigen_of_three(const double* packed, std::size_t stride, double* values,
                                  double* vectors) {
  using Lanes = Pack<width>;
  const auto entry = [&](int k) { return load_pack<width>(packed + k * stride); };
  const Lanes one = pack<width>(1.0), zero = pack<width>(0.0);
  Lanes a00 = entry(0), a10 = entry(1), a11 = entry(2);
  Lanes a20 = entry(3), a21 = entry(4), a22 = entry(5);
  Lanes size = larger(larger(larger(magnitude(a00), magnitude(a11)), magnitude(a22)),
                      larger(larger(magnitude(a10), magnitude(a20)), magnitude(a21)));
  // Powers of two keep fourth powers in range.
  Lanes back = one;
  const auto extreme = greater(size, pack<width>(0x1p120)) |
                       (less(size, pack<width>(0x1p-120)) & greater(size, zero));
  if (any(extreme)) [[unlikely]] {
    Lanes scale;
    TALWEG_EACH scale.part[w] = select(extreme.part[w], power_to_one(size.part[w]), fill(1.0));
    back = one / scale;
    a00 = a00 * scale, a10 = a10 * scale, a11 = a11 * scale;
    a20 = a20 * scale, a21 = a21 * scale, a22 = a22 * scale;
    size = size * scale;
  }
  // A = mean + B; the eigenvalues of B are p times the roots of x^3 - 3 x = det B / p^3.
  const Lanes mean = (1.0 / 3.0) * (a00 + a11 + a22);
  const Lanes b00 = a00 - mean, b11 = a11 - mean, b22 = a22 - mean;
  const Lanes outer = multiply_add(a10, a10, multiply_add(a20, a20, a21 * a21));
  const Lanes inner = multiply_add(b00, b00, multiply_add(b11, b11, b22 * b22));
  const Lanes square = (1.0 / 6.0) * multiply_add(pack<width>(2.0), outer, inner);
  // Where B is far below the rounding of A any first vector will do. NaN where an entry is not
  // finite.
  const auto flat = at_most(square, 0x1p-133 * size * size);
  const Lanes p2 = select(flat, one, square) + (square - square);
  const Lanes p = square_root(p2), inverse_p2 = inverse(p2);
  const Lanes determinant =
      multiply_add(b00, multiply_subtract(b11, b22, a21 * a21),
                   multiply_add(a10, multiply_subtract(a20, a21, a10 * b22),
                                a20 * multiply_subtract(a10, a21, b11 * a20)));
  const Lanes ratio = (0.5 * magnitude(determinant) * inverse_p2) * (inverse_p2 * p);
  const Lanes apart = with_sign(p * largest_root_of_cubic(smaller(ratio, one)), determinant);
  const auto top = greater(apart, zero);

  // The largest column of the adjugate of B - apart, (x, y, z).
  const Lanes d0 = b00 - apart, d1 = b11 - apart, d2 = b22 - apart;
  const Lanes c00 = multiply_subtract(d1, d2, a21 * a21);
  const Lanes c11 = multiply_subtract(d0, d2, a20 * a20);
  const Lanes c22 = multiply_subtract(d0, d1, a10 * a10);
  const Lanes c10 = multiply_subtract(a20, a21, a10 * d2);
  const Lanes c20 = multiply_subtract(a10, a21, d1 * a20);
  const Lanes c21 = multiply_subtract(a10, a20, d0 * a21);
  const auto second = greater(c11, c00), third = greater(c22, larger(c00, c11));
  Lanes x = select(third, c20, select(second, c10, c00));
  Lanes y = select(third, c21, select(second, c11, c10));
  Lanes z = select(third, c22, select(second, c21, c20));
  Lanes length2 = multiply_add(x, x, multiply_add(y, y, z * z));
  // Only where B is no more than rounding of A: then again any vector will do.
  const auto lost = less(length2, 0x1p-200 * p2 * p2);
  if (any(lost)) [[unlikely]] {
    x = select(lost, zero, x), y = select(lost, zero, y), z = select(lost, p2, z);
    length2 = select(lost, p2 * p2, length2);
  }

  // H = 1 - beta h h', h = (x, y, h), takes it to the third axis; S = H B H by a symmetric update
  // of rank two.
  const Lanes length = square_root(length2);
  const Lanes h = z + with_sign(length, z);
  const Lanes beta = inverse(length * magnitude(h));
  const Lanes t0 = beta * multiply_add(b00, x, multiply_add(a10, y, a20 * h));
  const Lanes t1 = beta * multiply_add(a10, x, multiply_add(b11, y, a21 * h));
  const Lanes t2 = beta * multiply_add(a20, x, multiply_add(a21, y, b22 * h));
  const Lanes dot = (0.5 * beta) * multiply_add(t0, x, multiply_add(t1, y, t2 * h));
  const Lanes q0 = negated_multiply_add(dot, x, t0);
  const Lanes q1 = negated_multiply_add(dot, y, t1);
  const Lanes q2 = negated_multiply_add(dot, h, t2);
  const Lanes s00 = negated_multiply_add(x + x, q0, b00);
  const Lanes s11 = negated_multiply_add(y + y, q1, b11);
  const Lanes s10 = negated_multiply_add(x, q1, negated_multiply_add(y, q0, a10));
  const Lanes s22 = negated_multiply_add(h + h, q2, b22);

  const Lanes half = 0.5 * s00 - 0.5 * s11, middle = 0.5 * s00 + 0.5 * s11;
  const Lanes radius = square_root(multiply_add(half, half, s10 * s10));
  const Lanes low = middle - radius, high = middle + radius;
  // Rounding of A may have brought the one that stands apart among the others.
  const Lanes single = select(top, larger(s22, high), smaller(s22, low));
  const Lanes sorted[3] = {(select(top, low, single) + mean) * back,
                           (select(top, high, low) + mean) * back,
                           (select(top, single, high) + mean) * back};
  store_points<3>(sorted, values);
  if constexpr (!wanted) return;

  // (cosine, sine) is the eigenvector of the larger eigenvalue of the 2 x 2 matrix.
  const Lanes long_side = magnitude(half) + radius;
  const Lanes side2 = multiply_add(long_side, long_side, s10 * s10);
  const auto round = less(side2, pack<width>(0x1p-400));
  const Lanes normal = inverse(square_root(select(round, one, side2)));
  const Lanes major = select(round, one, long_side * normal);
  const Lanes minor = select(round, zero, s10 * normal);
  const auto first = greater(half, zero);
  const Lanes cosine = select(first, major, minor), sine = select(first, minor, major);
  const Lanes bx = beta * x, by = beta * y, bh = beta * h;
  const Lanes h00 = negated_multiply_add(bx, x, one), h10 = negative(by * x);
  const Lanes h20 = negative(bh * x), h11 = negated_multiply_add(by, y, one);
  const Lanes h21 = negative(bh * y), h22 = negated_multiply_add(bh, h, one);
  Lanes lower[3] = {multiply_subtract(h10, cosine, h00 * sine),
                    multiply_subtract(h11, cosine, h10 * sine),
                    multiply_subtract(h21, cosine, h20 * sine)};
  Lanes upper[3] = {multiply_add(h00, cosine, h10 * sine), multiply_add(h10, cosine, h11 * sine),
                    multiply_add(h20, cosine, h21 * sine)};
  Lanes alone[3] = {h20, h21, h22};
  turn_three(lower), turn_three(upper), turn_three(alone);
  Lanes columns[9];
#pragma GCC unroll 3
  for (int k = 0; k < 3; ++k) {
    columns[3 * k] = select(top, lower[k], alone[k]);
    columns[3 * k + 1] = select(top, upper[k], lower[k]);
    columns[3 * k + 2] = select(top, alone[k], upper[k]);
  }
  store_points<9>(columns, vectors);
}

}  // namespace talweg::TALWEG_ISA
