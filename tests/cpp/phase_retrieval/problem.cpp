#include <cmath>
#include <limits>

#include "models/block_check.hpp"
#include "phase_retrieval/data_rows.hpp"
#include "phase_retrieval/weighted_squares.hpp"
#include "talweg/phase_retrieval.hpp"

namespace {

using namespace talweg::testing;
using talweg::PhaseRetrieval;
using talweg::PhaseRetrievalObjective;

struct Data {
  std::vector<double> numbers;
  std::vector<float> single;
  PhaseRetrieval description;

  Data(std::size_t rows, std::size_t columns, bool complex, double a, bool in_single = false) {
    std::mt19937_64 random(rows * 100 + columns);
    numbers = random_vector(random, rows * columns, -1.7, 1.7);
    single.assign(numbers.begin(), numbers.end());
    if (in_single) numbers.assign(single.begin(), single.end());
    description.rows = rows;
    description.columns = columns;
    description.intensities = random_vector(random, rows, 0.0, 2.0);
    description.a = a;
    description.complex = complex;
    if (in_single)
      description.single_data = single.data();
    else
      description.data = numbers.data();
  }
};

struct Formula {
  const Data& data;
  template <class Point>
  auto operator()(const Point& w) const {
    using Number = typename Point::value_type;
    const PhaseRetrieval& d = data.description;
    const std::size_t n = d.columns, half = n / 2;
    const double N = static_cast<double>(d.complex ? half : n);
    Number sum(0.0);
    for (std::size_t i = 0; i < d.rows; ++i) {
      const double* const x = data.numbers.data() + i * n;
      Number re(0.0), im(0.0);
      for (std::size_t j = 0; j < n; ++j) re += x[j] * w[j];
      if (d.complex)
        for (std::size_t j = 0; j < half; ++j) im += x[j] * w[half + j] - x[half + j] * w[j];
      const Number excess = (re * re + im * im) / N - d.intensities[i];
      const double scale = std::isinf(d.a) ? 0.5 : 0.5 / (d.a + d.intensities[i]);
      sum += scale * excess * excess;
    }
    return sum / static_cast<double>(d.rows);
  }
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<double> on_sphere(std::vector<double> w, double N) {
  const double length = std::sqrt(dot(w, w) / N);
  for (double& x : w) x /= length;
  return w;
}

}  // namespace

TEST_CASE("phase retrieval: derivatives and blocks") {
  for (const bool complex : {false, true})
    for (const bool single : {false, true})
      for (const auto& [rows, columns] :
           {std::pair<std::size_t, std::size_t>{1, 2}, {7, 4}, {25, 6}, {49, 8}, {60, 14}}) {
        CAPTURE(complex);
        CAPTURE(single);
        CAPTURE(rows);
        const double a = rows == 25 ? std::numeric_limits<double>::infinity() : 0.7;
        const Data data(rows, columns, complex, a, single);
        const PhaseRetrievalObjective problem(data.description);
        CHECK(greatest_derivative_error(problem, Formula{data}, -1.0, 1.0, 2) < 1e-13);
        check_blocks(problem, -1.0, 1.0);
      }
}

TEST_CASE("phase retrieval: the same bits for any number of threads") {
  const std::size_t n = 130, count = 5;
  Data data(2000, n, false, 1.0);
  std::mt19937_64 random(3);
  const auto points = random_vector(random, count * n, -1.0, 1.0);
  std::vector<double> first_loss, first_gradient;
  for (const std::size_t workers : {1, 2, 3, 0}) {
    data.description.workers = workers;
    const PhaseRetrievalObjective problem(data.description);
    std::vector<double> loss(count), mu(count), gradient(count * n);
    problem.losses(count, points.data(), loss.data(), mu.data(), gradient.data());
    for (std::size_t k = 0; k < count; ++k) {
      double along = 0.0;
      for (std::size_t j = 0; j < n; ++j) along += points[k * n + j] * gradient[k * n + j];
      CHECK(mu[k] == doctest::Approx(along).epsilon(1e-12));
      // Alone.
      double one = 0.0;
      std::vector<double> slope(n);
      problem.losses(1, points.data() + k * n, &one, nullptr, slope.data());
      CHECK(same_bits(one, loss[k]));
      CHECK(std::equal(slope.begin(), slope.end(), gradient.begin() + k * n, same_bits));
    }
    if (workers == 1) {
      first_loss = loss;
      first_gradient = gradient;
    }
    CHECK(std::equal(loss.begin(), loss.end(), first_loss.begin(), same_bits));
    CHECK(std::equal(gradient.begin(), gradient.end(), first_gradient.begin(), same_bits));
  }
}

TEST_CASE("phase retrieval: the Hessian on the sphere") {
  for (const bool complex : {false, true}) {
    CAPTURE(complex);
    const std::size_t n = 12, M = 30;
    const Data data(M, n, complex, 0.5);
    const PhaseRetrievalObjective problem(data.description);
    const double N = static_cast<double>(problem.signal_dimension());
    std::mt19937_64 random(5);
    const auto w = on_sphere(random_vector(random, n, -1.0, 1.0), N);
    const talweg::SphereHessian hessian(problem, w.data());
    const Quantities at = evaluate_at(problem, w, w, w);
    const double mu = dot(w, at.gradient);
    CHECK(hessian.loss() == doctest::Approx(at.value[0]).epsilon(1e-13));
    CHECK(hessian.curvature() == doctest::Approx(mu).epsilon(1e-12));

    const auto project = [&](std::vector<double> v) {
      const double along = dot(v, w) / N;
      for (std::size_t j = 0; j < n; ++j) v[j] -= along * w[j];
      return v;
    };
    const std::size_t count = 3;
    const auto vectors = random_vector(random, count * n, -1.0, 1.0);
    std::vector<double> products(count * n), trace_product(n);
    hessian.apply(count, vectors.data(), n, products.data());
    double trace = 0.0;
    const auto exact = [&](const std::vector<double>& v) {
      const auto tangent = project(v);
      const Quantities there = evaluate_at(problem, w, tangent, w);
      std::vector<double> result(n);
      for (std::size_t j = 0; j < n; ++j)
        result[j] = N * there.hessian_product[j] - mu * tangent[j];
      return project(result);
    };
    for (std::size_t j = 0; j < n; ++j) {
      std::vector<double> unit(n);
      unit[j] = 1.0;
      trace += exact(unit)[j];
    }
    CHECK(hessian.shift() == doctest::Approx(trace / static_cast<double>(n - 1)).epsilon(1e-11));
    std::vector<double> matrix(n * n), units(n * n), columns(n * n);
    for (std::size_t j = 0; j < n; ++j) units[j * n + j] = 1.0;
    hessian.apply(n, units.data(), n, columns.data());
    CHECK(hessian.form(matrix.data()) == !complex);
    for (std::size_t i = 0; !complex && i < n * n; ++i)
      CHECK(matrix[i] == doctest::Approx(columns[i]).epsilon(1e-11).scale(1.0));
    for (std::size_t k = 0; k < count; ++k) {
      const std::vector<double> v(vectors.begin() + k * n, vectors.begin() + (k + 1) * n);
      const auto want = exact(v);
      const double along = dot(v, w) / N;
      for (std::size_t j = 0; j < n; ++j)
        CHECK(products[k * n + j] ==
              doctest::Approx(want[j] + hessian.shift() * along * w[j]).epsilon(1e-11).scale(1.0));
    }
  }
}

TEST_CASE("phase retrieval: descent on the sphere") {
  for (const bool complex : {false, true}) {
    CAPTURE(complex);
    const std::size_t n = 10, count = 35, steps = 7;
    const Data data(40, n, complex, 1.0);
    const PhaseRetrievalObjective problem(data.description);
    const double N = static_cast<double>(problem.signal_dimension()), eta = 0.03;
    std::mt19937_64 random(8);
    std::vector<double> points;
    for (std::size_t k = 0; k < count; ++k) {
      const auto w = on_sphere(random_vector(random, n, -1.0, 1.0), N);
      points.insert(points.end(), w.begin(), w.end());
    }
    const auto signal = on_sphere(random_vector(random, n, -1.0, 1.0), N);
    auto spoiled = points;
    spoiled[3] = std::nan("");
    talweg::SphereDescentOptions options;
    options.step = eta;
    options.steps = steps;
    options.record_every = 3;
    options.signal = signal.data();
    auto moved = points;
    const auto records = sphere_descent(problem, count, moved.data(), options);
    CHECK(records.status == talweg::Status::max_steps);
    CHECK(records.steps == std::vector<std::uint64_t>{0, 3, 6, 7});
    sphere_descent(problem, count, spoiled.data(), options);

    for (std::size_t k = 0; k < count; ++k) {
      std::vector<double> w(points.begin() + k * n, points.begin() + (k + 1) * n);
      std::size_t row = 0;
      for (std::size_t step = 0; step <= steps; ++step) {
        const Quantities at = evaluate_at(problem, w, w, w);
        if (step % 3 == 0 || step == steps) {
          const std::size_t place = row++ * count + k;
          double im = 0.0;
          for (std::size_t j = 0; complex && j < n / 2; ++j)
            im += w[n / 2 + j] * signal[j] - w[j] * signal[n / 2 + j];
          const double overlap = complex ? std::hypot(dot(w, signal), im) : dot(w, signal);
          CHECK(records.loss[place] == doctest::Approx(at.value[0]).epsilon(1e-11));
          CHECK(records.curvature[place] == doctest::Approx(dot(w, at.gradient)).epsilon(1e-10));
          CHECK(records.overlap[place] == doctest::Approx(overlap / N).epsilon(1e-10).scale(1.0));
        }
        if (step == steps) break;
        for (std::size_t j = 0; j < n; ++j) w[j] -= eta * N * at.gradient[j];
        w = on_sphere(w, N);
      }
      for (std::size_t j = 0; j < n; ++j) {
        CHECK(moved[k * n + j] == doctest::Approx(w[j]).epsilon(1e-10).scale(1.0));
        // The point that is not finite disturbs none beside it.
        if (k == 0)
          CHECK(std::isnan(spoiled[j]));
        else
          CHECK(same_bits(moved[k * n + j], spoiled[k * n + j]));
      }
    }
  }
}

TEST_CASE("phase retrieval that makes no sense") {
  const auto refused = [](const PhaseRetrieval& description) -> std::string {
    try {
      const PhaseRetrievalObjective problem(description);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  const Data data(4, 3, false, 1.0);
  PhaseRetrieval d = data.description;
  CHECK(refused(d).empty());
  d.complex = true;
  CHECK(begins_with(refused(d), "columns: want an even number"));
  d = data.description;
  d.intensities[2] = -0.5;
  CHECK(begins_with(refused(d), "intensities: want numbers from 0 on, got -0.5"));
  d.intensities.pop_back();
  CHECK(begins_with(refused(d), "intensities: want 4 numbers, got 3"));
  d = data.description;
  for (const double a : {0.0, -1.0, std::nan("")}) {
    d.a = a;
    CHECK(begins_with(refused(d), "a: want a number above 0"));
  }
  d = data.description;
  d.single_data = data.single.data();
  CHECK(begins_with(refused(d), "data: "));
  d.data = nullptr;
  d.rows = 0;
  CHECK(begins_with(refused(d), "rows: want at least 1"));

  const PhaseRetrievalObjective problem(data.description);
  std::vector<double> w{1.0, 1.0, 1.0};
  CHECK_THROWS_AS(sphere_descent(problem, 1, w.data(), {}), std::invalid_argument);
}

TEST_CASE("phase retrieval: sums of weighted squares in both precisions") {
  for (const auto& [rows, columns] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {5, 3}, {49, 17}, {1700, 40}, {97, 270}})
    for (const bool in_single : {false, true}) {
      CAPTURE(rows);
      CAPTURE(in_single);
      const std::size_t M = rows, n = columns;
      Data data(M, n, false, 1.0, in_single);
      const talweg::DataRows x = talweg::rows_of(data.description);
      std::mt19937_64 random(8);
      const auto weights = random_vector(random, M, -2.0, 2.0);
      const std::vector<float> single_weights(weights.begin(), weights.end());
      std::vector<double> wide(n * n), other(n * n);
      std::vector<float> single(n * n), other_single(n * n);
      talweg::weighted_squares(x, weights.data(), 1, wide.data());
      talweg::weighted_squares(x, single_weights.data(), 1, single.data());
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
          double sum = 0.0, size = 0.0;
          for (std::size_t r = 0; r < M; ++r) {
            const double term = weights[r] * data.numbers[r * n + i] * data.numbers[r * n + j];
            sum += term;
            size += std::fabs(term);
          }
          CHECK(std::fabs(wide[i * n + j] - sum) <= 1e-15 * static_cast<double>(M) * size);
          CHECK(std::fabs(single[i * n + j] - sum) <= 1e-7 * (3.0 + static_cast<double>(M)) * size);
        }
      talweg::weighted_squares(x, weights.data(), 3, other.data());
      talweg::weighted_squares(x, single_weights.data(), 3, other_single.data());
      CHECK(std::equal(wide.begin(), wide.end(), other.begin(), same_bits));
      CHECK(single == other_single);
    }
}
