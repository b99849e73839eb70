#include "spectrum/refined_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "spectrum/selected_pairs.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "spectrum/tridiagonal.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Products of entries stay within the range of single precision.
constexpr double least_entry = 1e-12, largest_entry = 1e12;

// Errors of a matrix and its decomposition in single precision, relative to its norm: some tens of
// roundings. What is not so good shows in the residuals.
constexpr double assumed_error = 2e-6;

// Pairs besides the wanted ones that may lie close to them, and corrections of each pair.
constexpr std::size_t most_neighbours = 8, most_rounds = 6;

// Q T Q' in single precision.
class Reduction {
 public:
  Reduction(const LapackTable& table, std::size_t n, std::vector<float>& matrix)
      : table_(table), n_(static_cast<int>(n)), matrix_(matrix), reflectors_(n) {}

  bool reduce(std::vector<double>& diagonal, std::vector<double>& beside) {
    char triangle = 'L';
    int lwork = -1, info = 0;
    float length = 0.0f;
    std::vector<float> d(reflectors_.size()), e(reflectors_.size());
    table_.ssytrd(&triangle, &n_, matrix_.data(), &n_, d.data(), e.data(), reflectors_.data(),
                  &length, &lwork, &info);
    reserve(length, lwork);
    table_.ssytrd(&triangle, &n_, matrix_.data(), &n_, d.data(), e.data(), reflectors_.data(),
                  work_.data(), &lwork, &info);
    diagonal.assign(d.begin(), d.end());
    beside.assign(e.begin(), e.end());
    beside.back() = 0.0;
    return info == 0;
  }

  // columns = Q columns, or Q' columns; `count` of them, stride numbers apart.
  bool turn(bool transposed, std::size_t count, double* columns, std::size_t stride) {
    const auto n = static_cast<std::size_t>(n_);
    std::vector<float> single(n * count);
    for (std::size_t j = 0; j < count; ++j)
      for (std::size_t i = 0; i < n; ++i)
        single[j * n + i] = static_cast<float>(columns[j * stride + i]);
    char side = 'L', triangle = 'L', way = transposed ? 'T' : 'N';
    int m = static_cast<int>(count), lwork = -1, info = 0;
    float length = 0.0f;
    table_.sormtr(&side, &triangle, &way, &n_, &m, matrix_.data(), &n_, reflectors_.data(),
                  single.data(), &n_, &length, &lwork, &info);
    reserve(length, lwork);
    table_.sormtr(&side, &triangle, &way, &n_, &m, matrix_.data(), &n_, reflectors_.data(),
                  single.data(), &n_, work_.data(), &lwork, &info);
    for (std::size_t j = 0; j < count; ++j)
      for (std::size_t i = 0; i < n; ++i) columns[j * stride + i] = single[j * n + i];
    return info == 0;
  }

 private:
  void reserve(float length, int& lwork) {
    lwork = std::max(static_cast<int>(length), 1);
    work_.resize(static_cast<std::size_t>(lwork));
  }

  const LapackTable& table_;
  int n_;
  std::vector<float>& matrix_;
  std::vector<float> reflectors_, work_;
};

struct TridiagonalPairs {
  std::vector<double> values, vectors;  // count, and as many rows of n
};

// x = (T - shift)^-1 x, by elimination with partial pivoting; vanishing pivots count as `least`.
void solve_shifted(const std::vector<double>& diagonal, const std::vector<double>& beside,
                   double shift, double least, double* x) {
  const std::size_t n = diagonal.size();
  // Rows of the triangle: the pivot and the two entries after it.
  std::vector<double> pivot(n), first(n, 0.0), second(n, 0.0);
  double here = diagonal[0] - shift, right = beside[0];
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const double below = beside[i], next = diagonal[i + 1] - shift,
                 after = i + 2 < n ? beside[i + 1] : 0.0;
    if (std::fabs(below) > std::fabs(here)) {
      const double factor = here / below;
      pivot[i] = below;
      first[i] = next;
      second[i] = after;
      std::swap(x[i], x[i + 1]);
      x[i + 1] -= factor * x[i];
      here = right - factor * next;
      right = -factor * after;
    } else {
      if (std::fabs(here) < least) here = std::copysign(least, here);
      const double factor = below / here;
      pivot[i] = here;
      first[i] = right;
      x[i + 1] -= factor * x[i];
      here = next - factor * right;
      right = after;
    }
  }
  pivot[n - 1] = std::fabs(here) < least ? std::copysign(least, here) : here;
  for (std::size_t i = n; i-- > 0;) {
    double sum = x[i];
    if (i + 1 < n) sum -= first[i] * x[i + 1];
    if (i + 2 < n) sum -= second[i] * x[i + 2];
    x[i] = sum / pivot[i];
  }
}

