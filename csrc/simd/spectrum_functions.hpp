// The functions behind SpectrumKernels, of one instruction set.
#pragma once

#include <cstddef>

#include "simd/spectrum.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// Matrices side by side in a group: enough vectors to hide the latency of one another.
constexpr std::size_t lane_group = 4 * vector_lanes;

void lane_eigen(std::size_t n, const double* packed, std::size_t stride, double* values,
                double* vectors, double* scratch);
std::size_t lane_eigen_scratch(std::size_t n);

}  // namespace talweg::TALWEG_ISA
