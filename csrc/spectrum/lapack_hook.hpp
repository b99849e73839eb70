// Access to the LAPACK table for kernels.
#pragma once

#include "talweg/lapack.hpp"

namespace talweg {

// The table in use, or null while there is none. The first call with none asks the provider for
// one, which may take long and may need an interpreter's lock: call it once on the thread that
// entered the library, before a parallel_for, not in chunks.
const LapackTable* lapack();

// Whether a table is in use, without asking for one.
bool has_lapack() noexcept;

// Something that knows where to find LAPACK: calls set_lapack when it does. It is asked until it
// has been asked in vain once, and again where it returns false, as it was disturbed. Null for
// none.
using LapackProvider = bool (*)();
void set_lapack_provider(LapackProvider provider) noexcept;

// The table of the LAPACK that the library was linked with (builds with TALWEG_LAPACK only).
LapackTable linked_lapack() noexcept;

}  // namespace talweg
