#include "spectrum/dense_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "objective/transposition.hpp"
#include "spectrum/selected_pairs.hpp"
#include "spectrum/symmetric_eigen.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Workspace lengths of LAPACK are 32-bit, and divide and conquer wants 2 n^2.
constexpr std::size_t conquerable = 32000;

// Where more than n over these numbers are wanted, all of them are faster: vectors by divide and
// conquer, values by the QL variant that has no square roots.
constexpr std::size_t few_vectors = 4, few_values = 24;

enum class Outcome { done, failed };

bool has_conquest(const LapackTable* table, std::size_t n) {
  return table != nullptr && table->dsyevd != nullptr && n <= conquerable;
}

bool has_reduction(const LapackTable* table) {
  return table != nullptr && table->dsytrd != nullptr && table->dstemr != nullptr &&
         table->dormtr != nullptr && table->dgemm != nullptr;
}

// Exponent of the power of two that brings the largest entry near 1, 0 where it need not be.
int needed_scaling(std::size_t n, const double* matrix, bool& finite) {
  double largest = 0.0, sum = 0.0;
  for (std::size_t i = 0; i < n * n; ++i) {
    largest = std::max(largest, std::fabs(matrix[i]));
    sum += matrix[i] * 0.0;
  }
  finite = sum == 0.0;
  if (!finite || largest == 0.0 || (largest > 1e-100 && largest < 1e100)) return 0;
  return -std::ilogb(largest);
}

// What orthogonal transformations keep. Entries whose squares are subnormal make reflectors that
// are not orthogonal, where a library's dnrm2 does not scale: these numbers show it, at no cost.
struct Invariants {
  double trace = 0.0;
  double squares = 0.0;

  bool kept_by(const Invariants& other, std::size_t n) const {
    const double tolerance = 8.0 * static_cast<double>(n) * epsilon;
    return std::fabs(other.squares - squares) <= tolerance * squares &&
           std::fabs(other.trace - trace) <=
               tolerance * std::sqrt(static_cast<double>(n) * squares);
  }
};

Invariants invariants_of(std::size_t n, const double* matrix) {
  Invariants result;
  for (std::size_t i = 0; i < n; ++i) {
    result.trace += matrix[i * n + i];
    double row = 0.0;
    for (std::size_t j = 0; j < n; ++j) row += matrix[i * n + j] * matrix[i * n + j];
    result.squares += row;
  }
  return result;
}

Invariants invariants_of(std::size_t n, const double* diagonal, const double* off) {
  Invariants result;
  for (std::size_t i = 0; i < n; ++i) {
    result.trace += diagonal[i];
    result.squares += diagonal[i] * diagonal[i];
    if (off != nullptr && i + 1 < n) result.squares += 2.0 * off[i] * off[i];
  }
  return result;
}

// Whether `rows` (count x n) are orthonormal, as far as one combination of them with signs shows:
// for such the defect is on average that of all pairs together.
bool look_orthonormal(std::size_t n, std::size_t count, const double* rows) {
  std::vector<double> signs(count), combination(n, 0.0);
  std::uint64_t state = 1;
  for (std::size_t j = 0; j < count; ++j) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    signs[j] = state >> 63 ? 1.0 : -1.0;
    for (std::size_t k = 0; k < n; ++k) combination[k] += signs[j] * rows[j * n + k];
  }
  double squares = 0.0;
  for (std::size_t j = 0; j < count; ++j) {
    double overlap = -signs[j];
    for (std::size_t k = 0; k < n; ++k) overlap += rows[j * n + k] * combination[k];
    squares += overlap * overlap;
  }
  return std::sqrt(squares) <= 4.0 * static_cast<double>(n) * epsilon;
}

// All of them. With `wanted` vectors the columns of the decomposition become the rows of `matrix`.
Outcome conquer(const LapackTable& table, std::size_t size, double* matrix, double* values,
                bool wanted) {
  char job = wanted ? 'V' : 'N', triangle = 'L';
  int n = static_cast<int>(size), lwork = -1, liwork = -1, integer_length = 0, info = 0;
  double length = 0.0;
  table.dsyevd(&job, &triangle, &n, matrix, &n, values, &length, &lwork, &integer_length, &liwork,
               &info);
  if (info != 0) return Outcome::failed;
  const Invariants invariants = invariants_of(size, matrix);
  lwork = static_cast<int>(length);
  liwork = integer_length;
  std::vector<double> work(static_cast<std::size_t>(lwork));
  std::vector<int> integers(static_cast<std::size_t>(liwork));
  table.dsyevd(&job, &triangle, &n, matrix, &n, values, work.data(), &lwork, integers.data(),
               &liwork, &info);
  const bool done = info == 0 && invariants.kept_by(invariants_of(size, values, nullptr), size) &&
                    (!wanted || look_orthonormal(size, size, matrix));
  return done ? Outcome::done : Outcome::failed;
}

