#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "objective/point_arrays.hpp"
#include "objective/tape_objective.hpp"
#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "talweg/tape.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;
using Nodes = py::array_t<Node, py::array::c_style | py::array::forcecast>;
using Values = py::array_t<double, py::array::c_style | py::array::forcecast>;

template <class Array>
std::vector<py::ssize_t> shape(const Array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

Operation operation_named(const std::string& wanted) {
  for (std::size_t i = 0; i < operation_count; ++i)
    if (wanted == name(static_cast<Operation>(i)) && arity(static_cast<Operation>(i)) > 0)
      return static_cast<Operation>(i);
  throw py::value_error("name: no operation is called '" + wanted + "'");
}

Nodes apply(Tape& tape, const std::string& operation_name, const Nodes& a,
            const std::optional<Nodes>& b, const std::optional<Nodes>& c) {
  const Operation operation = operation_named(operation_name);
  for (const auto* other : {&b, &c})
    if (*other && shape(**other) != shape(a))
      throw py::value_error("a, b and c must have equal shapes");
  Nodes result(shape(a));
  Node* out = result.mutable_data();
  for (py::ssize_t i = 0; i < a.size(); ++i)
    out[i] =
        tape.apply(operation, a.data()[i], b ? b->data()[i] : no_node, c ? c->data()[i] : no_node);
  return result;
}

Node checked(const Tape& tape, Node node) {
  if (node >= tape.size())
    throw py::value_error("node: " + std::to_string(node) + " is no node of this tape");
  return node;
}

std::vector<std::string> kinks(const Tape& tape, std::optional<Node> output) {
  std::vector<Node> nodes;
  if (output) {
    checked(tape, *output);
    nodes = tape.reachable(std::span(&*output, 1));
  } else {
    nodes.resize(tape.size());
    for (Node node = 0; node < tape.size(); ++node) nodes[node] = node;
  }
  bool found[operation_count] = {};
  for (const Node node : nodes) found[static_cast<std::size_t>(tape.entry(node).operation)] = true;
  std::vector<std::string> names;
  for (const Operation operation :
       {Operation::absolute, Operation::sign, Operation::minimum, Operation::maximum,
        Operation::less, Operation::less_equal, Operation::equal, Operation::select})
    if (found[static_cast<std::size_t>(operation)]) names.emplace_back(name(operation));
  return names;
}

template <class T>
py::array_t<T> to_array(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

template <class T>
std::vector<T> to_vector(const py::dict& stored, const char* key) {
  if (!stored.contains(key))
    throw py::value_error(std::string("not a saved tape: it has no '") + key + "'");
  const auto array = py::array_t<T, py::array::c_style>::ensure(stored[key]);
  // Only exact types: a cast would turn corrupted numbers into valid ones.
  if (!array || !py::isinstance<py::array_t<T>>(stored[key])) {
    PyErr_Clear();
    throw py::value_error(std::string("not a saved tape: '") + key + "' has the wrong type");
  }
  return {array.data(), array.data() + array.size()};
}

py::dict to_dict(const SerializedTape& serialized) {
  py::dict result;
  result["inputs"] = to_array(std::vector<std::uint64_t>{serialized.inputs});
  result["output"] = to_array(std::vector<std::uint32_t>{serialized.output});
  result["operations"] = to_array(serialized.operations);
  result["operands"] = to_array(serialized.operands);
  result["tables"] = to_array(serialized.tables);
  result["values"] = to_array(serialized.values);
  result["table_shapes"] = to_array(serialized.table_shapes);
  result["table_values"] = to_array(serialized.table_values);
  return result;
}

SerializedTape from_dict(const py::dict& stored) {
  const auto inputs = to_vector<std::uint64_t>(stored, "inputs");
  const auto output = to_vector<std::uint32_t>(stored, "output");
  if (inputs.size() != 1 || output.size() != 1)
    throw py::value_error("not a saved tape: 'inputs' and 'output' hold one number each");
  SerializedTape serialized;
  serialized.inputs = inputs[0];
  serialized.output = output[0];
  serialized.operations = to_vector<std::uint16_t>(stored, "operations");
  serialized.operands = to_vector<std::uint32_t>(stored, "operands");
  serialized.tables = to_vector<std::int32_t>(stored, "tables");
  serialized.values = to_vector<double>(stored, "values");
  serialized.table_shapes = to_vector<std::uint64_t>(stored, "table_shapes");
  serialized.table_values = to_vector<double>(stored, "table_values");
  return serialized;
}

void register_tape(py::module_& module) {
  py::register_exception<RecordingLimit>(module, "RecordingLimit", PyExc_ValueError);
  py::class_<Tape>(module, "Tape", "A graph of operations on nodes, which are numbered.")
      .def(py::init([](py::ssize_t n) {
             if (n < 1) throw py::value_error("n: want at least 1, got " + std::to_string(n));
             return Tape(static_cast<std::size_t>(n));
           }),
           py::arg("n"))
      .def_property_readonly("n", &Tape::inputs)
      .def_property_readonly("size", &Tape::operations, "Number of operations recorded.")
      .def_property_readonly("nodes", &Tape::size, "Number of nodes, constants included.")
      .def("input",
           [](const Tape& tape) {
             Nodes nodes(static_cast<py::ssize_t>(tape.inputs()));
             for (std::size_t i = 0; i < tape.inputs(); ++i) nodes.mutable_at(i) = tape.input(i);
             return nodes;
           })
      .def(
          "constant",
          [](Tape& tape, const Values& values) {
            Nodes nodes(shape(values));
            Node* out = nodes.mutable_data();
            for (py::ssize_t i = 0; i < values.size(); ++i)
              out[i] = tape.constant(values.data()[i]);
            return nodes;
          },
          py::arg("values"))
      .def("apply", &apply, py::arg("name"), py::arg("a"), py::arg("b") = py::none(),
           py::arg("c") = py::none())
      .def(
          "data",
          [](Tape& tape, const Values& array) {
            if (array.ndim() != 2 || array.shape(0) == 0 || array.shape(1) == 0)
              throw py::value_error("array: want shape (rows, columns), both at least 1");
            const std::size_t rows = array.shape(0), columns = array.shape(1);
            std::vector<double> values(rows * columns);
            for (std::size_t i = 0; i < rows; ++i)
              for (std::size_t j = 0; j < columns; ++j)
                values[j * rows + i] = array.data()[i * columns + j];
            const std::int32_t table = tape.add_table(rows, columns, values);
            Nodes nodes(static_cast<py::ssize_t>(columns));
            for (std::size_t j = 0; j < columns; ++j)
              nodes.mutable_at(j) = tape.data_column(table, j);
            return nodes;
          },
          py::arg("array"))
      .def(
          "sum_rows",
          [](Tape& tape, const Nodes& a) {
            Nodes nodes(shape(a));
            Node* out = nodes.mutable_data();
            for (py::ssize_t i = 0; i < a.size(); ++i) out[i] = tape.sum_rows(a.data()[i]);
            return nodes;
          },
          py::arg("a"))
      .def(
          "is_constant",
          [](const Tape& tape, Node node) { return tape.is_constant(checked(tape, node)); },
          py::arg("node"))
      .def(
          "constant_value",
          [](const Tape& tape, Node node) {
            if (!tape.is_constant(checked(tape, node)))
              throw py::value_error("node: " + std::to_string(node) + " is no constant");
            return tape.entry(node).value;
          },
          py::arg("node"))
      .def(
          "is_row", [](const Tape& tape, Node node) { return tape.is_row(checked(tape, node)); },
          py::arg("node"))
      .def("kinks", &kinks, py::arg("output") = py::none(),
           "Names of the operations with kinks or jumps that the output depends on, or that the "
           "whole tape holds.")
      .def(
          "serialize",
          [](const Tape& tape, Node output) {
            return to_dict(talweg::serialize(tape, checked(tape, output)));
          },
          py::arg("output"))
      .def_static(
          "deserialize",
          [](const py::dict& stored) {
            TapeFunction function = deserialize(from_dict(stored));
            return py::make_tuple(std::move(function.tape), function.output);
          },
          py::arg("stored"));
}

struct QuantityName {
  Quantity quantity;
  const char* name;
};
constexpr QuantityName quantity_names[] = {
    {quantity_value, "value"},
    {quantity_gradient, "gradient"},
    {quantity_hessian, "hessian"},
    {quantity_third, "third"},
    {quantity_hessian_product, "hessian_product"},
    {quantity_third_product, "third_product"},
};

const double* points_of(const std::optional<Values>& array, const char* argument, py::ssize_t m,
                        py::ssize_t n) {
  if (!array) throw py::value_error(std::string(argument) + ": the quantities need it");
  if (array->ndim() != 2 || array->shape(0) != m || array->shape(1) != n)
    throw py::value_error(std::string(argument) + ": want shape (" + std::to_string(m) + ", " +
                          std::to_string(n) + ")");
  return array->data();
}

py::dict evaluate(const Objective& objective, const Values& x, unsigned quantities,
                  const std::optional<Values>& v, const std::optional<Values>& w, int workers) {
  if (quantities == 0 || quantities >= 64)
    throw py::value_error("quantities: want a sum of quantity bits, got " +
                          std::to_string(quantities));
  if (workers < 0)
    throw py::value_error("workers: want at least 0, got " + std::to_string(workers));
  const auto n = static_cast<py::ssize_t>(objective.dimension());
  if (x.ndim() != 2) throw py::value_error("x: want shape (m, " + std::to_string(n) + ")");
  const py::ssize_t m = x.shape(0);
  PointArrays arrays;
  arrays.points = static_cast<std::size_t>(m);
  arrays.x = points_of(x, "x", m, n);
  if (quantities & (quantity_third | quantity_hessian_product | quantity_third_product))
    arrays.v = points_of(v, "v", m, n);
  if (quantities & quantity_third_product) arrays.w = points_of(w, "w", m, n);

  py::dict result;
  const auto allocate = [&](Quantity quantity, const char* key, std::vector<py::ssize_t> shape,
                            double*& data) {
    if (!(quantities & quantity)) return;
    py::array_t<double> array(std::move(shape));
    data = array.mutable_data();
    result[key] = std::move(array);
  };
  allocate(quantity_value, "value", {m}, arrays.value);
  allocate(quantity_gradient, "gradient", {m, n}, arrays.gradient);
  allocate(quantity_hessian, "hessian", {m, n, n}, arrays.hessian);
  allocate(quantity_third, "third", {m, n, n}, arrays.third);
  allocate(quantity_hessian_product, "hessian_product", {m, n}, arrays.hessian_product);
  allocate(quantity_third_product, "third_product", {m, n}, arrays.third_product);
  SignalCheck signals;
  {
    // The arguments are held by this call, and nobody else has seen the results.
    const py::gil_scoped_release released;
    evaluate_points(objective, quantities, arrays, static_cast<std::size_t>(workers));
  }
  signals.raise(result);
  return result;
}

// A block of points as the kernels have it, in the caller's arrays.
void evaluate_block(const Objective& objective, unsigned quantities, const py::dict& arrays,
                    std::size_t lanes) {
  const std::size_t n = objective.dimension(), triangle = n * (n + 1) / 2;
  EvaluationBlock block;
  block.lanes = lanes;
  const auto rows = [&](const char* key, bool wanted, std::size_t count) -> double* {
    if (!wanted) return nullptr;
    if (!arrays.contains(key)) throw py::value_error(std::string("arrays: no ") + key);
    auto array = py::cast<py::array>(arrays[key]);
    if (!py::isinstance<py::array_t<double, py::array::c_style>>(array) || array.ndim() != 2 ||
        array.shape(0) != static_cast<py::ssize_t>(count) ||
        array.shape(1) < static_cast<py::ssize_t>(lanes) ||
        (block.stride != 0 && array.shape(1) != static_cast<py::ssize_t>(block.stride)))
      throw py::value_error(std::string("arrays: ") + key + ": want float64, shape (" +
                            std::to_string(count) + ", stride), stride the same in all");
    block.stride = static_cast<std::size_t>(array.shape(1));
    return static_cast<double*>(array.mutable_data());
  };
  constexpr unsigned need_v = quantity_third | quantity_hessian_product | quantity_third_product;
  block.x = rows("x", true, n);
  block.v = rows("v", quantities & need_v, n);
  block.w = rows("w", quantities & quantity_third_product, n);
  block.value = rows("value", quantities & quantity_value, 1);
  block.gradient = rows("gradient", quantities & quantity_gradient, n);
  block.hessian = rows("hessian", quantities & quantity_hessian, triangle);
  block.third = rows("third", quantities & quantity_third, triangle);
  block.hessian_product = rows("hessian_product", quantities & quantity_hessian_product, n);
  block.third_product = rows("third_product", quantities & quantity_third_product, n);
  const py::gil_scoped_release released;
  objective.evaluate(quantities, block);
}

void register_kinds(py::module_& module) {
  py::class_<Objective, std::shared_ptr<Objective>>(
      module, "Objective", "A function of n coordinates that is evaluated on blocks of points.")
      .def_property_readonly("dimension", &Objective::dimension)
      .def_property_readonly("thread_safe", &Objective::thread_safe)
      .def_property_readonly(
          "errors",
          [](const Objective& objective) {
            const DerivativeErrors errors = objective.errors();
            py::dict result;
            result["gradient"] = errors.gradient;
            result["hessian"] = errors.hessian;
            result["third"] = errors.third;
            return result;
          },
          "Estimated errors of the derivatives beyond rounding: coefficients of |f|, |grad f| and "
          "|H|.")
      .def("evaluate", &evaluate, py::arg("x"), py::arg("quantities"), py::arg("v") = py::none(),
           py::arg("w") = py::none(), py::arg("workers") = 0,
           "Quantities at the points x (m, n) by name: (m,), (m, n) or (m, n, n) arrays.")
      .def("evaluate_block", &evaluate_block, py::arg("quantities"), py::arg("arrays"),
           py::arg("lanes"),
           "Writes the quantities of a block of points, one row a coordinate, into arrays of shape "
           "(rows, stride): what kernels do. Symmetric matrices are packed lower triangles.");
  py::class_<TapeObjective, Objective, std::shared_ptr<TapeObjective>>(
      module, "TapeObjective", "An objective whose function is the output of a tape.")
      .def(py::init([](const Tape& tape, Node output) {
             return std::make_shared<TapeObjective>(tape, checked(tape, output));
           }),
           py::arg("tape"), py::arg("output"))
      .def(
          "instruction_counts",
          [](const TapeObjective& objective) {
            py::dict counts;
            unsigned all = 0;
            for (const auto& [quantity, name] : quantity_names) {
              counts[name] = objective.instructions(quantity);
              if (quantity <= quantity_third) all |= quantity;
            }
            counts["value_to_third"] = objective.instructions(all);
            return counts;
          },
          "Length of the program for each quantity on its own, and for those up to T[v] together; "
          "None where a matrix is put together from products with unit vectors.")
      .def("serialize", [](const TapeObjective& objective) {
        return to_dict(talweg::serialize(objective.tape(), objective.output()));
      });
}

}  // namespace

void register_objective(py::module_& module) {
  register_tape(module);
  register_kinds(module);
}

}  // namespace talweg::python
