// What one would write by hand for one function: no registers in memory, everything inlined, the
// library's own exp.
#include <cstddef>

#include "simd/vector_math.hpp"

namespace talweg::TALWEG_ISA {

void muller_brown_gradient_loop(std::size_t lanes, const double* const* x,
                                double* const* gradient) {
  constexpr double depth[] = {-200, -100, -170, 15};
  constexpr double a[] = {-1, -1, -6.5, .7}, b[] = {0, 0, 11, .6}, c[] = {-10, -10, -6.5, .7};
  constexpr double x0[] = {1, 0, -.5, -1}, y0[] = {0, .5, 1.5, 1};
  for (std::size_t i = 0; i + vector_lanes <= lanes; i += vector_lanes) {
    const Vector px = load(x[0] + i), py = load(x[1] + i);
    Vector gx{}, gy{};
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      const Vector dx = px - x0[k], dy = py - y0[k];
      const Vector p = multiply_add(dx, fill(2 * a[k]), b[k] * dy);
      const Vector q = multiply_add(dy, fill(2 * c[k]), b[k] * dx);
      const Vector e = depth[k] * exp(0.5 * multiply_add(p, dx, q * dy));
      gx = multiply_add(e, p, gx);
      gy = multiply_add(e, q, gy);
    }
    store(gradient[0] + i, gx);
    store(gradient[1] + i, gy);
  }
}

void rosenbrock_gradient_loop(std::size_t lanes, const double* const* x, double* const* gradient) {
  for (std::size_t i = 0; i + vector_lanes <= lanes; i += vector_lanes) {
    const Vector px = load(x[0] + i), py = load(x[1] + i);
    const Vector h = 200.0 * negated_multiply_add(px, px, py);
    store(gradient[0] + i, 2.0 * (negated_multiply_add(h, px, px) - 1.0));
    store(gradient[1] + i, h);
  }
}

}  // namespace talweg::TALWEG_ISA
