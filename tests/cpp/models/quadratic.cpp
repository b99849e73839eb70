#include "models/block_check.hpp"

namespace {

using namespace talweg::testing;

talweg::Quadratic random_quadratic(std::size_t n, bool dense, bool cubic) {
  std::mt19937_64 random(n);
  talweg::Quadratic q;
  q.n = n;
  q.matrix = random_vector(random, dense ? n * n : n, -1.0, 1.0);
  for (std::size_t i = 0; dense && i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) q.matrix[i * n + j] = q.matrix[j * n + i];
  q.linear = random_vector(random, n, -1.0, 1.0);
  q.centre = random_vector(random, n, -1.0, 1.0);
  q.constant = 0.25;
  if (cubic)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j)
        for (std::size_t k = 0; k <= j; ++k)
          if ((i + 2 * j + 3 * k) % 4 != 1)
            q.cubic.push_back({j, i, k, random_vector(random, 1, -1.0, 1.0)[0]});
  return q;
}

// Sums over all indices, one by one.
struct Formula {
  talweg::Quadratic q;
  template <class Point>
  auto operator()(const Point& x) const {
    using Number = typename Point::value_type;
    const std::size_t n = q.n;
    const bool dense = q.matrix.size() != n;
    std::vector<Number> d;
    for (std::size_t i = 0; i < n; ++i) d.push_back(x[i] - q.centre[i]);
    Number sum(q.constant);
    for (std::size_t i = 0; i < n; ++i) {
      sum += q.linear[i] * d[i];
      for (std::size_t j = 0; j < n; ++j)
        if (dense || i == j) sum += 0.5 * (dense ? q.matrix[i * n + j] : q.matrix[i]) * d[i] * d[j];
    }
    for (const auto& c : q.cubic) {
      const double orders = c.i == c.j && c.j == c.k                 ? 1.0
                            : c.i == c.j || c.j == c.k || c.i == c.k ? 3.0
                                                                     : 6.0;
      sum += orders / 6.0 * c.value * d[c.i] * d[c.j] * d[c.k];
    }
    return sum;
  }
};

}  // namespace

TEST_CASE("quadratic and cubic functions: derivatives and blocks") {
  for (const std::size_t n : {1, 2, 5, 9})
    for (const bool dense : {false, true})
      for (const bool cubic : {false, true}) {
        CAPTURE(n);
        CAPTURE(dense);
        CAPTURE(cubic);
        const talweg::Quadratic q = random_quadratic(n, dense, cubic);
        const auto objective = make_objective(q);
        CHECK(greatest_derivative_error(*objective, Formula{q}, -2.0, 2.0, 5) < 1e-13);
        check_blocks(*objective, -2.0, 2.0);
      }
}

TEST_CASE("quadratic functions that make no sense") {
  talweg::Quadratic q = random_quadratic(3, true, true);
  q.matrix[1] += 1.0;
  CHECK(begins_with(refusal(q), "matrix: want a symmetric matrix"));
  q.matrix.resize(4);
  CHECK(begins_with(refusal(q), "matrix: want 3 numbers on the diagonal or 9 in full, got 4"));
  q = random_quadratic(3, false, true);
  q.cubic.push_back({0, 1, 3, 1.0});
  CHECK(begins_with(refusal(q), "cubic: want indices below 3, got (0, 1, 3)"));
  q.cubic = {{0, 1, 2, 1.0}, {2, 1, 0, 1.0}};
  CHECK(begins_with(refusal(q), "cubic: the combination (2, 1, 0) is there twice"));
  q.cubic = {};
  q.linear.pop_back();
  CHECK(begins_with(refusal(q), "linear: want 3 numbers, got 2"));
}