// Whether `rows` are orthonormal to rounding, after a first-order correction (Loewdin) where they
// are not. MRRR's vectors of crowded eigenvalues are not always; mixing those changes no residual.
bool made_orthonormal(const LapackTable& table, int n, int count, const double* values,
                      std::vector<double>& rows) {
  const auto k = static_cast<std::size_t>(count);
  std::vector<double> gram(k * k);
  char transposed = 'T', plain = 'N';
  double one = 1.0, zero = 0.0;
  table.dgemm(&transposed, &plain, &count, &count, &n, &one, rows.data(), &n, rows.data(), &n,
              &zero, gram.data(), &count);
  const double tolerance = n * epsilon;
  const double size = std::max(std::fabs(values[0]), std::fabs(values[k - 1]));
  double worst = 0.0, mixed = 0.0;
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      double& entry = gram[i * k + j];
      const double defect = std::fabs(entry - (i == j));
      worst = defect <= worst ? worst : defect;
      mixed = std::max(mixed, defect * std::fabs(values[i] - values[j]));
      entry = (i == j ? 1.5 : 0.0) - 0.5 * entry;
    }
  }
  if (worst <= tolerance) return true;
  if (!(worst <= 1e-7) || mixed > tolerance * size) return false;
  std::vector<double> corrected(rows.size());
  table.dgemm(&plain, &plain, &n, &count, &count, &one, rows.data(), &n, gram.data(), &count, &zero,
              corrected.data(), &n);
  rows.swap(corrected);
  return true;
}

// A few: `rows` (count x n) gets the vectors; empty where none are wanted.
Outcome reduce_and_select(const LapackTable& table, std::size_t size, double* matrix,
                          std::size_t first, std::size_t wanted, double* values,
                          std::vector<double>& rows) {
  char triangle = 'L';
  int n = static_cast<int>(size), count = static_cast<int>(wanted), info = 0;
  std::vector<double> diagonal(size), off(size), reflectors(size);

  const Invariants invariants = invariants_of(size, matrix);
  int lwork = -1;
  double length = 0.0;
  table.dsytrd(&triangle, &n, matrix, &n, diagonal.data(), off.data(), reflectors.data(), &length,
               &lwork, &info);
  lwork = static_cast<int>(length);
  std::vector<double> work(static_cast<std::size_t>(lwork));
  table.dsytrd(&triangle, &n, matrix, &n, diagonal.data(), off.data(), reflectors.data(),
               work.data(), &lwork, &info);
  if (info != 0 || !invariants.kept_by(invariants_of(size, diagonal.data(), off.data()), size)) {
    return Outcome::failed;
  }

  if (!selected_pairs(table, diagonal, off, first, wanted, values, rows)) return Outcome::failed;
  if (rows.empty()) return Outcome::done;
  if (!made_orthonormal(table, n, count, values, rows)) return Outcome::failed;

  char side = 'L', transposition = 'N';
  lwork = -1;
  table.dormtr(&side, &triangle, &transposition, &n, &count, matrix, &n, reflectors.data(),
               rows.data(), &n, &length, &lwork, &info);
  lwork = static_cast<int>(length);
  work.resize(static_cast<std::size_t>(lwork));
  table.dormtr(&side, &triangle, &transposition, &n, &count, matrix, &n, reflectors.data(),
               rows.data(), &n, work.data(), &lwork, &info);
  return info == 0 && look_orthonormal(size, wanted, rows.data()) ? Outcome::done : Outcome::failed;
}

// Rows of eigenvectors (count x n) as columns (n x count), with signs fixed.
void place(std::size_t n, std::size_t count, double* rows, double* vectors) {
  for (std::size_t j = 0; j < count; ++j) fix_sign(n, rows + j * n, 1);
  if (rows == vectors) {
    transpose(n, rows);
  } else {
    rows_to_points(count, n, rows, n, vectors);
  }
}

Status decompose(const LapackTable* table, std::size_t n, double* matrix, std::size_t first,
                 std::size_t count, double* values, double* vectors) {
  const std::size_t few_part = vectors != nullptr ? few_vectors : few_values;
  const bool few = count < n && few_part * count <= n;
  if (few && has_reduction(table)) {
    std::vector<double> rows(vectors != nullptr ? count * n : 0);
    std::vector<double> copy(matrix, matrix + n * n);
    if (reduce_and_select(*table, n, copy.data(), first, count, values, rows) == Outcome::done) {
      if (vectors != nullptr) place(n, count, rows.data(), vectors);
      return Status::converged;
    }
  }
  std::vector<double> all(n);
  if (has_conquest(table, n)) {
    const std::vector<double> copy(matrix, matrix + n * n);
    if (conquer(*table, n, matrix, all.data(), vectors != nullptr) == Outcome::done) {
      std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(first), count, values);
      if (vectors != nullptr) place(n, count, matrix + first * n, vectors);
      return Status::converged;
    }
    std::copy(copy.begin(), copy.end(), matrix);
  }
  std::vector<double> scratch(n);
  if (!symmetric_eigen(n, matrix, all.data(), scratch.data(), vectors != nullptr)) {
    return Status::not_converged;
  }
  std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(first), count, values);
  if (vectors != nullptr && vectors != matrix) {
    for (std::size_t i = 0; i < n; ++i)
      std::copy_n(matrix + i * n + first, count, vectors + i * count);
  }
  return Status::converged;
}

}  // namespace

Status dense_eigen(const LapackTable* table, std::size_t n, double* matrix, std::size_t first,
                   std::size_t count, double* values, double* vectors) {
  if (count == 0) return Status::converged;
  bool finite = true;
  const int exponent = needed_scaling(n, matrix, finite);
  Status status = Status::non_finite;
  if (finite) {
    if (exponent != 0) {
      for (std::size_t i = 0; i < n * n; ++i) matrix[i] = std::ldexp(matrix[i], exponent);
    }
    status = decompose(table, n, matrix, first, count, values, vectors);
  }
  if (status != Status::converged) {
    std::fill_n(values, count, not_a_number);
    if (vectors != nullptr) std::fill_n(vectors, n * count, not_a_number);
  } else if (exponent != 0) {
    for (std::size_t j = 0; j < count; ++j) values[j] = std::ldexp(values[j], -exponent);
  }
  return status;
}

}  // namespace talweg
