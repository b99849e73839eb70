// The tracer on a system that has nothing to do with gradients: plane curves h(x, y) = 0.
#include "talweg/tracer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>

using namespace talweg;

namespace {

// h, h_x, h_y
using Equation = std::array<double, 3> (*)(double x, double y);

class PlaneCurve : public DefiningSystem {
 public:
  explicit PlaneCurve(Equation equation) : equation_(equation) {}
  std::size_t coordinates() const noexcept override { return 2; }
  std::size_t unknowns() const noexcept override { return 2; }
  std::span<const EventFunction> event_functions() const noexcept override { return functions_; }
  CurvePoint make_point() const override {
    CurvePoint point;
    point.z.assign(2, 0.0);
    point.tangent.assign(2, 0.0);
    point.events.assign(1, 0.0);
    point.data.assign(3, 0.0);
    return point;
  }
  void evaluate(std::span<CurvePoint* const> points) override {
    for (CurvePoint* point : points) {
      const auto values = equation_(point->z[0], point->z[1]);
      std::copy(values.begin(), values.end(), point->data.begin());
    }
  }
  Convergence convergence(CurvePoint& point, double tolerance) const override {
    const double h = point.data[0];
    if (!std::isfinite(h)) return {-1.0, -1.0};
    return {std::fabs(h) / tolerance, std::fabs(h) / 1e-12};
  }
  bool correction(const CurvePoint& point, const double* border, double* step) override {
    const double determinant = point.data[1] * border[1] - point.data[2] * border[0];
    if (determinant == 0.0) return false;
    step[0] = -point.data[0] * border[1] / determinant;
    step[1] = point.data[0] * border[0] / determinant;
    return true;
  }
  bool tangent(CurvePoint& point, const double* reference) override {
    const double length = std::hypot(point.data[1], point.data[2]);
    if (length == 0.0) return false;
    const double product = -point.data[2] * reference[0] + point.data[1] * reference[1];
    point.orientation = product >= 0.0 ? 1.0 : -1.0;
    point.tangent = {-point.orientation * point.data[2] / length,
                     point.orientation * point.data[1] / length};
    point.singularity = length;
    return true;
  }
  void classify(CurvePoint& point) override {
    point.events[0] = point.z[0];
    point.value = point.z[1];
    point.residual = std::fabs(point.data[0]);
  }
  void retract(CurvePoint&) const override {}
  std::size_t chart_dimension() const noexcept override { return 2; }
  void chart_point(const CurvePoint& reference, const double* y, CurvePoint& point) const override {
    for (int i = 0; i < 2; ++i) point.z[i] = reference.z[i] + y[i];
  }
  void chart_residual(const CurvePoint&, const CurvePoint& point, double* residual) override {
    residual[0] = point.data[0];
  }
  void chart_jacobian(const CurvePoint&, const CurvePoint& point, double* jacobian) override {
    std::copy_n(point.data.begin() + 1, 2, jacobian);
  }
  void chart_direction(const CurvePoint&, const double* y, double* dz) const override {
    std::copy_n(y, 2, dz);
  }
  double chart_noise(const CurvePoint&) const override { return 1e-15; }

 private:
  Equation equation_;
  std::array<EventFunction, 1> functions_{EventFunction{EventKind::inflection, false}};
};

std::array<double, 3> circle(double x, double y) { return {x * x + y * y - 1.0, 2 * x, 2 * y}; }
// y^2 = x^3 - x + 1, one arc without a singular point.
std::array<double, 3> cubic(double x, double y) {
  return {y * y - x * x * x + x - 1.0, 1.0 - 3 * x * x, 2 * y};
}

TracerOptions options_with(double max_step) {
  TracerOptions options;
  options.max_step = max_step;
  options.max_points = 100000;
  return options;
}

}  // namespace

TEST_CASE("a circle closes after one turn, its events located, at any step") {
  for (double max_step : {0.003, 0.05, 0.3, 2.0}) {
    PlaneCurve system(circle);
    const CurveStart start{{std::cos(0.7), std::sin(0.7)}, {-1.0, 1.0}, {}};
    const auto curves = trace_curves(system, std::span(&start, 1), options_with(max_step));
    REQUIRE(curves.size() == 1);
    const Curve& curve = curves[0];
    CHECK(curve.closed);
    CHECK(curve.status == Status::closed);
    CHECK(curve.arclength.back() == doctest::Approx(2 * std::numbers::pi).epsilon(1e-4));
    for (std::size_t k = 0; k < curve.points(); ++k) {
      const double x = curve.z[2 * k], y = curve.z[2 * k + 1];
      CHECK(std::fabs(x * x + y * y - 1.0) <= 1e-12);
      CHECK(std::fabs(x * curve.tangent[2 * k] + y * curve.tangent[2 * k + 1]) < 1e-12);
      CHECK(curve.orientation[k] == curve.orientation[0]);
    }
    std::vector<double> heights;
    for (const CurveEvent& event : curve.events) {
      REQUIRE(event.kind == EventKind::inflection);
      CHECK(std::fabs(event.point.z[0]) < 1e-13);
      heights.push_back(event.point.z[1]);
    }
    REQUIRE(heights.size() == 2);
    CHECK(heights[0] == doctest::Approx(1.0).epsilon(1e-13));
    CHECK(heights[1] == doctest::Approx(-1.0).epsilon(1e-13));
  }
}

