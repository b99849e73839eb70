#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "talweg/critical_points.hpp"
#include "talweg/extremal.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;
using Values = py::array_t<double, py::array::c_style | py::array::forcecast>;

std::vector<double> to_vector(const Values& array) {
  return {array.data(), array.data() + array.size()};
}

std::vector<double> optional_vector(const std::optional<Values>& array) {
  return array ? to_vector(*array) : std::vector<double>{};
}

template <class T>
py::array_t<T> to_array(const std::vector<T>& values, std::vector<py::ssize_t> shape) {
  py::array_t<T> array(std::move(shape));
  std::copy(values.begin(), values.end(), array.mutable_data());
  return array;
}

// Columns [first, first + count) of rows of the given width.
py::array_t<double> columns(const std::vector<double>& rows, std::size_t width, std::size_t first,
                            std::size_t count) {
  const std::size_t m = width > 0 ? rows.size() / width : 0;
  py::array_t<double> array({static_cast<py::ssize_t>(m), static_cast<py::ssize_t>(count)});
  double* out = array.mutable_data();
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < count; ++j) out[i * count + j] = rows[i * width + first + j];
  }
  return array;
}

py::array_t<double> column(const std::vector<double>& rows, std::size_t width, std::size_t which) {
  const std::size_t m = width > 0 ? rows.size() / width : 0;
  py::array_t<double> array(static_cast<py::ssize_t>(m));
  for (std::size_t i = 0; i < m; ++i) array.mutable_data()[i] = rows[i * width + which];
  return array;
}

py::array_t<double> vector_array(const std::vector<double>& values) {
  return to_array(values, {static_cast<py::ssize_t>(values.size())});
}

py::dict event_dict(const CurveEvent& event, std::size_t n) {
  const std::vector<double>& z = event.point.z;
  py::dict result;
  result["kind"] = name(event.kind);
  result["x"] = vector_array({z.begin(), z.begin() + static_cast<long>(n)});
  result["z"] = vector_array(z);
  result["fun"] = event.point.value;
  result["residual"] = event.point.residual;
  result["z_tangent"] = vector_array(event.point.tangent);
  result["arclength"] = event.arclength;
  result["error"] = event.error;
  result["index"] = event.index;
  const std::vector<double>& tangent = event.point.tangent;
  result["tangent"] = vector_array({tangent.begin(), tangent.begin() + static_cast<long>(n)});
  result["morse_index"] = event.kind == EventKind::critical_point
                              ? py::object(py::int_(morse_index(event, n)))
                              : py::object(py::none());
  result["distance"] = event.kind == EventKind::near_branch ? py::object(py::float_(event.distance))
                                                            : py::object(py::none());
  result["kernel_dimension"] = event.kind == EventKind::branch_point
                                   ? py::object(py::int_(event.kernel_dimension))
                                   : py::object(py::none());
  result["centre"] = vector_array(event.centre);
  result["crossing_tangents"] = to_array(
      event.crossing_tangents, {static_cast<py::ssize_t>(event.crossing_tangents.size() / z.size()),
                                static_cast<py::ssize_t>(z.size())});
  return result;
}

py::dict curve_dict(const Curve& curve) {
  const std::size_t n = curve.coordinates, width = curve.unknowns;
  const auto m = static_cast<py::ssize_t>(curve.points());
  py::dict result;
  result["x"] = columns(curve.z, width, 0, n);
  result["eigenvector"] = columns(curve.z, width, n, n);
  result["eigenvalue"] = column(curve.z, width, 2 * n);
  result["sigma"] = column(curve.z, width, 2 * n + 1);
  result["tangent"] = columns(curve.tangent, width, 0, n);
  result["fun"] = to_array(curve.value, {m});
  result["arclength"] = to_array(curve.arclength, {m});
  result["residual"] = to_array(curve.residual, {m});
  result["slope_index"] = to_array(curve.slope_index, {m});
  result["curvature_index"] = to_array(curve.curvature_index, {m});
  py::list events;
  for (const CurveEvent& event : curve.events) events.append(event_dict(event, n));
  result["events"] = events;
  result["closed"] = curve.closed;
  result["status"] = static_cast<int>(curve.status);
  result["evaluations"] = curve.evaluations;
  return result;
}

TracerOptions tracer_options(const py::dict& given) {
  TracerOptions options;
  for (const auto& [key, value] : given) {
    const auto name = py::cast<std::string>(key);
    if (name == "lower")
      options.lower = to_vector(py::cast<Values>(value));
    else if (name == "upper")
      options.upper = to_vector(py::cast<Values>(value));
    else if (name == "box_matrix")
      options.box_matrix = to_vector(py::cast<Values>(value));
    else if (name == "max_step")
      options.max_step = py::cast<double>(value);
    else if (name == "initial_step")
      options.initial_step = py::cast<double>(value);
    else if (name == "min_step")
      options.min_step = py::cast<double>(value);
    else if (name == "max_length")
      options.max_length = py::cast<double>(value);
    else if (name == "max_points")
      options.max_points = py::cast<std::size_t>(value);
    else if (name == "tolerance")
      options.tolerance = py::cast<double>(value);
    else if (name == "near_branch_distance")
      options.near_branch_distance = py::cast<double>(value);
    else if (name == "max_turn")
      options.max_turn = py::cast<double>(value);
    else if (name == "stop_at_critical_points")
      options.stop_at_critical_points = py::cast<bool>(value);
    else if (name == "stop_at_branch_points")
      options.stop_at_branch_points = py::cast<bool>(value);
    else
      throw py::value_error("options: no option is called '" + name + "'");
  }
  return options;
}

