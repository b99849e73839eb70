#include "spectrum/lapack_hook.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

int times_asked = 0;
int potrf_calls = 0;

bool ask_in_vain() {
  ++times_asked;
  return true;
}

void count_potrf(char*, int*, double*, int*, int*) { ++potrf_calls; }

bool provide_counting_table() {
  ++times_asked;
  talweg::LapackTable table;
  table.dpotrf = &count_potrf;
  talweg::set_lapack(table);
  return true;
}

}  // namespace

#if defined(TALWEG_LINKED_LAPACK)

TEST_CASE("a linked LAPACK is in the table without asking anyone") {
  times_asked = 0;
  talweg::set_lapack_provider(&ask_in_vain);
  const talweg::LapackTable* table = talweg::lapack();
  talweg::set_lapack_provider(nullptr);
  REQUIRE(table != nullptr);
  CHECK(times_asked == 0);

  // Residual of dsyevd on the second-difference matrix, whose eigenvalues are known too.
  int n = 12, lwork = 1 + 6 * 12 + 2 * 12 * 12, liwork = 3 + 5 * 12, info = -1;
  std::vector<double> a(n * n), w(n), work(lwork);
  std::vector<int> iwork(liwork);
  for (int i = 0; i < n; ++i) {
    a[i * n + i] = 2;
    if (i > 0) a[i * n + i - 1] = a[(i - 1) * n + i] = -1;
  }
  char jobz = 'V', uplo = 'L';
  table->dsyevd(&jobz, &uplo, &n, a.data(), &n, w.data(), work.data(), &lwork, iwork.data(),
                &liwork, &info);
  CHECK(info == 0);
  for (int k = 0; k < n; ++k) {
    CHECK(w[k] ==
          doctest::Approx(2 - 2 * std::cos((k + 1) * std::acos(-1.0) / (n + 1))).epsilon(1e-13));
    for (int i = 0; i < n; ++i) {
      const double* u = &a[k * n];
      const double product = 2 * u[i] - (i > 0 ? u[i - 1] : 0) - (i + 1 < n ? u[i + 1] : 0);
      CHECK(std::fabs(product - w[k] * u[i]) < 1e-13);
    }
  }
}

#else

TEST_CASE("the provider is asked on the first need, and once if in vain") {
  CHECK_FALSE(talweg::has_lapack());
  CHECK(talweg::lapack() == nullptr);

  times_asked = 0;
  talweg::set_lapack_provider(&ask_in_vain);
  CHECK(times_asked == 0);
  CHECK(talweg::lapack() == nullptr);
  CHECK(talweg::lapack() == nullptr);
  CHECK(times_asked == 1);

  talweg::set_lapack_provider(&provide_counting_table);
  REQUIRE(talweg::lapack() != nullptr);
  CHECK((talweg::lapack()->dpotrf == &count_potrf));
  CHECK(times_asked == 2);
  talweg::set_lapack_provider(nullptr);
  talweg::set_lapack({});
}

#endif

TEST_CASE("an embedder's table replaces the one in use and is copied") {
  const bool had_table = talweg::has_lapack();
  const talweg::LapackTable before = had_table ? *talweg::lapack() : talweg::LapackTable{};
  {
    talweg::LapackTable table;
    table.dpotrf = &count_potrf;
    talweg::set_lapack(table);
    table.dpotrf = nullptr;
  }
  REQUIRE(talweg::has_lapack());
  REQUIRE((talweg::lapack()->dpotrf != nullptr));
  CHECK((talweg::lapack()->dsyevd == nullptr));
  potrf_calls = 0;
  char uplo = 'L';
  int n = 0, info = 0;
  talweg::lapack()->dpotrf(&uplo, &n, nullptr, &n, &info);
  CHECK(potrf_calls == 1);
  talweg::set_lapack(before);
}
