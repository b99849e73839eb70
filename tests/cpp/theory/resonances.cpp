#include "talweg/resonances.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

namespace {

using talweg::Resonance;

TEST_CASE("resonances of a flow are integer relations between eigenvalues") {
  const std::vector<double> eigenvalues{5.0, 1.0, 2.0};  // any order
  const talweg::Resonances result =
      talweg::flow_resonances(eigenvalues, {.max_order = 5, .tolerance = 1e-12});
  CHECK(result.status == talweg::Status::converged);
  CHECK(result.complete_order == 5);
  // 2 = 1 + 1, and 5 as a sum of ones and twos.
  CHECK(result.found.size() == 4);
  for (const Resonance& one : result.found) {
    double sum = 0.0;
    for (const auto j : one.powers) sum += eigenvalues[j];
    CHECK(sum == eigenvalues[one.index]);
    CHECK(one.gap == 0.0);
  }
}

TEST_CASE("signs of multipliers count, and zeros are left out") {
  const std::vector<double> multipliers{0.5, -0.25, 0.0, 0.25};
  const talweg::Resonances result =
      talweg::map_resonances(multipliers, {.max_order = 2, .tolerance = 1e-12});
  REQUIRE(result.found.size() == 1);
  CHECK(result.found[0].index == 3);
  CHECK(result.found[0].powers == std::vector<std::uint16_t>{0, 0});
}

TEST_CASE("a saddle's relations need no order of their terms") {
  const std::vector<double> eigenvalues{-3.0, 1.0, 2.0};
  const talweg::Resonances result =
      talweg::flow_resonances(eigenvalues, {.max_order = 3, .tolerance = 1e-12});
  for (const Resonance& one : result.found) {
    double sum = 0.0;
    for (const auto j : one.powers) sum += eigenvalues[j];
    CHECK(std::abs(sum - eigenvalues[one.index]) < 1e-12);
  }
  // 2 = 1 + 1; 1 = -3 + 2 + 2; and with 1 + 2 - 3 = 0 nothing of order 3 but -3 + 2 + 2.
  CHECK(result.found.size() == 2);
}

TEST_CASE("senseless arguments are refused") {
  CHECK_THROWS_AS(talweg::flow_resonances({}), std::invalid_argument);
  const std::vector<double> one{1.0};
  CHECK_THROWS_AS(talweg::flow_resonances(one, {.max_order = 1}), std::invalid_argument);
  CHECK_THROWS_AS(talweg::map_resonances(one, {.tolerance = 1.0}), std::invalid_argument);
}

}  // namespace
