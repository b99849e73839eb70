// Eigenvalues and eigenvectors of 2 x 2 matrices in closed form, across lanes.
#pragma once

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// The arguments are those of lane_eigen, for `lanes` lanes; stride of values and vectors: group.
// With h = (a - c) / 2 and r = sqrt(h^2 + b^2) the eigenvalues are (a + c) / 2 -+ r, and (|h| + r,
// b) lies along one eigenvector without cancellation (Golub and Van Loan, section 8.5.2).
TALWEG_INLINE void eigen_of_two(const double* packed, std::size_t stride, std::size_t lanes,
                                double* values, double* vectors, std::size_t group) {
  for (std::size_t lane = 0; lane < lanes; lane += vector_lanes) {
    Vector a = load(packed + lane), b = load(packed + stride + lane);
    Vector c = load(packed + 2 * stride + lane);
    // Powers of two keep the squares in range.
    const Vector size = larger(larger(magnitude(a), magnitude(c)), magnitude(b));
    Vector scale = fill(1.0), back = fill(1.0);
    if (any((size > 0x1p500) | (size < 0x1p-480))) [[unlikely]] {
      scale = select(size > 0x1p500, fill(0x1p-600), select(size < 0x1p-480, fill(0x1p600), scale));
      back = 1.0 / scale;
    }
    // NaN where an entry is not finite, else 0.
    const Vector poison = (a * 0.0 + b * 0.0) + c * 0.0;
    a = a * scale, b = b * scale, c = c * scale;
    Vector half = 0.5 * a - 0.5 * c;
    const Vector middle = 0.5 * a + 0.5 * c + poison;
    // Near a multiple of the unit matrix the deviation from it may be far smaller than that.
    const Vector deviation = larger(magnitude(half), magnitude(b));
    Vector shrink = fill(1.0);
    if (any(deviation < 0x1p-480)) [[unlikely]] {
      const Mask small = deviation < 0x1p-480;
      const Vector enlarge = select(small, fill(0x1p600), fill(1.0));
      shrink = select(small, fill(0x1p-600), shrink);
      half = half * enlarge, b = b * enlarge;
    }
    const Vector radius = square_root(multiply_add(half, half, b * b));
    store(values + lane, (middle - radius * shrink) * back);
    store(values + group + lane, (middle + radius * shrink) * back);
    if (vectors == nullptr) continue;
    const Vector long_side = magnitude(half) + radius;
    const Vector length = square_root(multiply_add(long_side, long_side, b * b));
    const Mask round = length == 0.0;
    const Vector inverse = 1.0 / length;
    const Vector p = select(round, fill(1.0), long_side * inverse) + poison;
    const Vector q = select(round, Vector{}, b * inverse) + poison;
    // (p, q) belongs to the larger eigenvalue where a > c, (q, p) to it where a < c; p >= |q|.
    // Where both are as large but for rounding, the first component is the one to be positive.
    const Mask first = half > 0.0, level = magnitude(q) * (1.0 + 1e-9) >= p;
    const Vector turned = select(first, -q, q);
    const Vector sign = select(level & (turned < 0.0), fill(-1.0), fill(1.0));
    double* const to = vectors + lane;
    store(to, select(first, sign * turned, p));
    store(to + group, select(first, p, sign * turned));
    store(to + 2 * group, select(first, sign * p, -q));
    store(to + 3 * group, select(first, q, sign * p));
  }
}

}  // namespace talweg::TALWEG_ISA
