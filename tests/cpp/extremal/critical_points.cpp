#include "talweg/critical_points.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "talweg/record.hpp"

using namespace talweg;

namespace {

// (x^2 - 1)^2 + y^2: minima at (-1, 0) and (1, 0), a saddle at 0.
const auto wells = [](auto x) {
  const auto well = x[0] * x[0] - 1.0;
  return well * well + x[1] * x[1];
};

CriticalPointOptions box(double half_width, std::size_t n) {
  CriticalPointOptions options;
  options.lower.assign(n, -half_width);
  options.upper.assign(n, half_width);
  return options;
}

}  // namespace

TEST_CASE("all critical points of a double well, in order, the same on any number of threads") {
  const auto f = record(wells, 2);
  for (std::size_t workers : {1, 2, 4}) {
    CriticalPointOptions options = box(2.0, 2);
    options.workers = workers;
    const CriticalPoints found = find_critical_points(*f, {}, options);
    CHECK(found.status == Status::converged);
    REQUIRE(found.points.size() == 3);
    CHECK(found.points[0].x[0] == doctest::Approx(-1.0).epsilon(1e-15));
    CHECK(found.points[1].x[0] == doctest::Approx(1.0).epsilon(1e-15));
    CHECK(std::fabs(found.points[2].x[0]) < 1e-15);
    CHECK(found.points[2].morse_index == 1);
    CHECK(found.points[2].eigenvalues[0] == doctest::Approx(-4.0));
    CHECK(found.points[2].eigenvalues[1] == doctest::Approx(2.0));
    for (const CriticalPoint& point : found.points) {
      CHECK_FALSE(point.degenerate);
      CHECK(point.residual < 1e-14);
      CHECK(point.error < 1e-14);
    }
    CHECK(found.expected_missing < 0.5);
    // Every minimisation ends at one of the two minima, and their estimate is the smaller one.
    CHECK(found.minimised == found.starts);
    const double runs = static_cast<double>(found.converged);
    CHECK(found.expected_missing == doctest::Approx(3.0 * (runs - 1.0) / (runs - 5.0) - 3.0));
  }
}

TEST_CASE("without minima Newton's method alone tells when to stop") {
  const auto saddle = record([](auto x) { return x[0] * x[0] - x[1] * x[1]; }, 2);
  const CriticalPoints found = find_critical_points(*saddle, {}, box(2.0, 2));
  CHECK(found.points.size() == 1);
  CHECK(found.starts == 256);
  CHECK(found.minimised == 0);
  CHECK(found.expected_missing < 0.5);
}

TEST_CASE("from a start only the point that it leads to") {
  const auto f = record(wells, 2);
  const std::array start{0.9, 0.3};
  const CriticalPoints found = find_critical_points(*f, start, {});
  REQUIRE(found.points.size() == 1);
  CHECK(found.points[0].x[0] == doctest::Approx(1.0).epsilon(1e-15));
  CHECK(found.starts == 1);
}

TEST_CASE("degenerate points, curves of them, and none at all") {
  const auto flat = record([](auto x) { return pow(x[0], 4) + x[1] * x[1]; }, 2);
  const CriticalPoints one = find_critical_points(*flat, {}, box(2.0, 2));
  REQUIRE(one.points.size() == 1);
  CHECK(one.points[0].degenerate);
  CHECK(std::fabs(one.points[0].x[0]) <= one.points[0].error);

  const auto circle = record(
      [](auto x) {
        const auto well = x[0] * x[0] + x[1] * x[1] - 1.0;
        return well * well;
      },
      2);
  CHECK(find_critical_points(*circle, {}, box(2.0, 2)).status == Status::degenerate);

  const auto slope = record([](auto x) { return x[0] + exp(x[1]); }, 2);
  const CriticalPoints none = find_critical_points(*slope, {}, box(2.0, 2));
  CHECK(none.points.empty());
  CHECK(none.non_finite == 0);

  const auto root = record([](auto x) { return sqrt(x[0] - 10.0) + x[1] * x[1]; }, 2);
  const CriticalPoints nowhere = find_critical_points(*root, {}, box(2.0, 2));
  CHECK(nowhere.points.empty());
  CHECK(nowhere.non_finite == nowhere.starts);
}

TEST_CASE("steep walls hold no critical points") {
  // Two points on a line whose distance d has the energy d^-12 - 2 d^-6, least at 1.
  const auto pair = record(
      [](auto x) {
        const auto square = (x[0] - x[1]) * (x[0] - x[1]);
        const auto sixth = 1.0 / (square * square * square);
        return sixth * sixth - 2.0 * sixth;
      },
      2);
  const CriticalPoints found = find_critical_points(*pair, {}, box(0.9, 2));
  REQUIRE(!found.points.empty());
  for (const CriticalPoint& point : found.points) {
    CHECK(std::fabs(std::fabs(point.x[0] - point.x[1]) - 1.0) < 1e-13);
    CHECK(point.degenerate);
  }
}

TEST_CASE("unusable options are refused") {
  const auto f = record(wells, 2);
  const auto refused = [&](const CriticalPointOptions& options) {
    CHECK_THROWS_AS(find_critical_points(*f, {}, options), std::invalid_argument);
  };
  refused({});
  refused(box(-1.0, 2));
  refused(box(1.0, 3));
  refused(box(HUGE_VAL, 2));
  CriticalPointOptions options = box(1.0, 2);
  options.max_iterations = 0;
  refused(options);
  const std::array three{0.0, 0.0, 0.0};
  CHECK_THROWS_AS(find_critical_points(*f, three, box(1.0, 2)), std::invalid_argument);
}
