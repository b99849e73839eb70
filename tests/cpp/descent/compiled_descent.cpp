// The driver of compiled descents, with code by hand: f = x^2 / 2 and f = x^4 / 4.
#include "descent/compiled_descent.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "talweg/record.hpp"

namespace talweg {
namespace {

constexpr std::size_t lanes = 3;

std::atomic<std::int64_t> asked = 0;  // steps of all calls

// Rows: x, bound, square, product, exponent, odd.
template <int power>
std::int64_t advance(double* state, std::int64_t count, const double* parameters) {
  const auto slope = [](double x) { return power == 2 ? x : x * x * x; };
  const auto curvature = [](double x) { return power == 2 ? 1.0 : 3.0 * x * x; };
  asked += count;
  for (std::int64_t k = 0; k < count; ++k) {
    bool stop = false;
    for (std::size_t l = 0; l < lanes; ++l) {
      const double g = slope(state[l]);
      state[2 * lanes + l] = g * g;
      stop = stop || g * g <= state[lanes + l];
    }
    if (stop) return k;
    for (std::size_t l = 0; l < lanes; ++l) {
      double& product = state[3 * lanes + l];
      product *= 1.0 - parameters[0] * curvature(state[l]);
      if (product == 0.0 || !std::isfinite(product))
        state[5 * lanes + l] = std::numeric_limits<double>::quiet_NaN();
      state[l] -= parameters[0] * slope(state[l]);
    }
  }
  return count;
}

template <int power>
CompiledDescent code_for(const double* step) {
  CompiledDescent code;
  code.advance = advance<power>;
  code.parameters = step;
  code.lanes = lanes;
  code.rows = 6;
  code.bound = 1;
  code.square = 2;
  code.product = 3;
  code.exponent = 4;
  code.odd = 5;
  return code;
}

struct Results {
  explicit Results(const std::vector<double>& starts, std::size_t records)
      : x(starts),
        volume(starts.size()),
        orientation(starts.size()),
        path(records * starts.size()),
        steps(starts.size()),
        statuses(starts.size()) {
    arrays.x = x.data();
    arrays.steps = steps.data();
    arrays.statuses = statuses.data();
    arrays.log_volume = volume.data();
    arrays.orientation = orientation.data();
    arrays.path = records ? path.data() : nullptr;
  }

  std::vector<double> x, volume, orientation, path;
  std::vector<std::uint64_t> steps;
  std::vector<Status> statuses;
  DescentArrays arrays;
};

auto even_power(int power) {
  return record(
      [power](auto x) {
        const auto square = x[0] * x[0];
        return (power == 2 ? square : square * square) * (1.0 / power);
      },
      1);
}

}  // namespace

TEST_CASE("descents by code are those by blocks") {
  const auto objective = even_power(4);
  const double step = 0.1;
  const CompiledDescent code = code_for<4>(&step);
  for (const std::size_t count : {1u, 2u, 3u, 4u, 40u, 1100u}) {
    std::vector<double> starts(count);
    for (std::size_t k = 0; k < count; ++k)  // some blow up, some are flat at once
      starts[k] = k % 7 == 3 ? 40.0 : k % 11 == 5 ? 0.0 : 0.3 + 0.001 * static_cast<double>(k);
    DescentOptions options;
    options.step_length = step;
    options.steps = 60;
    options.gradient_tolerance = 0.01;
    options.record_every = 20;
    Results blocks(starts, 4);
    descend(*objective, count, blocks.arrays, options);
    for (const std::size_t workers : {1u, 2u}) {
      options.workers = workers;
      Results found(starts, 4);
      descend(*objective, code, count, found.arrays, options);
      CHECK(found.steps == blocks.steps);
      CHECK(found.statuses == blocks.statuses);
      CHECK(found.orientation == blocks.orientation);
      for (std::size_t k = 0; k < count; ++k) {
        CHECK(found.x[k] == doctest::Approx(blocks.x[k]).epsilon(1e-12));
        CHECK(found.volume[k] == doctest::Approx(blocks.volume[k]).epsilon(1e-9));
        CHECK(found.path[k] == starts[k]);
      }
    }
  }
}

TEST_CASE("a singular map goes by blocks") {
  const auto objective = even_power(2);
  const double step = 1.0;
  DescentOptions options;
  options.step_length = step;
  options.steps = 3;
  Results found({1.0, 2.0}, 0);
  descend(*objective, code_for<2>(&step), 2, found.arrays, options);
  CHECK(found.volume[1] == -std::numeric_limits<double>::infinity());
  CHECK(found.orientation[1] == 0.0);
  CHECK(found.x[1] == 0.0);
  CHECK(found.statuses[1] == Status::max_steps);
}

TEST_CASE("groups that blow up are not taken far") {
  const auto objective = even_power(4);
  const double step = 0.1;
  DescentOptions options;
  options.step_length = step;
  options.steps = 100'000;
  options.workers = 1;
  const auto run = [&](const std::vector<double>& starts) {
    Results found(starts, 0);
    asked = 0;
    descend(*objective, code_for<4>(&step), starts.size(), found.arrays, options);
    return asked.load();
  };
  const std::size_t groups = 100;
  std::vector<double> starts(groups * lanes, 40.0);
  CHECK(run(starts) <= 16 * static_cast<std::int64_t>(groups));
  // One lane that does not blow up takes all the steps, and others go on beside it.
  starts.front() = 0.3;
  CHECK(run(starts) <= static_cast<std::int64_t>(options.steps + 16 * groups));
}

TEST_CASE("code is asked for what it does only") {
  const auto objective = even_power(2);
  const double step = 0.5;
  Results found({1.0}, 0);
  DescentOptions options;
  options.step_length = step;
  options.noise = 0.1;
  CHECK_THROWS_AS(descend(*objective, code_for<2>(&step), 1, found.arrays, options),
                  std::invalid_argument);
}

}  // namespace talweg
