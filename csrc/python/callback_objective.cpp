#include "python/callback_objective.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "objective/block_rows.hpp"
#include "objective/transposition.hpp"
#include "python/signal_check.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;

constexpr const char* role_names[] = {"fun", "grad", "hess", "hessp", "third"};

// What the functions return has this many axes of n beside the points'.
constexpr std::size_t role_orders[] = {0, 1, 2, 1, 2};

py::array_t<double> points_array(std::size_t n, const double* rows, std::size_t stride,
                                 std::size_t first, std::size_t count) {
  py::array_t<double> points({static_cast<py::ssize_t>(count), static_cast<py::ssize_t>(n)});
  rows_to_points(n, count, rows + first, stride, points.mutable_data());
  return points;
}

py::array_t<double> point_array(std::size_t n, const double* rows, std::size_t stride,
                                std::size_t lane) {
  py::array_t<double> point(static_cast<py::ssize_t>(n));
  double* const out = point.mutable_data();
  for (std::size_t i = 0; i < n; ++i) out[i] = rows[i * stride + lane];
  return point;
}

bool rows_are_finite(std::size_t n, std::size_t lanes, std::size_t stride, const double* rows) {
  // Several sums, which need not wait for one another.
  double sums[8] = {};
  for (std::size_t i = 0; i < n; ++i) {
    const double* const row = rows + i * stride;
    std::size_t l = 0;
    for (; l + 8 <= lanes; l += 8) {
      for (std::size_t k = 0; k < 8; ++k) sums[k] += 0.0 * row[l + k];
    }
    for (; l < lanes; ++l) sums[0] += 0.0 * row[l];
  }
  double check = 0.0;
  for (const double sum : sums) check += sum;
  return check == 0.0;
}

std::string shape_text(const std::vector<py::ssize_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += std::to_string(shape[i]) + (i + 1 < shape.size() ? ", " : "");
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

CallbackObjective::CallbackObjective(std::size_t dimension, std::array<py::object, roles> functions,
                                     bool batched, py::tuple arguments)
    : n_(dimension),
      functions_(std::move(functions)),
      batched_(batched),
      joint_(functions_[grad].ptr() == Py_True),
      arguments_(std::move(arguments)),
      available_(quantity_value) {
  if (n_ == 0) throw py::value_error("n: want at least 1, got 0");
  if (!functions_[grad].is_none()) available_ |= quantity_gradient;
  if (!functions_[hess].is_none()) available_ |= quantity_hessian;
  if (!functions_[hessp].is_none()) available_ |= quantity_hessian_product;
  if (!functions_[third].is_none()) available_ |= quantity_third;
}

CallbackObjective::~CallbackObjective() {
  const py::gil_scoped_acquire acquired;
  clear();
}

int CallbackObjective::traverse(visitproc visit, void* arg) const {
  for (const py::object& function : functions_) Py_VISIT(function.ptr());
  Py_VISIT(arguments_.ptr());
  return 0;
}

void CallbackObjective::clear() {
  for (py::object& function : functions_) function = py::object();
  arguments_.release().dec_ref();
}

void CallbackObjective::evaluate(unsigned quantities, const EvaluationBlock& block) const {
  if (block.lanes == 0) return;
  const bool reads_v = (quantities & available_ & (quantity_hessian_product | quantity_third)) != 0;
  const bool all_finite = rows_are_finite(n_, block.lanes, block.stride, block.x) &&
                          (!reads_v || rows_are_finite(n_, block.lanes, block.stride, block.v));
  const py::gil_scoped_acquire acquired;
  try {
    if (all_finite) {
      evaluate_with_gil(quantities, block);
      return;
    }
    std::vector<std::size_t> lanes;
    for (std::size_t l = 0; l < block.lanes; ++l) {
      bool finite = true;
      for (std::size_t i = 0; i < n_; ++i) {
        finite = finite && std::isfinite(block.x[i * block.stride + l]) &&
                 (!reads_v || std::isfinite(block.v[i * block.stride + l]));
      }
      if (finite) lanes.push_back(l);
    }
    fill_nan(n_, quantities & available_, block);
    if (!lanes.empty()) evaluate_finite(quantities & available_, block, lanes);
  } catch (py::error_already_set& error) {
    SignalCheck* const signals = SignalCheck::current();
    if (signals == nullptr || !error.matches(PyExc_KeyboardInterrupt)) throw;
    signals->stop(std::move(error));
    fill_nan(n_, quantities & available_, block);
  }
}

void CallbackObjective::evaluate_finite(unsigned quantities, const EvaluationBlock& block,
                                        const std::vector<std::size_t>& lanes) const {
  std::vector<std::vector<double>> storage;
  EvaluationBlock packed;
  packed.lanes = packed.stride = lanes.size();
  const auto gather = [&](const double* rows) -> const double* {
    std::vector<double>& to = storage.emplace_back(n_ * lanes.size());
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t l = 0; l < lanes.size(); ++l) {
        to[i * lanes.size() + l] = rows[i * block.stride + lanes[l]];
      }
    }
    return to.data();
  };
  packed.x = gather(block.x);
  if ((quantities & quantities_of_v) != 0) packed.v = gather(block.v);
  for_each_output(n_, quantities, [&](auto member, std::size_t rows) {
    packed.*member = storage.emplace_back(rows * lanes.size()).data();
  });
  evaluate_with_gil(quantities, packed);
  for_each_output(n_, quantities, [&](auto member, std::size_t rows) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t l = 0; l < lanes.size(); ++l) {
        (block.*member)[r * block.stride + lanes[l]] = (packed.*member)[r * lanes.size() + l];
      }
    }
  });
}

