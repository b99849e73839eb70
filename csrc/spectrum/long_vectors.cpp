#include "spectrum/long_vectors.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <numbers>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "parallel/thread_pool.hpp"
#include "simd/instruction_set.hpp"

namespace talweg {
namespace {

// What one thread takes at a time, and within that what stays in the second-level cache while
// several vectors of a block are combined.
constexpr std::size_t stretch = 8192, piece = 512;
constexpr std::size_t long_piece = 2048;  // of the few vectors of a recurrence

// Below this length a vector is done before another thread has woken up.
constexpr std::size_t worth_sharing = 100000;

std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

// In (0, 1].
double uniform(std::uint64_t bits) { return (static_cast<double>(bits >> 11) + 1.0) * 0x1p-53; }

}  // namespace

template <class Number>
Block<Number>::Block(std::size_t n, std::size_t count) : capacity_(count) {
  constexpr std::size_t line = 64 / sizeof(Number), page = 4096 / sizeof(Number);
  // Vectors whole pages apart would all fall into the same few sets of the cache.
  stride_ = (n + line - 1) / line * line;
  if (stride_ % page == 0) stride_ += line;
  constexpr std::size_t huge_page = std::size_t{1} << 21;
  const std::size_t bytes = std::max<std::size_t>(1, count) * stride_ * sizeof(Number);
  const std::size_t alignment = bytes >= 2 * huge_page ? huge_page : 64;
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, whole);
  if (memory == nullptr) throw std::bad_alloc();
#if defined(__linux__)
  // Touching a page for the first time costs as much as several passes over it.
  if (alignment == huge_page) madvise(memory, whole, MADV_HUGEPAGE);
#endif
  data_.reset(static_cast<Number*>(memory));
}

template class Block<double>;
template class Block<float>;

LongVectors::LongVectors(std::size_t n, std::size_t workers)
    : n_(n),
      stretches_((n + stretch - 1) / stretch),
      workers_(n < worth_sharing ? 1 : workers),
      kernels_(krylov_kernels(active_isa())) {}

template <class Function>
void LongVectors::for_stretches(Function&& function) const {
  parallel_for(stretches_, workers_, [&](std::size_t s) {
    const std::size_t first = s * stretch;
    function(first, std::min(stretch, n_ - first));
  });
}

template <class Function>
void LongVectors::sum_stretches(std::size_t values, double* sums, Function&& function) const {
  std::vector<double> parts(stretches_ * values, 0.0);
  parallel_for(stretches_, workers_, [&](std::size_t s) {
    const std::size_t first = s * stretch;
    function(first, std::min(stretch, n_ - first), parts.data() + s * values);
  });
  std::fill(sums, sums + values, 0.0);
  for (std::size_t s = 0; s < stretches_; ++s) {
    for (std::size_t i = 0; i < values; ++i) sums[i] += parts[s * values + i];
  }
}

double LongVectors::dot(const double* a, const double* b) const {
  double sum = 0.0;
  sum_stretches(1, &sum, [&](std::size_t first, std::size_t count, double* part) {
    *part = kernels_.dot(count, a + first, b + first);
  });
  return sum;
}

void LongVectors::scale(double factor, double* a) const {
  for_stretches([&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) a[i] *= factor;
  });
}

double LongVectors::three_term(double p, const double* product, double c, const double* current,
                               double q, const double* previous, double* next) const {
  double sum = 0.0;
  sum_stretches(1, &sum, [&](std::size_t first, std::size_t count, double* part) {
    *part = kernels_.three_term(count, p, product + first, c, current + first, q,
                                previous == nullptr ? nullptr : previous + first, next + first);
  });
  return sum;
}

double LongVectors::three_term(double p, const double* product, double c, const double* current,
                               double q, const double* previous, double* next, float* copy) const {
  double sum = 0.0;
  sum_stretches(1, &sum, [&](std::size_t first, std::size_t count, double* part) {
    for (std::size_t at = first; at < first + count; at += long_piece) {
      const std::size_t length = std::min(long_piece, first + count - at);
      *part += kernels_.three_term(length, p, product + at, c, current + at, q,
                                   previous == nullptr ? nullptr : previous + at, next + at);
      kernels_.narrow(length, next + at, copy + at);
    }
  });
  return sum;
}

void LongVectors::three_term_and_add(double p, const double* product, double c,
                                     const double* current, double q, const double* previous,
                                     double* next, std::size_t columns, const double* weights,
                                     VectorBlock& sums) const {
  for_stretches([&](std::size_t first, std::size_t count) {
    for (std::size_t at = first; at < first + count; at += long_piece) {
      const std::size_t length = std::min(long_piece, first + count - at);
      kernels_.three_term(length, p, product + at, c, current + at, q,
                          previous == nullptr ? nullptr : previous + at, next + at);
      kernels_.add_combinations(length, 1, next + at, 0, columns, weights, sums[0] + at,
                                sums.stride());
    }
  });
}

