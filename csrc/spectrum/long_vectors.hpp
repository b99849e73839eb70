// Passes over long vectors, in stretches that fit the caches and that threads share. Sums add up
// those of fixed stretches in order, so that they are the same for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "simd/krylov.hpp"

namespace talweg {

// Vectors of n numbers one after the other, 64-byte aligned; memory that is never written to is
// never touched.
template <class Number>
class Block {
 public:
  Block() = default;
  Block(std::size_t n, std::size_t count);

  Number* operator[](std::size_t j) noexcept { return data_.get() + j * stride_; }
  const Number* operator[](std::size_t j) const noexcept { return data_.get() + j * stride_; }
  std::size_t stride() const noexcept { return stride_; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  struct Free {
    void operator()(Number* memory) const noexcept { std::free(memory); }
  };
  std::size_t stride_ = 0, capacity_ = 0;
  std::unique_ptr<Number[], Free> data_;
};
using VectorBlock = Block<double>;
using SingleBlock = Block<float>;

class LongVectors {
 public:
  LongVectors(std::size_t n, std::size_t workers);

  std::size_t size() const noexcept { return n_; }

  double dot(const double* a, const double* b) const;
  void scale(double factor, double* a) const;
  // next = p * product + c * current + q * previous, see KrylovKernels; returns |next|^2. With
  // `sums` set, sums_j += weights[j] * next besides, j < columns.
  double three_term(double p, const double* product, double c, const double* current, double q,
                    const double* previous, double* next) const;
  // The same, with a copy of next in single precision.
  double three_term(double p, const double* product, double c, const double* current, double q,
                    const double* previous, double* next, float* copy) const;
  void three_term_and_add(double p, const double* product, double c, const double* current,
                          double q, const double* previous, double* next, std::size_t columns,
                          const double* weights, VectorBlock& sums) const;
  // sums (rows x columns) = left' right
  void gram(std::size_t rows, const double* left, std::size_t left_stride, std::size_t columns,
            const double* right, std::size_t right_stride, double* sums) const;
  // right += left coefficients, with coefficients rows x columns.
  void add(std::size_t rows, const double* left, std::size_t left_stride, std::size_t columns,
           const double* coefficients, double* right, std::size_t right_stride) const;
  void add(std::size_t rows, const float* left, std::size_t left_stride, std::size_t columns,
           const double* coefficients, double* right, std::size_t right_stride) const;
  // right -= left coefficients, then sums = left' right and squares = right' right, in one pass.
  void subtract(std::size_t rows, const double* left, std::size_t left_stride, std::size_t columns,
                const double* coefficients, double* right, std::size_t right_stride, double* sums,
                double* squares) const;
  // block = block coefficients, coefficients rows x columns, columns <= rows.
  void rotate(std::size_t rows, std::size_t columns, const double* coefficients, double* block,
              std::size_t stride) const;
  // Independent normal numbers, the same for a seed whatever the number of threads.
  void random(std::uint64_t seed, double* a) const;

 private:
  template <class Function>
  void for_stretches(Function&& function) const;
  template <class Function>
  void sum_stretches(std::size_t values, double* sums, Function&& function) const;

  std::size_t n_, stretches_, workers_;
  const KrylovKernels& kernels_;
};

}  // namespace talweg
