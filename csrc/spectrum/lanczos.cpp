#include "talweg/lanczos.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "spectrum/formed_matrix.hpp"
#include "spectrum/krylov.hpp"
#include "spectrum/lapack_hook.hpp"
#include "spectrum/refined_eigen.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Up to here all products and a decomposition cost less than an iteration; the second is for
// eigenvalues in the middle, which Lanczos finds late.
constexpr std::size_t dense_limit = 96, dense_limit_nearest_zero = 1500, dense_limit_data = 1200;
// A matrix from data to single precision is formed and decomposed in the time of n / 4 products
// with blocks of vectors. The low end of such spectra is mostly the crowded edge of a bulk, where
// Lanczos takes longer, and a few at the high end stand apart. No more memory than dense_limit_data
// takes, and only for a share of pairs whose correction costs less.
constexpr std::size_t refined_from = 300, refined_limit_data = 2000, refined_share = 20;
constexpr std::size_t most_isolated = 16;
// Matrices are formed up to this size, where a large part of all pairs is wanted.
constexpr std::size_t largest_dense = 6000;

// Full reorthogonalisation without restarts is affordable up to here.
constexpr std::size_t whole_basis = 2000;

// Products of random vectors disagree by no more than this, relative to their typical size, when
// only rounding (of single precision, at worst) breaks the symmetry.
constexpr double symmetric_enough = 1e-5;

std::size_t wanted_pairs(const LanczosOptions& options) {
  return options.which == SpectrumEnd::both ? 2 * options.count : options.count;
}

class Search {
 public:
  Search(const SymmetricOperator& matrix, const LanczosOptions& options)
      : options_(options),
        n_(matrix.dimension()),
        given_(matrix),
        passes_(n_, options.workers),
        matrix_(matrix, passes_) {
    const bool low = options.which == SpectrumEnd::smallest || options.which == SpectrumEnd::both;
    const bool high = options.which == SpectrumEnd::largest || options.which == SpectrumEnd::both;
    wanted_.low = low ? options.count : 0;
    wanted_.high = high ? options.count : 0;
    wanted_.zero = low || high ? 0 : options.count;
    wanted_.tolerance = options.tolerance;
    max_steps_ =
        options.max_steps > 0 ? options.max_steps : std::min<std::size_t>(300 + 10 * n_, 100000);
  }

  EigenPairs go();

 private:
  LanczosMethod chosen() const;
  bool refinable() const;
  void dense();
  bool refined();
  bool symmetric();
  void iterate();
  void complete();
  void polish();
  void select(RitzPairs pairs);
  void finish();
  bool certified() const;
  bool may_decompose() const;
  void decompose();
  void decompose_after_all();
  VectorBlock starts(std::size_t count);
  BlockSizes block_sizes() const;
  std::size_t three_term_steps() const;
  StepCallback callback();

  const LanczosOptions& options_;
  const std::size_t n_;
  const SymmetricOperator& given_;
  LongVectors passes_;
  ScaledOperator matrix_;
  Wanted wanted_;
  std::size_t max_steps_;
  std::uint64_t drawn_ = 0;
  double matrix_scale_ = 1.0;  // of a matrix that was formed
  bool exhausted_ = false;     // the Krylov space of the start came to its end
  LanczosMethod method_ = LanczosMethod::automatic;

  RitzPairs pairs_;                   // of the scaled operator
  std::vector<double> other_values_;  // Ritz values that are not wanted, for gaps
  EigenPairs result_;
};

LanczosMethod Search::chosen() const {
  if (options_.method != LanczosMethod::automatic) return options_.method;
  const std::size_t k = wanted_.total();
  // Forming the matrix from data takes about as long as n / 6 products with blocks of vectors.
  const bool from_data = given_.known_symmetric() && given_.preferred_block() > 1;
  if (refinable()) return LanczosMethod::refined;
  if (from_data && n_ <= dense_limit_data) return LanczosMethod::dense;
  if (n_ <= dense_limit || (5 * k >= n_ && n_ <= largest_dense)) return LanczosMethod::dense;
  if (wanted_.zero > 0) {
    return n_ <= dense_limit_nearest_zero ? LanczosMethod::dense : LanczosMethod::three_term;
  }
  const bool several = given_.preferred_block() > 1 || options_.start_count > 1;
  return several ? LanczosMethod::block : LanczosMethod::three_term;
}