void LongVectors::gram(std::size_t rows, const double* left, std::size_t left_stride,
                       std::size_t columns, const double* right, std::size_t right_stride,
                       double* sums) const {
  sum_stretches(rows * columns, sums, [&](std::size_t first, std::size_t count, double* part) {
    for (std::size_t at = first; at < first + count; at += piece) {
      kernels_.gram(std::min(piece, first + count - at), rows, left + at, left_stride, columns,
                    right + at, right_stride, part);
    }
  });
}

void LongVectors::add(std::size_t rows, const double* left, std::size_t left_stride,
                      std::size_t columns, const double* coefficients, double* right,
                      std::size_t right_stride) const {
  for_stretches([&](std::size_t first, std::size_t count) {
    for (std::size_t at = first; at < first + count; at += piece) {
      kernels_.add_combinations(std::min(piece, first + count - at), rows, left + at, left_stride,
                                columns, coefficients, right + at, right_stride);
    }
  });
}

void LongVectors::add(std::size_t rows, const float* left, std::size_t left_stride,
                      std::size_t columns, const double* coefficients, double* right,
                      std::size_t right_stride) const {
  constexpr std::size_t rows_together = 16;
  for_stretches([&](std::size_t first, std::size_t count) {
    std::vector<double> wide(rows_together * piece);
    for (std::size_t at = first; at < first + count; at += piece) {
      const std::size_t length = std::min(piece, first + count - at);
      for (std::size_t row = 0; row < rows; row += rows_together) {
        const std::size_t some = std::min(rows_together, rows - row);
        for (std::size_t i = 0; i < some; ++i)
          kernels_.widen(length, left + (row + i) * left_stride + at, wide.data() + i * piece);
        kernels_.add_combinations(length, some, wide.data(), piece, columns,
                                  coefficients + row * columns, right + at, right_stride);
      }
    }
  });
}

void LongVectors::subtract(std::size_t rows, const double* left, std::size_t left_stride,
                           std::size_t columns, const double* coefficients, double* right,
                           std::size_t right_stride, double* sums, double* squares) const {
  std::vector<double> negated(coefficients, coefficients + rows * columns);
  for (double& c : negated) c = -c;
  std::vector<double> both((rows + columns) * columns);
  sum_stretches(both.size(), both.data(), [&](std::size_t first, std::size_t count, double* part) {
    for (std::size_t at = first; at < first + count; at += piece) {
      const std::size_t length = std::min(piece, first + count - at);
      kernels_.add_combinations(length, rows, left + at, left_stride, columns, negated.data(),
                                right + at, right_stride);
      kernels_.gram(length, rows, left + at, left_stride, columns, right + at, right_stride, part);
      kernels_.gram(length, columns, right + at, right_stride, columns, right + at, right_stride,
                    part + rows * columns);
    }
  });
  const auto middle = both.begin() + static_cast<std::ptrdiff_t>(rows * columns);
  std::copy(both.begin(), middle, sums);
  std::copy(middle, both.end(), squares);
}

void LongVectors::rotate(std::size_t rows, std::size_t columns, const double* coefficients,
                         double* block, std::size_t stride) const {
  for_stretches([&](std::size_t first, std::size_t count) {
    std::vector<double> rotated(columns * piece);
    for (std::size_t at = first; at < first + count; at += piece) {
      const std::size_t length = std::min(piece, first + count - at);
      std::fill(rotated.begin(), rotated.end(), 0.0);
      kernels_.add_combinations(length, rows, block + at, stride, columns, coefficients,
                                rotated.data(), piece);
      for (std::size_t j = 0; j < columns; ++j)
        std::copy_n(rotated.data() + j * piece, length, block + j * stride + at);
    }
  });
}

void LongVectors::random(std::uint64_t seed, double* a) const {
  const std::uint64_t key = mixed(seed + UINT64_C(0x9e3779b97f4a7c15));
  for_stretches([&](std::size_t first, std::size_t count) {
    // Box and Muller's two numbers of each pair; stretches begin at even numbers.
    for (std::size_t i = first; i < first + count; i += 2) {
      const double radius = std::sqrt(-2.0 * std::log(uniform(mixed(key + 2 * i))));
      const double angle = 2.0 * std::numbers::pi * uniform(mixed(key + 2 * i + 1));
      a[i] = radius * std::cos(angle);
      if (i + 1 < first + count) a[i + 1] = radius * std::sin(angle);
    }
  });
}

}  // namespace talweg
