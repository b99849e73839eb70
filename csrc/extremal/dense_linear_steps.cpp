// Newton steps and tangents of the dense defining system: one bordered linear solve each.
#include <algorithm>
#include <cmath>
#include <limits>

#include "extremal/dense_system.hpp"
#include "spectrum/factorisation.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

}  // namespace

void DenseExtremalSystem::turn_of_v(const CurvePoint& point, double a, const double* b,
                                    bool homogeneous, double* w) {
  const std::size_t k = k_;
  const double* data = point.data.data();
  const double lambda = point.z[2 * n_], sigma = point.z[2 * n_ + 1];
  const double *bm = data + at_.b, *cm = data + at_.c_matrix, *c = data + at_.c;
  const double *q1 = data + at_.q1, *q2 = data + at_.q2;
  const double scale = std::sqrt(data[at_.norms + square_scale]);
  // The rows are weighed by |g| against |H|: each alone loses w where its own matrix vanishes.
  const double weight = std::max(std::fabs(sigma), epsilon * scale) / (scale > 0.0 ? scale : 1.0);
  const double ell = std::max(weight, 1e-3);
  double* first = scratch_.data();
  double* second = first + k;
  for (std::size_t i = 0; i < k; ++i) {
    double s1 = q2[i] * a, s2 = c[i] * a;
    for (std::size_t j = 0; j < k; ++j) {
      s1 += bm[i * k + j] * b[j];
      s2 += cm[i * k + j] * b[j];
    }
    first[i] = s1 + (homogeneous ? 0.0 : q1[i]);
    second[i] = s2 + (homogeneous ? 0.0 : q2[i]);
  }
  const double ell2 = ell * ell;
  if (k == 1) {
    const double gap = bm[0] - lambda;
    const double normal = sigma * sigma + ell2 * gap * gap;
    w[0] = normal > 0.0 ? (sigma * first[0] - ell2 * gap * second[0]) / normal : 0.0;
    return;
  }
  for (std::size_t i = 0; i < k; ++i) {
    double sum = sigma * first[i] + ell2 * lambda * second[i];
    for (std::size_t j = 0; j < k; ++j) sum -= ell2 * bm[i * k + j] * second[j];
    w[i] = sum;
    for (std::size_t j = 0; j <= i; ++j) {
      double product = -2.0 * lambda * bm[i * k + j];
      for (std::size_t l = 0; l < k; ++l) product += bm[i * k + l] * bm[j * k + l];
      if (i == j) product += lambda * lambda;
      normal_[i * k + j] = ell2 * product + (i == j ? sigma * sigma : 0.0);
    }
  }
  if (!cholesky_factor(k, normal_.data())) {
    std::fill(w, w + k, 0.0);
    return;
  }
  cholesky_solve(k, normal_.data(), w);
}

PivotReport DenseExtremalSystem::factor_bordered(const CurvePoint& point, const double* border) {
  const std::size_t n = n_, k = k_;
  const double* data = point.data.data();
  const double* frame = data + at_.frame;
  const double *am = data + at_.a, *r = data + at_.r;
  const double scale = data[at_.norms + square_scale];
  const double inverse = scale > 0.0 ? 1.0 / scale : 1.0;
  for (std::size_t i = 0; i < k; ++i) {
    double* row = matrix_.data() + i * n;
    row[0] = r[i] * inverse;
    for (std::size_t j = 0; j < k; ++j) row[j + 1] = am[i * k + j] * inverse;
  }
  double* last = matrix_.data() + k * n;
  last[0] = dot(n, border, point.z.data() + n);
  for (std::size_t j = 0; j < k; ++j) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += border[i] * frame[i * k + j];
    last[j + 1] = sum;
  }
  return lu_factor(n, matrix_.data(), pivots_.data());
}

