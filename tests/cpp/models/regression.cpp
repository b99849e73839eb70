#include "models/block_check.hpp"

namespace {

using namespace talweg::testing;
using Loss = talweg::Regression::Loss;

talweg::Regression random_regression(Loss loss, std::size_t rows, std::size_t columns) {
  std::mt19937_64 random(rows * 100 + columns);
  talweg::Regression r;
  r.loss = loss;
  r.rows = rows;
  r.columns = columns;
  r.data = random_vector(random, rows * columns, -2.0, 2.0);
  r.targets = random_vector(random, rows, -1.0, 1.0);
  if (loss == Loss::logistic)
    for (double& y : r.targets) y = y < 0.0 ? -1.0 : 1.0;
  r.ridge = random_vector(random, columns, 0.0, 1.0);
  return r;
}

struct Formula {
  talweg::Regression r;
  template <class Point>
  auto operator()(const Point& w) const {
    using Number = typename Point::value_type;
    Number sum(0.0);
    for (std::size_t i = 0; i < r.rows; ++i) {
      Number product(0.0);
      for (std::size_t j = 0; j < r.columns; ++j) product += r.data[i * r.columns + j] * w[j];
      if (r.loss == Loss::logistic) {
        sum += log1p(exp(-(r.targets[i] * product)));
      } else {
        const Number residual = product - r.targets[i];
        sum += 0.5 * residual * residual;
      }
    }
    sum = sum / static_cast<double>(r.rows);
    for (std::size_t j = 0; j < r.columns; ++j) sum += 0.5 * r.ridge[j] * w[j] * w[j];
    return sum;
  }
};

}  // namespace

TEST_CASE("regressions: derivatives and blocks") {
  for (const Loss loss : {Loss::logistic, Loss::squares})
    // Rows around the sizes of blocks and tiles, columns around vectors.
    for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1},
                                        {5, 2},
                                        {48, 3},
                                        {49, 8},
                                        {103, 7},
                                        {60, 14}}) {
      CAPTURE(rows);
      CAPTURE(columns);
      const talweg::Regression r = random_regression(loss, rows, columns);
      const auto objective = make_objective(r);
      CHECK(greatest_derivative_error(*objective, Formula{r}, -1.0, 1.0, 2) < 1e-13);
      check_blocks(*objective, -1.0, 1.0);
    }
}

TEST_CASE("the logistic loss far out") {
  talweg::Regression r;
  r.rows = 2;
  r.columns = 1;
  r.data = {1.0, 2.0};
  r.targets = {-1.0, 1.0};
  const auto objective = make_objective(r);
  for (const double w : {-1e300, -1e5, -746.0, -700.0, 700.0, 746.0, 1e5, 1e300}) {
    CAPTURE(w);
    const Quantities at = evaluate_at(*objective, {w}, {1.0}, {1.0});
    CHECK(at.value[0] == doctest::Approx(w > 0.0 ? w / 2.0 : -w).epsilon(1e-15));
    CHECK(at.gradient[0] == doctest::Approx(w > 0.0 ? 0.5 : -1.0).epsilon(1e-15));
    CHECK(at.hessian[0] >= 0.0);
    CHECK(at.hessian[0] < 1e-300);
    CHECK(std::fabs(at.third[0]) < 1e-300);
  }
}

TEST_CASE("a coordinate that is not finite spoils its own lane only") {
  const auto objective = make_objective(random_regression(Loss::logistic, 20, 3));
  BlockArrays arrays(3, 9), clean(3, 9);
  arrays.x[4] = NAN;
  for (BlockArrays* a : {&arrays, &clean})
    objective->evaluate(every_quantity, a->block(every_quantity));
  CHECK(std::isnan(arrays.value[4]));
  for (std::size_t lane = 0; lane < 9; ++lane)
    if (lane != 4) CHECK(same_bits(arrays.gradient[lane], clean.gradient[lane]));
}

TEST_CASE("regressions that make no sense") {
  talweg::Regression r = random_regression(Loss::logistic, 4, 2);
  r.targets[2] = 0.0;
  CHECK(begins_with(refusal(r), "targets: want +1 or -1, got 0"));
  r.targets.pop_back();
  CHECK(begins_with(refusal(r), "targets: want 4 numbers, got 3"));
  r = random_regression(Loss::squares, 4, 2);
  r.ridge[1] = -0.5;
  CHECK(begins_with(refusal(r), "ridge: want numbers from 0 on, got -0.5"));
  r = random_regression(Loss::squares, 4, 2);
  r.data[3] = INFINITY;
  CHECK(begins_with(refusal(r), "data: want finite numbers, got inf at position 3"));
  CHECK(begins_with(refusal(talweg::Regression{}), "rows: want at least 1"));
}
