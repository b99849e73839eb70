// Objectives as functions of other coordinates: f(A y + b).
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "objective/block_rows.hpp"
#include "talweg/algebra.hpp"

namespace talweg {
namespace {

std::size_t entry(std::size_t i, std::size_t j) {
  return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i;
}

class AffineComposition final : public Objective {
 public:
  AffineComposition(std::shared_ptr<const Objective> objective, std::span<const double> matrix,
                    std::span<const double> origin)
      : objective_(std::move(objective)), origin_(origin.begin(), origin.end()) {
    const std::size_t rows = objective_->dimension();
    if (origin.size() != rows) throw std::invalid_argument("the origin must have N entries");
    if (matrix.empty() || matrix.size() % rows != 0) {
      throw std::invalid_argument("the matrix must be N x n with n at least 1");
    }
    n_ = matrix.size() / rows;
    columns_.resize(n_);
    double squares = 0.0;
    for (std::size_t r = 0; r < rows; ++r) {
      if (!std::isfinite(origin[r])) throw std::invalid_argument("the origin must be finite");
      for (std::size_t j = 0; j < n_; ++j) {
        const double value = matrix[r * n_ + j];
        if (!std::isfinite(value)) throw std::invalid_argument("the matrix must be finite");
        if (value != 0.0) columns_[j].push_back({r, value});
        squares += value * value;
      }
    }
    const double length = std::sqrt(squares / static_cast<double>(n_));
    errors_ = objective_->errors();
    // |grad f| and |H| of the composition are those of f times about `length` and its square.
    const auto rescale = [length](DerivativeErrors::Coefficients& coefficients, int order) {
      for (int i = 0; i < 3; ++i) {
        coefficients[static_cast<std::size_t>(i)] *= std::pow(length, order - i);
      }
    };
    rescale(errors_.gradient, 1);
    rescale(errors_.hessian, 2);
    rescale(errors_.third, 3);
  }

  std::size_t dimension() const noexcept override { return n_; }
  bool thread_safe() const noexcept override { return objective_->thread_safe(); }
  DerivativeErrors errors() const noexcept override { return errors_; }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    const std::size_t rows = objective_->dimension(), lanes = block.lanes;
    const bool needs_w = (quantities & quantity_third_product) != 0;
    const bool needs_v = needs_w || (quantities & (quantity_third | quantity_hessian_product)) != 0;
    std::size_t count = rows * (1 + needs_v + needs_w);
    const auto has = [quantities](Quantity quantity) { return (quantities & quantity) != 0; };
    for (const Quantity q : {quantity_gradient, quantity_hessian_product, quantity_third_product}) {
      count += has(q) ? rows : 0;
    }
    for (const Quantity q : {quantity_hessian, quantity_third}) {
      count += has(q) ? triangle(rows) : 0;
    }
    std::vector<double> storage(count * lanes);
    double* next = storage.data();
    const auto take = [&](bool wanted, std::size_t size) -> double* {
      return wanted ? std::exchange(next, next + size * lanes) : nullptr;
    };
    double* const x = take(true, rows);
    double* const v = take(needs_v, rows);
    double* const w = take(needs_w, rows);
    for (std::size_t r = 0; r < rows; ++r) std::fill_n(x + r * lanes, lanes, origin_[r]);
    apply(block.x, block.stride, x, lanes);
    if (needs_v) apply(block.v, block.stride, v, lanes);
    if (needs_w) apply(block.w, block.stride, w, lanes);
    EvaluationBlock inner;
    inner.lanes = inner.stride = lanes;
    inner.x = x;
    inner.v = v;
    inner.w = w;
    // The value is the same function's.
    std::vector<double> value(has(quantity_value) ? lanes : 0);
    inner.value = value.data();
    inner.gradient = take(has(quantity_gradient), rows);
    inner.hessian_product = take(has(quantity_hessian_product), rows);
    inner.third_product = take(has(quantity_third_product), rows);
    inner.hessian = take(has(quantity_hessian), triangle(rows));
    inner.third = take(has(quantity_third), triangle(rows));
    objective_->evaluate(quantities, inner);
    if (has(quantity_value)) std::copy(value.begin(), value.end(), block.value);
    if (has(quantity_gradient))
      transpose_apply(inner.gradient, block.gradient, lanes, block.stride);
    if (has(quantity_hessian_product)) {
      transpose_apply(inner.hessian_product, block.hessian_product, lanes, block.stride);
    }
    if (has(quantity_third_product)) {
      transpose_apply(inner.third_product, block.third_product, lanes, block.stride);
    }
    if (has(quantity_hessian)) congruence(inner.hessian, block.hessian, lanes, block.stride);
    if (has(quantity_third)) congruence(inner.third, block.third, lanes, block.stride);
  }

 private:
  struct Entry {
    std::size_t row;
    double value;
  };

  // to += A from
  void apply(const double* from, std::size_t from_stride, double* to, std::size_t lanes) const {
    for (std::size_t j = 0; j < n_; ++j) {
      for (const auto& [row, value] : columns_[j]) {
        for (std::size_t l = 0; l < lanes; ++l) {
          to[row * lanes + l] += value * from[j * from_stride + l];
        }
      }
    }
  }

  // to = A' from
  void transpose_apply(const double* from, double* to, std::size_t lanes,
                       std::size_t to_stride) const {
    for (std::size_t j = 0; j < n_; ++j) {
      double* const sum = to + j * to_stride;
      std::fill_n(sum, lanes, 0.0);
      for (const auto& [row, value] : columns_[j]) {
        for (std::size_t l = 0; l < lanes; ++l) sum[l] += value * from[row * lanes + l];
      }
    }
  }

  // to = A' from A, both packed, a column of from A at a time.
  void congruence(const double* from, double* to, std::size_t lanes, std::size_t to_stride) const {
    const std::size_t rows = objective_->dimension();
    std::vector<double> column(rows * lanes);
    for (std::size_t j = 0; j < n_; ++j) {
      std::fill(column.begin(), column.end(), 0.0);
      for (const auto& [s, value] : columns_[j]) {
        for (std::size_t r = 0; r < rows; ++r) {
          const double* const source = from + entry(r, s) * lanes;
          for (std::size_t l = 0; l < lanes; ++l) column[r * lanes + l] += value * source[l];
        }
      }
      for (std::size_t i = j; i < n_; ++i) {
        double* const sum = to + entry(i, j) * to_stride;
        std::fill_n(sum, lanes, 0.0);
        for (const auto& [r, value] : columns_[i]) {
          for (std::size_t l = 0; l < lanes; ++l) sum[l] += value * column[r * lanes + l];
        }
      }
    }
  }

  std::shared_ptr<const Objective> objective_;
  std::vector<double> origin_;
  std::size_t n_ = 0;
  std::vector<std::vector<Entry>> columns_;  // of A, without the zeros
  DerivativeErrors errors_;
};

}  // namespace

std::unique_ptr<Objective> compose_affine(std::shared_ptr<const Objective> objective,
                                          std::span<const double> matrix,
                                          std::span<const double> origin) {
  return std::make_unique<AffineComposition>(std::move(objective), matrix, origin);
}

}  // namespace talweg
