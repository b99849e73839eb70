#include "descent/dormand_prince_inside.hpp"

#include <algorithm>
#include <cmath>

namespace talweg {

namespace method = dormand_prince;

DormandPrinceInside::DormandPrinceInside(std::size_t components, const FlowOptions& options,
                                         const RungeKuttaKernels& kernels, RightSide& right)
    : components_(components),
      options_(options),
      kernels_(kernels),
      right_(right),
      f_(terms * components),
      memory_(((method::stages + 3) * components + 3) * lane_multiple) {}

void DormandPrinceInside::set(const RungeKuttaRows& step, const double* end, std::size_t lane) {
  x_ = step.x + lane;
  k_ = step.k[0] + lane;
  stride_ = step.stride;
  h_ = step.step[lane];
  for (std::size_t i = 0; i < components_; ++i) {
    const std::size_t at = i * stride_ + lane;
    const double change = end[at] - step.x[at];
    const double first = -h_ * step.k[0][at], last = -h_ * step.k[method::stages][at];
    double* const f = f_.data() + i * terms;
    f[0] = change;
    f[1] = first - change;
    f[2] = 2.0 * change - (last + first);
    for (int d = 0; d < method::dense_terms; ++d) {
      double sum = 0.0;
      for (int j = 0; j < method::dense_stages; ++j) sum += method::dense[d][j] * step.k[j][at];
      f[3 + d] = -h_ * sum;
    }
  }
}

void DormandPrinceInside::at(double theta, double* x) const {
  for (std::size_t i = 0; i < components_; ++i) {
    const double* const f = f_.data() + i * terms;
    double sum = 0.0;
    for (int r = terms - 1; r >= 0; --r) sum = (sum + f[r]) * (r % 2 ? 1.0 - theta : theta);
    x[i] = x_[i * stride_] + sum;
  }
}

// Whether h times the defect of the polynomial is below the tolerances.
bool DormandPrinceInside::solves(double theta, const double* x) const {
  double* const point = memory_.data();
  double* const k = point + components_ * lane_multiple;
  for (std::size_t i = 0; i < components_; ++i) point[i * lane_multiple] = x[i];
  right_.evaluate(1, lane_multiple, point, k, nullptr);
  double square = 0.0;
  for (std::size_t i = 0; i < components_; ++i) {
    const double* const f = f_.data() + i * terms;
    double sum = 0.0, slope = 0.0;
    for (int r = terms - 1; r >= 0; --r) {
      const double factor = r % 2 ? 1.0 - theta : theta;
      slope = slope * factor + (sum + f[r]) * (r % 2 ? -1.0 : 1.0);
      sum = (sum + f[r]) * factor;
    }
    const double defect = slope + h_ * k[i * lane_multiple];
    const double part = defect / (options_.atol + options_.rtol * std::fabs(x[i]));
    square += part * part;
  }
  return square <= static_cast<double>(components_);
}

void DormandPrinceInside::exactly_at(double theta, double* x) const {
  at(theta, x);
  if (theta <= 0.0 || theta >= 1.0 || solves(theta, x)) return;
  const std::size_t array = components_ * lane_multiple;
  double* next = memory_.data();
  double* const start = next;
  double* const point = next += array;
  const double* k[method::stages];
  double* slopes[method::stages];
  for (int j = 0; j < method::stages; ++j) k[j] = slopes[j] = next += array;
  double* const end = next += array;
  double* const step = next += array;
  double* const error = step + lane_multiple;
  double* const factor = error + lane_multiple;
  std::fill_n(step, lane_multiple, theta * h_);
  for (std::size_t i = 0; i < components_; ++i) {
    std::fill_n(start + i * lane_multiple, lane_multiple, x_[i * stride_]);
    std::fill_n(slopes[0] + i * lane_multiple, lane_multiple, k_[i * stride_]);
  }
  const RungeKuttaRows rows{components_, lane_multiple, lane_multiple, step, start, k};
  for (int s = 1; s < method::stages; ++s) {
    kernels_.stage(rows, s, point);
    right_.evaluate(1, lane_multiple, point, slopes[s], nullptr);
  }
  kernels_.solution(rows, options_.rtol, options_.atol, end, error, factor);
  for (std::size_t i = 0; i < components_; ++i) x[i] = end[i * lane_multiple];
}

}  // namespace talweg
