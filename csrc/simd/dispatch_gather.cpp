#include "simd/instruction_set.hpp"
#include "simd/lane_gather.hpp"

namespace talweg {

namespace baseline {
extern const LaneGatherKernels lane_gather_kernels;
}
namespace avx2 {
extern const LaneGatherKernels lane_gather_kernels;
}
namespace avx512 {
extern const LaneGatherKernels lane_gather_kernels;
}

const LaneGatherKernels& lane_gather_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::lane_gather_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::lane_gather_kernels;
#endif
    default:
      return baseline::lane_gather_kernels;
  }
}

}  // namespace talweg
