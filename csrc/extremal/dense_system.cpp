#include "extremal/dense_system.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "spectrum/factorisation.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// Positions of the fixed event functions; the n - 1 eigenvalues of B and then those of A follow.
constexpr std::size_t sigma_event = 0, lambda_event = 1, fold_event = 2, first_eigenvalue = 3;

// norms: |g|, |H|, |x|, finite
constexpr std::size_t gradient_norm = 0, hessian_norm = 1, position_norm = 2, finite_flag = 3;

double packed(const double* matrix, std::size_t i, std::size_t j) {
  return i >= j ? matrix[i * (i + 1) / 2 + j] : matrix[j * (j + 1) / 2 + i];
}

void packed_product(std::size_t n, const double* matrix, const double* x, double* y) {
  for (std::size_t i = 0; i < n; ++i) {
    const double* row = matrix + i * (i + 1) / 2;
    double sum = row[i] * x[i];
    for (std::size_t j = 0; j < i; ++j) {
      sum += row[j] * x[j];
      y[j] += row[j] * x[i];
    }
    y[i] = sum;
  }
}

// Orthonormal complement of the unit vector v: columns 2 ... n of a Householder reflection that
// takes the first axis to +-v; row-major n x (n - 1).
void complement(std::size_t n, const double* v, double* frame) {
  const std::size_t k = n - 1;
  if (n == 2) {
    frame[0] = -v[1];
    frame[1] = v[0];
    return;
  }
  const double sign = v[0] >= 0.0 ? 1.0 : -1.0;
  // u = v + sign e_1, and I - u u' / (1 + |v_1|) is the reflection.
  const double scale = 1.0 / (1.0 + std::fabs(v[0]));
  for (std::size_t i = 0; i < n; ++i) {
    const double ui = i == 0 ? v[0] + sign : v[i];
    for (std::size_t j = 0; j < k; ++j) {
      frame[i * k + j] = (i == j + 1 ? 1.0 : 0.0) - scale * ui * v[j + 1];
    }
  }
}

// frame' S frame for a packed symmetric S, and frame' S v.
void project(std::size_t n, const double* packed_matrix, const double* frame, const double* v,
             double* inner, double* mixed, double* along, double* scratch) {
  const std::size_t k = n - 1;
  packed_product(n, packed_matrix, v, scratch);
  *along = dot(n, v, scratch);
  for (std::size_t j = 0; j < k; ++j) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += frame[i * k + j] * scratch[i];
    mixed[j] = sum;
  }
  double* product = scratch + n;  // n x k: S frame
  for (std::size_t i = 0; i < n; ++i) {
    double* row = product + i * k;
    std::fill(row, row + k, 0.0);
    for (std::size_t l = 0; l < n; ++l) {
      const double entry = packed(packed_matrix, i, l);
      const double* q = frame + l * k;
      for (std::size_t j = 0; j < k; ++j) row[j] += entry * q[j];
    }
  }
  for (std::size_t i = 0; i < k; ++i) std::fill(inner + i * k, inner + (i + 1) * k, 0.0);
  for (std::size_t l = 0; l < n; ++l) {
    const double* q = frame + l * k;
    const double* row = product + l * k;
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j <= i; ++j) inner[i * k + j] += q[i] * row[j];
    }
  }
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < i; ++j) inner[j * k + i] = inner[i * k + j];
  }
}

}  // namespace

DenseExtremalSystem::DenseExtremalSystem(const Objective& objective, double length_scale)
    : objective_(objective),
      n_(objective.dimension()),
      k_(n_ - 1),
      length_scale_(length_scale) {
  const std::size_t n = n_, k = k_, triangle = n * (n + 1) / 2;
  std::size_t next = 0;
  const auto reserve = [&next](std::size_t size) { return std::exchange(next, next + size); };
  at_.value = reserve(1);
  at_.gradient = reserve(n);
  at_.hessian = reserve(triangle);
  at_.third = reserve(triangle);
  at_.frame = reserve(n * k);
  at_.b = reserve(k * k);
  at_.c_matrix = reserve(k * k);
  at_.a = reserve(k * k);
  at_.c = reserve(k);
  at_.r = reserve(k);
  at_.q1 = reserve(k);
  at_.q2 = reserve(k);
  at_.norms = reserve(4);
  at_.size = next;

  functions_.push_back({EventKind::critical_point});
  functions_.push_back({EventKind::inflection});
  functions_.push_back({EventKind::level_fold});
  for (std::size_t i = 0; i < k; ++i) functions_.push_back({EventKind::valley_ridge_inflection});
  for (std::size_t i = 0; i < k; ++i) functions_.push_back({EventKind::branch_point, true});

  matrix_.resize(std::max(n * n, n + n * k));
  right_.resize(n);
  border_.resize(n);
  normal_.resize(k * k + k);
  scratch_.resize(3 * n + n * k + 1);
  eigenvalues_.resize(n);
  pivots_.resize(n);
}

