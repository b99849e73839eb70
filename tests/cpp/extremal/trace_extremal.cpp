#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "talweg/critical_points.hpp"
#include "talweg/extremal.hpp"
#include "talweg/record.hpp"

using namespace talweg;

namespace {

const auto toy = [](auto x) {
  return (x[0] * x[0] + 2.0 * x[1] * x[1]) / 2.0 + x[0] * x[0] * x[1] / 2.0;
};

// A ring of double wells: the uniform direction is a gradient extremal by symmetry.
const auto ring = [](auto x) {
  auto sum = x[0] * 0.0;
  for (int i = 0; i < 6; ++i) {
    const auto well = x[i] * x[i] - 1.0, bond = x[(i + 1) % 6] - x[i];
    sum += well * well / 4.0 + 0.1 * bond * bond;
  }
  return sum;
};

TracerOptions options_with(double max_step, double half_width, std::size_t n) {
  TracerOptions options;
  options.max_step = max_step;
  options.max_points = 100000;
  options.lower.assign(n, -half_width);
  options.upper.assign(n, half_width);
  return options;
}

std::vector<CurveEvent> of_kind(const Curve& curve, EventKind kind) {
  std::vector<CurveEvent> result;
  for (const CurveEvent& event : curve.events) {
    if (event.kind == kind) result.push_back(event);
  }
  return result;
}

}  // namespace

TEST_CASE("the talweg of the toy surface, at any step") {
  const auto f = record(toy, 2);
  const std::array start{0.0, 0.0};
  for (double max_step : {0.004, 0.05, 0.4}) {
    const Curve curve = trace_extremal(*f, start, 0, 1, options_with(max_step, 3.0, 2));
    CHECK(curve.status == Status::boundary);
    for (std::size_t k = 0; k < curve.points(); ++k) {
      const double x = curve.z[6 * k], y = curve.z[6 * k + 1];
      const double formula = 3.0 + y * y - (y + 1.0) * std::sqrt((1.0 - y) * (9.0 - y));
      CHECK(std::fabs(x * x - formula) < 1e-10);
      CHECK(curve.slope_index[k] == 0);
      CHECK(curve.residual[k] <= 1e-11);
    }
    const auto passed = of_kind(curve, EventKind::critical_point);
    REQUIRE(passed.size() == 1);
    CHECK(passed[0].point.z[0] == doctest::Approx(2.0).epsilon(1e-13));
    CHECK(passed[0].point.z[1] == doctest::Approx(-1.0).epsilon(1e-13));
    CHECK(morse_index(passed[0], 2) == 1);
  }
}

TEST_CASE("the stiff branch of the toy surface runs through its branch points") {
  const auto f = record(toy, 2);
  const std::array start{0.0, 0.0};
  for (double max_step : {0.01, 0.1, 0.7}) {
    for (int sign : {1, -1}) {
      const Curve curve = trace_extremal(*f, start, 1, sign, options_with(max_step, 3.0, 2));
      CHECK(curve.status == Status::boundary);
      for (std::size_t k = 0; k < curve.points(); ++k) CHECK(std::fabs(curve.z[6 * k]) < 1e-9);
      const auto points = of_kind(curve, EventKind::branch_point);
      REQUIRE(points.size() == 1);
      const double y = sign > 0 ? std::sqrt(2.0) - 1.0 : -1.0 - std::sqrt(2.0);
      CHECK(points[0].point.z[1] == doctest::Approx(y).epsilon(1e-12));
      CHECK(points[0].kernel_dimension == 1);
      CHECK(points[0].crossing_tangents.size() == 12);
    }
  }
}