// Whether a decomposition in single precision is what costs least.
bool Search::refinable() const {
  const bool isolated = wanted_.high > 0 && wanted_.high <= most_isolated;
  return given_.known_symmetric() && given_.forms_single() && wanted_.one_end() &&
         n_ >= refined_from && n_ <= (isolated ? dense_limit_data : refined_limit_data) &&
         refined_share * wanted_.total() <= n_ && 12 * n_ * n_ <= options_.memory &&
         can_refine(lapack());
}

StepCallback Search::callback() {
  if (!options_.progress) return {};
  return [this](std::size_t steps, double residual) {
    return options_.progress({result_.steps + steps, matrix_.products(), residual});
  };
}

// Random vectors differ between the uses within one search.
VectorBlock Search::starts(std::size_t count) {
  VectorBlock vectors(n_, count);
  for (std::size_t j = 0; j < count; ++j) {
    if (j < options_.start_count) {
      std::copy_n(options_.start + j * n_, n_, vectors[j]);
    } else {
      passes_.random(options_.seed * 1000003 + ++drawn_, vectors[j]);
    }
  }
  return vectors;
}

BlockSizes Search::block_sizes() const {
  const std::size_t k = wanted_.total();
  std::size_t block = options_.block;
  if (block == 0) {
    // Near the solution vectors besides the wanted ones cost more than they bring.
    const std::size_t enough =
        options_.start_count >= k ? options_.start_count : std::min<std::size_t>(k + k / 4, 32);
    block = std::max(given_.preferred_block(), enough);
  }
  // Few blocks to a basis would make each restart lose nearly everything.
  block = std::clamp<std::size_t>(block, 1, std::max<std::size_t>(1, n_ / 8));
  std::size_t basis = options_.basis;
  if (basis == 0) basis = std::max<std::size_t>({60, 3 * k + 3 * block, 12 * block});
  const std::size_t affordable = options_.memory / (8 * n_ + 64);
  basis = std::min(basis, std::max(affordable, 2 * k + 3 * block));
  basis = std::clamp(basis, std::min(n_, k + 2 * block), n_);
  return {block, std::max(basis, std::min(n_, 2 * block + k))};
}

// Without reorthogonalisation a hard spectrum may take many times n steps, with it and a whole
// basis never more than n.
std::size_t Search::three_term_steps() const {
  const bool can_polish = n_ <= whole_basis && wanted_.zero == 0;
  return can_polish ? std::min(max_steps_, 2 * n_ + 40) : max_steps_;
}

bool Search::symmetric() {
  if (given_.known_symmetric() || n_ == 1) return true;
  VectorBlock vectors(n_, 2), buffer(n_, 2);
  passes_.random(options_.seed * 1000003 + ++drawn_, vectors[0]);
  passes_.random(options_.seed * 1000003 + ++drawn_, vectors[1]);
  const double* const own = matrix_.apply(1, vectors[0], vectors.stride(), buffer[0]);
  if (own != buffer[0]) std::copy_n(own, n_, buffer[0]);
  if (interrupted()) return true;
  const double* const other = matrix_.apply(1, vectors[1], vectors.stride(), buffer[1]);
  const double one = passes_.dot(vectors[1], buffer[0]), two = passes_.dot(vectors[0], other);
  const double size =
      std::sqrt(std::max(passes_.dot(buffer[0], buffer[0]), passes_.dot(other, other)));
  // Not finite: the run itself will say so.
  return !(std::fabs(one - two) > symmetric_enough * size);
}

void Search::dense() {
  FormedMatrix formed(n_);
  result_.status = formed.form(given_, matrix_, symmetric_enough);
  if (result_.status != Status::converged) return;
  matrix_scale_ = formed.scale();
  // One more than wanted, so that the gap behind the last is known.
  const std::size_t count = wanted_.one_end() ? std::min(n_, wanted_.total() + 1) : n_;
  RitzPairs all;
  result_.steps = n_;
  result_.status = formed.decompose(wanted_.high > 0 ? n_ - count : 0, count, all);
  if (result_.status != Status::converged) return;
  // Of part of the spectrum only: Gershgorin's or Frobenius' bound would be too large for a norm,
  // the largest entry of the matrix may be too small but serves.
  result_.norm = formed.largest();
  for (const double value : all.values) result_.norm = std::max(result_.norm, std::fabs(value));
  select(std::move(all));
  for (std::size_t j = 0; j < pairs_.count; ++j)
    pairs_.residuals[j] = formed.residual(pairs_.values[j], pairs_.vectors[j]);
  result_.missed_probability = 0.0;
}

