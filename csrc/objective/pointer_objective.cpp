#include "objective/pointer_objective.hpp"

#include <algorithm>
#include <climits>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "objective/block_rows.hpp"
#include "objective/transposition.hpp"

namespace talweg {
namespace {

static_assert(static_cast<unsigned>(TALWEG_VALUE) == quantity_value);
static_assert(static_cast<unsigned>(TALWEG_GRADIENT) == quantity_gradient);
static_assert(static_cast<unsigned>(TALWEG_HESSIAN) == quantity_hessian);
static_assert(static_cast<unsigned>(TALWEG_THIRD) == quantity_third);
static_assert(static_cast<unsigned>(TALWEG_HESSIAN_PRODUCT) == quantity_hessian_product);

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

class PointerObjective : public Objective {
 public:
  PointerObjective(unsigned provided, PointerOptions options)
      : n_(options.dimension), provided_(provided), options_(std::move(options)) {
    if (n_ == 0 || n_ > INT_MAX) throw std::invalid_argument("n: want 1 to INT_MAX");
    if (!(provided & quantity_value)) throw std::invalid_argument("the value must be given");
  }

  std::size_t dimension() const noexcept override { return n_; }
  bool thread_safe() const noexcept override { return options_.thread_safe; }

 protected:
  void check(unsigned quantities) const {
    if (quantities & ~provided_)
      throw std::logic_error("a quantity was asked for that no function pointer gives");
  }
  bool failed() const { return options_.failed && options_.failed(); }

  std::size_t n_;

 private:
  unsigned provided_;
  PointerOptions options_;
};

// Calls a function of one point, with or without its last parameter.
template <class Result, class... Arguments>
Result call(const FunctionPointer& f, int n, Arguments... arguments) {
  if (f.takes_user_data)
    return reinterpret_cast<Result (*)(int, Arguments..., void*)>(f.function)(n, arguments...,
                                                                              f.user_data);
  return reinterpret_cast<Result (*)(int, Arguments...)>(f.function)(n, arguments...);
}

class PointPointerObjective final : public PointerObjective {
 public:
  PointPointerObjective(const PointFunctions& functions, PointerOptions options)
      : PointerObjective(provided(functions), std::move(options)), functions_(functions) {}

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    check(quantities);
    fill_nan(n_, quantities, block);
    // Arrays of this call alone: a function may evaluate another objective, or this one.
    const bool matrices = quantities & (quantity_hessian | quantity_third);
    const std::size_t together = std::min(transposed_together, block.lanes);
    std::vector<double> room((2 + (matrices ? n_ : 1)) * n_ * together);
    const Points points{room.data(), room.data() + n_ * together, room.data() + 2 * n_ * together};
    for (std::size_t first = 0; first < block.lanes; first += together) {
      const std::size_t count = std::min(together, block.lanes - first);
      if (!evaluate_lanes(quantities, block, first, count, points)) return;
    }
  }

 private:
  // Points one after the other.
  struct Points {
    double *x, *v, *out;
  };

  static unsigned provided(const PointFunctions& functions) {
    unsigned result = 0;
    if (functions.fun) result |= quantity_value;
    if (functions.grad) result |= quantity_gradient;
    if (functions.hess) result |= quantity_hessian;
    if (functions.hessp) result |= quantity_hessian_product;
    if (functions.third) result |= quantity_third;
    return result;
  }

