#include "extremal/descent_step.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "spectrum/vectors.hpp"

using namespace talweg;

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

struct Model {
  std::size_t n;
  std::vector<double> hessian, absolute, gradient, axes, values;

  double fall(const std::vector<double>& step, const std::vector<double>& matrix) const {
    double sum = -dot(n, gradient.data(), step.data());
    for (std::size_t i = 0; i < n; ++i) {
      sum -= 0.5 * step[i] * dot(n, matrix.data() + i * n, step.data());
    }
    return sum;
  }
};

// A Hessian of given eigenvalues, turned by a few reflections.
Model model(const std::vector<double>& values, double scale, std::mt19937& generator) {
  const std::size_t n = values.size();
  std::normal_distribution<double> normal;
  Model result{n, {}, {}, std::vector<double>(n), std::vector<double>(n * n), values};
  for (std::size_t i = 0; i < n; ++i) result.axes[i * n + i] = 1.0;
  for (int reflection = 0; reflection < 3; ++reflection) {
    std::vector<double> w(n);
    for (double& x : w) x = normal(generator);
    const double square = dot(n, w.data(), w.data());
    for (std::size_t i = 0; i < n; ++i) {
      double* const axis = result.axes.data() + i * n;
      const double part = 2.0 * dot(n, axis, w.data()) / square;
      for (std::size_t j = 0; j < n; ++j) axis[j] -= part * w[j];
    }
  }
  result.hessian.assign(n * n, 0.0);
  result.absolute.assign(n * n, 0.0);
  for (std::size_t k = 0; k < n; ++k) {
    const double* const axis = result.axes.data() + k * n;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        result.hessian[i * n + j] += scale * values[k] * axis[i] * axis[j];
        result.absolute[i * n + j] += scale * std::fabs(values[k]) * axis[i] * axis[j];
      }
    }
  }
  for (double& g : result.gradient) g = scale * normal(generator);
  return result;
}

}  // namespace

TEST_CASE("Newton's step where the Hessian is positive definite and the step short") {
  std::mt19937 generator(1);
  for (const double scale : {1.0, 1e-100, 1e100}) {
    const Model m = model({0.5, 1.0, 2.0, 7.0}, scale, generator);
    DescentStep descent(m.n);
    std::vector<double> step(m.n);
    const double fall = descent.find(m.hessian.data(), m.gradient.data(), 100.0, step.data());
    CHECK(descent.is_newton());
    CHECK(fall == doctest::Approx(m.fall(step, m.hessian)).epsilon(1e-12));
    for (std::size_t i = 0; i < m.n; ++i) {
      const double rest = dot(m.n, m.hessian.data() + i * m.n, step.data()) + m.gradient[i];
      CHECK(std::fabs(rest) <= 100.0 * epsilon * norm(m.n, m.gradient.data()));
    }
  }
}

TEST_CASE("no step within the radius lowers the model of absolute eigenvalues more") {
  std::mt19937 generator(2);
  std::normal_distribution<double> normal;
  const std::vector<std::vector<double>> spectra = {
      {3.0}, {-2.0}, {-1.0, 2.0}, {-5.0, -0.1, 0.3, 4.0, 9.0}, {1.0, 2.0, 3.0}, {-1e8, 1.0, 1e6}};
  for (const auto& spectrum : spectra) {
    for (const double radius : {1e-3, 0.3, 50.0}) {
      const Model m = model(spectrum, 1.0, generator);
      DescentStep descent(m.n);
      std::vector<double> step(m.n), other(m.n);
      const double fall = descent.find(m.hessian.data(), m.gradient.data(), radius, step.data());
      CHECK(norm(m.n, step.data()) <= radius * (1.0 + 10.0 * epsilon));
      CHECK(fall > 0.0);
      CHECK(fall == doctest::Approx(m.fall(step, m.hessian)).epsilon(1e-6));
      const double lowered = m.fall(step, m.absolute);
      for (int trial = 0; trial < 200; ++trial) {
        // Around the step as well as anywhere.
        const double spread = radius * std::pow(10.0, -(trial % 4));
        for (std::size_t i = 0; i < m.n; ++i) {
          other[i] = (trial % 4 ? step[i] : 0.0) + spread * normal(generator);
        }
        const double length = norm(m.n, other.data());
        for (double& x : other) x *= std::min(1.0, radius / length);
        // The radius is met to one in a hundred.
        CHECK(m.fall(other, m.absolute) <= lowered * 1.02 + 1e-12);
      }
    }
  }
}

TEST_CASE("directions in which nothing curves") {
  const std::vector<double> flat(9), gradient{0.0, 3.0, 4.0};
  std::vector<double> step(3);
  DescentStep descent(3);
  const double fall = descent.find(flat.data(), gradient.data(), 0.5, step.data());
  CHECK(step[1] == doctest::Approx(-0.3));
  CHECK(step[2] == doctest::Approx(-0.4));
  CHECK(fall == doctest::Approx(2.5));
}
