// Eigenvectors of a tridiagonal matrix from twisted factorisations (Parlett and Dhillon, Fernando's
// solution to Wilkinson's problem, Linear Algebra and its Applications 267, 1997), lanes being
// eigenvalues. They are as orthogonal as the gaps between the values allow: orthogonal_columns.cpp
// makes them so where that can be proven to succeed.
#include "simd/lane_sums.hpp"
#include "simd/matrix_eigen.hpp"

namespace talweg::TALWEG_ISA {
namespace {

// Vectors of eigenvalues at a time, each with a chain from either end; as many as leave what they
// need in the first-level cache.
constexpr int widest = lanes == 8 ? 2 : 4;

// Added to pivots: none is zero, and none that matters changes.
// Above what values from the QL iteration can be off by, beside entries of about 1.
constexpr double most_improvement = 1e-11;

constexpr double least_pivot = 1e-200;

TALWEG_INLINE Vector quotient(Vector a, Vector b) {
  return lanes == 8 ? a * fast_inverse(b) : a / b;
}

TALWEG_INLINE Vector masked(Mask mask, Vector x) { return from_bits((Bits)mask & bits(x)); }

// One step of Newton's iteration for det(T - w) = 0, the sum of p' / p over the pivots p of
// T - w = L D L'. Values come from an iteration that rounds at every rotation; this makes them
// as good as one factorisation can, which the residuals of the vectors show.
template <int width>
void improve(std::size_t n, const double* diagonal, const double* squares, double* values) {
  Vector value[width], pivot[width], slope[width], sum[width];
#pragma GCC unroll 4
  for (int g = 0; g < width; ++g) {
    value[g] = load(values + g * lanes);
    pivot[g] = fill(diagonal[0]) - value[g] + fill(least_pivot);
    slope[g] = fill(-1.0);
    sum[g] = Vector{};
  }
#pragma GCC unroll 1
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const Vector square = fill(squares[i]), next = fill(diagonal[i + 1]);
#pragma GCC unroll 4
    for (int g = 0; g < width; ++g) {
      const Vector inverse = fast_inverse(pivot[g]);
      const Vector ratio = slope[g] * inverse;
      sum[g] = sum[g] + ratio;
      slope[g] = multiply_subtract(square * inverse, ratio, fill(1.0));
      pivot[g] = negated_multiply_add(square, inverse, next - value[g]) + fill(least_pivot);
    }
  }
#pragma GCC unroll 4
  for (int g = 0; g < width; ++g) {
    const Vector step = fill(1.0) / (sum[g] + slope[g] / pivot[g]);
    // Where values are not isolated the step means nothing; the proof will fail then.
    const Mask sensible = magnitude(step) <= fill(most_improvement);
    store(values + g * lanes, value[g] - masked(sensible, step));
  }
}

template <int width>
void twisted(std::size_t n, const double* diagonal, const double* off, double* values,
             double* columns) {
  constexpr std::size_t span = width * lanes;
  const std::size_t row = leading(n);
  // Factors with the sign that takes a component to the next one.
  alignas(64) double lower[largest_n][span], upper[largest_n][span], pivots[largest_n][span];
  Vector value[width];
#pragma GCC unroll 4
  for (int g = 0; g < width; ++g) value[g] = load(values + g * lanes);
  // T - w = L D L' from the top and U D U' from the bottom.
  {
    Vector top[width], bottom[width];
#pragma GCC unroll 4
    for (int g = 0; g < width; ++g) {
      top[g] = fill(diagonal[0]) - value[g] + fill(least_pivot);
      bottom[g] = fill(diagonal[n - 1]) - value[g] + fill(least_pivot);
    }
#pragma GCC unroll 1
    for (std::size_t i = 0; i + 1 < n; ++i) {
      const std::size_t j = n - 2 - i;
      const Vector down = fill(off[i]), up = fill(off[j]);
      const Vector minus_down = -down, minus_up = -up;
      const Vector next = fill(diagonal[i + 1]), previous = fill(diagonal[j]);
#pragma GCC unroll 4
      for (int g = 0; g < width; ++g) {
        const Vector l = quotient(minus_down, top[g]);
        store(pivots[i] + g * lanes, top[g]);
        store(lower[i] + g * lanes, l);
        top[g] = multiply_add(down, l, next - value[g]) + fill(least_pivot);
        const Vector u = quotient(minus_up, bottom[g]);
        store(upper[j] + g * lanes, u);
        bottom[g] = multiply_add(up, u, previous - value[g]) + fill(least_pivot);
      }
    }
#pragma GCC unroll 4
    for (int g = 0; g < width; ++g) store(pivots[n - 1] + g * lanes, top[g]);
  }
  // The twist is where the last pivot is least.
  Vector pivot[width], twist[width];
  {
    Vector least[width];
#pragma GCC unroll 4
    for (int g = 0; g < width; ++g) {
      pivot[g] = load(pivots[n - 1] + g * lanes);
      least[g] = magnitude(pivot[g]);
      twist[g] = fill(static_cast<double>(n - 1));
    }
#pragma GCC unroll 1
    for (std::size_t i = 0; i + 1 < n; ++i) {
      const Vector down = fill(off[i]), index = fill(static_cast<double>(i));
#pragma GCC unroll 4
      for (int g = 0; g < width; ++g) {
        const Vector gamma =
            multiply_add(down, load(upper[i] + g * lanes), load(pivots[i] + g * lanes));
        const Mask less = magnitude(gamma) < least[g];
        least[g] = select(less, magnitude(gamma), least[g]);
        pivot[g] = select(less, gamma, pivot[g]);
        twist[g] = select(less, index, twist[g]);
      }
    }
  }
  Vector z[width], square[width];
#pragma GCC unroll 4
  for (int g = 0; g < width; ++g) {
    z[g] = masked(twist[g] == fill(static_cast<double>(n - 1)), fill(1.0));
    store(columns + (n - 1) * row + g * lanes, z[g]);
  }
  // Zero behind the twist.
  for (std::size_t i = n - 1; i-- > 0;) {
    const Vector index = fill(static_cast<double>(i));
#pragma GCC unroll 4
    for (int g = 0; g < width; ++g) {
      z[g] = select(twist[g] == index, fill(1.0), load(lower[i] + g * lanes) * z[g]);
      store(columns + i * row + g * lanes, z[g]);
    }
  }
#pragma GCC unroll 4
  for (int g = 0; g < width; ++g) square[g] = z[g] * z[g];
  double* to = columns + row;
#pragma GCC unroll 1
  for (std::size_t i = 0; i + 1 < n; ++i, to += row) {
    const Vector index = fill(static_cast<double>(i));
#pragma GCC unroll 4
    for (int g = 0; g < width; ++g) {
      z[g] = select(twist[g] <= index, load(upper[i] + g * lanes) * z[g], load(to + g * lanes));
      square[g] = multiply_add(z[g], z[g], square[g]);
      store(to + g * lanes, z[g]);
    }
  }
  Vector scale[width];
#pragma GCC unroll 4
  for (int g = 0; g < width; ++g) {
    // The Rayleigh quotient.
    store(values + g * lanes, value[g] + pivot[g] / square[g]);
    scale[g] = fill(1.0) / square_root(square[g]);
  }
  to = columns;
#pragma GCC unroll 1
  for (std::size_t i = 0; i < n; ++i, to += row) {
#pragma GCC unroll 4
    for (int g = 0; g < width; ++g) store(to + g * lanes, load(to + g * lanes) * scale[g]);
  }
}

}  // namespace

