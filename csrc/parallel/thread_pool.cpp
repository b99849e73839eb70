#include "parallel/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "parallel/interrupt.hpp"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define TALWEG_CAN_FORK 1
#endif

namespace talweg {
namespace {

thread_local bool inside_chunk = false;

// One parallel_for. Fields without atomics are guarded by the pool's mutex.
struct Job {
  Job(std::size_t chunk_count, std::size_t helper_count, detail::ChunkFunction chunk_function,
      void* function_context)
      : chunks(chunk_count),
        function(chunk_function),
        context(function_context),
        scope(current_interrupt_scope()),
        helpers_wanted(helper_count) {}

  const std::size_t chunks;
  const detail::ChunkFunction function;
  void* const context;
  InterruptScope* const scope;

  std::atomic<std::size_t> next_chunk{0};
  std::size_t helpers_wanted;      // pool threads that may still join
  std::size_t helpers_joined = 0;  // also hands out worker numbers, from 1
  std::size_t helpers_at_work = 0;
  std::condition_variable all_left;

  std::mutex failure_mutex;
  std::size_t failed_chunk = 0;
  std::exception_ptr failure;

  void work(std::size_t worker) noexcept {
    inside_chunk = true;
    for (;;) {
      const std::size_t chunk = next_chunk.fetch_add(1, std::memory_order_relaxed);
      if (chunk >= chunks) break;
      try {
        function(context, chunk, worker);
      } catch (...) {
        const std::lock_guard lock(failure_mutex);
        if (!failure || chunk < failed_chunk) {
          failure = std::current_exception();
          failed_chunk = chunk;
        }
        // Lower chunks have all started already, so the lowest one that throws is always seen.
        next_chunk.store(chunks, std::memory_order_relaxed);
      }
    }
    inside_chunk = false;
  }
};

class Pool {
 public:
  void run(Job& job) {
    std::list<Job*>::iterator position;
    {
      const std::lock_guard lock(mutex_);
      grow(job.helpers_wanted);
      position = jobs_.insert(jobs_.end(), &job);
    }
    job_arrived_.notify_all();
    job.work(0);

    std::unique_lock lock(mutex_);
    jobs_.erase(position);
    while (job.helpers_at_work > 0) {
      if (job.scope == nullptr) {
        job.all_left.wait(lock);
        continue;
      }
      job.all_left.wait_for(lock, std::chrono::milliseconds(50));
      // The predicate may block (on the interpreter's lock, say): not while holding ours.
      lock.unlock();
      interrupted();
      lock.lock();
    }
  }

 private:
  // Fewer threads than asked for, even none, only make the work slower.
  void grow(std::size_t wanted) {
    while (threads_ < wanted) {
      try {
        std::thread([this] { serve(); }).detach();
      } catch (const std::system_error&) {
        return;
      }
      ++threads_;
    }
  }

  Job* next_job() {
    for (Job* job : jobs_) {
      if (job->helpers_wanted > 0 &&
          job->next_chunk.load(std::memory_order_relaxed) < job->chunks) {
        return job;
      }
    }
    return nullptr;
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job = nullptr;
      job_arrived_.wait(lock, [&] { return (job = next_job()) != nullptr; });
      --job->helpers_wanted;
      ++job->helpers_at_work;
      const std::size_t worker = ++job->helpers_joined;
      lock.unlock();
      {
        const AdoptedInterruptScope adopted(job->scope);
        job->work(worker);
      }
      lock.lock();
      if (--job->helpers_at_work == 0) job->all_left.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable job_arrived_;
  std::list<Job*> jobs_;
  std::size_t threads_ = 0;
};

// Never destroyed: its threads may outlive every static object. A forked child has none of those
// threads and may have inherited a locked mutex, so it forgets the pool and makes its own.
std::atomic<Pool*> shared_pool{nullptr};

Pool& pool() {
  Pool* existing = shared_pool.load(std::memory_order_acquire);
  if (existing != nullptr) return *existing;
#if defined(TALWEG_CAN_FORK)
  static const int registered = pthread_atfork(
      nullptr, nullptr, [] { shared_pool.store(nullptr, std::memory_order_release); });
  static_cast<void>(registered);
#endif
  auto made = std::make_unique<Pool>();
  if (shared_pool.compare_exchange_strong(existing, made.get(), std::memory_order_acq_rel)) {
    return *made.release();
  }
  return *existing;
}

}  // namespace

std::size_t available_processors() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    return std::max(1, CPU_COUNT(&set));
  }
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

void detail::run_chunks(std::size_t chunks, std::size_t workers, ChunkFunction function,
                        void* context) {
  if (chunks == 0) return;
  if (workers == 0) workers = available_processors();
  workers = std::min(workers, chunks);
  if (workers == 1 || inside_chunk) {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) function(context, chunk, 0);
    return;
  }
  Job job(chunks, workers - 1, function, context);
  pool().run(job);
  if (job.failure) std::rethrow_exception(job.failure);
}

}  // namespace talweg
