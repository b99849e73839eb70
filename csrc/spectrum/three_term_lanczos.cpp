#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "spectrum/krylov.hpp"
#include "spectrum/tridiagonal.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double accepted_probability = 1e-6;

// Eigenvalues of the tridiagonal matrix closer than this, relative to the norm, are taken for
// copies of one. What is wrongly taken so is found by the search for further copies.
constexpr double copy_distance = 1e-9;

// Rounding the Lanczos vectors to single precision changes residuals by 6e-8 of the norm at most.
constexpr double coarse_tolerance = 5e-7;
constexpr std::size_t worth_narrowing = 100000;

struct RitzVector {
  double value, residual;
  std::vector<double> weights;  // of the Lanczos vectors
};

class Run {
 public:
  Run(const LongVectors& passes, ScaledOperator& matrix, const Wanted& wanted, std::size_t memory,
      std::size_t max_steps, const Deflation& deflation)
      : passes_(passes),
        matrix_(matrix),
        wanted_(wanted),
        deflation_(deflation),
        max_steps_(max_steps),
        single_(wanted.tolerance >= coarse_tolerance && passes.size() >= worth_narrowing),
        kept_(kept_vectors(passes.size(), single_ ? 4 : 8, memory, max_steps)),
        stored_(passes.size(), single_ ? 0 : kept_),
        singles_(passes.size(), single_ ? kept_ : 0),
        recent_(passes.size(), 2),
        checkpoint_(passes.size(), single_ ? 2 : 0),
        product_(passes.size(), 1) {}

  KrylovOutcome go(double* start, const StepCallback& callback);

 private:
  static std::size_t kept_vectors(std::size_t n, std::size_t bytes, std::size_t memory,
                                  std::size_t steps) {
    return std::max<std::size_t>(3, std::min(steps + 1, memory / (bytes * n + 64)));
  }

  // Lanczos vector j, not normalised: its length is length_[j].
  double* vector(std::size_t j) {
    if (single_) return recent_[j % 2];
    return j < kept_ ? stored_[j] : recent_[(j - kept_) % 2];
  }
  Tridiagonal tridiagonal(std::size_t m) const {
    return {{diagonal_.data(), m}, {length_.data() + 1, m - 1}};
  }

  const double* multiplied(const double* vector);
  bool search(std::size_t m);
  bool search_end(const Tridiagonal& t, std::size_t count, bool high);
  bool search_zero(const Tridiagonal& t);
  bool nothing_missed(const Tridiagonal& t);
  RitzVector ritz_vector(const Tridiagonal& t, std::size_t index) const;
  std::size_t next_search(std::size_t m);
  double advance(std::size_t j, const double* product, double d);
  VectorBlock combine(std::size_t m);
  KrylovOutcome ended(Status status, std::size_t m, KrylovOutcome outcome);

  const LongVectors& passes_;
  ScaledOperator& matrix_;
  Wanted wanted_;
  const Deflation& deflation_;
  std::size_t max_steps_;
  // The first vectors are kept for the eigenvectors, to which they need not be exact: in single
  // precision where that does. The recurrence then goes on from the last two of them as they were.
  const bool single_;
  const std::size_t kept_;
  VectorBlock stored_;
  SingleBlock singles_;
  VectorBlock recent_, checkpoint_, product_;
  std::vector<double> diagonal_, length_;  // length_[j + 1] is beside diagonal_[j]

  std::vector<RitzVector> found_;  // those looked at in the last search, wanted ones first
  double norm_ = 0.0, worst_ = 0.0, missed_ = 1.0;
  bool gather_ = false;  // also pairs that have not converged
  std::size_t last_search_ = 0;
  double last_worst_ = 0.0;
};

const double* Run::multiplied(const double* vector) {
  const double* product = matrix_.apply(1, vector, product_.stride(), product_[0]);
  if (deflation_.pairs == nullptr) return product;
  const RitzPairs& pairs = *deflation_.pairs;
  if (product != product_[0]) std::copy_n(product, passes_.size(), product_[0]);
  const std::size_t stride = pairs.vectors.stride();
  std::vector<double> along(pairs.count), leaked(pairs.count);
  passes_.gram(pairs.count, pairs.vectors[0], stride, 1, product_[0], 0, along.data());
  passes_.gram(pairs.count, pairs.vectors[0], stride, 1, vector, 0, leaked.data());
  for (std::size_t i = 0; i < pairs.count; ++i) along[i] = deflation_.moved * leaked[i] - along[i];
  passes_.add(pairs.count, pairs.vectors[0], stride, 1, along.data(), product_[0], 0);
  return product_[0];
}

RitzVector Run::ritz_vector(const Tridiagonal& t, std::size_t index) const {
  RitzVector ritz{eigenvalue(t, index), 0.0, std::vector<double>(t.size())};
  eigenvector(t, ritz.value, ritz.weights.data());
  ritz.residual = length_[t.size()] * std::fabs(ritz.weights.back());
  return ritz;
}

