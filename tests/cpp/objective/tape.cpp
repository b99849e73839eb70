#include "talweg/tape.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

using namespace talweg;

TEST_CASE("equal operations are stored once") {
  Tape tape(2);
  const Node x = tape.input(0), y = tape.input(1);
  CHECK(tape.add(x, y) == tape.add(y, x));
  CHECK(tape.multiply(x, y) == tape.multiply(y, x));
  CHECK(tape.subtract(x, y) != tape.subtract(y, x));
  CHECK(tape.constant(0.0) == tape.constant(-0.0));
  CHECK(tape.apply(Operation::exp, x) == tape.apply(Operation::exp, x));
  CHECK(tape.operations() == 5);
}

TEST_CASE("operations on constants are done while recording") {
  Tape tape(1);
  const Node result =
      tape.apply(Operation::exp, tape.divide(tape.constant(1.0), tape.constant(4.0)));
  REQUIRE(tape.is_constant(result));
  CHECK(tape.entry(result).value == std::exp(0.25));
  CHECK(tape.operations() == 0);
}

TEST_CASE("simplifications") {
  Tape tape(2);
  const Node x = tape.input(0), y = tape.input(1), zero = tape.constant(0.0),
             one = tape.constant(1.0);
  CHECK(tape.add(x, zero) == x);
  CHECK(tape.subtract(x, zero) == x);
  CHECK(tape.multiply(one, x) == x);
  CHECK(tape.divide(x, one) == x);
  CHECK(tape.scale(x, -1.0) == tape.negate(x));
  CHECK(tape.negate(tape.negate(x)) == x);
  CHECK(tape.subtract(x, tape.negate(y)) == tape.add(x, y));
  CHECK(tape.negate(tape.subtract(x, y)) == tape.subtract(y, x));
  CHECK(tape.multiply(tape.negate(x), tape.negate(y)) == tape.multiply(x, y));
  CHECK(tape.scale(tape.scale(x, 2.0), 3.0) == tape.scale(x, 6.0));
  CHECK(tape.add(x, x) == tape.scale(x, 2.0));
  CHECK(tape.subtract(x, x) == zero);
  CHECK(tape.multiply(x, x) == tape.power(x, 2.0));
  CHECK(tape.multiply(tape.power(x, 2.0), x) == tape.power(x, 3.0));
  CHECK(tape.power(x, 0.5) == tape.apply(Operation::sqrt, x));
  CHECK(tape.power(x, -1.0) == tape.divide(one, x));
  CHECK(tape.power(x, 0.0) == one);
  CHECK(tape.divide(x, tape.constant(4.0)) == tape.scale(x, 0.25));
  CHECK(tape.scale(x, 0.0) == zero);
}

TEST_CASE("simplifications keep infinities, NaN and rounding") {
  Tape tape(1);
  const Node x = tape.input(0), zero = tape.constant(0.0);
  // 0 / 0 and 0 * inf are possible, so these are no zeros.
  const Node reciprocal = tape.divide(tape.constant(1.0), x);
  CHECK(tape.scale(reciprocal, 0.0) != zero);
  CHECK(tape.subtract(reciprocal, reciprocal) != zero);
  CHECK_FALSE(tape.is_constant(tape.divide(x, x)));
  // 1e300 * 1e300 overflows where the product with a small x does not.
  const Node product = tape.scale(tape.scale(x, 1e300), 1e300);
  CHECK(tape.entry(product).operands[0] == tape.scale(x, 1e300));
  // Not a multiple of the rounded 1 / 3.
  CHECK(tape.entry(tape.divide(x, tape.constant(3.0))).operation == Operation::divide);
  // Sums keep their order: (x + 1e16) - 1e16 is not x.
  CHECK(tape.add(tape.add(x, tape.constant(1e16)), tape.constant(-1e16)) != x);
}

TEST_CASE("sums over rows") {
  Tape tape(2);
  const std::vector<double> data{1.0, 2.0, 3.0, 10.0, 20.0, 30.0};
  const std::int32_t table = tape.add_table(3, 2, data);
  const Node x = tape.input(0), d = tape.data_column(table, 0), e = tape.data_column(table, 1);
  CHECK(tape.is_row(tape.multiply(d, x)));
  CHECK_FALSE(tape.is_row(
      tape.sum_rows(tape.multiply(tape.apply(Operation::exp, tape.multiply(d, x)), e))));
  SUBCASE("of data alone are constants") {
    const Node sum = tape.sum_rows(tape.multiply(d, e));
    REQUIRE(tape.is_constant(sum));
    CHECK(tape.entry(sum).value == 140.0);
  }
  SUBCASE("leave factors that do not differ between rows outside") {
    const Node sum = tape.sum_rows(tape.multiply(tape.multiply(d, x), tape.input(1)));
    CHECK(sum == tape.multiply(tape.scale(tape.input(1), 6.0), x));
    CHECK(tape.sum_rows(x, table) == tape.scale(x, 3.0));
  }
  SUBCASE("refuse what has no rows") { CHECK_THROWS_AS(tape.sum_rows(x), std::invalid_argument); }
  SUBCASE("refuse rows of two tables") {
    const std::vector<double> other{1.0, 2.0};
    const Node f = tape.data_column(tape.add_table(2, 1, other), 0);
    CHECK_THROWS_AS(tape.add(d, f), std::invalid_argument);
  }
}

TEST_CASE("recordings end at their limit") {
  Tape tape(1, 10);
  Node node = tape.input(0);
  const auto record_many = [&] {
    for (int i = 0; i < 11; ++i) node = tape.apply(Operation::sin, node);
  };
  CHECK_THROWS_AS(record_many(), RecordingLimit);
  CHECK(tape.operations() == 10);
}

TEST_CASE("misuse is refused") {
  CHECK_THROWS_AS(Tape(0), std::invalid_argument);
  Tape tape(1);
  CHECK_THROWS_AS(tape.input(1), std::invalid_argument);
  CHECK_THROWS_AS(tape.apply(Operation::add, 0), std::invalid_argument);
  CHECK_THROWS_AS(tape.apply(Operation::sin, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(tape.apply(Operation::sin, 17), std::invalid_argument);
  CHECK_THROWS_AS(tape.apply(Operation::input, no_node), std::invalid_argument);
}

TEST_CASE("operations on numbers agree with the C library and with NumPy's conventions") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(apply(Operation::minimum, 1.0, nan)));
  CHECK(std::isnan(apply(Operation::maximum, nan, 1.0)));
  CHECK(apply(Operation::sigmoid, -800.0) == 0.0);
  CHECK(apply(Operation::sigmoid, 800.0) == 1.0);
  CHECK(apply(Operation::sign, -0.0) == 0.0);
  CHECK(std::isnan(apply(Operation::sign, nan)));
  CHECK(apply(Operation::select, 0.0, 1.0, 2.0) == 2.0);
  for (std::size_t i = 0; i < operation_count; ++i)
    CHECK(std::string(name(static_cast<Operation>(i))).size() > 2);
}
