#include "spectrum/lapack_hook.hpp"

#include <atomic>
#include <list>
#include <mutex>

namespace talweg {
namespace {

std::atomic<const LapackTable*> current_table{nullptr};

// No lock is held while the provider works: it may wait for an interpreter's lock that another
// thread holds while it enters here. Asked twice at once, it merely sets the same table twice.
std::atomic<LapackProvider> current_provider{nullptr};

}  // namespace

void set_lapack(const LapackTable& table) {
  // Earlier tables are kept: kernels under way may be reading them. There is one a program as a
  // rule.
  static std::mutex mutex;
  static std::list<LapackTable> tables;
  const std::lock_guard lock(mutex);
  current_table.store(&tables.emplace_back(table), std::memory_order_release);
}

void set_lapack_provider(LapackProvider provider) noexcept { current_provider.store(provider); }

bool has_lapack() noexcept { return current_table.load(std::memory_order_acquire) != nullptr; }

const LapackTable* lapack() {
  if (const LapackTable* table = current_table.load(std::memory_order_acquire)) return table;
#if defined(TALWEG_LINKED_LAPACK)
  set_lapack(linked_lapack());
#else
  if (const LapackProvider provider = current_provider.load()) {
    const bool final = provider();
    if (final && !has_lapack()) current_provider.store(nullptr);
  }
#endif
  return current_table.load(std::memory_order_acquire);
}

}  // namespace talweg
