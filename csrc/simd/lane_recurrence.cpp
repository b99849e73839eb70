#include "simd/lane_recurrence.hpp"

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// Two sums for each lane, of even and of odd rows, hide the latency of additions.
template <int width>
static void dots_of(std::size_t rows, std::size_t lanes, const double* a, const double* b,
                    double* sums) {
  Vector even[width] = {}, odd[width] = {};
  std::size_t i = 0;
  for (; i + 2 <= rows; i += 2, a += 2 * lanes, b += 2 * lanes) {
#pragma GCC unroll 4
    for (int g = 0; g < width; ++g) {
      const int at = g * vector_lanes;
      even[g] = multiply_add(load(a + at), load(b + at), even[g]);
      odd[g] = multiply_add(load(a + lanes + at), load(b + lanes + at), odd[g]);
    }
  }
#pragma GCC unroll 4
  for (int g = 0; g < width; ++g) {
    const int at = g * vector_lanes;
    if (i < rows) even[g] = multiply_add(load(a + at), load(b + at), even[g]);
    store(sums + at, even[g] + odd[g]);
  }
}

template <int width>
static void three_terms_of(std::size_t rows, std::size_t lanes, const double* p,
                           const double* product, const double* c, const double* current,
                           const double* q, double* next, double* squares) {
  Vector sums[2][width] = {}, ps[width], cs[width], qs[width];
#pragma GCC unroll 4
  for (int g = 0; g < width; ++g) {
    ps[g] = load(p + g * vector_lanes);
    cs[g] = load(c + g * vector_lanes);
    qs[g] = load(q + g * vector_lanes);
  }
  const auto row = [&](std::size_t i, int parity) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int g = 0; g < width; ++g) {
      const std::size_t at = i * lanes + g * vector_lanes;
      Vector value = multiply_add(qs[g], load(next + at), cs[g] * load(current + at));
      value = multiply_add(ps[g], load(product + at), value);
      store(next + at, value);
      sums[parity][g] = multiply_add(value, value, sums[parity][g]);
    }
  };
  std::size_t i = 0;
  for (; i + 2 <= rows; i += 2) {
    row(i, 0);
    row(i + 1, 1);
  }
  if (i < rows) row(i, 0);
#pragma GCC unroll 4
  for (int g = 0; g < width; ++g) store(squares + g * vector_lanes, sums[0][g] + sums[1][g]);
}

static void dots(std::size_t rows, std::size_t lanes, const double* a, const double* b,
                 double* sums) {
  std::size_t l = 0;
  for (; l + 4 * vector_lanes <= lanes; l += 4 * vector_lanes)
    dots_of<4>(rows, lanes, a + l, b + l, sums + l);
  for (; l + 2 * vector_lanes <= lanes; l += 2 * vector_lanes)
    dots_of<2>(rows, lanes, a + l, b + l, sums + l);
  for (; l < lanes; l += vector_lanes) dots_of<1>(rows, lanes, a + l, b + l, sums + l);
}

static void three_terms(std::size_t rows, std::size_t lanes, const double* p, const double* product,
                        const double* c, const double* current, const double* q, double* next,
                        double* squares) {
  std::size_t l = 0;
  for (; l + 2 * vector_lanes <= lanes; l += 2 * vector_lanes) {
    three_terms_of<2>(rows, lanes, p + l, product + l, c + l, current + l, q + l, next + l,
                      squares + l);
  }
  for (; l < lanes; l += vector_lanes) {
    three_terms_of<1>(rows, lanes, p + l, product + l, c + l, current + l, q + l, next + l,
                      squares + l);
  }
}

extern const LaneRecurrenceKernels lane_recurrence_kernels;
constexpr LaneRecurrenceKernels lane_recurrence_kernels{vector_lanes, dots, three_terms};

}  // namespace talweg::TALWEG_ISA
