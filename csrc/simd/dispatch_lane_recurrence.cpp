#include "simd/instruction_set.hpp"
#include "simd/lane_recurrence.hpp"

namespace talweg {

namespace baseline {
extern const LaneRecurrenceKernels lane_recurrence_kernels;
}
namespace avx2 {
extern const LaneRecurrenceKernels lane_recurrence_kernels;
}
namespace avx512 {
extern const LaneRecurrenceKernels lane_recurrence_kernels;
}

const LaneRecurrenceKernels& lane_recurrence_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::lane_recurrence_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::lane_recurrence_kernels;
#endif
    default:
      return baseline::lane_recurrence_kernels;
  }
}

}  // namespace talweg
