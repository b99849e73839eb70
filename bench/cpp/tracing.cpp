// Gradient extremals of Müller-Brown, events on: points a second on one curve and over a survey.
//
// Floors. An evaluation of f, g, H and T[v] is a tape of about 200 instructions: 350 to 700 ns in
// one lane, where the latency of each instruction counts, 40 ns a point in 64 lanes with AVX2. It
// returns 9 doubles and takes 4. A point costs one evaluation to see that the prediction is good
// and one more to correct it: two a point, so that 700 ns are the floor of a single curve at 350 ns
// and 80 ns that of a survey. The linear algebra of n = 2 is about 150 flops an evaluation. A
// recorded point is 19 doubles, 152 bytes. Goals: at least 400,000 points a second on one curve,
// 1,000,000 over a survey, 2 evaluations a point.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "objective/tape_objective.hpp"
#include "simd/instruction_set.hpp"
#include "talweg/talweg.hpp"

namespace {

using Clock = std::chrono::steady_clock;

// Runs of each measurement; the median is printed.
constexpr int runs = 15;

auto muller_brown = [](const auto& x) {
  const double depth[] = {-200, -100, -170, 15};
  const double a[] = {-1, -1, -6.5, .7}, b[] = {0, 0, 11, .6}, c[] = {-10, -10, -6.5, .7};
  const double x0[] = {1, 0, -.5, -1}, y0[] = {0, .5, 1.5, 1};
  auto value = x[0] * 0.0;
  for (int k = 0; k < 4; ++k) {
    const auto dx = x[0] - x0[k], dy = x[1] - y0[k];
    value = value + depth[k] * exp(a[k] * dx * dx + b[k] * dx * dy + c[k] * dy * dy);
  }
  return value;
};

constexpr double critical_points[5][2] = {{-0.5582236346, 1.4417258418},
                                          {0.6234994049, 0.0280377585},
                                          {-0.0500108230, 0.4666941049},
                                          {-0.8220015587, 0.6243128028},
                                          {0.2124865820, 0.2929883251}};

double processor_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Measurement {
  double wall = 0.0, processor = 0.0;  // seconds, medians
};

template <class Call>
Measurement measure(Call&& call) {
  std::vector<double> wall, processor;
  for (int run = 0; run < runs; ++run) {
    const auto start = Clock::now();
    const double before = processor_seconds();
    call();
    processor.push_back(processor_seconds() - before);
    wall.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(wall.begin(), wall.end());
  std::sort(processor.begin(), processor.end());
  return {wall[runs / 2], processor[runs / 2]};
}

struct Setting {
  std::vector<talweg::CurveStart> half_branches;  // all 20
  talweg::TracerOptions options;
};

Setting setting(const talweg::Objective& f, double max_step) {
  Setting result;
  result.options.lower = {-1.8, -0.6};
  result.options.upper = {1.4, 2.2};
  result.options.max_step = max_step;
  result.options.max_points = 100000;
  for (const auto& x : critical_points) {
    for (std::size_t branch = 0; branch < 2; ++branch) {
      for (int sign : {1, -1}) {
        result.half_branches.push_back(
            talweg::start_extremal(f, x, branch, sign, {}, result.options).start);
      }
    }
  }
  return result;
}

void report(const char* name, double max_step, const std::vector<talweg::Curve>& curves,
            const Measurement& time, double evaluation) {
  std::size_t points = 0, evaluations = 0, events = 0;
  for (const auto& curve : curves) {
    points += curve.points();
    evaluations += curve.evaluations;
    events += curve.events.size();
  }
  const double count = static_cast<double>(points);
  const double floor = 2.0 * evaluation * count;
  std::printf(
      "%-26s max_step %.3f: %9.0f points/s (processor %9.0f), %zu points, %zu events, "
      "%.2f evaluations a point, %.2f x floor\n",
      name, max_step, count / time.wall, count / time.processor, points, events,
      static_cast<double>(evaluations) / count, time.processor / floor);
}

// Seconds of one lane's evaluation in a block of `lanes`.
double evaluation_seconds(const talweg::Objective& f, std::size_t lanes) {
  std::vector<double> memory(13 * lanes, 0.1);
  talweg::EvaluationBlock block;
  block.lanes = block.stride = lanes;
  block.x = memory.data();
  block.v = memory.data() + 2 * lanes;
  block.value = memory.data() + 4 * lanes;
  block.gradient = memory.data() + 5 * lanes;
  block.hessian = memory.data() + 7 * lanes;
  block.third = memory.data() + 10 * lanes;
  constexpr std::size_t repeats = 2000;
  const unsigned all = talweg::quantity_value | talweg::quantity_gradient |
                       talweg::quantity_hessian | talweg::quantity_third;
  return measure([&] {
           for (std::size_t i = 0; i < repeats; ++i) f.evaluate(all, block);
         }).processor /
         static_cast<double>(repeats * lanes);
}

}  // namespace

int main() {
  const auto f = talweg::record(muller_brown, 2);
  const double single = evaluation_seconds(*f, 1), wide = evaluation_seconds(*f, 64);
  std::printf("instruction set %s, %zu instructions, one lane %.0f ns, 64 lanes %.1f ns a point\n",
              talweg::instruction_set(),
              dynamic_cast<const talweg::TapeObjective&>(*f)
                  .instructions(talweg::quantity_value | talweg::quantity_gradient |
                                talweg::quantity_hessian | talweg::quantity_third)
                  .value(),
              single * 1e9, wide * 1e9);
  for (const double max_step : {0.001, 0.002, 0.005, 0.02}) {
    const Setting all = setting(*f, max_step);
    std::vector<talweg::Curve> curves;
    // From the deepest minimum along its softest branch: past two saddles and a minimum.
    const std::span<const talweg::CurveStart> one(&all.half_branches[1], 1);
    Measurement time = measure([&] { curves = talweg::trace_extremals(*f, one, all.options, 1); });
    report("one curve", max_step, curves, time, single);
    // 64 curves: the half-branches again and again.
    std::vector<talweg::CurveStart> starts;
    while (starts.size() < 64) starts.push_back(all.half_branches[starts.size() % 20]);
    for (const std::size_t workers : {1, 2}) {
      time = measure([&] { curves = talweg::trace_extremals(*f, starts, all.options, workers); });
      report(workers == 1 ? "64 curves, 1 thread" : "64 curves, 2 threads", max_step, curves, time,
             wide);
    }
  }
}
