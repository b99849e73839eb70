// Phase retrieval: a signal w* on the sphere |w|^2 = N from the squares y_i = |x_i.w*|^2 / N.
//
// The data may be large: it is read where it is and never copied, in double or single precision;
// all sums are in double precision. Every quantity takes one reading of the data, which as many
// points or directions share as come together: gradients of several points, or the Hessian's
// products with several vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "talweg/lanczos.hpp"
#include "talweg/objective.hpp"
#include "talweg/status.hpp"

namespace talweg {

// M observations of N coordinates. With complex data the coordinates are (Re w, Im w), n = 2 N of
// them, and a row holds (Re x_i, -Im x_i), so that lambda_i = x_i.w / sqrt N has the real part
// row.(Re w, Im w) / sqrt N; else n = N.
struct PhaseRetrieval {
  std::size_t rows = 0;                // M
  std::size_t columns = 0;             // n
  const double* data = nullptr;        // (M, n) by rows, or
  const float* single_data = nullptr;  // the same in single precision; must outlive what is made
  std::vector<double> intensities;     // y: M, none negative
  double a = 1.0;                      // positive; infinite for the plain loss
  bool complex = false;                // n even
  std::size_t workers = 1;  // threads of one reading, 0: one for each available processor
};

// L(w) = (1/M) sum_i l(lambda_i, y_i), lambda_i = x_i.w / sqrt N,
//
//     l = (|lambda|^2 - y)^2 / (2 (a + y)),   for infinite a (|lambda|^2 - y)^2 / 2, that is times
//     a
//
// with Euclidean derivatives: grad L = X^T l' / (M sqrt N), and N times the Hessian is
// D = (1/M) sum l''_i x_i x_i^T. A point gets the same bits alone and in any block, for any number
// of threads. Source: Bonnaire, Biroli, Cammarota, arXiv 2403.02418.
class PhaseRetrievalObjective final : public Objective {
 public:
  // Throws std::invalid_argument that names the member at fault. The numbers of the data are not
  // looked at.
  explicit PhaseRetrievalObjective(PhaseRetrieval description);

  std::size_t dimension() const noexcept override { return description_.columns; }
  // N, the square of the sphere's radius.
  std::size_t signal_dimension() const noexcept {
    return description_.complex ? description_.columns / 2 : description_.columns;
  }
  const PhaseRetrieval& description() const noexcept { return description_; }
  // 2 / (a + y), or 2 for infinite a: M.
  const std::vector<double>& weights() const noexcept { return weights_; }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override;

  // lambda_i at `count` points (rows of n): count x M, for complex data count x M x 2.
  void project(std::size_t count, const double* points, double* lambda) const;

  // Of the points (rows of n), where the arrays are not null: the losses and w.grad L (count), and
  // grad L (count x n).
  void losses(std::size_t count, const double* points, double* loss, double* curvature,
              double* gradient) const;

  // The Hessian at each of the points times its vector: count x n.
  void hessian_products(std::size_t count, const double* points, const double* vectors,
                        double* products) const;

  // |x_i|^2: M. Computed when first asked for.
  const std::vector<double>& row_squares() const;

 private:
  PhaseRetrieval description_;
  std::vector<double> weights_;
  mutable std::once_flag squares_made_;
  mutable std::vector<double> squares_;
};

// N times the Riemannian Hessian at a point w of the sphere, P (D - mu I) P with P = I - w w^T / N
// and mu = (1/M) sum l'_i lambda_i = w.grad L; plus `shift` along w itself, by default the mean of
// its other eigenvalues, so that w is an eigenvector away from the ends of the spectrum. The
// objective must outlive it.
class SphereHessian final : public SymmetricOperator {
 public:
  // w: n, |w|^2 = N up to rounding. Reads the data once.
  SphereHessian(const PhaseRetrievalObjective& objective, const double* w);

  std::size_t dimension() const noexcept override { return n_; }
  const double* apply(std::size_t count, const double* vectors, std::size_t stride,
                      double* products) const override;
  bool form(double* matrix) const override;
  bool form_single(float* matrix) const override;
  bool forms_single() const noexcept override { return !objective_.description().complex; }
  std::size_t preferred_block() const noexcept override { return 8; }
  bool known_symmetric() const noexcept override { return true; }

  double loss() const noexcept { return loss_; }
  double curvature() const noexcept { return curvature_; }  // mu
  double shift() const noexcept { return shift_; }
  const std::vector<double>& gradient() const noexcept { return gradient_; }  // Euclidean, n
  const std::vector<double>& lambda() const noexcept { return lambda_; }      // M, or M x 2

 private:
  template <class Number>
  bool form_in(Number* matrix) const;
  bool cancels(const float* matrix) const;

  const PhaseRetrievalObjective& objective_;
  std::size_t n_;
  std::vector<double> unit_, lambda_, gradient_;
  double loss_ = 0.0, curvature_ = 0.0, shift_ = 0.0;
};

struct SphereDescentOptions {
  double step = 0.0;  // eta, positive
  std::size_t steps = 0;
  std::size_t record_every = 0;    // 0: the last state only
  const double* signal = nullptr;  // n, for overlaps
};

struct SphereDescentRecords {
  std::vector<std::uint64_t> steps;              // of the records
  std::vector<double> loss, curvature, overlap;  // records x count; overlap NaN without a signal
  std::uint64_t steps_done = 0;
  Status status = Status::max_steps;  // or interrupted
};

// w <- w - eta N grad L, rescaled to |w|^2 = N, that is w - eta (sqrt N / M) X^T l', for `count`
// points (rows of n) that share every reading of the data; points holds the last states. Records
// are made at steps 0, record_every, ... and the last one. A point that overflows becomes NaN and
// disturbs no other. What a point does is independent of the others to the last bit.
// Throws std::invalid_argument for senseless options.
SphereDescentRecords sphere_descent(const PhaseRetrievalObjective& objective, std::size_t count,
                                    double* points, const SphereDescentOptions& options);

}  // namespace talweg
