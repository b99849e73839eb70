// Which instruction set the kernels of simd/ run with.
#pragma once

#include <vector>

namespace talweg {

enum class Isa { baseline, avx2, avx512 };

// The best instruction set that the machine has and the library was built with, or the one that the
// environment variable TALWEG_ISA names (baseline, avx2 or avx512); chosen once. Throws
// std::runtime_error when that name is unknown or the instruction set is not available.
Isa active_isa();

// Every one that the machine has and the library was built with, baseline first.
std::vector<Isa> available_isas();

const char* name_of(Isa isa) noexcept;

// The name of the active instruction set.
const char* instruction_set();

}  // namespace talweg
