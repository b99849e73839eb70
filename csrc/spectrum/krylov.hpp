// What the Lanczos methods share: the operator as they see it, and eigenpairs from a few vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "spectrum/long_vectors.hpp"
#include "talweg/lanczos.hpp"

namespace talweg {

// The operator times a power of two, chosen by the first product such that squares of its products
// stay within range, and the number of vectors multiplied.
class ScaledOperator {
 public:
  ScaledOperator(const SymmetricOperator& matrix, const LongVectors& passes)
      : matrix_(matrix), passes_(passes) {}

  const double* apply(std::size_t count, const double* vectors, std::size_t stride,
                      double* products);
  double scale() const noexcept { return scale_; }
  std::size_t products() const noexcept { return products_; }

 private:
  const SymmetricOperator& matrix_;
  const LongVectors& passes_;
  double scale_ = 0.0;  // 0: not known before the first product
  std::size_t products_ = 0;
};

// Approximate eigenpairs in ascending order.
struct RitzPairs {
  std::size_t count = 0;
  VectorBlock vectors;
  std::vector<double> values, residuals;
};

// How many pairs are wanted and from where, in the Krylov space of the scaled operator.
struct Wanted {
  std::size_t low = 0, high = 0, zero = 0;
  double tolerance = 0.0;
  std::size_t total() const noexcept { return low + high + zero; }
  bool one_end() const noexcept { return zero == 0 && (low == 0 || high == 0); }
};

struct KrylovOutcome {
  Status status = Status::not_converged;
  RitzPairs pairs;  // residuals are estimates
  double norm = 0.0;
  std::size_t steps = 0;
  double missed_probability = 1.0;
};

// Returns true to stop; arguments as in LanczosProgress, products left out.
using StepCallback = std::function<bool(std::size_t steps, double residual)>;

// Makes `count` vectors orthonormal in place by the decomposition of their Gram matrix `squares`
// (count x count), leaving out directions shorter than `shortest`. Returns how many are left.
// Source: Stathopoulos and Wu, SIAM J. Sci. Comput. 23, 2165 (2002).
std::size_t orthonormalise(const LongVectors& passes, std::size_t count, double* block,
                           std::size_t stride, const double* squares, double shortest);

// Eigenpairs of the operator within the span of the vectors (count of them, any length and
// independent or not), with residuals from products made here.
RitzPairs rayleigh_ritz(const LongVectors& passes, ScaledOperator& matrix, std::size_t count,
                        VectorBlock vectors);

// Pairs that a run leaves out: it stays in the complement of their vectors, where the operator
// would act on them as `moved`, a number away from all that is wanted. Where low or high is set,
// the run wants nothing but eigenvalues below `below` or above `above`. It ends when there is none
// with a probability of a millionth, or with the pairs it found.
struct Deflation {
  const RitzPairs* pairs = nullptr;
  double moved = 0.0;
  double norm = 0.0;  // of the whole operator, as far as known
  bool low = false, high = false;
  double below = 0.0, above = 0.0;
};

// Lanczos with one vector and without reorthogonalisation. `start` is overwritten.
KrylovOutcome three_term_lanczos(const LongVectors& passes, ScaledOperator& matrix,
                                 const Wanted& wanted, double* start, std::size_t memory,
                                 std::size_t max_steps, const Deflation& deflation,
                                 const StepCallback& callback);

struct BlockSizes {
  std::size_t block, basis;
};
// Lanczos with blocks, full reorthogonalisation and thick restarts. start: `count` vectors.
KrylovOutcome block_lanczos(const LongVectors& passes, ScaledOperator& matrix, const Wanted& wanted,
                            std::size_t count, const VectorBlock& start, BlockSizes sizes,
                            std::size_t max_steps, std::uint64_t seed,
                            const StepCallback& callback);

}  // namespace talweg
