// Householder tridiagonalisation of one vector of symmetric matrices, one in each lane.
// Source: Golub and Van Loan, Matrix Computations, section 8.3.1.
#pragma once

#include <cstddef>

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// Where row i of a packed lower triangle begins.
constexpr int row_start(int i) { return i * (i + 1) / 2; }

// Column norms whose square is below this are rounding of zero for matrices in the safe range.
constexpr double negligible_square = 0x1p-600;

// a: packed lower triangle, entry k at a + k * stride, overwritten by the reflectors' vectors v in
// its columns: H_k = 1 - inverse_h[k] v v', v in rows k + 1 .. n - 1. weights: n vectors of room.
// off[k] couples k and k + 1; off[n - 1] is zero.
template <int order>
static void tridiagonalise(int runtime_order, double* a, double* diagonal, double* off,
                           double* inverse_h, double* weights, std::size_t stride) {
  const int n = order > 0 ? order : runtime_order;
  const auto at = [a, stride](int i, int j) { return a + (row_start(i) + j) * stride; };
  for (int k = 0; k + 2 < n; ++k) {
    Vector tail{};
    for (int i = k + 2; i < n; ++i) {
      const Vector x = load(at(i, k));
      tail = multiply_add(x, x, tail);
    }
    const Vector x0 = load(at(k + 1, k));
    const Vector square = multiply_add(x0, x0, tail);
    const Mask negligible = square < fill(negligible_square);
    const Vector norm = fast_square_root(square);
    const Vector beta = with_sign(norm, -x0);
    const Vector v0 = x0 - beta;
    const Vector h = select(negligible, fill(1.0), norm * magnitude(v0));
    const Vector inverse = from_bits(bits(fast_inverse(h)) & ~(Bits)negligible);
    store(diagonal + k * stride, load(at(k, k)));
    store(off + k * stride, select(negligible, x0, beta));
    store(inverse_h + k * stride, inverse);
    store(at(k + 1, k), v0);

    // weights = A v
    for (int i = k + 1; i < n; ++i) {
      const Vector vi = load(at(i, k));
      Vector sum = load(at(i, i)) * vi;
      for (int j = k + 1; j < i; ++j) {
        const Vector entry = load(at(i, j));
        sum = multiply_add(entry, load(at(j, k)), sum);
        store(weights + j * stride, multiply_add(entry, vi, load(weights + j * stride)));
      }
      store(weights + i * stride, sum);
    }
    Vector dot{};
    for (int i = k + 1; i < n; ++i)
      dot = multiply_add(load(weights + i * stride), load(at(i, k)), dot);
    const Vector half = 0.5 * inverse * (inverse * dot);
    for (int i = k + 1; i < n; ++i)
      store(weights + i * stride,
            multiply_subtract(inverse, load(weights + i * stride), half * load(at(i, k))));
    for (int i = k + 1; i < n; ++i) {
      const Vector vi = load(at(i, k)), wi = load(weights + i * stride);
      for (int j = k + 1; j <= i; ++j) {
        Vector entry = load(at(i, j));
        entry = negated_multiply_add(vi, load(weights + j * stride), entry);
        entry = negated_multiply_add(wi, load(at(j, k)), entry);
        store(at(i, j), entry);
      }
    }
  }
  store(diagonal + (n - 2) * stride, load(at(n - 2, n - 2)));
  store(off + (n - 2) * stride, load(at(n - 1, n - 2)));
  store(diagonal + (n - 1) * stride, load(at(n - 1, n - 1)));
  store(off + (n - 1) * stride, Vector{});
}

// q = H_0 H_1 ..., entry (i, j) at q + (i * n + j) * stride.
template <int order>
static void accumulate_reflectors(int runtime_order, const double* a, const double* inverse_h,
                                  double* q, std::size_t stride) {
  const int n = order > 0 ? order : runtime_order;
  const auto at = [a, stride](int i, int j) { return a + (row_start(i) + j) * stride; };
  const auto entry = [q, n, stride](int i, int j) { return q + (i * n + j) * stride; };
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) store(entry(i, j), fill(i == j ? 1.0 : 0.0));
  for (int k = n - 3; k >= 0; --k) {
    const Vector inverse = load(inverse_h + k * stride);
    for (int j = k + 1; j < n; ++j) {
      Vector dot{};
      for (int i = k + 1; i < n; ++i) dot = multiply_add(load(at(i, k)), load(entry(i, j)), dot);
      dot = dot * inverse;
      for (int i = k + 1; i < n; ++i)
        store(entry(i, j), negated_multiply_add(dot, load(at(i, k)), load(entry(i, j))));
    }
  }
}

}  // namespace talweg::TALWEG_ISA