bool Run::search_end(const Tridiagonal& t, std::size_t count, bool high) {
  double before = 0.0;
  std::size_t distinct = 0;
  for (std::size_t i = 0; i < t.size() && distinct < count; ++i) {
    const std::size_t index = high ? t.size() - 1 - i : i;
    if (distinct > 0) {
      const double value = eigenvalue(t, index);
      if (std::fabs(value - before) <= copy_distance * norm_) continue;
    }
    found_.push_back(ritz_vector(t, index));
    before = found_.back().value;
    ++distinct;
    worst_ = std::max(worst_, found_.back().residual);
    if (!gather_ && found_.back().residual > wanted_.tolerance * norm_) return false;
  }
  return distinct == count;
}

bool Run::search_zero(const Tridiagonal& t) {
  const std::size_t m = t.size();
  std::size_t above = count_below(t, 0.0), below = above;
  std::vector<double> accepted;
  std::size_t distinct = 0;
  const double none = std::numeric_limits<double>::infinity();
  double next_below = below > 0 ? eigenvalue(t, below - 1) : -none;
  double next_above = above < m ? eigenvalue(t, above) : none;
  while (distinct < wanted_.zero && (next_below != -none || next_above != none)) {
    const bool up = next_above < -next_below;
    const double value = up ? next_above : next_below;
    const std::size_t index = up ? above++ : --below;
    if (up) {
      next_above = above < m ? eigenvalue(t, above) : none;
    } else {
      next_below = below > 0 ? eigenvalue(t, below - 1) : -none;
    }
    bool copy = false;
    for (const double other : accepted) {
      copy = copy || std::fabs(value - other) <= copy_distance * norm_;
    }
    if (copy) continue;
    found_.push_back(ritz_vector(t, index));
    accepted.push_back(value);
    ++distinct;
    worst_ = std::max(worst_, found_.back().residual);
    if (!gather_ && found_.back().residual > wanted_.tolerance * norm_) return false;
  }
  return distinct == wanted_.zero;
}

// In the orthogonal complement of what was found.
bool Run::nothing_missed(const Tridiagonal& t) {
  const double lowest = eigenvalue(t, 0), highest = eigenvalue(t, t.size() - 1);
  const double width = highest - lowest, slack = wanted_.tolerance * norm_;
  const auto n = static_cast<double>(passes_.size());
  const double steps = 2.0 * static_cast<double>(t.size()) - 1.0;
  missed_ = 0.0;
  bool converged = true;
  const auto look = [&](double distance, bool high) {
    const double share = width > 0.0 ? std::clamp(distance / width, 0.0, 1.0) : 1.0;
    missed_ = std::max(missed_,
                       std::min(1.0, 1.648 * std::sqrt(n) * std::exp(-std::sqrt(share) * steps)));
    const RitzVector ritz = ritz_vector(t, high ? t.size() - 1 : 0);
    converged = converged && ritz.residual <= std::max(slack, 0.0);
    if (distance < 0.0) {
      (high ? wanted_.high : wanted_.low) = 1;
      found_.push_back(ritz);
    }
  };
  if (deflation_.low) look(lowest - (deflation_.below - slack), false);
  if (deflation_.high) look(deflation_.above + slack - highest, true);
  if (!found_.empty()) return converged;
  return missed_ <= accepted_probability || converged;
}

bool Run::search(std::size_t m) {
  const Tridiagonal t = tridiagonal(m);
  found_.clear();
  worst_ = 0.0;
  norm_ = std::max({deflation_.norm, std::fabs(eigenvalue(t, 0)), std::fabs(eigenvalue(t, m - 1))});
  if (deflation_.low || deflation_.high) return nothing_missed(t);
  bool done = true;
  if (wanted_.low > 0) done = search_end(t, wanted_.low, false) && done;
  if (wanted_.high > 0) done = search_end(t, wanted_.high, true) && done;
  if (wanted_.zero > 0) done = search_zero(t) && done;
  return done;
}

// Residuals fall geometrically in the end, so the step at which they will be small enough can be
// foreseen; until then each search may cost a tenth of the steps since the last one.
std::size_t Run::next_search(std::size_t m) {
  std::size_t ahead = std::max<std::size_t>(4, m / 8);
  const double aim = wanted_.tolerance * norm_;
  if (last_search_ > 0 && worst_ < last_worst_ && worst_ > aim) {
    const double rate = std::log(last_worst_ / worst_) / static_cast<double>(m - last_search_);
    const double needed = 0.7 * std::log(worst_ / aim) / rate;
    if (needed < static_cast<double>(ahead)) ahead = std::max<std::size_t>(2, needed);
  }
  last_search_ = m;
  last_worst_ = worst_;
  return m + ahead;
}

