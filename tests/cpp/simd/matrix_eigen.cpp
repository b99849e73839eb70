// Eigendecompositions of middle-sized matrices: residual and orthogonality for every spectrum that
// is known to be hard, on every instruction set, and no lane seeing another.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "simd/instruction_set.hpp"
#include "simd/spectrum.hpp"
#include "spectrum/symmetric_eigen.hpp"

namespace {

using talweg::Isa;
using talweg::SpectrumKernels;
using Matrix = std::vector<double>;
using Generator = std::mt19937_64;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

double normal(Generator& generator) { return std::normal_distribution<double>{}(generator); }

Matrix gaussian(std::size_t n, Generator& generator) {
  Matrix a(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = normal(generator);
  return a;
}

// Q diag(values) Q' with Q a product of random reflections.
Matrix with_spectrum(const std::vector<double>& values, Generator& generator) {
  const std::size_t n = values.size();
  Matrix a(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) a[i * n + i] = values[i];
  std::vector<double> u(n), p(n);
  for (std::size_t step = 0; step < n; ++step) {
    double square = 0.0, product = 0.0;
    for (double& x : u) {
      x = normal(generator);
      square += x * x;
    }
    for (std::size_t i = 0; i < n; ++i) {
      p[i] = 0.0;
      for (std::size_t j = 0; j < n; ++j) p[i] += a[i * n + j] * u[j];
      p[i] *= 2.0 / square;
      product += p[i] * u[i];
    }
    for (std::size_t i = 0; i < n; ++i) p[i] -= product / square * u[i];
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] -= u[i] * p[j] + p[i] * u[j];
  }
  return a;
}

Matrix tridiagonal(std::size_t n, const std::function<double(std::size_t)>& diagonal,
                   const std::function<double(std::size_t)>& off) {
  Matrix a(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    a[i * n + i] = diagonal(i);
    if (i + 1 < n) a[i * n + i + 1] = a[(i + 1) * n + i] = off(i);
  }
  return a;
}

Matrix spectrum_of(std::size_t n, Generator& generator,
                   const std::function<double(std::size_t)>& value) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = value(i);
  return with_spectrum(values, generator);
}

Matrix scaled(Matrix a, double factor) {
  for (double& x : a) x *= factor;
  return a;
}

struct Kind {
  const char* name;
  std::function<Matrix(std::size_t, Generator&)> make;
};

double centred(std::size_t i, std::size_t size) {
  return std::fabs(static_cast<double>(i % size) - 0.5 * static_cast<double>(size - 1));
}

