// Powers of two that bring numbers near one, exactly.
#pragma once

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// The power of two of an exponent field.
TALWEG_INLINE Vector power_of_field(Bits field) { return from_bits(field << 52); }

// size times it is between 1 and 2, or smaller where size is subnormal.
TALWEG_INLINE Vector power_to_one(Vector size) {
  const Bits field = 2046 - (bits(size) >> 52);
  return power_of_field((Bits)select((Mask)(field == 0), from_bits(Bits{} + 1), from_bits(field)));
}

}  // namespace talweg::TALWEG_ISA