// Whether the products of entries stay within range, which infinity and NaN do not.
bool within_range(const std::vector<float>& entries) {
  double largest = 0.0, sum = 0.0;
  for (const float entry : entries) {
    largest = std::max<double>(largest, std::fabs(entry));
    sum += 0.0 * static_cast<double>(entry);
  }
  return sum == 0.0 && largest > least_entry && largest < largest_entry;
}

class Refinement {
 public:
  Refinement(const LapackTable& table, const LongVectors& passes, ScaledOperator& matrix,
             std::vector<float>& single)
      : passes_(passes),
        matrix_(matrix),
        n_(passes.size()),
        table_(table),
        reduction_(table, n_, single) {}

  RefinedPairs go(std::size_t wanted, bool high, double tolerance);

 private:
  bool begin(std::size_t wanted, bool high);
  void append(std::size_t count);
  void project(bool high);
  bool correct(double enough);
  void remove_known(double* x) const;

  const LongVectors& passes_;
  ScaledOperator& matrix_;
  const std::size_t n_;
  const LapackTable& table_;
  Reduction reduction_;

  std::vector<double> diagonal_, beside_;
  TridiagonalPairs known_;  // of T, those that are refined
  double norm_ = 0.0;
  std::size_t kept_ = 0, columns_ = 0;
  VectorBlock space_, images_, vectors_, residuals_;  // an orthonormal basis and its products
  RefinedPairs result_;
};

bool Refinement::begin(std::size_t wanted, bool high) {
  if (!reduction_.reduce(diagonal_, beside_)) return false;
  for (std::size_t i = 0; i < n_; ++i)
    norm_ = std::max(norm_, std::fabs(diagonal_[i]) + std::fabs(beside_[i]) +
                                (i > 0 ? std::fabs(beside_[i - 1]) : 0.0));
  const std::size_t count = std::min(n_, wanted + most_neighbours + 1);
  known_.values.resize(count);
  known_.vectors.resize(count * n_);
  std::vector<double> diagonal = diagonal_, beside = beside_;
  if (!selected_pairs(table_, diagonal, beside, high ? n_ - count : 0, count, known_.values.data(),
                      known_.vectors))
    return false;
  const auto value = [&](std::size_t i) { return known_.values[high ? count - 1 - i : i]; };
  // The last of those between which and the next there is a gap that the errors leave open.
  kept_ = wanted;
  while (kept_ < count &&
         !(std::fabs(value(kept_) - value(kept_ - 1)) > 4.0 * assumed_error * norm_))
    ++kept_;
  if (kept_ == count && count < n_) return false;
  if (kept_ < count) {
    const double error = assumed_error * norm_;
    result_.next = {value(kept_) + (high ? error : -error)};
  }
  if (high) {
    known_.values.erase(known_.values.begin(),
                        known_.values.end() - static_cast<std::ptrdiff_t>(kept_));
    known_.vectors.erase(known_.vectors.begin(),
                         known_.vectors.end() - static_cast<std::ptrdiff_t>(kept_ * n_));
  }
  known_.values.resize(kept_);
  known_.vectors.resize(kept_ * n_);

  const std::size_t most = (most_rounds + 1) * kept_;
  space_ = VectorBlock(n_, most);
  images_ = VectorBlock(n_, most);
  vectors_ = VectorBlock(n_, kept_);
  residuals_ = VectorBlock(n_, kept_);
  for (std::size_t j = 0; j < kept_; ++j)
    std::copy_n(known_.vectors.data() + j * n_, n_, space_[j]);
  if (!reduction_.turn(false, kept_, space_[0], space_.stride())) return false;
  append(kept_);
  return columns_ == kept_;
}

// The vectors after the first columns_ of the space join it, made orthonormal, with their products.
void Refinement::append(std::size_t count) {
  const std::size_t stride = space_.stride();
  double* const added = space_[columns_];
  count = std::min(count, n_ - columns_);
  std::vector<double> along((columns_ + count) * count), squares(count * count);
  for (int pass = 0; pass < 3 && count > 0; ++pass) {
    if (columns_ > 0) {
      passes_.gram(columns_, space_[0], stride, count, added, stride, along.data());
      passes_.subtract(columns_, space_[0], stride, count, along.data(), added, stride,
                       along.data(), squares.data());
    }
    passes_.gram(count, added, stride, count, added, stride, squares.data());
    // Of unit vectors what is left must be more than rounding.
    count = orthonormalise(passes_, count, added, stride, squares.data(), pass == 0 ? 1e-8 : 0.0);
  }
  if (count == 0) return;
  const double* const products = matrix_.apply(count, added, stride, images_[columns_]);
  if (products != images_[columns_]) std::copy_n(products, n_, images_[columns_]);
  columns_ += count;
}

