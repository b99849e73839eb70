#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "spectrum/vectors.hpp"
#include "talweg/gauge.hpp"

using namespace talweg;

namespace {

using Rotation = std::array<double, 9>;

// Rodrigues' formula.
Rotation rotation_about(std::array<double, 3> axis, double angle) {
  const double length = norm(3, axis.data());
  for (double& a : axis) a /= length;
  const double c = std::cos(angle), s = std::sin(angle), d = 1.0 - c;
  const auto [x, y, z] = axis;
  return {c + x * x * d,     x * y * d - z * s, x * z * d + y * s, y * x * d + z * s, c + y * y * d,
          y * z * d - x * s, z * x * d - y * s, z * y * d + x * s, c + z * z * d};
}

// Rotation about the origin and translation of all atoms, in coordinates scale * position.
std::vector<double> moved(const std::vector<double>& x, const std::vector<double>& scales,
                          const Rotation& r, const std::array<double, 3>& shift) {
  std::vector<double> result(x.size());
  for (std::size_t i = 0; i < scales.size(); ++i) {
    for (int a = 0; a < 3; ++a) {
      result[3 * i + a] = scales[i] * shift[a];
      for (int b = 0; b < 3; ++b) result[3 * i + a] += r[3 * a + b] * x[3 * i + b];
    }
  }
  return result;
}

struct Sample {
  std::vector<double> scales, x, v;
};

Sample sample(std::mt19937& generator, std::size_t atoms) {
  std::normal_distribution<double> normal;
  Sample s{std::vector<double>(atoms), std::vector<double>(3 * atoms),
           std::vector<double>(3 * atoms)};
  for (double& scale : s.scales) scale = std::exp(0.5 * normal(generator));
  for (double& x : s.x) x = normal(generator);
  for (double& v : s.v) v = normal(generator);
  return s;
}

}  // namespace

TEST_CASE("directions are the velocities of motions, change is their derivative") {
  std::mt19937 generator(1);
  for (std::size_t atoms : {2, 3, 5}) {
    const Sample s = sample(generator, atoms);
    const RigidMotions motions(s.scales);
    const std::size_t n = motions.dimension();
    REQUIRE(n == 3 * atoms);
    std::vector<double> rows(6 * n), ahead(6 * n), behind(6 * n), change(6 * n);
    motions.directions(s.x.data(), rows.data());
    motions.change(s.v.data(), change.data());
    double middle[3] = {}, squares = 0.0;
    for (std::size_t i = 0; i < atoms; ++i) {
      squares += s.scales[i] * s.scales[i];
      for (int a = 0; a < 3; ++a) middle[a] += s.scales[i] * s.x[3 * i + a];
    }
    const double h = 1e-4;
    for (int k = 0; k < 6; ++k) {
      std::array<double, 3> axis{}, shift{};
      (k < 3 ? shift : axis)[k % 3] = 1.0;
      if (k < 3) axis[0] = 1.0;
      const auto at = [&](double t) {
        const Rotation r = rotation_about(axis, k < 3 ? 0.0 : t);
        std::array<double, 3> by{};
        for (int a = 0; a < 3; ++a) {
          by[a] = t * shift[a];
          if (k < 3) continue;
          by[a] = middle[a] / squares;  // rotations are about the centre
          for (int b = 0; b < 3; ++b) by[a] -= r[3 * a + b] * middle[b] / squares;
        }
        return moved(s.x, s.scales, r, by);
      };
      const std::vector<double> plus = at(h), minus = at(-h);
      for (std::size_t i = 0; i < n; ++i) {
        CHECK(rows[k * n + i] == doctest::Approx((plus[i] - minus[i]) / (2.0 * h)).epsilon(1e-6));
      }
    }
    std::vector<double> displaced = s.x;
    for (std::size_t i = 0; i < n; ++i) displaced[i] = s.x[i] + s.v[i];
    motions.directions(displaced.data(), ahead.data());
    // Affine in x, up to the centre, which moves rotations by translations only.
    for (int k = 0; k < 6; ++k) {
      std::vector<double> difference(n);
      for (std::size_t i = 0; i < n; ++i) {
        difference[i] = ahead[k * n + i] - rows[k * n + i] - change[k * n + i];
      }
      for (int t = 0; t < 3; ++t) {
        const double along = dot(n, rows.data() + t * n, difference.data()) / squares;
        for (std::size_t i = 0; i < n; ++i) difference[i] -= along * rows[t * n + i];
      }
      CHECK(norm(n, difference.data()) < 1e-13);
    }
    // Antisymmetric: t'(v) . v = 0.
    for (int k = 0; k < 6; ++k) CHECK(std::fabs(dot(n, change.data() + k * n, s.v.data())) < 1e-13);
  }
}

TEST_CASE("align undoes a motion, and turns vectors along") {
  std::mt19937 generator(2);
  std::normal_distribution<double> normal;
  for (int trial = 0; trial < 50; ++trial) {
    const Sample s = sample(generator, 2 + trial % 5);
    const RigidMotions motions(s.scales);
    const Rotation r =
        rotation_about({normal(generator), normal(generator), normal(generator)}, 2.0 * trial);
    const std::array<double, 3> shift{normal(generator), 5.0, normal(generator)};
    std::vector<double> x = moved(s.x, s.scales, r, shift), v = moved(s.v, s.scales, r, {});
    motions.align(s.x.data(), x.data(), v.data(), 1);
    CHECK(distance(x.size(), x.data(), s.x.data()) < 1e-12);
    // About the axis of two atoms any turn will do.
    if (s.scales.size() > 2) CHECK(distance(v.size(), v.data(), s.v.data()) < 1e-12);
  }
}

TEST_CASE("align finds the nearest point, and leaves mirror images apart") {
  std::mt19937 generator(3);
  std::normal_distribution<double> normal;
  const Sample s = sample(generator, 4);
  const RigidMotions motions(s.scales);
  std::vector<double> other = s.x;
  for (std::size_t i = 0; i < other.size(); i += 3) other[i] = -other[i];
  std::vector<double> x = other;
  motions.align(s.x.data(), x.data(), nullptr, 0);
  const double nearest = distance(x.size(), x.data(), s.x.data());
  CHECK(nearest > 1e-3);
  for (int trial = 0; trial < 200; ++trial) {
    const double angle = trial < 100 ? 0.01 : 3.0;
    const Rotation r =
        rotation_about({normal(generator), normal(generator), normal(generator)}, angle);
    const std::vector<double> y = moved(x, s.scales, r, {0.01 * normal(generator), 0.0, 0.0});
    CHECK(distance(y.size(), y.data(), s.x.data()) > nearest - 1e-12);
  }
}

TEST_CASE("without rotations only translations are undone") {
  const RigidMotions motions({1.0, 1.0}, false);
  CHECK(motions.count() == 3);
  const std::vector<double> reference{0, 0, 0, 1, 0, 0};
  std::vector<double> x{5, 5, 5, 5, 6, 5}, v{1, 2, 3, 4, 5, 6};
  motions.align(reference.data(), x.data(), v.data(), 1);
  const std::vector<double> expected{0.5, -0.5, 0, 0.5, 0.5, 0};
  CHECK(distance(6, x.data(), expected.data()) < 1e-15);
  CHECK(v == std::vector<double>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("scales that make no sense are refused") {
  CHECK_THROWS_AS(RigidMotions({1.0}), std::invalid_argument);
  CHECK_THROWS_AS(RigidMotions({1.0, 0.0}), std::invalid_argument);
  CHECK_THROWS_AS(RigidMotions({1.0, std::numeric_limits<double>::infinity()}),
                  std::invalid_argument);
}
