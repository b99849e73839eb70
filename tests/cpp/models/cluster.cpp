#include "models/block_check.hpp"

namespace {

using namespace talweg::testing;
using Pair = talweg::Cluster::Pair;

struct Formula {
  talweg::Cluster c;
  template <class Point>
  auto operator()(const Point& x) const {
    using Number = typename Point::value_type;
    Number sum(0.0);
    for (std::size_t i = 0; i < c.atoms; ++i)
      for (std::size_t j = 0; j < i; ++j) {
        Number square(0.0);
        for (std::size_t a = 0; a < 3; ++a) {
          const Number d = x[3 * i + a] - x[3 * j + a];
          square += d * d;
        }
        const Number r = sqrt(square);
        if (c.pair == Pair::lennard_jones) {
          sum += 4.0 * c.depth * (pow(c.length / r, 12) - pow(c.length / r, 6));
        } else {
          const Number e = exp(-c.steepness * (r - c.length));
          sum += c.depth * (e * e - 2.0 * e);
        }
      }
    return sum;
  }
};

// Atoms on a line with some room to move, so that none come close.
std::vector<double> loose_cluster(std::mt19937_64& random, std::size_t atoms) {
  std::vector<double> x = random_vector(random, 3 * atoms, -0.3, 0.3);
  for (std::size_t i = 0; i < atoms; ++i) x[3 * i] += 1.3 * static_cast<double>(i);
  return x;
}

}  // namespace

TEST_CASE("clusters: derivatives") {
  for (const Pair pair : {Pair::lennard_jones, Pair::morse})
    for (const std::size_t atoms : {2, 3, 5}) {
      CAPTURE(atoms);
      const talweg::Cluster c{pair, atoms, 1.3, 0.9, 4.0};
      const auto objective = make_objective(c);
      std::mt19937_64 random(atoms);
      for (int i = 0; i < 5; ++i)
        CHECK(derivative_error(*objective, Formula{c}, loose_cluster(random, atoms),
                               random_vector(random, 3 * atoms, -1.0, 1.0),
                               random_vector(random, 3 * atoms, -1.0, 1.0)) < 1e-13);
    }
}

TEST_CASE("clusters: lanes do not depend on the block") {
  for (const Pair pair : {Pair::lennard_jones, Pair::morse})
    check_blocks(*make_objective(talweg::Cluster{pair, 4, 1.0, 1.0, 6.0}), -1.0, 1.0);
}

TEST_CASE("coincident atoms spoil their own lane only") {
  for (const Pair pair : {Pair::lennard_jones, Pair::morse}) {
    const auto objective = make_objective(talweg::Cluster{pair, 3, 1.0, 1.0, 6.0});
    BlockArrays arrays(9, 6);
    std::mt19937_64 random(1);
    for (std::size_t lane = 0; lane < 6; ++lane) {
      std::vector<double> x = loose_cluster(random, 3);
      if (lane == 2) std::copy_n(x.begin(), 3, x.begin() + 6);
      for (std::size_t i = 0; i < 9; ++i) arrays.x[i * arrays.stride + lane] = x[i];
    }
    objective->evaluate(every_quantity, arrays.block(every_quantity));
    for (std::size_t lane = 0; lane < 6; ++lane) {
      CHECK(std::isfinite(arrays.gradient[lane]) == (lane != 2));
      CHECK(std::isfinite(arrays.hessian[lane]) == (lane != 2));
      CHECK(std::isfinite(arrays.third[lane]) == (lane != 2));
    }
    if (pair == Pair::lennard_jones) CHECK(arrays.value[2] == INFINITY);
  }
}

TEST_CASE("clusters that make no sense") {
  CHECK(begins_with(refusal(talweg::Cluster{Pair::morse, 1}), "atoms: want at least 2, got 1"));
  CHECK(begins_with(refusal(talweg::Cluster{Pair::morse, 3, 0.0}), "depth: want a finite number"));
  CHECK(begins_with(refusal(talweg::Cluster{Pair::morse, 3, 1.0, NAN}), "length: "));
  CHECK(begins_with(refusal(talweg::Cluster{Pair::morse, 3, 1.0, 1.0, -1.0}), "steepness: "));
}