CurvePoint DenseExtremalSystem::make_point() const {
  CurvePoint point;
  point.z.assign(unknowns(), 0.0);
  point.tangent.assign(unknowns(), 0.0);
  point.events.assign(functions_.size(), 0.0);
  point.data.assign(at_.size, 0.0);
  return point;
}

void DenseExtremalSystem::evaluate(std::span<CurvePoint* const> points) {
  const std::size_t n = n_, lanes = points.size(), triangle = n * (n + 1) / 2;
  evaluations_ += lanes;
  constexpr unsigned quantities =
      quantity_value | quantity_gradient | quantity_hessian | quantity_third;
  EvaluationBlock block;
  block.lanes = lanes;
  if (lanes == 1) {
    // One lane: the point's own arrays are a block of stride one.
    CurvePoint& point = *points[0];
    double* data = point.data.data();
    block.stride = 1;
    block.x = point.z.data();
    block.v = point.z.data() + n;
    block.value = data + at_.value;
    block.gradient = data + at_.gradient;
    block.hessian = data + at_.hessian;
    block.third = data + at_.third;
    objective_.evaluate(quantities, block);
    linearise(point);
    return;
  }
  const std::size_t stride = (lanes + 7) / 8 * 8;
  const std::size_t rows = 2 * n + 1 + n + 2 * triangle;
  if (block_.size() < rows * stride) block_.resize(rows * stride);
  double* x = block_.data();
  double* v = x + n * stride;
  double* results = v + n * stride;
  for (std::size_t l = 0; l < lanes; ++l) {
    const double* z = points[l]->z.data();
    for (std::size_t i = 0; i < n; ++i) {
      x[i * stride + l] = z[i];
      v[i * stride + l] = z[n + i];
    }
  }
  block.stride = stride;
  block.x = x;
  block.v = v;
  block.value = results;
  block.gradient = results + stride;
  block.hessian = block.gradient + n * stride;
  block.third = block.hessian + triangle * stride;
  objective_.evaluate(quantities, block);
  const std::size_t results_size = 1 + n + 2 * triangle;
  for (std::size_t l = 0; l < lanes; ++l) {
    // value, gradient, Hessian and T[v] follow one another in the data as they do in the block.
    double* data = points[l]->data.data() + at_.value;
    for (std::size_t i = 0; i < results_size; ++i) data[i] = results[i * stride + l];
    linearise(*points[l]);
  }
}

