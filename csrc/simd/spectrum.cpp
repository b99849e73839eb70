#include "simd/spectrum.hpp"

#include "simd/spectrum_functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

extern const SpectrumKernels spectrum_kernels;
const SpectrumKernels spectrum_kernels = {vector_lanes, 4 * vector_lanes, lane_eigen, lane_eigen_scratch};

}  // namespace talweg::TALWEG_ISA
