// The block interpreter against hand-written loops, and its latency for few points.
//
// Floors, AVX2 with two FMA pipes at F GHz. Müller-Brown gradient: 4 exp of 27 and 4 x 13 other
// operations, 160 vector operations for 4 points, 20 cycles a point at two a cycle; 32 bytes a
// point, nothing beside it. The interpreter adds about 40 loads and 30 stores of registers for 4
// points, of which one store a cycle: 8 cycles a point. Rosenbrock gradient: 7 operations and 32
// bytes a point: 1 cycle a point, while the interpreter's 7 or 8 instructions store 7 or 8
// registers: 2 cycles. Latency: a dispatched instruction costs an indirect jump, 3 to 4 loads and a
// store, 2.5 to 4 cycles. Goals: ratio to the loop at most 2.5 (Müller-Brown) and 5 (Rosenbrock);
// about 1 ns an instruction for one point.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

#include "objective/point_arrays.hpp"
#include "objective/tape_objective.hpp"
#include "simd/instruction_set.hpp"
#include "talweg/record.hpp"

namespace talweg {

using Loop = void(std::size_t, const double* const*, double* const*);
namespace baseline {
Loop muller_brown_gradient_loop, rosenbrock_gradient_loop;
}
namespace avx2 {
Loop muller_brown_gradient_loop, rosenbrock_gradient_loop;
}
namespace avx512 {
Loop muller_brown_gradient_loop, rosenbrock_gradient_loop;
}

}  // namespace talweg

namespace {

using talweg::EvaluationBlock;
using talweg::Isa;
using talweg::Objective;

struct Loops {
  talweg::Loop *muller_brown, *rosenbrock;
};

Loops loops() {
  switch (talweg::active_isa()) {
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return {talweg::avx512::muller_brown_gradient_loop, talweg::avx512::rosenbrock_gradient_loop};
#endif
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return {talweg::avx2::muller_brown_gradient_loop, talweg::avx2::rosenbrock_gradient_loop};
#endif
    default:
      return {talweg::baseline::muller_brown_gradient_loop,
              talweg::baseline::rosenbrock_gradient_loop};
  }
}

template <class X>
auto muller_brown(const X& x) {
  const double depth[] = {-200, -100, -170, 15};
  const double a[] = {-1, -1, -6.5, .7}, b[] = {0, 0, 11, .6}, c[] = {-10, -10, -6.5, .7};
  const double x0[] = {1, 0, -.5, -1}, y0[] = {0, .5, 1.5, 1};
  auto value = x[0] * 0.0;
  for (int k = 0; k < 4; ++k) {
    const auto dx = x[0] - x0[k], dy = x[1] - y0[k];
    value = value + depth[k] * exp(a[k] * dx * dx + b[k] * dx * dy + c[k] * dy * dy);
  }
  return value;
}

template <class X>
auto rosenbrock(const X& x) {
  const auto h = x[1] - x[0] * x[0];
  const auto d = 1.0 - x[0];
  return 100.0 * h * h + d * d;
}

// Processor seconds of this thread: other programs on the machine count less than with a clock.
double processor_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Seconds a call, the best of several runs of at least 5 ms.
template <class Call>
double seconds(Call&& call) {
  double best = 1e300;
  std::size_t repeats = 1;
  for (int run = 0; run < 15;) {
    const double start = processor_seconds();
    for (std::size_t i = 0; i < repeats; ++i) call();
    const double elapsed = processor_seconds() - start;
    if (elapsed < 0.005) {
      repeats *= 2;
      continue;
    }
    best = std::min(best, elapsed / static_cast<double>(repeats));
    ++run;
  }
  return best;
}

struct Points {
  Points(const Objective& f, std::size_t lanes) : rows(9 * f.dimension() * f.dimension() + 16) {
    const std::size_t n = f.dimension(), packed = n * (n + 1) / 2;
    values.resize(rows * lanes);
    double* next = values.data();
    const auto take = [&](std::size_t count) {
      double* const at = next;
      next += count * lanes;
      return at;
    };
    double* const x = take(n);
    double* const v = take(n);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const double t = static_cast<double>(lane) / static_cast<double>(lanes);
      for (std::size_t i = 0; i < n; ++i) {
        x[i * lanes + lane] = i % 2 == 0 ? -1.0 + 1.9 * t : 0.3 + 0.1 * t;
        v[i * lanes + lane] = 0.6 + 0.2 * static_cast<double>(i);
      }
    }
    block.lanes = block.stride = lanes;
    block.x = x;
    block.v = v;
    block.value = take(1);
    block.gradient = take(n);
    block.hessian = take(packed);
    block.third = take(packed);
  }
  std::size_t rows;
  std::vector<double> values;
  EvaluationBlock block;
};

