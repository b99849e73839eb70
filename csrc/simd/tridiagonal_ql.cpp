// Eigenvectors of tridiagonal matrices by the implicit QL iteration (Golub and Van Loan, Matrix
// Computations, section 8.3.3), for those whose values are too close together for anything cheaper.
// It is backward stable whatever the spectrum, and its vectors are a product of rotations.
//
// The iteration runs in lockstep, a matrix in each lane and each in a window of its own. It records
// its rotations, which are then applied to one matrix at a time, along its rows.
#include "simd/lane_sums.hpp"
#include "simd/matrix_eigen.hpp"

namespace talweg::TALWEG_ISA {
namespace {

constexpr std::size_t most_sweeps_per_row = 30;

// A rotation of two numbers whose squares sum to less is the identity: they are zero beside entries
// of about 1.
constexpr double negligible_square = 1e-280;

template <int width>
struct Wide {
  Vector x[width];
};

template <int width>
struct WideMask {
  Mask x[width];
};

// The entries that the sweep of each lane runs over: between two negligible off-diagonal entries.
template <int width>
struct Windows {
  Wide<width> first, last;
  WideMask<width> active;
  std::size_t lowest, highest;
};

// Returns false when every lane is done. Off-diagonal entries before `from` are negligible.
template <int width>
bool find_windows(std::size_t n, std::size_t from, const double* off, const Wide<width>& negligible,
                  Windows<width>& windows) {
  constexpr std::size_t span = width * lanes;
  WideMask<width> ended;
  for (int g = 0; g < width; ++g) {
    windows.first.x[g] = windows.last.x[g] = fill(static_cast<double>(n - 1));
    windows.active.x[g] = ended.x[g] = Mask{};
  }
  windows.lowest = windows.highest = n - 1;
  bool found = false;
  for (std::size_t i = from; i + 1 < n; ++i) {
    const Vector index = fill(static_cast<double>(i));
    bool open = false, some = false;
    for (int g = 0; g < width; ++g) {
      const Mask small = magnitude(load(off + i * span + g * lanes)) <= negligible.x[g];
      const Mask ends = small & windows.active.x[g] & ~ended.x[g];
      windows.last.x[g] = select(ends, index, windows.last.x[g]);
      ended.x[g] |= ends;
      const Mask starts = ~(small | windows.active.x[g]);
      windows.first.x[g] = select(starts, index, windows.first.x[g]);
      windows.active.x[g] |= starts;
      open |= any(~ended.x[g]);
      some |= any(starts);
    }
    if (some && !found) {
      windows.lowest = i;
      found = true;
    }
    if (!open) {
      windows.highest = i;
      break;
    }
  }
  return found;
}

// The rotations of one matrix: for each sweep its window, then cosine and sine from its last pair
// of rows to its first.
struct Record {
  double* entries;
  std::size_t used;
};

// Applied to rows of the transposed eigenvectors, `width` vectors of columns at a time, which stay
// in the first-level cache.
template <int width>
void rotate(std::size_t row, const Record& record, double* columns) {
  const double* entry = record.entries;
  const double* const end = record.entries + record.used;
  while (entry != end) {
    const std::size_t first = static_cast<std::size_t>(static_cast<long>(entry[0]));
    const std::size_t last = static_cast<std::size_t>(static_cast<long>(entry[1]));
    entry += 2;
    double* x = columns + last * row;
    Vector upper[width];
#pragma GCC unroll 4
    for (int b = 0; b < width; ++b) upper[b] = load(x + b * lanes);
#pragma GCC unroll 1
    for (std::size_t i = last; i > first; --i, x -= row, entry += 2) {
      const Vector c = fill(entry[0]), s = fill(entry[1]);
#pragma GCC unroll 4
      for (int b = 0; b < width; ++b) {
        const Vector lower = load(x - row + b * lanes);
        store(x + b * lanes, multiply_add(s, lower, c * upper[b]));
        upper[b] = multiply_subtract(c, lower, s * upper[b]);
      }
    }
#pragma GCC unroll 4
    for (int b = 0; b < width; ++b) store(x + b * lanes, upper[b]);
  }
}

void rotate_all(std::size_t n, Record& record, double* transposed) {
  const std::size_t row = leading(n);
  std::size_t column = 0;
  for (; column + 4 * lanes <= padded(n); column += 4 * lanes)
    rotate<4>(row, record, transposed + column);
  for (; column < padded(n); column += lanes) rotate<1>(row, record, transposed + column);
  record.used = 0;
}

template <int width>
void iterate(std::size_t n, std::size_t count, double* diagonal, double* off, double* transposed,
             double* records, bool* converged) {
  constexpr std::size_t span = width * lanes;
  const std::size_t capacity = rotation_record(n);
  Record record[span];
  for (std::size_t l = 0; l < span; ++l) record[l] = {records + l * capacity, 0};
  Wide<width> negligible;
  for (int g = 0; g < width; ++g) {
    Vector norm{};
    for (std::size_t i = 0; i < n * span; i += span) {
      const Vector e = magnitude(load(off + i + g * lanes));
      const Vector d = magnitude(load(diagonal + i + g * lanes));
      norm = select(e > norm, e, norm);
      norm = select(d > norm, d, norm);
    }
    negligible.x[g] = norm * fill(rounding);
  }
  Windows<width> windows;
  windows.lowest = 0;
  bool left = find_windows<width>(n, 0, off, negligible, windows);
  for (std::size_t sweep = 0; left && sweep < most_sweeps_per_row * n; ++sweep) {
    alignas(64) double first[span], last[span], starts[span], nexts[span], couplings[span],
        ends[span];
    for (int g = 0; g < width; ++g) {
      store(first + g * lanes, windows.first.x[g]);
      store(last + g * lanes, windows.last.x[g]);
    }
    for (std::size_t l = 0; l < span; ++l) {
      const std::size_t i = static_cast<std::size_t>(static_cast<long>(first[l]));
      const std::size_t j = static_cast<std::size_t>(static_cast<long>(last[l]));
      const bool active = i < j;
      starts[l] = diagonal[i * span + l];
      nexts[l] = diagonal[(active ? i + 1 : i) * span + l];
      couplings[l] = active ? off[i * span + l] : 1.0;
      ends[l] = diagonal[j * span + l];
      if (!active || l >= count) continue;
      if (record[l].used + 2 * (n + 1) > capacity)
        rotate_all(n, record[l], transposed + l * n * leading(n));
      record[l].entries[record[l].used++] = first[l];
      record[l].entries[record[l].used++] = last[l];
    }
    Wide<width> s, c, p, gap;
    for (int g = 0; g < width; ++g) {
      const Vector coupling = load(couplings + g * lanes), start = load(starts + g * lanes);
      const Vector slope = (load(nexts + g * lanes) - start) / (coupling + coupling);
      const Vector length = square_root(multiply_add(slope, slope, fill(1.0)));
      gap.x[g] = load(ends + g * lanes) - start + coupling / (slope + with_sign(length, slope));
      s.x[g] = c.x[g] = fill(1.0);
      p.x[g] = Vector{};
    }
    alignas(64) double cosines[largest_n][span], sines[largest_n][span];
    for (std::size_t i = windows.highest; i-- > windows.lowest;) {
      const Vector index = fill(static_cast<double>(i)), above = fill(static_cast<double>(i + 1));
      double* d = diagonal + i * span;
      double* e = off + i * span;
#pragma GCC unroll 2
      for (int g = 0; g < width; ++g) {
        const Mask inside =
            windows.active.x[g] & (windows.last.x[g] > index) & (windows.first.x[g] <= index);
        const Vector coupling = load(e + g * lanes);
        const Vector f = s.x[g] * coupling, b = c.x[g] * coupling;
        const Vector square = multiply_add(f, f, gap.x[g] * gap.x[g]);
        const Mask zero = square < fill(negligible_square);
        const Vector length = square_root(select(zero, fill(1.0), square));
        const Vector inverse = fill(1.0) / length;
        const Vector sine = select(zero, Vector{}, f * inverse);
        const Vector cosine = select(zero, fill(1.0), gap.x[g] * inverse);
        double* e_above = e + span + g * lanes;
        store(e_above, select(inside & (windows.last.x[g] > above), select(zero, Vector{}, length),
                              load(e_above)));
        double* d_above = d + span + g * lanes;
        const Vector old = load(d_above), moved = old - p.x[g];
        const Vector twice = multiply_add(load(d + g * lanes) - moved, sine, (cosine + cosine) * b);
        const Vector shifted = sine * twice;
        store(d_above, select(inside, moved + shifted, old));
        store(cosines[i] + g * lanes, cosine);
        store(sines[i] + g * lanes, sine);
        gap.x[g] = select(inside, multiply_subtract(cosine, twice, b), gap.x[g]);
        s.x[g] = select(inside, sine, s.x[g]);
        c.x[g] = select(inside, cosine, c.x[g]);
        p.x[g] = select(inside, shifted, p.x[g]);
      }
    }
    for (int g = 0; g < width; ++g) {
      store(starts + g * lanes, load(starts + g * lanes) - p.x[g]);
      store(couplings + g * lanes, gap.x[g]);
    }
    for (std::size_t l = 0; l < span; ++l) {
      const std::size_t i = static_cast<std::size_t>(static_cast<long>(first[l]));
      const std::size_t j = static_cast<std::size_t>(static_cast<long>(last[l]));
      if (i >= j) continue;
      diagonal[i * span + l] = starts[l];
      off[i * span + l] = couplings[l];
      if (l >= count) continue;
      double* to = record[l].entries + record[l].used;
      for (std::size_t k = j; k-- > i;) {
        *to++ = cosines[k][l];
        *to++ = sines[k][l];
      }
      record[l].used += 2 * (j - i);
    }
    left = find_windows<width>(n, windows.lowest, off, negligible, windows);
  }
  for (std::size_t l = 0; l < count; ++l) {
    converged[l] = !left || windows.active.x[l / lanes][l % lanes] == 0;
    rotate_all(n, record[l], transposed + l * n * leading(n));
  }
}

}  // namespace

void tridiagonal_ql(std::size_t n, std::size_t count, double* diagonal, double* off,
                    double* transposed, double* records, bool* converged) {
  const std::size_t row = leading(n);
  for (std::size_t k = 0; k < count * n * row; ++k) transposed[k] = 0.0;
  for (std::size_t l = 0; l < count; ++l)
    for (std::size_t i = 0; i < n; ++i) transposed[(l * n + i) * row + i] = 1.0;
  if (count > lanes) {
    iterate<2>(n, count, diagonal, off, transposed, records, converged);
  } else {
    iterate<1>(n, count, diagonal, off, transposed, records, converged);
  }
}

}  // namespace talweg::TALWEG_ISA
