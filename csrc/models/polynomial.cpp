#include <algorithm>
#include <map>

#include "models/checks.hpp"
#include "models/lane_blocks.hpp"
#include "simd/instruction_set.hpp"
#include "simd/models.hpp"
#include "talweg/models.hpp"

namespace talweg {
namespace {

constexpr std::uint32_t greatest_exponent = 1000;

// Variables with their powers, in the order of the variables.
struct Factor {
  std::uint32_t variable, power;
  auto operator<=>(const Factor&) const = default;
};
using Monomial = std::vector<Factor>;

// The monomial differentiated by its factor number `which`, without the number in front.
Monomial lowered(Monomial monomial, std::size_t which) {
  if (--monomial[which].power == 0) monomial.erase(monomial.begin() + which);
  return monomial;
}

// The program that evaluates a list of sparse combinations of monomials.
class Builder {
 public:
  explicit Builder(std::size_t n) : n_(n) {
    number_[{}] = 0;
    for (std::uint32_t i = 0; i < n; ++i) number_[{{i, 1}}] = i + 1;
  }

  // Powers are made by halving, other monomials from the one without the last variable.
  std::uint32_t monomial(const Monomial& wanted) {
    if (const auto known = number_.find(wanted); known != number_.end()) return known->second;
    Monomial left, right;
    if (wanted.size() == 1) {
      const auto [variable, power] = wanted[0];
      left = {{variable, power - power / 2}};
      right = {{variable, power / 2}};
    } else {
      left.assign(wanted.begin(), wanted.end() - 1);
      right = {wanted.back()};
    }
    const std::uint32_t a = monomial(left), b = monomial(right);
    left_.push_back(a);
    right_.push_back(b);
    return number_[wanted] = static_cast<std::uint32_t>(n_ + left_.size());
  }

  std::vector<std::uint32_t> left_, right_;

 private:
  std::size_t n_;
  std::map<Monomial, std::uint32_t> number_;
};

struct OwnedRows {
  std::vector<std::uint32_t> first, column;
  std::vector<double> value;

  // Rows must come in increasing order.
  void add(std::size_t row, std::uint32_t monomial, double coefficient) {
    while (first.size() <= row) first.push_back(static_cast<std::uint32_t>(value.size()));
    column.push_back(monomial);
    value.push_back(coefficient);
  }
  void finish(std::size_t rows) {
    while (first.size() <= rows) first.push_back(static_cast<std::uint32_t>(value.size()));
  }
  SparseRows view() const { return {first.size() - 1, first.data(), column.data(), value.data()}; }
};

// One term of one row, before the rows are sorted.
struct Entry {
  std::size_t row;
  Monomial monomial;
  double coefficient;
};

class PolynomialObjective final : public Objective {
 public:
  explicit PolynomialObjective(const Polynomial& description)
      : kernels_(model_kernels(active_isa())), n_(description.n) {
    check(description);
    const std::size_t terms = description.coefficients.size();
    std::vector<Entry> value, gradient, hessian;
    for (std::size_t t = 0; t < terms; ++t) {
      Monomial monomial;
      for (std::uint32_t i = 0; i < n_; ++i)
        if (const std::uint32_t power = description.exponents[t * n_ + i])
          monomial.push_back({i, power});
      differentiate({0, monomial, description.coefficients[t]}, value, gradient, hessian);
    }
    // What is asked for most often together shares a program: products need the gradient's
    // monomials only, and f alone needs no more than its own.
    programs_[0].build(n_, value, {}, {}, false);
    programs_[1].build(n_, value, gradient, {}, false);
    programs_[2].build(n_, value, gradient, hessian, true);
  }

  std::size_t dimension() const noexcept override { return n_; }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    quantities &= every_quantity;
    const bool matrices = (quantities & (quantity_hessian | quantity_third)) != 0;
    const PolynomialProgram& program =
        programs_[matrices ? 2 : (quantities == quantity_value ? 0 : 1)].program;
    double* const scratch = thread_scratch<PolynomialObjective>(
        4 * program.monomials * polynomial_vectors * kernels_.vector_lanes);
    for_lane_blocks(n_, quantities, block, kernels_.vector_lanes, block.lanes,
                    [&](const EvaluationBlock& part) {
                      kernels_.polynomial(program, quantities, part, scratch);
                    });
  }

 private:
  struct OwnedProgram {
    std::vector<std::uint32_t> left, right;
    OwnedRows value, gradient, hessian;
    PolynomialProgram program;

    void build(std::size_t n, std::vector<Entry> of_value, std::vector<Entry> of_gradient,
               std::vector<Entry> of_hessian, bool with_hessian) {
      Builder builder(n);
      const auto fill = [&](OwnedRows& rows, std::vector<Entry>& entries, std::size_t count) {
        std::ranges::stable_sort(entries, {}, &Entry::row);
        for (const Entry& entry : entries)
          rows.add(entry.row, builder.monomial(entry.monomial), entry.coefficient);
        rows.finish(count);
      };
      fill(value, of_value, 1);
      fill(gradient, of_gradient, n);
      fill(hessian, of_hessian, with_hessian ? triangle(n) : 0);
      left = std::move(builder.left_);
      right = std::move(builder.right_);
      program = {n,
                 n + 1 + left.size(),
                 left.data(),
                 right.data(),
                 value.view(),
                 gradient.view(),
                 hessian.view()};
    }
  };

  static void check(const Polynomial& p) {
    check_count("n", p.n, 1);
    check_size("exponents", p.exponents.size(), p.coefficients.size() * p.n);
    check_finite("coefficients", p.coefficients);
    for (const std::uint32_t exponent : p.exponents)
      if (exponent > greatest_exponent)
        refuse("exponents", "want at most " + std::to_string(greatest_exponent) + ", got " +
                                std::to_string(exponent));
    std::map<std::vector<std::uint32_t>, std::size_t> seen;
    for (std::size_t t = 0; t < p.coefficients.size(); ++t) {
      const auto begin = p.exponents.begin() + static_cast<std::ptrdiff_t>(t * p.n);
      const auto [known, inserted] = seen.try_emplace(
          std::vector<std::uint32_t>(begin, begin + static_cast<std::ptrdiff_t>(p.n)), t);
      if (!inserted)
        refuse("exponents", "terms " + std::to_string(known->second) + " and " + std::to_string(t) +
                                " have the same exponents; add their "
                                "coefficients");
    }
  }

  static void differentiate(const Entry& term, std::vector<Entry>& value,
                            std::vector<Entry>& gradient, std::vector<Entry>& hessian) {
    value.push_back(term);
    for (std::size_t a = 0; a < term.monomial.size(); ++a) {
      const Factor factor = term.monomial[a];
      const Monomial once = lowered(term.monomial, a);
      const double slope = term.coefficient * factor.power;
      gradient.push_back({factor.variable, once, slope});
      for (std::size_t b = 0; b < once.size() && once[b].variable <= factor.variable; ++b)
        hessian.push_back({triangle(factor.variable) + once[b].variable, lowered(once, b),
                           slope * once[b].power});
    }
  }

  const ModelKernels& kernels_;
  std::size_t n_;
  OwnedProgram programs_[3];
};

}  // namespace

std::unique_ptr<Objective> make_objective(const Polynomial& description) {
  return std::make_unique<PolynomialObjective>(description);
}

}  // namespace talweg
