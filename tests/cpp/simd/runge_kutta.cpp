// The kernels of a Runge-Kutta step against sums written out, lane by lane, and the order of the
// method on an equation whose solution is known.
#include "simd/runge_kutta.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "simd/dormand_prince.hpp"
#include "simd/instruction_set.hpp"

using namespace talweg;
namespace method = talweg::dormand_prince;

namespace {

struct Block {
  static constexpr std::size_t rows = 3, lanes = 16, stride = 24;
  std::vector<double> x = numbers(1), step = numbers(2), storage[method::dense_stages];
  const double* k[method::dense_stages];

  Block() {
    for (int j = 0; j < method::dense_stages; ++j) {
      storage[j] = numbers(10 + static_cast<unsigned>(j));
      k[j] = storage[j].data();
    }
  }
  static std::vector<double> numbers(unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> uniform(0.1, 1.0);
    std::vector<double> values(rows * stride);
    for (double& value : values) value = uniform(generator);
    return values;
  }
  RungeKuttaRows view() const { return {rows, lanes, stride, step.data(), x.data(), k}; }
};

}  // namespace

TEST_CASE("runge_kutta: stages and solution are the sums of the method") {
  const RungeKuttaKernels& kernels = runge_kutta_kernels(active_isa());
  const Block block;
  for (int s = 1; s < method::dense_stages; ++s) {
    std::vector<double> to(block.x.size(), -7.0);
    kernels.stage(block.view(), s, to.data());
    for (std::size_t row = 0; row < block.rows; ++row) {
      for (std::size_t lane = 0; lane < block.stride; ++lane) {
        const std::size_t at = row * block.stride + lane;
        double sum = 0.0;
        for (int j = 0; j < s; ++j) sum += method::a[s][j] * block.k[j][at];
        const double want = lane < block.lanes ? block.x[at] - block.step[lane] * sum : -7.0;
        CHECK(to[at] == doctest::Approx(want).epsilon(1e-13));
      }
    }
  }
  const double rtol = 0.3, atol = 0.2;
  std::vector<double> end(block.x.size()), error(block.stride), factor(block.stride);
  kernels.solution(block.view(), rtol, atol, end.data(), error.data(), factor.data());
  for (std::size_t lane = 0; lane < block.lanes; ++lane) {
    double square5 = 0.0, square3 = 0.0;
    for (std::size_t row = 0; row < block.rows; ++row) {
      const std::size_t at = row * block.stride + lane;
      double sum = 0.0, error5 = 0.0, error3 = 0.0;
      for (int j = 0; j < method::stages; ++j) {
        sum += method::a[12][j] * block.k[j][at];
        error5 += method::error5[j] * block.k[j][at];
        error3 += method::error3[j] * block.k[j][at];
      }
      const double reached = block.x[at] - block.step[lane] * sum;
      CHECK(end[at] == doctest::Approx(reached).epsilon(1e-13));
      const double scale = atol + rtol * std::max(std::fabs(block.x[at]), std::fabs(reached));
      square5 += error5 / scale * error5 / scale;
      square3 += error3 / scale * error3 / scale;
    }
    const double size = block.step[lane] * square5 / std::sqrt(3.0 * (square5 + 0.01 * square3));
    CHECK(error[lane] == doctest::Approx(size).epsilon(1e-10));
    CHECK(factor[lane] ==
          doctest::Approx(std::clamp(0.9 / std::pow(size, 0.125), 1.0 / 3.0, 6.0)).epsilon(1e-10));
  }
}

TEST_CASE("runge_kutta: the error of a step falls like its ninth power") {
  const RungeKuttaKernels& kernels = runge_kutta_kernels(active_isa());
  constexpr std::size_t lanes = 8;
  const auto error_of = [&](double h) {
    std::vector<double> x(lanes, 1.0), step(lanes, h), end(lanes), error(lanes), factor(lanes);
    std::vector<double> storage(method::stages * lanes);
    const double* k[method::stages];
    for (int j = 0; j < method::stages; ++j) k[j] = storage.data() + j * lanes;
    const RungeKuttaRows rows{1, lanes, lanes, step.data(), x.data(), k};
    // x' = -x
    for (int s = 0; s < method::stages; ++s) {
      std::vector<double> point = x;
      if (s > 0) kernels.stage(rows, s, point.data());
      for (std::size_t l = 0; l < lanes; ++l) storage[s * lanes + l] = point[l];
    }
    kernels.solution(rows, 1.0, 1.0, end.data(), error.data(), factor.data());
    return std::fabs(end[3] - std::exp(-h));
  };
  const double ratio = error_of(1.0) / error_of(0.5);
  CHECK(ratio > 300.0);
  CHECK(ratio < 900.0);
}

TEST_CASE("runge_kutta: the stiffness of a quadratic is its eigenvalue times the step") {
  const RungeKuttaKernels& kernels = runge_kutta_kernels(active_isa());
  Block block;
  const std::vector<double> end = Block::numbers(3), last = Block::numbers(4);
  std::vector<double> slope(end.size()), square(block.stride), stiffness(block.stride);
  for (std::size_t i = 0; i < end.size(); ++i) {
    slope[i] = 40.0 * end[i];
    block.storage[method::stages - 1][i] = 40.0 * last[i];
  }
  kernels.stiffness(block.view(), 2, end.data(), last.data(), slope.data(), square.data(),
                    stiffness.data());
  for (std::size_t lane = 0; lane < block.lanes; ++lane) {
    CHECK(stiffness[lane] == doctest::Approx(40.0 * block.step[lane]).epsilon(1e-10));
    const double a = slope[lane], b = slope[block.stride + lane];
    CHECK(square[lane] == doctest::Approx(a * a + b * b).epsilon(1e-13));
  }
}
