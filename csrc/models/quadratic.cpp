#include <algorithm>
#include <array>
#include <map>

#include "models/checks.hpp"
#include "models/lane_blocks.hpp"
#include "simd/instruction_set.hpp"
#include "simd/models.hpp"
#include "talweg/models.hpp"

namespace talweg {
namespace {

constexpr std::size_t widest_block = 64;

class QuadraticObjective final : public Objective {
 public:
  explicit QuadraticObjective(const Quadratic& description)
      : kernels_(model_kernels(active_isa())),
        linear_(description.linear),
        centre_(description.centre) {
    const std::size_t n = description.n;
    check_count("n", n, 1);
    program_.n = n;
    if (!linear_.empty()) check_size("linear", linear_.size(), n);
    if (!centre_.empty()) check_size("centre", centre_.size(), n);
    linear_.resize(n);
    centre_.resize(n);
    check_finite("linear", linear_);
    check_finite("centre", centre_);
    check_finite("constant", {description.constant});
    take_matrix(description.matrix);
    take_cubic(description.cubic);
    program_.constant = description.constant;
    program_.linear = linear_.data();
  }

  std::size_t dimension() const noexcept override { return program_.n; }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    quantities &= every_quantity;
    const std::size_t n = program_.n;
    double* const d = thread_scratch<QuadraticObjective>(n * 2 * widest_block +
                                                         2 * std::max(padded_, n * widest_block));
    double* const ad = d + n * 2 * widest_block;
    double* const av = ad + std::max(padded_, n * widest_block);
    const bool one = block.lanes == 1;
    for_lane_blocks(n, quantities, block, kernels_.vector_lanes, widest_block,
                    [&](const EvaluationBlock& part) {
                      const std::size_t lanes = part.lanes;
                      for (std::size_t i = 0; i < n; ++i)
                        for (std::size_t lane = 0; lane < lanes; ++lane)
                          d[i * lanes + lane] = part.x[i * part.stride + lane] - centre_[i];
                      if (quantities & (quantity_value | quantity_gradient))
                        multiply(d, lanes, lanes, one, ad);
                      if (quantities & quantity_hessian_product)
                        multiply(part.v, part.stride, lanes, one, av);
                      kernels_.cubic(program_, quantities, part, d, ad, av);
                    });
  }

 private:
  // to = A u, rows of `lanes`; with `one` all lanes are copies of the first one.
  void multiply(const double* u, std::size_t stride, std::size_t lanes, bool one,
                double* to) const {
    const std::size_t n = program_.n;
    if (program_.diagonal) {
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t lane = 0; lane < lanes; ++lane)
          to[i * lanes + lane] = diagonal_[i] * u[i * stride + lane];
    } else if (!one) {
      kernels_.matrix_product(n, lanes, n, matrix_.data(), padded_, u, stride, to, lanes, false,
                              false);
    } else {
      // Entries of the product side by side instead of lanes: the same sums.
      kernels_.matrix_product(1, padded_, n, u, stride, matrix_.data(), padded_, to, padded_, false,
                              false);
      for (std::size_t i = n; i-- > 0;) std::fill_n(to + i * lanes, lanes, to[i]);
    }
  }

  void take_matrix(const std::vector<double>& matrix) {
    const std::size_t n = program_.n;
    check_finite("matrix", matrix);
    if (matrix.size() == n) {
      diagonal_ = matrix;
      program_.diagonal = diagonal_.data();
      return;
    }
    if (matrix.size() != n * n)
      refuse("matrix", "want " + std::to_string(n) + " numbers on the diagonal or " +
                           std::to_string(n * n) + " in full, got " +
                           std::to_string(matrix.size()));
    check_symmetric("matrix", matrix.data(), n);
    padded_ = (n + 7) / 8 * 8;
    matrix_.resize(n * padded_);
    packed_.reserve(triangle(n));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        const double entry =
            i == j ? matrix[i * n + i] : 0.5 * matrix[i * n + j] + 0.5 * matrix[j * n + i];
        matrix_[i * padded_ + j] = matrix_[j * padded_ + i] = entry;
        packed_.push_back(entry);
      }
    program_.packed = packed_.data();
  }

  void take_cubic(const std::vector<CubicCoefficient>& cubic) {
    const std::size_t n = program_.n;
    // Row (i, j) with j <= i and column k of the matrix that takes u to T[u].
    std::map<std::array<std::uint32_t, 3>, double> entries;
    for (const CubicCoefficient& c : cubic) {
      std::array<std::size_t, 3> index{c.i, c.j, c.k};
      std::ranges::sort(index);
      const auto place = [&c] {
        return std::string("(")
            .append(std::to_string(c.i) + ", ")
            .append(std::to_string(c.j) + ", ")
            .append(std::to_string(c.k) + ")");
      };
      if (index[2] >= n)
        refuse("cubic", "want indices below " + std::to_string(n) + ", got " + place());
      if (!std::isfinite(c.value))
        refuse("cubic", "want finite numbers, got " + in_words(c.value) + " at " + place());
      const auto k = static_cast<std::uint32_t>(index[0]), j = static_cast<std::uint32_t>(index[1]),
                 i = static_cast<std::uint32_t>(index[2]);
      if (!entries.try_emplace({i, j, k}, c.value).second)
        refuse("cubic", "the combination " + place() + " is there twice");
      entries.try_emplace({i, k, j}, c.value);
      entries.try_emplace({j, k, i}, c.value);
    }
    for (const auto& [key, value] : entries) {
      const auto [i, j, k] = key;
      if (row_i_.empty() || row_i_.back() != i || row_j_.back() != j) {
        row_i_.push_back(i);
        row_j_.push_back(j);
        first_.push_back(static_cast<std::uint32_t>(values_.size()));
      }
      columns_.push_back(k);
      values_.push_back(value);
    }
    first_.push_back(static_cast<std::uint32_t>(values_.size()));
    program_.row_i = row_i_.data();
    program_.row_j = row_j_.data();
    program_.cubic = {row_i_.size(), first_.data(), columns_.data(), values_.data()};
  }

  const ModelKernels& kernels_;
  std::vector<double> linear_, centre_, diagonal_, matrix_, packed_;
  std::size_t padded_ = 0;  // numbers in a row of matrix_
  std::vector<std::uint32_t> row_i_, row_j_, first_, columns_;
  std::vector<double> values_;
  CubicProgram program_;
};

}  // namespace

std::unique_ptr<Objective> make_objective(const Quadratic& description) {
  return std::make_unique<QuadraticObjective>(description);
}

}  // namespace talweg
