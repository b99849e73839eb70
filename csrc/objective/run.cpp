// Cuts lanes into blocks and hands them to the interpreter of one instruction set or to machine
// code.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "objective/executable.hpp"
#include "objective/machine_code.hpp"
#include "simd/code.hpp"
#include "simd/instruction_set.hpp"

namespace talweg {

namespace {

// Registers of a block should stay in the first-level cache; programs with very many registers
// trade that for fewer dispatches, within the second level.
constexpr std::size_t first_level_bytes = 24 * 1024;
constexpr std::size_t second_level_bytes = 192 * 1024;
constexpr std::size_t alignment = 64;

struct Free {
  void operator()(double* memory) const { std::free(memory); }
};

// Memory that grows and is kept for the thread's next call.
struct Scratch {
  std::unique_ptr<double, Free> memory;
  std::size_t size = 0;

  double* reserve(std::size_t doubles) {
    if (doubles > size) {
      const std::size_t bytes = (doubles * sizeof(double) + alignment - 1) / alignment * alignment;
      memory.reset();
      size = 0;
      memory.reset(static_cast<double*>(std::aligned_alloc(alignment, bytes)));
      if (!memory) throw std::bad_alloc();
      size = doubles;
    }
    return memory.get();
  }
};

thread_local Scratch point_scratch, row_scratch;

// The most lanes a block should have when each slot takes 8 bytes a lane.
std::size_t widest_block(std::size_t slots) {
  for (const std::size_t lanes : {128, 64, 32})
    if (slots * lanes * sizeof(double) <= first_level_bytes) return lanes;
  for (const std::size_t lanes : {32, 16})
    if (slots * lanes * sizeof(double) <= second_level_bytes) return lanes;
  return 8;
}

// The lanes of point registers of the block that is being run.
struct PointFile {
  double* base = nullptr;  // direct blocks
  std::size_t stride = 0;
  double* const* rows = nullptr;  // indirect blocks
  double* slot(std::uint32_t s) const { return rows ? rows[s] : base + s * stride; }
};

class Runner {
 public:
  Runner(const Executable& program, const InterpreterKernels& kernels, std::size_t widest)
      : program_(program),
        kernels_(kernels),
        widest_(widest != 0 ? widest : widest_block(program.slots)) {}

  // With the machine code's stages in place of the interpreter; `code` must outlive it.
  Runner(const Executable& program, const InterpreterKernels& kernels, const MachineCode& code)
      : program_(program), kernels_(kernels), code_(&code), widest_(row_block) {}

  void run(std::size_t lanes, const double* const* inputs, double* const* outputs);
  void run_compiled(std::size_t lanes, const double* const* inputs, double* const* outputs);

 private:
  void run_direct(std::size_t first, std::size_t lanes, const double* const* inputs,
                  double* const* outputs);
  void run_indirect(int width, std::size_t first, std::size_t count, const double* const* inputs,
                    double* const* outputs);
  void run_compiled_in_place(std::size_t first, std::size_t lanes, const double* const* inputs,
                             double* const* outputs);
  void run_compiled_on_copies(std::size_t first, std::size_t lanes, const double* const* inputs,
                              double* const* outputs);
  void run_compiled_stages(double* const* rows, std::size_t lanes, std::size_t padded);
  void run_row_stage(const ExecutableStage& stage, const PointFile& points, std::size_t lanes,
                     std::size_t padded_lanes, CompiledStage compiled = nullptr);

