#include "spectrum/tridiagonal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// Counts at several points at once, whose divisions do not wait for one another.
constexpr std::size_t sections = 8;

std::array<std::size_t, sections> counts_below(const Tridiagonal& t, double smallest,
                                               const std::array<double, sections>& x) {
  std::array<double, sections> pivot;
  std::array<std::size_t, sections> count{};
  pivot.fill(1.0);
  for (std::size_t i = 0; i < t.size(); ++i) {
    const double square = i == 0 ? 0.0 : t.beside[i - 1] * t.beside[i - 1];
    for (std::size_t s = 0; s < sections; ++s) {
      double next = t.diagonal[i] - x[s] - square / pivot[s];
      next = std::fabs(next) < smallest ? -smallest : next;
      count[s] += next < 0.0;
      pivot[s] = next;
    }
  }
  return count;
}

double smallest_pivot(const Tridiagonal& t) {
  double largest = 1.0;
  for (const double b : t.beside) largest = std::max(largest, b * b);
  return std::numeric_limits<double>::min() * largest;
}

}  // namespace

double bound(const Tridiagonal& t) {
  double largest = 0.0;
  for (std::size_t i = 0; i < t.size(); ++i) {
    const double left = i == 0 ? 0.0 : std::fabs(t.beside[i - 1]);
    const double right = i + 1 == t.size() ? 0.0 : std::fabs(t.beside[i]);
    largest = std::max(largest, std::fabs(t.diagonal[i]) + left + right);
  }
  return largest;
}

std::size_t count_below(const Tridiagonal& t, double x) {
  std::array<double, sections> points;
  points.fill(x);
  return counts_below(t, smallest_pivot(t), points)[0];
}

double eigenvalue(const Tridiagonal& t, std::size_t index) {
  const double outside = bound(t), smallest = smallest_pivot(t);
  double low = -outside * (1.0 + 4.0 * epsilon), high = outside * (1.0 + 4.0 * epsilon);
  while (high - low > epsilon * outside) {
    std::array<double, sections> points;
    for (std::size_t s = 0; s < sections; ++s) {
      const double part = static_cast<double>(s + 1) / static_cast<double>(sections + 1);
      points[s] = low + part * (high - low);
    }
    if (!(points[0] > low && points[sections - 1] < high)) break;
    const auto counts = counts_below(t, smallest, points);
    std::size_t above = 0;
    while (above < sections && counts[above] <= index) ++above;
    if (above < sections) high = points[above];
    if (above > 0) low = points[above - 1];
  }
  return 0.5 * (low + high);
}

void eigenvector(const Tridiagonal& t, double eigenvalue, double* vector) {
  const std::size_t m = t.size();
  std::fill(vector, vector + m, 0.0);
  vector[0] = 1.0;
  if (m == 1) return;
  // Eigenvalues of a cluster should weigh alike, so the shift keeps some distance from all.
  const double size = bound(t);
  const double shift = eigenvalue - 8.0 * epsilon * size;
  const double tiny = epsilon * (size > 0.0 ? size : 1.0);
  // LU with exchanges of neighbouring rows: three diagonals of U, a factor and a flag a row.
  std::vector<double> u0(m), u1(m), u2(m), factor(m);
  std::vector<char> exchanged(m);
  double d = t.diagonal[0] - shift, e = t.beside[0];
  for (std::size_t i = 0; i + 1 < m; ++i) {
    const double b = t.beside[i], below = t.diagonal[i + 1] - shift;
    const double after = i + 2 < m ? t.beside[i + 1] : 0.0;
    if (std::fabs(b) > std::fabs(d)) {
      exchanged[i] = 1;
      factor[i] = d / b;
      u0[i] = b;
      u1[i] = below;
      u2[i] = after;
      d = e - factor[i] * below;
      e = -factor[i] * after;
    } else {
      exchanged[i] = 0;
      u0[i] = d == 0.0 ? tiny : d;
      factor[i] = b / u0[i];
      u1[i] = e;
      u2[i] = 0.0;
      d = below - factor[i] * e;
      e = after;
    }
  }
  u0[m - 1] = std::fabs(d) < tiny ? tiny : d;
  for (int pass = 0; pass < 3; ++pass) {
    for (std::size_t i = 0; i + 1 < m; ++i) {
      if (exchanged[i]) std::swap(vector[i], vector[i + 1]);
      vector[i + 1] -= factor[i] * vector[i];
    }
    double largest = 0.0;
    for (std::size_t i = m; i-- > 0;) {
      double sum = vector[i];
      if (i + 1 < m) sum -= u1[i] * vector[i + 1];
      if (i + 2 < m) sum -= u2[i] * vector[i + 2];
      vector[i] = sum / u0[i];
      largest = std::max(largest, std::fabs(vector[i]));
    }
    for (std::size_t i = 0; i < m; ++i) vector[i] /= largest;
    const double length = norm(m, vector);
    for (std::size_t i = 0; i < m; ++i) vector[i] /= length;
  }
}

}  // namespace talweg
