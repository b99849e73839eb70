// Whether what a lane gets depends on the block it comes in.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "objective/derivative_check.hpp"
#include "talweg/models.hpp"

namespace talweg::testing {

// All arrays of a block of `lanes` points, with room between the rows that must stay untouched.
struct BlockArrays {
  std::size_t lanes, stride;
  std::vector<double> x, v, w, value, gradient, hessian, third, hessian_product, third_product;

  BlockArrays(std::size_t n, std::size_t lanes) : lanes(lanes), stride(lanes + 3) {
    for (auto* array : {&x, &v, &w, &gradient, &hessian_product, &third_product})
      array->assign(n * stride, 7.0);
    for (auto* array : {&hessian, &third}) array->assign(n * (n + 1) / 2 * stride, 7.0);
    value.assign(stride, 7.0);
  }

  EvaluationBlock block(unsigned quantities) {
    EvaluationBlock b;
    b.lanes = lanes;
    b.stride = stride;
    b.x = x.data();
    const auto wanted = [&](unsigned quantity, std::vector<double>& array) {
      return quantities & quantity ? array.data() : nullptr;
    };
    b.v = wanted(quantity_third | quantity_hessian_product | quantity_third_product, v);
    b.w = wanted(quantity_third_product, w);
    b.value = wanted(quantity_value, value);
    b.gradient = wanted(quantity_gradient, gradient);
    b.hessian = wanted(quantity_hessian, hessian);
    b.third = wanted(quantity_third, third);
    b.hessian_product = wanted(quantity_hessian_product, hessian_product);
    b.third_product = wanted(quantity_third_product, third_product);
    return b;
  }

  std::vector<std::vector<double>*> outputs() {
    return {&value, &gradient, &hessian, &third, &hessian_product, &third_product};
  }
};

inline bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// Points of every block width up to 70, each quantity on its own and all together, against the same
// points one by one.
inline void check_blocks(const Objective& objective, double low, double high) {
  const std::size_t n = objective.dimension();
  std::mt19937_64 random(99);
  constexpr std::size_t most = 70;
  BlockArrays all(n, most);
  for (auto* array : {&all.x, &all.v, &all.w})
    *array = random_vector(random, array->size(), low, high);
  objective.evaluate(every_quantity, all.block(every_quantity));

  for (const std::size_t lanes : {1, 2, 3, 4, 5, 8, 9, 17, 64, 65, 70}) {
    for (const unsigned quantities : {1u, 2u, 4u, 8u, 16u, 32u, 15u, 63u}) {
      BlockArrays some(n, lanes);
      const std::size_t first = most - lanes;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          some.x[i * some.stride + lane] = all.x[i * all.stride + first + lane];
          some.v[i * some.stride + lane] = all.v[i * all.stride + first + lane];
          some.w[i * some.stride + lane] = all.w[i * all.stride + first + lane];
        }
      objective.evaluate(quantities, some.block(quantities));
      const auto got = some.outputs(), want = all.outputs();
      std::size_t wrong = 0;
      for (unsigned q = 0; q < got.size(); ++q)
        for (std::size_t i = 0; i < got[q]->size(); ++i) {
          const std::size_t row = i / some.stride, lane = i % some.stride;
          const bool written = (quantities >> q & 1u) != 0 && lane < lanes;
          const double expected = written ? (*want[q])[row * all.stride + first + lane] : 7.0;
          wrong += !same_bits((*got[q])[i], expected);
        }
      INFO("lanes " << lanes << ", quantities " << quantities);
      CHECK(wrong == 0);
    }
  }
}

// The message of the std::invalid_argument that building throws; empty when it throws none.
template <class Description>
std::string refusal(const Description& description) {
  try {
    make_objective(description);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

inline bool begins_with(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}

}  // namespace talweg::testing
