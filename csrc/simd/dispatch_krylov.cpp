#include "simd/instruction_set.hpp"
#include "simd/krylov.hpp"

namespace talweg {

namespace baseline {
extern const KrylovKernels krylov_kernels;
}
namespace avx2 {
extern const KrylovKernels krylov_kernels;
}
namespace avx512 {
extern const KrylovKernels krylov_kernels;
}

const KrylovKernels& krylov_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::krylov_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::krylov_kernels;
#endif
    default:
      return baseline::krylov_kernels;
  }
}

}  // namespace talweg
