// How far a square matrix is from being symmetric, by tiles: one above the diagonal is transposed
// in registers and compared with its mirror image.
#include "simd/lane_sums.hpp"
#include "simd/lane_transposition.hpp"
#include "simd/matrix_eigen.hpp"

namespace talweg::TALWEG_ISA {
namespace {

// As numbers where both are; NaN is larger than anything.
TALWEG_INLINE Vector larger_modulus(Vector a, Vector b) {
  const Mask x = (Mask)bits(magnitude(a)), y = (Mask)bits(magnitude(b));
  return from_bits((Bits)(x > y ? x : y));
}

}  // namespace

void asymmetry(std::size_t n, const double* matrix, double* largest, double* difference) {
  Vector most{}, apart{};
  const std::size_t whole = n / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (std::size_t j = 0; j <= i; j += lanes) {
      Vector rows[lanes];
#pragma GCC unroll 8
      for (std::size_t k = 0; k < lanes; ++k) rows[k] = load(matrix + (j + k) * n + i);
      transpose(rows);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < lanes; ++k) {
        const Vector x = load(matrix + (i + k) * n + j);
        most = larger_modulus(most, larger_modulus(x, rows[k]));
        apart = larger_modulus(apart, x - rows[k]);
      }
    }
  }
  Vector rest{}, rest_apart{};
  for (std::size_t i = whole; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double x = matrix[i * n + j], y = matrix[j * n + i];
      rest = larger_modulus(rest, larger_modulus(fill(x), fill(y)));
      rest_apart = larger_modulus(rest_apart, fill(x - y));
    }
  }
  most = larger_modulus(most, rest);
  apart = larger_modulus(apart, rest_apart);
  double entry = most[0], gap = apart[0];
  for (std::size_t l = 1; l < lanes; ++l) {
    entry = most[l] <= entry ? entry : entry != entry ? entry : most[l];
    gap = apart[l] <= gap ? gap : gap != gap ? gap : apart[l];
  }
  *largest = entry;
  *difference = gap;
}

}  // namespace talweg::TALWEG_ISA