std::vector<Kind> kinds() {
  return {
      {"gaussian", gaussian},
      {"graded",
       [](std::size_t n, Generator& g) {
         return spectrum_of(n, g, [n](std::size_t i) {
           return std::pow(10.0, -12.0 * static_cast<double>(i) / static_cast<double>(n - 1));
         });
       }},
      {"one cluster",
       [](std::size_t n, Generator& g) {
         return spectrum_of(n, g, [&g](std::size_t) { return 1.0 + 1e-9 * normal(g); });
       }},
      {"clusters",
       [](std::size_t n, Generator& g) {
         return spectrum_of(
             n, g, [&g](std::size_t i) { return static_cast<double>(i % 4) + 1e-9 * normal(g); });
       }},
      {"small clusters",
       [](std::size_t n, Generator& g) {
         return spectrum_of(
             n, g, [&g](std::size_t i) { return static_cast<double>(i / 8) + 1e-7 * normal(g); });
       }},
      {"tight clusters",
       [](std::size_t n, Generator& g) {
         return spectrum_of(
             n, g, [&g](std::size_t i) { return static_cast<double>(i % 4) + 1e-15 * normal(g); });
       }},
      {"close pairs",
       [](std::size_t n, Generator& g) {
         return spectrum_of(n, g, [](std::size_t i) {
           return static_cast<double>(i / 2) + (i % 2 == 0 ? 0.0 : 1e-12);
         });
       }},
      {"repeated",
       [](std::size_t n, Generator& g) {
         return spectrum_of(n, g, [](std::size_t i) { return static_cast<double>(i / 3); });
       }},
      {"rank one",
       [](std::size_t n, Generator& g) {
         return spectrum_of(n, g, [](std::size_t i) { return i == 0 ? 3.0 : 0.0; });
       }},
      {"Wilkinson",
       [](std::size_t n, Generator&) {
         return tridiagonal(
             n, [=](std::size_t i) { return centred(i, n); }, [](std::size_t) { return 1.0; });
       }},
      {"glued Wilkinson",
       [](std::size_t n, Generator&) {
         return tridiagonal(
             n, [](std::size_t i) { return centred(i, 9); },
             [](std::size_t i) { return i % 9 == 8 ? 1e-8 : 1.0; });
       }},
      {"chain",
       [](std::size_t n, Generator&) {
         return tridiagonal(n, [](std::size_t) { return 2.0; }, [](std::size_t) { return -1.0; });
       }},
      {"zero", [](std::size_t n, Generator&) { return Matrix(n * n, 0.0); }},
      {"identity",
       [](std::size_t n, Generator&) {
         return tridiagonal(n, [](std::size_t) { return 1.0; }, [](std::size_t) { return 0.0; });
       }},
      {"diagonal",
       [](std::size_t n, Generator& g) {
         return tridiagonal(
             n, [&g](std::size_t) { return normal(g); }, [](std::size_t) { return 0.0; });
       }},
      {"blocks",
       [](std::size_t n, Generator& g) {
         Matrix a = gaussian(n, g);
         for (std::size_t i = 0; i < n; ++i)
           for (std::size_t j = 0; j < n; ++j)
             if (i / 5 != j / 5) a[i * n + j] = 0.0;
         return a;
       }},
      {"integers",
       [](std::size_t n, Generator& g) {
         // The same block again and again.
         Matrix a(n * n, 0.0);
         for (std::size_t i = 0; i < n; ++i)
           for (std::size_t j = 0; j <= i; ++j) {
             if (i / 6 != j / 6) continue;
             const double entry =
                 i < 6 ? static_cast<double>(g() % 3) - 1.0 : a[(i % 6) * n + j % 6];
             a[i * n + j] = a[j * n + i] = entry;
           }
         return a;
       }},
      {"all ones", [](std::size_t n, Generator&) { return Matrix(n * n, 1.0); }},
      {"huge", [](std::size_t n, Generator& g) { return scaled(gaussian(n, g), 1e300); }},
      {"tiny", [](std::size_t n, Generator& g) { return scaled(gaussian(n, g), 1e-300); }},
      {"nearly subnormal",
       [](std::size_t n, Generator& g) { return scaled(gaussian(n, g), 0x1p-1010); }},
      {"entries far apart",
       [](std::size_t n, Generator& g) {
         Matrix a = gaussian(n, g);
         for (std::size_t i = 0; i < n; ++i)
           for (std::size_t j = 0; j < n; ++j)
             a[i * n + j] *= std::pow(10.0, -6.0 * static_cast<double>((i + j) % 50));
         return a;
       }},
  };
}

// Aligned storage of exactly the size that the kernels ask for.
struct Scratch {
  explicit Scratch(std::size_t size)
      : data(static_cast<double*>(::operator new(size * sizeof(double), std::align_val_t{64}))) {
    std::fill_n(data, size, std::numeric_limits<double>::quiet_NaN());
  }
  ~Scratch() { ::operator delete(data, std::align_val_t{64}); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  double* data;
};

struct Result {
  std::vector<double> values, vectors, values_alone;
};

Result decompose(const SpectrumKernels& kernels, std::size_t n,
                 const std::vector<Matrix>& matrices) {
  const Scratch scratch(kernels.matrix_eigen_scratch(n));
  const std::size_t count = matrices.size();
  Result result{std::vector<double>(count * n), std::vector<double>(count * n * n),
                std::vector<double>(count * n)};
  std::vector<double> all;
  for (Matrix matrix : matrices) {
    // The upper triangle is nobody's business.
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = i + 1; j < n; ++j)
        matrix[i * n + j] = std::numeric_limits<double>::quiet_NaN();
    all.insert(all.end(), matrix.begin(), matrix.end());
  }
  for (std::size_t k = 0; k < count; k += kernels.matrix_group) {
    const std::size_t size = std::min(kernels.matrix_group, count - k);
    kernels.matrix_eigen(n, size, all.data() + k * n * n, result.values_alone.data() + k * n,
                         nullptr, scratch.data);
    kernels.matrix_eigen(n, size, all.data() + k * n * n, result.values.data() + k * n,
                         result.vectors.data() + k * n * n, scratch.data);
  }
  return result;
}

double norm(const std::vector<double>& entries) {
  double sum = 0.0;
  for (const double x : entries) sum += x * x;
  return std::sqrt(sum);
}

