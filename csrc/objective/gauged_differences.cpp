#include "objective/gauged_differences.hpp"

#include <algorithm>
#include <cmath>

#include "objective/line_derivatives.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

// Motions much shorter than the longest, as of a nearly linear molecule about its axis, would
// magnify the gradient's noise more than differences do.
constexpr double shortest_motion = 0.1;

constexpr double one[] = {1.0};
constexpr Stencil displaced_point{1, one, one};

// Derivatives of fourth order from points at these multiples of the step.
constexpr std::size_t nodes = 4;
constexpr double offsets[nodes] = {-2.0, -1.0, 1.0, 2.0};
constexpr double first_weights[nodes] = {1.0 / 12.0, -2.0 / 3.0, 2.0 / 3.0, -1.0 / 12.0};
constexpr double second_weights[nodes] = {-1.0 / 12.0, 4.0 / 3.0, 4.0 / 3.0, -1.0 / 12.0};
constexpr double second_centre = -5.0 / 2.0;

}  // namespace

struct GaugedDifferences::Lane {
  std::vector<double> x, gradient, v;
  std::vector<double> rows;        // rank x n, orthonormal, along the orbits
  std::vector<double> axes;        // count x n, orthonormal, across them
  std::vector<double> directions;  // count x n, the axes with scaled length one; then v likewise
  std::vector<double> lengths;     // scaled lengths of the axes; then that of v
  std::size_t rank = 0, count = 0;
  // Along each of `directions`: first derivatives of the gradient, second ones times the squared
  // step; and second ones along the sums of v's direction with each of the others.
  std::vector<double> first, second, second_of_sums;
};

GaugedDifferences::GaugedDifferences(const Objective& base, const Gauge& gauge,
                                     const std::vector<double>& scale, double step)
    : base_(base),
      gauge_(&gauge, shortest_motion),
      scale_(scale),
      step_(step),
      n_(base.dimension()) {}

double GaugedDifferences::scaled_length(const double* vector) const {
  double square = 0.0;
  for (std::size_t i = 0; i < n_; ++i) square += std::pow(vector[i] / scale_[i], 2);
  return std::sqrt(square);
}

std::vector<double> GaugedDifferences::turned(const Lane& lane, const double* vector) const {
  std::vector<double> rows(gauge_.most() * n_), turns(gauge_.most() * n_);
  gauge_.evaluate(lane.x.data(), vector, rows.data(), turns.data());
  return turns;
}

void GaugedDifferences::prepare(const EvaluationBlock& block, Lane& lane, std::size_t index) const {
  const std::size_t n = n_;
  const auto column = [&](const double* from) {
    std::vector<double> result(n);
    for (std::size_t i = 0; i < n; ++i) result[i] = from[i * block.stride + index];
    return result;
  };
  lane.x = column(block.x);
  lane.gradient = column(block.gradient);
  lane.rows.resize(gauge_.most() * n);
  lane.rank = gauge_.evaluate(lane.x.data(), nullptr, lane.rows.data(), nullptr);
  lane.count = n - lane.rank;
  // The coordinate axes that lie most across, one after the other.
  std::vector<double> rest(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) rest[i * n + i] = 1.0;
  const auto take_out = [&](const double* row) {
    for (std::size_t i = 0; i < n; ++i) {
      const double along = dot(n, row, rest.data() + i * n);
      for (std::size_t j = 0; j < n; ++j) rest[i * n + j] -= along * row[j];
    }
  };
  for (std::size_t r = 0; r < lane.rank; ++r) take_out(lane.rows.data() + r * n);
  lane.axes.resize(lane.count * n);
  for (std::size_t k = 0; k < lane.count; ++k) {
    std::size_t best = 0;
    double length = -1.0;
    for (std::size_t i = 0; i < n; ++i) {
      const double here = norm(n, rest.data() + i * n);
      // Rows as long as one another keep their order.
      if (here > length * (1.0 + 1e-6)) {
        best = i;
        length = here;
      }
    }
    double* const axis = lane.axes.data() + k * n;
    for (std::size_t j = 0; j < n; ++j) axis[j] = rest[best * n + j] / length;
    take_out(axis);
  }
  lane.directions = lane.axes;
  if (block.v) {
    lane.v = column(block.v);
    lane.directions.insert(lane.directions.end(), lane.v.begin(), lane.v.end());
  }
  const std::size_t lines = lane.directions.size() / n;
  lane.lengths.resize(lines);
  for (std::size_t k = 0; k < lines; ++k) {
    double* const direction = lane.directions.data() + k * n;
    lane.lengths[k] = scaled_length(direction);
    if (!(lane.lengths[k] > 0.0)) continue;
    for (std::size_t i = 0; i < n; ++i) direction[i] /= lane.lengths[k];
  }
  lane.first.assign(lines * n, 0.0);
  lane.second.assign(lines * n, 0.0);
  for (std::size_t k = 0; k < lines; ++k) {
    for (std::size_t i = 0; i < n; ++i) lane.second[k * n + i] = second_centre * lane.gradient[i];
  }
  if (!block.v) return;
  lane.second_of_sums.assign(lane.count * n, 0.0);
  for (std::size_t i = 0; i < lane.second_of_sums.size(); ++i) {
    lane.second_of_sums[i] = second_centre * lane.gradient[i % n];
  }
}

