// Sums over data rows against long double sums, and their independence of block widths and lanes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "objective/executable.hpp"
#include "simd/instruction_set.hpp"

namespace {

using talweg::DataTable;
using talweg::Executable;
using talweg::Isa;
using talweg::Opcode;
using talweg::Program;
using talweg::Stage;

using Rows = std::vector<std::vector<double>>;

std::shared_ptr<DataTable> table(std::size_t rows) {
  auto data = std::make_shared<DataTable>();
  data->rows = rows;
  data->columns = 3;
  std::mt19937 generator(5);
  std::normal_distribution<double> normal;
  for (std::size_t i = 0; i < 3 * rows; ++i) data->values.push_back(normal(generator));
  return data;
}

// With t = x a + y b + c for columns a, b, c: outputs x + sum of exp(-t^2), sum of t c, sum of t^2,
// 3 sum of t, sum of column b, and the second again.
Program program_over(std::shared_ptr<const DataTable> data) {
  Program program;
  program.registers = 8;
  program.input_registers = {0, 1};
  program.stages.resize(3);
  program.stages[0].instructions = {{Opcode::multiply_constant, 2, 0, 0, 0, 1.0}};
  Stage& rows = program.stages[1];
  rows.data = std::move(data);
  rows.registers = 8;
  rows.broadcasts = {{2, 0}, {1, 1}};
  rows.columns = {{0, 2}, {2, 3}, {1, 4}};
  rows.instructions = {
      {Opcode::multiply_add, 5, 1, 4, 3, 0},
      {Opcode::multiply_add, 0, 0, 2, 5, 0},  // t, over the broadcast x
      {Opcode::square, 1, 0, 0, 0, 0},        // t^2, over the broadcast y
      {Opcode::multiply, 3, 0, 3, 0, 0},      // t c, over a column
      {Opcode::negate, 6, 1, 0, 0, 0},
      {Opcode::exp, 7, 6, 0, 0, 0},
      {Opcode::multiply_constant, 5, 0, 0, 0, 3.0},
      {Opcode::square, 6, 0, 0, 0, 0},
  };
  rows.sums = {{7, 3}, {3, 4}, {6, 5}, {5, 6}, {4, 7}};
  program.stages[2].instructions = {{Opcode::add, 3, 3, 0, 0, 0}};
  program.output_registers = {3, 4, 5, 6, 7, 4};
  return program;
}

Rows run(const Executable& program, Isa isa, std::size_t widest, const Rows& inputs,
         std::size_t outputs) {
  const std::size_t lanes = inputs[0].size();
  Rows out(outputs, std::vector<double>(lanes));
  std::vector<const double*> in_rows;
  std::vector<double*> out_rows;
  for (const auto& row : inputs) in_rows.push_back(row.data());
  for (auto& row : out) out_rows.push_back(row.data());
  talweg::run(program, talweg::interpreter_kernels(isa), widest, lanes, in_rows.data(),
              out_rows.data());
  return out;
}

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

}  // namespace

TEST_CASE("sums over rows agree with long double sums") {
  for (const std::size_t rows : {0, 1, 5, 15, 16, 17, 48, 63, 64, 65, 100, 128, 200, 1000, 4099}) {
    CAPTURE(rows);
    const auto data = table(rows);
    const Program program = program_over(data);
    const Executable executable(program);
    Rows inputs(2);
    for (int i = 0; i < 21; ++i) {
      inputs[0].push_back(0.3 + 0.01 * i);
      inputs[1].push_back(-0.2 + 0.05 * i);
    }
    for (const Isa isa : talweg::available_isas()) {
      CAPTURE(std::string(talweg::name_of(isa)));
      const Rows found = run(executable, isa, 0, inputs, 6);
      for (std::size_t lane = 0; lane < inputs[0].size(); ++lane) {
        const long double x = inputs[0][lane], y = inputs[1][lane];
        long double sums[5] = {x, 0, 0, 0, 0}, sizes[5] = {fabsl(x), 0, 0, 0, 0};
        for (std::size_t r = 0; r < rows; ++r) {
          const long double a = data->values[r], b = data->values[rows + r],
                            c = data->values[2 * rows + r];
          const long double t = x * a + y * b + c;
          const long double size = fabsl(x * a) + fabsl(y * b) + fabsl(c);
          const long double terms[5] = {expl(-t * t), t * c, t * t, 3 * t, b};
          const long double scales[5] = {expl(-t * t) * (1 + 4 * size * size), size * fabsl(c),
                                         size * size, 3 * size, fabsl(b)};
          for (int s = 0; s < 5; ++s) {
            sums[s] += terms[s];
            sizes[s] += scales[s];
          }
        }
        CAPTURE(lane);
        for (int s = 0; s < 5; ++s)
          CHECK(std::fabs(found[s][lane] - sums[s]) <= 1e-15L * (4 * sizes[s]));
        CHECK(same_bits(found[5][lane], found[1][lane]));
      }
    }
  }
}

TEST_CASE("sums over rows do not depend on block width or neighbouring lanes") {
  for (const std::size_t rows : {3, 64, 150, 777}) {
    const Program program = program_over(table(rows));
    const Executable executable(program);
    Rows inputs(2);
    for (int i = 0; i < 150; ++i) {
      inputs[0].push_back(std::sin(i));
      inputs[1].push_back(std::cos(3.0 * i));
    }
    for (const Isa isa : talweg::available_isas()) {
      const Rows expected = run(executable, isa, 0, inputs, 6);
      int failures = 0;
      for (const std::size_t widest : {8, 16, 32, 64, 128}) {
        const Rows found = run(executable, isa, widest, inputs, 6);
        for (std::size_t j = 0; j < 6; ++j)
          for (std::size_t lane = 0; lane < inputs[0].size(); ++lane)
            failures += !same_bits(found[j][lane], expected[j][lane]);
      }
      for (const std::size_t lane : {0, 17, 149}) {
        const Rows found = run(executable, isa, 0, {{inputs[0][lane]}, {inputs[1][lane]}}, 6);
        for (std::size_t j = 0; j < 6; ++j) failures += !same_bits(found[j][0], expected[j][lane]);
      }
      CHECK(failures == 0);
    }
  }
}

TEST_CASE("row stages that cannot be run are refused") {
  Program program = program_over(table(10));
  program.stages[1].columns[0].from = 3;
  CHECK_THROWS_AS(Executable{program}, std::invalid_argument);
  program = program_over(table(10));
  program.stages[1].sums[0].to = 8;
  CHECK_THROWS_AS(Executable{program}, std::invalid_argument);
  auto data = table(10);
  data->values.pop_back();
  CHECK_THROWS_AS(Executable{program_over(data)}, std::invalid_argument);
}
