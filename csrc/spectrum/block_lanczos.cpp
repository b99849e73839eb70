#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "spectrum/dense_eigen.hpp"
#include "spectrum/krylov.hpp"
#include "spectrum/lapack_hook.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// From this size on the projected matrix is worth LAPACK's first call.
constexpr std::size_t worth_lapack = 100;

class BlockRun {
 public:
  BlockRun(const LongVectors& passes, ScaledOperator& matrix, const Wanted& wanted,
           BlockSizes sizes, std::size_t max_steps, std::uint64_t seed)
      : passes_(passes),
        matrix_(matrix),
        wanted_(wanted),
        sizes_(sizes),
        max_steps_(max_steps),
        seed_(seed),
        basis_(passes.size(), sizes.basis + sizes.block),
        order_(sizes.basis),
        projected_(order_ * order_, 0.0) {}

  KrylovOutcome go(std::size_t count, const VectorBlock& start, const StepCallback& callback);

 private:
  double& projected(std::size_t i, std::size_t j) { return projected_[i * order_ + j]; }
  bool multiply();
  void orthogonalise_next();
  void add_random();
  bool decompose();
  bool converged();
  void restart();
  std::size_t kept(std::size_t wanted, std::size_t share) const;

  const LongVectors& passes_;
  ScaledOperator& matrix_;
  const Wanted wanted_;
  const BlockSizes sizes_;
  const std::size_t max_steps_;
  std::uint64_t seed_;

  // Vectors whose products have been made, `filled_` of them, then the next block: orthonormal to
  // all before once orthogonalise_next has run.
  VectorBlock basis_;
  std::size_t order_, filled_ = 0, current_ = 0, next_ = 0;
  std::vector<double> projected_;         // the operator within the basis
  std::vector<double> squares_;           // Gram matrix of what is left of the last products
  std::vector<double> values_, vectors_;  // of the projected matrix, vectors in columns
  double norm_ = 0.0, worst_ = 0.0;
};

// Products of the next block, and what of them is orthogonal to the basis.
bool BlockRun::multiply() {
  const std::size_t first = filled_, count = next_, stride = basis_.stride();
  double* const products = basis_[first + count];
  const double* const own = matrix_.apply(count, basis_[first], stride, products);
  if (own != products) std::copy_n(own, passes_.size(), products);
  filled_ += count;
  current_ = count;
  std::vector<double> along(filled_ * count), again(filled_ * count);
  squares_.resize(count * count);
  passes_.gram(filled_, basis_[0], stride, count, products, stride, along.data());
  for (const double c : along) {
    if (!std::isfinite(c)) return false;
  }
  passes_.subtract(filled_, basis_[0], stride, count, along.data(), products, stride, again.data(),
                   squares_.data());
  for (std::size_t i = 0; i < filled_; ++i) {
    for (std::size_t j = 0; j < count; ++j) {
      projected(i, first + j) = projected(first + j, i) = along[i * count + j];
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      projected(first + i, first + j) = projected(first + j, first + i) =
          0.5 * (along[(first + i) * count + j] + along[(first + j) * count + i]);
    }
  }
  passes_.subtract(filled_, basis_[0], stride, count, again.data(), products, stride, again.data(),
                   squares_.data());
  return true;
}

void BlockRun::orthogonalise_next() {
  const std::size_t stride = basis_.stride();
  double* const block = basis_[filled_];
  std::size_t count = current_;
  next_ = 0;
  if (filled_ == passes_.size()) return;
  double longest = 0.0;
  for (std::size_t j = 0; j < count; ++j)
    longest = std::max(longest, std::sqrt(squares_[j * count + j]));
  if (longest > 0.0)
    count = orthonormalise(passes_, count, block, stride, squares_.data(), 20.0 * epsilon * norm_);
  else
    count = 0;
  if (count > 0) {
    // Division by a small length has raised what rounding left along the basis.
    std::vector<double> along(filled_ * count), squares(count * count);
    passes_.gram(filled_, basis_[0], stride, count, block, stride, along.data());
    passes_.subtract(filled_, basis_[0], stride, count, along.data(), block, stride, along.data(),
                     squares.data());
    count = orthonormalise(passes_, count, block, stride, squares.data(), 0.5);
  }
  next_ = std::min(count, passes_.size() - filled_);
  if (next_ == 0) add_random();
}

