#include "spectrum/krylov.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "spectrum/symmetric_eigen.hpp"

namespace talweg {

const double* ScaledOperator::apply(std::size_t count, const double* vectors, std::size_t stride,
                                    double* products) {
  products_ += count;
  const double* const own = matrix_.apply(count, vectors, stride, products);
  if (scale_ == 0.0) {
    double largest = 0.0;
    for (std::size_t j = 0; j < count; ++j) {
      for (std::size_t i = 0; i < passes_.size(); ++i)
        largest = std::max(largest, std::fabs(own[j * stride + i]));
    }
    const bool safe =
        largest == 0.0 || !std::isfinite(largest) || (largest > 1e-100 && largest < 1e100);
    // A power of two can be out of range itself, at both ends.
    scale_ = safe ? 1.0 : std::exp2(-std::clamp(std::ilogb(largest), -1020, 1020));
  }
  if (scale_ == 1.0) return own;
  for (std::size_t j = 0; j < count; ++j) {
    if (own != products) std::copy_n(own + j * stride, passes_.size(), products + j * stride);
    passes_.scale(scale_, products + j * stride);
  }
  return products;
}

std::size_t orthonormalise(const LongVectors& passes, std::size_t count, double* block,
                           std::size_t stride, const double* squares, double shortest) {
  // Vectors of very different lengths would lose the short ones in the decomposition.
  std::vector<double> matrix(count * count), values(count), scratch(count), length(count);
  for (std::size_t i = 0; i < count; ++i) length[i] = std::sqrt(squares[i * count + i]);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < count; ++j) {
      const double product = length[i] * length[j];
      matrix[i * count + j] = product > 0.0 ? squares[i * count + j] / product : 0.0;
    }
  }
  if (!symmetric_eigen(count, matrix.data(), values.data(), scratch.data(), true)) return 0;
  std::vector<double> rotation;
  std::size_t kept = 0;
  std::vector<std::size_t> columns;
  for (std::size_t j = count; j-- > 0;) {
    if (!(values[j] > 1e-13)) continue;
    // The length of this direction before the vectors were scaled.
    double inverse = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
      const double c = length[i] > 0.0 ? matrix[i * count + j] / length[i] : 0.0;
      inverse += c * c / values[j];
    }
    if (!(inverse * shortest * shortest < 1.0)) continue;
    columns.push_back(j);
    ++kept;
  }
  if (kept == 0) return 0;
  rotation.assign(count * kept, 0.0);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < kept; ++c) {
      const std::size_t j = columns[c];
      if (length[i] > 0.0)
        rotation[i * kept + c] = matrix[i * count + j] / (length[i] * std::sqrt(values[j]));
    }
  }
  passes.rotate(count, kept, rotation.data(), block, stride);
  return kept;
}

RitzPairs rayleigh_ritz(const LongVectors& passes, ScaledOperator& matrix, std::size_t count,
                        VectorBlock vectors) {
  RitzPairs pairs;
  if (count == 0) return pairs;
  const std::size_t stride = vectors.stride();
  std::vector<double> squares(count * count);
  for (int pass = 0; pass < 2; ++pass) {
    squares.resize(count * count);
    passes.gram(count, vectors[0], stride, count, vectors[0], stride, squares.data());
    count = orthonormalise(passes, count, vectors[0], stride, squares.data(), 0.0);
    if (count == 0) return pairs;
  }
  VectorBlock buffer(passes.size(), count);
  const double* const own = matrix.apply(count, vectors[0], stride, buffer[0]);
  if (own != buffer[0]) std::copy_n(own, passes.size(), buffer[0]);
  std::vector<double> projected(count * count), scratch(count);
  passes.gram(count, vectors[0], stride, count, buffer[0], stride, projected.data());
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double mean = 0.5 * (projected[i * count + j] + projected[j * count + i]);
      projected[i * count + j] = projected[j * count + i] = mean;
    }
  }
  pairs.count = count;
  pairs.values.resize(count);
  symmetric_eigen(count, projected.data(), pairs.values.data(), scratch.data(), true);
  passes.rotate(count, count, projected.data(), vectors[0], stride);
  passes.rotate(count, count, projected.data(), buffer[0], stride);
  pairs.residuals.resize(count);
  for (std::size_t j = 0; j < count; ++j) {
    pairs.residuals[j] = std::sqrt(
        passes.three_term(1.0, buffer[j], -pairs.values[j], vectors[j], 0.0, nullptr, buffer[j]));
  }
  pairs.vectors = std::move(vectors);
  return pairs;
}

}  // namespace talweg
