// Eigendecompositions of a group of symmetric matrices with 3 to 64 rows: reduction to tridiagonal
// form one or two at a time, values in lockstep, vectors one at a time by twisted factorisations
// where these are proven to be good enough, by QL where not.
#include "simd/matrix_eigen.hpp"

#include "simd/lane_sums.hpp"
#include "simd/lane_transposition.hpp"
#include "simd/spectrum.hpp"

namespace talweg::TALWEG_ISA {
namespace {

// Multiplication by 2^exponent, in two steps as one might not be representable.
struct Scale {
  double first, second;
};

double power_of_two(int exponent) {
  return __builtin_bit_cast(double, static_cast<std::uint64_t>(exponent + 1023) << 52);
}

Scale scale_by(int exponent) {
  const int half = exponent / 2;
  return {power_of_two(half), power_of_two(exponent - half)};
}

constexpr std::uint64_t infinity_bits = UINT64_C(0x7ff) << 52;

// The largest modulus as bits, whose order is that of the numbers with NaN above infinity; over the
// lower triangle.
std::uint64_t largest_bits(std::size_t n, const double* matrix) {
  Mask largest{}, other{};
  std::int64_t most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double* entries = matrix + i * n;
    std::size_t j = 0;
    for (; j + 2 * lanes <= i + 1; j += 2 * lanes) {
      const Mask next = (Mask)bits(magnitude(load(entries + j)));
      const Mask after = (Mask)bits(magnitude(load(entries + j + lanes)));
      largest = next > largest ? next : largest;
      other = after > other ? after : other;
    }
    for (; j + lanes <= i + 1; j += lanes) {
      const Mask next = (Mask)bits(magnitude(load(entries + j)));
      largest = next > largest ? next : largest;
    }
    for (; j <= i; ++j) {
      const std::int64_t next =
          __builtin_bit_cast(std::int64_t, entries[j]) & ~static_cast<std::int64_t>(sign_bit);
      most = next > most ? next : most;
    }
  }
  largest = other > largest ? other : largest;
  for (std::size_t l = 0; l < lanes; ++l) most = largest[l] > most ? largest[l] : most;
  return static_cast<std::uint64_t>(most);
}

// Scaled lower triangle, with whole tiles on the diagonal.
void copy_scaled(std::size_t n, const double* matrix, Scale scale, double* to) {
  const std::size_t row = leading(n), whole = n / lanes * lanes;
  const Vector first = fill(scale.first), second = fill(scale.second);
  for (std::size_t tile = 0; tile < whole; tile += lanes) {
    for (std::size_t i = tile; i < tile + lanes; ++i)
      for (std::size_t j = 0; j < tile; j += lanes)
        store(to + i * row + j, load(matrix + i * n + j) * first * second);
    Vector lower[lanes], upper[lanes];
#pragma GCC unroll 8
    for (std::size_t k = 0; k < lanes; ++k)
      lower[k] = upper[k] = load(matrix + (tile + k) * n + tile) * first * second;
    transpose(upper);
#pragma GCC unroll 8
    for (std::size_t k = 0; k < lanes; ++k)
      store(to + (tile + k) * row + tile,
            select(lane_numbers() <= fill(static_cast<double>(k)), lower[k], upper[k]));
  }
  // The last rows, where a vector would reach behind the matrix.
  for (std::size_t i = whole; i < padded(n); ++i) {
    double* out = to + i * row;
    for (std::size_t j = 0; j < padded(n); ++j)
      out[j] = i < n && j <= i ? matrix[i * n + j] * scale.first * scale.second : 0.0;
  }
  for (std::size_t i = whole; i < n; ++i)
    for (std::size_t j = whole; j < i; ++j) to[j * row + i] = to[i * row + j];
}

template <int width>
void find_signs(std::size_t n, std::size_t row, const double* columns, double* signs) {
  const Vector more = fill(1.0 + 1e-9);
  Vector largest[width], limit[width];
#pragma GCC unroll 4
  for (int b = 0; b < width; ++b) {
    largest[b] = load(columns + b * lanes);
    limit[b] = magnitude(largest[b]) * more;
  }
#pragma GCC unroll 1
  for (std::size_t i = 1; i < n; ++i) {
#pragma GCC unroll 4
    for (int b = 0; b < width; ++b) {
      const Vector x = load(columns + i * row + b * lanes);
      const Mask over = magnitude(x) > limit[b];
      largest[b] = select(over, x, largest[b]);
      limit[b] = select(over, magnitude(x) * more, limit[b]);
    }
  }
#pragma GCC unroll 4
  for (int b = 0; b < width; ++b)
    store(signs + b * lanes, from_bits((Bits)(largest[b] < Vector{}) & sign_bit));
}

// The vectors, of the sign that makes the component of largest modulus positive, the first one on
// ties to within rounding.
void write_vectors(std::size_t n, const double* columns, double* vectors) {
  const std::size_t row = leading(n);
  alignas(64) double signs[longest_row];
  std::size_t column = 0;
  for (; column + 4 * lanes <= padded(n); column += 4 * lanes)
    find_signs<4>(n, row, columns + column, signs + column);
  for (; column < n; column += lanes) find_signs<1>(n, row, columns + column, signs + column);
  // The end of a row's last vector is overwritten by the next row.
  for (std::size_t i = 0; i + 1 < n; ++i)
    for (std::size_t j = 0; j < n; j += lanes)
      store(vectors + i * n + j,
            from_bits(bits(load(columns + i * row + j)) ^ bits(load(signs + j))));
  const double* last = columns + (n - 1) * row;
  double* out = vectors + (n - 1) * n;
  for (std::size_t j = 0; j < n; ++j) out[j] = __builtin_signbit(signs[j]) ? -last[j] : last[j];
}

// Columns with margins, and a row of zeros behind.
std::size_t column_space(std::size_t n) { return 2 * column_margin + (n + 1) * leading(n); }

struct Workspace {
  double *work, *reflectors, *factors, *diagonal, *off, *lane_diagonal, *lane_off, *columns,
      *cleaned, *transposed, *records, *end;
};

Workspace divide(std::size_t n, double* scratch) {
  Workspace w;
  const auto take = [&](std::size_t size) {
    double* const part = scratch;
    scratch += (size + 7) / 8 * 8;
    return part;
  };
  const std::size_t row = leading(n);
  w.work = take(2 * padded(n) * row);
  w.reflectors = take(matrix_group * n * row);
  w.factors = take(matrix_group * n);
  w.diagonal = take(matrix_group * n);
  w.off = take(matrix_group * n);
  w.lane_diagonal = take(matrix_group * n);
  w.lane_off = take(matrix_group * n);
  w.columns = take(column_space(n)) + column_margin;
  w.cleaned = take(column_space(n)) + column_margin;
  w.transposed = take(ql_group * n * row);
  w.records = take(ql_group * rotation_record(n));
  w.end = scratch;
  return w;
}

struct Group {
  std::size_t n;
  Workspace workspace;
  double* values;
  double* vectors;
  Scale back[matrix_group];
  bool finite[matrix_group];

