#include "parallel/interrupt.hpp"

namespace talweg {
namespace {

constexpr std::chrono::milliseconds poll_interval{50};

thread_local InterruptScope* current_scope = nullptr;
thread_local bool current_is_owned = false;

}  // namespace

InterruptScope::InterruptScope(Predicate predicate, void* context) noexcept
    : predicate_(predicate),
      context_(context),
      next_poll_(std::chrono::steady_clock::now() + poll_interval),
      outer_(current_scope),
      outer_is_owned_(current_is_owned) {
  current_scope = this;
  current_is_owned = true;
}

InterruptScope::~InterruptScope() {
  current_scope = outer_;
  current_is_owned = outer_is_owned_;
}

bool InterruptScope::poll() noexcept {
  if (triggered()) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_poll_) return false;
  const bool answer = predicate_(context_);
  // Counted from the answer, so that a slow predicate cannot eat all the time.
  next_poll_ = std::chrono::steady_clock::now() + poll_interval;
  if (answer) triggered_.store(true, std::memory_order_relaxed);
  return answer;
}

bool interrupted() noexcept {
  InterruptScope* scope = current_scope;
  if (scope == nullptr) return false;
  return current_is_owned ? scope->poll() : scope->triggered();
}

InterruptScope* current_interrupt_scope() noexcept { return current_scope; }

AdoptedInterruptScope::AdoptedInterruptScope(InterruptScope* scope) noexcept
    : outer_(current_scope), outer_is_owned_(current_is_owned) {
  current_scope = scope;
  current_is_owned = false;
}

AdoptedInterruptScope::~AdoptedInterruptScope() {
  current_scope = outer_;
  current_is_owned = outer_is_owned_;
}

}  // namespace talweg
