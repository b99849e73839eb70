#include "simd/functions.hpp"

#include "simd/vector_math.hpp"
#include "simd/vector_trigonometry.hpp"

namespace talweg::TALWEG_ISA {

#define TALWEG_VECTOR_FUNCTION(name)                                       \
  void name##_block(double* to, const double* from, std::size_t vectors) { \
    for (std::size_t i = 0; i < vectors * vector_lanes; i += vector_lanes) \
      store(to + i, name(load(from + i)));                                 \
  }
TALWEG_VECTOR_FUNCTION(exp)
TALWEG_VECTOR_FUNCTION(log)
TALWEG_VECTOR_FUNCTION(sin)
TALWEG_VECTOR_FUNCTION(cos)
TALWEG_VECTOR_FUNCTION(tan)
TALWEG_VECTOR_FUNCTION(tanh)
TALWEG_VECTOR_FUNCTION(sinh)
TALWEG_VECTOR_FUNCTION(cosh)
TALWEG_VECTOR_FUNCTION(atan)
TALWEG_VECTOR_FUNCTION(erf)
TALWEG_VECTOR_FUNCTION(log1p)
TALWEG_VECTOR_FUNCTION(expm1)
TALWEG_VECTOR_FUNCTION(sigmoid)

void power_block(double* to, const double* base, const double* exponent, std::size_t vectors) {
  for (std::size_t i = 0; i < vectors * vector_lanes; ++i)
    to[i] = __builtin_pow(base[i], exponent[i]);
}

void power_constant_block(double* to, const double* base, double exponent, std::size_t vectors) {
  for (std::size_t i = 0; i < vectors * vector_lanes; ++i) to[i] = __builtin_pow(base[i], exponent);
}

}  // namespace talweg::TALWEG_ISA
