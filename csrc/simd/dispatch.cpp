#include <cstdlib>
#include <stdexcept>
#include <string>

#include "simd/code.hpp"
#include "simd/instruction_set.hpp"

namespace talweg {

namespace baseline {
extern const InstructionSet instruction_set;
}
#ifdef TALWEG_HAVE_AVX2
namespace avx2 {
extern const InstructionSet instruction_set;
}
#endif
#ifdef TALWEG_HAVE_AVX512
namespace avx512 {
extern const InstructionSet instruction_set;
}
#endif

namespace {

struct Candidate {
  const InstructionSet* set;
  bool supported;
};

const InstructionSet* find(const std::vector<Candidate>& candidates, const std::string& name) {
  for (const Candidate& candidate : candidates)
    if (name == candidate.set->name) return &candidate;
  return nullptr;
}

}  // namespace

}  // namespace talweg
