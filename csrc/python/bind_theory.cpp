// Resonances.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "talweg/resonances.hpp"

namespace py = pybind11;

namespace talweg::python {
namespace {

using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;

py::tuple resonances(const Numbers& numbers, bool multipliers, std::size_t max_order,
                     double tolerance, std::size_t max_count) {
  const std::span<const double> values(numbers.data(), static_cast<std::size_t>(numbers.size()));
  const ResonanceOptions options{max_order, tolerance, max_count};
  SignalCheck signals;
  Resonances result;
  {
    const py::gil_scoped_release released;
    result = multipliers ? map_resonances(values, options) : flow_resonances(values, options);
  }
  py::list found;
  for (const Resonance& one : result.found)
    found.append(py::make_tuple(one.index, py::tuple(py::cast(one.powers)), one.gap));
  const py::tuple answer = py::make_tuple(found, result.complete_order, result.status);
  signals.raise(answer);
  return answer;
}

}  // namespace

void register_theory(py::module_& module) {
  module.def("resonances", &resonances, py::arg("numbers"), py::arg("multipliers"),
             py::arg("max_order"), py::arg("tolerance"), py::arg("max_count"));
}

}  // namespace talweg::python
