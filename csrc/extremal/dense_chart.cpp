// The chart of the dense defining system in which crossings of curves are looked for.
#include <cmath>
#include <limits>

#include "extremal/dense_system.hpp"
#include "spectrum/packed_matrix.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

}  // namespace

void DenseExtremalSystem::chart_direction(const CurvePoint& reference, const double* y,
                                          double* dz) const {
  const std::size_t n = n_, k = k_;
  const double* v = reference.z.data() + n;
  const double* frame = reference.data.data() + at_.frame;
  for (std::size_t i = 0; i < n; ++i) {
    double dx = y[0] * v[i], dv = 0.0;
    for (std::size_t j = 0; j < k; ++j) {
      dx += frame[i * k + j] * y[1 + j];
      dv += frame[i * k + j] * y[n + j];
    }
    dz[i] = dx;
    dz[n + i] = dv;
  }
  dz[2 * n] = dz[2 * n + 1] = 0.0;
}

void DenseExtremalSystem::chart_point(const CurvePoint& reference, const double* y,
                                      CurvePoint& point) const {
  chart_direction(reference, y, point.z.data());
  for (std::size_t i = 0; i < 2 * n_; ++i) point.z[i] += reference.z[i];
  retract(point);
}

void DenseExtremalSystem::chart_residual(const CurvePoint& reference, const CurvePoint& point,
                                         double* residual) {
  const std::size_t n = n_, k = k_;
  const double* data = point.data.data();
  const double* frame = reference.data.data() + at_.frame;
  const double* v = point.z.data() + n;
  const double lambda = point.z[2 * n], sigma = point.z[2 * n + 1];
  const double inverse = 1.0 / std::sqrt(reference.data[at_.norms + square_scale]);
  double* product = scratch_.data();
  packed_product(n, data + at_.hessian, v, product);
  for (std::size_t j = 0; j < k; ++j) {
    double first = 0.0, second = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      first += frame[i * k + j] * (data[at_.gradient + i] - sigma * v[i]);
      second += frame[i * k + j] * (product[i] - lambda * v[i]);
    }
    residual[j] = first * inverse;
    residual[k + j] = second * inverse;
  }
}

void DenseExtremalSystem::chart_jacobian(const CurvePoint& reference, const CurvePoint& point,
                                         double* jacobian) {
  const std::size_t n = n_, k = k_, dimension = 2 * n - 1;
  const double* data = point.data.data();
  const double* frame = reference.data.data() + at_.frame;
  const double* base = reference.z.data() + n;
  const double* v = point.z.data() + n;
  const double* gradient = data + at_.gradient;
  const double lambda = point.z[2 * n], sigma = point.z[2 * n + 1];
  const double inverse = 1.0 / std::sqrt(reference.data[at_.norms + square_scale]);
  chart_scratch_.resize(4 * n);
  double* const direction = chart_scratch_.data();
  double *const first = direction + n, *const second = first + n, *const product = second + n;
  packed_product(n, data + at_.hessian, v, product);
  // v = p / |p| with p = base + Q y, so dv = (I - v v') Q dy / |p|, and v.base = 1 / |p|.
  const double shrink = dot(n, v, base);
  for (std::size_t column = 0; column < dimension; ++column) {
    if (column < n) {
      for (std::size_t i = 0; i < n; ++i) {
        direction[i] = column == 0 ? base[i] : frame[i * k + column - 1];
      }
      packed_product(n, data + at_.hessian, direction, first);
      packed_product(n, data + at_.third, direction, second);
      const double d_sigma = dot(n, v, first), d_lambda = dot(n, v, second);
      for (std::size_t i = 0; i < n; ++i) {
        first[i] -= d_sigma * v[i];
        second[i] -= d_lambda * v[i];
      }
    } else {
      for (std::size_t i = 0; i < n; ++i) direction[i] = frame[i * k + column - n];
      const double along = dot(n, v, direction);
      for (std::size_t i = 0; i < n; ++i) direction[i] = shrink * (direction[i] - along * v[i]);
      const double d_sigma = dot(n, gradient, direction);
      const double d_lambda = 2.0 * dot(n, product, direction);
      packed_product(n, data + at_.hessian, direction, second);
      for (std::size_t i = 0; i < n; ++i) {
        first[i] = -d_sigma * v[i] - sigma * direction[i];
        second[i] += -d_lambda * v[i] - lambda * direction[i];
      }
    }
    for (std::size_t j = 0; j < k; ++j) {
      double upper = 0.0, lower = 0.0;
      for (std::size_t i = 0; i < n; ++i) {
        upper += frame[i * k + j] * first[i];
        lower += frame[i * k + j] * second[i];
      }
      jacobian[j * dimension + column] = upper * inverse;
      jacobian[(k + j) * dimension + column] = lower * inverse;
    }
  }
}

double DenseExtremalSystem::chart_noise(const CurvePoint& reference) const {
  const double* data = reference.data.data();
  const double* norms = data + at_.norms;
  const double scale = std::sqrt(norms[square_scale]);
  const double inverse = scale > 0.0 ? 1.0 / scale : 0.0;
  const double rounding = epsilon * (1.0 + norms[position_norm] + norms[gradient_norm] * inverse);
  if (!approximate_) return rounding;
  return rounding + inverse * (error_of(errors_.gradient, data) + error_of(errors_.hessian, data));
}

}  // namespace talweg
