// What the capsule talweg._core._lapack_capsule points at.
#pragma once

#include "talweg/lapack.hpp"

namespace talweg::python {

inline constexpr const char* lapack_capsule_name = "talweg.lapack";

// The library is linked into _core alone, so other extension modules reach its one table here.
struct LapackCapsule {
  void (*set)(const LapackTable& table);
  const LapackTable* (
      *get)();  // asks for a table if there is none; null if there is none to be had
};

}  // namespace talweg::python
