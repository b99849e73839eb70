// One function a layer, each defined in bind_<layer>.cpp and called by module.cpp.
#pragma once

#include <pybind11/pybind11.h>

namespace talweg::python {

void register_status(pybind11::module_& module);
void register_lapack(pybind11::module_& module);
void register_machine_code(pybind11::module_& module);
void register_objective(pybind11::module_& module);
void register_pointers(pybind11::module_& module);
void register_callback(pybind11::module_& module);
void register_gauge(pybind11::module_& module);
void register_algebra(pybind11::module_& module);
void register_jets(pybind11::module_& module);
void register_density(pybind11::module_& module);
void register_extremal(pybind11::module_& module);
void register_lanczos(pybind11::module_& module);
void register_models(pybind11::module_& module);
void register_spectrum_batches(pybind11::module_& module);
void register_theory(pybind11::module_& module);
void register_flow(pybind11::module_& module);
void register_descent(pybind11::module_& module);
void register_phase_retrieval(pybind11::module_& module);

}  // namespace talweg::python
