// The kernels over lanes of every instruction set, called as fused code calls them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "simd/instruction_set.hpp"
#include "simd/spectrum.hpp"
#include "spectrum/matrix_classes.hpp"
#include "spectrum/symmetric_eigen.hpp"

namespace {

using matrix_classes::Matrix;
using talweg::Isa;
using talweg::SpectrumKernels;

class Aligned {
 public:
  explicit Aligned(std::size_t size) : memory_(new double[size + 8]()) {
    data_ = memory_.get();
    while (reinterpret_cast<std::uintptr_t>(data_) % 64 != 0) ++data_;
  }
  double* data() { return data_; }
  double& operator[](std::size_t i) { return data_[i]; }

 private:
  std::unique_ptr<double[]> memory_;
  double* data_;
};

struct Solution {
  std::vector<double> values, vectors, only;  // only: from a call without vectors
};

// One matrix a lane; `stride` of the packed rows may exceed the group.
std::vector<Solution> solve(const SpectrumKernels& kernels, std::size_t n,
                            const std::vector<Matrix>& matrices, std::size_t extra = 0) {
  const std::size_t group = kernels.group, stride = group + extra;
  REQUIRE(matrices.size() == group);
  Aligned packed(n * (n + 1) / 2 * stride), values(n * group), vectors(n * n * group),
      only(n * group), scratch(kernels.lane_eigen_scratch(n));
  for (std::size_t lane = 0; lane < group; ++lane)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j)
        packed[(i * (i + 1) / 2 + j) * stride + lane] = matrices[lane][i * n + j];
  kernels.lane_eigen(n, packed.data(), stride, values.data(), vectors.data(), scratch.data());
  kernels.lane_eigen(n, packed.data(), stride, only.data(), nullptr, scratch.data());
  std::vector<Solution> out(group);
  for (std::size_t lane = 0; lane < group; ++lane) {
    for (std::size_t i = 0; i < n; ++i) {
      out[lane].values.push_back(values[i * group + lane]);
      out[lane].only.push_back(only[i * group + lane]);
    }
    for (std::size_t k = 0; k < n * n; ++k) out[lane].vectors.push_back(vectors[k * group + lane]);
  }
  return out;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

double norm(const Matrix& a) {
  long double sum = 0.0L;
  for (const double x : a) sum += static_cast<long double>(x) * x;
  return static_cast<double>(std::sqrt(sum));
}

}  // namespace

TEST_CASE("lanes decompose matrices of every kind to 10 n eps") {
  for (const Isa isa : talweg::available_isas()) {
    const SpectrumKernels& kernels = talweg::spectrum_kernels(isa);
    CAPTURE(std::string(talweg::name_of(isa)));
    for (std::size_t n = 1; n <= talweg::lane_eigen_limit; ++n) {
      CAPTURE(n);
      for (const std::string& name : matrix_classes::names()) {
        CAPTURE(name);
        std::vector<Matrix> matrices;
        for (unsigned lane = 0; lane < kernels.group; ++lane)
          matrices.push_back(matrix_classes::make(name, n, lane));
        const std::vector<Solution> solutions = solve(kernels, n, matrices, 3);
        double residual = 0.0, orthogonality = 0.0, difference = 0.0;
        bool sorted = true, signs = true;
        for (std::size_t lane = 0; lane < kernels.group; ++lane) {
          const Solution& s = solutions[lane];
          const auto errors =
              matrix_classes::errors(n, matrices[lane].data(), s.values.data(), s.vectors.data());
          residual = std::max(residual, errors.residual);
          orthogonality = std::max(orthogonality, errors.orthogonality);
          sorted = sorted && std::is_sorted(s.values.begin(), s.values.end()) &&
                   std::is_sorted(s.only.begin(), s.only.end());
          for (std::size_t i = 0; i < n; ++i)
            difference = std::max(difference, std::fabs(s.only[i] - s.values[i]) /
                                                  std::max(norm(matrices[lane]), 1e-320));
          for (std::size_t j = 0; j < n; ++j) {
            std::vector<double> turned = s.vectors;
            talweg::fix_sign(n, &turned[j], n);
            signs = signs && same_bits(turned, s.vectors);
          }
        }
        CHECK(residual <= matrix_classes::allowed(n));
        CHECK(orthogonality <= matrix_classes::allowed(n));
        CHECK(difference <= matrix_classes::allowed(n));
        CHECK(sorted);
        CHECK(signs);
      }
    }
  }
}