  const Executable& program_;
  const InterpreterKernels& kernels_;
  const MachineCode* const code_ = nullptr;
  const std::size_t widest_;
};

void Runner::run(std::size_t lanes, const double* const* inputs, double* const* outputs) {
  const std::size_t direct_lanes = static_cast<std::size_t>(kernels_.vector_lanes) * widest_direct;
  std::size_t first = 0;
  for (int width = indirect_count - 1; width >= 0; --width) {
    const std::size_t block = indirect_lanes[width];
    if (block > widest_) continue;
    // What is left fits one direct block.
    if (lanes - first <= std::min(direct_lanes, widest_) && lanes - first != block) break;
    const std::size_t count = (lanes - first) / block;
    if (count > 0) run_indirect(width, first, count, inputs, outputs);
    first += count * block;
  }
  while (first < lanes) {
    const std::size_t count =
        std::min({lanes - first, direct_lanes,
                  std::max<std::size_t>(widest_, static_cast<std::size_t>(kernels_.vector_lanes))});
    run_direct(first, count, inputs, outputs);
    first += count;
  }
}

void Runner::run_direct(std::size_t first, std::size_t lanes, const double* const* inputs,
                        double* const* outputs) {
  const std::size_t vector_lanes = static_cast<std::size_t>(kernels_.vector_lanes);
  const std::size_t vectors = (lanes + vector_lanes - 1) / vector_lanes;
  const std::size_t padded = vectors * vector_lanes;
  double* const base = point_scratch.reserve(program_.slots * padded);
  double* to = base + program_.first_input * padded;
  for (std::size_t i = 0; i < program_.input_used.size(); ++i, to += padded) {
    if (!program_.input_used[i]) continue;
    const double* const from = inputs[i] + first;
    std::size_t lane = 0;
    for (; lane < lanes; ++lane) to[lane] = from[lane];
    // Copies of a real lane cause no slow path that no lane asked for.
    for (; lane < padded; ++lane) to[lane] = from[lanes - 1];
  }
  const auto execute = kernels_.direct[vectors - 1];
  for (const ExecutableStage& stage : program_.stages) {
    if (stage.sums_rows())
      run_row_stage(stage, {base, padded, nullptr}, lanes, padded);
    else
      execute(stage.code.data(), base);
  }
  for (const std::uint32_t j : program_.computed_outputs) {
    const double* const from = base + (program_.first_output + j) * padded;
    for (std::size_t lane = 0; lane < lanes; ++lane) outputs[j][first + lane] = from[lane];
  }
}

void Runner::run_indirect(int width, std::size_t first, std::size_t count,
                          const double* const* inputs, double* const* outputs) {
  const std::size_t lanes = indirect_lanes[width];
  static_assert(sizeof(double*) == sizeof(double));
  double* const base = point_scratch.reserve(program_.first_input * lanes + program_.slots);
  // Registers, then a table with the place of each slot.
  double** const rows = reinterpret_cast<double**>(base + program_.first_input * lanes);
  for (std::uint32_t s = 0; s < program_.first_input; ++s) rows[s] = base + s * lanes;
  const auto execute = kernels_.indirect[width];
  for (std::size_t block = 0; block < count; ++block, first += lanes) {
    for (std::size_t i = 0; i < program_.input_used.size(); ++i)
      // No code writes to an input's slot.
      rows[program_.first_input + i] =
          program_.input_used[i] ? const_cast<double*>(inputs[i]) + first : nullptr;
    for (const std::uint32_t j : program_.computed_outputs)
      rows[program_.first_output + j] = outputs[j] + first;
    for (const ExecutableStage& stage : program_.stages) {
      if (stage.sums_rows())
        run_row_stage(stage, {nullptr, 0, rows}, lanes, lanes);
      else
        execute(stage.code.data(), rows);
    }
  }
}

// Compiled code does all lanes of a program of one stage in one go; between several stages values
// are in memory, in blocks.
constexpr std::size_t compiled_block = 128;

void Runner::run_compiled(std::size_t lanes, const double* const* inputs, double* const* outputs) {
  const std::size_t vector = code_->vector_lanes, whole = lanes / vector * vector;
  const bool one_stage = program_.stages.size() == 1;
  const std::size_t block = one_stage ? whole : compiled_block;
  for (std::size_t first = 0; first < whole; first += block)
    run_compiled_in_place(first, std::min(block, whole - first), inputs, outputs);
  if (whole == lanes) return;
  // A last vector that overlaps the one before gives the same results again, without copies.
  if (one_stage && whole > 0)
    run_compiled_in_place(lanes - vector, vector, inputs, outputs);
  else
    run_compiled_on_copies(whole, lanes - whole, inputs, outputs);
}

void Runner::run_compiled_in_place(std::size_t first, std::size_t lanes,
                                   const double* const* inputs, double* const* outputs) {
  const bool one_stage = program_.stages.size() == 1;
  // The table of rows first: a program of one stage has its registers to itself.
  const std::size_t registers = one_stage ? 0 : program_.first_input * lanes;
  double* const base = point_scratch.reserve(program_.slots + registers);
  double** const rows = reinterpret_cast<double**>(base);
  for (std::uint32_t s = 0; !one_stage && s < program_.first_input; ++s)
    rows[s] = base + program_.slots + s * lanes;
  for (std::size_t i = 0; i < program_.input_used.size(); ++i)
    // No code writes to an input's slot.
    rows[program_.first_input + i] =
        program_.input_used[i] ? const_cast<double*>(inputs[i]) + first : nullptr;
  for (const std::uint32_t j : program_.computed_outputs)
    rows[program_.first_output + j] = outputs[j] + first;
  run_compiled_stages(rows, lanes, lanes);
}

void Runner::run_compiled_on_copies(std::size_t first, std::size_t lanes,
                                    const double* const* inputs, double* const* outputs) {
  const std::size_t padded = code_->vector_lanes;
  double* const base = point_scratch.reserve(program_.slots * (padded + 1));
  double** const rows = reinterpret_cast<double**>(base);
  double* const values = base + program_.slots;
  for (std::uint32_t s = 0; s < program_.slots; ++s) rows[s] = values + s * padded;
  for (std::size_t i = 0; i < program_.input_used.size(); ++i) {
    if (!program_.input_used[i]) continue;
    double* const to = rows[program_.first_input + i];
    // Copies of a real lane cause no slow path that no lane asked for.
    for (std::size_t lane = 0; lane < padded; ++lane)
      to[lane] = inputs[i][first + std::min(lane, lanes - 1)];
  }
  run_compiled_stages(rows, lanes, padded);
  for (const std::uint32_t j : program_.computed_outputs)
    std::copy_n(rows[program_.first_output + j], lanes, outputs[j] + first);
}

void Runner::run_compiled_stages(double* const* rows, std::size_t lanes, std::size_t padded) {
  for (std::size_t i = 0; i < program_.stages.size(); ++i) {
    if (program_.stages[i].sums_rows())
      run_row_stage(program_.stages[i], {nullptr, 0, rows}, lanes, padded, code_->stages[i]);
    else
      code_->stages[i](rows, 0, padded);
  }
}

// The sum of the row_block partial sums, in a fixed order.
double reduce(double* sums) {
  for (int half = row_block / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) sums[i] += sums[i + half];
  return sums[0];
}

void Runner::run_row_stage(const ExecutableStage& stage, const PointFile& points, std::size_t lanes,
                           std::size_t padded_lanes, CompiledStage compiled) {
  const DataTable& data = *stage.data;
  const std::size_t rows_total = data.rows;
  const std::size_t whole = rows_total / row_block * row_block;
  const std::size_t tail = rows_total - whole;
  int widest = 0;  // rows run together, at most row_block
  while (widest + 1 < indirect_count && indirect_lanes[widest + 1] <= row_block &&
         static_cast<std::size_t>(indirect_lanes[widest + 1]) <=
             std::min(widest_, widest_block(stage.slots)))
    ++widest;

  const std::size_t sum_doubles = stage.sums.size() * row_block;
  double* const base = row_scratch.reserve(stage.slots * row_block + sum_doubles + stage.slots);
  double* const kept_sums = base + stage.slots * row_block;
  double** const slots = reinterpret_cast<double**>(kept_sums + sum_doubles);
  for (std::uint32_t s = 0; s < stage.slots; ++s) slots[s] = base + s * row_block;
  double* const sums = base + stage.first_sum * row_block;

  // Runs the rows of one row block from position `begin` to `end`; values[i] is the column's value
  // at position 0, `stride` doubles from one column to the next.
  const auto run_rows = [&](const double* const* columns, std::size_t begin, std::size_t end) {
    while (begin < end) {
      int width = 0;
      while (width < widest && static_cast<std::size_t>(indirect_lanes[width]) < end - begin)
        ++width;
      for (std::size_t i = 0; i < stage.columns.size(); ++i)
        slots[stage.first_column + i] = const_cast<double*>(columns[i]) + begin;
      for (std::size_t i = 0; i < stage.sums.size(); ++i)
        slots[stage.first_sum + i] = sums + i * row_block + begin;
      if (compiled) {
        const std::size_t vector = code_->vector_lanes;
        compiled(slots, 0, (end - begin + vector - 1) / vector * vector);
        return;
      }
      kernels_.indirect[width](stage.code.data(), slots);
      begin += static_cast<std::size_t>(indirect_lanes[width]);
    }
  };

  thread_local std::vector<const double*> columns;
  columns.resize(stage.columns.size());
  for (std::size_t point = 0; point < lanes; ++point) {
    for (std::size_t i = 0; i < stage.broadcasts.size(); ++i)
      std::fill_n(base + (stage.first_broadcast + i) * row_block, row_block,
                  points.slot(stage.broadcasts[i])[point]);
    std::fill_n(sums, sum_doubles, 0.0);
    for (std::size_t row = 0; row < whole; row += row_block) {
      for (std::size_t i = 0; i < columns.size(); ++i)
        columns[i] = data.values.data() + stage.columns[i] * rows_total + row;
      run_rows(columns.data(), 0, row_block);
    }
    if (tail > 0) {
      // The rows that pad the last block also land in sums: those positions get their sums back.
      std::memcpy(kept_sums, sums, sum_doubles * sizeof(double));
      for (std::size_t i = 0; i < columns.size(); ++i)
        columns[i] = stage.tail.data() + i * row_block;
      run_rows(columns.data(), 0, tail);
      for (std::size_t i = 0; i < stage.sums.size(); ++i)
        std::memcpy(sums + i * row_block + tail, kept_sums + i * row_block + tail,
                    (row_block - tail) * sizeof(double));
    }
    for (std::size_t i = 0; i < stage.sums.size(); ++i) {
      const double sum = reduce(sums + i * row_block);
      double* const to = points.slot(stage.sums[i]);
      to[point] = sum;
      if (point + 1 == lanes) std::fill(to + lanes, to + padded_lanes, sum);
    }
  }
}

// Rows of zeros that follow one another in memory are cleared together: a sparse Hessian's zeros
// are most of it.
void fill_constant_outputs(const Executable& program, std::size_t lanes, double* const* outputs) {
  double* begin = nullptr;  // zeros wait from here
  double* end = nullptr;    // to here
  const auto clear = [&] {
    if (begin != end) std::memset(begin, 0, static_cast<std::size_t>(end - begin) * sizeof(double));
  };
  for (const auto& [output, value] : program.constant_outputs) {
    double* const row = outputs[output];
    if (std::bit_cast<std::uint64_t>(value) != 0) {
      std::fill_n(row, lanes, value);
      continue;
    }
    if (row != end) {
      clear();
      begin = row;
    }
    end = row + lanes;
  }
  clear();
}

}  // namespace

void run(const Executable& program, const InterpreterKernels& kernels, std::size_t widest,
         std::size_t lanes, const double* const* inputs, double* const* outputs) {
  Runner(program, kernels, widest).run(lanes, inputs, outputs);
  fill_constant_outputs(program, lanes, outputs);
}

void run(const Executable& program, const MachineCode& code, std::size_t lanes,
         const double* const* inputs, double* const* outputs) {
  // The interpreter's table is not used: every stage has code.
  Runner(program, interpreter_kernels(active_isa()), code).run_compiled(lanes, inputs, outputs);
  fill_constant_outputs(program, lanes, outputs);
}

}  // namespace talweg
