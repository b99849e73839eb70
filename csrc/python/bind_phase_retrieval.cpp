// Phase retrieval.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/lanczos_run.hpp"
#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "talweg/phase_retrieval.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;
using Values = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Problem = PhaseRetrievalObjective;

// The problem keeps the array alive, and with it the numbers that it reads.
std::shared_ptr<Problem> make(const py::array& data, const Values& intensities, double a,
                              bool complex, std::size_t workers) {
  if (data.ndim() != 2) throw py::value_error("data: want two axes");
  PhaseRetrieval d;
  d.rows = static_cast<std::size_t>(data.shape(0));
  d.columns = static_cast<std::size_t>(data.shape(1));
  if (py::isinstance<py::array_t<double, py::array::c_style>>(data))
    d.data = static_cast<const double*>(data.data());
  else if (py::isinstance<py::array_t<float, py::array::c_style>>(data))
    d.single_data = static_cast<const float*>(data.data());
  else
    throw py::type_error("data: want float64 or float32 by rows");
  d.intensities.assign(intensities.data(), intensities.data() + intensities.size());
  d.a = a;
  d.complex = complex;
  d.workers = workers;
  auto made = std::make_unique<Problem>(std::move(d));
  const auto owner = std::make_shared<py::object>(data);
  return std::shared_ptr<Problem>(made.release(), [owner](Problem* problem) mutable {
    delete problem;
    const py::gil_scoped_acquire acquired;
    *owner = py::object();
  });
}

// How many points there are in (m, n).
std::size_t points_in(const Problem& problem, const Values& points, const char* name) {
  if (points.ndim() != 2 || points.shape(1) != static_cast<py::ssize_t>(problem.dimension()))
    throw py::value_error(std::string(name) + ": want shape (m, " +
                          std::to_string(problem.dimension()) + ")");
  return static_cast<std::size_t>(points.shape(0));
}

py::array_t<double> array_of(const std::vector<double>& values,
                             const std::vector<py::ssize_t>& shape) {
  py::array_t<double> array(shape);
  std::copy(values.begin(), values.end(), array.mutable_data());
  return array;
}

py::tuple losses(const Problem& problem, const Values& points, bool gradient) {
  const std::size_t count = points_in(problem, points, "points");
  const auto m = static_cast<py::ssize_t>(count);
  py::array_t<double> loss(m), curvature(m);
  py::array_t<double> slope({gradient ? m : 0, points.shape(1)});
  double *const to_loss = loss.mutable_data(), *const to_curvature = curvature.mutable_data();
  double* const to_slope = gradient ? slope.mutable_data() : nullptr;
  {
    const py::gil_scoped_release released;
    problem.losses(count, points.data(), to_loss, to_curvature, to_slope);
  }
  return py::make_tuple(loss, curvature, slope);
}

py::array_t<double> project(const Problem& problem, const Values& points) {
  const std::size_t count = points_in(problem, points, "points");
  const bool complex = problem.description().complex;
  std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(count),
                                 static_cast<py::ssize_t>(problem.description().rows)};
  if (complex) shape.push_back(2);
  py::array_t<double> lambda(shape);
  double* const to = lambda.mutable_data();
  {
    const py::gil_scoped_release released;
    problem.project(count, points.data(), to);
  }
  return lambda;
}

py::array_t<double> hessian_products(const Problem& problem, const Values& points,
                                     const Values& vectors) {
  const std::size_t count = points_in(problem, points, "points");
  if (points_in(problem, vectors, "vectors") != count)
    throw py::value_error("vectors: want one for each point");
  py::array_t<double> products({points.shape(0), points.shape(1)});
  double* const to = products.mutable_data();
  {
    const py::gil_scoped_release released;
    problem.hessian_products(count, points.data(), vectors.data(), to);
  }
  return products;
}

// Products with the columns of v (n, m), as columns.
py::array_t<double> sphere_products(const SphereHessian& hessian, const py::array& v) {
  using Columns = py::array_t<double, py::array::f_style | py::array::forcecast>;
  const auto columns = Columns::ensure(v);
  if (!columns) throw py::error_already_set();
  const auto n = static_cast<py::ssize_t>(hessian.dimension());
  if (columns.ndim() != 2 || columns.shape(0) != n)
    throw py::value_error("v: want shape (" + std::to_string(n) + ", m)");
  const std::size_t m = static_cast<std::size_t>(columns.shape(1));
  py::array_t<double, py::array::f_style> products({n, columns.shape(1)});
  double* const to = products.mutable_data();
  {
    const py::gil_scoped_release released;
    if (m > 0) hessian.apply(m, columns.data(), hessian.dimension(), to);
  }
  return products;
}

