#include "models/block_check.hpp"

namespace {

using namespace talweg::testing;
using Combination = talweg::Gaussians::Combination;

talweg::Gaussians random_gaussians(Combination combination, std::size_t components, std::size_t n) {
  std::mt19937_64 random(10 * components + n);
  talweg::Gaussians g;
  g.combination = combination;
  g.n = n;
  g.amplitudes = random_vector(random, components, -1.0, 1.0);
  g.means = random_vector(random, components * n, -1.0, 1.0);
  g.precisions = random_vector(random, components * n * n, -0.2, 0.2);
  for (std::size_t k = 0; k < components; ++k) {
    double* const p = &g.precisions[k * n * n];
    for (std::size_t i = 0; i < n; ++i) {
      p[i * n + i] += 1.0;
      for (std::size_t j = 0; j < i; ++j) p[i * n + j] = p[j * n + i];
    }
  }
  return g;
}

struct Formula {
  talweg::Gaussians g;
  template <class Point>
  auto operator()(const Point& x) const {
    using Number = typename Point::value_type;
    const bool logarithm = g.combination == Combination::logarithm;
    Number sum(0.0);
    for (std::size_t k = 0; k < g.amplitudes.size(); ++k) {
      Number q(0.0);
      for (std::size_t i = 0; i < g.n; ++i)
        for (std::size_t j = 0; j < g.n; ++j)
          q += (x[i] - g.means[k * g.n + i]) * (x[j] - g.means[k * g.n + j]) *
               g.precisions[(k * g.n + i) * g.n + j];
      sum += logarithm ? exp(g.amplitudes[k] - 0.5 * q) : g.amplitudes[k] * exp(-(0.5 * q));
    }
    return logarithm ? -log(sum) : sum;
  }
};

}  // namespace

TEST_CASE("Gaussians: derivatives and blocks") {
  for (const Combination combination : {Combination::sum, Combination::logarithm})
    for (const auto& [components, n] :
         {std::pair<std::size_t, std::size_t>{1, 1}, {2, 1}, {3, 2}, {5, 4}, {2, 9}}) {
      CAPTURE(components);
      CAPTURE(n);
      const talweg::Gaussians g = random_gaussians(combination, components, n);
      const auto objective = make_objective(g);
      // Terms of a mixture's third derivative may be far larger than their sum.
      CHECK(greatest_derivative_error(*objective, Formula{g}, -1.5, 1.5, 5) < 1e-12);
      check_blocks(*objective, -1.5, 1.5);
    }
}

TEST_CASE("a mixture does not underflow") {
  const talweg::Gaussians g{Combination::logarithm, 1, {0.0, 0.0}, {-1.0, 1.0}, {1.0, 1.0}};
  const auto objective = make_objective(g);
  for (const double x : {50.0, 1e3, 1e100}) {
    const Quantities at = evaluate_at(*objective, {x}, {1.0}, {1.0});
    CHECK(at.value[0] == doctest::Approx(0.5 * (x - 1.0) * (x - 1.0)).epsilon(1e-14));
    CHECK(at.gradient[0] == doctest::Approx(x - 1.0).epsilon(1e-14));
    CHECK(at.hessian[0] == doctest::Approx(1.0).epsilon(1e-14));
  }
  CHECK(evaluate_at(*objective, {1e200}, {1.0}, {1.0}).value[0] == INFINITY);
}

TEST_CASE("Gaussians that make no sense") {
  talweg::Gaussians g = random_gaussians(Combination::sum, 2, 3);
  g.precisions[1] += 1.0;
  CHECK(begins_with(refusal(g), "precisions: want a symmetric matrix"));
  g.means.pop_back();
  CHECK(begins_with(refusal(g), "means: want 6 numbers, got 5"));
  g.amplitudes.clear();
  CHECK(begins_with(refusal(g), "amplitudes: want at least 1, got 0"));
}
