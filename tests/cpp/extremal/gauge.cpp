#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "extremal/dense_system.hpp"
#include "objective/gauge_rows.hpp"
#include "objective/gauged_objective.hpp"
#include "spectrum/vectors.hpp"
#include "talweg/critical_points.hpp"
#include "talweg/extremal.hpp"
#include "talweg/record.hpp"

using namespace talweg;

namespace {

// Springs of different strengths and lengths between all pairs of atoms.
std::shared_ptr<const Objective> springs(int atoms, bool rotations = true) {
  const auto energy = [atoms](auto x) {
    auto sum = x[0] * 0.0;
    int pair = 0;
    for (int i = 0; i < atoms; ++i) {
      for (int j = 0; j < i; ++j, ++pair) {
        auto square = x[0] * 0.0;
        for (int a = 0; a < 3; ++a) {
          const auto d = x[3 * i + a] - x[3 * j + a];
          square += d * d;
        }
        const auto stretch = sqrt(square) - (1.0 + 0.07 * pair);
        sum += (1.0 + 0.3 * pair) * stretch * stretch;
      }
    }
    return sum;
  };
  std::shared_ptr<const Objective> base = record(energy, 3 * atoms);
  return std::make_shared<GaugedObjective>(
      base, std::make_shared<RigidMotions>(std::vector<double>(atoms, 1.0), rotations));
}

std::vector<double> random_vector(std::mt19937& generator, std::size_t n) {
  std::normal_distribution<double> normal;
  std::vector<double> x(n);
  for (double& value : x) value = normal(generator);
  return x;
}

void normalise(std::vector<double>& v) {
  const double length = norm(v.size(), v.data());
  for (double& value : v) value /= length;
}

// A point of the system at x, v; v is made orthogonal to the motions.
CurvePoint point_at(DenseExtremalSystem& system, const Objective& f, const std::vector<double>& x,
                    std::vector<double> v) {
  GaugeRows(f.gauge()).project(x.data(), v.data());
  normalise(v);
  CurvePoint point = system.make_point();
  std::copy(x.begin(), x.end(), point.z.begin());
  std::copy(v.begin(), v.end(), point.z.begin() + static_cast<std::ptrdiff_t>(x.size()));
  CurvePoint* const points[] = {&point};
  system.evaluate(points);
  return point;
}

}  // namespace

TEST_CASE("gauge rows are orthonormal and span the directions; five for atoms on a line") {
  std::mt19937 generator(4);
  for (std::size_t atoms : {2, 3, 4, 7}) {
    for (bool linear : {false, true}) {
      const std::size_t n = 3 * atoms;
      const RigidMotions motions(std::vector<double>(atoms, 1.5));
      const GaugeRows gauge(&motions);
      std::vector<double> x = random_vector(generator, n);
      if (linear) {
        for (std::size_t i = 3; i < n; ++i) x[i] = x[i % 3] * (1.0 + static_cast<double>(i / 3));
      }
      std::vector<double> rows(6 * n), directions(6 * n);
      const std::size_t rank = gauge.evaluate(x.data(), nullptr, rows.data(), nullptr);
      CHECK(rank == (linear || atoms == 2 ? 5 : 6));
      for (std::size_t r = 0; r < rank; ++r) {
        for (std::size_t s = 0; s <= r; ++s) {
          const double product = dot(n, rows.data() + r * n, rows.data() + s * n);
          CHECK(product == doctest::Approx(r == s ? 1.0 : 0.0).epsilon(1e-12));
        }
      }
      motions.directions(x.data(), directions.data());
      for (int k = 0; k < 6; ++k) {
        std::vector<double> rest(directions.begin() + static_cast<std::ptrdiff_t>(k * n),
                                 directions.begin() + static_cast<std::ptrdiff_t>((k + 1) * n));
        gauge.project(x.data(), rest.data());
        CHECK(norm(n, rest.data()) < 1e-12 * (1.0 + norm(n, x.data())));
      }
    }
  }
}

TEST_CASE("with the turns v stays orthogonal to the motions") {
  std::mt19937 generator(5);
  const std::size_t n = 12;
  const RigidMotions motions({1.0, 2.0, 0.5, 1.5});
  const GaugeRows gauge(&motions);
  const std::vector<double> x = random_vector(generator, n), dx = random_vector(generator, n);
  std::vector<double> v = random_vector(generator, n);
  gauge.project(x.data(), v.data());
  std::vector<double> rows(6 * n), turns(6 * n);
  REQUIRE(gauge.evaluate(x.data(), v.data(), rows.data(), turns.data()) == 6);
  double left[2];
  for (int halving = 0; halving < 2; ++halving) {
    const double h = halving == 0 ? 1e-3 : 5e-4;
    std::vector<double> there(n), turned = v, along(n);
    for (std::size_t i = 0; i < n; ++i) there[i] = x[i] + h * dx[i];
    for (std::size_t r = 0; r < 6; ++r) {
      const double angle = h * dot(n, turns.data() + r * n, dx.data());
      for (std::size_t i = 0; i < n; ++i) turned[i] += angle * rows[r * n + i];
    }
    along = turned;
    gauge.project(there.data(), along.data());
    left[halving] = distance(n, along.data(), turned.data());
  }
  // What is left is of second order.
  CHECK(left[0] < 1e-4);
  CHECK(left[1] < 0.3 * left[0]);
}

