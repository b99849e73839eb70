// d'A d / 2 + T[d, d, d] / 6 + linear.d + constant. A row (i, j) of T as a sparse matrix gives the
// entry (i, j) of T[u] for every u; all quantities are made from these entries as they come by.
#include "simd/model_functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

TALWEG_INLINE Vector entry(const SparseRows& cubic, std::size_t row, const double* u,
                           std::size_t stride) {
  Vector sum{};
  for (std::uint32_t e = cubic.first[row]; e < cubic.first[row + 1]; ++e)
    sum = multiply_add(fill(cubic.value[e]), load(u + cubic.column[e] * stride), sum);
  return sum;
}

// to += amount times the symmetric matrix with the one entry (i, j), times u.
TALWEG_INLINE void add_product(double* to, std::size_t to_stride, std::size_t i, std::size_t j,
                               Vector amount, const double* u, std::size_t stride) {
  double* const to_i = to + i * to_stride;
  store(to_i, multiply_add(amount, load(u + j * stride), load(to_i)));
  if (i == j) return;
  double* const to_j = to + j * to_stride;
  store(to_j, multiply_add(amount, load(u + i * stride), load(to_j)));
}

static void cubic_lanes(const CubicProgram& p, unsigned quantities, const EvaluationBlock& block,
                        std::size_t lane, const double* d, const double* ad, const double* av) {
  const std::size_t stride = block.stride, width = block.lanes, n = p.n;
  const auto wants = [&](Quantity quantity) { return (quantities & quantity) != 0; };
  const double* const v = at_lane(block.v, lane);
  const double* const w = at_lane(block.w, lane);
  double* const gradient = at_lane(block.gradient, lane);
  double* const hessian = at_lane(block.hessian, lane);
  double* const third = at_lane(block.third, lane);
  double* const hessian_product = at_lane(block.hessian_product, lane);
  double* const third_product = at_lane(block.third_product, lane);
  d += lane, ad += lane, av = at_lane(av, lane);

  Vector value = fill(p.constant);
  if (wants(quantity_value))
    for (std::size_t i = 0; i < n; ++i)
      value = multiply_add(load(d + i * width),
                           multiply_add(fill(0.5), load(ad + i * width), fill(p.linear[i])), value);
  if (wants(quantity_gradient))
    for (std::size_t i = 0; i < n; ++i)
      store(gradient + i * stride, load(ad + i * width) + p.linear[i]);
  if (wants(quantity_hessian_product))
    for (std::size_t i = 0; i < n; ++i) store(hessian_product + i * stride, load(av + i * width));
  if (wants(quantity_third_product))
    for (std::size_t i = 0; i < n; ++i) store(third_product + i * stride, Vector{});
  if (wants(quantity_hessian))
    for (std::size_t i = 0, row = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j, ++row)
        store(hessian + row * stride,
              fill(p.packed ? p.packed[row] : (i == j ? p.diagonal[i] : 0.0)));
  if (wants(quantity_third))
    for (std::size_t row = 0; row < n * (n + 1) / 2; ++row) store(third + row * stride, Vector{});

  const bool along_d = (quantities & (quantity_value | quantity_gradient | quantity_hessian |
                                      quantity_hessian_product)) != 0;
  const bool along_v = (quantities & (quantity_third | quantity_third_product)) != 0;
  Vector cubic_value{};
  for (std::size_t row = 0; row < p.cubic.rows; ++row) {
    const std::size_t i = p.row_i[row], j = p.row_j[row], packed = (i * (i + 1) / 2 + j) * stride;
    if (along_d) {
      const Vector amount = entry(p.cubic, row, d, width);
      if (wants(quantity_value)) {
        const Vector product = load(d + i * width) * load(d + j * width);
        cubic_value = multiply_add(amount, i == j ? product : product + product, cubic_value);
      }
      if (wants(quantity_gradient)) add_product(gradient, stride, i, j, 0.5 * amount, d, width);
      if (wants(quantity_hessian)) store(hessian + packed, load(hessian + packed) + amount);
      if (wants(quantity_hessian_product))
        add_product(hessian_product, stride, i, j, amount, v, stride);
    }
    if (along_v) {
      const Vector amount = entry(p.cubic, row, v, stride);
      if (wants(quantity_third)) store(third + packed, amount);
      if (wants(quantity_third_product))
        add_product(third_product, stride, i, j, amount, w, stride);
    }
  }
  if (wants(quantity_value)) store(block.value + lane, value + cubic_value / 6.0);
}

void cubic(const CubicProgram& program, unsigned quantities, const EvaluationBlock& block,
           const double* d, const double* ad, const double* av) {
  for (std::size_t lane = 0; lane < block.lanes; lane += vector_lanes)
    cubic_lanes(program, quantities, block, lane, d, ad, av);
}

}  // namespace talweg::TALWEG_ISA