void twisted_vectors(std::size_t n, const double* diagonal, const double* off, double* values,
                     double* columns) {
  const std::size_t row = leading(n);
  double squares[largest_n];
  for (std::size_t i = 0; i + 1 < n; ++i) squares[i] = off[i] * off[i];
  const std::size_t end = padded(n);
  std::size_t column = 0;
  for (; column + 4 * lanes <= end; column += 4 * lanes)
    improve<4>(n, diagonal, squares, values + column);
  for (; column + 2 * lanes <= end; column += 2 * lanes)
    improve<2>(n, diagonal, squares, values + column);
  if (column < end) improve<1>(n, diagonal, squares, values + column);
  column = 0;
  for (; column + widest * lanes <= end; column += widest * lanes)
    twisted<widest>(n, diagonal, off, values + column, columns + column);
  for (; column + 2 * lanes <= end; column += 2 * lanes)
    twisted<2>(n, diagonal, off, values + column, columns + column);
  if (column < end) twisted<1>(n, diagonal, off, values + column, columns + column);
  // Lanes behind the last value repeat it.
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = n; j < row; ++j) columns[i * row + j] = 0.0;
  for (std::size_t j = 1; j < n; ++j)
    if (values[j] < values[j - 1]) values[j] = values[j - 1];
  for (std::size_t j = n; j < padded(n); ++j) values[j] = values[n - 1];
}

}  // namespace talweg::TALWEG_ISA
