#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <vector>

#include "simd/instruction_set.hpp"
#include "simd/models.hpp"

TEST_CASE("matrix products are sums in order, with entries around untouched") {
  const talweg::ModelKernels& kernels = talweg::model_kernels(talweg::active_isa());
  const std::size_t vector = kernels.vector_lanes;
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  for (const std::size_t m : {1, 2, 3, 5, 6, 7, 8, 9, 13, 31})
    for (const std::size_t vectors : {1, 2, 3, 4, 7, 8, 9, 12})
      for (const std::size_t k : {0, 1, 17, 300}) {
        const std::size_t n = vectors * vector, lda = m + 1, ldb = n + 2, ldc = n + 3;
        std::vector<double> a(k * lda + 1), b(k * ldb + 1), c(m * ldc), lower, one;
        for (auto* array : {&a, &b, &c})
          for (double& entry : *array) entry = uniform(random);
        const std::vector<double> before = lower = c;
        kernels.matrix_product(m, n, k, a.data(), lda, b.data(), ldb, c.data(), ldc, true, false);
        kernels.matrix_product(m, n, k, a.data(), lda, b.data(), ldb, lower.data(), ldc, true,
                               true);
        double error = 0.0;
        std::size_t changed = 0, different = 0;
        for (std::size_t i = 0; i < m; ++i)
          for (std::size_t j = 0; j < ldc; ++j) {
            const double got = c[i * ldc + j];
            if (j >= n) {
              changed += got != before[i * ldc + j];
              continue;
            }
            long double sum = before[i * ldc + j];
            for (std::size_t r = 0; r < k; ++r)
              sum += static_cast<long double>(a[r * lda + i]) * b[r * ldb + j];
            error = std::max(error, std::abs(static_cast<double>(got - sum)));
            different += j <= i && got != lower[i * ldc + j];
          }
        CAPTURE(m);
        CAPTURE(n);
        CAPTURE(k);
        CHECK(error < 1e-13);
        CHECK(changed == 0);
        CHECK(different == 0);

        // One row of the result on its own: other tiles, the same bits.
        one.assign(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(n));
        kernels.matrix_product(1, n, k, a.data(), lda, b.data(), ldb, one.data(), n, true, false);
        CHECK(std::memcmp(one.data(), c.data(), n * sizeof(double)) == 0);
      }
}
