#include "talweg/interrupt.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "parallel/thread_pool.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Counter {
  std::atomic<int> calls{0};
  int true_after = 1;
  std::thread::id asked_on{};

  static bool ask(void* context) {
    Counter& counter = *static_cast<Counter*>(context);
    counter.asked_on = std::this_thread::get_id();
    return ++counter.calls >= counter.true_after;
  }
};

}  // namespace

TEST_CASE("nothing is interrupted without a scope") { CHECK_FALSE(talweg::interrupted()); }

TEST_CASE("the predicate is asked at most every 50 ms and its answer stays") {
  Counter counter;
  counter.true_after = 3;
  const auto start = Clock::now();
  const talweg::InterruptScope scope(&Counter::ask, &counter);
  while (!talweg::interrupted()) {
  }
  const auto elapsed = Clock::now() - start;
  // A lower bound only: a busy machine may take any time longer.
  CHECK(elapsed >= std::chrono::milliseconds(150));
  CHECK(counter.calls == 3);
  CHECK(scope.triggered());
  CHECK(talweg::interrupted());
  CHECK(counter.calls == 3);
}

TEST_CASE("an inner scope hides the outer one while it lives") {
  Counter outer_counter, inner_counter;
  inner_counter.true_after = 1 << 30;
  const talweg::InterruptScope outer(&Counter::ask, &outer_counter);
  while (!talweg::interrupted()) {
  }
  {
    const talweg::InterruptScope inner(&Counter::ask, &inner_counter);
    CHECK_FALSE(talweg::interrupted());
  }
  CHECK(talweg::interrupted());
}

TEST_CASE("pool threads see the interruption, and only the caller asks") {
  Counter counter;
  const talweg::InterruptScope scope(&Counter::ask, &counter);
  std::atomic<int> stopped{0};
  talweg::parallel_for(4, 4, [&](std::size_t) {
    while (!talweg::interrupted()) std::this_thread::yield();
    ++stopped;
  });
  CHECK(stopped == 4);
  CHECK(counter.calls == 1);
  CHECK(counter.asked_on == std::this_thread::get_id());
}

TEST_CASE("a caller that waits for its helpers goes on asking") {
  Counter counter;
  const talweg::InterruptScope scope(&Counter::ask, &counter);
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> helper_started{false};
  talweg::parallel_for(2, 2, [&](std::size_t) {
    if (std::this_thread::get_id() == caller) {
      while (!helper_started) std::this_thread::yield();
      return;
    }
    helper_started = true;
    while (!talweg::interrupted()) std::this_thread::yield();
  });
  CHECK(scope.triggered());
}

TEST_CASE("a thread outside the scope is not interrupted") {
  Counter counter;
  const talweg::InterruptScope scope(&Counter::ask, &counter);
  while (!talweg::interrupted()) {
  }
  bool elsewhere = true;
  std::thread([&] { elsewhere = talweg::interrupted(); }).join();
  CHECK_FALSE(elsewhere);
}
