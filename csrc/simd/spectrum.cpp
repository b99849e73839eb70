#include "simd/spectrum.hpp"

#include "simd/matrix_eigen.hpp"
#include "simd/spectrum_functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

extern const SpectrumKernels spectrum_kernels;
const SpectrumKernels spectrum_kernels = {vector_lanes,         lane_group,   lane_eigen,
                                          lane_eigen_scratch,   matrix_group, matrix_eigen,
                                          matrix_eigen_scratch, asymmetry};

}  // namespace talweg::TALWEG_ISA
