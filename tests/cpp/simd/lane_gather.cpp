#include "simd/lane_gather.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "simd/instruction_set.hpp"
#include "talweg/spectrum.hpp"

namespace {

using talweg::Status;
using talweg::Symmetry;

struct Gathered {
  std::vector<double> packed;
  std::vector<Status> statuses;
  std::size_t stride;
  bool trouble;

  double entry(std::size_t i, std::size_t j, std::size_t lane) const {
    return packed[(i * (i + 1) / 2 + j) * stride + lane];
  }
};

template <class Real>
Gathered gather(std::size_t n, const std::vector<Real>& matrices, std::size_t lanes,
                Symmetry symmetry) {
  const talweg::LaneGatherKernels& kernels = talweg::lane_gather_kernels(talweg::active_isa());
  const std::size_t width = kernels.vector_lanes;
  Gathered result;
  result.stride = (lanes + width - 1) / width * width;
  result.packed.assign(n * (n + 1) / 2 * result.stride, -7.0);
  result.statuses.assign(lanes, Status::running);
  std::vector<double> scratch(kernels.gather_scratch(n));
  if constexpr (std::is_same_v<Real, float>) {
    result.trouble =
        kernels.gather_single(n, matrices.data(), lanes, symmetry, 1e-4, result.packed.data(),
                              result.stride, result.statuses.data(), scratch.data());
  } else {
    result.trouble =
        kernels.gather(n, matrices.data(), lanes, symmetry, 1e-10, result.packed.data(),
                       result.stride, result.statuses.data(), scratch.data());
  }
  return result;
}

template <class Real>
std::vector<Real> random_matrices(std::size_t n, std::size_t count, double asymmetry) {
  std::mt19937_64 random(n);
  std::normal_distribution<double> normal;
  std::vector<Real> all(n * n * count);
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        const double value = normal(random);
        all[(k * n + i) * n + j] = static_cast<Real>(value);
        all[(k * n + j) * n + i] =
            static_cast<Real>(i == j ? value : value * (1.0 + asymmetry * normal(random)));
      }
  return all;
}

template <class Real>
void check_gather(std::size_t n, double asymmetry) {
  const std::size_t lanes = 11;
  const std::vector<Real> all = random_matrices<Real>(n, lanes, asymmetry);
  for (const Symmetry symmetry : {Symmetry::check, Symmetry::symmetrise, Symmetry::lower}) {
    const Gathered got = gather(n, all, lanes, symmetry);
    CAPTURE(n);
    CHECK_FALSE(got.trouble);
    std::size_t wrong = 0;
    for (std::size_t l = 0; l < got.stride; ++l) {
      const Real* const a = all.data() + std::min(l, lanes - 1) * n * n;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
          const double lower = a[i * n + j], upper = a[j * n + i];
          const double expected =
              symmetry == Symmetry::symmetrise ? 0.5 * lower + 0.5 * upper : lower;
          wrong += got.entry(i, j, l) != expected;
        }
    }
    CHECK(wrong == 0);
    for (const Status status : got.statuses) CHECK(status == Status::converged);
  }
}

}  // namespace

TEST_CASE("every entry comes into its lane, whatever the size") {
  for (std::size_t n = 1; n <= 64; n += n < 20 ? 1 : 5) {
    check_gather<double>(n, 0.0);
    check_gather<double>(n, 1e-13);
    check_gather<float>(n, 0.0);
    check_gather<float>(n, 1e-6);
  }
}

TEST_CASE("lanes in trouble are found, and no others") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::size_t lanes = 11;
  for (const std::size_t n : {2, 3, 5, 16, 17, 40})
    for (std::size_t at = 0; at < lanes; ++at) {
      std::vector<double> all = random_matrices<double>(n, lanes, 0.0);
      double* const a = all.data() + at * n * n;
      a[1] += 1e-3;
      Gathered got = gather(n, all, lanes, Symmetry::check);
      CHECK(got.trouble);
      for (std::size_t l = 0; l < lanes; ++l)
        CHECK(got.statuses[l] == (l == at ? Status::not_symmetric : Status::converged));
      CHECK_FALSE(gather(n, all, lanes, Symmetry::symmetrise).trouble);
      a[1] = nan;
      for (const Symmetry symmetry : {Symmetry::check, Symmetry::symmetrise}) {
        got = gather(n, all, lanes, symmetry);
        CHECK(got.trouble);
        for (std::size_t l = 0; l < lanes; ++l)
          CHECK(got.statuses[l] == (l == at ? Status::non_finite : Status::converged));
      }
      CHECK_FALSE(gather(n, all, lanes, Symmetry::lower).trouble);
    }
}
