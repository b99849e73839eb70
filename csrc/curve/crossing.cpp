#include "curve/crossing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "spectrum/factorisation.hpp"
#include "spectrum/symmetric_eigen.hpp"

namespace talweg {
namespace {

// The reduced equation h(xi, eta) and its gradient, by solving the chart's equations bordered with
// the kernel directions (the columns of `kernel`) and the deficient left direction.
struct Reduction {
  std::size_t dimension = 0;      // D
  std::vector<double> kernel;     // D x 2
  std::vector<double> deficient;  // D - 1
  std::vector<double> y;          // D
  double h = 0.0;
  double gradient[2] = {0.0, 0.0};
  std::vector<double> direction[2];  // dy / dxi, dy / deta
};

// Room for the solves of one crossing: there are dozens of them.
struct Workspace {
  Workspace(const DefiningSystem& system, std::size_t d)
      : point(system.make_point()),
        residual(d - 1),
        jacobian((d - 1) * d),
        matrix((d + 1) * (d + 1)),
        right(d + 1),
        pivots(d + 1) {}

  CurvePoint point;
  std::vector<double> residual, jacobian, matrix, right;
  std::vector<std::size_t> pivots;
  Reduction side[2];
};

// Kernel directions and deficient direction from the two smallest singular values.
bool set_borders(Reduction& reduction, const std::vector<double>& jacobian) {
  const std::size_t d = reduction.dimension, rows = d - 1;
  std::vector<double> gram(d * d, 0.0), values(d), scratch(d);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        gram[i * d + j] += jacobian[r * d + i] * jacobian[r * d + j];
      }
    }
  }
  if (!symmetric_eigen(d, gram.data(), values.data(), scratch.data(), true)) return false;
  reduction.kernel.resize(2 * d);
  for (std::size_t i = 0; i < d; ++i) {
    reduction.kernel[2 * i] = gram[i * d];
    reduction.kernel[2 * i + 1] = gram[i * d + 1];
  }
  std::vector<double> left(rows * rows, 0.0), left_values(rows), left_scratch(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t s = 0; s < rows; ++s) {
      for (std::size_t i = 0; i < d; ++i) {
        left[r * rows + s] += jacobian[r * d + i] * jacobian[s * d + i];
      }
    }
  }
  if (!symmetric_eigen(rows, left.data(), left_values.data(), left_scratch.data(), true)) {
    return false;
  }
  reduction.deficient.resize(rows);
  for (std::size_t r = 0; r < rows; ++r) reduction.deficient[r] = left[r * rows];
  return true;
}

// Solves for y and h at (xi, eta), starting from the y it holds, until a correction is at most
// `accuracy`; that is the error of the gradient then, while y is better.
Task<bool> reduce(Lane& lane, DefiningSystem& system, const CurvePoint& reference, double xi,
                  double eta, double accuracy, Reduction& reduction, Workspace& work) {
  const std::size_t d = reduction.dimension, rows = d - 1, size = d + 1;
  auto& [point, residual, jacobian, matrix, right, pivots, side] = work;
  double previous = std::numeric_limits<double>::infinity();
  for (int iteration = 0; iteration < 12; ++iteration) {
    system.chart_point(reference, reduction.y.data(), point);
    co_await lane.evaluate(point);
    if (system.convergence(point, 1.0).ratio < 0.0) co_return false;
    system.chart_residual(reference, point, residual.data());
    system.chart_jacobian(reference, point, jacobian.data());
    double along[2] = {0.0, 0.0};
    for (std::size_t i = 0; i < d; ++i) {
      along[0] += reduction.kernel[2 * i] * reduction.y[i];
      along[1] += reduction.kernel[2 * i + 1] * reduction.y[i];
    }
    for (std::size_t r = 0; r < rows; ++r) {
      std::copy_n(&jacobian[r * d], d, &matrix[r * size]);
      matrix[r * size + d] = -reduction.deficient[r];
      right[r] = -residual[r] + reduction.h * reduction.deficient[r];
    }
    for (std::size_t c = 0; c < 2; ++c) {
      double* row = &matrix[(rows + c) * size];
      for (std::size_t i = 0; i < d; ++i) row[i] = reduction.kernel[2 * i + c];
      row[d] = 0.0;
    }
    right[rows] = xi - along[0];
    right[rows + 1] = eta - along[1];
    if (lu_factor(size, matrix.data(), pivots.data()).determinant_sign == 0) co_return false;
    lu_solve(size, matrix.data(), pivots.data(), right.data());
    double change = 0.0;
    for (std::size_t i = 0; i < d; ++i) {
      reduction.y[i] += right[i];
      change = std::max(change, std::fabs(right[i]));
    }
    reduction.h += right[d];
    if (!std::isfinite(change) || change > 1e3) co_return false;
    const bool settled = change <= accuracy || (iteration > 1 && change > 0.3 * previous);
    previous = change;
    if (!settled) continue;
    for (std::size_t c = 0; c < 2; ++c) {
      std::fill(right.begin(), right.end(), 0.0);
      right[rows + c] = 1.0;
      lu_solve(size, matrix.data(), pivots.data(), right.data());
      reduction.direction[c].assign(right.begin(), right.begin() + static_cast<long>(d));
      reduction.gradient[c] = right[d];
    }
    co_return change < 1e-7;
  }
  co_return false;
}