// The gradient at 1e5 points, in chunks that stay in the second-level cache with their results.
void throughput(const char* name, const talweg::TapeObjective& f, talweg::Loop* loop) {
  constexpr std::size_t chunk = 4096, chunks = 24;
  Points points(f, chunk);
  const EvaluationBlock& block = points.block;
  const double tape = seconds([&] {
    for (std::size_t i = 0; i < chunks; ++i) f.evaluate(talweg::quantity_gradient, block);
  });
  const double* const x[] = {block.x, block.x + chunk};
  double* const gradient[] = {block.gradient, block.gradient + chunk};
  const double hand = seconds([&] {
    for (std::size_t i = 0; i < chunks; ++i) loop(chunk, x, gradient);
  });
  const double count = chunk * chunks;
  std::printf("%s gradient, %zu instructions: %.2f ns a point, by hand %.2f, ratio %.2f\n", name,
              f.instructions(talweg::quantity_gradient).value(), tape / count * 1e9,
              hand / count * 1e9, tape / hand);
}

// What f.grad(x) of Python costs on one thread: rows of points in, rows of gradients out, 1e5 of
// them, in fresh memory each time, as NumPy would give it. The loop has its columns in memory
// already.
void rows(const talweg::TapeObjective& f, talweg::Loop* loop) {
  constexpr std::size_t count = 100000;
  std::vector<double> x(2 * count), columns(2 * count), gradient(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / count;
    x[2 * i] = columns[i] = -1.0 + 1.9 * t;
    x[2 * i + 1] = columns[count + i] = 0.3 + 0.1 * t;
  }
  const double tape = seconds([&] {
    std::vector<double> fresh(2 * count);
    talweg::PointArrays arrays;
    arrays.points = count;
    arrays.x = x.data();
    arrays.gradient = fresh.data();
    talweg::evaluate_points(f, talweg::quantity_gradient, arrays, 1);
  });
  const double* const from[] = {columns.data(), columns.data() + count};
  double* const to[] = {gradient.data(), gradient.data() + count};
  const double hand = seconds([&] { loop(count, from, to); });
  std::printf(
      "Müller-Brown gradient, 1e5 points in rows: %.2f ns a point, by hand %.2f, ratio %.2f\n",
      tape / count * 1e9, hand / count * 1e9, tape / hand);
}

void latency(const talweg::TapeObjective& f) {
  const unsigned all = talweg::quantity_value | talweg::quantity_gradient |
                       talweg::quantity_hessian | talweg::quantity_third;
  const double instructions = static_cast<double>(f.instructions(all).value());
  std::printf("Müller-Brown f, g, H, T[v], %.0f instructions, %zu registers\n", instructions,
              f.registers(all));
  for (const std::size_t lanes : {1, 2, 4, 8, 12, 16, 20, 32, 64, 128, 1024}) {
    Points points(f, lanes);
    const double time = seconds([&] { f.evaluate(all, points.block); });
    std::printf("  %4zu points: %8.1f ns a call, %6.1f ns a point, %.2f ns an instruction\n", lanes,
                time * 1e9, time / static_cast<double>(lanes) * 1e9, time / instructions * 1e9);
  }
}

}  // namespace

int main() {
  std::printf("instruction set %s\n", talweg::instruction_set());
  const auto mb = talweg::record([](auto x) { return muller_brown(x); }, 2);
  const auto rb = talweg::record([](auto x) { return rosenbrock(x); }, 2);
  const auto& muller = dynamic_cast<const talweg::TapeObjective&>(*mb);
  const auto& rosen = dynamic_cast<const talweg::TapeObjective&>(*rb);
  throughput("Müller-Brown", muller, loops().muller_brown);
  throughput("Rosenbrock", rosen, loops().rosenbrock);
  rows(muller, loops().muller_brown);
  latency(muller);
}
