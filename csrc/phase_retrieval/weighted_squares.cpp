#include "phase_retrieval/weighted_squares.hpp"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "parallel/thread_pool.hpp"
#include "simd/instruction_set.hpp"
#include "simd/krylov.hpp"
#include "simd/row_passes.hpp"
#include "spectrum/long_vectors.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

// Rows whose columns of a tile stay in the first-level cache while a panel goes over them.
constexpr std::size_t most_rows = 48, columns_of_tile = 256;

// Sums in single precision of more rows than these would lose more digits than a row brings; those
// of so many are added up on their own.
constexpr std::size_t rows_of_sum = 16 * most_rows;

template <class Number>
constexpr bool in_single = std::is_same_v<Number, float>;

// Two of the widest vectors.
template <class Number>
constexpr std::size_t widest_panel = 128 / sizeof(Number);

// Rows of the data in the precision that is wanted, converted where they are in the other one.
template <class Number>
class ConvertedRows {
 public:
  explicit ConvertedRows(const DataRows& data)
      : data_(data), kernels_(krylov_kernels(active_isa())) {}

  const Number* operator()(std::size_t row, std::size_t count) {
    const std::size_t begin = row * data_.columns, size = count * data_.columns;
    if constexpr (in_single<Number>) {
      if (data_.single) return data_.single + begin;
      kernels_.narrow(size, data_.wide + begin, room(size));
    } else {
      if (data_.wide) return data_.wide + begin;
      kernels_.widen(size, data_.single + begin, room(size));
    }
    return converted_.data();
  }

 private:
  Number* room(std::size_t size) {
    if (converted_.size() < size) converted_.resize(size);
    return converted_.data();
  }

  const DataRows& data_;
  const KrylovKernels& kernels_;
  std::vector<Number> converted_;
};

// panel += rows of x times factors p, as in RowPassKernels.
template <class Number>
void add_back(const RowPassKernels& kernels, std::size_t rows, std::size_t n, const Number* x,
              std::size_t stride, std::size_t width, const Number* p, Number* panel) {
  if constexpr (in_single<Number>)
    kernels.add_back_single(rows, n, x, stride, width, p, width, panel);
  else
    kernels.add_back(rows, n, x, stride, width, p, width, panel);
}

}  // namespace

// By panels of columns: a column is the rows times their entries in it times their weights. Panels
// are independent, so that threads change nothing.
template <class Number>
void weighted_squares(const DataRows& data, const Number* weights, std::size_t workers,
                      Number* matrix) {
  const RowPassKernels& kernels = row_pass_kernels(active_isa());
  const std::size_t n = data.columns;
  const std::size_t width = 2 * kernels.vector_lanes * sizeof(double) / sizeof(Number);
  const std::size_t panels = (n + width - 1) / width, size = n * width;
  const bool in_parts = in_single<Number> && data.rows > rows_of_sum;
  Block<Number> memory(panels * size, in_parts ? 2 : 1);
  Number* const sums = memory[0];
  std::fill_n(sums, panels * size, Number(0));
  Number* const totals = in_parts ? memory[1] : sums;
  if (in_parts) std::fill_n(totals, panels * size, Number(0));
  ConvertedRows<Number> rows_from(data);
  for (std::size_t row = 0; row < data.rows; row += most_rows) {
    const std::size_t rows = std::min(most_rows, data.rows - row);
    const Number* const x = rows_from(row, rows);
    parallel_for(panels, workers, [&](std::size_t panel) {
      const std::size_t first = panel * width, columns = std::min(width, n - first);
      alignas(64) Number p[most_rows * widest_panel<Number>] = {};
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c)
          p[r * width + c] = weights[row + r] * x[r * n + first + c];
      // The lower triangle is enough.
      for (std::size_t j = first; j < n; j += columns_of_tile)
        add_back(kernels, rows, std::min(columns_of_tile, n - j), x + j, n, width, p,
                 sums + (panel * n + j) * width);
      if (!in_parts || ((row + rows) % rows_of_sum != 0 && row + rows < data.rows)) return;
      for (std::size_t i = panel * size + first * width; i < (panel + 1) * size; ++i) {
        totals[i] += sums[i];
        sums[i] = Number(0);
      }
    });
    if (interrupted()) break;
  }
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i <= j; ++i)
      matrix[i * n + j] = matrix[j * n + i] = totals[(i / width * n + j) * width + i % width];
}

template void weighted_squares(const DataRows&, const float*, std::size_t, float*);
template void weighted_squares(const DataRows&, const double*, std::size_t, double*);

}  // namespace talweg