// Whether it came to an end, be that an interruption.
bool Search::refined() {
  const LapackTable* const table = lapack();
  if (!wanted_.one_end() || 5 * wanted_.total() >= n_ || !can_refine(table)) return false;
  std::vector<float> single(n_ * n_);
  if (!given_.form_single(single.data())) {
    if (!given_.known_symmetric()) return false;
    std::vector<double> matrix(n_ * n_);
    if (!given_.form(matrix.data())) return false;
    std::copy(matrix.begin(), matrix.end(), single.begin());
  }
  RefinedPairs found;
  if (interrupted())
    found.status = Status::interrupted;
  else
    found = refined_eigenpairs(*table, passes_, matrix_, single, wanted_.total(), wanted_.high > 0,
                               wanted_.tolerance);
  if (found.status == Status::not_converged) return false;
  result_.steps = found.rounds;
  result_.norm = found.norm;
  if (found.status == Status::converged) result_.missed_probability = 0.0;
  result_.status = found.status;
  other_values_ = std::move(found.next);
  select(std::move(found.pairs));
  return true;
}

// Keeps the wanted pairs of those given, and the values of the others.
void Search::select(RitzPairs pairs) {
  std::vector<std::size_t> order(pairs.count);
  std::iota(order.begin(), order.end(), 0);
  std::vector<char> keep(pairs.count, 0);
  for (std::size_t i = 0; i < std::min(wanted_.low, pairs.count); ++i) keep[i] = 1;
  for (std::size_t i = 0; i < std::min(wanted_.high, pairs.count); ++i)
    keep[pairs.count - 1 - i] = 1;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::fabs(pairs.values[a]) < std::fabs(pairs.values[b]);
  });
  for (std::size_t i = 0; i < std::min(wanted_.zero, pairs.count); ++i) keep[order[i]] = 1;
  RitzPairs chosen;
  chosen.count = static_cast<std::size_t>(std::count(keep.begin(), keep.end(), 1));
  if (chosen.count < pairs.count)
    chosen.vectors = VectorBlock(n_, std::max<std::size_t>(1, chosen.count));
  std::size_t to = 0;
  for (std::size_t i = 0; i < pairs.count; ++i) {
    if (!keep[i]) {
      other_values_.push_back(pairs.values[i]);
      continue;
    }
    chosen.values.push_back(pairs.values[i]);
    chosen.residuals.push_back(pairs.residuals[i]);
    if (chosen.count < pairs.count) std::copy_n(pairs.vectors[i], n_, chosen.vectors[to]);
    ++to;
  }
  if (chosen.count == pairs.count) chosen.vectors = std::move(pairs.vectors);
  pairs_ = std::move(chosen);
}

void Search::iterate() {
  KrylovOutcome outcome;
  if (method_ == LanczosMethod::block) {
    const BlockSizes sizes = block_sizes();
    const VectorBlock start = starts(sizes.block);
    // Restarts may stagnate on a hard spectrum, where a whole basis cannot.
    const std::size_t steps =
        n_ <= whole_basis ? std::min(max_steps_, 2 * n_ / sizes.block + 40) : max_steps_;
    outcome = block_lanczos(passes_, matrix_, wanted_, sizes.block, start, sizes, steps,
                            options_.seed * 1000003 + 500000, callback());
  } else {
    VectorBlock start = starts(std::max<std::size_t>(1, options_.start_count));
    for (std::size_t j = 1; j < options_.start_count; ++j)
      passes_.three_term(1.0, start[j], 1.0, start[0], 0.0, nullptr, start[0]);
    if (!(passes_.dot(start[0], start[0]) > 0.0))
      passes_.random(options_.seed * 1000003 + ++drawn_, start[0]);
    outcome = three_term_lanczos(passes_, matrix_, wanted_, start[0], options_.memory,
                                 three_term_steps(), {}, callback());
  }
  exhausted_ = method_ == LanczosMethod::three_term && outcome.missed_probability == 0.0 &&
               outcome.steps < n_;
  result_.steps += outcome.steps;
  result_.norm = std::max(result_.norm, outcome.norm);
  result_.status = outcome.status;
  if (outcome.status == Status::interrupted) {
    select(std::move(outcome.pairs));
  } else if (outcome.status != Status::non_finite) {
    select(rayleigh_ritz(passes_, matrix_, outcome.pairs.count, std::move(outcome.pairs.vectors)));
  }
}

