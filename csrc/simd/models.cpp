#include "simd/models.hpp"

#include "simd/model_functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

extern const ModelKernels model_kernels;
const ModelKernels model_kernels = {vector_lanes, matrix_product, scale_rows,
                                    logistic,     polynomial,     pair_potential,
                                    cubic,        gaussian,       phi4_chain};

}  // namespace talweg::TALWEG_ISA
