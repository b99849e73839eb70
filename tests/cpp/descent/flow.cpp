// Gradient flow where the answer is a formula.
#include "talweg/flow.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <vector>

#include "talweg/interrupt.hpp"
#include "talweg/record.hpp"

using namespace talweg;

namespace {

const double infinity = std::numeric_limits<double>::infinity();

auto bowl() {
  return record([](auto x) { return 0.5 * x[0] * x[0] + 2.0 * x[1] * x[1]; }, 2);
}

std::vector<double> ring(std::size_t count) {
  std::vector<double> points;
  for (std::size_t i = 0; i < count; ++i) {
    points.push_back(std::cos(0.1 + static_cast<double>(i)));
    points.push_back(std::sin(0.1 + static_cast<double>(i)));
  }
  return points;
}

}  // namespace

TEST_CASE("flow: exponentials, by every method, at times inside steps") {
  const auto f = bowl();
  const std::vector<double> starts = ring(77), times{0.0, 0.3, 1.1, 2.0};
  for (const FlowMethod method :
       {FlowMethod::automatic, FlowMethod::dormand_prince, FlowMethod::radau}) {
    FlowOptions options;
    options.method = method;
    options.log_volume = true;
    const FlowResult found = flow(*f, starts, times, options);
    for (std::size_t t = 0; t < times.size(); ++t) {
      for (std::size_t l = 0; l < 77; ++l) {
        const double* const x = found.x.data() + (t * 77 + l) * 2;
        CHECK(std::fabs(x[0] - starts[2 * l] * std::exp(-times[t])) < 1e-9);
        CHECK(std::fabs(x[1] - starts[2 * l + 1] * std::exp(-4.0 * times[t])) < 1e-9);
        CHECK(found.log_volume[t * 77 + l] == doctest::Approx(-5.0 * times[t]).epsilon(1e-9));
      }
    }
    for (const Status status : found.status) CHECK(status == Status::max_time);
    for (std::size_t l = 0; l < 77; ++l)
      CHECK((found.implicit_steps[l] > 0) == (method == FlowMethod::radau));
  }
}

TEST_CASE("flow: the number of workers changes no bit") {
  const auto f = record([](auto x) { return pow(x[0], 4) + x[0] * x[1] + x[1] * x[1]; }, 2);
  const std::vector<double> starts = ring(1500), times{0.2, 1.0};
  FlowOptions options;
  const FlowResult one = flow(*f, starts, times, options);
  options.workers = 3;
  const FlowResult three = flow(*f, starts, times, options);
  CHECK(one.x == three.x);
  CHECK(one.steps == three.steps);
}

TEST_CASE("flow: what a minimum's third derivatives say") {
  const auto f = record([](auto x) { return 0.5 * x[0] * x[0] + pow(x[0], 3) / 6.0; }, 1);
  const FlowMinimum minimum = describe_minimum(*f, std::vector{0.0}, 10.0);
  CHECK(minimum.third == doctest::Approx(1.0));
  CHECK(minimum.radius == doctest::Approx(1.0).epsilon(1e-3));
  CHECK(minimum.linear_error(0.5) == doctest::Approx(0.25));
  CHECK(std::isinf(minimum.linear_error(1.0)));
  // x' = -x - x^2/2: 1/x grows by exp(t) from 1/x0 + 1/2, less 1/2.
  const double x0 = 0.25;
  for (const double t : {0.1, 0.7, 2.0, 8.0}) {
    const double x = 1.0 / ((1.0 / x0 + 0.5) * std::exp(t) - 0.5);
    CHECK(std::fabs(x - x0 * std::exp(-t)) <= minimum.linear_error(x0));
  }
  const FlowMinimum saddle = describe_minimum(
      *record([](auto x) { return x[0] * x[0] - x[1] * x[1]; }, 2), std::vector{0.0, 0.0}, 1.0);
  CHECK(saddle.radius == 0.0);
}

TEST_CASE("flow: balls end trajectories, and infinity needs an end") {
  const auto f = bowl();
  FlowOptions options;
  CHECK_THROWS_AS(flow(*f, std::vector{1.0, 0.0}, std::vector{infinity}, options),
                  std::invalid_argument);
  options.centres = {0.0, 0.0};
  options.radii = {0.1};
  const FlowResult found = flow(*f, std::vector{1.0, 0.0}, std::vector{infinity}, options);
  CHECK(found.status[0] == Status::entered_ball);
  CHECK(found.ball_time[0] == doctest::Approx(std::log(10.0)).epsilon(1e-9));
}

TEST_CASE("flow: unusable options are refused") {
  const auto f = bowl();
  const std::vector<double> start{1.0, 1.0}, time{1.0};
  FlowOptions options;
  options.rtol = -1.0;
  CHECK_THROWS_AS(flow(*f, start, time, options), std::invalid_argument);
  options = {};
  options.radii = {1.0};
  CHECK_THROWS_AS(flow(*f, start, time, options), std::invalid_argument);
  options = {};
  CHECK_THROWS_AS(flow(*f, std::vector{1.0}, time, options), std::invalid_argument);
  CHECK_THROWS_AS(flow(*f, start, std::vector{1.0, 0.5}, options), std::invalid_argument);
  CHECK_THROWS_AS(flow(*f, start, std::vector<double>{}, options), std::invalid_argument);
  CHECK_THROWS_AS(describe_minimum(*f, std::vector{1.0}, 1.0), std::invalid_argument);
}

TEST_CASE("flow: an interrupt leaves statuses that say so") {
  const auto f = bowl();
  const InterruptScope scope([](void*) { return true; });
  const_cast<InterruptScope&>(scope).trigger();
  const FlowResult found = flow(*f, ring(10), std::vector{1.0});
  CHECK(found.status_of_all == Status::interrupted);
  for (const Status status : found.status) CHECK(status == Status::interrupted);
}
