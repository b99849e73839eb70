#include "spectrum/packed_factorisation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "objective/block_rows.hpp"
#include "simd/instruction_set.hpp"
#include "simd/lane_factorisation.hpp"
#include "simd/spectrum.hpp"
#include "spectrum/lapack_hook.hpp"
#include "spectrum/pivoted_factorisation.hpp"

namespace talweg {
namespace {

// Relative to |H|: far above the rounding of a factorisation with pivoting, and n eps.
constexpr double certain_shift = 0x1p-30;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

const LaneFactorisationKernels& kernels() {
  static const LaneFactorisationKernels& table = lane_factorisation_kernels(active_isa());
  return table;
}

// Asking for a table may take long and an interpreter's lock: small matrices must not.
const LapackTable* table_for(std::size_t n) {
  return n < pivoting_worth_lapack ? nullptr : lapack();
}

// Divides by a power of two, whose exponent is returned, that leaves the largest modulus in [1, 2).
// Nothing happens to zeros and to numbers that are not all finite.
int scale_to_one(std::size_t count, double* numbers) {
  double largest = 0.0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(numbers[i]));
  if (!(largest > 0.0) || !std::isfinite(largest)) return 0;
  const int exponent = std::ilogb(largest);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = std::scalbn(numbers[i], -exponent);
  return exponent;
}

Inertia inertia_of(std::size_t n, const double* values) {
  const double largest = std::max(std::fabs(values[0]), std::fabs(values[n - 1]));
  const double bound = static_cast<double>(n) * std::numeric_limits<double>::epsilon() * largest;
  Inertia result;
  for (std::size_t j = 0; j < n; ++j)
    ++(values[j] < -bound ? result.negative : (values[j] > bound ? result.positive : result.zero));
  return result;
}

}  // namespace

std::size_t padded_lanes(std::size_t lanes) {
  const std::size_t width = kernels().vector_lanes;
  return (lanes + width - 1) / width * width;
}

bool PackedFactorisation::determinants(const PackedMatrices& matrices, double offset, double factor,
                                       double* log_modulus, double* sign, Status* statuses) {
  const std::size_t n = matrices.n, lanes = matrices.lanes;
  std::fill_n(statuses, lanes, Status::converged);
  if (n == 0) {
    std::fill_n(log_modulus, lanes, 0.0);
    std::fill_n(sign, lanes, 1.0);
    return true;
  }
  if (n <= batch_eigen_limit) {
    const std::size_t width = kernels().vector_lanes, whole = lanes - lanes % width;
    // Outputs of the last lanes come behind the kernel's own part, which is aligned.
    const std::size_t own = kernels().factorisation_scratch(n);
    double* const room = memory_.reserve(own + 2 * width);
    kernels().determinant(n, matrices.entries, matrices.stride, whole, offset, factor, log_modulus,
                          sign, room);
    if (whole < lanes) {
      double* const last = room + own;
      kernels().determinant(n, matrices.entries + whole, matrices.stride, width, offset, factor,
                            last, last + width, room);
      std::copy_n(last, lanes - whole, log_modulus + whole);
      std::copy_n(last + width, lanes - whole, sign + whole);
    }
  } else {
    std::fill_n(sign, lanes, nan);
  }
  // Without a jump, so that it takes vectors.
  unsigned left = 0;
  for (std::size_t l = 0; l < lanes; ++l) left |= sign[l] != sign[l];
  bool fine = true;
  if (left) [[unlikely]]
    for (std::size_t l = 0; l < lanes; ++l)
      if (std::isnan(sign[l])) {
        determinant_with_pivoting(matrices, l, offset, factor, log_modulus[l], sign[l],
                                  statuses[l]);
        fine = fine && succeeded(statuses[l]);
      }
  return fine;
}

