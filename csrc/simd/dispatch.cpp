#include <cstdlib>
#include <stdexcept>
#include <string>

#include "simd/code.hpp"
#include "simd/instruction_set.hpp"

namespace talweg {

namespace baseline {
extern const InterpreterKernels interpreter_kernels;
}
namespace avx2 {
extern const InterpreterKernels interpreter_kernels;
}
namespace avx512 {
extern const InterpreterKernels interpreter_kernels;
}

const char* name_of(Isa isa) noexcept {
  switch (isa) {
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    default:
      return "baseline";
  }
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas{Isa::baseline};
#if defined(__x86_64__)
  __builtin_cpu_init();
#ifdef TALWEG_HAVE_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) isas.push_back(Isa::avx2);
#endif
#ifdef TALWEG_HAVE_AVX512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    isas.push_back(Isa::avx512);
#endif
#endif
  return isas;
}

static Isa choose_isa() {
  const std::vector<Isa> isas = available_isas();
  const char* const wanted = std::getenv("TALWEG_ISA");
  if (wanted == nullptr || *wanted == '\0') return isas.back();
  std::string available;
  for (const Isa isa : isas) {
    if (std::string(wanted) == name_of(isa)) return isa;
    available += available.empty() ? "" : ", ";
    available += name_of(isa);
  }
  throw std::runtime_error("TALWEG_ISA: instruction set '" + std::string(wanted) +
                           "' is not available here; available are: " + available);
}

Isa active_isa() {
  static const Isa isa = choose_isa();
  return isa;
}

const char* instruction_set() { return name_of(active_isa()); }

const InterpreterKernels& interpreter_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::interpreter_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::interpreter_kernels;
#endif
    default:
      return baseline::interpreter_kernels;
  }
}

}  // namespace talweg
