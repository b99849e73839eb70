// The arithmetic of the Dormand-Prince method across lanes. Sums run over stages in order, with the
// coefficients that are zero left out at compile time.
#include "simd/runge_kutta.hpp"

#include "simd/dormand_prince.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {
namespace {

namespace method = dormand_prince;

TALWEG_INLINE Vector smaller(Vector a, Vector b) { return a < b ? a : b; }
TALWEG_INLINE Vector larger(Vector a, Vector b) { return a > b ? a : b; }

// sum_j c[j] k_j at one place; unrolled where the coefficients are constants.
template <int count>
TALWEG_INLINE Vector combine(const double* c, const double* const* k, std::size_t at) {
  Vector sum{};
#pragma GCC unroll 16
  for (int j = 0; j < count; ++j)
    if (c[j] != 0.0) sum = multiply_add(fill(c[j]), load(k[j] + at), sum);
  return sum;
}

template <int s>
void stage_rows(const RungeKuttaRows& step, double* to) {
  const double* k[s];
  for (int j = 0; j < s; ++j) k[j] = step.k[j];
  for (std::size_t row = 0; row < step.rows; ++row) {
    for (std::size_t lane = 0; lane < step.lanes; lane += vector_lanes) {
      const std::size_t at = row * step.stride + lane;
      const Vector slope = combine<s>(method::a[s], k, at);
      store(to + at, negated_multiply_add(load(step.step + lane), slope, load(step.x + at)));
    }
  }
}

using StageFunction = void (*)(const RungeKuttaRows&, double*);
constexpr StageFunction stage_functions[method::dense_stages] = {
    nullptr,        stage_rows<1>,  stage_rows<2>,  stage_rows<3>, stage_rows<4>,  stage_rows<5>,
    stage_rows<6>,  stage_rows<7>,  stage_rows<8>,  stage_rows<9>, stage_rows<10>, stage_rows<11>,
    stage_rows<12>, stage_rows<13>, stage_rows<14>, stage_rows<15>};

void stage(const RungeKuttaRows& step, int s, double* to) { stage_functions[s](step, to); }

// What takes the slope of the step to the estimate of order 3: few of its coefficients differ.
struct Difference {
  double values[method::stages];
  constexpr Difference() : values() {
    for (int j = 0; j < method::stages; ++j) values[j] = method::error3[j] - method::a[12][j];
  }
};
constexpr Difference from_slope;

void solution(const RungeKuttaRows& step, double rtol, double atol, double* end, double* error,
              double* factor) {
  const double* k[method::stages];
  for (int j = 0; j < method::stages; ++j) k[j] = step.k[j];
  const Vector relative = fill(rtol), absolute = fill(atol);
  for (std::size_t lane = 0; lane < step.lanes; lane += vector_lanes) {
    const Vector h = load(step.step + lane);
    Vector square5{}, square3{};
    for (std::size_t row = 0; row < step.rows; ++row) {
      const std::size_t at = row * step.stride + lane;
      const Vector x = load(step.x + at);
      const Vector slope = combine<method::stages>(method::a[12], k, at);
      const Vector reached = negated_multiply_add(h, slope, x);
      store(end + at, reached);
      const Vector scale =
          1.0 / multiply_add(relative, larger(magnitude(x), magnitude(reached)), absolute);
      const Vector error5 = scale * combine<method::stages>(method::error5, k, at);
      const Vector error3 = scale * (slope + combine<method::stages>(from_slope.values, k, at));
      square5 = multiply_add(error5, error5, square5);
      square3 = multiply_add(error3, error3, square3);
    }
    // Both estimates zero: no error.
    const Vector both = larger(multiply_add(fill(0.01), square3, square5), fill(1e-300));
    const Vector size = h * square5 / square_root(both * static_cast<double>(step.rows));
    store(error + lane, size);
    const Vector root = square_root(square_root(square_root(size)));
    store(factor + lane,
          smaller(larger(0.9 / larger(root, fill(0.1)), fill(1.0 / 3.0)), fill(6.0)));
  }
}

void stiffness(const RungeKuttaRows& step, std::size_t measured, const double* end,
               const double* last, const double* k_end, double* square, double* product) {
  for (std::size_t lane = 0; lane < step.lanes; lane += vector_lanes) {
    Vector sum{}, change{}, length{};
    for (std::size_t row = 0; row < measured; ++row) {
      const std::size_t at = row * step.stride + lane;
      const Vector k = load(k_end + at);
      const Vector dk = k - load(step.k[method::stages - 1] + at);
      const Vector dx = load(end + at) - load(last + at);
      sum = multiply_add(k, k, sum);
      change = multiply_add(dk, dk, change);
      length = multiply_add(dx, dx, length);
    }
    store(square + lane, sum);
    store(product + lane,
          load(step.step + lane) * square_root(change / larger(length, fill(1e-300))));
  }
}

}  // namespace

extern const RungeKuttaKernels runge_kutta_kernels;
const RungeKuttaKernels runge_kutta_kernels = {vector_lanes, stage, solution, stiffness};

}  // namespace talweg::TALWEG_ISA
