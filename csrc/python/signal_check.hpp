// Ctrl-C and other Python signals while a kernel runs.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>

#include "talweg/interrupt.hpp"

namespace talweg::python {

// Made with the GIL held, before it is released around a kernel:
//
//   SignalCheck signals;
//   {
//     pybind11::gil_scoped_release released;
//     kernel();
//   }
//   pybind11::object result = ...;
//   signals.raise(result);
//
// A signal handler that raises (Ctrl-C: KeyboardInterrupt) stops the kernel; raise() then throws
// that exception with what the kernel had done as its attribute `result`.
class SignalCheck {
 public:
  SignalCheck() : scope_(&SignalCheck::ask, this) {}

  void raise(const pybind11::object& result) {
    if (!raised_) return;
    pybind11::setattr(raised_->value(), "result", result);
    throw *raised_;
  }

 private:
  static bool ask(void* context) {
    const pybind11::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() == 0) return false;
    // Taken off the interpreter, so that the binding can build the result meanwhile.
    static_cast<SignalCheck*>(context)->raised_.emplace();
    return true;
  }

  std::optional<pybind11::error_already_set> raised_;
  InterruptScope scope_;
};

}  // namespace talweg::python