// Vector j + 1, from the product with vector j; returns the square of its length.
double Run::advance(std::size_t j, const double* product, double d) {
  const double p = 1.0 / length_[j], c = -d / length_[j];
  const double q = j == 0 ? 0.0 : -length_[j] / length_[j - 1];
  const double* const previous = j == 0 ? nullptr : vector(j - 1);
  if (!single_ || j + 1 >= kept_)
    return passes_.three_term(p, product, c, vector(j), q, previous, vector(j + 1));
  const double square =
      passes_.three_term(p, product, c, vector(j), q, previous, vector(j + 1), singles_[j + 1]);
  if (j + 2 == kept_) {
    for (std::size_t i = 0; i < 2; ++i) std::copy_n(vector(j + i), passes_.size(), checkpoint_[i]);
  }
  return square;
}

VectorBlock Run::combine(std::size_t m) {
  const std::size_t columns = found_.size();
  VectorBlock sums(passes_.size(), std::max<std::size_t>(1, columns));
  for (std::size_t c = 0; c < columns; ++c) std::fill(sums[c], sums[c] + passes_.size(), 0.0);
  std::vector<double> weights(m * columns);
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t c = 0; c < columns; ++c)
      weights[j * columns + c] = found_[c].weights[j] / length_[j];
  }
  const std::size_t kept = std::min(m, kept_);
  if (single_) {
    passes_.add(kept, singles_[0], singles_.stride(), columns, weights.data(), sums[0],
                sums.stride());
    for (std::size_t i = 0; i < 2 && m > kept; ++i)
      std::copy_n(checkpoint_[i], passes_.size(), vector(kept - 2 + i));
  } else {
    passes_.add(kept, stored_[0], stored_.stride(), columns, weights.data(), sums[0],
                sums.stride());
  }
  for (std::size_t j = kept - 1; j + 1 < m; ++j) {
    const double* const product = multiplied(vector(j));
    passes_.three_term_and_add(1.0 / length_[j], product, -diagonal_[j] / length_[j], vector(j),
                               j == 0 ? 0.0 : -length_[j] / length_[j - 1],
                               j == 0 ? nullptr : vector(j - 1), vector(j + 1), columns,
                               weights.data() + (j + 1) * columns, sums);
  }
  return sums;
}

// After an interrupt, what the vectors at hand give without another product.
KrylovOutcome Run::ended(Status status, std::size_t m, KrylovOutcome outcome) {
  outcome.status = status;
  if (status == Status::interrupted) m = std::min(m, kept_);
  if (m == 0) return outcome;
  if (status != Status::converged) {
    gather_ = true;
    search(m);
  }
  outcome.norm = norm_;
  outcome.missed_probability = missed_;
  outcome.pairs.count = found_.size();
  outcome.pairs.vectors = combine(m);
  for (const RitzVector& ritz : found_) {
    outcome.pairs.values.push_back(ritz.value);
    outcome.pairs.residuals.push_back(ritz.residual);
  }
  return outcome;
}

KrylovOutcome Run::go(double* start, const StepCallback& callback) {
  KrylovOutcome outcome;
  const double length = std::sqrt(passes_.dot(start, start));
  // Lanczos vector 0 is stored normalised, so that its length is 1 as far as lengths go.
  passes_.three_term(0.0, start, 1.0 / length, start, 0.0, nullptr, vector(0));
  length_.push_back(1.0);
  if (single_) passes_.three_term(0.0, start, 1.0, vector(0), 0.0, nullptr, start, singles_[0]);
  std::size_t next = std::min<std::size_t>(2, passes_.size());
  for (std::size_t j = 0;; ++j) {
    const std::size_t m = j + 1;
    const double* const product = multiplied(vector(j));
    const double d = passes_.dot(product, vector(j)) / (length_[j] * length_[j]);
    const double square = advance(j, product, d);
    outcome.steps = m;
    const bool stopped = interrupted();
    if (!std::isfinite(d) || !std::isfinite(square)) {
      // A callback that an interrupt ended has no product either.
      if (stopped) return ended(Status::interrupted, j, std::move(outcome));
      outcome.status = Status::non_finite;
      return outcome;
    }
    diagonal_.push_back(d);
    length_.push_back(std::sqrt(square));
    // The Krylov space is invariant: its Ritz pairs are eigenpairs.
    const bool exhausted = length_[m] <= 10.0 * epsilon * bound(tridiagonal(m));
    if (m < next && !exhausted && !stopped && m < max_steps_) continue;
    if (stopped) return ended(Status::interrupted, m, std::move(outcome));
    const bool done = search(m);
    if (!done && !exhausted && callback && callback(m, norm_ > 0.0 ? worst_ / norm_ : 0.0))
      return ended(Status::interrupted, m, std::move(outcome));
    if (exhausted) missed_ = 0.0;
    if (done || exhausted) return ended(Status::converged, m, std::move(outcome));
    if (m >= max_steps_) return ended(Status::not_converged, m, std::move(outcome));
    next = next_search(m);
  }
}

}  // namespace

KrylovOutcome three_term_lanczos(const LongVectors& passes, ScaledOperator& matrix,
                                 const Wanted& wanted, double* start, std::size_t memory,
                                 std::size_t max_steps, const Deflation& deflation,
                                 const StepCallback& callback) {
  return Run(passes, matrix, wanted, memory, max_steps, deflation).go(start, callback);
}

}  // namespace talweg
