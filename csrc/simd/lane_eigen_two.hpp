// Eigenvalues and eigenvectors of 2 x 2 matrices in closed form, across lanes.
#pragma once

#include <cstddef>

#include "simd/lane_scale.hpp"
#include "simd/lane_transposition.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// The arguments are those of lane_eigen, for one vector of lanes.
// With h = (a - c) / 2 and r = sqrt(h^2 + b^2) the eigenvalues are (a + c) / 2 -+ r, and (|h| + r,
// b) lies along one eigenvector without cancellation (Golub and Van Loan, section 8.5.2).
template <bool wanted>
TALWEG_INLINE void eigen_of_two(const double* packed, std::size_t stride, double* values,
                                double* vectors) {
  Vector a = load(packed), b = load(packed + stride), c = load(packed + 2 * stride);
  // Powers of two keep the squares in range.
  const Vector size = larger(larger(magnitude(a), magnitude(c)), magnitude(b));
  Vector back = fill(1.0);
  const Mask extreme = (size > 0x1p500) | ((size < 0x1p-240) & (size > 0.0));
  if (any(extreme)) [[unlikely]] {
    const Vector scale = select(extreme, power_to_one(size), back);
    back = 1.0 / scale;
    a = a * scale, b = b * scale, c = c * scale;
  }
  Vector half = 0.5 * a - 0.5 * c;
  const Vector centre = multiply_add(fill(0.5), a, 0.5 * c);
  // Near a multiple of the unit matrix the deviation from it may be far smaller than that.
  const Vector deviation = larger(magnitude(half), magnitude(b));
  const Mask slight = deviation < 0x1p-480;
  Vector shrink = fill(1.0);
  if (any(slight)) [[unlikely]] {
    const Vector enlarge = select(slight, fill(0x1p600), shrink);
    shrink = select(slight, fill(0x1p-600), shrink);
    half = half * enlarge, b = b * enlarge;
  }
  const Vector square = multiply_add(half, half, b * b);
  // NaN where an entry is not finite, else 0.
  const Vector poison = square - square;
  const Vector middle = centre + poison;
  const Vector radius = fast_square_root(square), apart = radius * shrink;
  const Vector sorted[2] = {(middle - apart) * back, (middle + apart) * back};
  store_points<2>(sorted, values);
  if constexpr (!wanted) return;
  const Vector long_side = magnitude(half) + radius;
  const Vector length = fast_square_root(multiply_add(long_side, long_side, b * b));
  const Mask round = length == 0.0;
  const Vector normal = fast_inverse(select(round, fill(1.0), length));
  const Vector p = select(round, fill(1.0), long_side * normal) + poison;
  const Vector q = select(round, Vector{}, b * normal) + poison;
  // (p, q) belongs to the larger eigenvalue where a > c, (q, p) to it where a < c; p >= |q|.
  const Mask first = half > 0.0;
  const Vector shorter = select(first, -q, q);
  // Of two components equal to rounding the first one is positive.
  const Mask tied = !(p > magnitude(q) * (1.0 + 1e-9));
  const Vector turn = from_bits((Bits)tied & bits(sign_of(shorter)));
  const Vector x = flip_sign(shorter, turn), y = flip_sign(p, turn), z = -shorter;
  const Vector both[4] = {select(first, x, p), select(first, p, x), select(first, y, z),
                          select(first, z, y)};
  store_points<4>(both, vectors);
}

}  // namespace talweg::TALWEG_ISA
