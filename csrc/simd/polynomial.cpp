// Sparse polynomials. Value, gradient and Hessian are combinations of monomials with fixed
// coefficients, so H v, T[v] and T[v] w are the same combinations of the monomials' derivatives
// along v and w, which the product rule gives monomial by monomial.
#include "simd/model_functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// Rows of `vectors` vectors, one a monomial.
template <int vectors>
struct Monomials {
  static constexpr std::size_t width = static_cast<std::size_t>(vectors) * vector_lanes;
  double* values;
  double* along_v;
  double* along_w;
  double* along_both;
};

template <int vectors>
static void fill_monomials(const PolynomialProgram& p, const double* x, const double* v,
                           const double* w, std::size_t stride, Monomials<vectors> to) {
  constexpr std::size_t width = Monomials<vectors>::width;
  const auto coordinates = [&](double* rows, const double* from, double constant) {
    for (int u = 0; u < vectors; ++u) store(rows + u * vector_lanes, fill(constant));
    for (std::size_t i = 0; i < p.n; ++i)
      for (int u = 0; u < vectors; ++u)
        store(rows + (i + 1) * width + u * vector_lanes,
              from ? load(from + i * stride + u * vector_lanes) : Vector{});
  };
  coordinates(to.values, x, 1.0);
  if (v) coordinates(to.along_v, v, 0.0);
  if (w) {
    coordinates(to.along_w, w, 0.0);
    coordinates(to.along_both, nullptr, 0.0);
  }
  for (std::size_t row = p.n + 1; row < p.monomials; ++row) {
    const std::size_t left = p.left[row - p.n - 1] * width, right = p.right[row - p.n - 1] * width;
#pragma GCC unroll 4
    for (int u = 0; u < vectors; ++u) {
      const std::size_t lane = u * vector_lanes, here = row * width + lane;
      const Vector a = load(to.values + left + lane), b = load(to.values + right + lane);
      store(to.values + here, a * b);
      if (!v) continue;
      const Vector av = load(to.along_v + left + lane), bv = load(to.along_v + right + lane);
      store(to.along_v + here, multiply_add(av, b, a * bv));
      if (!w) continue;
      const Vector aw = load(to.along_w + left + lane), bw = load(to.along_w + right + lane);
      store(to.along_w + here, multiply_add(aw, b, a * bw));
      const Vector ab = load(to.along_both + left + lane), bb = load(to.along_both + right + lane);
      store(to.along_both + here,
            multiply_add(ab, b, multiply_add(av, bw, multiply_add(aw, bv, a * bb))));
    }
  }
}

template <int vectors>
static void combine(const SparseRows& matrix, const double* monomials, double* to,
                    std::size_t stride) {
  constexpr std::size_t width = Monomials<vectors>::width;
  for (std::size_t row = 0; row < matrix.rows; ++row, to += stride) {
    Vector sums[vectors] = {};
    for (std::uint32_t e = matrix.first[row]; e < matrix.first[row + 1]; ++e) {
      const double* const from = monomials + matrix.column[e] * width;
      const Vector factor = fill(matrix.value[e]);
#pragma GCC unroll 4
      for (int u = 0; u < vectors; ++u)
        sums[u] = multiply_add(factor, load(from + u * vector_lanes), sums[u]);
    }
#pragma GCC unroll 4
    for (int u = 0; u < vectors; ++u) store(to + u * vector_lanes, sums[u]);
  }
}

template <int vectors>
static void polynomial_lanes(const PolynomialProgram& p, unsigned quantities,
                             const EvaluationBlock& block, std::size_t lane, double* scratch) {
  constexpr unsigned need_v = quantity_third | quantity_hessian_product | quantity_third_product;
  const std::size_t stride = block.stride, size = p.monomials * Monomials<vectors>::width;
  const Monomials<vectors> monomials{scratch, scratch + size, scratch + 2 * size,
                                     scratch + 3 * size};
  fill_monomials<vectors>(p, block.x + lane, quantities & need_v ? block.v + lane : nullptr,
                          quantities & quantity_third_product ? block.w + lane : nullptr, stride,
                          monomials);
  if (quantities & quantity_value)
    combine<vectors>(p.value, monomials.values, block.value + lane, stride);
  if (quantities & quantity_gradient)
    combine<vectors>(p.gradient, monomials.values, block.gradient + lane, stride);
  if (quantities & quantity_hessian)
    combine<vectors>(p.hessian, monomials.values, block.hessian + lane, stride);
  if (quantities & quantity_third)
    combine<vectors>(p.hessian, monomials.along_v, block.third + lane, stride);
  if (quantities & quantity_hessian_product)
    combine<vectors>(p.gradient, monomials.along_v, block.hessian_product + lane, stride);
  if (quantities & quantity_third_product)
    combine<vectors>(p.gradient, monomials.along_both, block.third_product + lane, stride);
}

void polynomial(const PolynomialProgram& program, unsigned quantities, const EvaluationBlock& block,
                double* scratch) {
  constexpr std::size_t group = polynomial_vectors * vector_lanes;
  std::size_t lane = 0;
  for (; lane + group <= block.lanes; lane += group)
    polynomial_lanes<polynomial_vectors>(program, quantities, block, lane, scratch);
  for (; lane < block.lanes; lane += vector_lanes)
    polynomial_lanes<1>(program, quantities, block, lane, scratch);
}

}  // namespace talweg::TALWEG_ISA
