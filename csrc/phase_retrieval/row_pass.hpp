// One reading of a data matrix that serves any number of vectors.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "simd/row_passes.hpp"
#include "spectrum/aligned_memory.hpp"

namespace talweg {

// A matrix by rows that somebody else owns, in one of two precisions.
struct DataRows {
  std::size_t rows = 0;
  std::size_t columns = 0;
  const double* wide = nullptr;
  const float* single = nullptr;
};

// Vectors of n numbers in the panels that the kernels read, or one vector as it is.
class Panels {
 public:
  Panels(std::size_t n, std::size_t columns, std::size_t lanes);

  std::size_t length() const { return n_; }
  std::size_t columns() const { return columns_; }
  // With the columns of zeros that fill the last panel.
  std::size_t padded() const { return padded_; }
  std::size_t size() const { return n_ * padded_; }

  std::size_t panels() const { return (padded_ + wide_ - 1) / wide_; }
  std::size_t first_column(std::size_t panel) const { return panel * wide_; }
  std::size_t width(std::size_t panel) const {
    return padded_ - panel * wide_ < wide_ ? padded_ - panel * wide_ : wide_;
  }
  // Where a panel begins among the size() numbers.
  std::size_t place(std::size_t panel) const { return panel * wide_ * n_; }

  // Numbers j * step(column) after it are entries j of the column.
  std::size_t place_of_column(std::size_t column) const {
    return place(column / wide_) + column % wide_;
  }
  std::size_t step(std::size_t column) const { return width(column / wide_); }

 private:
  std::size_t n_, columns_, padded_, wide_;
};

// Some rows in the middle of a pass: z are the products of rows and inputs, and p the factors with
// which the rows are added to the outputs. Rows of z and p are `z_stride` and `p_stride` apart.
struct RowBlock {
  std::size_t first, rows;
  const double* z;
  std::size_t z_stride;
  double* p;
  std::size_t p_stride;
  double* sums;
};

class RowPass {
 public:
  // What happens between there and back. Called on several threads, once for each block of rows.
  using Middle = std::function<void(const RowBlock&)>;

  // workers: threads, 0 for one for each processor.
  RowPass(const DataRows& data, std::size_t inputs, std::size_t outputs, std::size_t sums,
          std::size_t workers);

  const Panels& inputs() const { return in_; }
  const Panels& outputs() const { return out_; }
  double* input() { return input_; }
  double* output() { return output_; }
  const double* sums() const { return sums_.data(); }

  void put(std::size_t column, const double* vector, std::size_t stride);
  // The output times a factor.
  void get(std::size_t column, double factor, double* vector, std::size_t stride);

  // Outputs and sums. Rows fall into chunks by the size of the data alone, and what chunks give is
  // added up in their order: the same bits for any number of workers.
  void run(const Middle& middle);

  // Bytes that it takes beyond the data.
  std::size_t memory() const;

 private:
  void run_chunk(std::size_t chunk, const Middle& middle, double* output, double* sums) const;
  template <class Number>
  void run_one(const Number* x, const OneVectorKernels<Number>& kernels, std::size_t first,
               std::size_t end, const Middle& middle, double* output, double* sums) const;
  void run_panels(std::size_t first, std::size_t end, const Middle& middle, double* output,
                  double* sums) const;

  const RowPassKernels& kernels_;
  DataRows data_;
  Panels in_, out_;
  std::size_t sum_count_, workers_, chunks_, rows_of_chunk_, slots_;
  AlignedMemory in_memory_, out_memory_;
  double *input_, *output_;
  std::vector<double> sums_;
};

}  // namespace talweg
