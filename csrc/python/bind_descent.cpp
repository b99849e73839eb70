// Descent of many points.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "descent/compiled_descent.hpp"
#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "spectrum/aligned_memory.hpp"
#include "talweg/descent.hpp"

namespace py = pybind11;

namespace talweg::python {
namespace {

using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;

// An array of the result, with a place in DescentArrays, or nothing.
double* wanted(py::dict& result, const char* name, bool yes, std::vector<py::ssize_t> shape,
               double start) {
  if (!yes) return nullptr;
  py::array_t<double> array(std::move(shape));
  std::fill_n(array.mutable_data(), array.size(), start);
  result[name] = array;
  return array.mutable_data();
}

// Code as talweg.machine_code.DescentLoop describes it: its parameters are copied to `memory`,
// where no vector of them straddles cache lines.
CompiledDescent compiled(const py::dict& given, AlignedMemory& memory) {
  CompiledDescent code;
  code.advance =
      reinterpret_cast<decltype(code.advance)>(py::cast<std::uintptr_t>(given["address"]));
  const auto parameters = py::cast<Numbers>(given["parameters"]);
  double* const room = memory.reserve(static_cast<std::size_t>(parameters.size()));
  std::copy_n(parameters.data(), parameters.size(), room);
  code.parameters = room;
  code.lanes = py::cast<std::size_t>(given["lanes"]);
  code.cautious = py::cast<bool>(given["cautious"]);
  const std::pair<const char*, std::size_t CompiledDescent::*> places[] = {
      {"x0", &CompiledDescent::x},
      {"before0", &CompiledDescent::before},
      {"bound", &CompiledDescent::bound},
      {"square", &CompiledDescent::square},
      {"product", &CompiledDescent::product},
      {"exponent", &CompiledDescent::exponent},
      {"smallest", &CompiledDescent::smallest},
      {"largest", &CompiledDescent::largest},
      {"odd", &CompiledDescent::odd}};
  for (const py::handle row : given["rows"]) {
    const auto name = py::cast<std::string>(row);
    for (const auto& [known, place] : places)
      if (name == known) code.*place = code.rows;
    ++code.rows;
  }
  return code;
}

py::dict descend_points(const Objective& objective, const Numbers& x0, double step_length,
                        std::size_t steps, double momentum, bool nesterov, double noise,
                        std::uint64_t seed, double gradient_tolerance, std::size_t record_every,
                        bool log_volume, bool tangent, bool eigenvalues, bool records,
                        std::size_t workers, const std::optional<py::dict>& loop) {
  const py::ssize_t n = static_cast<py::ssize_t>(objective.dimension());
  if (x0.ndim() != 2 || x0.shape(1) != n) throw py::value_error("x0: want shape (m, n)");
  const py::ssize_t count = x0.shape(0);
  DescentOptions options{step_length,        steps,        momentum, nesterov, noise, seed,
                         gradient_tolerance, record_every, workers};
  const auto rows = static_cast<py::ssize_t>(descent_records(options));
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  py::dict result;
  py::array_t<double> x({count, n});
  std::copy_n(x0.data(), x0.size(), x.mutable_data());
  py::array_t<std::uint64_t> taken(count);
  py::array_t<int> statuses(count);
  result["x"] = x;
  result["steps"] = taken;
  result["status"] = statuses;
  DescentArrays arrays;
  arrays.x = x.mutable_data();
  arrays.steps = taken.mutable_data();
  static_assert(sizeof(Status) == sizeof(int));
  arrays.statuses = reinterpret_cast<Status*>(statuses.mutable_data());
  arrays.log_volume = wanted(result, "log_volume", log_volume, {count}, 0.0);
  arrays.orientation = wanted(result, "orientation", log_volume, {count}, 1.0);
  arrays.smallest = wanted(result, "smallest", eigenvalues, {count}, nan);
  arrays.largest = wanted(result, "largest", eigenvalues, {count}, nan);
  arrays.stretch = wanted(result, "stretch", tangent, {count, n}, 0.0);
  arrays.frames = wanted(result, "frames", tangent, {count, n, n}, nan);
  arrays.path = wanted(result, "path", true, {rows, count, n}, nan);
  arrays.record_value = wanted(result, "record_value", records, {rows, count}, nan);
  arrays.record_slope = wanted(result, "record_slope", records, {rows, count}, nan);
  arrays.record_volume = wanted(result, "record_volume", log_volume, {rows, count}, nan);
  if (rows == 0) arrays.path = nullptr;
  if (rows == 0) arrays.record_value = arrays.record_slope = arrays.record_volume = nullptr;
  AlignedMemory parameters;
  CompiledDescent code;
  if (loop) code = compiled(*loop, parameters);
  SignalCheck signals;
  {
    const py::gil_scoped_release released;
    if (loop)
      descend(objective, code, static_cast<std::size_t>(count), arrays, options);
    else
      descend(objective, static_cast<std::size_t>(count), arrays, options);
  }
  signals.raise(result);
  return result;
}

}  // namespace

void register_descent(py::module_& module) {
  module.def("descend", &descend_points, py::arg("objective"), py::arg("x0"),
             py::arg("step_length"), py::arg("steps"), py::arg("momentum"), py::arg("nesterov"),
             py::arg("noise"), py::arg("seed"), py::arg("gradient_tolerance"),
             py::arg("record_every"), py::arg("log_volume"), py::arg("tangent"),
             py::arg("eigenvalues"), py::arg("records"), py::arg("workers"),
             py::arg("loop") = py::none());
}

}  // namespace talweg::python