// Finds pairs that the Krylov space of the start cannot hold: further copies of eigenvalues.
void Search::complete() {
  const std::size_t began = method_ == LanczosMethod::block ? block_sizes().block : 1;
  // Where the Krylov space came to its end early, there are copies for certain, or the start that
  // was given lies in an invariant subspace, which may leave out anything.
  const bool unsure = options_.start_count == 0 ? began < options_.count : exhausted_;
  const bool asked = options_.check == CopyCheck::always || pairs_.count < wanted_.total() ||
                     (options_.check == CopyCheck::automatic && unsure);
  if (!asked) return;
  std::size_t rounds = 0;
  while (result_.status == Status::converged && pairs_.count < n_) {
    const bool some_missing = pairs_.count < wanted_.total();
    Deflation deflation;
    deflation.pairs = &pairs_;
    deflation.norm = result_.norm;
    Wanted rest;
    rest.tolerance = wanted_.tolerance;
    const double norm = result_.norm;
    if (wanted_.zero > 0) {
      rest.zero = 1;
      deflation.moved = norm > 0.0 ? norm : 1.0;
    } else {
      deflation.low = wanted_.low > 0;
      deflation.high = wanted_.high > 0;
      deflation.below = some_missing ? infinity : pairs_.values[wanted_.low - (wanted_.low > 0)];
      deflation.above = some_missing
                            ? -infinity
                            : pairs_.values[pairs_.count - std::max<std::size_t>(1, wanted_.high)];
      deflation.moved = 0.5 * (pairs_.values.front() + pairs_.values.back());
      if (!(deflation.low && deflation.high)) deflation.moved = deflation.low ? norm : -norm;
      if (some_missing && deflation.low && deflation.high) deflation.high = false;
    }
    VectorBlock start(n_, 1);
    passes_.random(options_.seed * 1000003 + ++drawn_, start[0]);
    std::vector<double> along(pairs_.count);
    double square = 0.0;
    for (int pass = 0; pass < 2; ++pass) {
      passes_.gram(pairs_.count, pairs_.vectors[0], pairs_.vectors.stride(), 1, start[0], 0,
                   along.data());
      passes_.subtract(pairs_.count, pairs_.vectors[0], pairs_.vectors.stride(), 1, along.data(),
                       start[0], 0, along.data(), &square);
    }
    KrylovOutcome outcome = three_term_lanczos(passes_, matrix_, rest, start[0], options_.memory,
                                               three_term_steps(), deflation, callback());
    result_.steps += outcome.steps;
    if (outcome.status != Status::converged) {
      result_.status = outcome.status;
      return;
    }
    if (outcome.pairs.count == 0) {
      result_.missed_probability = outcome.missed_probability;
      return;
    }
    if (wanted_.zero > 0 && !some_missing) {
      double furthest = 0.0;
      for (const double value : pairs_.values) furthest = std::max(furthest, std::fabs(value));
      if (std::fabs(outcome.pairs.values[0]) >= furthest - options_.tolerance * norm) return;
    }
    const std::size_t count = pairs_.count + outcome.pairs.count;
    VectorBlock vectors(n_, count);
    for (std::size_t j = 0; j < pairs_.count; ++j) std::copy_n(pairs_.vectors[j], n_, vectors[j]);
    for (std::size_t j = 0; j < outcome.pairs.count; ++j)
      std::copy_n(outcome.pairs.vectors[j], n_, vectors[pairs_.count + j]);
    const std::size_t before = pairs_.count;
    if (++rounds > 2 * wanted_.total() + 10) {
      result_.status = Status::not_converged;
      return;
    }
    other_values_.clear();
    select(rayleigh_ritz(passes_, matrix_, count, std::move(vectors)));
    // Nothing but what was there already.
    if (some_missing && pairs_.count <= before) {
      result_.status = Status::not_converged;
      return;
    }
  }
}

bool Search::certified() const {
  if (pairs_.count < wanted_.total()) return false;
  for (const double residual : pairs_.residuals) {
    if (!(residual <= options_.tolerance * result_.norm)) return false;
  }
  return true;
}