std::vector<double> GaugedDifferences::assemble(const Lane& lane, const std::vector<double>& along,
                                                const std::vector<double>& across) const {
  const std::size_t n = n_;
  // In the frame of rows and axes, where what the rows tell is exact.
  std::vector<double> frame(lane.rows.begin(),
                            lane.rows.begin() + static_cast<std::ptrdiff_t>(lane.rank * n));
  frame.insert(frame.end(), lane.axes.begin(), lane.axes.end());
  std::vector<double> inner(n * n), product(n * n, 0.0), result(n * n, 0.0);
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      const double* const row_a = frame.data() + a * n;
      const double* const row_b = frame.data() + b * n;
      const auto times = [&](std::size_t c, const double* other) {
        const double* const known =
            c < lane.rank ? along.data() + c * n : across.data() + (c - lane.rank) * n;
        return dot(n, known, other);
      };
      const bool mixed = b < lane.rank && a >= lane.rank;
      inner[a * n + b] = inner[b * n + a] =
          mixed ? times(b, row_a) : 0.5 * (times(b, row_a) + times(a, row_b));
    }
  }
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) {
      for (std::size_t i = 0; i < n; ++i) {
        product[a * n + i] += inner[a * n + b] * frame[b * n + i];
      }
    }
  }
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        result[i * n + j] += frame[a * n + i] * product[a * n + j];
      }
    }
  }
  return result;
}

void GaugedDifferences::evaluate(unsigned quantities, const EvaluationBlock& block) const {
  const std::size_t n = n_;
  const bool third = (quantities & quantity_third) != 0;
  EvaluationBlock points = block;
  if (!third) points.v = nullptr;
  std::vector<Lane> lanes(block.lanes);
  std::size_t most = 0;
  for (std::size_t l = 0; l < block.lanes; ++l) {
    prepare(points, lanes[l], l);
    most = std::max(most, lanes[l].count);
  }
  // Axes, v, and v with each axis, in this order; lanes with fewer axes leave their lines empty.
  const std::size_t groups = third ? 2 * most + 1 : most;
  const auto purpose = [&](const Lane& lane, std::size_t group, std::size_t* axis) {
    *axis = group < most ? group : (group == most ? lane.count : group - most - 1);
    return group < most ? *axis < lane.count : group == most || *axis < lane.count;
  };
  Lines lines;
  lines.count = groups * nodes;
  lines.direction = [&](std::size_t l, std::size_t line, double* d) {
    const Lane& lane = lanes[l];
    std::size_t axis = 0;
    if (!purpose(lane, line / nodes, &axis)) return;
    const double length = offsets[line % nodes] * step_;
    const double* const direction = lane.directions.data() + axis * n;
    for (std::size_t i = 0; i < n; ++i) d[i] = length * direction[i];
    if (line / nodes <= most) return;
    const double* const v = lane.directions.data() + lane.count * n;
    for (std::size_t i = 0; i < n; ++i) d[i] += length * v[i];
  };
  line_derivatives(base_, quantity_gradient, displaced_point, 1.0, block, lines,
                   [&](std::size_t l, std::size_t line, const double* gradient) {
                     Lane& lane = lanes[l];
                     std::size_t axis = 0;
                     if (!purpose(lane, line / nodes, &axis)) return;
                     const bool sum = line / nodes > most;
                     double* const first = lane.first.data() + axis * n;
                     double* const second =
                         (sum ? lane.second_of_sums.data() : lane.second.data()) + axis * n;
                     for (std::size_t i = 0; i < n; ++i) {
                       second[i] += second_weights[line % nodes] * gradient[i];
                       if (!sum) first[i] += first_weights[line % nodes] * gradient[i];
                     }
                   });
  const auto store = [&](const std::vector<double>& matrix, double* packed, std::size_t l) {
    for (std::size_t i = 0, e = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j, ++e) packed[e * block.stride + l] = matrix[i * n + j];
    }
  };
  for (std::size_t l = 0; l < block.lanes; ++l) {
    const Lane& lane = lanes[l];
    std::vector<double> across(lane.count * n);
    for (std::size_t i = 0; i < across.size(); ++i) {
      across[i] = lane.first[i] * lane.lengths[i / n] / step_;
    }
    const std::vector<double> hessian = assemble(lane, turned(lane, lane.gradient.data()), across);
    if ((quantities & quantity_hessian) != 0) store(hessian, block.hessian, l);
    if (!third) continue;
    const double* const along_v = lane.second.data() + lane.count * n;
    const double length = lane.lengths[lane.count];
    for (std::size_t i = 0; i < across.size(); ++i) {
      across[i] = 0.5 * (lane.second_of_sums[i] - along_v[i % n] - lane.second[i]) *
                  lane.lengths[i / n] * length / (step_ * step_);
    }
    std::vector<double> product(n);
    for (std::size_t i = 0; i < n; ++i) product[i] = dot(n, hessian.data() + i * n, lane.v.data());
    std::vector<double> along = turned(lane, product.data());
    const std::vector<double> turns = turned(lane, lane.v.data());
    for (std::size_t r = 0; r < lane.rank; ++r) {
      for (std::size_t i = 0; i < n; ++i) {
        along[r * n + i] -= dot(n, hessian.data() + i * n, turns.data() + r * n);
      }
    }
    store(assemble(lane, along, across), block.third, l);
  }
}

}  // namespace talweg
