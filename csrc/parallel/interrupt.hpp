// Passing a caller's interrupt scope on to the threads that work for it.
#pragma once

#include "talweg/interrupt.hpp"

namespace talweg {

// The scope the current thread works under, or null.
InterruptScope* current_interrupt_scope() noexcept;

// For the lifetime of this object the current thread works under `scope` without asking its
// predicate: only the thread that made the scope may do that.
class AdoptedInterruptScope {
 public:
  explicit AdoptedInterruptScope(InterruptScope* scope) noexcept;
  ~AdoptedInterruptScope();
  AdoptedInterruptScope(const AdoptedInterruptScope&) = delete;
  AdoptedInterruptScope& operator=(const AdoptedInterruptScope&) = delete;

 private:
  InterruptScope* outer_;
  bool outer_is_owned_;
};

}  // namespace talweg
