#include "descent/radau.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "descent/radau_method.hpp"
#include "spectrum/factorisation.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "spectrum/vectors.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr std::size_t stages = Radau::stages;
// The weight of the start in the quadrature that estimates the error: near the real eigenvalue of
// the method's matrix, as Hairer and Wanner have it.
constexpr double start_weight = 0.16;
// Newton's method ends with errors of this part of the tolerance.
constexpr double newton_part = 1e-2;
constexpr int newton_limit = 10;
// Explicit steps reach 6 over the largest eigenvalue at half the price.
constexpr double calm = 10.0;
constexpr int proof_of_calm = 3;
// Away from a saddle no step is longer than this many of its times.
constexpr double saddle_times = 2.0;

}  // namespace

class Radau::Inside final : public DenseOutput {
 public:
  Inside(const Radau& radau, const double* x) : radau_(radau), x_(x) {}

  void at(double theta, double* x) const override {
    double basis[stages + 1];
    radau_method().basis(theta, basis);
    const std::size_t count = radau_.components_;
    for (std::size_t i = 0; i < count; ++i) {
      double sum = 0.0;
      for (std::size_t j = 0; j < stages; ++j) sum += basis[j + 1] * radau_.z_[j * count + i];
      x[i] = x_[i] + sum;
    }
  }

 private:
  const Radau& radau_;
  const double* x_;
};

Radau::Radau(const FlowProblem& problem, FlowWatch& watch)
    : problem_(problem),
      watch_(watch),
      right_(problem.objective, problem.options.log_volume, stages),
      n_(problem.n),
      components_(problem.components),
      vectors_(n_ * n_),
      eigenvalues_(n_),
      scratch_(n_),
      systems_(n_ * stages * stages),
      pivots_(n_ * stages),
      change_(stages * n_),
      z_(stages * components_),
      modes_(stages * n_),
      slopes_(stages * components_),
      points_(stages * n_),
      before_(stages * components_),
      first_slope_(components_),
      end_slope_(components_),
      end_(components_) {}

bool Radau::diagonalise(const double* x) {
  right_.hessian(x, vectors_.data());
  for (const double h : vectors_)
    if (!std::isfinite(h)) return false;
  return symmetric_eigen(n_, vectors_.data(), eigenvalues_.data(), scratch_.data(), true);
}

void Radau::factor(double h) {
  for (std::size_t i = 0; i < n_; ++i) {
    double* const system = systems_.data() + i * stages * stages;
    for (std::size_t j = 0; j < stages; ++j)
      for (std::size_t k = 0; k < stages; ++k)
        system[j * stages + k] =
            radau_method().inverse[j][k] + (j == k ? h * eigenvalues_[i] : 0.0);
    lu_factor(stages, system, pivots_.data() + i * stages);
  }
}

// The last step's polynomial carried on, ratio: this step's length over that one's.
void Radau::extrapolate(double ratio) {
  const double* const last = before_.data() + (stages - 1) * components_;
  for (std::size_t j = 0; j < stages; ++j) {
    double basis[stages + 1];
    radau_method().basis(1.0 + radau_method().node[j] * ratio, basis);
    for (std::size_t i = 0; i < n_; ++i) {
      double sum = -last[i];
      for (std::size_t k = 0; k < stages; ++k) sum += basis[k + 1] * before_[k * components_ + i];
      z_[j * components_ + i] = sum;
    }
  }
}

double Radau::scale(double x) const {
  return problem_.options.atol + problem_.options.rtol * std::fabs(x);
}

void Radau::place_stages(const double* x) {
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j < stages; ++j)
      points_[i * stages + j] = x[i] + z_[j * components_ + i];
}

// What an iteration's change, which has been added, says.
Radau::Iteration Radau::judge(const double* x, int iteration, double& last_length) const {
  double square = 0.0, largest = 0.0;
  for (std::size_t j = 0; j < stages; ++j) {
    for (std::size_t i = 0; i < n_; ++i) {
      const double change = change_[j * n_ + i], part = change / scale(x[i]);
      square += part * part;
      largest = std::max(largest, std::fabs(change) - 4.0 * epsilon * std::fabs(x[i]));
    }
  }
  const double length = std::sqrt(square / static_cast<double>(stages * n_));
  if (!std::isfinite(length)) return Iteration::failed;
  if (largest <= 0.0) return Iteration::converged;
  if (iteration > 0) {
    const double rate = length / last_length;
    if (rate >= 0.9) return Iteration::failed;
    if (rate / (1.0 - rate) * length <= newton_part) return Iteration::converged;
  } else if (length <= 1e-2 * newton_part) {
    return Iteration::converged;
  }
  last_length = length;
  return Iteration::going;
}

