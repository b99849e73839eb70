#include "extremal/dense_system.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "spectrum/packed_matrix.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// Positions of the fixed event functions; the n - 1 eigenvalues of B and then those of A follow.
constexpr std::size_t sigma_event = 0, lambda_event = 1, fold_event = 2, first_eigenvalue = 3;

bool is_approximate(const DerivativeErrors& errors) {
  const auto present = [](const DerivativeErrors::Coefficients& coefficients) {
    return DerivativeErrors::at(coefficients, 1.0, 1.0, 1.0) > 0.0;
  };
  return present(errors.gradient) || present(errors.hessian) || present(errors.third);
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
      gauge_(objective.gauge()),
      n_(objective.dimension()),
      k_(n_ - 1),
      errors_(objective.errors()),
      approximate_(is_approximate(errors_)),
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
  at_.norms = reserve(6);
  at_.gauge = reserve(gauge_.most() * n);
  at_.turns = reserve(gauge_.most() * n);
  at_.rank = reserve(1);
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
  gauge_frame_.resize(gauge_.most() * k);
  gauge_scratch_.resize(gauge_ ? 2 * n : 0);
  chart_rows_.resize(gauge_ ? 3 * gauge_.most() * n + n : 0);
}

CurvePoint DenseExtremalSystem::make_point() const {
  CurvePoint point;
  point.z.assign(unknowns(), 0.0);
  point.tangent.assign(unknowns(), 0.0);
  point.events.assign(functions_.size(), 0.0);
  point.event_slopes.assign(functions_.size(), std::numeric_limits<double>::quiet_NaN());
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
  const std::size_t n = n_, k = k_;
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

  double squares = 0.0, third_squares = 0.0;
  for (std::size_t i = 0, e = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j, ++e) {
      squares += 2.0 * hessian[e] * hessian[e];
      third_squares += 2.0 * third[e] * third[e];
    }
    squares += hessian[e] * hessian[e];
    third_squares += third[e] * third[e];
    ++e;
  }
  norms[gradient_norm] = std::sqrt(dot(n, gradient, gradient));
  norms[third_norm] = std::sqrt(third_squares);
  norms[square_scale] = squares + norms[gradient_norm] * norms[third_norm];
  const double check = data[at_.value] + norms[square_scale];
  norms[finite_flag] = std::isfinite(check) ? 1.0 : 0.0;
  if (norms[finite_flag] == 0.0) return;
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
  if (gauge_) fix_gauge(point);
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
  // x is known to its rounding only, which moves the gradient by |H| eps |x|, and H likewise.
  const double rounding = 2.0 * epsilon * norms[position_norm];
  double noise = rounding * norms[hessian_norm];
  double second_noise = rounding * norms[third_norm];
  if (approximate_) {
    noise += error_of(errors_.gradient, data);
    second_noise += error_of(errors_.hessian, data);
  }
  const double tiny = std::numeric_limits<double>::min();
  Convergence result;
  result.ratio = std::max(first / (tolerance * norms[gradient_norm] + noise + tiny),
                          second / (tolerance * norms[hessian_norm] + second_noise + tiny));
  const double loose = 1e4 * epsilon;
  result.relaxed = std::max(first / (loose * norms[gradient_norm] + 50.0 * noise + tiny),
                            second / (loose * norms[hessian_norm] + 50.0 * second_noise + tiny));
  return result;
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
  point.event_slopes[sigma_event] = point.tangent[2 * n + 1];
  point.event_slopes[lambda_event] = point.tangent[2 * n];

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

double DenseExtremalSystem::position_rounding(const CurvePoint& point) const {
  const double* norms = point.data.data() + at_.norms;
  const double sigma = std::fabs(point.z[2 * n_ + 1]);
  const double scale = norms[square_scale];
  if (!(scale > 0.0)) return epsilon * norms[position_norm];
  // The reduced equations are (B - lambda) q1 + sigma q2, with the slope `singularity` over
  // `scale`.
  const double first = norms[gradient_norm] + norms[hessian_norm] * norms[position_norm];
  const double second = norms[hessian_norm] + norms[third_norm] * norms[position_norm];
  const double equations = (norms[hessian_norm] * first + sigma * second) / scale;
  // Where the slope vanishes the equations are quadratic, which bounds the displacement too.
  const double aside = equations / std::max(point.singularity, std::sqrt(epsilon));
  // Near a critical point, also by the distance to it.
  double softest = std::fabs(point.z[2 * n_]);
  for (std::size_t i = 0; i < k_; ++i) {
    softest = std::min(softest, std::fabs(point.events[first_eigenvalue + i]));
  }
  const double distance =
      softest > 0.0 ? norms[gradient_norm] / softest + epsilon * first / softest : aside;
  const double rounding = epsilon * norms[position_norm] + std::min(epsilon * aside, distance);
  if (!approximate_) return rounding;
  const double* data = point.data.data();
  const double errors = (norms[hessian_norm] * error_of(errors_.gradient, data) +
                         sigma * error_of(errors_.hessian, data)) /
                        scale;
  return rounding + errors / std::max(point.singularity, std::sqrt(epsilon));
}

double DenseExtremalSystem::event_rounding(const CurvePoint& point, std::size_t which) const {
  const double* norms = point.data.data() + at_.norms;
  const double aside = position_rounding(point);
  double gradient_error = epsilon * norms[gradient_norm];
  double hessian_error = epsilon * norms[hessian_norm];
  double matrix_error = epsilon * norms[square_scale];
  if (approximate_) {
    const double* data = point.data.data();
    gradient_error += error_of(errors_.gradient, data);
    hessian_error += error_of(errors_.hessian, data);
    matrix_error += 2.0 * norms[hessian_norm] * error_of(errors_.hessian, data) +
                    norms[gradient_norm] * error_of(errors_.third, data) +
                    norms[third_norm] * error_of(errors_.gradient, data);
  }
  if (which == sigma_event) return gradient_error + norms[hessian_norm] * aside;
  if (which == fold_event) {
    // The tangent is where the slope of the equations vanishes. Beside the curve that slope changes
    // as the Hessian does, and where it is small, close to another arc, the tangent turns fast.
    const double size = norms[hessian_norm];
    const double turned = size > 0.0 ? norms[third_norm] / size * aside : 0.0;
    const double slope = std::max(point.singularity, std::sqrt(epsilon));
    return (matrix_error / norms[square_scale] + turned) / slope;
  }
  if (which < first_eigenvalue + k_) return hessian_error + norms[third_norm] * aside;
  return matrix_error;
}

void DenseExtremalSystem::retract(CurvePoint& point) const {
  double* v = point.z.data() + n_;
  if (gauge_) gauge_.project(point.z.data(), v);
  const double norm = std::sqrt(dot(n_, v, v));
  const double inverse = norm > 0.0 ? 1.0 / norm : 0.0;
  for (std::size_t i = 0; i < n_; ++i) v[i] *= inverse;
}

double DenseExtremalSystem::error_of(const DerivativeErrors::Coefficients& coefficients,
                                     const double* data) const {
  const double* norms = data + at_.norms;
  return DerivativeErrors::at(coefficients, std::fabs(data[at_.value]), norms[gradient_norm],
                              norms[hessian_norm]);
}

}  // namespace talweg
