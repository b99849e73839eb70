// Running the chunks of a computation on several threads.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace talweg {

// Processors this process may run on, at least 1.
std::size_t available_processors() noexcept;

namespace detail {

using ChunkFunction = void (*)(void* context, std::size_t chunk, std::size_t worker);
void run_chunks(std::size_t chunks, std::size_t workers, ChunkFunction function, void* context);

}  // namespace detail

// Calls function(chunk) or function(chunk, worker) once for every chunk in [0, chunks), on at most
// `workers` threads (0: one for each available processor) of which the calling thread is one.
// worker < workers (and < chunks) numbers the thread within this call, for scratch space; nothing
// else may depend on it. Chunks start in increasing order.
//
// When a chunk throws, no further chunk starts, and the exception of the lowest-numbered chunk that
// threw leaves this function once every started chunk has ended: the same one for any number of
// workers. A call from inside a chunk of a call with several workers runs on the thread that makes
// it. Threads are kept between calls and made anew in a forked child. interrupted() works inside
// chunks; a function that sees it should return early.
template <class Function>
void parallel_for(std::size_t chunks, std::size_t workers, Function&& function) {
  using Callable = std::remove_reference_t<Function>;
  detail::run_chunks(
      chunks, workers,
      [](void* context, std::size_t chunk, std::size_t worker) {
        Callable& callable = *static_cast<Callable*>(context);
        if constexpr (std::is_invocable_v<Callable&, std::size_t, std::size_t>) {
          callable(chunk, worker);
        } else {
          callable(chunk);
        }
      },
      const_cast<std::remove_const_t<Callable>*>(std::addressof(function)));
}

}  // namespace talweg
