// Eigenvalues and eigenvectors of symmetric matrices up to 16 x 16, one in each lane.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd/lane_eigen_three.hpp"
#include "simd/lane_eigen_two.hpp"
#include "simd/lane_ql.hpp"
#include "simd/lane_scale.hpp"
#include "simd/lane_tridiagonal.hpp"
#include "simd/spectrum.hpp"
#include "simd/spectrum_functions.hpp"

namespace talweg::TALWEG_ISA {

namespace {

constexpr int limit = static_cast<int>(lane_eigen_limit);

// Squares of norms for which no square, of an entry or of a product of two, is lost or overflows.
constexpr double least_safe_square = 0x1p-400, largest_safe_square = 0x1p400;

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
  tridiagonalise<order, own>(n, a, diagonal, off, rooms.inverse_h + offset, rooms.weights + offset);
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
  store(scales + part * vector_lanes, select(safe, fill(1.0), power_to_one(largest)));
}

// rank[i * stride]: how many numbers come before number i in ascending order.
template <int order, int stride>
static void find_ranks(int runtime_order, const double* numbers, std::int64_t* rank) {
  const int n = order > 0 ? order : runtime_order;
  typedef std::int64_t LooseMask
      __attribute__((vector_size(TALWEG_VECTOR_BYTES), aligned(8), may_alias));
  const auto at = [&](int i) { return reinterpret_cast<LooseMask*>(rank + i * stride); };
  for (int i = 0; i < n; ++i) {
    const Vector number = load(numbers + i * stride);
    Mask before = Mask{} + i;
    for (int j = 0; j < i; ++j) {
      // All bits are minus one.
      const Mask above = load(numbers + j * stride) > number;
      before += above;
      *at(j) -= above;
    }
    *at(i) = before;
  }
}

// Row-major n x n at `to`: entry (k, j) of q, at q[(k * n + j) * stride], in column rank[j *
// stride]. order: 0 or a multiple of 4.
template <int order, int stride>
static void store_permuted(int runtime_order, const double* q, const std::int64_t* rank,
                           double* to) {
  const int n = order > 0 ? order : runtime_order;
  std::int64_t from[limit + 3];
  for (int j = 0; j < n; ++j) from[rank[j * stride]] = j * stride;
  int j = 0;
  for (; j + 4 <= n; j += 4) {
    const double *q0 = q + from[j], *q1 = q + from[j + 1];
    const double *q2 = q + from[j + 2], *q3 = q + from[j + 3];
    for (int k = 0; k < n; ++k) {
      const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(k) * n * stride;
      const double four[4] = {q0[row], q1[row], q2[row], q3[row]};
      std::memcpy(to + k * n + j, four, sizeof(four));
    }
  }
  if constexpr (order == 0) {
    for (; j < n; ++j)
      for (int k = 0; k < n; ++k) to[k * n + j] = q[from[j] + k * n * stride];
  }
}

// The first component that none after it exceeds by more than rounding is made positive.
constexpr double tie = 1.0 + 1e-9;

template <int order, int width, bool wanted>
static void solve(int runtime_order, const double* packed, std::size_t stride, double* values,
                  double* vectors, double* scratch) {
  using Lanes = Pack<width>;
  const int n = order > 0 ? order : runtime_order;
  const Rooms<width> rooms(n, scratch);
  constexpr int own = Rooms<width>::stride;
  Mask safe[width], all_safe = ~Mask{};
  for (int w = 0; w < width; ++w) {
    safe[w] = reduce<order>(n, packed, stride, nullptr, rooms, w, wanted);
    all_safe &= safe[w];
  }
  alignas(64) double scales[own];
  const bool scaled = any(~all_safe);
  if (scaled) {
    for (int w = 0; w < width; ++w) {
      find_scales(n, packed, stride, w, safe[w], scales);
      reduce<order>(n, packed, stride, scales, rooms, w, wanted);
    }
  }
  const auto get = [](const double* from, int i) { return load_pack<width>(from + i * own); };
  if constexpr (wanted) {
    for (int w = 0; w < width; ++w) {
      const int offset = w * vector_lanes;
      accumulate_reflectors<order, own>(n, rooms.a + offset, rooms.inverse_h + offset,
                                        rooms.q + offset);
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
  for (int i = 0; i < n; ++i) {
    Lanes value = get(rooms.diagonal, i) * get(rooms.scale, 0);
    if (scaled) value = value / load_pack<width>(scales);
    store(rooms.diagonal + i * own, value);
  }
  alignas(64) std::int64_t rank[limit * own];
  for (int w = 0; w < width; ++w)
    find_ranks<order, own>(n, rooms.diagonal + w * vector_lanes, rank + w * vector_lanes);
  for (int l = 0; l < own; ++l)
    for (int i = 0; i < n; ++i) values[l * n + rank[i * own + l]] = rooms.diagonal[i * own + l];
  if constexpr (!wanted) return;
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
    store_permuted<order, own>(n, rooms.q + l, rank + l, vectors + l * n * n);
}

// Vectors of matrices taken together, to hide the latency of divisions: rotating the vectors of
// more than a few rows does that by itself, and needs the cache.
constexpr int width_of_values = 4;
constexpr int width_with_vectors(int order) { return order == 4 ? 4 : 2; }

template <int order>
static void solve_group(int n, const double* packed, std::size_t stride, double* values,
                        double* vectors, double* scratch) {
  const auto all = [&]<int width, bool wanted>() {
    for (std::size_t lane = 0; lane < lane_group; lane += width * vector_lanes)
      solve<order, width, wanted>(n, packed + lane, stride, values + lane * n,
                                  wanted ? vectors + lane * n * n : nullptr, scratch);
  };
  if (vectors == nullptr)
    all.template operator()<width_of_values, false>();
  else
    all.template operator()<width_with_vectors(order), true>();
}

template <bool wanted>
static void group_of_two(const double* packed, std::size_t stride, double* values,
                         double* vectors) {
  for (std::size_t lane = 0; lane < lane_group; lane += vector_lanes)
    eigen_of_two<wanted>(packed + lane, stride, values + 2 * lane,
                         wanted ? vectors + 4 * lane : nullptr);
}

template <bool wanted>
static void group_of_three(const double* packed, std::size_t stride, double* values,
                           double* vectors) {
  constexpr int width = 2;
  for (std::size_t lane = 0; lane < lane_group; lane += width * vector_lanes)
    eigen_of_three<wanted, width>(packed + lane, stride, values + 3 * lane,
                                  wanted ? vectors + 9 * lane : nullptr);
}

// All lanes of the group.
static void whole_group(std::size_t n, const double* packed, std::size_t stride, double* values,
                        double* vectors, double* scratch) {
  const int order = static_cast<int>(n);
  switch (order) {
    case 1:
      for (std::size_t l = 0; l < lane_group; ++l) {
        const double finite = packed[l] - packed[l];
        values[l] = packed[l] + finite;
        if (vectors != nullptr) vectors[l] = 1.0 + finite;
      }
      return;
    case 2:
      return vectors == nullptr ? group_of_two<false>(packed, stride, values, vectors)
                                : group_of_two<true>(packed, stride, values, vectors);
    case 3:
      return vectors == nullptr ? group_of_three<false>(packed, stride, values, vectors)
                                : group_of_three<true>(packed, stride, values, vectors);
    case 4:
      return solve_group<4>(order, packed, stride, values, vectors, scratch);
    case 8:
      return solve_group<8>(order, packed, stride, values, vectors, scratch);
    case 16:
      return solve_group<16>(order, packed, stride, values, vectors, scratch);
    default:
      return solve_group<0>(order, packed, stride, values, vectors, scratch);
  }
}

}  // namespace

void lane_eigen(std::size_t n, const double* packed, std::size_t stride, std::size_t lanes,
                double* values, double* vectors, double* scratch) {
  if (lanes == lane_group) return whole_group(n, packed, stride, values, vectors, scratch);
  double* const own_values = scratch;
  double* const own_vectors = own_values + n * lane_group;
  whole_group(n, packed, stride, own_values, vectors == nullptr ? nullptr : own_vectors,
              own_vectors + n * n * lane_group);
  std::memcpy(values, own_values, lanes * n * sizeof(double));
  if (vectors != nullptr) std::memcpy(vectors, own_vectors, lanes * n * n * sizeof(double));
}

std::size_t lane_eigen_scratch(std::size_t n) {
  const std::size_t results = (n + n * n) * lane_group;
  return n <= 3 ? results : results + Rooms<width_of_values>::size(static_cast<int>(n));
}

}  // namespace talweg::TALWEG_ISA
