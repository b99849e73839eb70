// Symmetric operators that are Python functions.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "python/signal_check.hpp"
#include "talweg/lanczos.hpp"

namespace talweg::python {

// A Python function of an array (n, m) that returns the products with its columns.
class CallableOperator final : public SymmetricOperator {
 public:
  CallableOperator(pybind11::function function, std::size_t n, std::size_t block, bool symmetric)
      : function_(std::move(function)), n_(n), block_(block), symmetric_(symmetric) {}

  std::size_t dimension() const noexcept override { return n_; }
  std::size_t preferred_block() const noexcept override { return block_; }
  bool known_symmetric() const noexcept override { return symmetric_; }

  const double* apply(std::size_t count, const double* vectors, std::size_t stride,
                      double* products) const override {
    const pybind11::gil_scoped_acquire acquired;
    try {
      return called(count, vectors, stride, products);
    } catch (pybind11::error_already_set& error) {
      SignalCheck* const signals = SignalCheck::current();
      if (signals == nullptr || !error.matches(PyExc_KeyboardInterrupt)) throw;
      signals->stop(std::move(error));
      for (std::size_t j = 0; j < count; ++j)
        std::fill_n(products + j * stride, n_, std::numeric_limits<double>::quiet_NaN());
      return products;
    }
  }

 private:
  const double* called(std::size_t count, const double* vectors, std::size_t stride,
                       double* products) const {
    const auto n = static_cast<pybind11::ssize_t>(n_), m = static_cast<pybind11::ssize_t>(count);
    const auto step = static_cast<pybind11::ssize_t>(sizeof(double));
    const std::vector<pybind11::ssize_t> shape{n, m};
    // The function sees long vectors where they are, and may not write to them; of short ones it
    // gets a copy, which it may keep.
    const pybind11::object owner =
        n_ * count < worth_sharing ? pybind11::object() : pybind11::none();
    pybind11::array_t<double> given(shape, {step, step * static_cast<pybind11::ssize_t>(stride)},
                                    vectors, owner);
    given.attr("setflags")(pybind11::arg("write") = false);
    const pybind11::object returned = function_(given);
    const auto array = pybind11::array::ensure(returned);
    if (!array) {
      PyErr_Clear();
      throw pybind11::type_error(std::string("f_or_operator: its product is a ") +
                                 Py_TYPE(returned.ptr())->tp_name +
                                 ", want an array of real numbers");
    }
    const char kind = array.dtype().kind();
    if (kind != 'f' && kind != 'i' && kind != 'u' && kind != 'b') {
      throw pybind11::type_error("f_or_operator: its product has dtype " +
                                 pybind11::cast<std::string>(pybind11::str(array.dtype())) +
                                 ", want real numbers");
    }
    const bool flat = count == 1 && array.ndim() == 1 && array.shape(0) == n;
    const bool fits = array.ndim() == 2 && array.shape(0) == n && array.shape(1) == m;
    if (!flat && !fits) {
      throw pybind11::value_error("f_or_operator: its product with an array of shape " +
                                  pybind11::cast<std::string>(pybind11::str(given.attr("shape"))) +
                                  " has shape " +
                                  pybind11::cast<std::string>(pybind11::str(array.attr("shape"))));
    }
    const auto columns =
        pybind11::array_t<double, pybind11::array::f_style | pybind11::array::forcecast>::ensure(
            array);
    if (!columns) throw pybind11::error_already_set();
    if (count == 1) {
      latest_ = columns;
      return columns.data();
    }
    for (std::size_t j = 0; j < count; ++j)
      std::copy_n(columns.data() + j * n_, n_, products + j * stride);
    return products;
  }

  // From this many numbers on, a copy would cost a sensible part of a step.
  static constexpr std::size_t worth_sharing = 200000;

  pybind11::function function_;
  std::size_t n_, block_;
  bool symmetric_;
  mutable pybind11::object latest_;  // keeps the last product
};

}  // namespace talweg::python
