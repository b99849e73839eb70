#include "simd/instruction_set.hpp"
#include "simd/spectrum.hpp"

namespace talweg {

namespace baseline {
extern const SpectrumKernels spectrum_kernels;
}
namespace avx2 {
extern const SpectrumKernels spectrum_kernels;
}
namespace avx512 {
extern const SpectrumKernels spectrum_kernels;
}

const SpectrumKernels& spectrum_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::spectrum_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::spectrum_kernels;
#endif
    default:
      return baseline::spectrum_kernels;
  }
}

}  // namespace talweg
