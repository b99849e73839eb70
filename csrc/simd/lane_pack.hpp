// Several vectors of lanes taken together, so that the operations of one hide the latency of the
// others.
#pragma once

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

#define TALWEG_EACH _Pragma("GCC unroll 8") for (int w = 0; w < width; ++w)

template <int width>
struct Pack {
  Vector part[width];
};
template <int width>
struct PackMask {
  Mask part[width];
};

#define TALWEG_PACK_OPERATOR(symbol)                                                      \
  template <int width>                                                                    \
  TALWEG_INLINE Pack<width> operator symbol(const Pack<width>& a, const Pack<width>& b) { \
    Pack<width> r;                                                                        \
    TALWEG_EACH r.part[w] = a.part[w] symbol b.part[w];                                   \
    return r;                                                                             \
  }
TALWEG_PACK_OPERATOR(+)
TALWEG_PACK_OPERATOR(-)
TALWEG_PACK_OPERATOR(*)
TALWEG_PACK_OPERATOR(/)
#undef TALWEG_PACK_OPERATOR

#define TALWEG_PACK_COMPARISON(name, symbol)                                       \
  template <int width>                                                             \
  TALWEG_INLINE PackMask<width> name(const Pack<width>& a, const Pack<width>& b) { \
    PackMask<width> r;                                                             \
    TALWEG_EACH r.part[w] = a.part[w] symbol b.part[w];                            \
    return r;                                                                      \
  }
TALWEG_PACK_COMPARISON(less, <)
TALWEG_PACK_COMPARISON(at_most, <=)
TALWEG_PACK_COMPARISON(greater, >)
#undef TALWEG_PACK_COMPARISON

#define TALWEG_PACK_UNARY(name, expression)              \
  template <int width>                                   \
  TALWEG_INLINE Pack<width> name(const Pack<width>& a) { \
    Pack<width> r;                                       \
    TALWEG_EACH r.part[w] = expression;                  \
    return r;                                            \
  }
TALWEG_PACK_UNARY(magnitude, magnitude(a.part[w]))
TALWEG_PACK_UNARY(negative, -a.part[w])
TALWEG_PACK_UNARY(square_root, fast_square_root(a.part[w]))
TALWEG_PACK_UNARY(inverse, fast_inverse(a.part[w]))
#undef TALWEG_PACK_UNARY

#define TALWEG_PACK_BINARY(name, expression)                                   \
  template <int width>                                                         \
  TALWEG_INLINE Pack<width> name(const Pack<width>& a, const Pack<width>& b) { \
    Pack<width> r;                                                             \
    TALWEG_EACH r.part[w] = expression;                                        \
    return r;                                                                  \
  }
TALWEG_PACK_BINARY(larger, larger(a.part[w], b.part[w]))
TALWEG_PACK_BINARY(smaller, smaller(a.part[w], b.part[w]))
TALWEG_PACK_BINARY(with_sign, with_sign(a.part[w], b.part[w]))
#undef TALWEG_PACK_BINARY

#define TALWEG_PACK_FUSED(name)                                              \
  template <int width>                                                       \
  TALWEG_INLINE Pack<width> name(const Pack<width>& a, const Pack<width>& b, \
                                 const Pack<width>& c) {                     \
    Pack<width> r;                                                           \
    TALWEG_EACH r.part[w] = name(a.part[w], b.part[w], c.part[w]);           \
    return r;                                                                \
  }
TALWEG_PACK_FUSED(multiply_add)
TALWEG_PACK_FUSED(multiply_subtract)
TALWEG_PACK_FUSED(negated_multiply_add)
#undef TALWEG_PACK_FUSED

template <int width>
TALWEG_INLINE Pack<width> pack(double value) {
  Pack<width> r;
  TALWEG_EACH r.part[w] = fill(value);
  return r;
}
template <int width>
TALWEG_INLINE Pack<width> load_pack(const double* from) {
  Pack<width> r;
  TALWEG_EACH r.part[w] = load(from + w * vector_lanes);
  return r;
}
template <int width>
TALWEG_INLINE void store(double* to, const Pack<width>& a) {
  TALWEG_EACH store(to + w * vector_lanes, a.part[w]);
}
// a where the mask is set, else b.
template <int width>
TALWEG_INLINE Pack<width> select(const PackMask<width>& mask, const Pack<width>& a,
                                 const Pack<width>& b) {
  Pack<width> r;
  TALWEG_EACH r.part[w] = select(mask.part[w], a.part[w], b.part[w]);
  return r;
}
// a where the mask is set, else 0.
template <int width>
TALWEG_INLINE Pack<width> keep(const PackMask<width>& mask, const Pack<width>& a) {
  Pack<width> r;
  TALWEG_EACH r.part[w] = from_bits((Bits)mask.part[w] & bits(a.part[w]));
  return r;
}
template <int width>
TALWEG_INLINE PackMask<width> operator&(const PackMask<width>& a, const PackMask<width>& b) {
  PackMask<width> r;
  TALWEG_EACH r.part[w] = a.part[w] & b.part[w];
  return r;
}
template <int width>
TALWEG_INLINE PackMask<width> operator|(const PackMask<width>& a, const PackMask<width>& b) {
  PackMask<width> r;
  TALWEG_EACH r.part[w] = a.part[w] | b.part[w];
  return r;
}
template <int width>
TALWEG_INLINE PackMask<width> operator~(const PackMask<width>& a) {
  PackMask<width> r;
  TALWEG_EACH r.part[w] = ~a.part[w];
  return r;
}
template <int width>
TALWEG_INLINE bool any(const PackMask<width>& mask) {
  Mask all = mask.part[0];
  for (int w = 1; w < width; ++w) all |= mask.part[w];
  return any(all);
}

}  // namespace talweg::TALWEG_ISA