// A new direction where the Krylov space has come to its end.
void BlockRun::add_random() {
  const std::size_t stride = basis_.stride();
  double* const vector = basis_[filled_];
  std::vector<double> along(std::max<std::size_t>(1, filled_));
  double square = 0.0;
  passes_.random(++seed_, vector);
  for (int pass = 0; pass < 4; ++pass) {
    passes_.gram(filled_, basis_[0], stride, 1, vector, stride, along.data());
    passes_.subtract(filled_, basis_[0], stride, 1, along.data(), vector, stride, along.data(),
                     &square);
    if (!(square > 0.0)) return;
    passes_.scale(1.0 / std::sqrt(square), vector);
  }
  next_ = 1;
}

bool BlockRun::decompose() {
  std::vector<double> copy(filled_ * filled_);
  for (std::size_t i = 0; i < filled_; ++i)
    std::copy_n(&projected(i, 0), filled_, copy.data() + i * filled_);
  values_.resize(filled_);
  vectors_.resize(filled_ * filled_);
  const Status status = dense_eigen(filled_ >= worth_lapack ? lapack() : nullptr, filled_,
                                    copy.data(), 0, filled_, values_.data(), vectors_.data());
  norm_ = std::max(std::fabs(values_.front()), std::fabs(values_.back()));
  return status == Status::converged;
}

bool BlockRun::converged() {
  worst_ = 0.0;
  if (filled_ < std::min(wanted_.total(), passes_.size())) {
    worst_ = norm_;
    return false;
  }
  const auto look = [&](std::size_t index) {
    double square = 0.0;
    const double* const last = vectors_.data() + (filled_ - current_) * filled_ + index;
    for (std::size_t i = 0; i < current_; ++i) {
      for (std::size_t j = 0; j < current_; ++j)
        square += last[i * filled_] * squares_[i * current_ + j] * last[j * filled_];
    }
    worst_ = std::max(worst_, std::sqrt(std::max(0.0, square)));
  };
  for (std::size_t i = 0; i < wanted_.low; ++i) look(i);
  for (std::size_t i = 0; i < wanted_.high; ++i) look(filled_ - 1 - i);
  // The estimates are a little optimistic where they are near rounding.
  return worst_ <= 0.9 * wanted_.tolerance * norm_;
}

// Vectors kept of one end at a restart: the more, the less is lost; the fewer, the more room.
std::size_t BlockRun::kept(std::size_t wanted, std::size_t share) const {
  if (wanted == 0) return 0;
  return std::max(wanted + (wanted + 1) / 2, share);
}

void BlockRun::restart() {
  const std::size_t ends = (wanted_.low > 0) + (wanted_.high > 0);
  const std::size_t share = filled_ * 2 / 5 / ends;
  std::size_t low = kept(wanted_.low, share), high = kept(wanted_.high, share);
  const std::size_t most = std::max(wanted_.total(), order_ - std::min(order_, 2 * sizes_.block));
  while (low + high > std::min(most, filled_)) {
    if (low >= high)
      --low;
    else
      --high;
  }
  const std::size_t count = low + high;
  std::vector<double> rotation(filled_ * count), values(count);
  for (std::size_t c = 0; c < count; ++c) {
    const std::size_t from = c < low ? c : filled_ - count + c;
    values[c] = values_[from];
    for (std::size_t i = 0; i < filled_; ++i)
      rotation[i * count + c] = vectors_[i * filled_ + from];
  }
  passes_.rotate(filled_, count, rotation.data(), basis_[0], basis_.stride());
  for (std::size_t j = 0; j < next_; ++j)
    std::copy_n(basis_[filled_ + j], passes_.size(), basis_[count + j]);
  std::fill(projected_.begin(), projected_.end(), 0.0);
  for (std::size_t c = 0; c < count; ++c) projected(c, c) = values[c];
  filled_ = count;
}

