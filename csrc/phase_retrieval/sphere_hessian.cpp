#include <algorithm>
#include <cmath>

#include "phase_retrieval/coordinates.hpp"
#include "phase_retrieval/data_rows.hpp"
#include "phase_retrieval/loss.hpp"
#include "phase_retrieval/row_pass.hpp"
#include "phase_retrieval/weighted_squares.hpp"
#include "talweg/phase_retrieval.hpp"

namespace talweg {
namespace {

double dot(std::size_t n, const double* a, const double* b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

template <int parts>
ObservationLoss<parts> loss_at(const PhaseRetrievalObjective& objective, const double* lambda,
                               std::size_t row) {
  return {objective.weights()[row], objective.description().intensities[row], lambda + parts * row};
}

// What one pass gives at w: lambda, the gradient, the loss and mu; and the trace of D without that
// along w.
template <int parts>
double start(const PhaseRetrievalObjective& objective, const double* w, double* lambda,
             double* gradient, double& loss, double& curvature) {
  const PhaseRetrieval& d = objective.description();
  const std::vector<double>& squares = objective.row_squares();
  const double N = static_cast<double>(objective.signal_dimension()), root = std::sqrt(N);
  RowPass pass(rows_of(d), parts, parts, 4, d.workers);
  put_point(pass, parts == 2, 0, w, 1);
  pass.run([&](const RowBlock& rows) {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      const std::size_t i = rows.first + r;
      double* const s = lambda + parts * i;
      for (int part = 0; part < parts; ++part) s[part] = rows.z[r * rows.z_stride + part] / root;
      const auto at = loss_at<parts>(objective, lambda, i);
      at.first(rows.p + r * rows.p_stride);
      const SmallMatrix<parts> k = at.second();
      double turned[2];
      k.multiply(s, turned);
      rows.sums[0] += at.value();
      rows.sums[1] += at.radial();
      rows.sums[2] += (k.first + k.second) * squares[i];
      rows.sums[3] += ObservationLoss<parts>::dot(s, turned);
    }
  });
  const double M = static_cast<double>(d.rows);
  get_point(pass, parts == 2, 0, 1.0 / (M * root), gradient, 1);
  loss = pass.sums()[0] / M;
  curvature = pass.sums()[1] / M;
  return (pass.sums()[2] - pass.sums()[3]) / M;
}

template <int parts>
void multiply(const PhaseRetrievalObjective& objective, const double* lambda, RowPass& pass,
              std::size_t count) {
  pass.run([&](const RowBlock& rows) {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      const SmallMatrix<parts> k = loss_at<parts>(objective, lambda, rows.first + r).second();
      for (std::size_t c = 0; c < count; ++c)
        k.multiply(rows.z + r * rows.z_stride + parts * c, rows.p + r * rows.p_stride + parts * c);
    }
  });
}

}  // namespace

SphereHessian::SphereHessian(const PhaseRetrievalObjective& objective, const double* w)
    : objective_(objective), n_(objective.dimension()), unit_(w, w + n_), gradient_(n_) {
  const bool complex = objective.description().complex;
  lambda_.resize(objective.description().rows * (complex ? 2 : 1));
  const auto run = complex ? &start<2> : &start<1>;
  const double trace = run(objective, w, lambda_.data(), gradient_.data(), loss_, curvature_);
  const double length = std::sqrt(dot(n_, w, w));
  for (double& u : unit_) u /= length;
  shift_ = n_ > 1 ? trace / static_cast<double>(n_ - 1) - curvature_ : 0.0;
}

template <class Number>
bool SphereHessian::form_in(Number* matrix) const {
  const PhaseRetrieval& d = objective_.description();
  if (d.complex) return false;
  std::vector<Number> second(d.rows);
  for (std::size_t i = 0; i < d.rows; ++i)
    second[i] = static_cast<Number>(loss_at<1>(objective_, lambda_.data(), i).second().first /
                                    static_cast<double>(d.rows));
  weighted_squares(rows_of(d), second.data(), d.workers, matrix);

  // P (D - mu I) P + shift u u' = D - mu I - u b' - b u' + (u.D u + shift + mu) u u' with b = D u,
  // as (D - mu I) u is b - mu u.
  std::vector<double> b(n_);
  for (std::size_t j = 0; j < n_; ++j) {
    for (std::size_t i = 0; i < n_; ++i) b[j] += static_cast<double>(matrix[j * n_ + i]) * unit_[i];
  }
  const double inner = dot(n_, b.data(), unit_.data()) + shift_ + curvature_;
  for (std::size_t j = 0; j < n_; ++j) {
    for (std::size_t i = 0; i < n_; ++i) {
      const double added = inner * unit_[j] * unit_[i] - (unit_[j] * b[i] + b[j] * unit_[i]);
      matrix[j * n_ + i] = static_cast<Number>(static_cast<double>(matrix[j * n_ + i]) + added);
    }
    matrix[j * n_ + j] -= static_cast<Number>(curvature_);
  }
  return true;
}

bool SphereHessian::form(double* matrix) const { return form_in(matrix); }
bool SphereHessian::form_single(float* matrix) const { return form_in(matrix) && !cancels(matrix); }

// Whether a term is much larger than their sum, whose error it would determine. A column is not
// longer than the matrix' norm; terms of a few times the norm are usual.
bool SphereHessian::cancels(const float* matrix) const {
  const std::vector<double>& squares = objective_.row_squares();
  double largest = 0.0, longest = 0.0;
  for (std::size_t i = 0; i < squares.size(); ++i)
    largest = std::max(
        largest, squares[i] * std::fabs(loss_at<1>(objective_, lambda_.data(), i).second().first));
  for (std::size_t j = 0; j < n_; ++j) {
    double square = 0.0;
    for (std::size_t i = 0; i < n_; ++i) {
      const double entry = matrix[j * n_ + i];
      square += entry * entry;
    }
    longest = std::max(longest, square);
  }
  return largest / static_cast<double>(squares.size()) > 16.0 * std::sqrt(longest);
}

const double* SphereHessian::apply(std::size_t count, const double* vectors, std::size_t stride,
                                   double* products) const {
  const PhaseRetrieval& d = objective_.description();
  const std::size_t parts = d.complex ? 2 : 1;
  RowPass pass(rows_of(d), parts * count, parts * count, 0, d.workers);
  std::vector<double> along(count), tangent(n_);
  const auto project = [&](const double* v, double amount) {
    for (std::size_t i = 0; i < n_; ++i) tangent[i] = v[i] - amount * unit_[i];
  };
  for (std::size_t k = 0; k < count; ++k) {
    along[k] = dot(n_, unit_.data(), vectors + k * stride);
    project(vectors + k * stride, along[k]);
    put_point(pass, d.complex, k, tangent.data(), 1);
  }
  d.complex ? multiply<2>(objective_, lambda_.data(), pass, count)
            : multiply<1>(objective_, lambda_.data(), pass, count);
  const double factor = 1.0 / static_cast<double>(d.rows);
  std::vector<double> product(n_);
  for (std::size_t k = 0; k < count; ++k) {
    get_point(pass, d.complex, k, factor, product.data(), 1);
    project(vectors + k * stride, along[k]);
    for (std::size_t i = 0; i < n_; ++i) product[i] -= curvature_ * tangent[i];
    const double left = dot(n_, unit_.data(), product.data());
    double* const to = products + k * stride;
    for (std::size_t i = 0; i < n_; ++i) to[i] = product[i] + (shift_ * along[k] - left) * unit_[i];
  }
  return products;
}

}  // namespace talweg