py::dict descend(const Problem& problem, const Values& starts, double step, std::size_t steps,
                 std::size_t record_every, const std::optional<Values>& signal) {
  const std::size_t count = points_in(problem, starts, "starts"), n = problem.dimension();
  if (signal && signal->size() != static_cast<py::ssize_t>(n))
    throw py::value_error("signal: want shape (" + std::to_string(n) + ",)");
  py::array_t<double> points({starts.shape(0), starts.shape(1)});
  std::copy_n(starts.data(), starts.size(), points.mutable_data());
  double* const moving = points.mutable_data();
  SphereDescentOptions options;
  options.step = step;
  options.steps = steps;
  options.record_every = record_every;
  options.signal = signal ? signal->data() : nullptr;
  SphereDescentRecords records;
  SignalCheck signals;
  {
    const py::gil_scoped_release released;
    records = sphere_descent(problem, count, moving, options);
  }
  const auto m = static_cast<py::ssize_t>(count);
  const auto rows = static_cast<py::ssize_t>(records.steps.size());
  py::array_t<std::int64_t> recorded(rows);
  std::copy(records.steps.begin(), records.steps.end(), recorded.mutable_data());
  py::dict result;
  result["w"] = points;
  result["step"] = recorded;
  result["loss"] = array_of(records.loss, {rows, m});
  result["curvature"] = array_of(records.curvature, {rows, m});
  result["overlap"] = array_of(records.overlap, {rows, m});
  result["steps_done"] = records.steps_done;
  result["status"] = static_cast<int>(records.status);
  signals.raise(result);
  return result;
}

}  // namespace

void register_phase_retrieval(py::module_& module) {
  py::class_<Problem, Objective, std::shared_ptr<Problem>>(
      module, "PhaseRetrieval", "The loss of phase retrieval, over data of somebody else's.")
      .def(py::init(&make), py::arg("data"), py::arg("intensities"), py::arg("a"),
           py::arg("complex"), py::arg("workers"))
      .def("losses", &losses, py::arg("points"), py::arg("gradient"),
           "(loss, w.grad L, grad L) at points (m, n), from one reading of the data.")
      .def("project", &project, py::arg("points"),
           "x_i.w / sqrt N: (m, M), for complex data (m, M, 2).")
      .def("hessian_products", &hessian_products, py::arg("points"), py::arg("vectors"));
  py::class_<SphereHessian>(module, "SphereHessian",
                            "N times the Hessian on the sphere at a point.")
      .def(py::init([](const Problem& problem, const Values& w) {
             if (w.size() != static_cast<py::ssize_t>(problem.dimension()))
               throw py::value_error("w: want one point");
             const py::gil_scoped_release released;
             return std::make_unique<SphereHessian>(problem, w.data());
           }),
           py::keep_alive<1, 2>(), py::arg("problem"), py::arg("w"))
      .def_property_readonly("loss", &SphereHessian::loss)
      .def_property_readonly("curvature", &SphereHessian::curvature)
      .def_property_readonly("shift", &SphereHessian::shift)
      .def_property_readonly("gradient",
                             [](const SphereHessian& hessian) {
                               const auto& g = hessian.gradient();
                               return array_of(g, {static_cast<py::ssize_t>(g.size())});
                             })
      .def("products", &sphere_products, py::arg("v"))
      .def(
          "eigenpairs",
          [](const SphereHessian& hessian, const py::dict& options,
             const std::optional<Values>& start,
             const py::object& progress) { return lanczos_run(hessian, options, start, progress); },
          py::arg("options"), py::arg("start") = py::none(), py::arg("progress") = py::none());
  module.def("sphere_descent", &descend, py::arg("problem"), py::arg("starts"), py::arg("step"),
             py::arg("steps"), py::arg("record_every"), py::arg("signal") = py::none());
}

}  // namespace talweg::python
