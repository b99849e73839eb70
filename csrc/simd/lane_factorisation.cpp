// L D L' without pivoting across lanes. Up to small_limit all of a matrix is unrolled; above, rows
// are taken a few at a time, so that tiles of sums over earlier columns stay in registers.
#include "simd/lane_factorisation.hpp"

#include "simd/vector.hpp"
#include "simd/vector_math.hpp"

namespace talweg::TALWEG_ISA {

constexpr int small_limit = 8;
// Rows and columns of a tile: its sums and one operand a row fit the registers.
constexpr int tile = vector_lanes == 8 ? 4 : 3;

constexpr double epsilon = 0x1p-52;

// Largest t / (n max |A|) of a determinant. Positive definite matrices stay below 1; of random ones
// part of a hundred, at n = 64 a tenth, go beyond, and those below lose a digit or two at most
constexpr double growth_limit = 512.0;

// Shift of the spectrum, relative to max |H|, that shows that no eigenvalue is near 0: with as many
// negative pivots for H + shift as for H - shift there is none in between. Half of it is for
// rounding, half is far above n^2 eps for every n that comes here.
constexpr double certain_shift = 0x1p-24;

// Entries outside of this range are scaled first, by whoever takes over.
constexpr double smallest_scale = 0x1p-900;
constexpr double largest_scale = 0x1p1000;

constexpr std::size_t triangle(std::size_t n) { return n * (n + 1) / 2; }

// A product of pivots as a product of numbers in [1, 2), of which 64 do not overflow, and a sum of
// exponents.
struct PivotProduct {
  Vector mantissas = fill(1.0);
  Bits exponents = {};
  Bits signs = {};
  Vector smallest = fill(infinity);
  Vector largest_entry = {};
  Vector total = {};
};

struct PivotSigns {
  Vector negative = {};
  Vector total = {};
};

TALWEG_INLINE void take(PivotProduct& product, Vector pivot) {
  const Vector modulus = magnitude(pivot);
  product.exponents += bits(modulus) >> 52;
  product.mantissas *= from_bits((bits(pivot) & UINT64_C(0x000fffffffffffff)) | bits(fill(1.0)));
  product.signs ^= bits(pivot);
  product.smallest = modulus < product.smallest ? modulus : product.smallest;
  product.total += modulus;
}

TALWEG_INLINE void take(PivotSigns& signs, Vector pivot) {
  signs.negative += one_where(pivot < 0.0);
  signs.total += magnitude(pivot);
}

TALWEG_INLINE void see(PivotProduct& product, Vector entry) {
  product.largest_entry = larger(magnitude(entry), product.largest_entry);
}
TALWEG_INLINE void see(PivotSigns&, Vector) {}

// offset I + factor H
struct Source {
  const double* packed;
  std::size_t stride;
  Vector offset;
  Vector factor;
};

TALWEG_INLINE Vector entry(const Source& from, std::size_t i, std::size_t j) {
  const Vector scaled = load(from.packed + (triangle(i) + j) * from.stride) * from.factor;
  return i == j ? scaled + from.offset : scaled;
}

static Vector largest_entry(std::size_t n, const Source& from) {
  Vector largest = {};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) largest = larger(magnitude(entry(from, i, j)), largest);
  return largest;
}

template <int n, class Pivots>
TALWEG_INLINE Pivots factor_unrolled(const Source& from) {
  Pivots pivots;
  Vector a[n * (n + 1) / 2];
#pragma GCC unroll 8
  for (int i = 0; i < n; ++i)
#pragma GCC unroll 8
    for (int j = 0; j <= i; ++j) see(pivots, a[i * (i + 1) / 2 + j] = entry(from, i, j));
#pragma GCC unroll 8
  for (int k = 0; k < n; ++k) {
    const Vector pivot = a[k * (k + 1) / 2 + k];
    take(pivots, pivot);
    if (k + 1 == n) break;
    const Vector inverse = 1.0 / pivot;
#pragma GCC unroll 8
    for (int i = k + 1; i < n; ++i) {
      const Vector w = a[i * (i + 1) / 2 + k];
      const Vector l = w * inverse;
      pivots.total += magnitude(w * l);
#pragma GCC unroll 8
      for (int j = k + 1; j <= i; ++j) {
        Vector& target = a[i * (i + 1) / 2 + j];
        target = negated_multiply_add(l, a[j * (j + 1) / 2 + k], target);
      }
    }
  }
  return pivots;
}

