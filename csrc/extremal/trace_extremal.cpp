#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "extremal/dense_system.hpp"
#include "objective/gauge_rows.hpp"
#include "parallel/thread_pool.hpp"
#include "spectrum/factorisation.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "spectrum/vectors.hpp"
#include "talweg/extremal.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

double norm(std::span<const double> x) { return talweg::norm(x.size(), x.data()); }

// Gradient and Hessian (n x n) at one point; false where they are not finite.
bool evaluate_hessian(const Objective& objective, const std::vector<double>& x,
                      std::vector<double>& gradient, std::vector<double>& hessian) {
  const std::size_t n = x.size();
  std::vector<double> packed(n * (n + 1) / 2);
  gradient.resize(n);
  hessian.resize(n * n);
  EvaluationBlock block;
  block.lanes = block.stride = 1;
  block.x = x.data();
  block.gradient = gradient.data();
  block.hessian = packed.data();
  objective.evaluate(quantity_gradient | quantity_hessian, block);
  double check = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    check += gradient[i];
    for (std::size_t j = 0; j <= i; ++j) {
      hessian[i * n + j] = hessian[j * n + i] = packed[i * (i + 1) / 2 + j];
      check += hessian[i * n + j];
    }
  }
  return std::isfinite(check);
}

// Norm of T[v] at a point, 0 where it is not finite.
double third_derivative_norm(const Objective& objective, const std::vector<double>& x,
                             const std::vector<double>& v) {
  const std::size_t n = x.size();
  std::vector<double> packed(n * (n + 1) / 2);
  EvaluationBlock block;
  block.lanes = block.stride = 1;
  block.x = x.data();
  block.v = v.data();
  block.third = packed.data();
  objective.evaluate(quantity_third, block);
  double squares = 0.0;
  for (std::size_t i = 0, e = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j, ++e)
      squares += (i == j ? 1.0 : 2.0) * packed[e] * packed[e];
  }
  return std::isfinite(squares) ? std::sqrt(squares) : 0.0;
}

}  // namespace

std::unique_ptr<DefiningSystem> make_extremal_system(const Objective& objective) {
  return std::make_unique<DenseExtremalSystem>(objective);
}

ExtremalStart start_extremal(const Objective& objective, std::span<const double> x0,
                             std::size_t branch, int sign, std::span<const double> direction,
                             const TracerOptions& options) {
  const std::size_t n = objective.dimension();
  const std::string dimension = std::to_string(n);
  if (x0.size() != n) {
    throw std::invalid_argument("x0 must have n = " + dimension + " entries, not " +
                                std::to_string(x0.size()));
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(x0[i])) {
      throw std::invalid_argument("x0[" + std::to_string(i) + "] must be finite");
    }
  }
  if (branch >= n) {
    throw std::invalid_argument("branch must be below n = " + dimension + ", not " +
                                std::to_string(branch));
  }
  if (sign != 1 && sign != -1) {
    throw std::invalid_argument("sign must be 1 or -1, not " + std::to_string(sign));
  }
  if (!direction.empty() && direction.size() != n) {
    throw std::invalid_argument("direction must have n = " + dimension + " entries, not " +
                                std::to_string(direction.size()));
  }
  ExtremalStart result;
  const GaugeRows gauge(objective.gauge());
  std::vector<double> x(x0.begin(), x0.end()), gradient, hessian;
  std::vector<double> factors, step, eigenvalues(n), scratch(n);
  std::vector<std::size_t> pivots(n);
  double previous = 1e-5 * options.max_step;
  std::vector<double> trial = x;
  for (int iteration = 0; iteration < 8; ++iteration) {
    if (!evaluate_hessian(objective, trial, gradient, hessian)) {
      result.status = Status::non_finite;
      return result;
    }
    gauge.stiffen(trial.data(), hessian.data());
    factors = hessian;
    step.assign(gradient.begin(), gradient.end());
    if (lu_factor(n, factors.data(), pivots.data()).determinant_sign == 0) {
      result.at_critical_point = result.at_critical_point || norm(gradient) == 0.0;
      break;
    }
    lu_solve(n, factors.data(), pivots.data(), step.data());
    const double length = norm(step);
    if (!(length <= previous)) break;
    result.at_critical_point = true;
    x = trial;
    if (length == 0.0) break;
    for (std::size_t i = 0; i < n; ++i) trial[i] = x[i] - step[i];
    previous = 0.5 * length;
  }
  evaluate_hessian(objective, x, gradient, hessian);
  const std::size_t motions = gauge.stiffen(x.data(), hessian.data());
  if (branch + motions >= n) {
    throw std::invalid_argument("branch must be below n less the number of gauge directions");
  }
  std::vector<double> vectors = hessian;
  symmetric_eigen(n, vectors.data(), eigenvalues.data(), scratch.data(), true);
  std::vector<double> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = vectors[i * n + branch];

  CurveStart& start = result.start;
  start.z.assign(2 * n + 2, 0.0);
  if (result.at_critical_point) {
    double largest = 0.0;
    for (std::size_t k = 0; k + motions < n; ++k) {
      largest = std::max(largest, std::fabs(eigenvalues[k]));
    }
    // Where the whole Hessian vanishes the third derivatives say what is small.
    largest = std::max(largest, third_derivative_norm(objective, x, v) * options.max_step);
    // Differences tell eigenvalues apart only so far.
    const double together = std::max(
        1e-8 * largest,
        10.0 * DerivativeErrors::at(objective.errors().hessian, 0.0, norm(gradient), largest));
    std::vector<std::size_t> equal;
    for (std::size_t k = 0; k + motions < n; ++k) {
      if (std::fabs(eigenvalues[k] - eigenvalues[branch]) <= together) equal.push_back(k);
    }
    double along = static_cast<double>(sign >= 0 ? 1 : -1);
    if (!direction.empty()) {
      std::vector<double> projected(n, 0.0);
      for (std::size_t k : equal) {
        double product = 0.0;
        for (std::size_t i = 0; i < n; ++i) product += vectors[i * n + k] * direction[i];
        for (std::size_t i = 0; i < n; ++i) projected[i] += product * vectors[i * n + k];
      }
      const double length = norm(projected);
      if (!(length > 0.0)) {
        result.status = Status::degenerate;
        return result;
      }
      for (std::size_t i = 0; i < n; ++i) v[i] = projected[i] / length;
      along = 1.0;
    } else if (equal.size() > 1) {
      result.status = Status::isotropic;
      return result;
    }
    start.direction.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      start.z[i] = x[i];
      start.z[n + i] = v[i];
      start.direction[i] = along * v[i];
    }
    start.z[2 * n] = eigenvalues[branch];
    if (equal.size() > 1) {
      // The linearisation is singular where an eigenvalue is repeated: the line is the tangent.
      start.tangent.assign(2 * n + 2, 0.0);
      std::copy(start.direction.begin(), start.direction.end(), start.tangent.begin());
      start.tangent[2 * n + 1] = eigenvalues[branch] * along;
    }
    return result;
  }

  // Least-norm Newton steps onto the curve: each is orthogonal to the tangent there.
  DenseExtremalSystem system(objective);
  system.set_length_scale(0.1 * options.max_step);
  CurvePoint point = system.make_point();
  std::copy(x0.begin(), x0.end(), point.z.begin());
  std::copy(v.begin(), v.end(), point.z.begin() + static_cast<long>(n));
  std::vector<double> change(2 * n + 2), reference = v;
  CurvePoint* const points[1] = {&point};
  bool found = false;
  for (int iteration = 0; iteration < 50; ++iteration) {
    system.evaluate(points);
    const auto convergence = system.convergence(point, options.tolerance);
    if (convergence.ratio < 0.0) {
      result.status = Status::non_finite;
      return result;
    }
    if (!system.tangent(point, reference.data())) break;
    if (convergence.ratio <= 1.0 || (iteration > 20 && convergence.relaxed <= 1.0)) {
      found = true;
      break;
    }
    reference.assign(point.tangent.begin(), point.tangent.begin() + static_cast<long>(n));
    if (!system.correction(point, reference.data(), change.data())) break;
    const double length = norm(change);
    const double shorten = length > 5.0 * options.max_step ? 5.0 * options.max_step / length : 1.0;
    for (std::size_t i = 0; i < change.size(); ++i) point.z[i] += shorten * change[i];
    system.retract(point);
  }
  if (!found) {
    result.status = Status::not_converged;
    return result;
  }
  start.z = point.z;
  start.direction.assign(point.tangent.begin(), point.tangent.begin() + static_cast<long>(n));
  double product = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    product += start.direction[i] * (direction.empty() ? sign * v[i] : direction[i]);
  }
  if (product < 0.0) {
    for (double& d : start.direction) d = -d;
  }
  return result;
}