// The pairs of the space and their residuals.
void Refinement::project(bool high) {
  const std::size_t m = columns_, stride = space_.stride();
  std::vector<double> projected(m * m), values(m), scratch(m);
  passes_.gram(m, space_[0], stride, m, images_[0], stride, projected.data());
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < i; ++j)
      projected[i * m + j] = projected[j * m + i] =
          0.5 * (projected[i * m + j] + projected[j * m + i]);
  symmetric_eigen(m, projected.data(), values.data(), scratch.data(), true);
  const std::size_t first = high ? m - kept_ : 0;
  std::vector<double> coefficients(m * kept_);
  for (std::size_t i = 0; i < m; ++i)
    std::copy_n(projected.data() + i * m + first, kept_, coefficients.data() + i * kept_);
  RitzPairs& pairs = result_.pairs;
  pairs.count = kept_;
  pairs.values.assign(values.begin() + static_cast<std::ptrdiff_t>(first),
                      values.begin() + static_cast<std::ptrdiff_t>(first + kept_));
  pairs.residuals.resize(kept_);
  for (std::size_t j = 0; j < kept_; ++j) {
    std::fill_n(vectors_[j], n_, 0.0);
    std::fill_n(residuals_[j], n_, 0.0);
  }
  passes_.add(m, space_[0], stride, kept_, coefficients.data(), vectors_[0], vectors_.stride());
  passes_.add(m, images_[0], stride, kept_, coefficients.data(), residuals_[0],
              residuals_.stride());
  for (std::size_t j = 0; j < kept_; ++j)
    pairs.residuals[j] = std::sqrt(passes_.three_term(1.0, residuals_[j], -pairs.values[j],
                                                      vectors_[j], 0.0, nullptr, residuals_[j]));
}

void Refinement::remove_known(double* x) const {
  for (int pass = 0; pass < 2; ++pass)
    for (std::size_t k = 0; k < kept_; ++k) {
      const double* const z = known_.vectors.data() + k * n_;
      passes_.three_term(1.0, x, -passes_.dot(z, x), z, 0.0, nullptr, x);
    }
}

// The space grows by the corrections of the pairs whose residuals are not `enough`.
bool Refinement::correct(double enough) {
  std::size_t count = 0;
  double* const first = space_[columns_];
  const std::size_t stride = space_.stride();
  std::vector<double> shifts;
  for (std::size_t j = 0; j < kept_; ++j) {
    const double length = result_.pairs.residuals[j];
    if (!(length > enough)) continue;
    // Short residuals would leave the range of single precision.
    for (std::size_t i = 0; i < n_; ++i) first[count * stride + i] = residuals_[j][i] / length;
    shifts.push_back(result_.pairs.values[j]);
    ++count;
  }
  if (!reduction_.turn(true, count, first, stride)) return false;
  for (std::size_t c = 0; c < count; ++c) {
    double* const x = first + c * stride;
    remove_known(x);
    solve_shifted(diagonal_, beside_, shifts[c], std::numeric_limits<double>::epsilon() * norm_, x);
    remove_known(x);
    const double length = std::sqrt(passes_.dot(x, x));
    if (!(length > 0.0) || !std::isfinite(length)) return false;
    passes_.scale(1.0 / length, x);
  }
  if (!reduction_.turn(false, count, first, stride)) return false;
  append(count);
  return true;
}

RefinedPairs Refinement::go(std::size_t wanted, bool high, double tolerance) {
  if (!begin(wanted, high) || matrix_.scale() != 1.0) return std::move(result_);
  project(high);
  const auto worst = [&](std::size_t from, std::size_t to) {
    double residual = 0.0;
    for (std::size_t j = from; j < to; ++j) {
      const double other = result_.pairs.residuals[j];
      residual = std::max(residual, std::isfinite(other) ? other : infinity);
    }
    return residual;
  };
  if (worst(0, kept_) > assumed_error * norm_) return std::move(result_);
  const Tridiagonal t{diagonal_, std::span(beside_).first(n_ - 1)};
  result_.norm = (1.0 - assumed_error) *
                 std::max(std::fabs(eigenvalue(t, 0)), std::fabs(eigenvalue(t, n_ - 1)));
  const std::size_t from = high ? kept_ - wanted : 0;
  while (worst(from, from + wanted) > tolerance * result_.norm) {
    const std::size_t before = columns_;
    if (interrupted()) {
      result_.pairs.vectors = std::move(vectors_);
      result_.status = Status::interrupted;
      return std::move(result_);
    }
    if (result_.rounds++ == most_rounds || !correct(0.1 * tolerance * result_.norm) ||
        columns_ == before)
      return std::move(result_);
    project(high);
  }
  result_.pairs.vectors = std::move(vectors_);
  result_.status = Status::converged;
  return std::move(result_);
}

}  // namespace

bool can_refine(const LapackTable* table) noexcept {
  return table != nullptr && table->ssytrd != nullptr && table->sormtr != nullptr &&
         table->dstemr != nullptr;
}

RefinedPairs refined_eigenpairs(const LapackTable& table, const LongVectors& passes,
                                ScaledOperator& matrix, std::vector<float>& single,
                                std::size_t wanted, bool high, double tolerance) {
  if (!within_range(single)) return {};
  return Refinement(table, passes, matrix, single).go(wanted, high, tolerance);
}

}  // namespace talweg
