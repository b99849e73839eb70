// Plain functions behind the objective's interface.
#include "objective/pointer_objective.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using namespace talweg;

// f = a x y^2
double product(int, const double* x, void* a) {
  return *static_cast<double*>(a) * x[0] * x[1] * x[1];
}
double product_without_data(int, const double* x) { return x[0] * x[1] * x[1]; }
void gradient(int, const double* x, double* out) {
  out[0] = x[1] * x[1];
  out[1] = 2 * x[0] * x[1];
}
void half_a_gradient(int, const double* x, double* out) { out[0] = x[1] * x[1]; }
void hessian(int, const double* x, double* out) {
  out[0] = 0;
  out[1] = -1e9;  // the upper triangle does not count
  out[2] = 2 * x[1];
  out[3] = 2 * x[0];
}
void hessian_product(int, const double* x, const double* v, double* out) {
  out[0] = 2 * x[1] * v[1];
  out[1] = 2 * x[1] * v[0] + 2 * x[0] * v[1];
}
void third(int, const double*, const double* v, double* out) {
  out[0] = 0;
  out[2] = 2 * v[1];
  out[3] = 2 * v[0];
}

template <class Function>
FunctionPointer pointer(Function* function, void* data = nullptr, bool takes = false) {
  return {reinterpret_cast<void (*)()>(function), data, takes};
}

PointerOptions options(bool (*failed)() = nullptr) {
  PointerOptions result;
  result.dimension = 2;
  result.failed = failed;
  return result;
}

constexpr std::size_t lanes = 3, stride = 5;
constexpr double untouched = -77.0;

// Arrays for three lanes with room for two more, which nothing may write to.
struct Arrays {
  std::vector<double> x = {1, 2, 3, 9, 9, 4, 5, 6, 9, 9}, v = {1, 0, 1, 9, 9, 0, 1, 2, 9, 9};
  std::vector<double> value = std::vector<double>(stride, untouched);
  std::vector<double> gradient = std::vector<double>(2 * stride, untouched);
  std::vector<double> hessian = std::vector<double>(3 * stride, untouched);
  std::vector<double> third = std::vector<double>(3 * stride, untouched);
  std::vector<double> product = std::vector<double>(2 * stride, untouched);

  EvaluationBlock block() {
    EvaluationBlock result;
    result.lanes = lanes;
    result.stride = stride;
    result.x = x.data();
    result.v = v.data();
    result.value = value.data();
    result.gradient = gradient.data();
    result.hessian = hessian.data();
    result.third = third.data();
    result.hessian_product = product.data();
    return result;
  }
  double at(std::size_t row, std::size_t lane, const std::vector<double>& array) const {
    return array[row * stride + lane];
  }
  void check_margins() const {
    for (const auto* array : {&value, &gradient, &hessian, &third, &product})
      for (std::size_t i = 0; i < array->size(); ++i)
        if (i % stride >= lanes) CHECK((*array)[i] == untouched);
  }
  void check(double a) const {
    check_margins();
    for (std::size_t l = 0; l < lanes; ++l) {
      const double p = x[l], q = x[stride + l], u = v[l], w = v[stride + l];
      CHECK(value[l] == a * p * q * q);
      CHECK(at(0, l, gradient) == q * q);
      CHECK(at(1, l, gradient) == 2 * p * q);
      CHECK(at(0, l, hessian) == 0);
      CHECK(at(1, l, hessian) == 2 * q);
      CHECK(at(2, l, hessian) == 2 * p);
      CHECK(at(0, l, third) == 0);
      CHECK(at(1, l, third) == 2 * w);
      CHECK(at(2, l, third) == 2 * u);
      CHECK(at(0, l, product) == 2 * q * w);
      CHECK(at(1, l, product) == 2 * q * u + 2 * p * w);
    }
  }
};

constexpr unsigned all = quantity_value | quantity_gradient | quantity_hessian | quantity_third |
                         quantity_hessian_product;

PointFunctions functions() {
  return {pointer(product_without_data), pointer(gradient), pointer(hessian),
          pointer(hessian_product), pointer(third)};
}

