#include "talweg/descent.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include "talweg/interrupt.hpp"
#include "talweg/record.hpp"

namespace {

using talweg::DescentArrays;
using talweg::DescentOptions;
using talweg::Status;

auto bowl() {
  return talweg::record([](auto x) { return (x[0] * x[0] + 3.0 * x[1] * x[1]) / 2.0; }, 2);
}

struct Run {
  explicit Run(std::size_t count) : x(2 * count), steps(count), statuses(count), volume(count) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(1.0 + static_cast<double>(i));
  }
  Status go(const talweg::Objective& f, const DescentOptions& options) {
    DescentArrays arrays;
    arrays.x = x.data();
    arrays.steps = steps.data();
    arrays.statuses = statuses.data();
    arrays.log_volume = volume.data();
    return talweg::descend(f, steps.size(), arrays, options);
  }
  std::vector<double> x;
  std::vector<std::uint64_t> steps;
  std::vector<Status> statuses;
  std::vector<double> volume;
};

TEST_CASE("descent of a quadratic multiplies by its factors") {
  const auto f = bowl();
  Run run(37);
  const std::vector<double> start = run.x;
  CHECK(run.go(*f, {.step_length = 0.1, .steps = 50}) == Status::converged);
  for (std::size_t k = 0; k < 37; ++k) {
    CHECK(run.x[2 * k] == doctest::Approx(start[2 * k] * std::pow(0.9, 50)).epsilon(1e-12));
    CHECK(run.x[2 * k + 1] == doctest::Approx(start[2 * k + 1] * std::pow(0.7, 50)).epsilon(1e-12));
    CHECK(run.volume[k] == doctest::Approx(50 * std::log(0.63)).epsilon(1e-12));
    CHECK(run.statuses[k] == Status::max_steps);
    CHECK(run.steps[k] == 50);
  }
}

TEST_CASE("results do not depend on threads or on how many descend") {
  const auto f = bowl();
  const DescentOptions options{.step_length = 0.05,
                               .steps = 200,
                               .momentum = 0.3,
                               .noise = 0.01,
                               .seed = 5,
                               .gradient_tolerance = 0.05};
  Run many(5000), few(13);
  DescentOptions threads = options;
  threads.workers = 3;
  many.go(*f, threads);
  few.go(*f, options);
  for (std::size_t i = 0; i < few.x.size(); ++i) CHECK(few.x[i] == many.x[i]);
  for (std::size_t k = 0; k < 13; ++k) CHECK(few.steps[k] == many.steps[k]);
}

TEST_CASE("an interrupted descent keeps what was reached") {
  const auto f = bowl();
  Run run(3);
  talweg::InterruptScope scope([](void*) { return true; });
  scope.trigger();
  CHECK(run.go(*f, {.step_length = 0.1, .steps = 1000000}) == Status::interrupted);
  CHECK(run.statuses[0] == Status::interrupted);
  CHECK(std::isfinite(run.x[0]));
}

TEST_CASE("senseless options of a descent are refused") {
  const auto f = bowl();
  Run run(1);
  CHECK_THROWS_AS(run.go(*f, {.step_length = -1.0}), std::invalid_argument);
  CHECK_THROWS_AS(run.go(*f, {.step_length = 1.0, .momentum = 1.0}), std::invalid_argument);
  CHECK_THROWS_AS(run.go(*f, {.step_length = 1.0, .noise = NAN}), std::invalid_argument);
}

}  // namespace