TEST_CASE("stiffened Hessians have the motions as their highest eigenvectors") {
  std::mt19937 generator(6);
  const std::size_t n = 9;
  const RigidMotions motions({1.0, 1.0, 1.0});
  const GaugeRows gauge(&motions);
  const std::vector<double> x = random_vector(generator, n), a = random_vector(generator, n * n);
  std::vector<double> matrix(n * n), rows(6 * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) matrix[i * n + j] = a[i * n + j] + a[j * n + i];
  }
  const double size = norm(n * n, matrix.data());
  const std::size_t rank = gauge.stiffen(x.data(), matrix.data());
  REQUIRE(rank == 6);
  gauge.evaluate(x.data(), nullptr, rows.data(), nullptr);
  for (std::size_t r = 0; r < rank; ++r) {
    std::vector<double> product(n);
    for (std::size_t i = 0; i < n; ++i) {
      product[i] = dot(n, matrix.data() + i * n, rows.data() + r * n);
    }
    const double value = dot(n, product.data(), rows.data() + r * n);
    CHECK(value > size);
    for (std::size_t i = 0; i < n; ++i) {
      CHECK(product[i] == doctest::Approx(value * rows[r * n + i]).epsilon(1e-9));
    }
  }
}

TEST_CASE("the chart's Jacobian is the derivative of its residual") {
  std::mt19937 generator(7);
  for (bool rotations : {true, false}) {
    for (int atoms : {3, 4}) {
      const auto f = springs(atoms, rotations);
      DenseExtremalSystem system(*f);
      const std::size_t n = f->dimension(), size = system.chart_dimension();
      // Far enough from one another that square roots are smooth over the steps.
      std::vector<double> x = random_vector(generator, n);
      for (std::size_t i = 0; i < n; ++i) x[i] += 2.0 * static_cast<double>((i / 3 + i) % 3);
      const CurvePoint reference = point_at(system, *f, x, random_vector(generator, n));
      for (double radius : {0.0, 0.2}) {
        std::vector<double> y = random_vector(generator, size);
        for (double& value : y) value *= radius;
        const auto residual_at = [&](const std::vector<double>& at) {
          CurvePoint point = system.make_point();
          system.chart_point(reference, at.data(), point);
          CurvePoint* const points[] = {&point};
          system.evaluate(points);
          std::vector<double> residual(size - 1);
          system.chart_residual(reference, point, residual.data());
          return residual;
        };
        CurvePoint point = system.make_point();
        system.chart_point(reference, y.data(), point);
        CurvePoint* const points[] = {&point};
        system.evaluate(points);
        std::vector<double> jacobian((size - 1) * size);
        system.chart_jacobian(reference, point, jacobian.data());
        const double largest = norm(jacobian.size(), jacobian.data());
        for (std::size_t column = 0; column < size; ++column) {
          const double h = 1e-4;
          std::vector<double> ahead = y, behind = y;
          ahead[column] += h;
          behind[column] -= h;
          const std::vector<double> plus = residual_at(ahead), minus = residual_at(behind);
          for (std::size_t row = 0; row + 1 < size; ++row) {
            const double difference = (plus[row] - minus[row]) / (2.0 * h);
            CHECK(std::fabs(jacobian[row * size + column] - difference) < 1e-6 * (1.0 + largest));
          }
        }
      }
    }
  }
}

TEST_CASE("curves of springs neither drift nor turn") {
  const auto f = springs(4);
  const std::size_t n = f->dimension();
  const std::vector<double> guess{0, 0, 0, 1, 0, 0, 0.4, 1, 0, 0.5, 0.4, 1};
  const CriticalPoints found = find_critical_points(*f, guess, {});
  REQUIRE(found.points.size() == 1);
  REQUIRE(found.points[0].eigenvalues.size() == 6);
  const GaugeRows gauge(f->gauge());
  for (std::size_t branch = 0; branch < 6; ++branch) {
    TracerOptions options;
    options.max_step = 0.02;
    options.max_length = 0.5;
    const Curve curve = trace_extremal(*f, found.points[0].x, branch, 1, options);
    REQUIRE(curve.points() > 20);
    const std::size_t unknowns = 2 * n + 2;
    for (std::size_t k = 0; k < curve.points(); ++k) {
      // At the start the gradient is rounding, and so is what it is off an eigenvector.
      CHECK(curve.residual[k] * curve.slope[k] <= 1e-11 * curve.slope[k] + 1e-14);
      const double* z = curve.z.data() + k * unknowns;
      for (const double* vector : {z + n, curve.tangent.data() + k * unknowns}) {
        std::vector<double> horizontal(vector, vector + n);
        gauge.project(z, horizontal.data());
        CHECK(distance(n, horizontal.data(), vector) < 1e-10);
      }
    }
  }
}
