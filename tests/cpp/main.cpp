#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <string_view>

namespace {

// ctest's SKIP_RETURN_CODE.
constexpr int skipped = 77;

bool processor_has(std::string_view isa) {
#if defined(__x86_64__)
  if (isa == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == "avx512") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  }
#endif
  return isa == "baseline";
}

}  // namespace

int main(int argc, char** argv) {
  const char* isa = std::getenv("TALWEG_ISA");
  if (isa != nullptr && !processor_has(isa)) return skipped;
  return doctest::Context(argc, argv).run();
}
