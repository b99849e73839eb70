// The product of Householder reflectors applied to the rows of a matrix, four at a time.
//
// c_j = t_j (u_j' z - sum over i < j of (u_j' u_i) c_i) are the factors with which
// H_3 H_2 H_1 H_0 z = z - sum of c_j u_j: all products with z come first and in one pass, the
// corrections need only the products of the reflectors with each other.
#include "simd/lane_sums.hpp"
#include "simd/matrix_eigen.hpp"

namespace talweg::TALWEG_ISA {
namespace {

constexpr std::size_t block = 4;
constexpr int widest = lanes == 8 ? 4 : 2;  // vectors of columns in registers

// Below the diagonal the products u_j' u_i, on it the factors.
struct Block {
  double products[block][block];
};

template <int count>
void describe(std::size_t first, std::size_t row, const double* reflectors, const double* factors,
              Block& out) {
  for (int j = 0; j < count; ++j) {
    out.products[j][j] = factors[first + j];
    for (int i = 0; i < j; ++i) {
      const double* x = reflectors + (first + j) * row;
      const double* y = reflectors + (first + i) * row;
      Vector sum{};
      for (std::size_t k = 0; k < first + i; k += lanes)
        sum = multiply_add(load(x + k), load(y + k), sum);
      out.products[j][i] = sum_of_lanes(sum);
    }
  }
}

template <int count, int width>
void apply(std::size_t first, std::size_t row, const double* reflectors, const Block& products,
           double* columns) {
  const std::size_t rows = first + count - 1;
  const double* u = reflectors + first * row;
  Vector c[count][width];
#pragma GCC unroll 4
  for (int j = 0; j < count; ++j)
#pragma GCC unroll 4
    for (int b = 0; b < width; ++b) c[j][b] = Vector{};
  const double* z = columns;
#pragma GCC unroll 1
  for (std::size_t k = 0; k < rows; ++k, z += row) {
    Vector x[width];
#pragma GCC unroll 4
    for (int b = 0; b < width; ++b) x[b] = load(z + b * lanes);
#pragma GCC unroll 4
    for (int j = 0; j < count; ++j) {
      const Vector uj = fill(u[j * row + k]);
#pragma GCC unroll 4
      for (int b = 0; b < width; ++b) c[j][b] = multiply_add(uj, x[b], c[j][b]);
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < count; ++j) {
#pragma GCC unroll 4
    for (int i = 0; i < j; ++i) {
      const Vector product = fill(products.products[j][i]);
#pragma GCC unroll 4
      for (int b = 0; b < width; ++b) c[j][b] = negated_multiply_add(product, c[i][b], c[j][b]);
    }
    const Vector factor = fill(products.products[j][j]);
#pragma GCC unroll 4
    for (int b = 0; b < width; ++b) c[j][b] = c[j][b] * factor;
  }
  double* to = columns;
#pragma GCC unroll 1
  for (std::size_t k = 0; k < rows; ++k, to += row) {
    Vector x[width];
#pragma GCC unroll 4
    for (int b = 0; b < width; ++b) x[b] = load(to + b * lanes);
#pragma GCC unroll 4
    for (int j = 0; j < count; ++j) {
      const Vector uj = fill(u[j * row + k]);
#pragma GCC unroll 4
      for (int b = 0; b < width; ++b) x[b] = negated_multiply_add(uj, c[j][b], x[b]);
    }
#pragma GCC unroll 4
    for (int b = 0; b < width; ++b) store(to + b * lanes, x[b]);
  }
}

template <int width>
void apply_all(std::size_t n, std::size_t row, const double* reflectors, const Block* blocks,
               double* columns) {
  std::size_t m = 2;
  switch ((n - 2) % block) {
    case 1:
      apply<1, width>(m, row, reflectors, *blocks++, columns);
      m += 1;
      break;
    case 2:
      apply<2, width>(m, row, reflectors, *blocks++, columns);
      m += 2;
      break;
    case 3:
      apply<3, width>(m, row, reflectors, *blocks++, columns);
      m += 3;
      break;
    default:
      break;
  }
  for (; m < n; m += block) apply<block, width>(m, row, reflectors, *blocks++, columns);
}

}  // namespace

void apply_reflectors(std::size_t n, const double* reflectors, const double* factors,
                      double* columns) {
  const std::size_t row = leading(n);
  Block blocks[largest_n / block + 1];
  Block* next = blocks;
  std::size_t m = 2;
  switch ((n - 2) % block) {
    case 1:
      describe<1>(m, row, reflectors, factors, *next++);
      m += 1;
      break;
    case 2:
      describe<2>(m, row, reflectors, factors, *next++);
      m += 2;
      break;
    case 3:
      describe<3>(m, row, reflectors, factors, *next++);
      m += 3;
      break;
    default:
      break;
  }
  for (; m < n; m += block) describe<block>(m, row, reflectors, factors, *next++);
  const std::size_t end = padded(n);
  std::size_t column = 0;
  for (; column + widest * lanes <= end; column += widest * lanes)
    apply_all<widest>(n, row, reflectors, blocks, columns + column);
  for (; column + 2 * lanes <= end; column += 2 * lanes)
    apply_all<2>(n, row, reflectors, blocks, columns + column);
  if (column < end) apply_all<1>(n, row, reflectors, blocks, columns + column);
}

}  // namespace talweg::TALWEG_ISA
