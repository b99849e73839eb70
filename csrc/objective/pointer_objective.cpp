#include "objective/pointer_objective.hpp"

#include <algorithm>
#include <climits>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "objective/block_rows.hpp"

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
    std::vector<double> room(2 * n_ + (matrices ? n_ * n_ : n_));
    const Point point{room.data(), room.data() + n_, room.data() + 2 * n_};
    for (std::size_t lane = 0; lane < block.lanes; ++lane)
      if (!evaluate_lane(quantities, block, lane, point)) return;
  }

 private:
  struct Point {
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
  bool evaluate_lane(unsigned quantities, const EvaluationBlock& block, std::size_t lane,
                     const Point& point) const {
    const int n = static_cast<int>(n_);
    const auto* x = static_cast<const double*>(point.x);
    const auto* v = static_cast<const double*>(point.v);
    load(block.x, block.stride, lane, point.x);
    if (quantities & quantities_of_v) load(block.v, block.stride, lane, point.v);
    if (quantities & quantity_value) {
      const double value = call<double>(functions_.fun, n, x);
      if (failed()) return false;
      block.value[lane] = value;
    }
    if (quantities & quantity_gradient) {
      std::fill_n(point.out, n_, nan);
      call<void>(functions_.grad, n, x, point.out);
      if (failed()) return false;
      store(point.out, block.gradient, block.stride, lane);
    }
    if (quantities & quantity_hessian) {
      std::fill_n(point.out, n_ * n_, nan);
      call<void>(functions_.hess, n, x, point.out);
      if (failed()) return false;
      store_triangle(point.out, block.hessian, block.stride, lane);
    }
    if (quantities & quantity_hessian_product) {
      std::fill_n(point.out, n_, nan);
      call<void>(functions_.hessp, n, x, v, point.out);
      if (failed()) return false;
      store(point.out, block.hessian_product, block.stride, lane);
    }
    if (quantities & quantity_third) {
      std::fill_n(point.out, n_ * n_, nan);
      call<void>(functions_.third, n, x, v, point.out);
      if (failed()) return false;
      store_triangle(point.out, block.third, block.stride, lane);
    }
    return true;
  }

  void load(const double* from, std::size_t stride, std::size_t lane, double* to) const {
    for (std::size_t i = 0; i < n_; ++i) to[i] = from[i * stride + lane];
  }

  void store(const double* from, double* to, std::size_t stride, std::size_t lane) const {
    for (std::size_t i = 0; i < n_; ++i) to[i * stride + lane] = from[i];
  }

  void store_triangle(const double* from, double* to, std::size_t stride, std::size_t lane) const {
    for (std::size_t i = 0, row = 0; i < n_; ++i)
      for (std::size_t j = 0; j <= i; ++j, ++row) to[row * stride + lane] = from[i * n_ + j];
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
