// Symmetries of objectives.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "objective/gauge_rows.hpp"
#include "objective/gauged_objective.hpp"
#include "python/register.hpp"
#include "talweg/gauge.hpp"

namespace py = pybind11;

namespace talweg::python {
namespace {

using Values = py::array_t<double, py::array::c_style | py::array::forcecast>;

const Gauge& gauge_of(const Objective& objective, const Values& x) {
  const Gauge* const gauge = objective.gauge();
  if (!gauge) throw py::value_error("the objective has no gauge");
  if (x.ndim() != 1 || static_cast<std::size_t>(x.size()) != gauge->dimension()) {
    throw py::value_error("x: want shape (" + std::to_string(gauge->dimension()) + ",)");
  }
  return *gauge;
}

py::array_t<double> directions(const Objective& objective, const Values& x) {
  const Gauge& gauge = gauge_of(objective, x);
  const GaugeRows rows(&gauge);
  const std::size_t n = gauge.dimension();
  std::vector<double> all(rows.most() * n);
  const std::size_t rank = rows.evaluate(x.data(), nullptr, all.data(), nullptr);
  py::array_t<double> result({rank, n});
  std::copy_n(all.data(), rank * n, result.mutable_data());
  return result;
}

py::tuple align(const Objective& objective, const Values& reference, const Values& x,
                const Values& vectors) {
  const Gauge& gauge = gauge_of(objective, x);
  gauge_of(objective, reference);
  const std::size_t n = gauge.dimension();
  if (vectors.ndim() != 2 || static_cast<std::size_t>(vectors.shape(1)) != n) {
    throw py::value_error("vectors: want shape (k, " + std::to_string(n) + ")");
  }
  py::array_t<double> moved(static_cast<py::ssize_t>(n)),
      turned({static_cast<std::size_t>(vectors.shape(0)), n});
  std::copy_n(x.data(), n, moved.mutable_data());
  std::copy_n(vectors.data(), vectors.size(), turned.mutable_data());
  gauge.align(reference.data(), moved.mutable_data(), turned.mutable_data(),
              static_cast<std::size_t>(vectors.shape(0)));
  return py::make_tuple(moved, turned);
}

}  // namespace

void register_gauge(py::module_& module) {
  py::class_<GaugedObjective, Objective, std::shared_ptr<GaugedObjective>>(
      module, "GaugedObjective", "An objective that rigid motions leave unchanged.")
      .def(py::init([](const std::shared_ptr<Objective>& base, std::vector<double> scales,
                       bool rotations) {
             return std::make_shared<GaugedObjective>(
                 base, std::make_shared<RigidMotions>(std::move(scales), rotations));
           }),
           py::arg("base"), py::arg("scales"), py::arg("rotations") = true)
      .def_property_readonly(
          "rotations",
          [](const GaugedObjective& objective) { return objective.gauge()->count() > 3; })
      .def("gauge_directions", &directions, py::arg("x"),
           "Orthonormal directions of the motions at x, (rank, n).")
      .def("align", &align, py::arg("reference"), py::arg("x"), py::arg("vectors"),
           "x moved to where it is nearest to the reference, and vectors (k, n) turned with it.");
}

}  // namespace talweg::python
