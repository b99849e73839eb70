// sum (x_i^2 - 1)^2 / 4 + coupling / 2 sum (x_i+1 - x_i)^2, free ends or a ring.
#include "simd/model_functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// The rows before and after each site; at a free end the site itself, which adds nothing.
struct Neighbours {
  std::size_t n;
  bool periodic;
  std::size_t before(std::size_t i) const { return i > 0 ? i - 1 : (periodic ? n - 1 : 0); }
  std::size_t after(std::size_t i) const { return i + 1 < n ? i + 1 : (periodic ? 0 : n - 1); }
};

// coupling times the sum of the differences of row i to its neighbours.
TALWEG_INLINE Vector stretch(const double* rows, std::size_t stride, Neighbours chain,
                             double coupling, std::size_t i) {
  const Vector here = load(rows + i * stride);
  const Vector before = load(rows + chain.before(i) * stride);
  const Vector after = load(rows + chain.after(i) * stride);
  return coupling * ((here - before) + (here - after));
}

static void phi4_lanes(const Phi4Program& p, unsigned quantities, const EvaluationBlock& block,
                       std::size_t lane) {
  const std::size_t n = p.n, stride = block.stride;
  const Neighbours chain{n, p.periodic};
  const double* const x = at_lane(block.x, lane);
  const double* const v = at_lane(block.v, lane);
  const double* const w = at_lane(block.w, lane);
  Vector value{};
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t row = i * stride;
    const Vector xi = load(x + row);
    const Vector square = xi * xi, well = square - 1.0;
    if (quantities & quantity_value) {
      const Vector difference = load(x + chain.after(i) * stride) - xi;
      value = multiply_add(well, 0.25 * well, value);
      value = multiply_add(difference, (0.5 * p.coupling) * difference, value);
    }
    if (quantities & quantity_gradient)
      store(block.gradient + lane + row,
            multiply_add(xi, well, stretch(x, stride, chain, p.coupling, i)));
    if (quantities & quantity_hessian_product)
      store(block.hessian_product + lane + row,
            multiply_add(3.0 * square - 1.0, load(v + row),
                         stretch(v, stride, chain, p.coupling, i)));
    if (quantities & quantity_third_product)
      store(block.third_product + lane + row, 6.0 * xi * load(v + row) * load(w + row));
  }
  if (quantities & quantity_value) store(block.value + lane, value);

  constexpr Quantity matrices[] = {quantity_hessian, quantity_third};
  for (const Quantity quantity : matrices) {
    if (!(quantities & quantity)) continue;
    const bool third = quantity == quantity_third;
    double* const matrix = at_lane(third ? block.third : block.hessian, lane);
    for (std::size_t i = 0, row = 0; i < n; ++i) {
      const bool inner = chain.before(i) != i && chain.after(i) != i;
      for (std::size_t j = 0; j <= i; ++j, ++row) {
        Vector entry{};
        const Vector xi = load(x + i * stride);
        if (third) {
          if (i == j) entry = 6.0 * xi * load(v + i * stride);
        } else if (i == j) {
          entry = (3.0 * (xi * xi) - 1.0) + (inner ? 2.0 : 1.0) * p.coupling;
        } else if (i == j + 1 || (p.periodic && j == 0 && i + 1 == n)) {
          entry = fill(-p.coupling);
        }
        store(matrix + row * stride, entry);
      }
    }
  }
}

void phi4_chain(const Phi4Program& program, unsigned quantities, const EvaluationBlock& block) {
  for (std::size_t lane = 0; lane < block.lanes; lane += vector_lanes)
    phi4_lanes(program, quantities, block, lane);
}

}  // namespace talweg::TALWEG_ISA
