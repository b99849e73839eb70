// Eigenvalues and eigenvectors of symmetric matrices up to 16 x 16, one in each lane.
#include <cstddef>

#include "simd/lane_eigen_two.hpp"
#include "simd/lane_ql.hpp"
#include "simd/lane_tridiagonal.hpp"
#include "simd/spectrum.hpp"
#include "simd/spectrum_functions.hpp"

namespace talweg::TALWEG_ISA {

namespace {

constexpr int limit = static_cast<int>(lane_eigen_limit);

// Squares of norms for which no square, of an entry or of a product of two, is lost or overflows.
constexpr double least_safe_square = 0x1p-400, largest_safe_square = 0x1p400;

// Powers of two as vectors, from the exponent field.
TALWEG_INLINE Vector power_of_field(Bits field) { return from_bits(field << 52); }

// Rooms of one solution for `width` vectors of matrices, in vectors of width * vector_lanes.
template <int width>
struct Rooms {
  static constexpr int stride = width * vector_lanes;
  double *a, *q, *diagonal, *off, *inverse_h, *weights, *alpha[2], *beta[2], *square,
      *inverse_square, *scale;

  Rooms(int n, double* scratch) {
    double* next = scratch;
    const auto take = [&next](int vectors) {
      double* room = next;
      next += vectors * stride;
      return room;
    };
    a = take(row_start(n));
    q = take(n * n);
    diagonal = take(n), off = take(n), inverse_h = take(n), weights = take(n);
    square = take(n), inverse_square = take(n);
    for (int k = 0; k < 2; ++k) alpha[k] = take(n), beta[k] = take(n);
    scale = take(1);
  }
  static std::size_t size(int n) { return (row_start(n) + n * n + 10 * n + 1) * stride; }
};

// Tridiagonal form with norms between 1 and 2, and what to multiply eigenvalues by afterwards (NaN
// where an entry is not finite). False in lanes whose norm was out of the safe range.
template <int order, int width>
static Mask reduce(int n, const double* packed, std::size_t stride, const double* scales,
                   const Rooms<width>& rooms, int part, bool vectors) {
  constexpr int own = Rooms<width>::stride;
  const int offset = part * vector_lanes;
  double* a = rooms.a + offset;
  if (scales == nullptr) {
    for (int k = 0; k < row_start(n); ++k) store(a + k * own, load(packed + k * stride + offset));
  } else {
    const Vector scale = load(scales + offset);
    for (int k = 0; k < row_start(n); ++k)
      store(a + k * own, load(packed + k * stride + offset) * scale);
  }
  double *diagonal = rooms.diagonal + offset, *off = rooms.off + offset;
  tridiagonalise<order>(n, a, diagonal, off, rooms.inverse_h + offset, rooms.weights + offset, own);
  Vector sum{}, sum_off{};
  for (int i = 0; i < n; ++i) {
    const Vector d = load(diagonal + i * own), e = load(off + i * own);
    sum = multiply_add(d, d, sum);
    sum_off = multiply_add(e, e, sum_off);
  }
  sum = sum + 2.0 * sum_off;
  const Mask safe = (sum > fill(least_safe_square)) & (sum < fill(largest_safe_square));
  const Bits field = ((bits(sum) >> 52) + 1) >> 1;
  const Vector down = power_of_field(1535 - field);
  const Vector up = power_of_field(511 + field);
  for (int i = 0; i < n; ++i) {
    const Vector e = load(off + i * own) * down;
    store(diagonal + i * own, load(diagonal + i * own) * down);
    store(off + i * own, vectors ? with_sign(e * e, e) : e * e);
  }
  store(rooms.scale + offset, up + (sum - sum));
  return safe;
}

// Powers of two that bring the largest entry of each matrix to between 1 and 2; 1 for those that
// are safe, as what comes out of a lane must not depend on its neighbours.
static void find_scales(int n, const double* packed, std::size_t stride, int part, Mask safe,
                        double* scales) {
  Vector largest{};
  for (int k = 0; k < row_start(n); ++k)
    largest = larger(largest, magnitude(load(packed + k * stride + part * vector_lanes)));
  Bits field = 2046 - (bits(largest) >> 52);
  field = (Bits)select((Mask)(field == 0), from_bits(Bits{} + 1), from_bits(field));
  store(scales + part * vector_lanes, select(safe, fill(1.0), power_of_field(field)));
}

// The first component that none after it exceeds by more than rounding is made positive.
constexpr double tie = 1.0 + 1e-9;

template <int order, int width>
static void solve(int runtime_order, const double* packed, std::size_t stride, double* values,
                  double* vectors, std::size_t out_stride, double* scratch) {
  using Lanes = Pack<width>;
  const int n = order > 0 ? order : runtime_order;
  const Rooms<width> rooms(n, scratch);
  constexpr int own = Rooms<width>::stride;
  Mask safe[width], all_safe = ~Mask{};
  for (int w = 0; w < width; ++w) {
    safe[w] = reduce<order>(n, packed, stride, nullptr, rooms, w, vectors != nullptr);
    all_safe &= safe[w];
  }
  alignas(64) double scales[own];
  const bool scaled = any(~all_safe);
  if (scaled) {
    for (int w = 0; w < width; ++w) {
      find_scales(n, packed, stride, w, safe[w], scales);
      reduce<order>(n, packed, stride, scales, rooms, w, vectors != nullptr);
    }
  }
  const auto get = [](const double* from, int i) { return load_pack<width>(from + i * own); };
  if (vectors != nullptr) {
    for (int w = 0; w < width; ++w) {
      const int offset = w * vector_lanes;
      accumulate_reflectors<order>(n, rooms.a + offset, rooms.inverse_h + offset, rooms.q + offset,
                                   own);
    }
    for (int i = 0; i < n; ++i) {
      store(rooms.square + i * own, pack<width>(1.0));
      store(rooms.inverse_square + i * own, pack<width>(1.0));
    }
    implicit_ql<width>(n, rooms.diagonal, rooms.off,
                       Columns{rooms.q,
                               rooms.square,
                               rooms.inverse_square,
                               {rooms.alpha[0], rooms.alpha[1]},
                               {rooms.beta[0], rooms.beta[1]}});
  } else {
    implicit_ql<width>(n, rooms.diagonal, rooms.off, NoVectors{});
  }
  // ranks
  for (int i = 0; i < n; ++i) {
    Lanes value = get(rooms.diagonal, i) * get(rooms.scale, 0);
    if (scaled) value = value / load_pack<width>(scales);
    store(rooms.diagonal + i * own, value);
  }
  int rank[limit][own];
  for (int l = 0; l < own; ++l) {
    for (int i = 0; i < n; ++i) {
      int r = 0;
      for (int j = 0; j < n; ++j) {
        const double a = rooms.diagonal[j * own + l], b = rooms.diagonal[i * own + l];
        r += a < b || (j < i && !(b < a));
      }
      rank[i][l] = r;
      values[r * out_stride + l] = rooms.diagonal[i * own + l];
    }
  }
  if (vectors == nullptr) return;
  for (int j = 0; j < n; ++j) {
    Lanes best = get(rooms.q, j);
    Lanes threshold = magnitude(best) * pack<width>(tie);
    for (int k = 1; k < n; ++k) {
      const Lanes x = get(rooms.q, k * n + j);
      const Lanes size = magnitude(x);
      const PackMask<width> more = greater(size, threshold);
      best = select(more, x, best);
      threshold = select(more, size * pack<width>(tie), threshold);
    }
    Lanes factor = with_sign(square_root(get(rooms.square, j)), best);
    const Lanes scale = get(rooms.scale, 0);
    factor = factor + (scale - scale);
    for (int k = 0; k < n; ++k)
      store(rooms.q + (k * n + j) * own,
            multiply_add(get(rooms.q, k * n + j), factor, pack<width>(0.0)));
  }
  for (int l = 0; l < own; ++l)
    for (int k = 0; k < n; ++k)
      for (int j = 0; j < n; ++j)
        vectors[(k * n + rank[j][l]) * out_stride + l] = rooms.q[(k * n + j) * own + l];
}

#ifndef TALWEG_LANE_WIDTH
#define TALWEG_LANE_WIDTH 2
#endif

template <int order, int width>
static void solve_group(int n, const double* packed, std::size_t stride, double* values,
                        double* vectors, double* scratch) {
  for (std::size_t lane = 0; lane < lane_group; lane += width * vector_lanes)
    solve<order, width>(n, packed + lane, stride, values + lane,
                        vectors == nullptr ? nullptr : vectors + lane, lane_group, scratch);
}

}  // namespace

void lane_eigen(std::size_t n, const double* packed, std::size_t stride, double* values,
                double* vectors, double* scratch) {
  const int order = static_cast<int>(n);
  switch (order) {
    case 4:
      return solve_group<4, TALWEG_LANE_WIDTH>(order, packed, stride, values, vectors, scratch);
    case 8:
      return solve_group<8, TALWEG_LANE_WIDTH>(order, packed, stride, values, vectors, scratch);
    case 16:
      return solve_group<16, TALWEG_LANE_WIDTH>(order, packed, stride, values, vectors, scratch);
    case 2:
      return eigen_of_two(packed, stride, lane_group, values, vectors, lane_group);
    case 1:
      for (std::size_t l = 0; l < lane_group; ++l) {
        const double finite = packed[l] - packed[l];
        values[l] = packed[l] + finite;
        if (vectors != nullptr) vectors[l] = 1.0 + finite;
      }
      return;
    default:
      return solve_group<0, TALWEG_LANE_WIDTH>(order, packed, stride, values, vectors, scratch);
  }
}

std::size_t lane_eigen_scratch(std::size_t n) {
  return Rooms<TALWEG_LANE_WIDTH>::size(static_cast<int>(n));
}

}  // namespace talweg::TALWEG_ISA
