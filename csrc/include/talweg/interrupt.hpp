// Stopping long computations from outside.
#pragma once

#include <atomic>
#include <chrono>

namespace talweg {

// While an InterruptScope lives, kernels that the constructing thread runs ask `predicate(context)`
// from time to time, at most every 50 ms and always on that same thread. Once it has answered
// true they wind up, keep what they have computed and return Status::interrupted. Scopes nest; the
// innermost one counts. The predicate must not throw.
class InterruptScope {
 public:
  using Predicate = bool (*)(void* context);

  explicit InterruptScope(Predicate predicate, void* context = nullptr) noexcept;
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  // Whether the predicate has answered true. Callable from any thread.
  bool triggered() const noexcept { return triggered_.load(std::memory_order_relaxed); }

  // As if the predicate had answered true. Callable from any thread.
  void trigger() noexcept { triggered_.store(true, std::memory_order_relaxed); }

  // Asks the predicate if it is time to. Only the constructing thread may call this.
  bool poll() noexcept;

 private:
  Predicate predicate_;
  void* context_;
  std::chrono::steady_clock::time_point next_poll_;
  std::atomic<bool> triggered_{false};
  InterruptScope* outer_;
  bool outer_is_owned_;
};

// True when the computation this thread works for should wind up. A few nanoseconds where no scope
// is alive, some 30 with one: call it once a block or a step, not once an operation.
bool interrupted() noexcept;

}  // namespace talweg
