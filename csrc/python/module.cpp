// The extension module talweg._core. It has no state of its own beyond what the library guards, so
// free-threaded interpreters need not switch the GIL on for it.
#include <pybind11/pybind11.h>

#include "python/register.hpp"

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
  module.doc() = "Compiled core of talweg; use the names in the package talweg instead.";
  module.attr("__version__") = TALWEG_VERSION;
  talweg::python::register_status(module);
  talweg::python::register_lapack(module);
  talweg::python::register_objective(module);
  talweg::python::register_pointers(module);
  talweg::python::register_callback(module);
  talweg::python::register_gauge(module);
  talweg::python::register_algebra(module);
  talweg::python::register_jets(module);
  talweg::python::register_machine_code(module);
  talweg::python::register_density(module);
  talweg::python::register_extremal(module);
  talweg::python::register_lanczos(module);
  talweg::python::register_models(module);
  talweg::python::register_spectrum_batches(module);
  talweg::python::register_theory(module);
  talweg::python::register_flow(module);
  talweg::python::register_descent(module);
  talweg::python::register_phase_retrieval(module);
}
