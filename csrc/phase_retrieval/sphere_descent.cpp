#include <algorithm>
#include <cmath>
#include <limits>

#include "models/checks.hpp"
#include "phase_retrieval/coordinates.hpp"
#include "phase_retrieval/data_rows.hpp"
#include "phase_retrieval/loss.hpp"
#include "phase_retrieval/row_pass.hpp"
#include "talweg/interrupt.hpp"
#include "talweg/phase_retrieval.hpp"

namespace talweg {
namespace {

// Points that go together: four vectors of lanes of the widest kind.
constexpr std::size_t points_at_once = 32;

template <int parts>
class Descent {
 public:
  Descent(const PhaseRetrievalObjective& objective, std::size_t count, double* points,
          const SphereDescentOptions& options)
      : objective_(objective),
        options_(options),
        n_(objective.dimension()),
        count_(count),
        points_(points),
        N_(static_cast<double>(objective.signal_dimension())),
        pass_(rows_of(objective.description()), parts * count, parts * count, 2 * count,
              objective.description().workers) {}

  // Losses, mu and gradients at the points.
  void look() {
    const PhaseRetrieval& d = objective_.description();
    for (std::size_t k = 0; k < count_; ++k) put_point(pass_, parts == 2, k, points_ + k * n_, 1);
    const double scale = 1.0 / std::sqrt(N_);
    const std::size_t columns = parts * count_;
    pass_.run([&](const RowBlock& rows) {
      for (std::size_t r = 0; r < rows.rows; ++r) {
        const std::size_t i = rows.first + r;
        const double c = objective_.weights()[i], y = d.intensities[i];
        const double* const z = rows.z + r * rows.z_stride;
        double* const p = rows.p + r * rows.p_stride;
        double *const loss = rows.sums, *const radial = rows.sums + count_;
        for (std::size_t k = 0; k < columns; k += parts) {
          double s[2];
          for (int part = 0; part < parts; ++part) s[part] = scale * z[k + part];
          const ObservationLoss<parts> at(c, y, s);
          loss[k / parts] += at.value();
          radial[k / parts] += at.radial();
          at.first(p + k);
        }
      }
    });
  }

  void record(std::uint64_t step, SphereDescentRecords& to) const {
    const double M = static_cast<double>(objective_.description().rows);
    to.steps.push_back(step);
    for (std::size_t k = 0; k < count_; ++k) {
      to.loss.push_back(pass_.sums()[k] / M);
      to.curvature.push_back(pass_.sums()[count_ + k] / M);
      to.overlap.push_back(overlap(points_ + k * n_));
    }
  }

  void move() {
    const double M = static_cast<double>(objective_.description().rows);
    const double factor = -options_.step * std::sqrt(N_) / M;
    step_.resize(n_);
    for (std::size_t k = 0; k < count_; ++k) {
      get_point(pass_, parts == 2, k, factor, step_.data(), 1);
      double* const w = points_ + k * n_;
      double square = 0.0;
      for (std::size_t j = 0; j < n_; ++j) {
        w[j] += step_[j];
        square += w[j] * w[j];
      }
      // Beyond the range of numbers the quotient would be 0, which looks like a point.
      const double length =
          std::isfinite(square) ? std::sqrt(N_ / square) : std::numeric_limits<double>::quiet_NaN();
      for (std::size_t j = 0; j < n_; ++j) w[j] *= length;
    }
  }

 private:
  double overlap(const double* w) const {
    if (!options_.signal) return std::numeric_limits<double>::quiet_NaN();
    const double* const s = options_.signal;
    double re = 0.0, im = 0.0;
    for (std::size_t j = 0; j < n_; ++j) re += w[j] * s[j];
    if (parts == 1) return re / N_;
    const std::size_t half = n_ / 2;
    for (std::size_t j = 0; j < half; ++j) im += w[half + j] * s[j] - w[j] * s[half + j];
    return std::hypot(re, im) / N_;
  }

  const PhaseRetrievalObjective& objective_;
  const SphereDescentOptions& options_;
  std::size_t n_, count_;
  double* points_;
  double N_;
  RowPass pass_;
  std::vector<double> step_;
};

template <int parts>
SphereDescentRecords run(const PhaseRetrievalObjective& objective, std::size_t count,
                         double* points, const SphereDescentOptions& options) {
  const std::size_t n = objective.dimension();
  std::vector<Descent<parts>> groups;
  for (std::size_t first = 0; first < count; first += points_at_once)
    groups.emplace_back(objective, std::min(points_at_once, count - first), points + first * n,
                        options);
  SphereDescentRecords records;
  const std::uint64_t every = options.record_every == 0 ? options.steps : options.record_every;
  for (std::uint64_t step = 0;; ++step) {
    const bool last = step == options.steps;
    const bool recorded = last || (options.record_every != 0 && step % every == 0);
    for (Descent<parts>& group : groups) {
      group.look();
      if (recorded) group.record(step, records);
    }
    records.steps_done = step;
    if (last) break;
    if (interrupted()) {
      records.status = Status::interrupted;
      break;
    }
    for (Descent<parts>& group : groups) group.move();
  }
  // Each group has recorded the step.
  records.steps.erase(std::unique(records.steps.begin(), records.steps.end()), records.steps.end());
  return records;
}

}  // namespace

SphereDescentRecords sphere_descent(const PhaseRetrievalObjective& objective, std::size_t count,
                                    double* points, const SphereDescentOptions& options) {
  check_positive("step", options.step);
  return objective.description().complex ? run<2>(objective, count, points, options)
                                         : run<1>(objective, count, points, options);
}

}  // namespace talweg
