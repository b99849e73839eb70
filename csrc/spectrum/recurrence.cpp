#include "spectrum/recurrence.hpp"

#include <algorithm>
#include <cmath>

#include "spectrum/long_vectors.hpp"
#include "spectrum/recurrence_coefficients.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

class Rows {
 public:
  Rows(const SymmetricOperator& matrix, std::size_t count, const double* starts,
       const RecurrenceOptions& options)
      : matrix_(matrix),
        n_(matrix.dimension()),
        options_(options),
        vectors_(n_, options.workers),
        current_(n_, count),
        previous_(n_, count),
        product_(n_, count),
        results_(count) {
    for (std::size_t r = 0; r < count; ++r) {
      std::copy_n(starts + r * n_, n_, current_[r]);
      const double square = vectors_.dot(current_[r], current_[r]);
      rows_.push_back({r, RecurrenceCoefficients(n_, std::sqrt(square)), {}});
      if (options.reorthogonalise) rows_.back().basis = VectorBlock(n_, options.steps);
    }
  }

  std::vector<Recurrence> run() {
    for (std::size_t step = 0; step < options_.steps && !rows_.empty(); ++step) {
      const double* const products =
          matrix_.apply(rows_.size(), current_[0], current_.stride(), product_[0]);
      // What comes back from an operator that was interrupted is no product.
      if (interrupted()) return std::move(results_);
      // From the last, as a row that ends leaves its place to the one behind.
      for (std::size_t r = rows_.size(); r-- > 0;) {
        if (!advance(r, step, products + r * product_.stride())) close(r);
      }
      std::swap(current_, previous_);
    }
    for (const Row& row : rows_) results_[row.result].status = Status::max_steps;
    return std::move(results_);
  }

 private:
  struct Row {
    std::size_t result;
    RecurrenceCoefficients coefficients;
    VectorBlock basis;
  };

  // One step; the next vector takes the place of the previous one. False at the end.
  bool advance(std::size_t r, std::size_t step, const double* product) {
    Row& row = rows_[r];
    const double* const current = current_[r];
    double* const next = previous_[r];
    if (options_.reorthogonalise) {
      std::copy_n(current, n_, row.basis[step]);
      vectors_.scale(row.coefficients.unit(), row.basis[step]);
    }
    if (step == 0 && RecurrenceCoefficients::out_of_range(vectors_.dot(product, product))) {
      double largest = 0.0;
      for (std::size_t i = 0; i < n_; ++i) largest = std::max(largest, std::fabs(product[i]));
      row.coefficients.scale_by_largest(largest);
    }
    const auto factors = row.coefficients.factors(vectors_.dot(product, current));
    double square = vectors_.three_term(factors.product, product, factors.current, current,
                                        factors.previous, step == 0 ? nullptr : next, next);
    if (options_.reorthogonalise) square = orthogonalised(row, step + 1, next);
    return row.coefficients.add(square, results_[row.result]);
  }

  double orthogonalised(Row& row, std::size_t rows, double* vector) {
    std::vector<double> overlaps(rows);
    for (int pass = 0; pass < 2; ++pass) {
      vectors_.gram(rows, row.basis[0], row.basis.stride(), 1, vector, 0, overlaps.data());
      for (double& overlap : overlaps) overlap = -overlap;
      vectors_.add(rows, row.basis[0], row.basis.stride(), 1, overlaps.data(), vector, 0);
    }
    return vectors_.dot(vector, vector);
  }

  // The row at the end takes the place of one that has ended.
  void close(std::size_t r) {
    const std::size_t last = rows_.size() - 1;
    if (r != last) {
      std::copy_n(current_[last], n_, current_[r]);
      std::copy_n(previous_[last], n_, previous_[r]);
      rows_[r] = std::move(rows_[last]);
    }
    rows_.pop_back();
  }

  const SymmetricOperator& matrix_;
  std::size_t n_;
  RecurrenceOptions options_;
  LongVectors vectors_;
  VectorBlock current_, previous_, product_;
  std::vector<Row> rows_;
  std::vector<Recurrence> results_;
};

}  // namespace

std::vector<Recurrence> lanczos_recurrences(const SymmetricOperator& matrix, std::size_t count,
                                            const double* starts,
                                            const RecurrenceOptions& options) {
  return Rows(matrix, count, starts, options).run();
}

}  // namespace talweg
