#include "talweg/resonances.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr std::size_t largest_half = 6;
constexpr std::size_t most_sums = 20'000'000;

// The sum of the terms of some indices, which are ascending.
struct Sum {
  double value;
  std::array<std::uint16_t, largest_half> indices;
  bool negative;  // sign of the product, for multipliers
};

// What is added up: eigenvalues, or logarithms of multipliers and their signs.
struct Terms {
  std::vector<double> values;
  std::vector<bool> negative;
  std::vector<std::uint16_t> names;                          // index in the caller's list
  double ceiling = std::numeric_limits<double>::infinity();  // no partial sum above can matter

  std::size_t size() const { return values.size(); }
};

// False when there are too many sums.
bool extend(const Terms& terms, std::size_t length, std::size_t depth, Sum& sum,
            std::vector<Sum>& sums) {
  if (depth == length) {
    if (sums.size() == most_sums) return false;
    sums.push_back(sum);
    return true;
  }
  const Sum before = sum;
  for (std::size_t j = depth ? before.indices[depth - 1] : 0; j < terms.size(); ++j) {
    const double value = before.value + terms.values[j];
    // Ascending terms: later ones are larger still.
    if (value + terms.values[j] * static_cast<double>(length - depth - 1) > terms.ceiling) break;
    sum.value = value;
    sum.negative = before.negative != terms.negative[j];
    sum.indices[depth] = static_cast<std::uint16_t>(j);
    if (!extend(terms, length, depth + 1, sum, sums)) return false;
  }
  sum = before;
  return true;
}

// In ascending order; false when there are too many.
bool find_sums(const Terms& terms, std::size_t length, std::vector<Sum>& sums) {
  sums.clear();
  Sum empty{};
  if (!extend(terms, length, 0, empty, sums)) return false;
  std::sort(sums.begin(), sums.end(), [](const Sum& a, const Sum& b) { return a.value < b.value; });
  return true;
}

// How far a sum may lie from a target, below and above.
struct Window {
  double low, high;
};

template <class WindowOf, class GapOf>
Resonances search(const Terms& terms, const ResonanceOptions& options, WindowOf window_of,
                  GapOf gap_of) {
  Resonances result;
  std::vector<Sum> lower, upper;
  std::size_t lower_length = 0, upper_length = 0;
  result.complete_order = 1;
  for (std::size_t order = 2; order <= options.max_order; ++order) {
    const std::size_t first = result.found.size();
    const std::size_t half = order / 2;
    if ((half != lower_length && !find_sums(terms, half, lower)) ||
        (order - half != upper_length && !find_sums(terms, order - half, upper))) {
      result.status = Status::max_points;
      return result;
    }
    lower_length = half;
    upper_length = order - half;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      if (interrupted()) {
        result.status = Status::interrupted;
        return result;
      }
      const Window window = window_of(i);
      // As a falls the first b that reaches the window rises.
      std::size_t start = 0;
      for (std::size_t a = lower.size(); a-- > 0;) {
        while (start < upper.size() && lower[a].value + upper[start].value < window.low) ++start;
        for (std::size_t b = start;
             b < upper.size() && lower[a].value + upper[b].value <= window.high; ++b) {
          // Each set of indices in one of its splittings only.
          if (lower[a].indices[lower_length - 1] > upper[b].indices[0]) continue;
          if ((lower[a].negative != upper[b].negative) != terms.negative[i]) continue;
          if (result.found.size() == options.max_count) {
            result.status = Status::max_points;
            return result;
          }
          Resonance& found = result.found.emplace_back();
          found.index = terms.names[i];
          for (std::size_t k = 0; k < lower_length; ++k)
            found.powers.push_back(terms.names[lower[a].indices[k]]);
          for (std::size_t k = 0; k < upper_length; ++k)
            found.powers.push_back(terms.names[upper[b].indices[k]]);
          std::sort(found.powers.begin(), found.powers.end());
          found.gap = gap_of(i, lower[a].value + upper[b].value);
        }
      }
    }
    std::sort(result.found.begin() + static_cast<std::ptrdiff_t>(first), result.found.end(),
              [](const Resonance& a, const Resonance& b) {
                if (std::abs(a.gap) != std::abs(b.gap)) return std::abs(a.gap) < std::abs(b.gap);
                return a.index != b.index ? a.index < b.index : a.powers < b.powers;
              });
    result.complete_order = order;
  }
  return result;
}