void DenseExtremalSystem::linearise(CurvePoint& point) {
  const std::size_t n = n_, k = k_, triangle = n * (n + 1) / 2;
  double* data = point.data.data();
  double* z = point.z.data();
  const double* v = z + n;
  const double* gradient = data + at_.gradient;
  const double* hessian = data + at_.hessian;
  const double* third = data + at_.third;
  double* norms = data + at_.norms;
  double* frame = data + at_.frame;
  double *b = data + at_.b, *c_matrix = data + at_.c_matrix, *a = data + at_.a;
  double *c = data + at_.c, *r = data + at_.r, *q1 = data + at_.q1, *q2 = data + at_.q2;

  double check = data[at_.value], squares = 0.0;
  for (std::size_t i = 0; i < n; ++i) check += gradient[i];
  for (std::size_t i = 0; i < triangle; ++i) check += third[i];
  for (std::size_t i = 0, e = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j, ++e) squares += 2.0 * hessian[e] * hessian[e];
    squares += hessian[e] * hessian[e];
    ++e;
  }
  norms[finite_flag] = std::isfinite(check) && std::isfinite(squares) ? 1.0 : 0.0;
  if (norms[finite_flag] == 0.0) return;
  norms[gradient_norm] = std::sqrt(dot(n, gradient, gradient));
  norms[hessian_norm] = std::sqrt(squares);
  norms[position_norm] = std::max(std::sqrt(dot(n, z, z)), length_scale_);

  const double sigma = z[2 * n + 1] = dot(n, gradient, v);
  complement(n, v, frame);
  if (n == 2) {
    const double v0 = v[0], v1 = v[1], p0 = -v1, p1 = v0;
    const double h0 = hessian[0] * v0 + hessian[1] * v1, h1 = hessian[1] * v0 + hessian[2] * v1;
    const double t0 = third[0] * v0 + third[1] * v1, t1 = third[1] * v0 + third[2] * v1;
    const double lambda = z[2 * n] = v0 * h0 + v1 * h1;
    q1[0] = p0 * gradient[0] + p1 * gradient[1];
    q2[0] = p0 * h0 + p1 * h1;
    b[0] = p0 * (hessian[0] * p0 + hessian[1] * p1) + p1 * (hessian[1] * p0 + hessian[2] * p1);
    c[0] = p0 * t0 + p1 * t1;
    c_matrix[0] = p0 * (third[0] * p0 + third[1] * p1) + p1 * (third[1] * p0 + third[2] * p1);
    a[0] = (b[0] - lambda) * b[0] + sigma * c_matrix[0];
    r[0] = (b[0] - lambda) * q2[0] + sigma * c[0];
    return;
  }
  double lambda = 0.0, along = 0.0;
  project(n, hessian, frame, v, b, q2, &lambda, scratch_.data());
  z[2 * n] = lambda;
  project(n, third, frame, v, c_matrix, c, &along, scratch_.data());
  for (std::size_t j = 0; j < k; ++j) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += frame[i * k + j] * gradient[i];
    q1[j] = sum;
  }
  for (std::size_t i = 0; i < k; ++i) {
    double sum = -lambda * q2[i];
    for (std::size_t l = 0; l < k; ++l) sum += b[i * k + l] * q2[l];
    r[i] = sum + sigma * c[i];
    for (std::size_t j = 0; j <= i; ++j) {
      double product = -lambda * b[i * k + j] + sigma * c_matrix[i * k + j];
      for (std::size_t l = 0; l < k; ++l) product += b[i * k + l] * b[j * k + l];
      a[i * k + j] = a[j * k + i] = product;
    }
  }
}

DefiningSystem::Convergence DenseExtremalSystem::convergence(CurvePoint& point,
                                                             double tolerance) const {
  const double* data = point.data.data();
  const double* norms = data + at_.norms;
  if (norms[finite_flag] == 0.0) return {-1.0, -1.0};
  const double first = norm(k_, data + at_.q1);
  const double second = norm(k_, data + at_.q2);
  // x is known to its rounding only, which moves the gradient by |H| eps |x|.
  const double noise = 2.0 * epsilon * norms[hessian_norm] * norms[position_norm];
  const double tiny = std::numeric_limits<double>::min();
  const double scale = norms[hessian_norm] + tiny;
  Convergence result;
  result.ratio = std::max(first / (tolerance * norms[gradient_norm] + noise + tiny),
                          second / (tolerance * scale));
  const double loose = 1e4 * epsilon;
  result.relaxed = std::max(first / (loose * norms[gradient_norm] + 50.0 * noise + tiny),
                            second / (loose * scale));
  return result;
}

