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
// A smaller pivot is replaced by this one: a change of the matrix below rounding that keeps every
// square cosine above its square.
constexpr double smallest_pivot = 0x1p-58;
// Columns whose squared length falls below are made unit vectors again.
constexpr double shortest_square = 0x1p-300;

struct NoVectors {
  static constexpr bool wanted = false;
};

// One sweep's rotations, and the squared lengths of the columns with their inverses.
struct ColumnRotations {
  static constexpr bool wanted = true;
  double* alpha;
  double* beta;
  double* square;
  double* inverse_square;
  double* q;
};

// Applies the rotations of rows hi .. lo (downwards) to `rows` rows of q.
template <int rows, int width>
TALWEG_INLINE void rotate_rows(int n, int lo, int hi, const ColumnRotations& to, int row) {
  constexpr int stride = width * vector_lanes;
  TALWEG_EACH {
    double* q = to.q + row * n * stride + w * vector_lanes;
    Vector carried[rows];
#pragma GCC unroll 8
    for (int k = 0; k < rows; ++k) carried[k] = load(q + (k * n + hi + 1) * stride);
    for (int i = hi; i >= lo; --i) {
      const Vector alpha = load(to.alpha + i * stride + w * vector_lanes);
      const Vector beta = load(to.beta + i * stride + w * vector_lanes);
#pragma GCC unroll 8
      for (int k = 0; k < rows; ++k) {
        const Vector x = load(q + (k * n + i) * stride);
        store(q + (k * n + i + 1) * stride, multiply_add(alpha, x, carried[k]));
        carried[k] = negated_multiply_add(beta, carried[k], x);
      }
    }
#pragma GCC unroll 8
    for (int k = 0; k < rows; ++k) store(q + (k * n + lo) * stride, carried[k]);
  }
}

template <int order, int width>
TALWEG_INLINE void rotate_columns(int n, int lo, int hi, const ColumnRotations& to) {
  int row = 0;
  for (; row + 8 <= n; row += 8) rotate_rows<8, width>(n, lo, hi, to, row);
  switch (n - row) {
    case 7: rotate_rows<7, width>(n, lo, hi, to, row); break;
    case 6: rotate_rows<6, width>(n, lo, hi, to, row); break;
    case 5: rotate_rows<5, width>(n, lo, hi, to, row); break;
    case 4: rotate_rows<4, width>(n, lo, hi, to, row); break;
    case 3: rotate_rows<3, width>(n, lo, hi, to, row); break;
    case 2: rotate_rows<2, width>(n, lo, hi, to, row); break;
    case 1: rotate_rows<1, width>(n, lo, hi, to, row); break;
    default: break;
  }
}

