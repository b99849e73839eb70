#include "simd/instruction_set.hpp"
#include "simd/row_passes.hpp"

namespace talweg {

namespace baseline {
extern const RowPassKernels row_pass_kernels;
}
namespace avx2 {
extern const RowPassKernels row_pass_kernels;
}
namespace avx512 {
extern const RowPassKernels row_pass_kernels;
}

const RowPassKernels& row_pass_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::row_pass_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::row_pass_kernels;
#endif
    default:
      return baseline::row_pass_kernels;
  }
}

}  // namespace talweg
