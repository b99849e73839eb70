// Eigenvectors of a tridiagonal matrix from twisted factorisations (Parlett and Dhillon, Fernando's
// solution to Wilkinson's problem, Linear Algebra and its Applications 267, 1997), lanes being
// eigenvalues; a clean-up of neighbours; and the proof that the result may be used.
//
// The proof. Let z_j be the computed unit vectors with residuals r_j = T z_j - w_j z_j. As T is
// symmetric, (w_j - w_i) z_i'z_j = r_i'z_j - z_i'r_j. Split Z'Z = I + E + F into the overlaps E of
// columns at most `reach` apart, which are computed, and the others F. For |i - j| > reach the gap
// is at least g_j, the distance from w_j to the value reach + 1 places away on either side, and
// sum over i of (z_i'r_j)^2 <= |Z|^2 |r_j|^2, so
//     |F|_F <= 2 |Z| (sum over j of |r_j|^2 / g_j^2)^(1/2),   |Z|^2 <= 1 + |E|_F + |F|_F.
// With X = Z (I - E / 2),
//     X'X - I = F - (EF + FE) / 2 + EFE / 4 - (3 E^2 - E^3) / 4,
//     T X - X W = R (I - E / 2) - Z (W E - E W) / 2,   |W E - E W|_F <= 2 |Z| |R|_F,
// so with |E|_F and |F|_F below 1/100
//     |X'X - I|_F <= 1.02 |F|_F + 0.76 |E|_F^2,   |T X - X W|_F <= 2.1 |R|_F.
// |r_j| is taken as computed plus what its own rounding can be: 4 roundings of the product with
// d - w_j, 3 of those with off-diagonal entries. Whatever is not finite fails the comparisons.
#include <cmath>

#include "simd/lane_sums.hpp"
#include "simd/matrix_eigen.hpp"

namespace talweg::TALWEG_ISA {
double last_near, last_far, last_residual;
namespace {

constexpr std::size_t reach = margin < 4 ? margin : 4;
constexpr int widest = 2;  // vectors of eigenvalues at a time, each with a chain from either end

// Added to pivots: none is zero, and none that matters changes.
// Above what values from the QL iteration can be off by, beside entries of about 1.
constexpr double most_improvement = 1e-11;

constexpr double infinite = __builtin_inf();
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

// Overlaps of column j with the columns behind it, overlaps[o - 1][j] = z_j'z_(j + o), and the
// squares of the computed residuals.
struct Overlaps {
  alignas(64) double neighbours[reach][longest_row + margin];
  alignas(64) double squares[longest_row];
};

TALWEG_INLINE void measure(std::size_t n, const double* diagonal, const double* off,
                           const double* values, const double* columns, Overlaps& out) {
  const std::size_t row = leading(n);
  for (std::size_t column = 0; column < n; column += lanes) {
    const Vector value = load(values + column);
    Vector sums[reach], square{}, before{};
#pragma GCC unroll 8
    for (std::size_t o = 0; o < reach; ++o) sums[o] = Vector{};
    const double* z = columns + column;
    Vector here = load(z), pending{};
#pragma GCC unroll 1
    for (std::size_t i = 0; i < n; ++i, z += row) {
#pragma GCC unroll 8
      for (std::size_t o = 0; o < reach; ++o)
        sums[o] = multiply_add(here, load(z + o + 1), sums[o]);
      const Vector after = i + 1 < n ? load(z + row) : Vector{};
      Vector residual = multiply_add(fill(diagonal[i]) - value, here, pending);
      residual = multiply_add(fill(off[i]), after, residual);
      square = multiply_add(residual, residual, square);
      pending = fill(off[i]) * here;
      here = after;
    }
    (void)before;
#pragma GCC unroll 8
    for (std::size_t o = 0; o < reach; ++o) store(out.neighbours[o] + margin + column, sums[o]);
    store(out.squares + column, square);
  }
}

void clean(std::size_t n, const Overlaps& overlaps, const double* columns, double* cleaned) {
  const std::size_t row = leading(n);
  for (std::size_t column = 0; column < n; column += lanes) {
    Vector behind[reach], ahead[reach];
#pragma GCC unroll 8
    for (std::size_t o = 0; o < reach; ++o) {
      const double* from = overlaps.neighbours[o] + margin + column;
      behind[o] = load(from) * fill(0.5);
      ahead[o] = load(from - (o + 1)) * fill(0.5);
    }
    // Rows start behind a margin of their own or the one of the row before, which is zero.
#pragma GCC unroll 1
    for (std::size_t i = 0; i < n; ++i) {
      const double* z = columns + i * row + column;
      Vector x = load(z);
#pragma GCC unroll 8
      for (std::size_t o = 0; o < reach; ++o) {
        x = negated_multiply_add(behind[o], load(z + o + 1), x);
        x = negated_multiply_add(ahead[o], load(z - (o + 1)), x);
      }
      store(cleaned + i * row + column, x);
    }
  }
}

}  // namespace

void twisted_vectors(std::size_t n, const double* diagonal, const double* off, double* values,
                     double* columns) {
  const std::size_t row = leading(n);
  double squares[largest_n];
  for (std::size_t i = 0; i + 1 < n; ++i) squares[i] = off[i] * off[i];
  std::size_t column = 0;
  for (; column + 4 * lanes <= padded(n); column += 4 * lanes)
    improve<4>(n, diagonal, squares, values + column);
  for (; column < padded(n); column += lanes) improve<1>(n, diagonal, squares, values + column);
  column = 0;
  for (; column + widest * lanes <= padded(n); column += widest * lanes)
    twisted<widest>(n, diagonal, off, values + column, columns + column);
  for (; column < padded(n); column += lanes)
    twisted<1>(n, diagonal, off, values + column, columns + column);
  // Lanes behind the last value repeat it.
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = n; j < row; ++j) columns[i * row + j] = 0.0;
  for (std::size_t j = 1; j < n; ++j)
    if (values[j] < values[j - 1]) values[j] = values[j - 1];
  for (std::size_t j = n; j < padded(n); ++j) values[j] = values[n - 1];
}

