// Taylor polynomials that are evaluated by products at their origin.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "objective/block_rows.hpp"
#include "talweg/jets.hpp"

namespace talweg {
namespace {

// d = length * unit in each lane, for offsets whose squares would underflow as well.
struct Directions {
  std::vector<double> length, unit;  // unit: n rows of `lanes`

  Directions(const EvaluationBlock& block, std::size_t n)
      : length(block.lanes), unit(n * block.lanes) {
    for (std::size_t l = 0; l < block.lanes; ++l) {
      double largest = 0.0;
      for (std::size_t i = 0; i < n; ++i) {
        const double size = std::abs(block.x[i * block.stride + l]);
        if (!(size <= largest)) largest = size;  // so that a NaN stays
      }
      if (largest == 0.0) continue;
      double squares = 0.0;
      for (std::size_t i = 0; i < n; ++i) {
        const double scaled = block.x[i * block.stride + l] / largest;
        unit[i * block.lanes + l] = scaled;
        squares += scaled * scaled;
      }
      const double norm = std::sqrt(squares);
      length[l] = largest * norm;
      for (std::size_t i = 0; i < n; ++i) unit[i * block.lanes + l] /= norm;
    }
  }
};

class TaylorComposition final : public Objective {
 public:
  TaylorComposition(std::shared_ptr<const Objective> objective, std::span<const double> origin,
                    int order, double step)
      : objective_(std::move(objective)),
        origin_(origin.begin(), origin.end()),
        order_(order),
        step_(step) {
    if (origin.size() != dimension()) throw std::invalid_argument("the origin must have n entries");
    for (const double entry : origin)
      if (!std::isfinite(entry)) throw std::invalid_argument("the origin must be finite");
    if (order < 2 || order > 4) throw std::invalid_argument("the order must be 2, 3 or 4");
    if (order == 4 && !(step > 0.0 && std::isfinite(step)))
      throw std::invalid_argument("the step must be positive and finite");
  }

  std::size_t dimension() const noexcept override { return objective_->dimension(); }
  bool thread_safe() const noexcept override { return objective_->thread_safe(); }
  DerivativeErrors errors() const noexcept override { return objective_->errors(); }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    const auto has = [quantities](unsigned q) { return (quantities & q) != 0; };
    const std::size_t n = dimension(), lanes = block.lanes;
    if (lanes == 0) return;
    const Directions d(block, n);
    if (has(quantity_value | quantity_gradient)) value_and_gradient(quantities, block, d);
    std::vector<double> v, w;
    if (has(quantities_of_v)) v = compact(block.v, block, n);
    if (has(quantity_third_product)) w = compact(block.w, block, n);
    std::vector<double> sum;
    // H(d) = H + r T[u] + r^2/2 Q[u, u], and T(d)[v] = T[v] + r Q[u, v].
    if (has(quantity_hessian)) {
      expand(quantity_hessian, d, nullptr, nullptr, quantity_third, d.unit.data(), nullptr, 0.5,
             sum);
      store(sum, triangle(n), block.hessian, block);
    }
    if (has(quantity_hessian_product)) {
      expand(quantity_hessian_product, d, v.data(), nullptr, quantity_third_product, d.unit.data(),
             v.data(), 0.5, sum);
      store(sum, n, block.hessian_product, block);
    }
    if (has(quantity_third)) {
      third(quantity_third, d, v.data(), nullptr, sum);
      store(sum, triangle(n), block.third, block);
    }
    if (has(quantity_third_product)) {
      third(quantity_third_product, d, v.data(), w.data(), sum);
      store(sum, n, block.third_product, block);
    }
  }

 private:
  using Lanes = std::vector<double>;

  static Lanes compact(const double* from, const EvaluationBlock& block, std::size_t rows) {
    Lanes to(rows * block.lanes);
    for (std::size_t r = 0; r < rows; ++r)
      std::copy_n(from + r * block.stride, block.lanes, to.data() + r * block.lanes);
    return to;
  }

  static void store(const Lanes& from, std::size_t rows, double* to, const EvaluationBlock& block) {
    for (std::size_t r = 0; r < rows; ++r)
      std::copy_n(from.data() + r * block.lanes, block.lanes, to + r * block.stride);
  }