// Residual, departure from orthogonality and difference of values to those of an independent
// solver, in units of n epsilon and of the norm.
void check(std::size_t n, Matrix a, const double* values, const double* vectors,
           const double* values_alone) {
  double largest = 0.0;
  for (const double x : a) largest = std::max(largest, std::fabs(x));
  const int exponent = largest > 0.0 ? -std::ilogb(largest) : 0;
  for (double& x : a) x = std::ldexp(x, exponent);
  std::vector<double> w(n), alone(n), residual(n * n), overlap(n * n);
  for (std::size_t j = 0; j < n; ++j) {
    w[j] = std::ldexp(values[j], exponent);
    alone[j] = std::ldexp(values_alone[j], exponent);
    if (j > 0) REQUIRE(w[j] >= w[j - 1]);
    if (j > 0) REQUIRE(alone[j] >= alone[j - 1]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      long double image = 0.0L, product = 0.0L;
      for (std::size_t k = 0; k < n; ++k) {
        image += static_cast<long double>(a[i * n + k]) * vectors[k * n + j];
        product += static_cast<long double>(vectors[k * n + i]) * vectors[k * n + j];
      }
      residual[i * n + j] =
          static_cast<double>(image - static_cast<long double>(vectors[i * n + j]) * w[j]);
      overlap[i * n + j] = static_cast<double>(product - (i == j ? 1.0L : 0.0L));
    }
  }
  const double size = largest > 0.0 ? norm(a) : 1.0;
  const double limit = 10.0 * static_cast<double>(n) * epsilon;
  CHECK(norm(residual) <= limit * size);
  CHECK(norm(overlap) <= limit);
  std::vector<double> expected(n), scratch(n), difference(n), difference_alone(n);
  REQUIRE(talweg::symmetric_eigen(n, a.data(), expected.data(), scratch.data(), false));
  for (std::size_t j = 0; j < n; ++j) {
    difference[j] = w[j] - expected[j];
    difference_alone[j] = alone[j] - expected[j];
  }
  CHECK(norm(difference) <= limit * size);
  CHECK(norm(difference_alone) <= limit * size);
  for (std::size_t j = 0; j < n; ++j) {
    std::vector<double> column(n), signed_column(n);
    for (std::size_t i = 0; i < n; ++i) column[i] = signed_column[i] = vectors[i * n + j];
    talweg::fix_sign(n, signed_column.data(), 1);
    REQUIRE(column == signed_column);
  }
}

bool same_bits(const double* a, const double* b, std::size_t count) {
  return std::memcmp(a, b, count * sizeof(double)) == 0;
}

template <class Body>
void on_each_instruction_set(Body body) {
  for (const Isa isa : talweg::available_isas()) {
    CAPTURE(std::string(talweg::name_of(isa)));
    body(talweg::spectrum_kernels(isa));
  }
}

}  // namespace

TEST_CASE("Every spectrum comes out to rounding") {
  on_each_instruction_set([](const SpectrumKernels& kernels) {
    for (const std::size_t n : {17, 18, 23, 24, 31, 32, 47, 61, 64}) {
      CAPTURE(n);
      for (const Kind& kind : kinds()) {
        CAPTURE(std::string(kind.name));
        Generator generator(n);
        const std::vector<Matrix> matrices = {kind.make(n, generator), kind.make(n, generator)};
        const Result result = decompose(kernels, n, matrices);
        for (std::size_t k = 0; k < matrices.size(); ++k)
          check(n, matrices[k], result.values.data() + k * n, result.vectors.data() + k * n * n,
                result.values_alone.data() + k * n);
      }
    }
  });
}

TEST_CASE("Any size from 3 to 64 rows works") {
  on_each_instruction_set([](const SpectrumKernels& kernels) {
    for (std::size_t n = 3; n <= 64; ++n) {
      CAPTURE(n);
      Generator generator(n);
      const std::vector<Matrix> matrices = {gaussian(n, generator)};
      const Result result = decompose(kernels, n, matrices);
      check(n, matrices[0], result.values.data(), result.vectors.data(),
            result.values_alone.data());
    }
  });
}

TEST_CASE("The spectrum of a chain is known exactly") {
  on_each_instruction_set([](const SpectrumKernels& kernels) {
    const double pi = std::acos(-1.0);
    for (const std::size_t n : {17, 33, 64}) {
      const Result result = decompose(
          kernels, n,
          {tridiagonal(n, [](std::size_t) { return 2.0; }, [](std::size_t) { return -1.0; })});
      for (std::size_t j = 0; j < n; ++j) {
        const double half =
            std::sin(0.5 * pi * static_cast<double>(j + 1) / static_cast<double>(n + 1));
        CHECK(std::fabs(result.values[j] - 4.0 * half * half) <=
              4.0 * static_cast<double>(n) * epsilon);
      }
    }
  });
}