void PackedFactorisation::determinant_with_pivoting(const PackedMatrices& matrices,
                                                    std::size_t lane, double offset, double factor,
                                                    double& log_modulus, double& sign,
                                                    Status& status) {
  const std::size_t n = matrices.n;
  double* const full = memory_.reserve(n * n + 2 * n);
  bool finite = true;
  for (std::size_t i = 0, row = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j, ++row) {
      double entry = factor * matrices.entries[row * matrices.stride + lane];
      if (i == j) entry += offset;
      finite = finite && std::isfinite(entry);
      full[i * n + j] = full[j * n + i] = entry;
    }
  if (!finite) {
    log_modulus = sign = nan;
    status = Status::non_finite;
    return;
  }
  const int exponent = scale_to_one(n * n, full);
  const PivotReading reading = pivoted_factor(n, full, full + n * n, table_for(n));
  sign = reading.sign;
  log_modulus = reading.log_modulus + static_cast<double>(n) * exponent * 0.69314718055994531;
}

bool PackedFactorisation::inertia(const PackedMatrices& matrices, Inertia* inertia,
                                  Status* statuses) {
  const std::size_t n = matrices.n, lanes = matrices.lanes, padded = padded_lanes(lanes);
  std::fill_n(statuses, lanes, Status::converged);
  if (n == 0) {
    std::fill_n(inertia, lanes, Inertia{});
    return true;
  }
  left_.clear();
  if (n <= batch_eigen_limit) {
    counts_.resize(std::max(counts_.size(), padded));
    kernels().negative_eigenvalues(n, matrices.entries, matrices.stride, padded, counts_.data(),
                                   memory_.reserve(kernels().factorisation_scratch(n)));
    for (std::size_t l = 0; l < lanes; ++l) {
      const int negative = static_cast<int>(counts_[l]);
      inertia[l] = {negative, 0, static_cast<int>(n) - negative};
      if (negative < 0) [[unlikely]]
        left_.push_back(l);
    }
  } else {
    for (std::size_t l = 0; l < lanes; ++l)
      if (!certain_by_pivoting(matrices, l, inertia[l])) left_.push_back(l);
  }
  if (left_.empty()) return true;
  inertia_by_eigenvalues(matrices, inertia, statuses);
  return std::all_of(statuses, statuses + lanes, succeeded);
}

// As many negative eigenvalues of H + shift as of H - shift: none is near zero.
bool PackedFactorisation::certain_by_pivoting(const PackedMatrices& matrices, std::size_t lane,
                                              Inertia& inertia) {
  const std::size_t n = matrices.n;
  double* const full = memory_.reserve(2 * n * n + 2 * n);
  double* const factors = full + n * n;
  for (std::size_t i = 0, row = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j, ++row)
      full[i * n + j] = full[j * n + i] = matrices.entries[row * matrices.stride + lane];
  scale_to_one(n * n, full);
  double squares = 0.0;
  for (std::size_t i = 0; i < n * n; ++i) squares += full[i] * full[i];
  if (!(squares > 0.0) || !std::isfinite(squares)) return false;
  const double shift = certain_shift * std::sqrt(squares);
  const auto negative_of = [&](double by) {
    std::copy_n(full, n * n, factors);
    for (std::size_t i = 0; i < n; ++i) factors[i * n + i] += by;
    return pivoted_factor(n, factors, factors + n * n, table_for(n)).negative;
  };
  const std::size_t negative = negative_of(shift);
  inertia = {static_cast<int>(negative), 0, static_cast<int>(n - negative)};
  return negative == negative_of(-shift);
}

void PackedFactorisation::inertia_by_eigenvalues(const PackedMatrices& matrices, Inertia* inertia,
                                                 Status* statuses) {
  const std::size_t n = matrices.n, count = left_.size();
  full_.resize(count * n * n);
  values_.resize(count * n);
  statuses_.resize(count);
  for (std::size_t k = 0; k < count; ++k) {
    double* const full = full_.data() + k * n * n;
    for (std::size_t i = 0, row = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j, ++row)
        full[i * n + j] = full[j * n + i] = matrices.entries[row * matrices.stride + left_[k]];
    // Of about 1, so that eigenvalues near zero are not subnormal.
    scale_to_one(n * n, full);
  }
  BatchOptions options;
  options.symmetry = Symmetry::lower;
  options.workers = 1;
  eigh_batch(count, n, full_.data(), values_.data(), nullptr, statuses_.data(), options);
  for (std::size_t k = 0; k < count; ++k) {
    const Status status = statuses[left_[k]] = statuses_[k];
    inertia[left_[k]] =
        succeeded(status) ? inertia_of(n, values_.data() + k * n) : Inertia{-1, -1, -1};
  }
}

}  // namespace talweg