  // False when a function has failed.
  bool evaluate_lanes(unsigned quantities, const EvaluationBlock& block, std::size_t first,
                      std::size_t count, const Points& points) const {
    const int n = static_cast<int>(n_);
    rows_to_points(n_, count, block.x + first, block.stride, points.x);
    if (quantities & quantities_of_v)
      rows_to_points(n_, count, block.v + first, block.stride, points.v);
    const auto x = [&](std::size_t l) { return static_cast<const double*>(points.x + l * n_); };
    const auto v = [&](std::size_t l) { return static_cast<const double*>(points.v + l * n_); };
    if (quantities & quantity_value) {
      for (std::size_t l = 0; l < count; ++l) {
        const double value = call<double>(functions_.fun, n, x(l));
        if (failed()) return false;
        block.value[first + l] = value;
      }
    }
    // The numbers that a function writes for each point; false when it has failed.
    const auto write = [&](std::size_t size, const auto& write_point) {
      std::fill_n(points.out, count * size, nan);
      for (std::size_t l = 0; l < count; ++l) {
        write_point(l, points.out + l * size);
        if (failed()) return false;
      }
      return true;
    };
    const auto vectors = [&](const auto& write_point, double* rows) {
      if (!write(n_, write_point)) return false;
      points_to_rows(n_, count, points.out, rows + first, block.stride);
      return true;
    };
    const auto matrices = [&](const auto& write_point, double* rows) {
      if (!write(n_ * n_, write_point)) return false;
      for (std::size_t i = 0; i < n_; ++i)
        for (std::size_t j = 0; j <= i; ++j, rows += block.stride)
          for (std::size_t l = 0; l < count; ++l)
            rows[first + l] = points.out[(l * n_ + i) * n_ + j];
      return true;
    };
    const auto at = [&](const FunctionPointer& function) {
      return [&, n](std::size_t l, double* out) { call<void>(function, n, x(l), out); };
    };
    const auto along = [&](const FunctionPointer& function) {
      return [&, n](std::size_t l, double* out) { call<void>(function, n, x(l), v(l), out); };
    };
    const auto asked = [&](Quantity quantity) { return (quantities & quantity) != 0; };
    if (asked(quantity_gradient) && !vectors(at(functions_.grad), block.gradient)) return false;
    if (asked(quantity_hessian) && !matrices(at(functions_.hess), block.hessian)) return false;
    if (asked(quantity_hessian_product) && !vectors(along(functions_.hessp), block.hessian_product))
      return false;
    return !asked(quantity_third) || matrices(along(functions_.third), block.third);
  }

  PointFunctions functions_;
};

class BlockPointerObjective final : public PointerObjective {
 public:
  BlockPointerObjective(FunctionPointer function, unsigned provided, PointerOptions options)
      : PointerObjective(provided, std::move(options)), function_(function) {}

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    check(quantities);
    fill_nan(n_, quantities, block);
    const auto array = [&](unsigned users, auto* given) {
      return quantities & users ? given : nullptr;
    };
    call(quantities, block.lanes, block.stride, block.x, array(quantities_of_v, block.v),
         array(quantity_value, block.value), array(quantity_gradient, block.gradient),
         array(quantity_hessian, block.hessian), array(quantity_third, block.third),
         array(quantity_hessian_product, block.hessian_product));
  }

 private:
  template <class... Arguments>
  void call(unsigned quantities, std::size_t lanes, std::size_t stride,
            Arguments... arguments) const {
    using Plain = void (*)(unsigned, std::size_t, std::size_t, std::size_t, Arguments...);
    using Full = void (*)(unsigned, std::size_t, std::size_t, std::size_t, Arguments..., void*);
    if (function_.takes_user_data)
      reinterpret_cast<Full>(function_.function)(quantities, n_, lanes, stride, arguments...,
                                                 function_.user_data);
    else
      reinterpret_cast<Plain>(function_.function)(quantities, n_, lanes, stride, arguments...);
  }

  FunctionPointer function_;
};

}  // namespace

std::shared_ptr<Objective> make_point_pointer_objective(const PointFunctions& functions,
                                                        PointerOptions options) {
  return std::make_shared<PointPointerObjective>(functions, std::move(options));
}

std::shared_ptr<Objective> make_block_pointer_objective(FunctionPointer function, unsigned provided,
                                                        PointerOptions options) {
  return std::make_shared<BlockPointerObjective>(function, provided, std::move(options));
}

}  // namespace talweg
