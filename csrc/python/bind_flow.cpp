// Gradient flow.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "talweg/flow.hpp"

namespace py = pybind11;

namespace talweg::python {
namespace {

using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Shape = std::vector<py::ssize_t>;

std::vector<double> to_vector(const Numbers& array) {
  return {array.data(), array.data() + array.size()};
}

template <class To, class From>
py::array_t<To> to_array(const std::vector<From>& values, const Shape& shape) {
  py::array_t<To> array(shape);
  std::transform(values.begin(), values.end(), array.mutable_data(),
                 [](From value) { return static_cast<To>(value); });
  return array;
}

FlowOptions flow_options(const Objective& objective, const py::dict& given) {
  FlowOptions options;
  options.rtol = py::cast<double>(given["rtol"]);
  options.atol = py::cast<double>(given["atol"]);
  options.first_step = py::cast<double>(given["first_step"]);
  options.max_step = py::cast<double>(given["max_step"]);
  options.max_steps = py::cast<std::size_t>(given["max_steps"]);
  options.method = static_cast<FlowMethod>(py::cast<int>(given["method"]));
  options.log_volume = py::cast<bool>(given["log_volume"]);
  options.gradient_tolerance = py::cast<double>(given["gradient_tolerance"]);
  options.centres = to_vector(py::cast<Numbers>(given["centres"]));
  options.radii = to_vector(py::cast<Numbers>(given["radii"]));
  options.stop_at_ball = py::cast<bool>(given["stop_at_ball"]);
  options.level = py::cast<double>(given["level"]);
  options.stop_at_level = py::cast<bool>(given["stop_at_level"]);
  options.workers = py::cast<std::size_t>(given["workers"]);
  const std::vector<double> minima = to_vector(py::cast<Numbers>(given["minima"]));
  const std::vector<double> largest = to_vector(py::cast<Numbers>(given["largest_radii"]));
  const std::size_t n = objective.dimension();
  for (std::size_t m = 0; m < largest.size(); ++m)
    options.minima.push_back(
        describe_minimum(objective, std::span(minima).subspan(m * n, n), largest[m]));
  return options;
}

py::dict run(const Objective& objective, const Numbers& starts, const Numbers& times,
             const py::dict& given) {
  const FlowOptions options = flow_options(objective, given);
  const std::span<const double> points(starts.data(), static_cast<std::size_t>(starts.size()));
  const std::span<const double> moments(times.data(), static_cast<std::size_t>(times.size()));
  SignalCheck signals;
  FlowResult found;
  {
    const py::gil_scoped_release released;
    found = flow(objective, points, moments, options);
  }
  const auto n = static_cast<py::ssize_t>(objective.dimension());
  const auto m = static_cast<py::ssize_t>(found.status.size());
  const auto count = static_cast<py::ssize_t>(times.size());
  py::dict result;
  result["x"] = to_array<double>(found.x, {count, m, n});
  result["end"] = to_array<double>(found.end, {m, n});
  result["end_time"] = to_array<double>(found.end_time, {m});
  result["gradient_norm"] = to_array<double>(found.gradient_norm, {m});
  result["status"] = to_array<std::int64_t>(found.status, {m});
  result["steps"] = to_array<std::int64_t>(found.steps, {m});
  result["rejected"] = to_array<std::int64_t>(found.rejected, {m});
  result["implicit_steps"] = to_array<std::int64_t>(found.implicit_steps, {m});
  result["ball"] = to_array<std::int64_t>(found.ball, {m});
  result["ball_time"] = to_array<double>(found.ball_time, {m});
  result["level_time"] = to_array<double>(found.level_time, {m});
  result["linear"] = to_array<std::int64_t>(found.linear, {m});
  result["linear_time"] = to_array<double>(found.linear_time, {m});
  if (!found.ball_x.empty()) result["ball_x"] = to_array<double>(found.ball_x, {m, n});
  if (!found.level_x.empty()) result["level_x"] = to_array<double>(found.level_x, {m, n});
  if (options.log_volume) {
    result["log_volume"] = to_array<double>(found.log_volume, {count, m});
    result["end_log_volume"] = to_array<double>(found.end_log_volume, {m});
  }
  signals.raise(result);
  return result;
}

py::dict minimum(const Objective& objective, const Numbers& x, double largest) {
  const FlowMinimum found =
      describe_minimum(objective, std::span(x.data(), static_cast<std::size_t>(x.size())), largest);
  const auto n = static_cast<py::ssize_t>(objective.dimension());
  py::dict result;
  result["eigenvalues"] = to_array<double>(found.eigenvalues, {n});
  result["eigenvectors"] = to_array<double>(found.eigenvectors, {n, n});
  result["third"] = found.third;
  result["radius"] = found.radius;
  return result;
}

}  // namespace

void register_flow(py::module_& module) {
  module.def("flow", &run, py::arg("objective"), py::arg("starts"), py::arg("times"),
             py::arg("options"));
  module.def("flow_minimum", &minimum, py::arg("objective"), py::arg("x"), py::arg("largest"));
}

}  // namespace talweg::python