void check(std::span<const double> values, const char* name, const ResonanceOptions& options) {
  if (values.empty() || values.size() > 65535)
    throw std::invalid_argument(std::string(name) + ": want 1 to 65535 numbers, got " +
                                std::to_string(values.size()));
  for (const double value : values)
    if (!std::isfinite(value))
      throw std::invalid_argument(std::string(name) + ": want finite numbers");
  if (options.max_order < 2 || options.max_order > 2 * largest_half)
    throw std::invalid_argument("max_order: want 2 to 12, got " +
                                std::to_string(options.max_order));
  if (!(options.tolerance >= 0.0 && options.tolerance < 1.0))
    throw std::invalid_argument("tolerance: want 0 <= tolerance < 1");
}

// Terms in ascending order, with `names` what they are called outside.
Terms sorted(const std::vector<double>& values, const std::vector<bool>& negative,
             std::vector<std::uint16_t> names) {
  std::stable_sort(names.begin(), names.end(),
                   [&](std::uint16_t a, std::uint16_t b) { return values[a] < values[b]; });
  Terms terms;
  terms.names = names;
  for (const std::uint16_t name : names) {
    terms.values.push_back(values[name]);
    terms.negative.push_back(negative[name]);
  }
  return terms;
}

}  // namespace

Resonances flow_resonances(std::span<const double> eigenvalues, const ResonanceOptions& options) {
  check(eigenvalues, "eigenvalues", options);
  std::vector<std::uint16_t> names(eigenvalues.size());
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = static_cast<std::uint16_t>(i);
  const std::vector<double> values(eigenvalues.begin(), eigenvalues.end());
  Terms terms = sorted(values, std::vector<bool>(values.size(), false), names);
  const double tolerance = options.tolerance;
  if (terms.values.front() > 0.0)
    terms.ceiling = terms.values.back() * (1.0 + tolerance) * (1.0 + 1e-12);
  // Sums are rounded: an exact relation must not be lost for that.
  const double rounding = 1e-14;
  return search(
      terms, options,
      [&](std::size_t i) {
        const double reach = (tolerance + rounding) * std::abs(terms.values[i]);
        return Window{terms.values[i] - reach, terms.values[i] + reach};
      },
      [&](std::size_t i, double sum) {
        return terms.values[i] != 0.0 ? 1.0 - sum / terms.values[i] : 0.0;
      });
}

Resonances map_resonances(std::span<const double> multipliers, const ResonanceOptions& options) {
  check(multipliers, "multipliers", options);
  std::vector<double> values(multipliers.size());
  std::vector<bool> negative(multipliers.size());
  std::vector<std::uint16_t> names;
  for (std::size_t i = 0; i < values.size(); ++i) {
    negative[i] = multipliers[i] < 0.0;
    if (multipliers[i] == 0.0) continue;
    values[i] = -std::log(std::abs(multipliers[i]));
    names.push_back(static_cast<std::uint16_t>(i));
  }
  Resonances none;
  none.complete_order = options.max_order;
  if (names.empty()) return none;
  Terms terms = sorted(values, negative, names);
  // |prod - mu_i| <= tolerance |mu_i| for equal signs, in logarithms.
  const double low = -std::log1p(options.tolerance) - 1e-14;
  const double high = -std::log1p(-options.tolerance) + 1e-14;
  if (terms.values.front() > 0.0) terms.ceiling = (terms.values.back() + high) * (1.0 + 1e-12);
  return search(
      terms, options,
      [&](std::size_t i) {
        // A logarithm is rounded relative to its own size.
        const double rounding = 1e-14 * std::abs(terms.values[i]);
        return Window{terms.values[i] + low - rounding, terms.values[i] + high + rounding};
      },
      [&](std::size_t i, double sum) { return -std::expm1(terms.values[i] - sum); });
}

}  // namespace talweg
