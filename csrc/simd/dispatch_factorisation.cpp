#include "simd/instruction_set.hpp"
#include "simd/lane_factorisation.hpp"

namespace talweg {

namespace baseline {
extern const LaneFactorisationKernels lane_factorisation_kernels;
}
namespace avx2 {
extern const LaneFactorisationKernels lane_factorisation_kernels;
}
namespace avx512 {
extern const LaneFactorisationKernels lane_factorisation_kernels;
}

const LaneFactorisationKernels& lane_factorisation_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::lane_factorisation_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::lane_factorisation_kernels;
#endif
    default:
      return baseline::lane_factorisation_kernels;
  }
}

}  // namespace talweg
