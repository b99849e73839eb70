// Checks of descriptions that name the member at fault.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace talweg {

[[noreturn]] inline void refuse(const std::string& member, const std::string& message) {
  throw std::invalid_argument(member + ": " + message);
}

inline std::string in_words(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

inline void check_size(const char* member, std::size_t got, std::size_t wanted) {
  if (got != wanted)
    refuse(member, "want " + std::to_string(wanted) + " numbers, got " + std::to_string(got));
}

inline void check_count(const char* member, std::size_t got, std::size_t least) {
  if (got < least)
    refuse(member, "want at least " + std::to_string(least) + ", got " + std::to_string(got));
}

inline void check_finite(const char* member, const std::vector<double>& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (!std::isfinite(numbers[i]))
      refuse(member, "want finite numbers, got " + in_words(numbers[i]) + " at position " +
                         std::to_string(i));
}

inline void check_positive(const char* member, double number) {
  if (!(std::isfinite(number) && number > 0.0))
    refuse(member, "want a finite number above 0, got " + in_words(number));
}

// An (n, n) matrix by rows, symmetric up to rounding.
inline void check_symmetric(const char* member, const double* matrix, std::size_t n) {
  double largest = 0.0;
  for (std::size_t i = 0; i < n * n; ++i) largest = std::fmax(largest, std::fabs(matrix[i]));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (std::fabs(matrix[i * n + j] - matrix[j * n + i]) > 1e-12 * largest)
        refuse(member, "want a symmetric matrix, got " + in_words(matrix[i * n + j]) + " at (" +
                           std::to_string(i) + ", " + std::to_string(j) + ") and " +
                           in_words(matrix[j * n + i]) + " at (" + std::to_string(j) + ", " +
                           std::to_string(i) + ")");
}

}  // namespace talweg