bool clean_and_certify(std::size_t n, const double* diagonal, const double* off,
                       const double* values, const double* columns, double* cleaned) {
  Overlaps overlaps;
  for (auto& offset : overlaps.neighbours)
    for (double& entry : offset) entry = 0.0;
  measure(n, diagonal, off, values, columns, overlaps);
  double least = diagonal[0], most = diagonal[0], coupling = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    least = diagonal[i] < least ? diagonal[i] : least;
    most = diagonal[i] > most ? diagonal[i] : most;
    coupling = std::fabs(off[i]) > coupling ? std::fabs(off[i]) : coupling;
    norm += diagonal[i] * diagonal[i] + 2.0 * off[i] * off[i];
  }
  norm = __builtin_sqrt(norm);
  double residual = 0.0, near = 0.0, far = 0.0;
  for (std::size_t j = 0; j < n; ++j) {
    const double w = values[j];
    const double spread = most - w > w - least ? most - w : w - least;
    const double length =
        __builtin_sqrt(overlaps.squares[j]) + rounding * (4.0 * spread + 3.0 * coupling);
    residual += length * length;
    double gap = infinite;
    if (j > reach) gap = w - values[j - reach - 1];
    if (j + reach + 1 < n && !(values[j + reach + 1] - w >= gap)) gap = values[j + reach + 1] - w;
    far += length * length / (gap * gap);
    for (std::size_t o = 0; o < reach; ++o) {
      const double overlap = overlaps.neighbours[o][margin + j];
      near += 2.0 * overlap * overlap;
    }
  }
  far = 2.02 * __builtin_sqrt(far);
  last_near = __builtin_sqrt(near);
  last_far = far;
  last_residual = __builtin_sqrt(residual) / norm;
  if (!(near <= 1e-4 && far <= 1e-2)) return false;
  const double limit = 12.0 * static_cast<double>(n) * rounding;
  if (!(1.02 * far + 0.76 * near <= limit)) return false;
  if (!(2.1 * __builtin_sqrt(residual) <= limit * norm)) return false;
  clean(n, overlaps, columns, cleaned);
  return true;
}

}  // namespace talweg::TALWEG_ISA
