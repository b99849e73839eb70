// Batches of small symmetric matrices against Eigen's fixed-size SelfAdjointEigenSolver
// (computeDirect at n = 2, 3), both with the flags of AVX2 and one thread; from row-major matrices
// to row-major results, everything in the second-level cache. The floor: about 4/3 n^3
// multiply-adds each for the tridiagonal form and the orthogonal matrix, 3 n^2 of each rotation's n
// for the vectors (1.2 n^2 rotations a matrix), at one 4-lane multiply-add of two pipes a cycle; 16
// n^2 + 8 n bytes in and out, which is what counts at n = 2, 3.
#include <Eigen/Dense>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <random>
#include <vector>

#include "talweg/spectrum.hpp"

namespace {

double seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Of many short runs the fastest, as other processes share the machine.
template <class Function>
double fastest(Function&& function) {
  double best = 1e9;
  for (int k = 0; k < 200; ++k) {
    const double start = seconds();
    function();
    best = std::min(best, seconds() - start);
  }
  return best;
}

template <int n>
void compare() {
  using Matrix = Eigen::Matrix<double, n, n>;
  using Rows = Eigen::Matrix<double, n, n, n == 1 ? Eigen::ColMajor : Eigen::RowMajor>;
  const std::size_t count = std::max<std::size_t>(16, 16384 / (n * n) / 16 * 16);
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal;
  std::vector<double> matrices(count * n * n), values(count * n), vectors(count * n * n);
  for (std::size_t k = 0; k < count; ++k)
    for (int i = 0; i < n; ++i)
      for (int j = 0; j <= i; ++j)
        matrices[(k * n + i) * n + j] = matrices[(k * n + j) * n + i] = normal(generator);
  talweg::BatchOptions options;
  options.workers = 1;
  const auto ours = [&](double* v) {
    talweg::eigh_batch(count, n, matrices.data(), values.data(), v, nullptr, options);
  };
  const auto eigen = [&](bool wanted) {
    for (std::size_t k = 0; k < count; ++k) {
      const Eigen::Map<const Rows> a(matrices.data() + k * n * n);
      Eigen::SelfAdjointEigenSolver<Matrix> solver;
      const int flags = wanted ? Eigen::ComputeEigenvectors : Eigen::EigenvaluesOnly;
      if constexpr (n <= 3)
        solver.computeDirect(a, flags);
      else
        solver.compute(a, flags);
      Eigen::Map<Eigen::Matrix<double, n, 1>>(values.data() + k * n) = solver.eigenvalues();
      if (wanted) Eigen::Map<Rows>(vectors.data() + k * n * n) = solver.eigenvectors();
    }
  };
  const double scale = 1e9 / static_cast<double>(count);
  const double both = scale * fastest([&] { ours(vectors.data()); });
  const double only = scale * fastest([&] { ours(nullptr); });
  const double their_both = scale * fastest([&] { eigen(true); });
  const double their_only = scale * fastest([&] { eigen(false); });
  std::printf(
      "n = %2d: vectors %8.1f ns, Eigen %8.1f (%5.2f times); values %8.1f, Eigen %8.1f (%5.2f)\n",
      n, both, their_both, their_both / both, only, their_only, their_only / only);
}

}  // namespace

int main() {
  compare<2>();
  compare<3>();
  compare<4>();
  compare<8>();
  compare<16>();
  compare<32>();
  compare<64>();
}