  void write_values(std::size_t q, const double* from, std::size_t stride) const {
    for (std::size_t i = 0; i < n; ++i)
      values[q * n + i] = from[i * stride] * back[q].first * back[q].second;
  }
  void finish_vectors(std::size_t q, double* columns) const {
    apply_reflectors(n, workspace.reflectors + q * n * leading(n), workspace.factors + q * n,
                     columns);
    write_vectors(n, columns, vectors + q * n * n);
  }
  void set_nan(std::size_t q) const {
    for (std::size_t i = 0; i < n; ++i) values[q * n + i] = __builtin_nan("");
    if (vectors == nullptr) return;
    for (std::size_t i = 0; i < n * n; ++i) vectors[q * n * n + i] = __builtin_nan("");
  }

  void reduce(std::size_t count, const double* matrices);
  bool by_twists(std::size_t q) const;
  void by_ql(std::size_t count, const std::size_t* which) const;
};

void Group::reduce(std::size_t count, const double* matrices) {
  const std::size_t row = leading(n);
  for (std::size_t q = 0; q < count; q += 2) {
    Reduction reductions[2];
    const std::size_t pair = count - q < 2 ? 1 : 2;
    for (std::size_t p = 0; p < pair; ++p) {
      const std::size_t k = q + p;
      const double* matrix = matrices + k * n * n;
      const std::uint64_t largest = largest_bits(n, matrix);
      finite[k] = largest < infinity_bits;
      int exponent = static_cast<int>(largest >> 52) - 1023;
      if (exponent == -1023 && largest != 0) exponent = 63 - __builtin_clzll(largest) - 1074;
      if (!finite[k] || largest == 0) exponent = 0;
      back[k] = scale_by(exponent);
      double* const work = workspace.work + p * padded(n) * row;
      if (finite[k]) {
        copy_scaled(n, matrix, scale_by(-exponent), work);
      } else {
        for (std::size_t i = 0; i < padded(n) * row; ++i) work[i] = 0.0;
      }
      reductions[p] = {work, workspace.reflectors + k * n * row, workspace.factors + k * n,
                       workspace.diagonal + k * n, workspace.off + k * n};
    }
    reduce_to_tridiagonal(n, pair, reductions);
  }
}

bool Group::by_twists(std::size_t q) const {
  alignas(64) double improved[longest_row];
  for (std::size_t i = 0; i < padded(n); ++i)
    improved[i] = workspace.lane_diagonal[(i < n ? i : n - 1) * matrix_group + q];
  const double* diagonal = workspace.diagonal + q * n;
  const double* off = workspace.off + q * n;
  if (values_too_close(n, improved)) return false;
  twisted_vectors(n, diagonal, off, improved, workspace.columns);
  double* vectors_of_tridiagonal =
      make_orthogonal(n, diagonal, off, improved, workspace.columns, workspace.cleaned);
  if (vectors_of_tridiagonal == nullptr) return false;
  write_values(q, improved, 1);
  finish_vectors(q, vectors_of_tridiagonal);
  return true;
}

void Group::by_ql(std::size_t count, const std::size_t* which) const {
  const std::size_t row = leading(n), stride = count > lanes ? ql_group : lanes;
  alignas(64) double diagonal[largest_n * ql_group], off[largest_n * ql_group];
  bool converged[ql_group];
  for (std::size_t l = 0; l < stride; ++l) {
    for (std::size_t i = 0; i < n; ++i) {
      diagonal[i * stride + l] = l < count ? workspace.diagonal[which[l] * n + i] : 0.0;
      off[i * stride + l] = l < count ? workspace.off[which[l] * n + i] : 0.0;
    }
  }
  tridiagonal_ql(n, count, diagonal, off, workspace.transposed, workspace.records, converged);
  for (std::size_t l = 0; l < count; ++l) {
    if (!converged[l]) {
      set_nan(which[l]);
      continue;
    }
    std::size_t order[largest_n];
    double sorted[largest_n];
    for (std::size_t i = 0; i < n; ++i) {
      const double value = diagonal[i * stride + l];
      std::size_t at = i;
      for (; at > 0 && sorted[at - 1] > value; --at) {
        sorted[at] = sorted[at - 1];
        order[at] = order[at - 1];
      }
      sorted[at] = value;
      order[at] = i;
    }
    write_values(which[l], sorted, 1);
    if (vectors == nullptr) continue;
    const double* vectors_by_rows = workspace.transposed + l * n * row;
    for (std::size_t j = 0; j < padded(n); j += lanes) {
      for (std::size_t i = 0; i < n; i += lanes) {
        Vector tile[lanes];
        for (std::size_t k = 0; k < lanes; ++k)
          tile[k] = j + k < n ? load(vectors_by_rows + order[j + k] * row + i) : Vector{};
        transpose(tile);
        for (std::size_t k = 0; k < lanes && i + k < n; ++k)
          store(workspace.cleaned + (i + k) * row + j, tile[k]);
      }
    }
    finish_vectors(which[l], workspace.cleaned);
  }
}

}  // namespace