// Newton's method with the Hessian at the start of the step for all stages.
bool Radau::solve_stages(const double* x, double h) {
  const RadauMethod& method = radau_method();
  double last_length = 0.0;
  for (int iteration = 0; iteration < newton_limit; ++iteration) {
    place_stages(x);
    right_.gradient(stages, stages, points_.data(), slopes_.data());
    std::fill(modes_.begin(), modes_.end(), 0.0);
    for (std::size_t j = 0; j < stages; ++j) {
      for (std::size_t i = 0; i < n_; ++i) {
        double residual = -h * slopes_[i * stages + j];
        for (std::size_t k = 0; k < stages; ++k)
          residual -= method.inverse[j][k] * z_[k * components_ + i];
        for (std::size_t m = 0; m < n_; ++m)
          modes_[m * stages + j] += vectors_[i * n_ + m] * residual;
      }
    }
    for (std::size_t m = 0; m < n_; ++m)
      lu_solve(stages, systems_.data() + m * stages * stages, pivots_.data() + m * stages,
               modes_.data() + m * stages);
    for (std::size_t j = 0; j < stages; ++j) {
      for (std::size_t i = 0; i < n_; ++i) {
        double change = 0.0;
        for (std::size_t m = 0; m < n_; ++m)
          change += vectors_[i * n_ + m] * modes_[m * stages + j];
        change_[j * n_ + i] = change;
        z_[j * components_ + i] += change;
      }
    }
    const Iteration now = judge(x, iteration, last_length);
    if (now != Iteration::going) return now == Iteration::converged;
  }
  return false;
}

// Newton's method with the Hessian of each stage.
bool Radau::solve_whole_system(const double* x, double h) {
  const RadauMethod& method = radau_method();
  const std::size_t size = stages * n_;
  whole_.resize(size * size);
  whole_pivots_.resize(size);
  stage_hessians_.resize(n_ * (n_ + 1) / 2 * stages);
  double last_length = 0.0;
  for (int iteration = 0; iteration < newton_limit; ++iteration) {
    place_stages(x);
    right_.gradient_and_hessian(stages, stages, points_.data(), slopes_.data(),
                                stage_hessians_.data());
    std::fill(whole_.begin(), whole_.end(), 0.0);
    for (std::size_t j = 0; j < stages; ++j) {
      for (std::size_t i = 0; i < n_; ++i) {
        double* const row = whole_.data() + (j * n_ + i) * size;
        double residual = -h * slopes_[i * stages + j];
        for (std::size_t k = 0; k < stages; ++k) {
          residual -= method.inverse[j][k] * z_[k * components_ + i];
          row[k * n_ + i] = method.inverse[j][k];
        }
        for (std::size_t m = 0; m < n_; ++m) {
          const std::size_t packed = i >= m ? i * (i + 1) / 2 + m : m * (m + 1) / 2 + i;
          row[j * n_ + m] += h * stage_hessians_[packed * stages + j];
        }
        change_[j * n_ + i] = residual;
      }
    }
    for (const double entry : whole_)
      if (!std::isfinite(entry)) return false;
    if (lu_factor(size, whole_.data(), whole_pivots_.data()).determinant_sign == 0) return false;
    lu_solve(size, whole_.data(), whole_pivots_.data(), change_.data());
    for (std::size_t j = 0; j < stages; ++j)
      for (std::size_t i = 0; i < n_; ++i) z_[j * components_ + i] += change_[j * n_ + i];
    const Iteration now = judge(x, iteration, last_length);
    if (now != Iteration::going) return now == Iteration::converged;
  }
  return false;
}

// The derivative of the polynomial at the start of the step against the right side there.
double Radau::error_of(const double* x, double h) {
  const RadauMethod& method = radau_method();
  const bool volume = components_ > n_;
  std::fill_n(modes_.begin(), n_, 0.0);
  for (std::size_t i = 0; i < n_; ++i) {
    double defect = h * first_slope_[i];
    for (std::size_t j = 0; j < stages; ++j) {
      double derivative = 0.0;
      for (std::size_t k = 0; k < stages; ++k)
        derivative += method.inverse[j][k] * z_[k * components_ + i];
      defect += method.at_start[j] * derivative;
    }
    for (std::size_t m = 0; m < n_; ++m) modes_[m] += vectors_[i * n_ + m] * defect;
  }
  for (std::size_t m = 0; m < n_; ++m)
    modes_[m] *= start_weight / (1.0 + h * start_weight * eigenvalues_[m]);
  double square = 0.0;
  for (std::size_t i = 0; i < n_; ++i) {
    double error = 0.0;
    for (std::size_t m = 0; m < n_; ++m) error += vectors_[i * n_ + m] * modes_[m];
    const double part = error / scale(std::max(std::fabs(x[i]), std::fabs(end_[i])));
    square += part * part;
  }
  if (volume) {
    double defect = first_slope_[n_];
    for (std::size_t j = 0; j < stages; ++j)
      defect -= method.at_start[j] * slopes_[n_ * stages + j];
    const double part =
        start_weight * h * defect / scale(std::max(std::fabs(x[n_]), std::fabs(end_[n_])));
    square += part * part;
  }
  return std::sqrt(square / static_cast<double>(components_));
}

