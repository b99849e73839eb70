#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "python/register.hpp"
#include "talweg/algebra.hpp"
#include "talweg/tape.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;
using Values = py::array_t<double, py::array::c_style | py::array::forcecast>;

std::span<const double> span_of(const Values& values) {
  return {values.data(), static_cast<std::size_t>(values.size())};
}

}  // namespace

void register_algebra(py::module_& module) {
  module.def(
      "linear_combination",
      [](const std::vector<std::pair<double, std::shared_ptr<Objective>>>& terms, double constant) {
        std::vector<LinearTerm> list;
        for (const auto& [coefficient, objective] : terms) list.push_back({coefficient, objective});
        return std::shared_ptr<Objective>(linear_combination(std::move(list), constant));
      },
      py::arg("terms"), py::arg("constant"), "constant + sum of coefficient * objective.");
  module.def(
      "compose_affine",
      [](std::shared_ptr<Objective> objective, const Values& matrix, const Values& origin) {
        return std::shared_ptr<Objective>(
            compose_affine(std::move(objective), span_of(matrix), span_of(origin)));
      },
      py::arg("objective"), py::arg("matrix"), py::arg("origin"),
      "y -> objective(matrix @ y + origin).");
  module.def(
      "bind_inputs",
      [](const Tape& tape, Node output, const Values& values) {
        if (output >= tape.size()) {
          throw py::value_error("output: " + std::to_string(output) + " is no node of this tape");
        }
        TapeFunction bound = bind_inputs(tape, output, span_of(values));
        return py::make_tuple(std::move(bound.tape), bound.output);
      },
      py::arg("tape"), py::arg("output"), py::arg("values"),
      "The tape with its last inputs fixed at values, and its output there.");
}

}  // namespace talweg::python