// The rows of L so far, those of W = L D under way, and 1 / D, a vector of lanes each.
struct Factors {
  double* lower;
  double* scaled;  // tile rows of n
  double* inverse;
  std::size_t n;
};

TALWEG_INLINE double* lower_at(const Factors& factors, std::size_t i, std::size_t j) {
  return factors.lower + (triangle(i) + j) * vector_lanes;
}
TALWEG_INLINE double* scaled_at(const Factors& factors, std::size_t i, std::size_t j) {
  return factors.scaled + (i * factors.n + j) * vector_lanes;
}

// W and L in `rows` rows from `row` on and `columns` columns from `column` on, left of the
// diagonal.
template <int rows, int columns, class Pivots>
TALWEG_INLINE void factor_tile(const Source& from, const Factors& factors, std::size_t row,
                               std::size_t column, Pivots& pivots) {
  Vector sums[rows][columns];
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) see(pivots, sums[i][j] = entry(from, row + i, column + j));
  const double* left[rows];
  const double* right[columns];
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i) left[i] = scaled_at(factors, i, 0);
#pragma GCC unroll 4
  for (int j = 0; j < columns; ++j) right[j] = lower_at(factors, column + j, 0);
  for (std::size_t k = 0; k < column * vector_lanes; k += vector_lanes) {
    Vector w[rows];
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) w[i] = load(left[i] + k);
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
      const Vector l = load(right[j] + k);
#pragma GCC unroll 4
      for (int i = 0; i < rows; ++i) sums[i][j] = negated_multiply_add(w[i], l, sums[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < columns; ++j) {
#pragma GCC unroll 4
    for (int k = 0; k < j; ++k) {
      const Vector l = load(lower_at(factors, column + j, column + k));
#pragma GCC unroll 4
      for (int i = 0; i < rows; ++i) sums[i][j] = negated_multiply_add(sums[i][k], l, sums[i][j]);
    }
    const Vector inverse = load(factors.inverse + (column + j) * vector_lanes);
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
      const Vector l = sums[i][j] * inverse;
      pivots.total += magnitude(sums[i][j] * l);
      store(scaled_at(factors, i, column + j), sums[i][j]);
      store(lower_at(factors, row + i, column + j), l);
    }
  }
}