// The end of the step and, with the volume, its logarithm at the stages.
void Radau::complete(const double* x, double h) {
  if (components_ > n_) {
    place_stages(x);
    right_.evaluate(stages, stages, points_.data(), slopes_.data(), nullptr);
    for (std::size_t j = 0; j < stages; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < stages; ++k)
        sum += radau_method().a[j][k] * slopes_[n_ * stages + k];
      z_[j * components_ + n_] = -h * sum;
    }
  }
  for (std::size_t i = 0; i < components_; ++i) end_[i] = x[i] + z_[(stages - 1) * components_ + i];
}

Status Radau::run(Trajectory& t, double* x, bool may_return) {
  const FlowOptions& options = problem_.options;
  const double last = problem_.last_time();
  const bool level = problem_.watches_level();
  has_before_ = turning_ = false;
  right_.evaluate(1, 1, x, first_slope_.data(), nullptr);
  double h = t.step, before = 0.0;
  double gradient_square = dot(n_, first_slope_.data(), first_slope_.data());
  bool diagonal = false, not_finite = false, after_rejection = false;
  int calm_steps = 0;
  const auto end_with = [&](Status status) {
    watch_.finish(t, status, t.time, {x, 1}, gradient_square);
    return status;
  };
  const auto reject = [&](double factor) {
    ++t.rejected;
    h *= factor;
    after_rejection = true;
  };
  while (true) {
    if (interrupted()) return end_with(Status::interrupted);
    if (t.steps + t.rejected >= options.max_steps) return end_with(Status::not_converged);
    if (!diagonal && !diagonalise(x)) return end_with(Status::non_finite);
    diagonal = true;
    if (options.max_step > 0.0) h = std::min(h, options.max_step);
    if (eigenvalues_[0] < 0.0) h = std::min(h, saddle_times / -eigenvalues_[0]);
    if (h <= 4.0 * epsilon * t.time || h < 1e-280)
      return end_with(not_finite ? Status::non_finite : Status::step_too_small);
    const double rest = last - t.time;
    const bool reaches_end = 1.01 * h >= rest;
    if (reaches_end) h = rest;
    factor(h);
    const auto guess = [&] {
      if (has_before_ && h <= 4.0 * before && !after_rejection) {
        extrapolate(h / before);
      } else {
        std::fill(z_.begin(), z_.end(), 0.0);
      }
    };
    guess();
    bool solved = !turning_ && solve_stages(x, h);
    if (!solved && n_ <= largest_whole_system) {
      turning_ = true;
      guess();
      solved = solve_whole_system(x, h);
    }
    if (!solved) {
      reject(0.4);
      continue;
    }
    complete(x, h);
    const double error = error_of(x, h);
    double value = 0.0;
    not_finite = !std::isfinite(error);
    if (error <= 1.0) {
      right_.evaluate(1, 1, end_.data(), end_slope_.data(), level ? &value : nullptr);
      not_finite = !std::isfinite(dot(components_, end_slope_.data(), end_slope_.data())) ||
                   !std::isfinite(value);
    }
    const double wanted = std::clamp(0.9 * std::pow(std::max(error, 1e-10), -1.0 / 6.0), 0.2, 8.0);
    if (not_finite || !(error <= 1.0)) {
      reject(not_finite ? 0.1 : std::min(wanted, 0.9));
      continue;
    }
    ++t.steps, ++t.implicit_steps;
    const Inside inside(*this, x);
    if (watch_.needs_inside(t, h, {x, 1}, {end_.data(), 1}, value)) {
      const Status status = watch_.look_inside(t, h, inside, value);
      if (status != Status::running) return status;
    }
    t.time = reaches_end ? last : t.time + h;
    t.value = value;
    std::copy(end_.begin(), end_.end(), x);
    first_slope_.swap(end_slope_);
    gradient_square = dot(n_, first_slope_.data(), first_slope_.data());
    const Status status = watch_.arrive(t, {x, 1}, gradient_square);
    if (status != Status::running) return status;
    const double largest = std::max(std::fabs(eigenvalues_[0]), std::fabs(eigenvalues_[n_ - 1]));
    calm_steps = h * largest < calm ? calm_steps + 1 : 0;
    before_.swap(z_);
    before = h;
    has_before_ = true;
    diagonal = false;
    h *= after_rejection ? std::min(wanted, 1.0) : wanted;
    after_rejection = false;
    if (may_return && calm_steps > proof_of_calm) {
      t.step = h;
      return Status::running;
    }
  }
}

}  // namespace talweg
