#include "models/block_check.hpp"

namespace {

using namespace talweg::testing;

talweg::Polynomial example() {
  return {3, {0.5, -2.0, 1.25, 0.75, -1.5, 3.0, 0.125}, {2, 0, 1, 0, 0, 0, 1, 1, 1, 5, 0,
                                                         0, 0, 3, 0, 0, 1, 0, 7, 2, 3}};
}

}  // namespace

TEST_CASE("a polynomial's derivatives are those of the formula") {
  const auto objective = make_objective(example());
  const auto formula = [](const auto& x) {
    return 0.5 * pow(x[0], 2) * x[2] - 2.0 + 1.25 * x[0] * x[1] * x[2] + 0.75 * pow(x[0], 5) -
           1.5 * pow(x[1], 3) + 3.0 * x[1] + 0.125 * pow(x[0], 7) * pow(x[1], 2) * pow(x[2], 3);
  };
  CHECK(greatest_derivative_error(*objective, formula, -1.5, 1.5) < 1e-14);
}

TEST_CASE("a polynomial's lanes do not depend on the block") {
  check_blocks(*make_objective(example()), -1.5, 1.5);
}

TEST_CASE("polynomials with few terms") {
  const auto zero = make_objective(talweg::Polynomial{2, {}, {}});
  const auto linear = make_objective(talweg::Polynomial{2, {3.0}, {0, 1}});
  const Quantities nothing = evaluate_at(*zero, {1.0, 2.0}, {1.0, 1.0}, {1.0, 1.0});
  const Quantities slope = evaluate_at(*linear, {1.0, 2.0}, {1.0, 1.0}, {1.0, 1.0});
  CHECK(nothing.value[0] == 0.0);
  CHECK((nothing.hessian == std::vector<double>{0.0, 0.0, 0.0}));
  CHECK(slope.value[0] == 6.0);
  CHECK((slope.gradient == std::vector<double>{0.0, 3.0}));
  CHECK((slope.third == std::vector<double>{0.0, 0.0, 0.0}));
  CHECK((slope.third_product == std::vector<double>{0.0, 0.0}));
}

// Rounding grows with the exponent.
TEST_CASE("a great power") {
  const auto objective = make_objective(talweg::Polynomial{1, {1.0}, {1000}});
  const Quantities at = evaluate_at(*objective, {1.001}, {1.0}, {1.0});
  CHECK(at.value[0] == doctest::Approx(std::pow(1.001, 1000)).epsilon(1e-12));
  CHECK(at.third_product[0] ==
        doctest::Approx(1000.0 * 999.0 * 998.0 * std::pow(1.001, 997)).epsilon(1e-12));
}

TEST_CASE("polynomials that make no sense") {
  CHECK(begins_with(refusal(talweg::Polynomial{0, {}, {}}), "n: "));
  CHECK(begins_with(refusal(talweg::Polynomial{2, {1.0}, {1}}), "exponents: want 2 numbers"));
  CHECK(begins_with(refusal(talweg::Polynomial{1, {1.0}, {1001}}), "exponents: want at most 1000"));
  CHECK(begins_with(refusal(talweg::Polynomial{1, {1.0, 2.0}, {3, 3}}),
                    "exponents: terms 0 and 1 have the same"));
  CHECK(begins_with(refusal(talweg::Polynomial{1, {NAN}, {3}}), "coefficients: want finite"));
}