// The Hessian of h (xi xi, xi eta, eta eta) at (xi, eta), where `reduction` is solved, by
// differences of its exact gradient.
Task<bool> differentiate(Lane& lane, DefiningSystem& system, const CurvePoint& reference, double xi,
                         double eta, double offset, const Reduction& reduction, Workspace& work,
                         double* hessian) {
  const double accuracy = std::max(1e-15, 1e-7 * offset);
  Reduction* const side = work.side;
  side[0] = side[1] = reduction;
  double columns[2][2];
  for (int c = 0; c < 2; ++c) {
    for (int s = 0; s < 2; ++s) {
      const double signed_offset = s == 0 ? offset : -offset;
      for (std::size_t i = 0; i < reduction.dimension; ++i) {
        side[s].y[i] = reduction.y[i] + signed_offset * reduction.direction[c][i];
      }
      side[s].h = reduction.h + signed_offset * reduction.gradient[c];
      const bool solved =
          co_await reduce(lane, system, reference, xi + (c == 0 ? signed_offset : 0.0),
                          eta + (c == 1 ? signed_offset : 0.0), accuracy, side[s], work);
      if (!solved) co_return false;
    }
    for (int r = 0; r < 2; ++r) {
      columns[c][r] = (side[0].gradient[r] - side[1].gradient[r]) / (2.0 * offset);
    }
  }
  hessian[0] = columns[0][0];
  hessian[1] = 0.5 * (columns[0][1] + columns[1][0]);
  hessian[2] = columns[1][1];
  co_return true;
}

// Length of the x part of xi dy/dxi + eta dy/deta in the chart, whose first n coordinates are an
// orthonormal frame.
double position_length(const Reduction& reduction, std::size_t n, double xi, double eta) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double d = xi * reduction.direction[0][i] + eta * reduction.direction[1][i];
    sum += d * d;
  }
  return std::sqrt(sum);
}

// The extreme of |dx| on h + (1/2) q = 0, from the pencil of the quadratic form q and the metric of
// x on the kernel; negative where that metric is degenerate. `curvature`, where given, receives the
// curvature there.
double half_gap(const Reduction& reduction, std::size_t n, const double* hessian, double h,
                double* curvature = nullptr) {
  const double g0 = std::pow(position_length(reduction, n, 1.0, 0.0), 2);
  const double g2 = std::pow(position_length(reduction, n, 0.0, 1.0), 2);
  const double g1 = 0.5 * (std::pow(position_length(reduction, n, 1.0, 1.0), 2) - g0 - g2);
  const double metric = g0 * g2 - g1 * g1;
  if (!(metric > 1e-14 * (g0 + g2) * (g0 + g2))) return -1.0;
  const double trace = (hessian[0] * g2 + hessian[2] * g0 - 2.0 * hessian[1] * g1) / metric;
  const double product = (hessian[0] * hessian[2] - hessian[1] * hessian[1]) / metric;
  const double root = std::sqrt(std::max(0.0, 0.25 * trace * trace - product));
  const double against = h > 0.0 ? 0.5 * trace - root : 0.5 * trace + root;
  const double gap = std::sqrt(std::fabs(2.0 * h / against));
  if (curvature != nullptr) *curvature = std::fabs((trace - against) / against) / gap;
  return gap;
}

}  // namespace

