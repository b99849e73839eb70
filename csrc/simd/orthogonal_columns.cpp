// Computed eigenvectors made orthogonal, and the proof that they are.
//
// The proof. Let z_j be the computed vectors, r_j = T z_j - w_j z_j their residuals. As T is
// symmetric, (w_j - w_i) z_i'z_j = r_i'z_j - z_i'r_j. Split Z'Z - I = E + F into the products E of
// columns at most `reach` apart, lengths included, which are computed, and the others F. For |i -
// j| > reach the gap is at least g_j, the distance from w_j to the value reach + 1 places away on
// either side, and sum over i of (z_i'r_j)^2 <= |Z|^2 |r_j|^2, so
//     |F|_F <= 2 |Z| (sum over j of |r_j|^2 / g_j^2)^(1/2),   |Z|^2 <= 1 + |E|_F + |F|_F.
// With X = Z (I - E / 2),
//     X'X - I = F - (EF + FE) / 2 + EFE / 4 - (3 E^2 - E^3) / 4,
//     T X - X W = R (I - E / 2) - Z (W E - E W) / 2,   |W E - E W|_F <= 2 |Z| |R|_F,
// so with |E|_F and |F|_F below 1/100
//     |X'X - I|_F <= 1.02 |F|_F + 0.76 |E|_F^2,   |T X - X W|_F <= 2.1 |R|_F,
// and what remains is the rounding of the products E and of X itself, as in any orthogonalisation.
// |r_j| is taken as computed plus what its own rounding can be: 4 roundings of the product with
// d - w_j, 3 of those with off-diagonal entries. Whatever is not finite fails the comparisons.
//
// `reach` is chosen so that the bound of F holds: it is short unless values are clustered. Where E
// is too large for one step, steps repeat, each proven from new overlaps and residuals. Where
// neither helps, vectors are parallel or nearly so and must come from elsewhere.
#include <cmath>

#include "simd/lane_sums.hpp"
#include "simd/matrix_eigen.hpp"