TEST_CASE("a cubic curve leaves the box on its face") {
  PlaneCurve system(cubic);
  const CurveStart start{{0.0, 1.0}, {1.0, 0.0}, {}};
  TracerOptions options = options_with(0.1);
  options.lower = {-3.0, -2.0};
  options.upper = {3.0, 2.0};
  const Curve curve = std::move(trace_curves(system, std::span(&start, 1), options).front());
  CHECK(curve.status == Status::boundary);
  REQUIRE_FALSE(curve.events.empty());
  const CurveEvent& end = curve.events.back();
  CHECK(end.kind == EventKind::boundary);
  CHECK(end.point.z[1] == doctest::Approx(2.0).epsilon(1e-14));
  const double x = end.point.z[0];
  CHECK(x * x * x - x + 1.0 == doctest::Approx(4.0).epsilon(1e-12));
}

TEST_CASE("limits end a curve, and stepping gives the points of the whole") {
  PlaneCurve system(cubic);
  const CurveStart start{{0.0, 1.0}, {1.0, 0.0}, {}};
  TracerOptions options = options_with(0.05);
  options.max_points = 12;
  const Curve few = std::move(trace_curves(system, std::span(&start, 1), options).front());
  CHECK(few.status == Status::max_points);
  CHECK(few.points() == 12);

  Tracer tracer(system, start, options);
  std::size_t steps = 0;
  while (tracer.advance()) ++steps;
  CHECK(steps == 12);
  CHECK(tracer.curve().z == few.z);
  CHECK_FALSE(tracer.advance());

  options.max_length = 0.3;
  const Curve part = std::move(trace_curves(system, std::span(&start, 1), options).front());
  CHECK(part.status == Status::max_length);
  CHECK(part.arclength.back() == doctest::Approx(0.3).epsilon(1e-6));
}

TEST_CASE("the number of lanes changes no bit") {
  PlaneCurve system(circle);
  std::vector<CurveStart> starts;
  for (int i = 0; i < 9; ++i) {
    const double angle = 0.1 + i;
    starts.push_back({{std::cos(angle), std::sin(angle)}, {-std::sin(angle), std::cos(angle)}, {}});
  }
  TracerOptions options = options_with(0.1);
  options.upper = {0.9, 2.0};
  options.lower = {-0.95, -2.0};
  const auto one = trace_curves(system, starts, options, 1);
  for (std::size_t lanes : {2, 3, 64}) {
    const auto several = trace_curves(system, starts, options, lanes);
    REQUIRE(several.size() == one.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      CHECK(several[i].z == one[i].z);
      CHECK(several[i].status == one[i].status);
    }
  }
}

TEST_CASE("an interrupt ends every unfinished curve") {
  PlaneCurve system(circle);
  const std::vector<CurveStart> starts(3, CurveStart{{1.0, 0.0}, {0.0, 1.0}, {}});
  int polls = 0;
  const auto curves =
      trace_curves(system, starts, options_with(0.01), 1, [&] { return ++polls > 20; });
  REQUIRE(curves.size() == 3);
  for (const Curve& curve : curves) CHECK(curve.status == Status::interrupted);
  CHECK(curves[0].points() > 1);
  CHECK(curves[2].points() == 0);
}

TEST_CASE("unusable options and starts are refused") {
  PlaneCurve system(circle);
  const CurveStart good{{1.0, 0.0}, {0.0, 1.0}, {}};
  const auto refused = [&](const CurveStart& start, const TracerOptions& options) {
    CHECK_THROWS_AS(trace_curves(system, std::span(&start, 1), options), std::invalid_argument);
    CHECK_THROWS_AS(Tracer(system, start, options), std::invalid_argument);
  };
  for (double max_step : {0.0, -1.0, std::nan(""), HUGE_VAL}) refused(good, options_with(max_step));
  refused({{1.0}, {0.0, 1.0}, {}}, options_with(0.1));
  refused({{1.0, 0.0}, {0.0}, {}}, options_with(0.1));
  refused({{1.0, 0.0}, {0.0, 0.0}, {}}, options_with(0.1));
  refused({{1.0, 0.0}, {0.0, std::nan("")}, {}}, options_with(0.1));
  refused({{1.0, 0.0}, {0.0, 1.0}, {1.0}}, options_with(0.1));
  TracerOptions options = options_with(0.1);
  options.lower = {1.0, 0.0};
  options.upper = {0.0, 1.0};
  refused(good, options);
  options.upper = {2.0};
  refused(good, options);
}

TEST_CASE("a start where the equations are not finite or have no tangent is a status") {
  PlaneCurve nowhere([](double, double) { return std::array{std::nan(""), 1.0, 1.0}; });
  const CurveStart start{{0.0, 0.0}, {0.0, 1.0}, {}};
  CHECK(trace_curves(nowhere, std::span(&start, 1), options_with(0.1)).front().status ==
        Status::non_finite);
  PlaneCurve cross([](double x, double y) { return std::array{x * y, y, x}; });
  CHECK(trace_curves(cross, std::span(&start, 1), options_with(0.1)).front().status ==
        Status::degenerate);
}
