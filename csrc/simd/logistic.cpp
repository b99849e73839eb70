// The logistic loss l(s) = log(1 + e^-s) and its derivatives. With e = e^-|s| and q = 1 / (1 + e)
// nothing overflows, and both tails keep their relative accuracy:
//     l = max(-s, 0) + log(1 + e)   l' = -1 / (1 + e^s) = -(s > 0 ? e q : q)
//     l'' = e q^2                   l''' = -sign(s) (1 - e) q l''
#include "simd/model_functions.hpp"
#include "simd/vector_math.hpp"

namespace talweg::TALWEG_ISA {

// e^-|s| and e^-|s| - 1, both to relative accuracy. Below 2^-1020 the first is taken as zero, which
// no sum of losses can tell from it.
struct Tail {
  Vector e, less_one;
};

TALWEG_INLINE Tail tail_of(Vector s) {
  const Vector x = -magnitude(s);
  const Mask tiny = x < -exp_fast_bound;
  const ExponentReduction e = reduce_exponent(tiny ? fill(-exp_fast_bound) : x);
  const Vector scale = power_of_two(e.shifted), rest = e.r + e.tail;
  return {tiny ? Vector{} : scale * (1.0 + rest), multiply_add(scale, rest, scale - 1.0)};
}

void logistic(std::size_t count, const double* from, double* loss, double* first, double* second,
              double* third) {
  if (first && !loss && !second && !third) {
    for (std::size_t i = 0; i < count; i += vector_lanes) {
      const Vector s = load(from + i);
      const Vector e = tail_of(s).e;
      store(first + i, (s > 0.0 ? -e : fill(-1.0)) / (1.0 + e));
    }
    return;
  }
  for (std::size_t i = 0; i < count; i += vector_lanes) {
    const Vector s = load(from + i);
    const auto [e, less_one] = tail_of(s);
    if (loss) store(loss + i, (s < 0.0 ? -s : (s != s ? s : Vector{})) + log1p(e));
    if (first) store(first + i, (s > 0.0 ? -e : fill(-1.0)) / (1.0 + e));
    if (!second && !third) continue;
    const Vector q = 1.0 / (1.0 + e);
    const Vector curvature = e * q * q;
    if (second) store(second + i, curvature);
    if (third) store(third + i, (s > 0.0 ? less_one : -less_one) * q * curvature);
  }
}

}  // namespace talweg::TALWEG_ISA
