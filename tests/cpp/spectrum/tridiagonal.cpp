#include "spectrum/tridiagonal.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

TEST_CASE("eigenpairs of the second difference") {
  for (const std::size_t m : {1, 2, 3, 50, 400}) {
    const std::vector<double> diagonal(m, 2.0), beside(m - 1, -1.0);
    const talweg::Tridiagonal t{diagonal, beside};
    CHECK(talweg::bound(t) <= 4.0);
    for (std::size_t j = 0; j < m; j += 1 + m / 7) {
      const double exact = 2.0 - 2.0 * std::cos(std::numbers::pi * static_cast<double>(j + 1) /
                                                static_cast<double>(m + 1));
      const double value = talweg::eigenvalue(t, j);
      CHECK(std::fabs(value - exact) < 4e-15);
      CHECK(talweg::count_below(t, exact - 1e-9) == j);
      CHECK(talweg::count_below(t, exact + 1e-9) == j + 1);
      std::vector<double> v(m);
      talweg::eigenvector(t, value, v.data());
      double square = 0.0;
      for (std::size_t i = 0; i < m; ++i) {
        double sum = (2.0 - value) * v[i];
        if (i > 0) sum -= v[i - 1];
        if (i + 1 < m) sum -= v[i + 1];
        square += sum * sum;
      }
      CHECK(std::sqrt(square) < 2e-14);
    }
  }
}

TEST_CASE("zero matrices and zeros beside the diagonal") {
  const std::vector<double> zero(5, 0.0), none(4, 0.0), numbers{3.0, 1.0, 2.0, 1.0, 5.0};
  CHECK(talweg::eigenvalue({zero, none}, 2) == 0.0);
  const talweg::Tridiagonal t{numbers, none};
  const double sorted[] = {1.0, 1.0, 2.0, 3.0, 5.0};
  for (std::size_t j = 0; j < 5; ++j)
    CHECK(std::fabs(talweg::eigenvalue(t, j) - sorted[j]) < 4e-15);
}