TEST_CASE("What a matrix gets does not depend on the others") {
  on_each_instruction_set([](const SpectrumKernels& kernels) {
    const std::size_t group = kernels.matrix_group;
    for (const std::size_t n : {17, 33, 64}) {
      CAPTURE(n);
      Generator generator(11 * n);
      // Easy, hard and impossible ones side by side.
      std::vector<Matrix> matrices;
      const std::vector<Kind> all = kinds();
      for (std::size_t k = 0; matrices.size() < 2 * group; ++k) {
        matrices.push_back(all[k % all.size()].make(n, generator));
        if (k % 7 == 3)
          matrices.back()[n * n - 2] = k % 2 == 0 ? std::numeric_limits<double>::quiet_NaN()
                                                  : std::numeric_limits<double>::infinity();
      }
      const Result together = decompose(kernels, n, matrices);
      std::vector<Matrix> shuffled(matrices.rbegin(), matrices.rend());
      shuffled.erase(shuffled.begin(), shuffled.begin() + 3);
      const Result reversed = decompose(kernels, n, shuffled);
      for (std::size_t k = 0; k < matrices.size(); ++k) {
        CAPTURE(k);
        const Result alone = decompose(kernels, n, {matrices[k]});
        CHECK(same_bits(alone.values.data(), together.values.data() + k * n, n));
        CHECK(same_bits(alone.values_alone.data(), together.values_alone.data() + k * n, n));
        CHECK(same_bits(alone.vectors.data(), together.vectors.data() + k * n * n, n * n));
        const bool finite = std::isfinite(matrices[k][n * n - 2]);
        for (std::size_t i = 0; i < n; ++i) REQUIRE(std::isnan(alone.values[i]) == !finite);
        for (std::size_t i = 0; i < n * n; ++i) REQUIRE(std::isnan(alone.vectors[i]) == !finite);
        if (k + 3 >= matrices.size()) continue;
        const std::size_t r = matrices.size() - 4 - k;
        CHECK(same_bits(alone.values.data(), reversed.values.data() + r * n, n));
        CHECK(same_bits(alone.vectors.data(), reversed.vectors.data() + r * n * n, n * n));
      }
    }
  });
}

TEST_CASE("Vectors may replace the matrices, and nothing else is written") {
  on_each_instruction_set([](const SpectrumKernels& kernels) {
    const std::size_t n = 19, count = 3;
    Generator generator(4);
    std::vector<double> matrices;
    for (std::size_t k = 0; k < count; ++k) {
      const Matrix a = gaussian(n, generator);
      matrices.insert(matrices.end(), a.begin(), a.end());
    }
    const Scratch scratch(kernels.matrix_eigen_scratch(n));
    std::vector<double> values(count * n), again(count * n), vectors(count * n * n + 1, 7.0);
    kernels.matrix_eigen(n, count, matrices.data(), values.data(), vectors.data(), scratch.data);
    CHECK(vectors.back() == 7.0);
    kernels.matrix_eigen(n, count, matrices.data(), again.data(), matrices.data(), scratch.data);
    CHECK(values == again);
    CHECK(same_bits(matrices.data(), vectors.data(), matrices.size()));
  });
}

TEST_CASE("Asymmetry is the largest difference between mirrored entries") {
  on_each_instruction_set([](const SpectrumKernels& kernels) {
    Generator generator(9);
    for (std::size_t n = 1; n <= 20; ++n) {
      CAPTURE(n);
      Matrix a = gaussian(n, generator);
      double largest, difference;
      kernels.asymmetry(n, a.data(), &largest, &difference);
      const double expected = std::fabs(*std::max_element(
          a.begin(), a.end(), [](double x, double y) { return std::fabs(x) < std::fabs(y); }));
      CHECK(largest == expected);
      CHECK(difference == 0.0);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          const double kept = a[i * n + j];
          a[i * n + j] = kept + 100.0;
          kernels.asymmetry(n, a.data(), &largest, &difference);
          CHECK(largest == std::fabs(kept + 100.0));
          CHECK(difference == (i == j ? 0.0 : std::fabs(kept + 100.0 - kept)));
          a[i * n + j] = std::numeric_limits<double>::quiet_NaN();
          kernels.asymmetry(n, a.data(), &largest, &difference);
          CHECK(std::isnan(largest));
          a[i * n + j] = kept;
        }
      }
    }
  });
}
