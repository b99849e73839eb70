#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "objective/differenced_objective.hpp"
#include "python/callback_objective.hpp"
#include "python/register.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;

CallbackObjective* instance(PyObject* self) {
  return py::cast<CallbackObjective*>(py::handle(self));
}

// Python's garbage collector sees the functions through the wrapper.
py::custom_type_setup collected() {
  return py::custom_type_setup([](PyHeapTypeObject* heap_type) {
    PyTypeObject* const type = &heap_type->ht_type;
    type->tp_flags |= Py_TPFLAGS_HAVE_GC;
    type->tp_traverse = [](PyObject* self, visitproc visit, void* arg) -> int {
      Py_VISIT(Py_TYPE(self));
      if (!py::detail::is_holder_constructed(self)) return 0;
      return instance(self)->traverse(visit, arg);
    };
    type->tp_clear = [](PyObject* self) -> int {
      if (py::detail::is_holder_constructed(self)) instance(self)->clear();
      return 0;
    };
  });
}

}  // namespace

void register_callback(py::module_& module) {
  py::class_<CallbackObjective, Objective, std::shared_ptr<CallbackObjective>>(
      module, "CallbackObjective", "An objective whose quantities come from Python functions.",
      collected())
      .def(py::init([](py::ssize_t n, py::object fun, py::object grad, py::object hess,
                       py::object hessp, py::object third, bool batched, py::tuple arguments) {
             return std::make_shared<CallbackObjective>(
                 n < 1 ? std::size_t{0} : static_cast<std::size_t>(n),
                 std::array<py::object, CallbackObjective::roles>{std::move(fun), std::move(grad),
                                                                  std::move(hess), std::move(hessp),
                                                                  std::move(third)},
                 batched, std::move(arguments));
           }),
           py::arg("n"), py::arg("fun"), py::arg("grad"), py::arg("hess"), py::arg("hessp"),
           py::arg("third"), py::arg("batched"), py::arg("arguments"))
      .def_property_readonly("available", &CallbackObjective::available,
                             "The quantities that the functions evaluate.");
  py::class_<DifferencedObjective, Objective, std::shared_ptr<DifferencedObjective>>(
      module, "DifferencedObjective", "An objective whose missing derivatives are differences.")
      .def(py::init([](std::shared_ptr<Objective> base, unsigned available,
                       std::vector<double> scale, double noise, std::optional<bool> rotations) {
             DifferenceOptions options{std::move(scale), noise, nullptr};
             if (rotations) {
               const std::vector<double> ones(base->dimension() / 3, 1.0);
               options.gauge = std::make_shared<RigidMotions>(ones, *rotations);
             }
             return std::make_shared<DifferencedObjective>(std::move(base), available, options);
           }),
           py::arg("base"), py::arg("available"), py::arg("scale"), py::arg("noise"),
           py::arg("rotations") = py::none(),
           "rotations: None where rigid motions are not known to change nothing, False for "
           "translations alone.")
      .def_property_readonly("approximate", &DifferencedObjective::approximate,
                             "The quantities that are differences.");
}

}  // namespace talweg::python