TEST_CASE("three by three to better than 1e-13, where closed formulas lose half the digits") {
  for (const Isa isa : talweg::available_isas()) {
    const SpectrumKernels& kernels = talweg::spectrum_kernels(isa);
    for (unsigned round = 0; round < 50; ++round) {
      std::vector<Matrix> matrices;
      for (unsigned lane = 0; lane < kernels.group; ++lane) {
        std::mt19937_64 generator(100 * round + lane);
        const double gap = std::pow(10.0, -static_cast<double>(lane));
        matrices.push_back(matrix_classes::with_values(3, {1.0, 1.0 + gap, -2.0}, generator));
      }
      const std::vector<Solution> solutions = solve(kernels, 3, matrices);
      for (std::size_t lane = 0; lane < kernels.group; ++lane) {
        const auto errors =
            matrix_classes::errors(3, matrices[lane].data(), solutions[lane].values.data(),
                                   solutions[lane].vectors.data());
        CHECK(errors.residual < 1e-14);
        CHECK(errors.orthogonality < 1e-14);
      }
    }
  }
}

TEST_CASE("eigenvalues of the path are known") {
  for (const Isa isa : talweg::available_isas()) {
    const SpectrumKernels& kernels = talweg::spectrum_kernels(isa);
    for (std::size_t n = 1; n <= talweg::lane_eigen_limit; ++n) {
      const std::vector<Matrix> matrices(kernels.group, matrix_classes::make("path", n, 0));
      const std::vector<Solution> solutions = solve(kernels, n, matrices);
      for (std::size_t k = 0; k < n; ++k) {
        const double exact = -2.0 * std::cos(static_cast<double>(k + 1) * std::acos(-1.0) /
                                             static_cast<double>(n + 1));
        CHECK(std::fabs(solutions[0].only[k] - exact) <= matrix_classes::allowed(n));
        CHECK(std::fabs(solutions[0].values[k] - exact) <= matrix_classes::allowed(n));
      }
    }
  }
}

TEST_CASE("a lane depends on its own matrix only, to the last bit") {
  for (const Isa isa : talweg::available_isas()) {
    const SpectrumKernels& kernels = talweg::spectrum_kernels(isa);
    const std::size_t group = kernels.group;
    for (const std::size_t n : {1, 2, 3, 4, 5, 8, 13, 16}) {
      CAPTURE(n);
      std::vector<Matrix> kinds;
      for (const std::string& name : matrix_classes::names())
        kinds.push_back(matrix_classes::make(name, n, 7));
      Matrix bad = kinds[0];
      bad[n * n - 1] = std::nan("");
      kinds.push_back(bad);
      bad[n * n - 1] = std::numeric_limits<double>::infinity();
      kinds.push_back(bad);
      int failures = 0;
      for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        const Solution alone = solve(kernels, n, std::vector<Matrix>(group, kinds[kind]))[0];
        const bool finite = kind + 2 < kinds.size();
        for (std::size_t i = 0; i < n; ++i) failures += std::isnan(alone.values[i]) == finite;
        for (std::size_t i = 0; i < n * n; ++i) failures += std::isnan(alone.vectors[i]) == finite;
        if (!finite) continue;
        for (std::size_t shift = 0; shift < kinds.size(); shift += 3) {
          std::vector<Matrix> mixed;
          for (std::size_t lane = 0; lane < group; ++lane)
            mixed.push_back(
                kinds[(kind + (lane + group - shift % group) % group * 5) % kinds.size()]);
          const std::vector<Solution> found = solve(kernels, n, mixed);
          const Solution& here = found[shift % group];
          failures += !same_bits(here.values, alone.values);
          failures += !same_bits(here.only, alone.only);
          failures += !same_bits(here.vectors, alone.vectors);
        }
      }
      CHECK(failures == 0);
    }
  }
}