std::size_t matrix_eigen_scratch(std::size_t n) {
  double start[1];
  return static_cast<std::size_t>(divide(n, start).end - start);
}

void matrix_eigen(std::size_t n, std::size_t count, const double* matrices, double* values,
                  double* vectors, double* scratch) {
  Group group{n, divide(n, scratch), values, vectors, {}, {}};
  const Workspace& workspace = group.workspace;
  for (std::size_t i = 0; i < column_space(n); ++i) {
    workspace.columns[static_cast<long>(i) - static_cast<long>(column_margin)] = 0.0;
    workspace.cleaned[static_cast<long>(i) - static_cast<long>(column_margin)] = 0.0;
  }
  group.reduce(count, matrices);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t q = 0; q < matrix_group; ++q) {
      workspace.lane_diagonal[i * matrix_group + q] =
          q < count ? workspace.diagonal[q * n + i] : 0.0;
      workspace.lane_off[i * matrix_group + q] = q < count ? workspace.off[q * n + i] : 0.0;
    }
  }
  bool converged[matrix_group];
  tridiagonal_values(n, workspace.lane_diagonal, workspace.lane_off, converged);
  std::size_t hard[ql_group], waiting = 0;
  for (std::size_t q = 0; q < count; ++q) {
    if (!group.finite[q]) {
      group.set_nan(q);
      continue;
    }
    if (converged[q]) {
      if (vectors == nullptr) {
        group.write_values(q, workspace.lane_diagonal + q, matrix_group);
        continue;
      }
      if (group.by_twists(q)) continue;
    }
    hard[waiting++] = q;
    if (waiting < ql_group) continue;
    group.by_ql(waiting, hard);
    waiting = 0;
  }
  if (waiting > 0) group.by_ql(waiting, hard);
}

}  // namespace talweg::TALWEG_ISA