// A residual from a product may exceed its estimate after a long run. What has been found then
// starts a run with full reorthogonalisation.
void Search::polish() {
  const bool stopped_early = result_.status == Status::not_converged && result_.steps < max_steps_;
  if (result_.status != Status::converged && !stopped_early) return;
  if (!certified() && wanted_.zero == 0 && pairs_.count > 0) {
    const std::size_t count = pairs_.count;
    BlockSizes sizes = block_sizes();
    sizes.block = std::min(std::max(sizes.block, count), n_);
    sizes.basis = std::min(n_, std::max(sizes.basis, n_ <= whole_basis ? n_ : 8 * sizes.block));
    KrylovOutcome outcome = block_lanczos(passes_, matrix_, wanted_, count, pairs_.vectors, sizes,
                                          max_steps_, options_.seed * 1000003 + 700000, callback());
    result_.steps += outcome.steps;
    result_.norm = std::max(result_.norm, outcome.norm);
    if (outcome.status == Status::non_finite || outcome.status == Status::interrupted) {
      result_.status = outcome.status;
      return;
    }
    select(rayleigh_ritz(passes_, matrix_, outcome.pairs.count, std::move(outcome.pairs.vectors)));
  }
  result_.status = certified() ? Status::converged : Status::not_converged;
}

// Where the user left both the method and the number of steps open and the matrix fits.
bool Search::may_decompose() const {
  return options_.method == LanczosMethod::automatic && options_.max_steps == 0 &&
         n_ <= whole_basis && 32 * n_ * n_ <= options_.memory && matrix_.scale() == 1.0;
}

void Search::decompose() {
  if (method_ == LanczosMethod::refined && refined()) return;
  method_ = LanczosMethod::dense;
  dense();
}

void Search::decompose_after_all() {
  const std::size_t steps = result_.steps;
  pairs_ = {};
  other_values_.clear();
  method_ = LanczosMethod::dense;
  dense();
  result_.steps += steps;
}

void Search::finish() {
  result_.products = matrix_.products();
  result_.method = method_;
  const double factor = 1.0 / matrix_scale_ / (matrix_.scale() > 0.0 ? matrix_.scale() : 1.0);
  for (std::size_t j = 0; j < pairs_.count; ++j)
    result_.norm = std::max(result_.norm, std::fabs(pairs_.values[j]));
  for (std::size_t j = 0; j < pairs_.count; ++j) {
    const double value = pairs_.values[j], residual = pairs_.residuals[j];
    double gap = infinity;
    for (std::size_t i = 0; i < pairs_.count; ++i) {
      if (i != j) gap = std::min(gap, std::fabs(pairs_.values[i] - value) - pairs_.residuals[i]);
    }
    for (const double other : other_values_) gap = std::min(gap, std::fabs(other - value));
    const bool gap_known = !other_values_.empty() || pairs_.count == n_;
    double error = residual;
    if (gap_known && gap > residual) error = std::min(error, residual * residual / gap);
    result_.values.push_back(value * factor);
    result_.residuals.push_back(residual * factor);
    result_.errors.push_back(error * factor);
    fix_sign(n_, pairs_.vectors[j], 1);
    result_.vectors.insert(result_.vectors.end(), pairs_.vectors[j], pairs_.vectors[j] + n_);
  }
  result_.norm *= factor;
}

EigenPairs Search::go() {
  method_ = chosen();
  if (method_ == LanczosMethod::refined || method_ == LanczosMethod::dense) {
    decompose();
  } else if (!symmetric()) {
    result_.status = Status::not_symmetric;
  } else {
    iterate();
    complete();
    polish();
    if (result_.status == Status::converged && !certified()) result_.status = Status::not_converged;
    if (result_.status == Status::not_converged && may_decompose()) decompose_after_all();
  }
  finish();
  return std::move(result_);
}

}  // namespace

void LanczosOptions::validate(std::size_t n) const {
  const std::size_t wanted = wanted_pairs(*this);
  if (count == 0 || wanted > n) {
    throw std::invalid_argument("count: want 1 to " +
                                std::to_string(which == SpectrumEnd::both ? n / 2 : n) + ", got " +
                                std::to_string(count));
  }
  if (!(tolerance > 0.0 && tolerance < 1.0)) {
    throw std::invalid_argument("tolerance: want a number between 0 and 1, got " +
                                std::to_string(tolerance));
  }
  if (method == LanczosMethod::block && which == SpectrumEnd::nearest_zero) {
    throw std::invalid_argument(
        "method: the block method finds ends of the spectrum only, not what is nearest to zero");
  }
}

EigenPairs extreme_eigenpairs(const SymmetricOperator& matrix, const LanczosOptions& options) {
  options.validate(matrix.dimension());
  return Search(matrix, options).go();
}

}  // namespace talweg
