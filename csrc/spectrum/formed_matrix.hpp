// The whole matrix of an operator, and its decomposition.
#pragma once

#include <cstddef>
#include <vector>

#include "spectrum/krylov.hpp"

namespace talweg {

class FormedMatrix {
 public:
  explicit FormedMatrix(std::size_t n) : n_(n), matrix_(n * n) {}

  // From the operator itself where it can, else from products. converged; interrupted; or
  // not_symmetric, where entries differ from their mirror images by more than symmetric_enough
  // times the largest one.
  Status form(const SymmetricOperator& given, ScaledOperator& products, double symmetric_enough);

  // The power of two that brings the largest entry near 1, by which all is multiplied.
  double scale() const noexcept { return scale_; }
  // The modulus of the largest entry.
  double largest() const noexcept { return largest_; }

  // Eigenpairs from number `first` on, their residuals not computed. Status of dense_eigen.
  Status decompose(std::size_t first, std::size_t count, RitzPairs& pairs);
  double residual(double value, const double* vector) const;

 private:
  bool form_by_products(ScaledOperator& products);

  std::size_t n_;
  std::vector<double> matrix_;
  double scale_ = 1.0, largest_ = 0.0;
};

}  // namespace talweg
