// Ctrl-C and other Python signals while a kernel runs.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <utility>

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
  SignalCheck() : scope_(&SignalCheck::ask, this), outer_(innermost) { innermost = this; }
  ~SignalCheck() { innermost = outer_; }
  SignalCheck(const SignalCheck&) = delete;
  SignalCheck& operator=(const SignalCheck&) = delete;

  // The one made last on this thread and still alive, or null.
  static SignalCheck* current() noexcept { return innermost; }

  // Winds the kernel up for an exception that a signal raised inside a function it called.
  void stop(pybind11::error_already_set error) {
    if (!raised_) raised_.emplace(std::move(error));
    scope_.trigger();
  }

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
  SignalCheck* outer_;
  static inline thread_local SignalCheck* innermost = nullptr;
};

}  // namespace talweg::python