void CallbackObjective::evaluate_with_gil(unsigned quantities, const EvaluationBlock& block) const {
  const std::size_t at_once = batched_ ? block.lanes : 1;
  struct Wanted {
    Quantity quantity;
    Role role;
    double* rows;
    const double* vectors;
  };
  const Wanted wanted[] = {
      {quantity_value, fun, block.value, nullptr},
      {quantity_gradient, grad, block.gradient, nullptr},
      {quantity_hessian, hess, block.hessian, nullptr},
      {quantity_hessian_product, hessp, block.hessian_product, block.v},
      {quantity_third, third, block.third, block.v},
  };
  for (std::size_t first = 0; first < block.lanes; first += at_once) {
    for (const auto& [quantity, role, rows, vectors] : wanted) {
      if ((quantities & available_ & quantity) == 0) continue;
      if (joint_ && role <= grad) continue;
      const py::object result = call(role, block, first, at_once, vectors);
      const std::size_t order = role_orders[role];
      if (order == 0 && PyFloat_CheckExact(result.ptr()) && !batched_) {
        rows[first] = PyFloat_AS_DOUBLE(result.ptr());
        continue;
      }
      store(checked(result, role_names[role], at_once, order), order, rows, block.stride, first,
            at_once);
    }
    if (joint_ && (quantities & (quantity_value | quantity_gradient)) != 0) {
      value_and_gradient(block, first, at_once,
                         (quantities & quantity_value) != 0 ? block.value : nullptr,
                         (quantities & quantity_gradient) != 0 ? block.gradient : nullptr);
    }
  }
}

void CallbackObjective::value_and_gradient(const EvaluationBlock& block, std::size_t first,
                                           std::size_t count, double* value,
                                           double* gradient) const {
  const py::object result = call(fun, block, first, count, nullptr);
  if (!PyTuple_Check(result.ptr()) && !PyList_Check(result.ptr())) {
    throw py::type_error(
        std::string("fun: grad=True wants it to return (value, gradient), got a ") +
        Py_TYPE(result.ptr())->tp_name);
  }
  const auto parts = py::reinterpret_borrow<py::sequence>(result);
  if (parts.size() != 2) {
    throw py::value_error("fun: grad=True wants it to return (value, gradient), got " +
                          std::to_string(parts.size()) + " parts");
  }
  if (value != nullptr) {
    store(checked(py::object(parts[0]), "fun", count, 0), 0, value, block.stride, first, count);
  }
  if (gradient != nullptr) {
    store(checked(py::object(parts[1]), "fun's gradient", count, 1), 1, gradient, block.stride,
          first, count);
  }
}