void DenseExtremalSystem::turn_of_v(const CurvePoint& point, double a, const double* b,
                                    bool homogeneous, double* w) {
  const std::size_t k = k_;
  const double* data = point.data.data();
  const double lambda = point.z[2 * n_], sigma = point.z[2 * n_ + 1];
  const double *bm = data + at_.b, *cm = data + at_.c_matrix, *c = data + at_.c;
  const double *q1 = data + at_.q1, *q2 = data + at_.q2;
  const double scale = data[at_.norms + hessian_norm];
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
    const double scale = data[at_.norms + hessian_norm];
    const double inverse = scale > 0.0 ? 1.0 / (scale * scale) : 1.0;
    for (std::size_t i = 0; i < k; ++i) {
      double* row = matrix_.data() + i * n;
      row[0] = r[i] * inverse;
      for (std::size_t j = 0; j < k; ++j) row[j + 1] = am[i * k + j] * inverse;
      double sum = lambda * q1[i] - sigma * q2[i];
      for (std::size_t j = 0; j < k; ++j) sum -= bm[i * k + j] * q1[j];
      right_[i] = sum * inverse;
    }
    double* last = matrix_.data() + k * n;
    last[0] = dot(n, border, v);
    for (std::size_t j = 0; j < k; ++j) {
      double sum = 0.0;
      for (std::size_t i = 0; i < n; ++i) sum += border[i] * frame[i * k + j];
      last[j + 1] = sum;
    }
    right_[k] = 0.0;
    const PivotReport report = lu_factor(n, matrix_.data(), pivots_.data());
    if (report.determinant_sign == 0) return false;
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
  const double scale = data[at_.norms + hessian_norm];
  const double inverse = scale > 0.0 ? 1.0 / (scale * scale) : 1.0;
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
    for (std::size_t i = 0; i < k; ++i) {
      double* row = matrix_.data() + i * n;
      row[0] = r[i] * inverse;
      for (std::size_t j = 0; j < k; ++j) row[j + 1] = am[i * k + j] * inverse;
      right_[i] = 0.0;
    }
    double* last = matrix_.data() + k * n;
    last[0] = dot(n, reference, v);
    for (std::size_t j = 0; j < k; ++j) {
      double sum = 0.0;
      for (std::size_t i = 0; i < n; ++i) sum += reference[i] * frame[i * k + j];
      last[j + 1] = sum;
    }
    right_[k] = 1.0;
    const PivotReport report = lu_factor(n, matrix_.data(), pivots_.data());
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

void DenseExtremalSystem::classify(CurvePoint& point) {
  const std::size_t n = n_, k = k_;
  const double* data = point.data.data();
  const double* z = point.z.data();
  const double* gradient = data + at_.gradient;
  const double* norms = data + at_.norms;
  double* events = point.events.data();
  point.value = data[at_.value];
  point.slope = norms[gradient_norm];
  events[sigma_event] = z[2 * n + 1];
  events[lambda_event] = z[2 * n];
  events[fold_event] = dot(n, point.tangent.data(), z + n);

  // Relative residual |Hg - lambda g| / (|H| |g|) with the best lambda.
  if (norms[gradient_norm] > 0.0 && norms[hessian_norm] > 0.0) {
    double* product = scratch_.data();
    packed_product(n, data + at_.hessian, gradient, product);
    const double square = norms[gradient_norm] * norms[gradient_norm];
    const double multiplier = dot(n, gradient, product) / square;
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const double part = product[i] - multiplier * gradient[i];
      sum += part * part;
    }
    point.residual = std::sqrt(sum) / (norms[hessian_norm] * norms[gradient_norm]);
  } else {
    point.residual = 0.0;
  }

  double* eigenvalues = events + first_eigenvalue;
  const std::size_t blocks[2] = {at_.b, at_.a};
  for (std::size_t which = 0; which < 2; ++which, eigenvalues += k) {
    const double* source = data + blocks[which];
    if (k == 1) {
      eigenvalues[0] = source[0];
    } else if (k == 2) {
      const double mean = 0.5 * (source[0] + source[3]);
      const double radius = std::hypot(0.5 * (source[0] - source[3]), source[1]);
      const double far = mean >= 0.0 ? mean + radius : mean - radius;
      const double determinant = source[0] * source[3] - source[1] * source[1];
      const double near = far != 0.0 ? determinant / far : 0.0;
      eigenvalues[0] = std::min(far, near);
      eigenvalues[1] = std::max(far, near);
    } else if (k > 2) {
      std::copy(source, source + k * k, matrix_.data());
      symmetric_eigen(k, matrix_.data(), eigenvalues, scratch_.data(), false);
    }
    int negative = 0;
    for (std::size_t i = 0; i < k; ++i) negative += eigenvalues[i] < 0.0;
    (which == 0 ? point.curvature_index : point.slope_index) = negative;
  }
}

void DenseExtremalSystem::retract(CurvePoint& point) const {
  double* v = point.z.data() + n_;
  const double norm = std::sqrt(dot(n_, v, v));
  const double inverse = norm > 0.0 ? 1.0 / norm : 0.0;
  for (std::size_t i = 0; i < n_; ++i) v[i] *= inverse;
}

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
  const double inverse = 1.0 / reference.data[at_.norms + hessian_norm];
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
  const double inverse = 1.0 / reference.data[at_.norms + hessian_norm];
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
  const double* norms = reference.data.data() + at_.norms;
  return epsilon * (1.0 + norms[position_norm] +
                    (norms[hessian_norm] > 0.0 ? norms[gradient_norm] / norms[hessian_norm] : 0.0));
}

}  // namespace talweg