KrylovOutcome BlockRun::go(std::size_t count, const VectorBlock& start,
                           const StepCallback& callback) {
  KrylovOutcome outcome;
  const std::size_t stride = basis_.stride();
  next_ = std::min(sizes_.block, count);
  for (std::size_t j = 0; j < next_; ++j) std::copy_n(start[j], passes_.size(), basis_[j]);
  for (int pass = 0; pass < 2 && next_ > 0; ++pass) {
    squares_.resize(next_ * next_);
    passes_.gram(next_, basis_[0], stride, next_, basis_[0], stride, squares_.data());
    next_ = orthonormalise(passes_, next_, basis_[0], stride, squares_.data(), 0.0);
  }
  if (next_ == 0) add_random();
  std::size_t next_look = 1;
  double last_worst = 0.0;
  std::size_t last_look = 0;
  for (std::size_t step = 1;; ++step) {
    outcome.steps = step;
    const bool finite_products = multiply();
    const bool stopped = interrupted();
    if (!finite_products) {
      outcome.status = stopped ? Status::interrupted : Status::non_finite;
      // A callback that an interrupt ended has no products either.
      filled_ -= current_;
      current_ = 0;
      if (!stopped || filled_ == 0 || !decompose()) return outcome;
      worst_ = norm_;
      break;
    }
    const bool whole = filled_ == passes_.size();
    const bool full = filled_ + 2 * current_ > order_;
    if (step >= next_look || full || whole || stopped || step >= max_steps_) {
      const bool finite = decompose();
      const bool done = whole || converged();
      const bool asked_to_stop =
          !stopped && !done && callback && callback(step, norm_ > 0.0 ? worst_ / norm_ : 0.0);
      if (!finite || done || stopped || asked_to_stop || step >= max_steps_) {
        if (!finite)
          outcome.status = Status::non_finite;
        else if (stopped || asked_to_stop)
          outcome.status = Status::interrupted;
        else if (done)
          outcome.status = Status::converged;
        break;
      }
      // As in the run without reorthogonalisation: look when it may be done.
      std::size_t ahead = 1 + step / 8;
      const double aim = wanted_.tolerance * norm_;
      if (last_look > 0 && worst_ < last_worst && worst_ > aim) {
        const double rate = std::log(last_worst / worst_) / static_cast<double>(step - last_look);
        const double needed = 0.7 * std::log(worst_ / aim) / rate;
        if (needed < static_cast<double>(ahead)) ahead = std::max<std::size_t>(1, needed);
      }
      last_look = step;
      last_worst = worst_;
      next_look = step + ahead;
    }
    orthogonalise_next();
    if (full) restart();
  }
  outcome.norm = norm_;
  // All that is wanted, or as much as there is.
  const std::size_t low = std::min(wanted_.low, filled_);
  const std::size_t high = std::min(wanted_.high, filled_ - low);
  const std::size_t found = low + high;
  VectorBlock vectors(passes_.size(), std::max<std::size_t>(1, found));
  std::vector<double> rotation(filled_ * found);
  for (std::size_t c = 0; c < found; ++c) {
    const std::size_t from = c < low ? c : filled_ - found + c;
    outcome.pairs.values.push_back(values_[from]);
    outcome.pairs.residuals.push_back(worst_);
    std::fill(vectors[c], vectors[c] + passes_.size(), 0.0);
    for (std::size_t i = 0; i < filled_; ++i)
      rotation[i * found + c] = vectors_[i * filled_ + from];
  }
  if (found > 0)
    passes_.add(filled_, basis_[0], stride, found, rotation.data(), vectors[0], vectors.stride());
  outcome.pairs.count = found;
  outcome.pairs.vectors = std::move(vectors);
  return outcome;
}

}  // namespace

KrylovOutcome block_lanczos(const LongVectors& passes, ScaledOperator& matrix, const Wanted& wanted,
                            std::size_t count, const VectorBlock& start, BlockSizes sizes,
                            std::size_t max_steps, std::uint64_t seed,
                            const StepCallback& callback) {
  return BlockRun(passes, matrix, wanted, sizes, max_steps, seed).go(count, start, callback);
}

}  // namespace talweg
