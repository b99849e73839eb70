#include "simd/spectrum.hpp"

#include "simd/spectrum_functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

extern const SpectrumKernels spectrum_kernels;
const SpectrumKernels spectrum_kernels = {vector_lanes,       lane_group,    lane_eigen,
                                          lane_eigen_scratch, gather_double, gather_float,
                                          scatter_double,     scatter_float};

}  // namespace talweg::TALWEG_ISA
