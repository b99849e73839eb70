// Implicit QL of symmetric tridiagonal matrices, one in each lane, in lockstep: each lane has a
// first row of its own that is still coupled, so that none waits for another's eigenvalue.
//
// The recurrence is the square-root-free one of Pal, Walker and Kahan, whose chain of dependent
// operations holds one division. Vectors are rotated in the form of fast Givens rotations, two
// fused operations an element, on columns whose squared lengths are carried along.
// Sources: B. N. Parlett, The Symmetric Eigenvalue Problem, sections 8.14 and 8.15; Golub and
// Van Loan, Matrix Computations, section 5.1.13.
#pragma once

#include <cstddef>

#include "simd/lane_pack.hpp"

namespace talweg::TALWEG_ISA {

// Everything here is for matrices whose Frobenius norm is between 1 and 2.
constexpr double coupling_limit = 0x1p-106;  // squares up to this are rounding of zero
// The least product of a pivot and the cosine before it. Cosines at which rounding could make it
// smaller are above 2^-54, so raising it to this changes the pivot, and with it the matrix, by less
// than rounding; yet no square of a square leaves the range of doubles.
constexpr double smallest_pivot = 0x1p-110;
// Columns whose squared length falls below are made unit vectors again.
constexpr double shortest_square = 0x1p-100;

struct NoVectors {
  static constexpr bool wanted = false;
};

// The columns to rotate: their squared lengths, the inverses of those, and room for the rotations
// of two sweeps.
struct Columns {
  static constexpr bool wanted = true;
  double* q;
  double* square;
  double* inverse_square;
  double* alpha[2];
  double* beta[2];
};

// Applies the rotations of one or two sweeps, from row n - 2 up to row `lowest`, to `rows` rows of
// q: y + alpha x and x - beta y for columns x and y. With two sweeps each entry is read and written
// once for both, as stores would otherwise be what takes the time.
template <int rows, int sweeps>
TALWEG_INLINE void rotate_rows(int n, int lowest, const Columns& to, int row, int stride,
                               int offset) {
  double* q = to.q + row * n * stride + offset;
  const auto entry = [q, n, stride](int k, int i) { return q + (k * n + i) * stride; };
  const auto get = [stride, offset](const double* from, int i) {
    return load(from + i * stride + offset);
  };
  Vector first[rows], second[rows] = {};
#pragma GCC unroll 8
  for (int k = 0; k < rows; ++k) first[k] = load(entry(k, n - 1));
  for (int i = n - 2; i >= lowest; --i) {
    const Vector alpha = get(to.alpha[0], i), beta = get(to.beta[0], i);
    if (sweeps == 1 || i == n - 2) {
#pragma GCC unroll 8
      for (int k = 0; k < rows; ++k) {
        const Vector x = load(entry(k, i));
        const Vector done = multiply_add(alpha, x, first[k]);
        if (sweeps == 1)
          store(entry(k, i + 1), done);
        else
          second[k] = done;
        first[k] = negated_multiply_add(beta, first[k], x);
      }
    } else {
      const Vector next_alpha = get(to.alpha[1], i + 1), next_beta = get(to.beta[1], i + 1);
#pragma GCC unroll 8
      for (int k = 0; k < rows; ++k) {
        const Vector x = load(entry(k, i));
        const Vector done = multiply_add(alpha, x, first[k]);
        first[k] = negated_multiply_add(beta, first[k], x);
        store(entry(k, i + 2), multiply_add(next_alpha, done, second[k]));
        second[k] = negated_multiply_add(next_beta, second[k], done);
      }
    }
  }
  if (sweeps == 2) {
    const Vector alpha = get(to.alpha[1], lowest), beta = get(to.beta[1], lowest);
#pragma GCC unroll 8
    for (int k = 0; k < rows; ++k) {
      store(entry(k, lowest + 1), multiply_add(alpha, first[k], second[k]));
      first[k] = negated_multiply_add(beta, second[k], first[k]);
    }
  }
#pragma GCC unroll 8
  for (int k = 0; k < rows; ++k) store(entry(k, lowest), first[k]);
}

template <int sweeps, int width>
static void rotate_columns(int n, int lowest, const Columns& to) {
  constexpr int stride = width * vector_lanes;
  for (int offset = 0; offset < stride; offset += vector_lanes) {
    int row = 0;
    for (; row + 4 <= n; row += 4) rotate_rows<4, sweeps>(n, lowest, to, row, stride, offset);
    if (row + 2 <= n) {
      rotate_rows<2, sweeps>(n, lowest, to, row, stride, offset);
      row += 2;
    }
    if (row < n) rotate_rows<1, sweeps>(n, lowest, to, row, stride, offset);
  }
}

// Where each lane's sweep ends, and the entries there that determine its shift.
template <int width>
struct Window {
  Pack<width> first, d0, d1, square;
};

// Sets couplings that are rounding of zero to zero where they are the first ones, and finds the
// first other one of each lane (n where there is none). Returns the least of them.
template <int width>
TALWEG_INLINE int find_window(int n, int from, const double* diagonal, double* off,
                              Window<width>& window) {
  constexpr int stride = width * vector_lanes;
  window = {pack<width>(n), pack<width>(0.0), pack<width>(0.0), pack<width>(1.0)};
  PackMask<width> found{};
  int least = n;
  Pack<width> next = load_pack<width>(diagonal + from * stride);
  for (int i = from; i + 1 < n; ++i) {
    const Pack<width> here = next;
    next = load_pack<width>(diagonal + (i + 1) * stride);
    const Pack<width> coupling = load_pack<width>(off + i * stride);
    const Pack<width> size = magnitude(coupling);
    const PackMask<width> before = found;
    found = found | greater(size, pack<width>(coupling_limit));
    store(off + i * stride, keep(found, coupling));
    window.first = select(before, window.first, select(found, pack<width>(i), window.first));
    window.d0 = select(before, window.d0, here);
    window.d1 = select(before, window.d1, next);
    window.square = select(before, window.square, select(found, size, window.square));
    if (least == n && any(found)) least = i;
    if (!any(~found)) break;
  }
  return least;
}

// One sweep from the last row to each lane's first; lowest is the least of those.
template <int width, class Vectors>
TALWEG_INLINE void sweep(int n, int lowest, const Window<width>& window, double* diagonal,
                         double* off, const Vectors& vectors, int slot, Pack<width>& shortest) {
  constexpr int stride = width * vector_lanes;
  // Wilkinson's shift
  const Pack<width> half = pack<width>(0.5) * (window.d1 - window.d0);
  const Pack<width> root = square_root(multiply_add(half, half, window.square));
  const Pack<width> shift =
      window.d0 - with_sign(window.square, half) * inverse(magnitude(half) + root);

  Vector row = fill(n - 1);
  // Squares: of the sine, with a sign, of the pivot and of the length of the column at hand; gamma
  // is the pivot times the cosine before.
  Vector entry[width], gamma[width], pivot[width], sine[width], length[width],
      inverse_length[width];
  Mask on[width];
  TALWEG_EACH {
    const std::size_t at = (n - 1) * stride + w * vector_lanes;
    entry[w] = load(diagonal + at);
    gamma[w] = away_from_zero(entry[w] - shift.part[w], fill(smallest_pivot));
    pivot[w] = gamma[w] * gamma[w];
    sine[w] = Vector{};
    on[w] = window.first.part[w] <= row;
    if constexpr (Vectors::wanted) {
      length[w] = load(vectors.square + at);
      inverse_length[w] = load(vectors.inverse_square + at);
    }
  }
  for (int i = n - 2; i >= lowest; --i) {
    row -= 1.0;
    // All of one part before the next: fewer numbers are held at once, and none that the next row
    // waits for goes through memory.
    TALWEG_EACH {
      const std::size_t at = i * stride + w * vector_lanes, above = at + stride;
      const Vector coupling = load(off + at);
      const Vector square = Vectors::wanted ? magnitude(coupling) : coupling;
      const Vector r = pivot[w] + square;
      const Vector d = fast_inverse(r * pivot[w]);
      const Vector before = entry[w];
      entry[w] = load(diagonal + at);
      const Vector numerator =
          away_from_zero(multiply_subtract(pivot[w], entry[w] - shift.part[w], square * gamma[w]),
                         r * smallest_pivot);
      const Vector new_pivot = numerator * numerator * d;
      const Vector inverse_r = pivot[w] * d;
      const Vector new_gamma = numerator * inverse_r;
      const Mask rotated = window.first.part[w] <= row;
      const Vector step = select(rotated, entry[w] - new_gamma, shift.part[w]);
      store(diagonal + above, select(on[w], gamma[w] + step, before));
      on[w] = rotated;
      if constexpr (!Vectors::wanted) {
        store(off + above, sine[w] * r);
        sine[w] = square * inverse_r;
      } else {
        const Vector gamma_sign = sign_of(gamma[w]);
        store(off + above, flip_sign(sine[w] * r, gamma_sign));
        const Vector signed_square = flip_sign(coupling, gamma_sign);
        sine[w] = signed_square * inverse_r;
        const Vector inverse_pivot = r * d;
        const Vector other = load(vectors.square + at);
        const Vector inverse_other = load(vectors.inverse_square + at);
        const Vector alpha =
            flip_sign(fast_square_root((square * inverse_pivot) * (other * inverse_length[w])),
                      sign_of(signed_square));
        store(vectors.alpha[slot] + at, alpha);
        store(vectors.beta[slot] + at, alpha * (length[w] * inverse_other));
        const Vector cosine = select(rotated, pivot[w] * inverse_r, fill(1.0));
        const Vector inverse_cosine = select(rotated, r * inverse_pivot, fill(1.0));
        const Vector done = length[w] * cosine;
        store(vectors.square + above, done);
        store(vectors.inverse_square + above, inverse_length[w] * inverse_cosine);
        shortest.part[w] = smaller(shortest.part[w], done);
        length[w] = other * cosine;
        inverse_length[w] = inverse_other * inverse_cosine;
      }
      pivot[w] = new_pivot;
      gamma[w] = new_gamma;
    }
  }
  TALWEG_EACH {
    const std::size_t at = lowest * stride + w * vector_lanes;
    const Vector last = sine[w] * pivot[w];
    store(off + at, Vectors::wanted ? flip_sign(last, sign_of(gamma[w])) : last);
    store(diagonal + at, select(on[w], gamma[w] + shift.part[w], entry[w]));
    if constexpr (Vectors::wanted) {
      store(vectors.square + at, length[w]);
      store(vectors.inverse_square + at, inverse_length[w]);
      shortest.part[w] = smaller(shortest.part[w], length[w]);
    }
  }
}

// Makes unit vectors of columns that have become short, and keeps the inverses of the squared
// lengths from drifting away from what they are inverses of. Lanes before `first` are not touched.
template <int width>
static void settle_columns(int n, int lowest, const Pack<width>& first, const Pack<width>& shortest,
                           const Columns& columns) {
  constexpr int stride = width * vector_lanes;
  const bool rescale = any(less(shortest, pack<width>(shortest_square)));
  const Pack<width> one = pack<width>(1.0);
  for (int j = lowest; j < n; ++j) {
    double* square = columns.square + j * stride;
    double* inverse_square = columns.inverse_square + j * stride;
    const Pack<width> length = load_pack<width>(square);
    const Pack<width> guess = load_pack<width>(inverse_square);
    const Pack<width> better = multiply_add(guess, negated_multiply_add(length, guess, one), guess);
    store(inverse_square, select(at_most(first, pack<width>(j)), better, guess));
    if (!rescale) continue;
    const PackMask<width> tiny = less(length, pack<width>(shortest_square));
    if (!any(tiny)) continue;
    const Pack<width> factor = select(tiny, square_root(length), one);
    store(square, select(tiny, one, length));
    store(inverse_square, select(tiny, one, load_pack<width>(inverse_square)));
    for (int k = 0; k < n; ++k) {
      double* at = columns.q + (k * n + j) * stride;
      store(at, load_pack<width>(at) * factor);
    }
  }
}

// diagonal: n packs, off: n packs of squared couplings, with the sign of the coupling where there
// are vectors; on return the diagonal holds the eigenvalues in no order. Lanes that are not finite
// end at once.
template <int width, class Vectors>
static void implicit_ql(int n, double* diagonal, double* off, const Vectors& vectors) {
  constexpr int stride = width * vector_lanes;
  Window<width> window;
  Pack<width> shortest = pack<width>(1.0), first = pack<width>(0.0);
  int lowest = 0, pending = 0, pending_from = 0;
  for (int count = 0; count < 40 * n; ++count) {
    lowest = find_window<width>(n, lowest, diagonal, off, window);
    if (lowest == n) break;
    sweep<width>(n, lowest, window, diagonal, off, vectors, pending, shortest);
    if constexpr (Vectors::wanted) {
      if (pending == 0) {
        pending = 1;
        pending_from = lowest;
        first = window.first;
        continue;
      }
      for (int i = pending_from * stride; i < lowest * stride; i += vector_lanes) {
        store(vectors.alpha[1] + i, Vector{});
        store(vectors.beta[1] + i, Vector{});
      }
      rotate_columns<2, width>(n, pending_from, vectors);
      settle_columns<width>(n, pending_from, first, shortest, vectors);
      shortest = pack<width>(1.0);
      pending = 0;
    }
  }
  if constexpr (Vectors::wanted) {
    if (pending == 1) rotate_columns<1, width>(n, pending_from, vectors);
  }
}

}  // namespace talweg::TALWEG_ISA