void block_function(unsigned quantities, std::size_t n, std::size_t count, std::size_t step,
                    const double* x, const double* v, double* value, double* gradient_rows,
                    double* hessian_rows, double* third_rows, double* product_rows, void* calls) {
  ++*static_cast<int*>(calls);
  CHECK(n == 2);
  CHECK((value != nullptr) == ((quantities & TALWEG_VALUE) != 0));
  CHECK((gradient_rows != nullptr) == ((quantities & TALWEG_GRADIENT) != 0));
  CHECK((hessian_rows != nullptr) == ((quantities & TALWEG_HESSIAN) != 0));
  CHECK((v != nullptr) == ((quantities & (TALWEG_THIRD | TALWEG_HESSIAN_PRODUCT)) != 0));
  for (std::size_t l = 0; l < count; ++l) {
    const double p = x[l], q = x[step + l];
    if (value) value[l] = p * q * q;
    if (gradient_rows) {
      gradient_rows[l] = q * q;
      gradient_rows[step + l] = 2 * p * q;
    }
    if (hessian_rows) {
      hessian_rows[talweg_row(0, 0) * step + l] = 0;
      hessian_rows[talweg_row(1, 0) * step + l] = 2 * q;
      hessian_rows[talweg_row(1, 1) * step + l] = 2 * p;
    }
    if (third_rows) {
      third_rows[talweg_row(0, 0) * step + l] = 0;
      third_rows[talweg_row(1, 0) * step + l] = 2 * v[step + l];
      third_rows[talweg_row(1, 1) * step + l] = 2 * v[l];
    }
    if (product_rows) {
      product_rows[l] = 2 * q * v[step + l];
      product_rows[step + l] = 2 * q * v[l] + 2 * p * v[step + l];
    }
  }
}

TEST_CASE("functions of a point fill the lanes of a block and nothing beside them") {
  Arrays arrays;
  make_point_pointer_objective(functions(), options())->evaluate(all, arrays.block());
  arrays.check(1.0);
}

TEST_CASE("functions get their data") {
  double a = 3.0;
  PointFunctions given = functions();
  given.fun = pointer(product, &a, true);
  Arrays arrays;
  make_point_pointer_objective(given, options())->evaluate(all, arrays.block());
  arrays.check(3.0);
}

TEST_CASE("a block function is called once and gets what it is asked for") {
  int calls = 0;
  const auto objective =
      make_block_pointer_objective(pointer(block_function, &calls, true), all, options());
  Arrays arrays;
  objective->evaluate(all, arrays.block());
  arrays.check(1.0);
  objective->evaluate(quantity_gradient, arrays.block());
  CHECK(calls == 2);
}

TEST_CASE("what a function does not write is NaN") {
  PointFunctions given = functions();
  given.grad = pointer(half_a_gradient);
  Arrays arrays;
  make_point_pointer_objective(given, options())->evaluate(quantity_gradient, arrays.block());
  for (std::size_t l = 0; l < lanes; ++l) {
    CHECK(arrays.at(0, l, arrays.gradient) == arrays.x[stride + l] * arrays.x[stride + l]);
    CHECK(std::isnan(arrays.at(1, l, arrays.gradient)));
  }
  arrays.check_margins();
}

TEST_CASE("a failure ends the evaluation with NaN in what is left") {
  static int asked;
  asked = 0;
  const auto objective =
      make_point_pointer_objective(functions(), options([] { return ++asked > 1; }));
  Arrays arrays;
  objective->evaluate(quantity_value, arrays.block());
  CHECK(asked == 2);
  CHECK(arrays.value[0] == 16.0);
  CHECK(std::isnan(arrays.value[1]));
  CHECK(std::isnan(arrays.value[2]));
  arrays.check_margins();
}

TEST_CASE("misuse throws") {
  Arrays arrays;
  PointFunctions value_alone;
  value_alone.fun = pointer(product_without_data);
  const auto objective = make_point_pointer_objective(value_alone, options());
  CHECK_THROWS_AS(objective->evaluate(quantity_gradient, arrays.block()), std::logic_error);
  CHECK_THROWS_AS(make_point_pointer_objective({}, options()), std::invalid_argument);
  CHECK_THROWS_AS(make_point_pointer_objective(functions(), {}), std::invalid_argument);
  CHECK_FALSE(objective->thread_safe());
}

TEST_CASE("the owner lives as long as the objective") {
  auto owner = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = owner;
  PointerOptions with_owner = options();
  with_owner.owner = std::move(owner);
  auto objective = make_point_pointer_objective(functions(), std::move(with_owner));
  CHECK_FALSE(alive.expired());
  objective.reset();
  CHECK(alive.expired());
}

}  // namespace
