// Extreme eigenpairs of a symmetric operator that is known by its products with vectors only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "talweg/objective.hpp"
#include "talweg/status.hpp"

namespace talweg {

// A symmetric operator on R^n.
class SymmetricOperator {
 public:
  virtual ~SymmetricOperator() = default;

  // n, at least 1.
  virtual std::size_t dimension() const noexcept = 0;

  // The products with `count` vectors, one after the other at `stride` doubles. Returns where they
  // are, at the same stride: in `products`, or for one vector in memory of the operator's own that
  // keeps them until the next call.
  virtual const double* apply(std::size_t count, const double* vectors, std::size_t stride,
                              double* products) const = 0;

  // How many vectors it is best given at once: 1 unless products of several share work.
  virtual std::size_t preferred_block() const noexcept { return 1; }

  // The whole matrix (n x n), where that is to be had for less than n products; false if not.
  virtual bool form(double* matrix) const {
    static_cast<void>(matrix);
    return false;
  }

  // The same to single precision, errors being some roundings of its norm; false if that is not to
  // be had, or for this matrix is not so.
  virtual bool form_single(float* matrix) const {
    static_cast<void>(matrix);
    return false;
  }
  // Whether form_single is meant to be used as it takes less time than form.
  virtual bool forms_single() const noexcept { return false; }

  // Whether it is symmetric by construction; otherwise that is tried with random vectors.
  virtual bool known_symmetric() const noexcept { return false; }
};

// The Hessian of an objective at a point. Both must outlive it.
class HessianOperator final : public SymmetricOperator {
 public:
  // x: n. With `gradient` (n) given, the first product brings the gradient from the same pass.
  // block: 8 or so where every product is a pass over much data, which several vectors share.
  HessianOperator(const Objective& objective, const double* x, double* gradient = nullptr,
                  std::size_t block = 1);

  std::size_t dimension() const noexcept override { return n_; }
  const double* apply(std::size_t count, const double* vectors, std::size_t stride,
                      double* products) const override;
  bool form(double* matrix) const override;
  std::size_t preferred_block() const noexcept override { return block_; }
  bool known_symmetric() const noexcept override { return true; }

 private:
  const Objective& objective_;
  std::size_t n_;
  const double* x_;
  mutable double* gradient_;
  std::size_t block_;
  mutable std::size_t lanes_ = 1;
  mutable std::vector<double> points_, rows_, gradients_;
};

enum class SpectrumEnd {
  smallest,
  largest,
  both,          // count from each end
  nearest_zero,  // smallest in modulus
};

enum class LanczosMethod {
  automatic,
  dense,       // all n products, and a decomposition of the matrix
  refined,     // a decomposition in single precision, and products that correct its pairs; dense
               // where that fails. One end of the spectrum; needs LAPACK
  three_term,  // one vector, no reorthogonalisation, vectors by a second pass where memory ends
  block,       // several vectors, full reorthogonalisation, thick restarts; not for nearest_zero
};

// Looking in the complement of what was found for further copies of repeated eigenvalues, which a
// Krylov space from fewer vectors than copies cannot hold, and for other ones that were missed.
enum class CopyCheck {
  automatic,  // where fewer vectors than `count` > 1 were started from and no `start` was given
  never,
  always,
};

struct LanczosProgress {
  std::size_t steps;
  std::size_t products;
  double residual;  // estimate for the worst of the wanted pairs, relative to the norm
};

struct LanczosOptions {
  std::size_t count = 1;  // eigenpairs from each wanted end, at most n altogether
  SpectrumEnd which = SpectrumEnd::smallest;
  LanczosMethod method = LanczosMethod::automatic;
  double tolerance = 1e-8;                    // residual over the largest Ritz value in modulus
  std::size_t max_steps = 0;                  // 0: 300 + 10 n, at most 100000
  std::size_t block = 0;                      // vectors at once of the block method; 0: chosen
  std::size_t basis = 0;                      // vectors kept between restarts; 0: chosen
  std::size_t memory = std::size_t{1} << 30;  // bytes for vectors
  const double* start = nullptr;              // start_count vectors of n, one after the other
  std::size_t start_count = 0;
  std::uint64_t seed = 0;   // of random vectors
  std::size_t workers = 0;  // threads for passes over vectors, 0: one for each processor
  CopyCheck check = CopyCheck::automatic;
  // Called now and then; true stops the run with Status::interrupted.
  std::function<bool(const LanczosProgress&)> progress{};

  // Throws std::invalid_argument.
  void validate(std::size_t n) const;
};

struct EigenPairs {
  std::vector<double> values;     // k, ascending
  std::vector<double> vectors;    // k unit vectors of n, one after the other, signs fixed
  std::vector<double> residuals;  // |H v - lambda v|, from products made at the end
  // Bounds of |lambda - an eigenvalue|: the residual, or its square over the distance to the rest
  // of the spectrum where the Ritz values tell that.
  std::vector<double> errors;
  double norm = 0.0;         // largest Ritz value in modulus: a lower bound of |H|
  std::size_t products = 0;  // vectors multiplied
  std::size_t steps = 0;     // of the iteration
  // Bound of the probability that an eigenvalue beyond the ones found was missed, where copies were
  // looked for. Source: Kuczynski and Wozniakowski, SIAM J. Matrix Anal. Appl. 13, 1094 (1992).
  double missed_probability = std::numeric_limits<double>::quiet_NaN();
  LanczosMethod method = LanczosMethod::automatic;  // the one that was used
  // converged, not_converged (what there is is kept), non_finite, not_symmetric, interrupted
  Status status = Status::not_converged;
};

// Sources: Paige, J. Inst. Maths Applics 10, 373 (1972) for recurrences without
// reorthogonalisation; Cullum and Willoughby, Lanczos Algorithms (1985) for their spurious
// eigenvalues; Wu and Simon, SIAM J. Matrix Anal. Appl. 22, 602 (2000) for thick restarts.
// Exceptions of the operator leave as they are.
EigenPairs extreme_eigenpairs(const SymmetricOperator& matrix, const LanczosOptions& options = {});

}  // namespace talweg
