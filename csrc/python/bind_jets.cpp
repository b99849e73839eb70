#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "objective/exact_offsets.hpp"
#include "python/register.hpp"
#include "talweg/jets.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;
using Values = py::array_t<double, py::array::c_style | py::array::forcecast>;

std::span<const double> span_of(const Values& values) {
  return {values.data(), static_cast<std::size_t>(values.size())};
}

}  // namespace

void register_jets(py::module_& module) {
  module.def(
      "directional_derivative",
      [](const Tape& tape, Node output, std::size_t n) {
        TapeFunction result = directional_derivative(tape, output, n);
        return py::make_tuple(std::move(result.tape), result.output);
      },
      py::arg("tape"), py::arg("output"), py::arg("n"),
      "The derivative along v as a tape of the inputs (x, v), and its output.");
  module.def(
      "compose_taylor",
      [](std::shared_ptr<Objective> objective, const Values& origin, int order, double step) {
        return std::shared_ptr<Objective>(
            compose_taylor(std::move(objective), span_of(origin), order, step));
      },
      py::arg("objective"), py::arg("origin"), py::arg("order"), py::arg("step"),
      "The Taylor polynomial from second order on, of the offset, by products at the origin.");
  py::class_<ExactOffsets, Objective, std::shared_ptr<ExactOffsets>>(
      module, "ExactOffsets",
      "A recorded function of the offset from a point, its gradient from changes of values.")
      .def(py::init([](std::shared_ptr<Objective> objective, const Tape& tape, Node output,
                       const Values& point) {
             return std::make_shared<ExactOffsets>(std::move(objective), tape, output,
                                                   span_of(point));
           }),
           py::arg("objective"), py::arg("tape"), py::arg("output"), py::arg("point"));
  module.def(
      "compose_relative",
      [](std::shared_ptr<Objective> objective, std::shared_ptr<Objective> near,
         const Values& origin, double value, const Values& gradient, double radius) {
        return std::shared_ptr<Objective>(
            compose_relative(std::move(objective), std::move(near),
                             {span_of(origin), value, span_of(gradient)}, radius));
      },
      py::arg("objective"), py::arg("near"), py::arg("origin"), py::arg("value"),
      py::arg("gradient"), py::arg("radius"),
      "d -> objective(origin + d) - value - gradient . d, by near(d) where |d| < radius.");
}

}  // namespace talweg::python
