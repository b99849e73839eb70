#include "spectrum/formed_matrix.hpp"

#include <algorithm>
#include <cmath>

#include "spectrum/dense_eigen.hpp"
#include "spectrum/lapack_hook.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {

// Every column from products with unit vectors.
bool FormedMatrix::form_by_products(ScaledOperator& products) {
  constexpr std::size_t together = 32;
  VectorBlock unit(n_, std::min(together, n_)), buffer(n_, std::min(together, n_));
  for (std::size_t first = 0; first < n_; first += together) {
    const std::size_t count = std::min(together, n_ - first);
    for (std::size_t j = 0; j < count; ++j) {
      std::fill_n(unit[j], n_, 0.0);
      unit[j][first + j] = 1.0;
    }
    const double* const columns = products.apply(count, unit[0], unit.stride(), buffer[0]);
    if (interrupted()) return false;
    for (std::size_t j = 0; j < count; ++j)
      std::copy_n(columns + j * unit.stride(), n_, matrix_.data() + (first + j) * n_);
  }
  return true;
}

Status FormedMatrix::form(const SymmetricOperator& given, ScaledOperator& products,
                          double symmetric_enough) {
  const bool formed = given.form(matrix_.data());
  if ((!formed && !form_by_products(products)) || interrupted()) return Status::interrupted;
  double asymmetry = 0.0;
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t j = 0; j < i && !formed; ++j) {
      double &a = matrix_[i * n_ + j], &b = matrix_[j * n_ + i];
      asymmetry = std::max(asymmetry, std::fabs(a - b));
      largest_ = std::max(largest_, std::fabs(b));
      a = b = 0.5 * a + 0.5 * b;
    }
    for (std::size_t j = 0; j <= i; ++j)
      largest_ = std::max(largest_, std::fabs(matrix_[i * n_ + j]));
  }
  if (!given.known_symmetric() && asymmetry > symmetric_enough * largest_)
    return Status::not_symmetric;
  if (largest_ > 0.0 && std::isfinite(largest_)) {
    scale_ = std::exp2(-std::clamp(std::ilogb(largest_), -1020, 1020));
    for (double& entry : matrix_) entry *= scale_;
    largest_ *= scale_;
  }
  return Status::converged;
}

Status FormedMatrix::decompose(std::size_t first, std::size_t count, RitzPairs& pairs) {
  std::vector<double> copy = matrix_, vectors(n_ * count);
  pairs.values.resize(count);
  const Status status =
      dense_eigen(lapack(), n_, copy.data(), first, count, pairs.values.data(), vectors.data());
  if (status != Status::converged) return status;
  pairs.count = count;
  pairs.vectors = VectorBlock(n_, count);
  pairs.residuals.resize(count);
  for (std::size_t j = 0; j < count; ++j)
    for (std::size_t i = 0; i < n_; ++i) pairs.vectors[j][i] = vectors[i * count + j];
  return status;
}

double FormedMatrix::residual(double value, const double* vector) const {
  double square = 0.0;
  for (std::size_t i = 0; i < n_; ++i) {
    double sum = -value * vector[i];
    for (std::size_t c = 0; c < n_; ++c) sum += matrix_[i * n_ + c] * vector[c];
    square += sum * sum;
  }
  return std::sqrt(square);
}

}  // namespace talweg
