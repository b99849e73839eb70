#include "simd/descent_steps.hpp"
#include "simd/instruction_set.hpp"

namespace talweg {

namespace baseline {
extern const DescentKernels descent_kernels;
}
namespace avx2 {
extern const DescentKernels descent_kernels;
}
namespace avx512 {
extern const DescentKernels descent_kernels;
}

const DescentKernels& descent_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::descent_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::descent_kernels;
#endif
    default:
      return baseline::descent_kernels;
  }
}

}  // namespace talweg
