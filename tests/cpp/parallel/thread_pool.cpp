#include "parallel/thread_pool.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

using talweg::parallel_for;

TEST_CASE("every chunk runs exactly once, for any number of workers") {
  for (const std::size_t workers : {0, 1, 2, 3, 7, 40}) {
    for (const std::size_t chunks : {0, 1, 2, 5, 1000}) {
      std::vector<std::atomic<int>> calls(chunks);
      parallel_for(chunks, workers, [&](std::size_t chunk) { ++calls[chunk]; });
      for (const auto& count : calls) CHECK(count == 1);
    }
  }
}

TEST_CASE("worker numbers stay below the number of workers and are never shared at one time") {
  constexpr std::size_t workers = 5;
  std::vector<std::atomic<bool>> busy(workers);
  std::atomic<bool> in_range{true}, exclusive{true};
  parallel_for(2000, workers, [&](std::size_t, std::size_t worker) {
    if (worker >= workers) {
      in_range = false;
      return;
    }
    if (busy[worker].exchange(true)) exclusive = false;
    busy[worker] = false;
  });
  CHECK(in_range);
  CHECK(exclusive);
}

TEST_CASE("several threads do work") {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  // Chunk 0 waits for chunk 1, which can only start on another thread.
  std::atomic<bool> second_started{false};
  parallel_for(2, 2, [&](std::size_t chunk) {
    {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    }
    if (chunk == 1) second_started = true;
    while (!second_started) std::this_thread::yield();
  });
  CHECK(threads.size() == 2);
}

TEST_CASE("results are the same bits for any number of workers") {
  const auto compute = [](std::size_t workers) {
    std::vector<double> result(300);
    parallel_for(result.size(), workers, [&](std::size_t chunk) {
      double sum = 0;
      for (int i = 1; i < 200; ++i) sum += std::sin(static_cast<double>(chunk) / i);
      result[chunk] = sum;
    });
    return result;
  };
  const auto reference = compute(1);
  for (const std::size_t workers : {2, 3, 8}) {
    const auto result = compute(workers);
    CHECK(std::memcmp(result.data(), reference.data(), result.size() * sizeof(double)) == 0);
  }
}

TEST_CASE("the exception of the lowest chunk that throws comes out, whoever was first") {
  for (const std::size_t workers : {1, 2, 6}) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::string message;
      try {
        parallel_for(100, workers, [&](std::size_t chunk) {
          if (chunk == 17) std::this_thread::sleep_for(std::chrono::microseconds(100));
          if (chunk >= 17) throw std::runtime_error("chunk " + std::to_string(chunk));
        });
      } catch (const std::runtime_error& error) {
        message = error.what();
      }
      CHECK(message == "chunk 17");
    }
  }
}

TEST_CASE("the pool works on after an exception") {
  CHECK_THROWS_AS(parallel_for(4, 2, [](std::size_t) { throw 1; }), int);
  std::atomic<int> calls{0};
  parallel_for(4, 2, [&](std::size_t) { ++calls; });
  CHECK(calls == 4);
}

TEST_CASE("a nested call runs every chunk on its own thread") {
  std::atomic<int> calls{0};
  std::atomic<bool> same_thread{true};
  parallel_for(8, 3, [&](std::size_t) {
    const auto outer = std::this_thread::get_id();
    parallel_for(10, 3, [&](std::size_t) {
      if (std::this_thread::get_id() != outer) same_thread = false;
      ++calls;
    });
  });
  CHECK(calls == 80);
  CHECK(same_thread);
}

TEST_CASE("calls from several threads at once share the pool") {
  std::vector<long> sums(6);
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < sums.size(); ++caller) {
    callers.emplace_back([&, caller] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        std::vector<long> parts(64);
        parallel_for(parts.size(), 3,
                     [&](std::size_t chunk) { parts[chunk] = static_cast<long>(chunk); });
        sums[caller] += std::accumulate(parts.begin(), parts.end(), 0L);
      }
    });
  }
  for (auto& caller : callers) caller.join();
  for (const long sum : sums) CHECK(sum == 50 * 64 * 63 / 2);
}

// The thread sanitizer does not follow threads that a forked child starts.
#if defined(__unix__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a forked child has a pool of its own") {
  std::atomic<int> before{0};
  parallel_for(8, 3, [&](std::size_t) { ++before; });
  REQUIRE(before == 8);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);
    std::atomic<bool> second_started{false};
    std::atomic<int> calls{0};
    parallel_for(2, 2, [&](std::size_t chunk) {
      if (chunk == 1) second_started = true;
      while (!second_started) std::this_thread::yield();
      ++calls;
    });
    _exit(calls == 2 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif
