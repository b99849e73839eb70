#include "phase_retrieval/row_pass.hpp"

#include <algorithm>

#include "parallel/thread_pool.hpp"
#include "simd/instruction_set.hpp"
#include "simd/krylov.hpp"

namespace talweg {
namespace {

// Numbers of a chunk at least, so that a thread has some ten microseconds of work, and chunks at
// most, which bounds the memory for what each adds up.
constexpr std::size_t least_numbers_of_chunk = 65536, most_chunks = 16;

// Chunks hold a multiple of this many rows, which is a multiple of all the kernels' groups of rows.
constexpr std::size_t rows_of_unit = 24;

// Columns whose panels stay in the first-level cache with the entries of some rows, and the numbers
// of the rows that should stay in the next one until the way back.
constexpr std::size_t columns_of_tile = 256, numbers_of_block = std::size_t{1} << 18;

constexpr std::size_t rounded_up(std::size_t n, std::size_t unit) {
  return (n + unit - 1) / unit * unit;
}

std::size_t chunks_of(const DataRows& data) {
  const std::size_t units = (data.rows + rows_of_unit - 1) / rows_of_unit;
  const std::size_t wanted = data.rows * data.columns / least_numbers_of_chunk;
  return std::clamp<std::size_t>(wanted, 1, std::min(units, most_chunks));
}

struct Scratch {
  AlignedMemory z, p, tile;
};

Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
}

}  // namespace

Panels::Panels(std::size_t n, std::size_t columns, std::size_t lanes)
    : n_(n),
      columns_(columns),
      padded_(columns <= 1 ? columns : rounded_up(columns, lanes)),
      wide_(2 * lanes) {}

RowPass::RowPass(const DataRows& data, std::size_t inputs, std::size_t outputs, std::size_t sums,
                 std::size_t workers)
    : kernels_(row_pass_kernels(active_isa())),
      data_(data),
      // One vector lies in a panel too where there are several on the other side.
      in_(data.columns, inputs == 1 && outputs > 1 ? 2 : inputs, kernels_.vector_lanes),
      out_(data.columns, inputs > 1 && outputs == 1 ? 2 : outputs, kernels_.vector_lanes),
      sum_count_(sums),
      workers_(workers == 0 ? available_processors() : workers),
      chunks_(chunks_of(data)),
      rows_of_chunk_(rounded_up((data.rows + chunks_ - 1) / chunks_, rows_of_unit)),
      slots_(workers_ == 1 ? std::min<std::size_t>(chunks_, 2) : chunks_),
      sums_(sums * chunks_) {
  chunks_ = (data.rows + rows_of_chunk_ - 1) / rows_of_chunk_;
  input_ = in_memory_.reserve(in_.size());
  output_ = out_memory_.reserve(slots_ * out_.size());
}

void RowPass::put(std::size_t column, const double* vector, std::size_t stride) {
  double* const to = input_ + in_.place_of_column(column);
  const std::size_t step = in_.step(column);
  for (std::size_t j = 0; j < data_.columns; ++j) to[j * step] = vector[j * stride];
}

void RowPass::get(std::size_t column, double factor, double* vector, std::size_t stride) {
  const double* const from = output_ + out_.place_of_column(column);
  const std::size_t step = out_.step(column);
  for (std::size_t j = 0; j < data_.columns; ++j) vector[j * stride] = factor * from[j * step];
}

void RowPass::run(const Middle& middle) {
  const std::size_t size = out_.size();
  double* const total = output_;
  std::fill(sums_.begin(), sums_.end(), 0.0);
  const auto add = [&](const double* part) {
    for (std::size_t i = 0; i < size; ++i) total[i] += part[i];
  };
  if (workers_ == 1) {
    for (std::size_t chunk = 0; chunk < chunks_; ++chunk) {
      double* const slot = total + (chunk == 0 ? 0 : size);
      run_chunk(chunk, middle, slot, sums_.data() + chunk * sum_count_);
      if (chunk > 0) add(slot);
    }
  } else {
    parallel_for(chunks_, workers_, [&](std::size_t chunk) {
      run_chunk(chunk, middle, total + chunk * size, sums_.data() + chunk * sum_count_);
    });
    for (std::size_t chunk = 1; chunk < chunks_; ++chunk) add(total + chunk * size);
  }
  for (std::size_t chunk = 1; chunk < chunks_; ++chunk)
    for (std::size_t i = 0; i < sum_count_; ++i) sums_[i] += sums_[chunk * sum_count_ + i];
}

std::size_t RowPass::memory() const {
  return sizeof(double) * (in_.size() + slots_ * out_.size() + sums_.size());
}

void RowPass::run_chunk(std::size_t chunk, const Middle& middle, double* output,
                        double* sums) const {
  const std::size_t first = chunk * rows_of_chunk_;
  const std::size_t end = std::min(first + rows_of_chunk_, data_.rows);
  std::fill_n(output, out_.size(), 0.0);
  if (in_.columns() > 1)
    run_panels(first, end, middle, output, sums);
  else if (data_.wide)
    run_one(data_.wide, kernels_.one_vector, first, end, middle, output, sums);
  else
    run_one(data_.single, kernels_.one_vector_single, first, end, middle, output, sums);
}

template <class Number>
void RowPass::run_one(const Number* x, const OneVectorKernels<Number>& kernels, std::size_t first,
                      std::size_t end, const Middle& middle, double* output, double* sums) const {
  constexpr std::size_t group = rows_of_one_vector;
  const std::size_t n = data_.columns;
  const bool back = out_.columns() > 0;
  // A last group of fewer rows is filled up with rows of zeros.
  std::vector<Number> filled;
  const auto rows_at = [&](std::size_t row) {
    if (row + group <= end) return x + row * n;
    filled.assign(group * n, Number(0));
    std::copy(x + row * n, x + end * n, filled.begin());
    return static_cast<const Number*>(filled.data());
  };
  double z[group], p[group];
  for (std::size_t row = first; row < end; row += group) {
    const Number* const rows = rows_at(row);
    const std::size_t count = std::min(group, end - row);
    kernels.project(n, rows, n, input_, z);
    middle({row, count, z, 1, p, 1, sums});
    if (!back) continue;
    std::fill(p + count, p + group, 0.0);
    const std::size_t next = row + 2 * group <= data_.rows ? row + group : row;
    kernels.add_back(n, rows, n, p, output, x + next * n);
  }
}

void RowPass::run_panels(std::size_t first, std::size_t end, const Middle& middle, double* output,
                         double* sums) const {
  const std::size_t n = data_.columns;
  const std::size_t most_rows = std::clamp<std::size_t>(
      numbers_of_block / n / rows_of_unit * rows_of_unit, rows_of_unit, 4 * rows_of_unit);
  Scratch& memory = scratch();
  const auto project = data_.wide ? kernels_.project : kernels_.project_parts;
  const std::size_t parts = data_.wide ? 1 : kernels_.vector_lanes;
  double* const z = memory.z.reserve(parts * most_rows * in_.padded());
  double* const p = memory.p.reserve(most_rows * out_.padded());
  double* const tile = data_.wide ? nullptr : memory.tile.reserve(most_rows * columns_of_tile);
  std::fill_n(p, most_rows * out_.padded(), 0.0);

  // Some columns of some rows as doubles.
  struct Part {
    const double* x;
    std::size_t stride;
  };
  const KrylovKernels& conversions = krylov_kernels(active_isa());
  const auto part_at = [&](std::size_t row, std::size_t rows, std::size_t j, std::size_t count) {
    if (data_.wide) return Part{data_.wide + row * n + j, n};
    for (std::size_t r = 0; r < rows; ++r)
      conversions.widen(count, data_.single + (row + r) * n + j, tile + r * columns_of_tile);
    return Part{tile, columns_of_tile};
  };
  // The columns that come after those from j on.
  const auto tile_after = [&](std::size_t row, std::size_t rows, std::size_t j) {
    RowsToFetch next;
    next.bytes = data_.wide ? sizeof(double) : sizeof(float);
    next.stride = next.bytes * n;
    j += columns_of_tile;
    if (j >= n) {
      j = 0;
      row += rows;
    }
    // All that is fetched lies within the data.
    if (row + rows > data_.rows || (row + rows == data_.rows && j + columns_of_tile > n))
      return RowsToFetch{};
    const void* const numbers = data_.wide ? static_cast<const void*>(data_.wide) : data_.single;
    next.begin = static_cast<const char*>(numbers) + next.bytes * (row * n + j);
    return next;
  };
  for (std::size_t row = first; row < end; row += most_rows) {
    const std::size_t rows = std::min(most_rows, end - row);
    const std::size_t size = rows * in_.padded();
    std::fill_n(z, parts * size, 0.0);
    for (std::size_t j = 0; j < n; j += columns_of_tile) {
      const std::size_t count = std::min(columns_of_tile, n - j);
      const Part part = part_at(row, rows, j, count);
      for (std::size_t panel = 0; panel < in_.panels(); ++panel)
        project(rows, count, part.x, part.stride, in_.width(panel),
                input_ + in_.place(panel) + j * in_.width(panel), z + in_.first_column(panel),
                in_.padded(), panel == 0 ? tile_after(row, rows, j) : RowsToFetch{});
    }
    for (std::size_t half = parts / 2; half > 0; half /= 2)
      for (std::size_t i = 0; i < half * size; ++i) z[i] += z[half * size + i];
    middle({row, rows, z, in_.padded(), p, out_.padded(), sums});
    if (out_.columns() == 0) continue;
    for (std::size_t j = 0; j < n; j += columns_of_tile) {
      const std::size_t count = std::min(columns_of_tile, n - j);
      const Part part = part_at(row, rows, j, count);
      for (std::size_t panel = 0; panel < out_.panels(); ++panel)
        kernels_.add_back(rows, count, part.x, part.stride, out_.width(panel),
                          p + out_.first_column(panel), out_.padded(),
                          output + out_.place(panel) + j * out_.width(panel));
    }
  }
}

}  // namespace talweg
