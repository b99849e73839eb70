#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <climits>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "objective/pointer_objective.hpp"
#include "python/register.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;

bool error_is_set() { return PyErr_Occurred() != nullptr; }

// Whether compiled code has left a Python exception on this thread. Only this thread writes that
// field, so the GIL is not needed, for which busy Python threads could make a block wait.
bool error_is_set_without_gil() {
  const PyThreadState* const state = PyGILState_GetThisThreadState();
  if (!state) return false;
#if PY_VERSION_HEX >= 0x030C0000
  return state->current_exception != nullptr;
#else
  return state->curexc_type != nullptr;
#endif
}

// Calls compiled functions that came from Python: with the GIL unless they are said to be
// thread-safe, and with an eye on exceptions that they leave behind, as Cython's may.
class GuardedObjective final : public Objective {
 public:
  explicit GuardedObjective(std::shared_ptr<Objective> objective)
      : objective_(std::move(objective)) {}

  std::size_t dimension() const noexcept override { return objective_->dimension(); }
  bool thread_safe() const noexcept override { return objective_->thread_safe(); }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    if (objective_->thread_safe()) {
      objective_->evaluate(quantities, block);
      if (!error_is_set_without_gil()) return;
      const py::gil_scoped_acquire acquired;
      throw py::error_already_set();
    }
    const py::gil_scoped_acquire acquired;
    objective_->evaluate(quantities, block);
    if (error_is_set()) throw py::error_already_set();
  }

 private:
  std::shared_ptr<Objective> objective_;
};

FunctionPointer function_pointer(const py::handle& given) {
  FunctionPointer result;
  if (given.is_none()) return result;
  const auto [address, user_data, takes_user_data] =
      py::cast<std::tuple<std::uintptr_t, std::uintptr_t, bool>>(given);
  if (address == 0) throw py::value_error("a function's address is null");
  result.function = reinterpret_cast<void (*)()>(address);
  result.user_data = reinterpret_cast<void*>(user_data);
  result.takes_user_data = takes_user_data;
  return result;
}

PointerOptions options(py::ssize_t n, bool thread_safe, py::object owner) {
  if (n < 1 || n > INT_MAX)
    throw py::value_error("n: want 1 to " + std::to_string(INT_MAX) + ", got " + std::to_string(n));
  PointerOptions result;
  result.dimension = static_cast<std::size_t>(n);
  result.thread_safe = thread_safe;
  if (!thread_safe) result.failed = error_is_set;
  // The last one to let go may be a kernel's thread.
  result.owner = std::shared_ptr<void>(owner.release().ptr(), [](void* object) {
    const py::gil_scoped_acquire acquired;
    Py_DECREF(static_cast<PyObject*>(object));
  });
  return result;
}

std::shared_ptr<Objective> guarded(std::shared_ptr<Objective> objective) {
  return std::make_shared<GuardedObjective>(std::move(objective));
}

}  // namespace

void register_pointers(py::module_& module) {
  module.def(
      "point_pointer_objective",
      [](py::ssize_t n, const py::object& fun, const py::object& grad, const py::object& hess,
         const py::object& hessp, const py::object& third, bool thread_safe, py::object owner) {
        const PointFunctions functions{function_pointer(fun), function_pointer(grad),
                                       function_pointer(hess), function_pointer(hessp),
                                       function_pointer(third)};
        return guarded(
            make_point_pointer_objective(functions, options(n, thread_safe, std::move(owner))));
      },
      py::arg("n"), py::arg("fun"), py::arg("grad"), py::arg("hess"), py::arg("hessp"),
      py::arg("third"), py::arg("thread_safe"), py::arg("owner"),
      "Functions of one point, each (address, user_data, takes_user_data) or None; `owner` is kept "
      "alive with them.");
  module.def(
      "block_pointer_objective",
      [](py::ssize_t n, const py::object& function, unsigned provided, bool thread_safe,
         py::object owner) {
        const FunctionPointer pointer = function_pointer(function);
        return guarded(make_block_pointer_objective(pointer, provided,
                                                    options(n, thread_safe, std::move(owner))));
      },
      py::arg("n"), py::arg("function"), py::arg("provided"), py::arg("thread_safe"),
      py::arg("owner"), "A function of blocks; `provided` are the quantities that it knows.");
}

}  // namespace talweg::python
