#include "objective/line_derivatives.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double zero_offset[] = {0.0};
constexpr double unit_weight[] = {1.0};
constexpr double two_sides[] = {-2.0, -1.0, 1.0, 2.0};
constexpr double first_weights[] = {1.0 / 12.0, -2.0 / 3.0, 2.0 / 3.0, -1.0 / 12.0};
constexpr double two_sides_and_centre[] = {-2.0, -1.0, 0.0, 1.0, 2.0};
constexpr double second_weights[] = {-1.0 / 12.0, 4.0 / 3.0, -5.0 / 2.0, 4.0 / 3.0, -1.0 / 12.0};
constexpr double outer_second_weights[] = {-1.0 / 12.0, 4.0 / 3.0, 4.0 / 3.0, -1.0 / 12.0};
constexpr double three_sides[] = {-3.0, -2.0, -1.0, 1.0, 2.0, 3.0};
constexpr double third_weights[] = {1.0 / 8.0, -1.0, 13.0 / 8.0, -13.0 / 8.0, 1.0, -1.0 / 8.0};

// Numbers a block of displaced points may take: what fits the second-level cache, but enough lanes
// that a call of an interpreted function is shared by many.
constexpr std::size_t block_numbers = 1u << 17;
constexpr std::size_t most_lanes = 2048;

}  // namespace

const Stencil value_stencil{0, zero_offset, unit_weight};
const Stencil first_stencil{1, two_sides, first_weights};
const Stencil second_stencil{2, two_sides_and_centre, second_weights};
const Stencil second_stencil_without_centre{2, two_sides, outer_second_weights};
const Stencil third_stencil{3, three_sides, third_weights};

void line_derivatives(
    const Objective& objective, Quantity quantity, const Stencil& stencil, double step,
    const EvaluationBlock& block, const Lines& lines,
    const std::function<void(std::size_t lane, std::size_t line, const double* rows)>& result) {
  const std::size_t n = objective.dimension(), nodes = stencil.offsets.size();
  const bool matrix = quantity == quantity_hessian || quantity == quantity_third;
  const std::size_t rows = quantity == quantity_value ? 1 : (matrix ? n * (n + 1) / 2 : n);
  const bool needs_v =
      (quantity & (quantity_third | quantity_hessian_product | quantity_third_product)) != 0;
  const bool needs_w = quantity == quantity_third_product;
  const std::size_t all_rows = n + (needs_v ? n : 0) + (needs_w ? n : 0) + rows;
  const std::size_t total = block.lanes * lines.count;
  const std::size_t together = std::clamp<std::size_t>(
      std::min(block_numbers / all_rows, most_lanes) / nodes, 1, std::max<std::size_t>(total, 1));
  const std::size_t stride = together * nodes;
  std::vector<double> storage(all_rows * stride), vector(n), sums(rows);
  double* next = storage.data();
  const auto take = [&next, stride](bool wanted, std::size_t count) -> double* {
    double* const taken = wanted ? next : nullptr;
    if (wanted) next += count * stride;
    return taken;
  };
  double* const x = take(true, n);
  double* const v = take(needs_v, n);
  double* const w = take(needs_w, n);
  double* const results = take(true, rows);
  EvaluationBlock displaced;
  displaced.stride = stride;
  displaced.x = x;
  displaced.v = v;
  displaced.w = w;
  displaced.value = displaced.gradient = displaced.hessian = displaced.third =
      displaced.hessian_product = displaced.third_product = results;
  const double scale = 1.0 / std::pow(step, stencil.order);

  for (std::size_t start = 0; start < total; start += together) {
    const std::size_t count = std::min(together, total - start);
    for (std::size_t c = 0; c < count; ++c) {
      const std::size_t lane = (start + c) / lines.count, line = (start + c) % lines.count;
      std::fill(vector.begin(), vector.end(), 0.0);
      if (stencil.order > 0) lines.direction(lane, line, vector.data());
      for (std::size_t i = 0; i < n; ++i) {
        const double from = block.x[i * block.stride + lane];
        for (std::size_t k = 0; k < nodes; ++k) {
          x[i * stride + c * nodes + k] = from + stencil.offsets[k] * step * vector[i];
        }
      }
      for (const auto& [to, fill] : {std::pair{v, &lines.v}, std::pair{w, &lines.w}}) {
        if (to == nullptr) continue;
        (*fill)(lane, line, vector.data());
        for (std::size_t i = 0; i < n; ++i) {
          std::fill_n(to + i * stride + c * nodes, nodes, vector[i]);
        }
      }
    }
    displaced.lanes = count * nodes;
    const bool stopped = interrupted();
    if (!stopped) objective.evaluate(quantity, displaced);
    for (std::size_t c = 0; c < count; ++c) {
      for (std::size_t r = 0; r < rows; ++r) {
        const double* const at = results + r * stride + c * nodes;
        double sum = stopped ? std::numeric_limits<double>::quiet_NaN() : 0.0;
        for (std::size_t k = 0; k < nodes; ++k) sum += stencil.weights[k] * at[k];
        sums[r] = sum * scale;
      }
      result((start + c) / lines.count, (start + c) % lines.count, sums.data());
    }
  }
}

}  // namespace talweg
