// Eigenvalues of many symmetric tridiagonal matrices in lockstep: the square-root-free rational QL
// iteration of Pal, Walker and Kahan (Parlett, The Symmetric Eigenvalue Problem, section 8.15).
//
// Each lane has a first entry of its own, behind those eigenvalues that it has found; a sweep runs
// from the last entry down to the lowest of these and changes a lane from its own on only. So lanes
// never wait for each other's eigenvalues and never see each other. A negligible off-diagonal entry
// further up does not split a matrix: the sweep goes through it, which is a similarity all the
// same.
#include "simd/lane_sums.hpp"
#include "simd/matrix_eigen.hpp"

namespace talweg::TALWEG_ISA {
namespace {

constexpr int vectors = lockstep_vectors;

// A lane takes about 1.7 sweeps for each eigenvalue.
constexpr std::size_t most_sweeps_per_row = 30;

// The least modulus of gamma: p = gamma^2 / cosine says where a sweep that meets a zero goes on,
// and 0 / 0 would not. Far below what changes an eigenvalue beside entries of about 1.
constexpr double least_gamma = 1e-30;

struct Wide {
  Vector x[vectors];
};

struct WideMask {
  Mask x[vectors];
};

#define TALWEG_EACH _Pragma("GCC unroll 4") for (int g = 0; g < vectors; ++g)

// The first entry from `from` on whose off-diagonal entry is not negligible, n when there is none;
// all before `from` are negligible. Returns the lowest of all lanes.
std::size_t find_first(std::size_t n, std::size_t from, const double* squares,
                       const Wide& negligible, Wide& first) {
  std::size_t lowest = n;
  WideMask found;
  TALWEG_EACH {
    first.x[g] = fill(static_cast<double>(n));
    found.x[g] = Mask{};
  }
  for (std::size_t i = from; i + 1 < n; ++i) {
    const Vector index = fill(static_cast<double>(i));
    bool left = false;
    TALWEG_EACH {
      const Mask large = load(squares + i * matrix_group + g * lanes) > negligible.x[g];
      first.x[g] = select(large & ~found.x[g], index, first.x[g]);
      found.x[g] |= large;
      if (lowest == n && any(large)) lowest = i;
      left |= any(~found.x[g]);
    }
    if (!left) break;
  }
  return lowest;
}

TALWEG_INLINE Vector not_zero(Vector gamma) {
  return with_sign(larger(magnitude(gamma), fill(least_gamma)), gamma);
}

struct Sweep {
  Wide first, shift, gamma, p, sine;
};

template <bool masked>
TALWEG_INLINE void step(std::size_t i, double* diagonal, double* off, Sweep& sweep) {
  const Vector index = fill(static_cast<double>(i));
  double* d = diagonal + i * matrix_group;
  double* e = off + i * matrix_group;
  TALWEG_EACH {
    const Mask inside = sweep.first.x[g] <= index;
    const auto where_inside = [&](Vector value, Vector kept) {
      return masked ? select(inside, value, kept) : value;
    };
    const Vector square = load(e + g * lanes), alpha = load(d + g * lanes);
    const Vector gamma = sweep.gamma.x[g], p = sweep.p.x[g];
    const Vector r = p + square;
    const Vector inverse = fast_inverse(p * r);
    const Vector turned =
        not_zero(multiply_subtract(p, alpha - sweep.shift.x[g], square * gamma) * p * inverse);
    double* above = e + matrix_group + g * lanes;
    store(above, where_inside(sweep.sine.x[g] * r, load(above)));
    double* after = d + matrix_group + g * lanes;
    store(after, where_inside(gamma + (alpha - turned), load(after)));
    sweep.sine.x[g] = where_inside(square * p * inverse, sweep.sine.x[g]);
    sweep.gamma.x[g] = where_inside(turned, gamma);
    sweep.p.x[g] = where_inside(turned * turned * (r * r * inverse), sweep.p.x[g]);
  }
}

void sort_ascending(std::size_t n, double* values) {
  // Batcher's merge exchange: the same comparisons whatever the values.
  for (std::size_t p = 1; p < n; p *= 2) {
    for (std::size_t k = p; k >= 1; k /= 2) {
      for (std::size_t j = k % p; j + k < n; j += 2 * k) {
        for (std::size_t i = j; i < j + k && i + k < n; ++i) {
          if (i / (2 * p) != (i + k) / (2 * p)) continue;
          double* low = values + i * matrix_group;
          double* high = values + (i + k) * matrix_group;
          TALWEG_EACH {
            const Vector a = load(low + g * lanes), b = load(high + g * lanes);
            store(low + g * lanes, smaller(a, b));
            store(high + g * lanes, larger(b, a));
          }
        }
      }
    }
  }
}

}  // namespace

void tridiagonal_values(std::size_t n, double* diagonal, double* off, bool* converged) {
  Wide norm, negligible;
  TALWEG_EACH norm.x[g] = Vector{};
  for (std::size_t i = 0; i < n; ++i) {
    TALWEG_EACH {
      const std::size_t at = i * matrix_group + g * lanes;
      const Vector e = load(off + at);
      norm.x[g] = larger(norm.x[g], larger(magnitude(e), magnitude(load(diagonal + at))));
      store(off + at, e * e);
    }
  }
  TALWEG_EACH { negligible.x[g] = norm.x[g] * norm.x[g] * fill(rounding * rounding); }
  Sweep sweeping;
  Wide& first = sweeping.first;
  std::size_t lowest = find_first(n, 0, off, negligible, first);
  for (std::size_t sweep = 0; lowest < n && sweep < most_sweeps_per_row * n; ++sweep) {
    alignas(64) double firsts[matrix_group], starts[matrix_group], nexts[matrix_group],
        squares[matrix_group];
    TALWEG_EACH store(firsts + g * lanes, first.x[g]);
    std::size_t highest = lowest;
    for (std::size_t l = 0; l < matrix_group; ++l) {
      const std::size_t at = static_cast<std::size_t>(static_cast<long>(firsts[l]));
      if (at > highest) highest = at;
      const std::size_t i = at < n ? at : lowest;  // a lane that is done reads what it will not use
      starts[l] = diagonal[i * matrix_group + l];
      nexts[l] = diagonal[(i + 1) * matrix_group + l];
      squares[l] = off[i * matrix_group + l];
    }
    TALWEG_EACH {
      const Vector start = load(starts + g * lanes);
      const Vector square = load(squares + g * lanes);
      const Vector root = square_root(select(square > negligible.x[g], square, fill(1.0)));
      const Vector slope = (load(nexts + g * lanes) - start) / (root + root);
      const Vector length = square_root(multiply_add(slope, slope, fill(1.0)));
      sweeping.shift.x[g] = start - root / (slope + with_sign(length, slope));
      const Vector gamma =
          not_zero(load(diagonal + (n - 1) * matrix_group + g * lanes) - sweeping.shift.x[g]);
      sweeping.gamma.x[g] = gamma;
      sweeping.p.x[g] = gamma * gamma;
      sweeping.sine.x[g] = Vector{};
    }
    // Above every lane's first entry no lane needs to be masked, which changes no bits.
    std::size_t i = n - 1;
    while (i > highest) step<false>(--i, diagonal, off, sweeping);
    while (i > lowest) step<true>(--i, diagonal, off, sweeping);
    TALWEG_EACH {
      store(squares + g * lanes, sweeping.sine.x[g] * sweeping.p.x[g]);
      store(starts + g * lanes, sweeping.shift.x[g] + sweeping.gamma.x[g]);
    }
    for (std::size_t l = 0; l < matrix_group; ++l) {
      const std::size_t i = static_cast<std::size_t>(static_cast<long>(firsts[l]));
      if (i >= n) continue;
      off[i * matrix_group + l] = squares[l];
      diagonal[i * matrix_group + l] = starts[l];
    }
    lowest = find_first(n, lowest, off, negligible, first);
  }
  TALWEG_EACH {
    for (std::size_t l = 0; l < lanes; ++l)
      converged[g * lanes + l] = first.x[g][l] == static_cast<double>(n);
  }
  sort_ascending(n, diagonal);
}

#undef TALWEG_EACH

}  // namespace talweg::TALWEG_ISA