CurveStart curve_start(const py::dict& given) {
  CurveStart start;
  start.z = to_vector(py::cast<Values>(given["z"]));
  start.direction = to_vector(py::cast<Values>(given["direction"]));
  start.tangent = to_vector(py::cast<Values>(given["tangent"]));
  return start;
}

py::dict find(const Objective& objective, const std::optional<Values>& starts,
              const std::optional<Values>& lower, const std::optional<Values>& upper, double scale,
              std::size_t max_starts, const std::optional<Values>& shift, std::size_t workers) {
  CriticalPointOptions options;
  options.lower = optional_vector(lower);
  options.upper = optional_vector(upper);
  options.scale = scale;
  options.max_starts = max_starts;
  options.shift = optional_vector(shift);
  options.workers = workers;
  const std::vector<double> points = optional_vector(starts);
  CriticalPoints found;
  SignalCheck signals;
  {
    const py::gil_scoped_release released;
    found = find_critical_points(objective, points, options);
  }
  const auto n = static_cast<py::ssize_t>(objective.dimension());
  py::list list;
  for (const CriticalPoint& point : found.points) {
    const auto modes = static_cast<py::ssize_t>(point.eigenvalues.size());
    py::dict entry;
    entry["x"] = vector_array(point.x);
    entry["fun"] = point.value;
    entry["eigenvalues"] = vector_array(point.eigenvalues);
    entry["eigenvectors"] = to_array(point.eigenvectors, {n, modes});
    entry["morse_index"] = point.morse_index;
    entry["residual"] = point.residual;
    entry["error"] = point.error;
    entry["degenerate"] = point.degenerate;
    list.append(entry);
  }
  py::dict result;
  result["points"] = list;
  result["starts"] = found.starts;
  result["converged"] = found.converged;
  result["minimised"] = found.minimised;
  result["expected_missing"] = found.expected_missing;
  result["non_finite"] = found.non_finite;
  result["status"] = static_cast<int>(found.status);
  signals.raise(result);
  return result;
}

py::dict start(const Objective& objective, const Values& x0, std::size_t branch, int sign,
               const std::optional<Values>& direction, const py::dict& given) {
  const TracerOptions options = tracer_options(given);
  const std::vector<double> x = to_vector(x0), along = optional_vector(direction);
  ExtremalStart found;
  {
    const py::gil_scoped_release released;
    found = start_extremal(objective, x, branch, sign, along, options);
  }
  py::dict result;
  result["z"] = vector_array(found.start.z);
  result["direction"] = vector_array(found.start.direction);
  result["tangent"] = vector_array(found.start.tangent);
  result["status"] = static_cast<int>(found.status);
  result["at_critical_point"] = found.at_critical_point;
  return result;
}

py::list trace(const Objective& objective, const py::list& starts, const py::dict& given,
               std::size_t workers, std::size_t lanes) {
  const TracerOptions options = tracer_options(given);
  std::vector<CurveStart> list;
  for (const auto& entry : starts) list.push_back(curve_start(py::cast<py::dict>(entry)));
  std::vector<Curve> curves;
  SignalCheck signals;
  {
    const py::gil_scoped_release released;
    curves = trace_extremals(objective, list, options, workers, lanes);
  }
  py::list result;
  for (const Curve& curve : curves) result.append(curve_dict(curve));
  signals.raise(result);
  return result;
}

// One curve that Python steps. It owns the system, and keeps the objective alive.
class SteppedTracer {
 public:
  SteppedTracer(std::shared_ptr<Objective> objective, const py::dict& start,
                const py::dict& options)
      : objective_(std::move(objective)),
        system_(make_extremal_system(*objective_)),
        tracer_(*system_, curve_start(start), tracer_options(options)) {}

  bool advance() {
    const py::gil_scoped_release released;
    return tracer_.advance();
  }
  const Curve& curve() const { return tracer_.curve(); }

 private:
  std::shared_ptr<Objective> objective_;
  std::unique_ptr<DefiningSystem> system_;
  Tracer tracer_;
};

}  // namespace

void register_extremal(py::module_& module) {
  module.def("find_critical_points", &find, py::arg("objective"), py::arg("starts"),
             py::arg("lower"), py::arg("upper"), py::arg("scale"), py::arg("max_starts"),
             py::arg("shift"), py::arg("workers"));
  module.def("start_extremal", &start, py::arg("objective"), py::arg("x0"), py::arg("branch"),
             py::arg("sign"), py::arg("direction"), py::arg("options"));
  module.def("trace_extremals", &trace, py::arg("objective"), py::arg("starts"), py::arg("options"),
             py::arg("workers") = 1, py::arg("lanes") = 64);
  py::class_<SteppedTracer>(module, "SteppedTracer")
      .def(py::init<std::shared_ptr<Objective>, const py::dict&, const py::dict&>(),
           py::arg("objective"), py::arg("start"), py::arg("options"))
      .def("advance", &SteppedTracer::advance)
      .def_property_readonly("points", [](const SteppedTracer& t) { return t.curve().points(); })
      .def("curve", [](const SteppedTracer& t) { return curve_dict(t.curve()); })
      .def("latest", [](const SteppedTracer& t) {
        const Curve& curve = t.curve();
        const std::size_t n = curve.coordinates, last = curve.points() - 1;
        const double* z = curve.z.data() + last * curve.unknowns;
        py::dict result;
        result["x"] = vector_array({z, z + n});
        result["eigenvalue"] = z[2 * n];
        result["sigma"] = z[2 * n + 1];
        result["fun"] = curve.value[last];
        result["arclength"] = curve.arclength[last];
        result["slope_index"] = curve.slope_index[last];
        return result;
      });
}

}  // namespace talweg::python
