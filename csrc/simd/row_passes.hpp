// Products of the rows of a data matrix with vectors, there and back, and the table through which
// those of one instruction set are reached. Plain data only: this header is compiled for every
// instruction set.
//
// Several vectors lie in panels: entry j of column c of a panel of `width` columns is
// panel[j * width + c], and width is one or two vectors of lanes. Every sum runs in the order of j
// (there) or of the rows (back), so that a vector gets the same bits alone and in any panel, and
// however many rows come in one call.
#pragma once

#include <cstddef>

namespace talweg {

// Rows that the kernels for one vector take at once.
constexpr std::size_t rows_of_one_vector = 8;

template <class Number>
struct OneVectorKernels {
  // sums[r] = sum over j of x[r * stride + j] * w[j].
  void (*project)(std::size_t n, const Number* x, std::size_t stride, const double* w,
                  double* sums);
  // g[j] += sum over r of x[r * stride + j] * p[r]; meanwhile rows at `next` are fetched.
  void (*add_back)(std::size_t n, const Number* x, std::size_t stride, const double* p, double* g,
                   const Number* next);
};

// As many rows as are at hand, `bytes` of each for every entry of the others.
struct RowsToFetch {
  const char* begin = nullptr;  // null for none
  std::size_t stride = 0;       // in bytes
  std::size_t bytes = 0;
};

struct RowPassKernels {
  std::size_t vector_lanes;
  OneVectorKernels<double> one_vector;
  OneVectorKernels<float> one_vector_single;
  // z[r * z_stride + c] += sum over j of x[r * stride + j] * panel[j * width + c]; meanwhile memory
  // that is wanted next is fetched.
  void (*project)(std::size_t rows, std::size_t n, const double* x, std::size_t stride,
                  std::size_t width, const double* panel, double* z, std::size_t z_stride,
                  const RowsToFetch& next);
  // panel[j * width + c] += sum over r of x[r * stride + j] * p[r * p_stride + c].
  void (*add_back)(std::size_t rows, std::size_t n, const double* x, std::size_t stride,
                   std::size_t width, const double* p, std::size_t p_stride, double* panel);
  // The same in single precision, with twice as many lanes.
  void (*add_back_single)(std::size_t rows, std::size_t n, const float* x, std::size_t stride,
                          std::size_t width, const float* p, std::size_t p_stride, float* panel);
};

enum class Isa;

const RowPassKernels& row_pass_kernels(Isa isa);

}  // namespace talweg
