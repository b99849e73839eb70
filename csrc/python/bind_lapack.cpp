#include <pybind11/pybind11.h>

#include <utility>

#include "python/lapack_capsule.hpp"
#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "spectrum/lapack_hook.hpp"

namespace talweg::python {
namespace {

// SciPy takes a tenth of a second or more to import, so it waits for the first matrix that is
// large enough to gain from it.
bool import_scipy_lapack() {
  const pybind11::gil_scoped_acquire acquired;
  try {
    pybind11::module_::import("talweg._lapack");
  } catch (pybind11::error_already_set& error) {
    // Ctrl-C says nothing about SciPy: it is passed on, and the next large matrix asks again.
    if (error.matches(PyExc_KeyboardInterrupt)) {
      if (SignalCheck* const signals = SignalCheck::current()) {
        signals->stop(std::move(error));
      } else {
        PyErr_SetInterrupt();
      }
      return false;
    }
    error.discard_as_unraisable("talweg._core: filling the LAPACK table from SciPy");
  }
  return true;
}

LapackCapsule lapack_capsule{&set_lapack, &lapack};

}  // namespace

void register_lapack(pybind11::module_& module) {
  set_lapack_provider(&import_scipy_lapack);
  module.attr("_lapack_capsule") = pybind11::capsule(&lapack_capsule, lapack_capsule_name);
  module.def("has_lapack", &has_lapack, "Whether the table of LAPACK routines is filled.");
}

}  // namespace talweg::python
