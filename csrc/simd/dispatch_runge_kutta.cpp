#include "simd/instruction_set.hpp"
#include "simd/runge_kutta.hpp"

namespace talweg {

namespace baseline {
extern const RungeKuttaKernels runge_kutta_kernels;
}
namespace avx2 {
extern const RungeKuttaKernels runge_kutta_kernels;
}
namespace avx512 {
extern const RungeKuttaKernels runge_kutta_kernels;
}

const RungeKuttaKernels& runge_kutta_kernels(Isa isa) {
  switch (isa) {
#ifdef TALWEG_HAVE_AVX2
    case Isa::avx2:
      return avx2::runge_kutta_kernels;
#endif
#ifdef TALWEG_HAVE_AVX512
    case Isa::avx512:
      return avx512::runge_kutta_kernels;
#endif
    default:
      return baseline::runge_kutta_kernels;
  }
}

}  // namespace talweg
