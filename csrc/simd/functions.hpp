// Elementary functions over arrays of whole vectors, `to` may be `from`. Accuracy: vector_math.hpp.
#pragma once

#include <cstddef>

namespace talweg::TALWEG_ISA {

void exp_block(double* to, const double* from, std::size_t vectors);
void log_block(double* to, const double* from, std::size_t vectors);
void sin_block(double* to, const double* from, std::size_t vectors);
void cos_block(double* to, const double* from, std::size_t vectors);
void tan_block(double* to, const double* from, std::size_t vectors);
void tanh_block(double* to, const double* from, std::size_t vectors);
void sinh_block(double* to, const double* from, std::size_t vectors);
void cosh_block(double* to, const double* from, std::size_t vectors);
void atan_block(double* to, const double* from, std::size_t vectors);
void erf_block(double* to, const double* from, std::size_t vectors);
void log1p_block(double* to, const double* from, std::size_t vectors);
void expm1_block(double* to, const double* from, std::size_t vectors);
void sigmoid_block(double* to, const double* from, std::size_t vectors);
void power_block(double* to, const double* base, const double* exponent, std::size_t vectors);
void power_constant_block(double* to, const double* base, double exponent, std::size_t vectors);

}  // namespace talweg::TALWEG_ISA
