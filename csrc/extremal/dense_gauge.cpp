// Gauge rows of the dense defining system: what keeps curves orthogonal to the orbits of a
// symmetry.
#include <algorithm>
#include <cmath>

#include "extremal/dense_system.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

// P' S P for P = I - rows' rows, with rank orthonormal rows of length k.
void take_out(std::size_t k, std::size_t rank, const double* rows, double* matrix,
              double* scratch) {
  for (std::size_t r = 0; r < rank; ++r) {
    const double* row = rows + r * k;
    double along = 0.0;
    for (std::size_t i = 0; i < k; ++i) {
      scratch[i] = dot(k, matrix + i * k, row);
      along += row[i] * scratch[i];
    }
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < k; ++j) {
        matrix[i * k + j] += along * row[i] * row[j] - scratch[i] * row[j] - row[i] * scratch[j];
      }
    }
  }
}

void take_out_vector(std::size_t k, std::size_t rank, const double* rows, double* vector) {
  for (std::size_t r = 0; r < rank; ++r) {
    const double product = dot(k, rows + r * k, vector);
    for (std::size_t i = 0; i < k; ++i) vector[i] -= product * rows[r * k + i];
  }
}

void in_frame(std::size_t n, const double* frame, const double* vector, double* result) {
  const std::size_t k = n - 1;
  std::fill(result, result + k, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < k; ++j) result[j] += frame[i * k + j] * vector[i];
  }
}

}  // namespace

std::size_t DenseExtremalSystem::gauge_in_frame(const CurvePoint& point) {
  const double* data = point.data.data();
  const auto rank = static_cast<std::size_t>(data[at_.rank]);
  for (std::size_t r = 0; r < rank; ++r) {
    in_frame(n_, data + at_.frame, data + at_.gauge + r * n_, gauge_frame_.data() + r * k_);
  }
  return rank;
}

void DenseExtremalSystem::fix_gauge(CurvePoint& point) {
  const std::size_t n = n_, k = k_;
  double* data = point.data.data();
  const double* z = point.z.data();
  const double lambda = z[2 * n], sigma = z[2 * n + 1];
  const std::size_t rank = gauge_.evaluate(z, z + n, data + at_.gauge, data + at_.turns);
  data[at_.rank] = static_cast<double>(rank);
  gauge_in_frame(point);
  double* b = data + at_.b;
  double* c_matrix = data + at_.c_matrix;
  double* const turn = gauge_scratch_.data();
  const double* rows = gauge_frame_.data();
  take_out(k, rank, rows, b, turn);
  take_out(k, rank, rows, c_matrix, turn);
  // v turns with the orbits' directions as x moves, by sum_j t_j (w_j . dx) with H t_j = sigma w_j.
  // Near a linear molecule w is large along orbits, which must not cost the rest its accuracy.
  for (std::size_t r = 0; r < rank; ++r) {
    in_frame(n, data + at_.frame, data + at_.turns + r * n, turn);
    take_out_vector(k, rank, rows, turn);
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < k; ++j) c_matrix[i * k + j] += sigma * turn[i] * turn[j];
    }
  }
  for (const std::size_t at : {at_.q1, at_.q2, at_.c}) take_out_vector(k, rank, rows, data + at);
  // Any stiffness above lambda keeps A positive in the gauge directions, so that no sign, index or
  // event of the others changes.
  const double stiffness = std::fabs(lambda) + std::sqrt(data[at_.norms + square_scale]);
  for (std::size_t r = 0; r < rank; ++r) {
    const double* row = rows + r * k;
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < k; ++j) b[i * k + j] += stiffness * row[i] * row[j];
    }
  }
}

std::size_t DenseExtremalSystem::chart_gauge(const CurvePoint& reference, const CurvePoint& point) {
  const std::size_t n = n_, size = gauge_.most() * n;
  const std::size_t rank = gauge_in_frame(reference);
  const double* origin = reference.z.data();
  double* rows = chart_rows_.data();
  double* turns = rows + size;
  double *const shift = turns + size, *const scratch = shift + n;
  for (std::size_t i = 0; i < n; ++i) shift[i] = point.z[i] - origin[i];
  // The generators are affine in x: what made the reference's rows orthonormal serves everywhere,
  // where Gram-Schmidt at the point could choose another order.
  const std::size_t moving = gauge_.evaluate(origin, nullptr, scratch, nullptr);
  gauge_.evaluate(origin, shift, scratch, rows);
  gauge_.evaluate(origin, point.z.data() + n, scratch, turns);
  for (std::size_t r = moving; r < rank; ++r) {
    std::fill_n(rows + r * n, n, 0.0);
    std::fill_n(turns + r * n, n, 0.0);
  }
  const double* fixed = reference.data.data() + at_.gauge;
  for (std::size_t i = 0; i < rank * n; ++i) rows[i] += fixed[i];
  return rank;
}

void DenseExtremalSystem::anchor(const CurvePoint& reference, CurvePoint& predicted) const {
  if (!gauge_) return;
  const double* data = reference.data.data();
  const auto rank = static_cast<std::size_t>(data[at_.rank]);
  double* const x = predicted.z.data();
  for (std::size_t r = 0; r < rank; ++r) {
    const double* row = data + at_.gauge + r * n_;
    double along = 0.0;
    for (std::size_t i = 0; i < n_; ++i) along += row[i] * (x[i] - reference.z[i]);
    for (std::size_t i = 0; i < n_; ++i) x[i] -= along * row[i];
  }
}

void DenseExtremalSystem::add_gauge_turn(const CurvePoint& point, const double* dx,
                                         double* dv) const {
  const double* data = point.data.data();
  const auto rank = static_cast<std::size_t>(data[at_.rank]);
  for (std::size_t r = 0; r < rank; ++r) {
    const double* row = data + at_.gauge + r * n_;
    const double along = dot(n_, data + at_.turns + r * n_, dx);
    for (std::size_t i = 0; i < n_; ++i) dv[i] += along * row[i];
  }
}

}  // namespace talweg