TEST_CASE("branch points with an even kernel are seen and passed") {
  const auto f = record(ring, 6);
  const std::vector<double> start(6, 1.0);
  const Curve curve = trace_extremal(*f, start, 0, -1, options_with(0.05, 1.2, 6));
  CHECK(curve.status == Status::boundary);
  const auto points = of_kind(curve, EventKind::branch_point);
  // With w = 0.2 (2 - 2 cos k), L vanishes on mode k where 6 s^4 + (3 w - 6) s^2 + w^2 - w = 0;
  // waves k and -k come together.
  std::vector<std::pair<double, int>> expected;
  for (int k = 1; k <= 3; ++k) {
    const double w = 0.4 * (1.0 - std::cos(k * std::acos(-1.0) / 3.0)), half = 3.0 * w - 6.0;
    const double root = std::sqrt(half * half - 24.0 * (w * w - w));
    const double square = (-half + root) / 12.0;
    for (double sign : {1.0, -1.0}) expected.push_back({sign * std::sqrt(square), k == 3 ? 1 : 2});
  }
  std::sort(expected.rbegin(), expected.rend());
  REQUIRE(points.size() == expected.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(points[i].kernel_dimension == expected[i].second);
    CHECK(std::fabs(points[i].point.z[0] - expected[i].first) < 1e-5);
  }
}

TEST_CASE("curves are the same bits on any number of threads and lanes") {
  const auto f = record(toy, 2);
  std::vector<CurveStart> starts;
  const TracerOptions options = options_with(0.03, 3.0, 2);
  for (const auto& x : {std::array{0.0, 0.0}, {2.0, -1.0}, {-2.0, -1.0}}) {
    for (std::size_t branch : {0, 1}) {
      for (int sign : {1, -1}) {
        const ExtremalStart start = start_extremal(*f, x, branch, sign, {}, options);
        REQUIRE(start.status == Status::converged);
        CHECK(start.at_critical_point);
        starts.push_back(start.start);
      }
    }
  }
  const auto one = trace_extremals(*f, starts, options, 1, 1);
  for (std::size_t workers : {1, 2, 5}) {
    for (std::size_t lanes : {1, 3, 64}) {
      const auto several = trace_extremals(*f, starts, options, workers, lanes);
      REQUIRE(several.size() == one.size());
      for (std::size_t i = 0; i < one.size(); ++i) {
        CHECK(several[i].z == one[i].z);
        CHECK(several[i].tangent == one[i].tangent);
        CHECK(several[i].events.size() == one[i].events.size());
      }
    }
  }
}

TEST_CASE("starts that can not be used") {
  const auto f = record(toy, 2);
  const TracerOptions options = options_with(0.1, 3.0, 2);
  const std::array three{0.0, 0.0, 0.0};
  const std::array two{0.0, 0.0};
  CHECK_THROWS_AS(start_extremal(*f, three, 0, 1, {}, options), std::invalid_argument);
  CHECK_THROWS_AS(start_extremal(*f, two, 2, 1, {}, options), std::invalid_argument);
  CHECK_THROWS_WITH_AS(start_extremal(*f, two, 0, 7, {}, options), "sign must be 1 or -1, not 7",
                       std::invalid_argument);
  const std::array nowhere{0.0, std::numeric_limits<double>::quiet_NaN()};
  CHECK_THROWS_WITH_AS(start_extremal(*f, nowhere, 0, 1, {}, options), "x0[1] must be finite",
                       std::invalid_argument);
  const std::array away{0.0, 9.0};
  CHECK_THROWS_WITH_AS(trace_extremal(*f, away, 0, 1, options),
                       "x0[1] = 9.000000 lies outside the box, -3.000000 to 3.000000",
                       std::invalid_argument);
  const auto bowl = record([](auto x) { return x[0] * x[0] + x[1] * x[1]; }, 2);
  CHECK(start_extremal(*bowl, two, 0, 1, {}, options).status == Status::isotropic);
  CHECK(trace_extremal(*bowl, two, 0, 1, options).points() == 0);
  const auto root = record([](auto x) { return sqrt(x[0]) + x[1] * x[1]; }, 2);
  const std::array negative{-1.0, 0.5};
  CHECK(start_extremal(*root, negative, 0, 1, {}, options).status == Status::non_finite);
}
