// Eigendecompositions of middle-sized matrices, one thread, microseconds a matrix, for each
// instruction set of the machine: random ones, and the worst case in which all eigenvalues of all
// matrices lie in one cluster and the vectors come from QL.
//
// Floors for vectors at n = 64, AVX2 with two FMA pipes at 3 GHz, 48 GFlop/s: reduction 4/3 n^3 =
// 350 kFlop, 7.3 us; reflectors applied 2 n^3 = 524 kFlop, 10.9 us; values 1.1 n^2 steps in
// lockstep with one division each, 1.8 us for divisions alone; twisted factorisations n^2 / 4
// vectors with three divisions each, 4.8 us; overlaps and clean-up 35 n^2 Flop, 3 us.
// Goals: 5 times Eigen's fixed-size solver at n = 32, 4.5 times at n = 64; worst case 2 times.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <new>
#include <random>
#include <vector>

#include "simd/instruction_set.hpp"
#include "simd/spectrum.hpp"

namespace {

using talweg::SpectrumKernels;

double thread_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<double> random_matrices(std::size_t count, std::size_t n) {
  std::mt19937_64 generator(n);
  std::normal_distribution<double> normal;
  std::vector<double> a(count * n * n);
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j)
        a[(k * n + i) * n + j] = a[(k * n + j) * n + i] = normal(generator);
  return a;
}

// I + 1e-9 times random ones.
std::vector<double> clustered_matrices(std::size_t count, std::size_t n) {
  std::vector<double> a = random_matrices(count, n);
  for (double& x : a) x *= 1e-9;
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t i = 0; i < n; ++i) a[(k * n + i) * n + i] += 1.0;
  return a;
}

double microseconds(const SpectrumKernels& kernels, std::size_t count, std::size_t n,
                    const std::vector<double>& matrices, bool vectors) {
  auto* const scratch = static_cast<double*>(
      ::operator new(kernels.matrix_eigen_scratch(n) * sizeof(double), std::align_val_t{64}));
  std::vector<double> values(count * n), columns(count * n * n);
  double best = 1e9;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const double start = thread_seconds();
    for (std::size_t k = 0; k < count; k += kernels.matrix_group)
      kernels.matrix_eigen(n, std::min(kernels.matrix_group, count - k), &matrices[k * n * n],
                           &values[k * n], vectors ? &columns[k * n * n] : nullptr, scratch);
    best = std::min(best, thread_seconds() - start);
  }
  ::operator delete(scratch, std::align_val_t{64});
  return 1e6 * best / static_cast<double>(count);
}

}  // namespace

int main() {
  constexpr std::size_t count = 192;
  for (const talweg::Isa isa : talweg::available_isas()) {
    const SpectrumKernels& kernels = talweg::spectrum_kernels(isa);
    std::printf("%s\n  n    vectors   values   vectors of clusters   (us a matrix)\n",
                talweg::name_of(isa));
    for (const std::size_t n : {17, 24, 32, 47, 64}) {
      const std::vector<double> random = random_matrices(count, n);
      const std::vector<double> clustered = clustered_matrices(count, n);
      std::printf("%3zu  %9.2f%9.2f%22.2f\n", n, microseconds(kernels, count, n, random, true),
                  microseconds(kernels, count, n, random, false),
                  microseconds(kernels, count, n, clustered, true));
    }
  }
}
