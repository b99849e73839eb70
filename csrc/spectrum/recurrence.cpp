#include "spectrum/recurrence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "spectrum/long_vectors.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

// Couplings this small against the largest are rounding. Cutting one off changes the quadrature by
// no more.
constexpr double negligible = 1e-14;

// Squares of numbers beyond these do not fit.
constexpr double small_square = 1e-200, large_square = 1e200;

class Lanes {
 public:
  Lanes(const SymmetricOperator& matrix, std::size_t count, const double* starts,
        const RecurrenceOptions& options)
      : matrix_(matrix),
        n_(matrix.dimension()),
        options_(options),
        vectors_(n_, options.workers),
        current_(n_, count),
        previous_(n_, count),
        product_(n_, count),
        lanes_(count),
        results_(count) {
    for (std::size_t l = 0; l < count; ++l) {
      std::copy_n(starts + l * n_, n_, current_[l]);
      lanes_[l].result = l;
      lanes_[l].length = std::sqrt(vectors_.dot(current_[l], current_[l]));
      results_[l].diagonal.reserve(options.steps);
      results_[l].beside.reserve(options.steps);
      if (options.reorthogonalise) lanes_[l].basis = VectorBlock(n_, options.steps);
    }
  }

  std::vector<Recurrence> run() {
    for (std::size_t step = 0; step < options_.steps && !lanes_.empty(); ++step) {
      if (interrupted()) return std::move(results_);
      const double* const products =
          matrix_.apply(lanes_.size(), current_[0], current_.stride(), product_[0]);
      // Once more, as what comes back from an interrupted operator is no product.
      if (interrupted()) return std::move(results_);
      // From the last, as a lane that ends leaves its place to the one behind.
      for (std::size_t l = lanes_.size(); l-- > 0;) {
        if (!advance(l, step, products + l * product_.stride())) close(l);
      }
      std::swap(current_, previous_);
    }
    for (const Lane& lane : lanes_) results_[lane.result].status = Status::max_steps;
    return std::move(results_);
  }

 private:
  struct Lane {
    std::size_t result = 0;
    double length = 0.0;    // of the current vector, whose direction is what counts
    double earlier = 0.0;   // of the one before
    double exponent = 1.0;  // power of two that products are multiplied by
    double largest = 0.0;   // coefficient so far, times that
    VectorBlock basis;
  };

  // One step of a lane; the next vector takes the place of the previous one. False at its end.
  bool advance(std::size_t l, std::size_t step, const double* product) {
    Lane& lane = lanes_[l];
    Recurrence& result = results_[lane.result];
    const double* const current = current_[l];
    double* const next = previous_[l];
    const double unit = 1.0 / lane.length;
    if (options_.reorthogonalise) {
      std::copy_n(current, n_, lane.basis[step]);
      vectors_.scale(unit, lane.basis[step]);
    }
    if (step == 0) choose_scale(lane, product);
    const double scale = lane.exponent;
    const double alpha = vectors_.dot(product, current) * unit * scale * unit;
    // H u - alpha u - beta u_before with unit vectors, in terms of the ones that are stored.
    double square = vectors_.three_term(unit * scale, product, -alpha * unit, current,
                                        step == 0 ? 0.0 : -lane.length / lane.earlier,
                                        step == 0 ? nullptr : next, next);
    if (options_.reorthogonalise) square = orthogonalised(lane, step + 1, next);
    double beta = std::sqrt(square);
    if (!std::isfinite(alpha) || !std::isfinite(beta)) {
      result.status = Status::non_finite;
      return false;
    }
    lane.largest = std::max({lane.largest, std::fabs(alpha), beta});
    if (beta <= negligible * lane.largest || step + 1 == n_) beta = 0.0;
    result.diagonal.push_back(alpha / scale);
    result.beside.push_back(beta / scale);
    if (beta == 0.0) {
      result.status = Status::converged;
      return false;
    }
    lane.earlier = lane.length;
    lane.length = beta;
    return true;
  }

  void choose_scale(Lane& lane, const double* product) {
    const double square = vectors_.dot(product, product);
    if (square > small_square && square < large_square) return;
    double largest = 0.0;
    for (std::size_t i = 0; i < n_; ++i) largest = std::max(largest, std::fabs(product[i]));
    if (largest > 0.0 && std::isfinite(largest)) {
      // Not to where the power itself or its inverse would leave the range.
      lane.exponent = std::exp2(std::clamp(-std::ilogb(largest), -1000, 1000));
    }
  }

  double orthogonalised(Lane& lane, std::size_t rows, double* vector) {
    std::vector<double> overlaps(rows);
    for (int pass = 0; pass < 2; ++pass) {
      vectors_.gram(rows, lane.basis[0], lane.basis.stride(), 1, vector, 0, overlaps.data());
      for (double& overlap : overlaps) overlap = -overlap;
      vectors_.add(rows, lane.basis[0], lane.basis.stride(), 1, overlaps.data(), vector, 0);
    }
    return vectors_.dot(vector, vector);
  }

  // The lane at the end takes the place of one that has ended.
  void close(std::size_t l) {
    const std::size_t last = lanes_.size() - 1;
    if (l != last) {
      std::copy_n(current_[last], n_, current_[l]);
      std::copy_n(previous_[last], n_, previous_[l]);
      lanes_[l] = std::move(lanes_[last]);
    }
    lanes_.pop_back();
  }

  const SymmetricOperator& matrix_;
  std::size_t n_;
  RecurrenceOptions options_;
  LongVectors vectors_;
  VectorBlock current_, previous_, product_;
  std::vector<Lane> lanes_;
  std::vector<Recurrence> results_;
};

}  // namespace

std::vector<Recurrence> lanczos_recurrences(const SymmetricOperator& matrix, std::size_t count,
                                            const double* starts,
                                            const RecurrenceOptions& options) {
  return Lanes(matrix, count, starts, options).run();
}

}  // namespace talweg
