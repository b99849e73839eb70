// Householder reduction of a symmetric matrix to tridiagonal form, and its reflectors applied to
// eigenvectors.
//
// Rows leave from the last one up, so that the active block starts at column 0 and the lower
// triangle is read along its rows. The update A -= v w' + w v' of one reflector waits for the next
// one and is done in the same pass as the product A u that this needs: each entry of the triangle
// is read and written once for four multiply-adds.
#include <cmath>

#include "simd/lane_sums.hpp"
#include "simd/matrix_eigen.hpp"

namespace talweg::TALWEG_ISA {
namespace {

// Rows in registers at a time: each takes three factors and a sum.
constexpr std::size_t rows_at_once = lanes == 8 ? 4 : 2;

// Below this a sum of squares may have lost digits to underflow. Entries whose squares are smaller
// are zero beside a matrix whose largest entry is about 1.
constexpr double negligible_square = 1e-280;

// Lanes of the vector that starts at `first` whose index is below `end`.
TALWEG_INLINE Mask below(std::size_t first, std::size_t end) {
  return lane_numbers() < fill(static_cast<double>(end) - static_cast<double>(first));
}

// A -= v w' + w v' and product = A u on the leading m x m block, for the lower triangle of A by
// tiles: tiles on the diagonal are kept whole. Behind m, u is zero and product is rubbish.
void update_and_multiply(std::size_t m, std::size_t row, double* a, const double* v,
                         const double* w, const double* u, double* product) {
  for (std::size_t tile = 0; tile < m; tile += lanes) {
    Vector across[lanes];  // sums along the rows of the tile, left of the diagonal
    for (std::size_t i = 0; i < lanes; ++i) across[i] = Vector{};
    Vector down{};
    const Vector v_tile = load(v + tile), w_tile = load(w + tile);
#pragma GCC unroll 4
    for (std::size_t start = 0; start < lanes; start += rows_at_once) {
      if (tile + start >= m) break;
      double* rows = a + (tile + start) * row;
      Vector vi[rows_at_once], wi[rows_at_once], ui[rows_at_once], sums[rows_at_once];
#pragma GCC unroll 4
      for (std::size_t i = 0; i < rows_at_once; ++i) {
        vi[i] = fill(v[tile + start + i]);
        wi[i] = fill(w[tile + start + i]);
        ui[i] = fill(u[tile + start + i]);
        sums[i] = Vector{};
      }
#pragma GCC unroll 1
      for (std::size_t k = 0; k < tile; k += lanes) {
        const Vector vk = load(v + k), wk = load(w + k), uk = load(u + k);
        Vector y = load(product + k);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < rows_at_once; ++i) {
          double* entry = rows + i * row + k;
          Vector x = load(entry);
          x = negated_multiply_add(vi[i], wk, x);
          x = negated_multiply_add(wi[i], vk, x);
          store(entry, x);
          y = multiply_add(x, ui[i], y);
          sums[i] = multiply_add(x, uk, sums[i]);
        }
        store(product + k, y);
      }
#pragma GCC unroll 4
      for (std::size_t i = 0; i < rows_at_once; ++i) {
        double* entry = rows + i * row + tile;
        Vector x = load(entry);
        x = negated_multiply_add(vi[i], w_tile, x);
        x = negated_multiply_add(wi[i], v_tile, x);
        store(entry, x);
        down = multiply_add(x, ui[i], down);
        across[start + i] = sums[i];
      }
    }
    store(product + tile, down + sums_of_lanes(across));
  }
}

TALWEG_INLINE Vector dot(const double* x, const double* y, std::size_t end) {
  Vector first{}, second{};
  std::size_t k = 0;
  for (; k + lanes < end; k += 2 * lanes) {
    first = multiply_add(load(x + k), load(y + k), first);
    second = multiply_add(load(x + k + lanes), load(y + k + lanes), second);
  }
  if (k < end) first = multiply_add(load(x + k), load(y + k), first);
  return first + second;
}

template <int count>
void reduce(std::size_t n, const Reduction* reductions) {
  const std::size_t row = leading(n);
  // v and w of the update that waits, the reflector u, and A u.
  alignas(64) double buffers[count][4][longest_row];
  double *v[count], *w[count], *u[count], *product[count];
  for (int q = 0; q < count; ++q) {
    for (auto& buffer : buffers[q])
      for (double& entry : buffer) entry = 0.0;
    v[q] = buffers[q][0];
    w[q] = buffers[q][1];
    u[q] = buffers[q][2];
    product[q] = buffers[q][3];
    reductions[q].off[n - 1] = 0.0;
  }
  for (std::size_t m = n; m-- > 0;) {
    const std::size_t last = m == 0 ? 0 : (m - 1) / lanes * lanes;  // the vector with entry m - 1
    Vector squares[count];
    for (int q = 0; q < count; ++q) {
      double* a = reductions[q].matrix + m * row;
      const Vector vm = fill(v[q][m]), wm = fill(w[q][m]);
      Vector first{}, second{};
      for (std::size_t k = 0; k <= m; k += lanes) {
        Vector x = load(a + k);
        x = negated_multiply_add(vm, load(w[q] + k), x);
        x = negated_multiply_add(wm, load(v[q] + k), x);
        store(a + k, x);
        if (k < last) {
          first = multiply_add(x, x, first);
        } else if (k == last) {
          const Vector tail = select(below(k + 1, m), x, Vector{});
          second = tail * tail;
        }
      }
      squares[q] = first + second;
    }
    for (int q = 0; q < count; ++q) {
      const Reduction& r = reductions[q];
      const double* a = r.matrix + m * row;
      r.diagonal[m] = a[m];
      if (m == 0) continue;
      if (m == 1) {
        r.off[0] = a[0];
        continue;
      }
      const double head = a[m - 1];
      const double tail = sum_of_lanes(squares[q]);
      double scale = 0.0, factor = 0.0, off = head;
      const bool reflects = tail > negligible_square;
      if (reflects) {
        off = -std::copysign(__builtin_sqrt(tail + head * head), head);
        scale = 1.0 / (head - off);
        factor = (off - head) / off;
      }
      r.off[m - 1] = off;
      r.factors[m] = factor;
      double* reflector = r.reflectors + m * row;
      const Vector scales = fill(scale);
      for (std::size_t k = 0; k < last; k += lanes) {
        const Vector x = load(a + k) * scales;
        store(u[q] + k, x);
        store(reflector + k, x);
      }
      const Vector x = load(a + last) * scales;
      const Vector end =
          select(below(last + 1, m), x, select(below(last, m), fill(reflects), Vector{}));
      store(u[q] + last, end);
      store(reflector + last, end);
      for (std::size_t k = last + lanes; k < last + lanes + margin; k += lanes)
        store(reflector + k, Vector{});
    }
    if (m < 2) continue;
    for (int q = 0; q < count; ++q)
      update_and_multiply(m, row, reductions[q].matrix, v[q], w[q], u[q], product[q]);
    Vector dots[count];
    for (int q = 0; q < count; ++q) dots[q] = dot(u[q], product[q], m);
    for (int q = 0; q < count; ++q) {
      const double factor = reductions[q].factors[m];
      const Vector scales = fill(factor);
      const Vector shift = fill(-0.5 * factor * factor * sum_of_lanes(dots[q]));
      for (std::size_t k = 0; k < last; k += lanes)
        store(w[q] + k, multiply_add(load(product[q] + k), scales, shift * load(u[q] + k)));
      store(w[q] + last,
            select(below(last, m),
                   multiply_add(load(product[q] + last), scales, shift * load(u[q] + last)),
                   Vector{}));
      double* const spare = v[q];
      v[q] = u[q];
      u[q] = spare;
    }
  }
}

}  // namespace

void reduce_to_tridiagonal(std::size_t n, std::size_t matrices, const Reduction* reductions) {
  if (matrices == 2) {
    reduce<2>(n, reductions);
  } else {
    reduce<1>(n, reductions);
  }
}

}  // namespace talweg::TALWEG_ISA