Curve trace_extremal(const Objective& objective, std::span<const double> x0, std::size_t branch,
                     int sign, const TracerOptions& options) {
  for (std::size_t i = 0; options.box_matrix.empty() && i < options.lower.size(); ++i) {
    if (i < x0.size() && (x0[i] < options.lower[i] || x0[i] > options.upper[i])) {
      throw std::invalid_argument("x0[" + std::to_string(i) + "] = " + std::to_string(x0[i]) +
                                  " lies outside the box, " + std::to_string(options.lower[i]) +
                                  " to " + std::to_string(options.upper[i]));
    }
  }
  const ExtremalStart start = start_extremal(objective, x0, branch, sign, {}, options);
  if (!succeeded(start.status)) {
    Curve curve;
    curve.coordinates = objective.dimension();
    curve.unknowns = 2 * objective.dimension() + 2;
    curve.status = start.status;
    return curve;
  }
  return std::move(trace_extremals(objective, std::span(&start.start, 1), options).front());
}

std::vector<Curve> trace_extremals(const Objective& objective, std::span<const CurveStart> starts,
                                   const TracerOptions& options, std::size_t workers,
                                   std::size_t lanes) {
  if (!objective.thread_safe()) workers = 1;
  if (workers == 0) workers = available_processors();
  workers = std::clamp<std::size_t>(workers, 1, std::max<std::size_t>(starts.size(), 1));
  std::vector<Curve> curves(starts.size());
  // Neighbouring starts tend to be alike in length: dealt out like cards.
  parallel_for(workers, workers, [&](std::size_t worker) {
    std::vector<CurveStart> mine;
    for (std::size_t i = worker; i < starts.size(); i += workers) mine.push_back(starts[i]);
    DenseExtremalSystem system(objective, options.max_step);
    std::vector<Curve> traced =
        trace_curves(system, mine, options, lanes, [] { return talweg::interrupted(); });
    for (std::size_t i = 0; i < traced.size(); ++i) {
      curves[worker + i * workers] = std::move(traced[i]);
    }
  });
  return curves;
}

std::size_t morse_index(const CurveEvent& event, std::size_t dimension) {
  // The Hessian's eigenvalues at a critical point are lambda and those across the gradient.
  return static_cast<std::size_t>(event.point.z[2 * dimension] < 0.0) +
         static_cast<std::size_t>(event.point.curvature_index);
}

}  // namespace talweg
