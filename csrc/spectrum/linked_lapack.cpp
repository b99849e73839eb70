// The table of a LAPACK linked at build time; empty unless the build asked for one.
#if defined(TALWEG_LINKED_LAPACK)

#include "spectrum/lapack_hook.hpp"

#define TALWEG_FOR_EACH_ROUTINE(apply)                                                          \
  apply(dgemm) apply(dgemv) apply(dsymm) apply(dsyrk) apply(dsyevd) apply(dsyevr) apply(dsytrd) \
      apply(dstemr) apply(dormtr) apply(ssytrd) apply(sormtr) apply(dgetrf) apply(dgetrs)       \
          apply(dsytrf) apply(dsytrs) apply(dpotrf) apply(dpotrs)

// The declarations need only the symbols' names: each is cast to its type in the table.
#define TALWEG_DECLARE(name) extern "C" void name##_();
TALWEG_FOR_EACH_ROUTINE(TALWEG_DECLARE)

namespace talweg {

LapackTable linked_lapack() noexcept {
  LapackTable table;
#define TALWEG_FILL(name) table.name = reinterpret_cast<decltype(table.name)>(&name##_);
  TALWEG_FOR_EACH_ROUTINE(TALWEG_FILL)
  return table;
}

}  // namespace talweg

#endif
