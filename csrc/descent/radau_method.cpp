#include "descent/radau_method.hpp"

#include <utility>

namespace talweg {
namespace {

// The right Radau points of order 9: zeros of the fourth derivative of x^4 (x - 1)^5.
constexpr long double nodes[RadauMethod::stages] = {
    0.0571041961145176821931211925541156L, 0.2768430136381238276800459976856252L,
    0.5835904323689168200566976686629173L, 0.8602401356562194478479129188751197L, 1.0L};

}  // namespace

RadauMethod::RadauMethod() {
  constexpr std::size_t s = stages;
  long double exact[s][s], mirror[s][2 * s];
  for (std::size_t j = 0; j < s; ++j) {
    node[j] = static_cast<double>(nodes[j]);
    // The polynomial that is 1 at node j and 0 at the others, its value at 0 and its integrals.
    long double power[s] = {1.0L}, scale = 1.0L;
    std::size_t degree = 0;
    for (std::size_t k = 0; k < s; ++k) {
      if (k == j) continue;
      ++degree;
      for (std::size_t p = degree + 1; p-- > 0;)
        power[p] = (p > 0 ? power[p - 1] : 0.0L) - (p < degree ? nodes[k] * power[p] : 0.0L);
      scale *= nodes[j] - nodes[k];
    }
    at_start[j] = static_cast<double>(power[0] / scale);
    for (std::size_t i = 0; i < s; ++i) {
      long double integral = 0.0L;
      for (std::size_t p = s; p-- > 0;)
        integral = nodes[i] * (integral + power[p] / static_cast<long double>(p + 1));
      exact[i][j] = integral / scale;
      a[i][j] = static_cast<double>(exact[i][j]);
    }
  }
  // Gauss-Jordan with pivoting.
  for (std::size_t i = 0; i < s; ++i)
    for (std::size_t j = 0; j < 2 * s; ++j)
      mirror[i][j] = j < s ? exact[i][j] : (j - s == i ? 1.0L : 0.0L);
  for (std::size_t c = 0; c < s; ++c) {
    std::size_t best = c;
    const auto size = [](long double v) { return v < 0.0L ? -v : v; };
    for (std::size_t i = c + 1; i < s; ++i)
      if (size(mirror[i][c]) > size(mirror[best][c])) best = i;
    std::swap(mirror[c], mirror[best]);
    const long double pivot = mirror[c][c];
    for (long double& value : mirror[c]) value /= pivot;
    for (std::size_t i = 0; i < s; ++i) {
      if (i == c) continue;
      const long double factor = mirror[i][c];
      for (std::size_t j = 0; j < 2 * s; ++j) mirror[i][j] -= factor * mirror[c][j];
    }
  }
  for (std::size_t i = 0; i < s; ++i)
    for (std::size_t j = 0; j < s; ++j) inverse[i][j] = static_cast<double>(mirror[i][s + j]);
  for (std::size_t j = 0; j <= s; ++j) {
    long double product = 1.0L;
    const long double own = j == 0 ? 0.0L : nodes[j - 1];
    for (std::size_t k = 0; k <= s; ++k)
      if (k != j) product *= own - (k == 0 ? 0.0L : nodes[k - 1]);
    weight[j] = static_cast<double>(1.0L / product);
  }
}

void RadauMethod::basis(double theta, double* values) const {
  for (std::size_t j = 0; j <= stages; ++j) {
    double product = weight[j];
    for (std::size_t k = 0; k <= stages; ++k)
      if (k != j) product *= theta - (k == 0 ? 0.0 : node[k - 1]);
    values[j] = product;
  }
}

const RadauMethod& radau_method() {
  static const RadauMethod method;
  return method;
}

}  // namespace talweg
