#include <doctest/doctest.h>

#include <random>

#include "talweg/record.hpp"
#include "talweg/tape.hpp"

using namespace talweg;

namespace {

TapeFunction example() {
  static const std::vector<double> data{1.0, 0.5, -1.0, 2.0, 0.0, 1.0};
  return record_tape(
      [](std::span<const Variable> x) {
        const Variable sum =
            sum_over(x, data, 2, [&](auto row) { return log1p(exp(row[0] * x[0])) * row[1]; });
        return log(sum * sum + 1.0) + pow(x[0], 3) * x[1] -
               select(less(x[0], x[1]), x[0], sin(x[1]));
      },
      2);
}

bool equal(const SerializedTape& a, const SerializedTape& b) {
  return a.inputs == b.inputs && a.output == b.output && a.operations == b.operations &&
         a.operands == b.operands && a.tables == b.tables && a.values == b.values &&
         a.table_shapes == b.table_shapes && a.table_values == b.table_values;
}

}  // namespace

TEST_CASE("saved tapes come back the same") {
  const TapeFunction function = example();
  const SerializedTape saved = serialize(function.tape, function.output);
  const TapeFunction restored = deserialize(saved);
  CHECK(equal(serialize(restored.tape, restored.output), saved));
}

TEST_CASE("what the output does not use is not saved") {
  TapeFunction function = example();
  const SerializedTape saved = serialize(function.tape, function.output);
  const std::vector<double> data{1.0};
  function.tape.sum_rows(function.tape.apply(
      Operation::exp,
      function.tape.multiply(function.tape.data_column(function.tape.add_table(1, 1, data), 0),
                             function.tape.input(0))));
  CHECK(equal(serialize(function.tape, function.output), saved));
}

TEST_CASE("corrupted tapes are refused") {
  const TapeFunction function = example();
  const SerializedTape good = serialize(function.tape, function.output);
  const auto refused = [&](auto&& corrupt) {
    SerializedTape bad = good;
    corrupt(bad);
    CHECK_THROWS_AS(deserialize(bad), std::invalid_argument);
  };
  refused([](SerializedTape& tape) { tape.inputs = 0; });
  refused([](SerializedTape& tape) { tape.inputs = 1; });
  refused([](SerializedTape& tape) { tape.inputs = std::uint64_t{1} << 60; });
  refused([](SerializedTape& tape) { tape.output = 100000; });
  refused([](SerializedTape& tape) { tape.operations.back() = 99; });
  refused([](SerializedTape& tape) { tape.operations.pop_back(); });
  refused([](SerializedTape& tape) { tape.operands.pop_back(); });
  refused([](SerializedTape& tape) { tape.operands[tape.operands.size() - 3] = 5000000; });
  refused([](SerializedTape& tape) {
    // An operation that uses itself.
    tape.operands[tape.operands.size() - 3] =
        static_cast<std::uint32_t>(tape.operations.size() - 1);
  });
  refused([](SerializedTape& tape) { tape.table_shapes[0] = std::uint64_t{1} << 63; });
  refused([](SerializedTape& tape) { tape.table_shapes[1] = 3; });
  refused([](SerializedTape& tape) { tape.table_shapes.pop_back(); });
  refused([](SerializedTape& tape) { tape.table_values.push_back(1.0); });
  refused([](SerializedTape& tape) { tape.tables.back() = 0; });
  refused([](SerializedTape& tape) {
    for (std::size_t i = 0; i < tape.operations.size(); ++i)
      if (tape.operations[i] == static_cast<std::uint16_t>(Operation::data_column))
        tape.tables[i] = 7;
  });
  refused([](SerializedTape& tape) {
    for (std::size_t i = 0; i < tape.operations.size(); ++i)
      if (tape.operations[i] == static_cast<std::uint16_t>(Operation::data_column)) tape.output = i;
  });
}

TEST_CASE("random damage is refused or gives a tape, never a crash") {
  const TapeFunction function = example();
  const SerializedTape good = serialize(function.tape, function.output);
  std::mt19937_64 random(3);
  int refused = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    SerializedTape bad = good;
    const auto index = [&](auto& values) { return random() % values.size(); };
    switch (random() % 6) {
      case 0:
        bad.operations[index(bad.operations)] = static_cast<std::uint16_t>(random() % 40);
        break;
      case 1:
        bad.operands[index(bad.operands)] = static_cast<std::uint32_t>(random() % 60);
        break;
      case 2:
        bad.tables[index(bad.tables)] = static_cast<std::int32_t>(random() % 4) - 2;
        break;
      case 3:
        bad.table_shapes[index(bad.table_shapes)] = random();
        break;
      case 4:
        bad.inputs = random() % 8;
        break;
      case 5:
        bad.output = static_cast<std::uint32_t>(random() % 60);
        break;
    }
    try {
      const TapeFunction restored = deserialize(bad);
      make_objective(restored.tape, restored.output);
    } catch (const std::invalid_argument&) {
      ++refused;
    }
  }
  CHECK(refused > 1000);
}