Task<Crossing> find_crossing(Lane& lane, DefiningSystem& system, const CurvePoint& guess,
                             double reach, double largest_half_gap) {
  Crossing crossing;
  const std::size_t n = system.coordinates();
  Reduction reduction;
  const std::size_t d = reduction.dimension = system.chart_dimension();
  if (d < 3) co_return crossing;

  CurvePoint reference = guess;
  Workspace work(system, d);
  double xi = 0.0, eta = 0.0, hessian[3] = {0.0, 0.0, 0.0}, last_step = reach;
  std::vector<double> jacobian((d - 1) * d);
  system.chart_jacobian(reference, reference, jacobian.data());
  if (!set_borders(reduction, jacobian)) co_return crossing;
  reduction.y.assign(d, 0.0);

  constexpr int most_iterations = 20;
  bool settled = false;
  for (int iteration = 0; iteration < most_iterations && !settled; ++iteration) {
    const double accuracy = std::max(1e-15, 1e-6 * std::min(last_step, 1e-3 * reach));
    const bool solved =
        co_await reduce(lane, system, reference, xi, eta, accuracy, reduction, work);
    if (!solved) co_return crossing;
    const double noise = system.chart_noise(reference);
    // The Hessian's relative error is the length of the last step in units of reach: once that is
    // small, it serves for the steps that are left.
    if (iteration == 0 || last_step > 1e-3 * reach) {
      const double offset = std::clamp(0.1 * last_step, 1e-4 * reach, 0.01 * reach);
      const bool known = co_await differentiate(lane, system, reference, xi, eta, offset, reduction,
                                                work, hessian);
      if (!known) co_return crossing;
    }
    const double determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
    const double size =
        hessian[0] * hessian[0] + 2 * hessian[1] * hessian[1] + hessian[2] * hessian[2];
    if (!(std::fabs(determinant) > 1e-12 * size)) co_return crossing;
    const double s =
        -(hessian[2] * reduction.gradient[0] - hessian[1] * reduction.gradient[1]) / determinant;
    const double t =
        -(hessian[0] * reduction.gradient[1] - hessian[1] * reduction.gradient[0]) / determinant;
    last_step = std::hypot(s, t);
    // What the quadratic model says of its own centre settles most searches after one or two steps;
    // a margin for the model.
    const double level =
        reduction.h + 0.5 * (reduction.gradient[0] * s + reduction.gradient[1] * t);
    if (determinant < 0.0 && half_gap(reduction, n, hessian, level) > 3.0 * largest_half_gap) {
      co_return crossing;
    }
    const double shorten = last_step > reach ? reach / last_step : 1.0;
    xi += shorten * s;
    eta += shorten * t;
    for (std::size_t i = 0; i < d; ++i) {
      reduction.y[i] += shorten * (s * reduction.direction[0][i] + t * reduction.direction[1][i]);
    }
    // Differences for T[v] leave noise in the gradient of h.
    const double enough = system.approximate() ? 1e-7 * reach : 1e-12 * reach;
    settled = last_step <= 4.0 * noise || (iteration > 1 && last_step <= enough);
    double distance = 0.0;
    for (std::size_t i = 0; i < n; ++i) distance += reduction.y[i] * reduction.y[i];
    if (std::sqrt(distance) > 3.0 * reach) co_return crossing;
    // Rounding keeps the last steps from shrinking any further.
    if (iteration + 1 == most_iterations) settled = last_step <= 1e-9 * reach;
  }
  if (!settled) co_return crossing;
  const bool solved = co_await reduce(lane, system, reference, xi, eta, 1e-15, reduction, work);
  if (!solved) co_return crossing;
  const bool known = co_await differentiate(lane, system, reference, xi, eta,
                                            std::max(1e-5 * reach, 1e-7), reduction, work, hessian);
  if (!known) co_return crossing;
  if (hessian[0] * hessian[2] - hessian[1] * hessian[1] >= 0.0) co_return crossing;

  crossing.centre = system.make_point();
  system.chart_point(reference, reduction.y.data(), crossing.centre);
  co_await lane.evaluate(crossing.centre);
  crossing.found = true;
  crossing.error = std::max(last_step, 4.0 * system.chart_noise(reference));

  crossing.half_gap = half_gap(reduction, n, hessian, reduction.h, &crossing.vertex_curvature);
  if (!(crossing.half_gap >= 0.0)) {
    crossing.found = false;
    co_return crossing;
  }
  crossing.exact = std::fabs(reduction.h) <= 64.0 * system.chart_noise(reference);
  // Whether two arcs cross or pass that near is then below what the functions tell.
  if (crossing.exact && system.approximate()) {
    crossing.error = std::max(crossing.error, crossing.half_gap);
  }

  // Asymptotes: roots of hessian[0] xi^2 + 2 hessian[1] xi eta + hessian[2] eta^2.
  const double discriminant = std::sqrt(hessian[1] * hessian[1] - hessian[0] * hessian[2]);
  const double larger = -(hessian[1] + std::copysign(discriminant, hessian[1]));
  const double lines[2][2] = {{larger, hessian[0]}, {hessian[2], larger}};
  crossing.lines.assign(2 * system.unknowns(), 0.0);
  std::vector<double> y(d);
  for (int line = 0; line < 2; ++line) {
    const double length = position_length(reduction, n, lines[line][0], lines[line][1]);
    if (!(length > 0.0)) {
      crossing.found = false;
      co_return crossing;
    }
    for (std::size_t i = 0; i < d; ++i) {
      y[i] = (lines[line][0] * reduction.direction[0][i] +
              lines[line][1] * reduction.direction[1][i]) /
             length;
    }
    system.chart_direction(reference, y.data(), &crossing.lines[line * system.unknowns()]);
  }
  co_return crossing;
}

}  // namespace talweg
