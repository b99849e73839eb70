// The functions behind SpectrumKernels, of one instruction set.
#pragma once

#include <cstddef>

namespace talweg::TALWEG_ISA {

extern const std::size_t lane_group;

void lane_eigen(std::size_t n, const double* packed, std::size_t stride, double* values,
                double* vectors, double* scratch);
std::size_t lane_eigen_scratch(std::size_t n);

}  // namespace talweg::TALWEG_ISA
