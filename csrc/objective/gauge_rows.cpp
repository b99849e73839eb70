#include "objective/gauge_rows.hpp"

#include <algorithm>
#include <cmath>

#include "spectrum/vectors.hpp"

namespace talweg {

GaugeRows::GaugeRows(const Gauge* gauge, double negligible)
    : gauge_(gauge),
      n_(gauge ? gauge->dimension() : 0),
      negligible_(negligible),
      rows_(most() * n_),
      product_(n_) {}

std::size_t GaugeRows::evaluate(const double* x, const double* v, double* rows,
                                double* turns) const {
  if (!gauge_) return 0;
  const std::size_t count = most();
  gauge_->directions(x, rows);
  if (turns) gauge_->change(v, turns);
  double longest = 0.0;
  for (std::size_t k = 0; k < count; ++k) longest = std::max(longest, norm(n_, rows + k * n_));
  // Gram-Schmidt with pivoting; whatever is done to a row is done to its turn.
  std::size_t rank = 0;
  for (; rank < count; ++rank) {
    std::size_t pivot = rank;
    double length = 0.0;
    for (std::size_t k = rank; k < count; ++k) {
      const double here = norm(n_, rows + k * n_);
      // Rows as long as one another keep their order.
      if (here > length * (1.0 + 1e-6)) {
        pivot = k;
        length = here;
      }
    }
    if (!(length > negligible_ * longest)) break;
    double* const row = rows + rank * n_;
    double* const turn = turns ? turns + rank * n_ : nullptr;
    if (pivot != rank) {
      std::swap_ranges(row, row + n_, rows + pivot * n_);
      if (turns) std::swap_ranges(turn, turn + n_, turns + pivot * n_);
    }
    for (std::size_t i = 0; i < n_; ++i) row[i] /= length;
    if (turns) {
      for (std::size_t i = 0; i < n_; ++i) turn[i] /= length;
    }
    for (std::size_t k = rank + 1; k < count; ++k) {
      double* const other = rows + k * n_;
      const double product = dot(n_, row, other);
      for (std::size_t i = 0; i < n_; ++i) other[i] -= product * row[i];
      if (!turns) continue;
      for (std::size_t i = 0; i < n_; ++i) turns[k * n_ + i] -= product * turn[i];
    }
  }
  if (!turns) return rank;
  // A motion that moves nothing at x but turns v: at the next point along v it moves that way.
  const std::size_t moving = rank;
  for (std::size_t k = moving; k < count; ++k) {
    double* const row = rows + rank * n_;
    double* const turn = turns + k * n_;
    const double before = norm(n_, turn);
    std::copy(turn, turn + n_, row);
    for (std::size_t j = 0; j < rank; ++j) {
      const double product = dot(n_, rows + j * n_, row);
      for (std::size_t i = 0; i < n_; ++i) row[i] -= product * rows[j * n_ + i];
    }
    const double length = norm(n_, row);
    if (!(length > 1e-3 * before) || !(length > 1e-3)) continue;
    for (std::size_t i = 0; i < n_; ++i) row[i] /= length;
    std::fill(turns + rank * n_, turns + (rank + 1) * n_, 0.0);
    ++rank;
  }
  return rank;
}

void GaugeRows::project(const double* x, double* v) const {
  const std::size_t rank = evaluate(x, nullptr, rows_.data(), nullptr);
  for (std::size_t k = 0; k < rank; ++k) {
    const double* row = rows_.data() + k * n_;
    const double product = dot(n_, row, v);
    for (std::size_t i = 0; i < n_; ++i) v[i] -= product * row[i];
  }
}

std::size_t GaugeRows::stiffen(const double* x, double* matrix) const {
  if (!gauge_) return 0;
  const std::size_t rank = evaluate(x, nullptr, rows_.data(), nullptr);
  const double stiffness = 2.0 * norm(n_ * n_, matrix);
  for (std::size_t k = 0; k < rank; ++k) {
    const double* row = rows_.data() + k * n_;
    double along = 0.0;
    for (std::size_t i = 0; i < n_; ++i) {
      product_[i] = dot(n_, matrix + i * n_, row);
      along += row[i] * product_[i];
    }
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < n_; ++j) {
        matrix[i * n_ + j] +=
            (along + stiffness) * row[i] * row[j] - product_[i] * row[j] - row[i] * product_[j];
      }
    }
  }
  return rank;
}

}  // namespace talweg
