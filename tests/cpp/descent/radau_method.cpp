// Order conditions, which determine the method.
#include "descent/radau_method.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

using talweg::radau_method;
using talweg::RadauMethod;

TEST_CASE("Radau IIA: collocation integrates polynomials up to its nodes") {
  const RadauMethod& m = radau_method();
  for (std::size_t i = 0; i < RadauMethod::stages; ++i) {
    for (int power = 0; power < 5; ++power) {
      double sum = 0.0;
      for (std::size_t j = 0; j < RadauMethod::stages; ++j)
        sum += m.a[i][j] * std::pow(m.node[j], power);
      CHECK(sum == doctest::Approx(std::pow(m.node[i], power + 1) / (power + 1)).epsilon(1e-14));
    }
  }
}

TEST_CASE("Radau IIA: the last row has order 9 and no more") {
  const RadauMethod& m = radau_method();
  CHECK(m.node[4] == 1.0);
  for (int power = 0; power <= 9; ++power) {
    double sum = 0.0;
    for (std::size_t j = 0; j < RadauMethod::stages; ++j)
      sum += m.a[4][j] * std::pow(m.node[j], power);
    const double error = std::fabs(sum - 1.0 / (power + 1));
    if (power < 9)
      CHECK(error < 1e-15);
    else
      CHECK(error > 1e-7);
  }
}

TEST_CASE("Radau IIA: inverse, interpolation and extrapolation") {
  const RadauMethod& m = radau_method();
  for (std::size_t i = 0; i < RadauMethod::stages; ++i) {
    for (std::size_t j = 0; j < RadauMethod::stages; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < RadauMethod::stages; ++k) sum += m.a[i][k] * m.inverse[k][j];
      CHECK(std::fabs(sum - (i == j ? 1.0 : 0.0)) < 1e-13);
    }
  }
  const auto polynomial = [](double x, int degree) {
    double value = 1.0;
    for (int i = 0; i < degree; ++i) value = value * x - 0.3 * (i + 1);
    return value;
  };
  double extrapolated = 0.0;
  for (std::size_t j = 0; j < RadauMethod::stages; ++j)
    extrapolated += m.at_start[j] * polynomial(m.node[j], 4);
  CHECK(extrapolated == doctest::Approx(polynomial(0.0, 4)).epsilon(1e-12));
  for (const double theta : {0.0, 0.1, 0.77, 1.0, 1.9}) {
    double basis[RadauMethod::stages + 1], sum = 0.0;
    m.basis(theta, basis);
    for (std::size_t j = 0; j <= RadauMethod::stages; ++j)
      sum += basis[j] * polynomial(j == 0 ? 0.0 : m.node[j - 1], 5);
    CHECK(sum == doctest::Approx(polynomial(theta, 5)).epsilon(1e-11));
  }
}
