// Coroutines that wait for evaluations. Each curve is followed by one coroutine written as plain
// sequential code; whoever runs it gathers what all of them wait for into one block.
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

#include "talweg/defining_system.hpp"

namespace talweg {

template <class T>
class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr exception;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      return handle.promise().continuation;
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  T value{};
  Task<T> get_return_object();
  void return_value(T result) { value = std::move(result); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
};

}  // namespace detail

// A computation that starts when awaited (or resumed) and hands its result to the awaiting one.
template <class T>
class Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  Handle handle() const noexcept { return handle_; }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() const {
    if (handle_.promise().exception) std::rethrow_exception(handle_.promise().exception);
    if constexpr (!std::is_void_v<T>) return std::move(handle_.promise().value);
  }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(Task<T>::Handle::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(Task<void>::Handle::from_promise(*this));
}
}  // namespace detail

// The place of one coroutine in a block: what it waits for, and how to go on.
struct Lane {
  CurvePoint* pending = nullptr;
  bool pausing = false;  // whether accepted points are handed out one by one
  bool paused = false;
  std::size_t evaluations = 0;
  std::coroutine_handle<> waiting;

  struct Evaluation {
    Lane& lane;
    CurvePoint* point;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept {
      lane.pending = point;
      ++lane.evaluations;
      lane.waiting = handle;
    }
    void await_resume() const noexcept {}
  };
  // co_await lane.evaluate(point): continues when the system has evaluated the point.
  Evaluation evaluate(CurvePoint& point) noexcept { return {*this, &point}; }

  struct Pause {
    Lane& lane;
    bool await_ready() const noexcept { return !lane.pausing; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept {
      lane.paused = true;
      lane.waiting = handle;
    }
    void await_resume() const noexcept {}
  };
  Pause pause() noexcept { return {*this}; }
};

}  // namespace talweg