py::object CallbackObjective::call(Role role, const EvaluationBlock& block, std::size_t first,
                                   std::size_t count, const double* vectors) const {
  const py::object& function = functions_[role];
  if (!function) throw py::value_error("the objective's functions have been garbage collected");
  const std::size_t stride = block.stride;
  const py::object x = batched_ ? py::object(points_array(n_, block.x, stride, first, count))
                                : py::object(point_array(n_, block.x, stride, first));
  if (vectors == nullptr && arguments_.empty()) return function(x);
  py::object v;
  if (vectors != nullptr) {
    v = batched_ ? py::object(points_array(n_, vectors, stride, first, count))
                 : py::object(point_array(n_, vectors, stride, first));
  }
  if (arguments_.empty()) return function(x, v);
  return v ? function(x, v, *arguments_) : function(x, *arguments_);
}

py::array_t<double> CallbackObjective::checked(const py::handle& result, const char* name,
                                               std::size_t count, std::size_t order) const {
  const auto array = py::array::ensure(result);
  if (!array) {
    PyErr_Clear();
    throw py::type_error(std::string(name) + ": returned a " + Py_TYPE(result.ptr())->tp_name +
                         ", want an array of real numbers");
  }
  const char kind = array.dtype().kind();
  const bool narrow = kind == 'f' && array.itemsize() < static_cast<py::ssize_t>(sizeof(double));
  if (narrow || (kind != 'f' && kind != 'i' && kind != 'u' && kind != 'b')) {
    std::string message =
        std::string(name) + ": returned " +
        (kind == 'O' ? std::string(Py_TYPE(result.ptr())->tp_name) + " with " : std::string()) +
        "dtype " + py::cast<std::string>(py::str(array.dtype())) + ", want float64";
    if (narrow) message += "; where less precise numbers are meant, convert them and give noise=";
    throw py::type_error(message);
  }
  std::vector<py::ssize_t> want(order, static_cast<py::ssize_t>(n_));
  if (batched_) want.insert(want.begin(), static_cast<py::ssize_t>(count));
  bool fits = static_cast<std::size_t>(array.ndim()) == want.size() &&
              std::equal(want.begin(), want.end(), array.shape());
  if (!batched_ && order == 0) fits = array.size() == 1;
  if (!fits) {
    const std::vector<py::ssize_t> got(array.shape(), array.shape() + array.ndim());
    std::string message =
        std::string(name) + ": returned shape " + shape_text(got) + ", want " + shape_text(want);
    message += batched_ ? " for x of shape (" + std::to_string(count) + ", " + std::to_string(n_) +
                              "); use batched=False for a function of one point"
                        : " for one point x of shape (" + std::to_string(n_) + ",)";
    throw py::value_error(message);
  }
  auto values = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(array);
  if (!values) throw py::error_already_set();
  return values;
}

void CallbackObjective::store(const py::array_t<double>& result, std::size_t order, double* rows,
                              std::size_t stride, std::size_t first, std::size_t count) const {
  const double* const from = result.data();
  double* const to = rows + first;
  if (order == 0) {
    std::copy_n(from, count, to);
  } else if (order == 1) {
    points_to_rows(n_, count, from, to, stride);
  } else {
    // Rounding may leave a matrix a little asymmetric.
    for (std::size_t i = 0, row = 0; i < n_; ++i) {
      for (std::size_t j = 0; j <= i; ++j, ++row) {
        for (std::size_t l = 0; l < count; ++l) {
          const double* const matrix = from + l * n_ * n_;
          to[row * stride + l] = 0.5 * (matrix[i * n_ + j] + matrix[j * n_ + i]);
        }
      }
    }
  }
}

}  // namespace talweg::python
