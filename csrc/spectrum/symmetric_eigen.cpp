#include "spectrum/symmetric_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace talweg {
namespace {

// Reduces the matrix to tridiagonal form: diagonal and off-diagonal (off[0] unused). With vectors
// the accumulated orthogonal matrix replaces the input.
void tridiagonalise(std::size_t n, double* a, double* diagonal, double* off, bool vectors) {
  for (std::size_t i = n - 1; i >= 1; --i) {
    double* row = a + i * n;
    double h = 0.0;
    if (i > 1) {
      double largest = 0.0;
      for (std::size_t k = 0; k < i; ++k) largest = std::max(largest, std::fabs(row[k]));
      double tail = 0.0;
      for (std::size_t k = 0; k + 1 < i; ++k) tail = std::max(tail, std::fabs(row[k]));
      if (tail == 0.0) {
        off[i] = row[i - 1];
      } else {
        // A power of two, so that scaling is exact.
        const double scale = std::exp2(std::ilogb(largest));
        for (std::size_t k = 0; k < i; ++k) {
          row[k] /= scale;
          h += row[k] * row[k];
        }
        const double f = row[i - 1];
        const double g = f >= 0.0 ? -std::sqrt(h) : std::sqrt(h);
        off[i] = scale * g;
        h -= f * g;
        row[i - 1] = f - g;
        // p = A u / h in off[0 .. i), then A -= u q' + q u' with q = p - (u.p / 2h) u.
        for (std::size_t j = 0; j < i; ++j) diagonal[j] = 0.0;
        for (std::size_t j = 0; j < i; ++j) {
          const double uj = row[j];
          double sum = a[j * n + j] * uj;
          const double* rowj = a + j * n;
          for (std::size_t k = 0; k < j; ++k) {
            sum += rowj[k] * row[k];
            diagonal[k] += rowj[k] * uj;
          }
          diagonal[j] += sum;
        }
        double up = 0.0;
        for (std::size_t j = 0; j < i; ++j) {
          diagonal[j] /= h;
          up += row[j] * diagonal[j];
        }
        const double half = up / (h + h);
        for (std::size_t j = 0; j < i; ++j) diagonal[j] -= half * row[j];
        for (std::size_t j = 0; j < i; ++j) {
          const double uj = row[j], qj = diagonal[j];
          double* rowj = a + j * n;
          for (std::size_t k = 0; k <= j; ++k) rowj[k] -= uj * diagonal[k] + qj * row[k];
        }
      }
    } else {
      off[i] = row[0];
    }
    // The reflector stays in row i; its h is kept in the unused upper part for the accumulation.
    if (vectors) a[(i - 1) * n + i] = h;
    diagonal[i] = 0.0;
    diagonal[i] = row[i];
  }
  diagonal[0] = a[0];
  if (!vectors) {
    for (std::size_t i = 0; i < n; ++i) diagonal[i] = a[i * n + i];
    return;
  }
  for (std::size_t i = 0; i < n; ++i) diagonal[i] = a[i * n + i];
  std::vector<double> reflector(n), weights(n);
  std::vector<double> q(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) q[i * n + i] = 1.0;
  // Q = P_{n-1} ... P_2 applied from the smallest reflector up keeps the work to the leading block.
  for (std::size_t i = 2; i < n; ++i) {
    const double h = a[(i - 1) * n + i];
    if (h == 0.0) continue;
    for (std::size_t k = 0; k < i; ++k) reflector[k] = a[i * n + k];
    for (std::size_t j = 0; j < i; ++j) weights[j] = 0.0;
    for (std::size_t k = 0; k < i; ++k) {
      for (std::size_t j = 0; j < i; ++j) weights[j] += reflector[k] * q[k * n + j];
    }
    for (std::size_t k = 0; k < i; ++k) {
      const double factor = reflector[k] / h;
      for (std::size_t j = 0; j < i; ++j) q[k * n + j] -= factor * weights[j];
    }
  }
  std::copy(q.begin(), q.end(), a);
}

// Eigenvectors are the rows of z, so that rotations run along them.
bool implicit_ql(std::size_t n, double* d, double* e, double* z, bool vectors) {
  for (std::size_t i = 1; i < n; ++i) e[i - 1] = e[i];
  e[n - 1] = 0.0;
  // std::hypot is slow; squares are safe unless the whole matrix is out of their range.
  double largest = 0.0;
  for (std::size_t i = 0; i < n; ++i)
    largest = std::max({largest, std::fabs(d[i]), std::fabs(e[i])});
  const bool squares = largest > 1e-100 && largest < 1e100;
  const auto length = [squares](double x, double y) {
    return squares ? std::sqrt(x * x + y * y) : std::hypot(x, y);
  };
  for (std::size_t l = 0; l < n; ++l) {
    for (int iteration = 0;; ++iteration) {
      std::size_t m = l;
      for (; m + 1 < n; ++m) {
        const double scale = std::fabs(d[m]) + std::fabs(d[m + 1]);
        if (std::fabs(e[m]) <= std::numeric_limits<double>::epsilon() * 0.5 * scale ||
            std::fabs(e[m]) <= std::numeric_limits<double>::epsilon() * 0.125 * largest)
          break;
      }
      if (m == l) break;
      if (iteration == 60) return false;
      double g = (d[l + 1] - d[l]) / (2.0 * e[l]);
      double r = std::hypot(g, 1.0);
      g = d[m] - d[l] + e[l] / (g + std::copysign(r, g));
      double s = 1.0, c = 1.0, p = 0.0;
      std::size_t i = m;
      bool underflow = false;
      while (i-- > l) {
        double f = s * e[i];
        const double b = c * e[i];
        r = length(f, g);
        e[i + 1] = r;
        if (r == 0.0) {
          d[i + 1] -= p;
          e[m] = 0.0;
          underflow = true;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2.0 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        if (vectors) {
          double* const left = z + i * n;
          double* const right = left + n;
          for (std::size_t k = 0; k < n; ++k) {
            const double before = right[k];
            right[k] = s * left[k] + c * before;
            left[k] = c * left[k] - s * before;
          }
        }
      }
      if (underflow) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0.0;
    }
  }
  return true;
}

}  // namespace

void fix_sign(std::size_t n, double* vector, std::size_t stride) {
  std::size_t largest = 0;
  for (std::size_t i = 1; i < n; ++i) {
    if (std::fabs(vector[i * stride]) > std::fabs(vector[largest * stride]) * (1.0 + 1e-9)) {
      largest = i;
    }
  }
  if (vector[largest * stride] < 0.0) {
    for (std::size_t i = 0; i < n; ++i) vector[i * stride] = -vector[i * stride];
  }
}

void transpose(std::size_t n, double* matrix) {
  // Columns whose distance is a power of two would throw one another out of the cache.
  constexpr std::size_t together = 32;
  for (std::size_t first = 0; first < n; first += together) {
    const std::size_t last = std::min(n, first + together);
    for (std::size_t j = 0; j < last; ++j) {
      for (std::size_t i = std::max(first, j + 1); i < last; ++i)
        std::swap(matrix[i * n + j], matrix[j * n + i]);
    }
  }
}

bool symmetric_eigen(std::size_t n, double* matrix, double* eigenvalues, double* scratch,
                     bool vectors) {
  if (n == 0) return true;
  for (std::size_t i = 0; i < n * n; ++i) {
    if (!std::isfinite(matrix[i])) {
      std::fill(eigenvalues, eigenvalues + n, std::numeric_limits<double>::quiet_NaN());
      return false;
    }
  }
  if (n == 1) {
    eigenvalues[0] = matrix[0];
    matrix[0] = 1.0;
    return true;
  }
  scratch[0] = 0.0;
  tridiagonalise(n, matrix, eigenvalues, scratch, vectors);
  if (vectors) transpose(n, matrix);
  if (!implicit_ql(n, eigenvalues, scratch, matrix, vectors)) return false;
  if (!vectors) {
    std::sort(eigenvalues, eigenvalues + n);
    return true;
  }
  for (std::size_t i = 0; i + 1 < n; ++i) {
    std::size_t least = i;
    for (std::size_t j = i + 1; j < n; ++j) {
      if (eigenvalues[j] < eigenvalues[least]) least = j;
    }
    if (least == i) continue;
    std::swap(eigenvalues[i], eigenvalues[least]);
    std::swap_ranges(matrix + i * n, matrix + (i + 1) * n, matrix + least * n);
  }
  for (std::size_t j = 0; j < n; ++j) fix_sign(n, matrix + j * n, 1);
  transpose(n, matrix);
  return true;
}

}  // namespace talweg
