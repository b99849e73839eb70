#include "simd/instruction_set.hpp"
#include "simd/models.hpp"

namespace talweg {

namespace baseline {
extern const ModelKernels model_kernels;
}
namespace avx2 {
extern const ModelKernels model_kernels;
}
namespace avx512 {
extern const ModelKernels model_kernels;
}

const ModelKernels& model_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::model_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::model_kernels;
#endif
    default:
      return baseline::model_kernels;
  }
}

}  // namespace talweg