bool DenseExtremalSystem::correction(const CurvePoint& point, const double* border, double* step) {
  const std::size_t n = n_, k = k_;
  const double* data = point.data.data();
  const double* v = point.z.data() + n;
  const double* frame = data + at_.frame;
  const double lambda = point.z[2 * n], sigma = point.z[2 * n + 1];
  const double *bm = data + at_.b, *am = data + at_.a, *r = data + at_.r;
  const double *q1 = data + at_.q1, *q2 = data + at_.q2;
  double a = 0.0;
  double* b = right_.data() + 1;
  double w_small[1];
  if (k == 1) {
    const double right = -(bm[0] - lambda) * q1[0] - sigma * q2[0];
    const double along = border[0] * v[0] + border[1] * v[1];
    const double across = border[0] * frame[0] + border[1] * frame[1];
    const double determinant = r[0] * across - am[0] * along;
    if (!(std::fabs(determinant) > 0.0)) return false;
    a = right * across / determinant;
    right_[1] = -right * along / determinant;
  } else {
    const double scale = data[at_.norms + square_scale];
    const double inverse = scale > 0.0 ? 1.0 / scale : 1.0;
    for (std::size_t i = 0; i < k; ++i) {
      double sum = lambda * q1[i] - sigma * q2[i];
      for (std::size_t j = 0; j < k; ++j) sum -= bm[i * k + j] * q1[j];
      right_[i] = sum * inverse;
    }
    right_[k] = 0.0;
    if (factor_bordered(point, border).determinant_sign == 0) return false;
    lu_solve(n, matrix_.data(), pivots_.data(), right_.data());
    a = right_[0];
  }
  double* w = k <= 1 ? w_small : border_.data();
  if (k > 0) turn_of_v(point, a, b, false, w);
  for (std::size_t i = 0; i < n; ++i) {
    double dx = a * v[i], dv = 0.0;
    for (std::size_t j = 0; j < k; ++j) {
      dx += frame[i * k + j] * b[j];
      dv += frame[i * k + j] * w[j];
    }
    step[i] = dx;
    step[n + i] = dv;
  }
  if (gauge_) add_gauge_turn(point, step, step + n);
  step[2 * n] = step[2 * n + 1] = 0.0;
  for (std::size_t i = 0; i < 2 * n; ++i) {
    if (!std::isfinite(step[i])) return false;
  }
  return true;
}

bool DenseExtremalSystem::tangent(CurvePoint& point, const double* reference) {
  const std::size_t n = n_, k = k_;
  double* data = point.data.data();
  const double* v = point.z.data() + n;
  const double* frame = data + at_.frame;
  const double *am = data + at_.a, *r = data + at_.r, *c = data + at_.c;
  const double scale = data[at_.norms + square_scale];
  const double inverse = scale > 0.0 ? 1.0 / scale : 1.0;
  double a = 0.0;
  double* b = right_.data() + 1;
  double w_small[1];
  if (k == 0) {
    a = reference[0] * v[0] >= 0.0 ? 1.0 : -1.0;
    point.orientation = a;
    point.singularity = 1.0;
  } else if (k == 1) {
    const double a_scaled = am[0] * inverse, r_scaled = r[0] * inverse;
    const double length = std::sqrt(a_scaled * a_scaled + r_scaled * r_scaled);
    if (!(length > 0.0)) return false;
    const double along = reference[0] * v[0] + reference[1] * v[1];
    const double across = reference[0] * frame[0] + reference[1] * frame[1];
    const double product = am[0] * along - r[0] * across;
    const double sign = product >= 0.0 ? 1.0 : -1.0;
    a = sign * a_scaled / length;
    b[0] = -sign * r_scaled / length;
    point.orientation = sign;
    point.singularity = length;
  } else {
    std::fill_n(right_.data(), k, 0.0);
    right_[k] = 1.0;
    const PivotReport report = factor_bordered(point, reference);
    if (report.determinant_sign == 0) return false;
    lu_solve(n, matrix_.data(), pivots_.data(), right_.data());
    const double length = std::sqrt(dot(n, right_.data(), right_.data()));
    if (!std::isfinite(length) || length == 0.0) return false;
    for (std::size_t i = 0; i < n; ++i) right_[i] /= length;
    a = right_[0];
    // With the sign of t_a det M = det A this orientation matches the two-dimensional one.
    point.orientation = report.determinant_sign * (k % 2 == 0 ? 1.0 : -1.0);
    point.singularity = report.smallest_pivot / report.largest_pivot;
  }
  double* w = k <= 1 ? w_small : border_.data();
  if (k > 0) turn_of_v(point, a, b, true, w);
  double* tangent = point.tangent.data();
  for (std::size_t i = 0; i < n; ++i) {
    double dx = a * v[i], dv = 0.0;
    for (std::size_t j = 0; j < k; ++j) {
      dx += frame[i * k + j] * b[j];
      dv += frame[i * k + j] * w[j];
    }
    tangent[i] = dx;
    tangent[n + i] = dv;
  }
  if (gauge_) add_gauge_turn(point, tangent, tangent + n);
  // d lambda = T[v](v, dx), d sigma = lambda v.dx along the curve.
  const double lambda = point.z[2 * n];
  double along = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double* row = data + at_.third + i * (i + 1) / 2;
    along += row[i] * v[i] * v[i];
    for (std::size_t j = 0; j < i; ++j) along += 2.0 * row[j] * v[i] * v[j];
  }
  double slope = along * a;
  for (std::size_t j = 0; j < k; ++j) slope += c[j] * b[j];
  tangent[2 * n] = slope;
  tangent[2 * n + 1] = lambda * a;
  return true;
}

}  // namespace talweg