namespace talweg::TALWEG_ISA {
namespace {

constexpr std::size_t chunk = 4;  // neighbours whose overlaps are in registers at a time
constexpr std::size_t longest_reach = 32;
static_assert(longest_reach <= column_margin && chunk <= margin);

// Beyond, QL costs less.
TALWEG_INLINE std::size_t reach_limit(std::size_t n) {
  const std::size_t half = n / 2 / chunk * chunk;
  return half < longest_reach ? half : longest_reach;
}

constexpr int most_steps = 3;

// overlaps[o - 1][column_margin + j] = z_j'z_(j + o), zero where there is no column j or j + o.
struct Overlaps {
  alignas(64) double offsets[longest_reach][column_margin + longest_row];
  alignas(64) double lengths[longest_row];  // z_j'z_j - 1
  alignas(64) double squares[longest_row];  // of the lengths of computed residuals
};

// The overlaps of the nearest neighbours and the residuals.
void measure(std::size_t n, const double* diagonal, const double* off, const double* values,
             const double* columns, Overlaps& out) {
  const std::size_t row = leading(n);
  for (std::size_t o = 0; o < chunk; ++o)
    for (std::size_t j = 1; j <= chunk; ++j) out.offsets[o][column_margin - j] = 0.0;
  for (std::size_t column = 0; column < n; column += lanes) {
    const Vector value = load(values + column);
    Vector sums[chunk], length{}, square{}, pending{};
#pragma GCC unroll 4
    for (std::size_t o = 0; o < chunk; ++o) sums[o] = Vector{};
    const double* z = columns + column;
    Vector here = load(z);
#pragma GCC unroll 1
    for (std::size_t i = 0; i < n; ++i, z += row) {
#pragma GCC unroll 4
      for (std::size_t o = 0; o < chunk; ++o)
        sums[o] = multiply_add(here, load(z + o + 1), sums[o]);
      length = multiply_add(here, here, length);
      // Behind the last row stands its off-diagonal entry, zero.
      const Vector after = load(z + row), coupling = fill(off[i]);
      Vector residual = multiply_add(fill(diagonal[i]) - value, here, pending);
      residual = multiply_add(coupling, after, residual);
      square = multiply_add(residual, residual, square);
      pending = coupling * here;
      here = after;
    }
#pragma GCC unroll 4
    for (std::size_t o = 0; o < chunk; ++o) store(out.offsets[o] + column_margin + column, sums[o]);
    store(out.lengths + column, length - fill(1.0));
    store(out.squares + column, square);
  }
}

// The overlaps at offsets start + 1 to start + chunk.
void measure_further(std::size_t n, std::size_t start, const double* columns, Overlaps& out) {
  const std::size_t row = leading(n);
  for (std::size_t column = 0; column < n; column += lanes) {
    Vector sums[chunk];
    for (std::size_t o = 0; o < chunk; ++o) sums[o] = Vector{};
    const double* z = columns + column;
#pragma GCC unroll 1
    for (std::size_t i = 0; i < n; ++i, z += row) {
      const Vector here = load(z);
#pragma GCC unroll 4
      for (std::size_t o = 0; o < chunk; ++o)
        sums[o] = multiply_add(here, load(z + start + o + 1), sums[o]);
    }
#pragma GCC unroll 4
    for (std::size_t o = 0; o < chunk; ++o)
      store(out.offsets[start + o] + column_margin + column, sums[o]);
  }
  for (std::size_t o = start; o < start + chunk; ++o) {
    for (std::size_t j = 0; j < column_margin; ++j) out.offsets[o][j] = 0.0;
    const std::size_t end = o + 1 < n ? n - o - 1 : 0;
    for (std::size_t j = end; j < padded(n); ++j) out.offsets[o][column_margin + j] = 0.0;
  }
}

// cleaned = columns (I - E / 2) with what of E is in the first chunk, or cleaned -= columns E / 2
// with what is in a further one.
void clean(std::size_t n, std::size_t start, const Overlaps& overlaps, const double* columns,
           double* cleaned) {
  const std::size_t row = leading(n);
  for (std::size_t column = 0; column < n; column += lanes) {
    Vector behind[chunk], ahead[chunk];
#pragma GCC unroll 4
    for (std::size_t o = 0; o < chunk; ++o) {
      const double* from = overlaps.offsets[start + o] + column_margin + column;
      behind[o] = load(from) * fill(0.5);
      ahead[o] = load(from - (start + o + 1)) * fill(0.5);
    }
    // Where a column has no such neighbour, an entry of another row meets an overlap of zero.
    const double* z = columns + column;
    const bool first = start == 0;
    const double* in = (first ? columns : cleaned) + column;
    const Vector own =
        first ? negated_multiply_add(load(overlaps.lengths + column), fill(0.5), fill(1.0))
              : fill(1.0);
    double* out = cleaned + column;
#pragma GCC unroll 1
    for (std::size_t i = 0; i < n; ++i, z += row, in += row, out += row) {
      Vector x = load(in) * own;
#pragma GCC unroll 4
      for (std::size_t o = 0; o < chunk; ++o) {
        x = negated_multiply_add(behind[o], load(z + start + o + 1), x);
        x = negated_multiply_add(ahead[o], load(z - (start + o + 1)), x);
      }
      store(out, x);
    }
  }
}

// Values with infinite ones before and behind, and bounds of the residuals.
struct Bounds {
  alignas(64) double values[2 * column_margin + longest_row];
  alignas(64) double lengths[longest_row];
};

void set_values(std::size_t n, const double* values, Bounds& bounds) {
  for (std::size_t i = 0; i < column_margin; ++i) {
    bounds.values[i] = -__builtin_inf();
    bounds.values[column_margin + n + i] = __builtin_inf();
  }
  for (std::size_t i = 0; i < n; ++i) bounds.values[column_margin + i] = values[i];
}

double far_bound(std::size_t n, std::size_t reach, const Bounds& bounds) {
  Vector sum{};
  for (std::size_t j = 0; j < n; j += lanes) {
    const double* from = bounds.values + column_margin + j;
    const Vector value = load(from);
    const Vector gap = smaller(value - load(from - (reach + 1)), load(from + reach + 1) - value);
    const Vector ratio = load(bounds.lengths + j) / gap;
    const Mask exists = lane_numbers() < fill(static_cast<double>(n - j));
    const Vector kept = select(exists, ratio, Vector{});
    sum = multiply_add(kept, kept, sum);
  }
  return 2.02 * __builtin_sqrt(sum_of_lanes(sum));
}

struct Sizes {
  double least, most, coupling, norm;  // entries of the diagonal and off it, Frobenius norm
};

Sizes sizes_of(std::size_t n, const double* diagonal, const double* off) {
  Sizes s{diagonal[0], diagonal[0], 0.0, 0.0};
  for (std::size_t i = 0; i < n; ++i) {
    s.least = diagonal[i] < s.least ? diagonal[i] : s.least;
    s.most = diagonal[i] > s.most ? diagonal[i] : s.most;
    s.coupling = std::fabs(off[i]) > s.coupling ? std::fabs(off[i]) : s.coupling;
    s.norm += diagonal[i] * diagonal[i] + 2.0 * off[i] * off[i];
  }
  s.norm = __builtin_sqrt(s.norm);
  return s;
}

// What may be left of E and F together, 6 n epsilon: the rest of 10 is for the rounding of sums and
// for the reflectors, which take less than 1 n epsilon.
double limit_for(std::size_t n) { return 12.0 * static_cast<double>(n) * rounding; }

}  // namespace

bool values_too_close(std::size_t n, const double* values) {
  const double size = std::fabs(values[0]) > std::fabs(values[n - 1]) ? std::fabs(values[0])
                                                                      : std::fabs(values[n - 1]);
  // Vectors of values that differ by rounding only are parallel.
  for (std::size_t j = 1; j < n; ++j)
    if (!(values[j] - values[j - 1] > 2.0 * rounding * size)) return true;
  Bounds bounds;
  set_values(n, values, bounds);
  for (std::size_t j = 0; j < n; ++j) bounds.lengths[j] = rounding * size;
  for (std::size_t j = n; j < padded(n); ++j) bounds.lengths[j] = 0.0;
  return !(far_bound(n, reach_limit(n), bounds) <= limit_for(n));
}

double* make_orthogonal(std::size_t n, const double* diagonal, const double* off,
                        const double* values, double* columns, double* spare) {
  const Sizes sizes = sizes_of(n, diagonal, off);
  const double limit = limit_for(n);
  Bounds bounds;
  set_values(n, values, bounds);
  Overlaps overlaps;
  for (int step = 0; step < most_steps; ++step) {
    measure(n, diagonal, off, values, columns, overlaps);
    Vector residuals{}, own{};
    for (std::size_t j = 0; j < n; j += lanes) {
      const Vector value = load(bounds.values + column_margin + j);
      const Vector spread = larger(fill(sizes.most) - value, value - fill(sizes.least));
      const Vector slack =
          multiply_add(fill(4.0), spread, fill(3.0 * sizes.coupling)) * fill(rounding);
      const Vector length = square_root(load(overlaps.squares + j)) + slack;
      store(bounds.lengths + j, length);
      const Mask exists = lane_numbers() < fill(static_cast<double>(n - j));
      const Vector kept = select(exists, length, Vector{});
      residuals = multiply_add(kept, kept, residuals);
      const Vector excess = select(exists, load(overlaps.lengths + j), Vector{});
      own = multiply_add(excess, excess, own);
    }
    const double residual = sum_of_lanes(residuals);
    double near = sum_of_lanes(own);
    const auto add_overlaps = [&](std::size_t start) {
      Vector sum{};
      for (std::size_t o = start; o < start + chunk; ++o)
        for (std::size_t j = 0; j < n; j += lanes) {
          const Vector x = load(overlaps.offsets[o] + column_margin + j);
          sum = multiply_add(x, x, sum);
        }
      near += 2.0 * sum_of_lanes(sum);
    };
    add_overlaps(0);
    if (!(near <= 1e-4) || !(2.1 * __builtin_sqrt(residual) <= limit * sizes.norm)) return nullptr;
    std::size_t reach = chunk;
    double far = far_bound(n, reach, bounds);
    while (!(1.02 * far <= limit)) {
      if (reach >= reach_limit(n)) return nullptr;
      measure_further(n, reach, columns, overlaps);
      add_overlaps(reach);
      if (!(near <= 1e-4)) return nullptr;
      reach += chunk;
      far = far_bound(n, reach, bounds);
    }
    for (std::size_t start = 0; start < reach; start += chunk)
      clean(n, start, overlaps, columns, spare);
    if (1.02 * far + 0.76 * near <= limit) return spare;
    double* const cleaned = spare;
    spare = columns;
    columns = cleaned;
  }
  return nullptr;
}

}  // namespace talweg::TALWEG_ISA