// diagonal: n packs, off: n packs of squared couplings with the sign of the coupling; on return the
// diagonal holds the eigenvalues in no order. Lanes that are not finite end at once. False in
// lanes that did not converge.
template <int order, int width, class Rotations>
TALWEG_INLINE void implicit_ql(int runtime_order, double* diagonal, double* off,
                               const Rotations& rotations) {
  using Lanes = Pack<width>;
  const int n = order > 0 ? order : runtime_order;
  constexpr int stride = width * vector_lanes;
  const auto get = [](const double* from, int i) { return load_pack<width>(from + i * stride); };
  const auto put = [](double* to, int i, const Lanes& value) { store(to + i * stride, value); };
  const Lanes one = pack<width>(1.0), zero = pack<width>(0.0);
  const Lanes limit = pack<width>(coupling_limit);

  int lowest = 0;
  for (int sweep = 0; sweep < 40 * n; ++sweep) {
    // The first coupled row of each lane, n where there is none.
    Lanes first = pack<width>(n), d0 = zero, d1 = zero, square = one;
    PackMask<width> found{};
    int start = n;
    Lanes next = get(diagonal, lowest);
    for (int i = lowest; i + 1 < n; ++i) {
      const Lanes here = next;
      next = get(diagonal, i + 1);
      const Lanes coupling = get(off, i);
      const Lanes size = magnitude(coupling);
      const PackMask<width> coupled = greater(size, limit);
      const PackMask<width> fresh = coupled & ~found;
      put(off, i, keep(coupled | found, coupling));
      first = select(fresh, pack<width>(i), first);
      d0 = select(fresh, here, d0);
      d1 = select(fresh, next, d1);
      square = select(fresh, size, square);
      found = found | coupled;
      if (start == n && any(fresh)) start = i;
      if (!any(~found)) break;
    }
    if (start == n) return;
    lowest = start;

    // Wilkinson's shift
    const Lanes half = pack<width>(0.5) * (d1 - d0);
    const Lanes root = square_root(multiply_add(half, half, square));
    const Lanes shift = d0 - square * inverse(magnitude(half) + root) * with_sign(one, half);

    Lanes sine = zero;  // squared, with a sign
    Lanes gamma = get(diagonal, n - 1) - shift;
    gamma = with_sign(larger(magnitude(gamma), pack<width>(smallest_pivot)), gamma);
    Lanes pivot = gamma * gamma;  // squared
    PackMask<width> on{};
    TALWEG_EACH on.part[w] = first.part[w] <= fill(n - 1);
    Lanes length, inverse_length, shortest;
    if constexpr (Rotations::wanted) {
      length = get(rotations.square, n - 1);
      inverse_length = get(rotations.inverse_square, n - 1);
      shortest = length;
    }
    for (int i = n - 2; i >= lowest; --i) {
      const Lanes coupling = get(off, i), entry = get(diagonal, i);
      const Lanes square = magnitude(coupling);
      const Lanes gamma_sign = sign_of(gamma);
      const Lanes r = pivot + square;
      const Lanes d = inverse(r * pivot);
      const Lanes inverse_r = pivot * d;
      put(off, i + 1, flip_sign(sine * r, gamma_sign));
      const Lanes signed_square = flip_sign(coupling, gamma_sign);
      sine = signed_square * inverse_r;
      Lanes numerator = multiply_subtract(pivot, entry - shift, square * gamma);
      numerator = with_sign(larger(magnitude(numerator), r * pack<width>(smallest_pivot)), numerator);
      const Lanes new_gamma = numerator * inverse_r;
      PackMask<width> rotated;
      TALWEG_EACH rotated.part[w] = first.part[w] <= fill(i);
      const Lanes step = select(rotated, entry - new_gamma, shift);
      put(diagonal, i + 1, select(on, gamma + step, get(diagonal, i + 1)));
      if constexpr (Rotations::wanted) {
        const Lanes inverse_pivot = r * d;
        const Lanes cosine = select(rotated, pivot * inverse_r, one);
        const Lanes inverse_cosine = select(rotated, r * inverse_pivot, one);
        const Lanes other = get(rotations.square, i);
        const Lanes inverse_other = get(rotations.inverse_square, i);
        const Lanes alpha = with_sign(
            square_root((square * inverse_pivot) * (other * inverse_length)), signed_square);
        put(rotations.alpha, i, alpha);
        put(rotations.beta, i, alpha * (length * inverse_other));
        const Lanes new_length = length * cosine;
        put(rotations.square, i + 1, new_length);
        put(rotations.inverse_square, i + 1, inverse_length * inverse_cosine);
        shortest = smaller(shortest, new_length);
        length = other * cosine;
        inverse_length = inverse_other * inverse_cosine;
        shortest = smaller(shortest, length);
      }
      pivot = numerator * numerator * d;
      gamma = new_gamma;
      on = rotated;
    }
    put(off, lowest, flip_sign(sine * pivot, sign_of(gamma)));
    put(diagonal, lowest, select(on, gamma + shift, get(diagonal, lowest)));
    if constexpr (Rotations::wanted) {
      put(rotations.square, lowest, length);
      put(rotations.inverse_square, lowest, inverse_length);
      rotate_columns<order, width>(n, lowest, n - 2, rotations);
      // Keeps the inverses from drifting away from what they are inverses of.
      for (int j = lowest; j < n; ++j) {
        const Lanes inverse_length = get(rotations.inverse_square, j);
        const Lanes error = negated_multiply_add(get(rotations.square, j), inverse_length, one);
        put(rotations.inverse_square, j,
            select(at_most(first, pack<width>(j)),
                   multiply_add(inverse_length, error, inverse_length), inverse_length));
      }
      if (any(less(shortest, pack<width>(shortest_square)))) {
        for (int j = lowest; j < n; ++j) {
          const Lanes length = get(rotations.square, j);
          const PackMask<width> tiny = less(length, pack<width>(shortest_square));
          if (!any(tiny)) continue;
          const Lanes factor = select(tiny, square_root(length), one);
          put(rotations.square, j, select(tiny, one, length));
          put(rotations.inverse_square, j, select(tiny, one, get(rotations.inverse_square, j)));
          for (int k = 0; k < n; ++k)
            put(rotations.q, k * n + j, get(rotations.q, k * n + j) * factor);
        }
      }
    }
  }
}

}  // namespace talweg::TALWEG_ISA
