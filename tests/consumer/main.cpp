// A program that embeds talweg: a function of its own, its critical points, a curve with its
// events, and a hand-written objective. Every number printed is checked against a known one; the
// exit code says whether all agreed.
#include <cmath>
#include <cstdio>
#include <numbers>

#include "paraboloid.hpp"
#include "talweg/talweg.hpp"

namespace {

// Any type that has arithmetic will do for the coordinates: double, or the variables of a
// recording.
template <class Coordinates>
auto surface(const Coordinates& x) {
  return (pow(x[0], 2) + 2.0 * pow(x[1], 2)) / 2.0 + pow(x[0], 2) * x[1] / 2.0;
}

bool agree(const char* what, double got, double wanted) {
  const bool good = std::fabs(got - wanted) <= 1e-10 * std::fmax(1.0, std::fabs(wanted));
  if (!good) std::printf("%s: got %.17g, wanted %.17g\n", what, got, wanted);
  return good;
}

bool find_and_trace() {
  const auto f = talweg::record([](auto x) { return surface(x); }, 2);

  talweg::CriticalPointOptions search;
  search.lower = {-3.0, -3.0};
  search.upper = {3.0, 3.0};
  const talweg::CriticalPoints found = talweg::find_critical_points(*f, {}, search);
  for (const talweg::CriticalPoint& point : found.points) {
    std::printf("critical point (%.10f, %.10f)  f = %.10f  Morse index %zu\n", point.x[0],
                point.x[1], point.value, point.morse_index);
  }
  bool good = found.points.size() == 3;
  if (!good) return false;
  good &= agree("minimum", found.points[0].value, 0.0);
  good &= agree("saddle, x", std::fabs(found.points[1].x[0]), 2.0);
  good &= agree("saddle, y", found.points[1].x[1], -1.0);

  talweg::TracerOptions options;
  options.lower = search.lower;
  options.upper = search.upper;
  options.max_step = 0.05;
  // The stiffest branch of the right-hand saddle climbs to a fold, where the talweg ends.
  const double saddle[] = {2.0, -1.0};
  const talweg::Curve curve = talweg::trace_extremal(*f, saddle, 1, +1, options);
  std::printf("%zu points: %s\n", curve.points(), talweg::describe(curve.status));
  bool folded = false;
  for (const talweg::CurveEvent& event : curve.events) {
    const auto& z = event.point.z;
    std::printf("  %-24s (%.10f, %.10f)  f = %.10f  error %.0e\n", talweg::name(event.kind), z[0],
                z[1], event.point.value, event.error);
    if (event.kind != talweg::EventKind::level_fold || folded) continue;
    folded = true;
    good &= agree("fold, x", z[0], 2.378984348408);
    good &= agree("fold, y", z[1], 0.874112482913);
    good &= agree("fold, f", event.point.value, 6.067404773634);
  }
  return good && folded && talweg::succeeded(curve.status);
}

bool step_by_step() {
  // The gradient extremals of a paraboloid with axes 1 and 4 are its two axes; the curve is
  // stepped until the function has reached 1.
  const Paraboloid f({1.0, 4.0});
  talweg::TracerOptions options;
  options.max_step = 0.1;
  const double minimum[] = {0.0, 0.0};
  const talweg::ExtremalStart start = talweg::start_extremal(f, minimum, 1, +1, {}, options);
  if (!talweg::succeeded(start.status)) return false;
  const auto system = talweg::make_extremal_system(f);
  talweg::Tracer tracer(*system, start.start, options);
  while (tracer.advance() && tracer.curve().value.back() < 1.0) {
  }
  const talweg::Curve& curve = tracer.curve();
  const double* x = &curve.z[(curve.points() - 1) * curve.unknowns];
  std::printf("f = %.6f after %zu points at (%.6f, %.6f)\n", curve.value.back(), curve.points(),
              x[0], x[1]);
  return curve.value.back() >= 1.0 && agree("axis", x[0], 0.0) &&
         agree("slope", curve.slope.back(), 4.0 * x[1]);
}

bool sum_over_rows() {
  // f(w) = sum_i log(1 + exp(w . z_i)) over the rows of a table.
  const double rows[] = {1.0, 0.5, -2.0, 0.25, 0.0, 1.0};
  const auto f = talweg::record(
      [&rows](std::span<const talweg::Variable> w) {
        return talweg::sum_over(w, rows, 2, [w](std::span<const talweg::Variable> row) {
          return log1p(exp(w[0] * row[0] + w[1] * row[1]));
        });
      },
      2);
  const double origin[] = {0.0, 0.0};
  double value = 0.0;
  talweg::EvaluationBlock block;
  block.lanes = block.stride = 1;
  block.x = origin;
  block.value = &value;
  f->evaluate(talweg::quantity_value, block);
  return agree("sum over rows", value, 3.0 * std::numbers::ln2);
}

}  // namespace

int main() {
  const bool traced = find_and_trace();
  const bool stepped = step_by_step();
  const bool summed = sum_over_rows();
  return traced && stepped && summed ? 0 : 1;
}
