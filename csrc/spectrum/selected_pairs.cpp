#include "spectrum/selected_pairs.hpp"

#include <algorithm>

namespace talweg {

bool selected_pairs(const LapackTable& table, std::vector<double>& diagonal,
                    std::vector<double>& beside, std::size_t first, std::size_t count,
                    double* values, std::vector<double>& rows) {
  const std::size_t size = diagonal.size();
  char job = rows.empty() ? 'N' : 'V', range = 'I';
  double unused = 0.0;
  int n = static_cast<int>(size), wanted = static_cast<int>(count), found = 0, info = 0;
  int low = static_cast<int>(first) + 1, high = static_cast<int>(first + count);
  int try_relative_accuracy = 1;
  std::vector<double> found_values(size), work(18 * size);
  std::vector<int> support(2 * count), integers(10 * size);
  int length = static_cast<int>(work.size()), integer_length = static_cast<int>(integers.size());
  table.dstemr(&job, &range, &n, diagonal.data(), beside.data(), &unused, &unused, &low, &high,
               &found, found_values.data(), rows.data(), &n, &wanted, support.data(),
               &try_relative_accuracy, work.data(), &length, integers.data(), &integer_length,
               &info);
  if (info != 0 || found != wanted) return false;
  std::copy_n(found_values.begin(), count, values);
  return true;
}

}  // namespace talweg