  std::size_t rows_of(Quantity q) const {
    return q == quantity_hessian || q == quantity_third ? triangle(dimension()) : dimension();
  }

  // A quantity of f at origin + displacement * unit.
  Lanes at(Quantity quantity, const Directions& d, double displacement, const double* v,
           const double* w) const {
    const std::size_t n = dimension(), lanes = d.length.size();
    Lanes x(n * lanes), result(rows_of(quantity) * lanes);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = 0; l < lanes; ++l)
        x[i * lanes + l] =
            displacement == 0.0 ? origin_[i] : origin_[i] + displacement * d.unit[i * lanes + l];
    EvaluationBlock block;
    block.lanes = block.stride = lanes;
    block.x = x.data();
    block.v = v;
    block.w = w;
    (quantity == quantity_hessian           ? block.hessian
     : quantity == quantity_third           ? block.third
     : quantity == quantity_hessian_product ? block.hessian_product
                                            : block.third_product) = result.data();
    objective_->evaluate(quantity, block);
    return result;
  }

  // The derivative along the unit vectors of what third derivatives give with v (and w).
  Lanes fourth(Quantity quantity, const Directions& d, const double* v, const double* w) const {
    Lanes result = at(quantity, d, step_, v, w);
    const Lanes behind = at(quantity, d, -step_, v, w);
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = (result[i] - behind[i]) / (2.0 * step_);
    return result;
  }

  // second + r third + factor r^2 fourth
  void expand(Quantity second, const Directions& d, const double* v2, const double* w2,
              Quantity third, const double* v3, const double* w3, double factor, Lanes& sum) const {
    sum = at(second, d, 0.0, v2, w2);
    if (order_ > 2) add(sum, at(third, d, 0.0, v3, w3), d, 1.0, 1);
    if (order_ > 3) add(sum, fourth(third, d, v3, w3), d, factor, 2);
  }

  void third(Quantity quantity, const Directions& d, const double* v, const double* w,
             Lanes& sum) const {
    if (order_ < 3) {
      sum.assign(rows_of(quantity) * d.length.size(), 0.0);
      return;
    }
    sum = at(quantity, d, 0.0, v, w);
    if (order_ > 3) add(sum, fourth(quantity, d, v, w), d, 1.0, 1);
  }

  static void add(Lanes& sum, const Lanes& term, const Directions& d, double factor, int power) {
    const std::size_t lanes = d.length.size();
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const double r = d.length[i % lanes];
      sum[i] += factor * (power == 2 ? r * r : r) * term[i];
    }
  }

  void value_and_gradient(unsigned quantities, const EvaluationBlock& block,
                          const Directions& d) const {
    const std::size_t n = dimension(), lanes = block.lanes;
    const double* const u = d.unit.data();
    const Lanes two = at(quantity_hessian_product, d, 0.0, u, nullptr);
    const Lanes three = order_ > 2 ? at(quantity_third_product, d, 0.0, u, u) : Lanes();
    const Lanes four = order_ > 3 ? fourth(quantity_third_product, d, u, u) : Lanes();
    if (quantities & quantity_value) std::fill_n(block.value, lanes, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t l = 0; l < lanes; ++l) {
        const std::size_t k = i * lanes + l;
        const double r = d.length[l];
        // Horner's rule, from the highest order down.
        double slope = order_ > 3 ? four[k] * (r / 3.0) : 0.0;
        double height = order_ > 3 ? four[k] * (r / 4.0) : 0.0;
        if (order_ > 2) {
          slope = (three[k] + slope) * (r / 2.0);
          height = (three[k] + height) * (r / 3.0);
        }
        if (quantities & quantity_gradient)
          block.gradient[i * block.stride + l] = (two[k] + slope) * r;
        if (quantities & quantity_value)
          block.value[l] += (two[k] + height) * (r / 2.0) * (r * u[k]);
      }
    }
  }

  std::shared_ptr<const Objective> objective_;
  std::vector<double> origin_;
  int order_;
  double step_;
};

}  // namespace

std::unique_ptr<Objective> compose_taylor(std::shared_ptr<const Objective> objective,
                                          std::span<const double> origin, int order, double step) {
  return std::make_unique<TaylorComposition>(std::move(objective), origin, order, step);
}

}  // namespace talweg