// The tile on the diagonal, with its pivots.
template <int rows, class Pivots>
TALWEG_INLINE void factor_diagonal(const Source& from, const Factors& factors, std::size_t row,
                                   Pivots& pivots) {
  Vector a[rows][rows];
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j <= i; ++j) see(pivots, a[i][j] = entry(from, row + i, row + j));
  for (std::size_t k = 0; k < row; ++k) {
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
      const Vector w = load(scaled_at(factors, i, k));
#pragma GCC unroll 4
      for (int j = 0; j <= i; ++j)
        a[i][j] = negated_multiply_add(w, load(lower_at(factors, row + j, k)), a[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int k = 0; k < rows; ++k) {
    take(pivots, a[k][k]);
    const Vector inverse = 1.0 / a[k][k];
    store(factors.inverse + (row + k) * vector_lanes, inverse);
#pragma GCC unroll 4
    for (int i = k + 1; i < rows; ++i) {
      const Vector l = a[i][k] * inverse;
      pivots.total += magnitude(a[i][k] * l);
      store(lower_at(factors, row + i, row + k), l);
#pragma GCC unroll 4
      for (int j = k + 1; j <= i; ++j) a[i][j] = negated_multiply_add(l, a[j][k], a[i][j]);
    }
  }
}

// The first tile holds what is left over from n by whole ones.
template <int first, class Pivots>
static Pivots factor_blocked(std::size_t n, const Source& source, double* scratch) {
  // Not behind a reference, which the stores to come could change.
  const Source from = source;
  Pivots pivots;
  const Factors factors = {scratch, scratch + triangle(n) * vector_lanes,
                           scratch + (triangle(n) + tile * n) * vector_lanes, n};
  factor_diagonal<first>(from, factors, 0, pivots);
  for (std::size_t row = first; row < n; row += tile) {
    factor_tile<tile, first>(from, factors, row, 0, pivots);
    for (std::size_t column = first; column < row; column += tile)
      factor_tile<tile, tile>(from, factors, row, column, pivots);
    factor_diagonal<tile>(from, factors, row, pivots);
  }
  return pivots;
}

static std::size_t factorisation_scratch(std::size_t n) {
  return (triangle(n) + (tile + 1) * n) * vector_lanes;
}

template <class Pivots>
TALWEG_INLINE Pivots factor(std::size_t n, const Source& from, double* scratch) {
  switch (n) {
    case 1:
      return factor_unrolled<1, Pivots>(from);
    case 2:
      return factor_unrolled<2, Pivots>(from);
    case 3:
      return factor_unrolled<3, Pivots>(from);
    case 4:
      return factor_unrolled<4, Pivots>(from);
    case 5:
      return factor_unrolled<5, Pivots>(from);
    case 6:
      return factor_unrolled<6, Pivots>(from);
    case 7:
      return factor_unrolled<7, Pivots>(from);
    case 8:
      return factor_unrolled<8, Pivots>(from);
    default:
      break;
  }
  static_assert(small_limit == 8 && tile <= 4);
  switch (n % tile) {
    case 0:
      return factor_blocked<tile, Pivots>(n, from, scratch);
    case 1:
      return factor_blocked<1, Pivots>(n, from, scratch);
    case 2:
      return factor_blocked<2, Pivots>(n, from, scratch);
    default:
      return factor_blocked<3, Pivots>(n, from, scratch);
  }
}

TALWEG_INLINE Mask usable(Vector largest) {
  return (largest >= smallest_scale) & (largest <= largest_scale);
}

static void determinant(std::size_t n, const double* packed, std::size_t stride, std::size_t lanes,
                        double offset, double factor_of_h, double* log_modulus, double* sign,
                        double* scratch) {
  const double growth = growth_limit * static_cast<double>(n);
  const Bits bias = Bits{} + UINT64_C(1023) * n;
  for (std::size_t lane = 0; lane < lanes; lane += vector_lanes) {
    const Source from = {packed + lane, stride, fill(offset), fill(factor_of_h)};
    const PivotProduct product = factor<PivotProduct>(n, from, scratch);
    const Vector largest = product.largest_entry;
    const Mask trusted = usable(largest) & (product.total <= growth * largest) &
                         ((product.smallest >= smallest_normal) | (product.smallest == 0.0));
    // The sum of exponents lies within 2^17: exact as the low bits of a double around 1.5 * 2^52.
    const Vector exponent = from_bits(product.exponents - bias + bits(fill(round_shift)));
    const Vector modulus =
        log_normal(trusted ? product.mantissas : fill(1.0), exponent - round_shift, Vector{});
    const Mask singular = product.smallest == 0.0;
    store(log_modulus + lane, singular ? fill(-infinity) : modulus);
    const Vector one =
        singular ? Vector{} : from_bits((product.signs & sign_bit) | bits(fill(1.0)));
    store(sign + lane, trusted ? one : fill(not_a_number));
  }
}

static void negative_eigenvalues(std::size_t n, const double* packed, std::size_t stride,
                                 std::size_t lanes, double* count, double* scratch) {
  const double rounding = (static_cast<double>(n) + 4.0) * epsilon;
  for (std::size_t lane = 0; lane < lanes; lane += vector_lanes) {
    Source from = {packed + lane, stride, Vector{}, fill(1.0)};
    const Vector largest = largest_entry(n, from);
    const Vector shift = certain_shift * largest;
    from.offset = shift;
    const PivotSigns below = factor<PivotSigns>(n, from, scratch);
    from.offset = -shift;
    const PivotSigns above = factor<PivotSigns>(n, from, scratch);
    const Vector bound = 0.5 * shift;
    const Mask certain = usable(largest) & (rounding * below.total <= bound) &
                         (rounding * above.total <= bound) & (below.negative == above.negative);
    store(count + lane, certain ? below.negative : fill(-1.0));
  }
}

extern const LaneFactorisationKernels lane_factorisation_kernels;
const LaneFactorisationKernels lane_factorisation_kernels = {
    vector_lanes, determinant, negative_eigenvalues, factorisation_scratch};

}  // namespace talweg::TALWEG_ISA
