// Sums of Gaussians and minus the logarithm of such sums. With u_k = P_k (x - mean_k), weights o_k
// and d_k = u_k less its weighted mean (logarithm) or u_k (sum), c_k = d_k.v and p_k = P_k v:
//     H    = sum o_k (d_k d_k' - P_k)
//     T[v] = sum o_k (-c_k (d_k d_k' - P_k) + p_k d_k' + d_k p_k')
// where o_k is a_k exp(-q_k / 2), or minus its share of the sum, which takes the largest exponent
// out first, so that it does not underflow far away from every mean.
#include "simd/model_functions.hpp"
#include "simd/vector_math.hpp"

namespace talweg::TALWEG_ISA {

// Rows of one vector.
struct GaussianScratch {
  double* d;         // components * n
  double* p;         // components * n
  double* weight;    // components, as are the next ones
  double* slope;     // c_k
  double* first;     // of an outer product: what multiplies d
  double* second;    // and what multiplies p
  double* multiple;  // and what multiplies P
  double* mean;      // n: x less a component's mean
};

TALWEG_INLINE Vector dot_row(const double* row, const double* u, std::size_t stride,
                             std::size_t n) {
  Vector sum{};
  for (std::size_t j = 0; j < n; ++j) sum = multiply_add(fill(row[j]), load(u + j * stride), sum);
  return sum;
}

// Exponents to weights; gives the value.
static Vector logarithm_weights(const GaussianProgram& g, GaussianScratch t) {
  constexpr std::size_t width = vector_lanes;
  Vector peak = fill(-__DBL_MAX__);
  for (std::size_t k = 0; k < g.components; ++k) {
    const Vector exponent = load(t.weight + k * width);
    peak = exponent > peak ? exponent : peak;
  }
  Vector total{};
  for (std::size_t k = 0; k < g.components; ++k) {
    const Vector share = exp(load(t.weight + k * width) - peak);
    store(t.weight + k * width, share);
    total += share;
  }
  for (std::size_t k = 0; k < g.components; ++k)
    store(t.weight + k * width, -(load(t.weight + k * width) / total));
  return -(peak + log(total));
}

// Row i of u_k to that of d_k. Far away one component has nearly all the weight and its d is tiny:
// differences from its u keep the digits that differences from the mean would lose.
static void subtract_mean(GaussianScratch t, std::size_t i, std::size_t n, std::size_t components) {
  constexpr std::size_t width = vector_lanes;
  double* const row = t.d + i * width;
  const std::size_t apart = n * width;
  Vector least = load(t.weight), heaviest = load(row);
  for (std::size_t k = 1; k < components; ++k) {
    const Vector weight = load(t.weight + k * width);
    heaviest = weight < least ? load(row + k * apart) : heaviest;
    least = weight < least ? weight : least;
  }
  Vector mean{};
  for (std::size_t k = 0; k < components; ++k) {
    const Vector difference = load(row + k * apart) - heaviest;
    store(row + k * apart, difference);
    mean -= load(t.weight + k * width) * difference;
  }
  for (std::size_t k = 0; k < components; ++k) store(row + k * apart, load(row + k * apart) - mean);
}

static Vector sum_weights(const GaussianProgram& g, GaussianScratch t) {
  constexpr std::size_t width = vector_lanes;
  Vector value{};
  for (std::size_t k = 0; k < g.components; ++k) {
    const Vector weight = g.amplitude[k] * exp(load(t.weight + k * width));
    store(t.weight + k * width, weight);
    value += weight;
  }
  return value;
}

// One packed matrix: sum over k of first_k d_k' + second_k p_k' + multiple_k P_k, where the rows i
// of first and second are made by `prepare`.
template <bool with_p, class Prepare>
static void gaussian_matrix(const GaussianProgram& g, GaussianScratch t, double* matrix,
                            std::size_t stride, const Prepare& prepare) {
  constexpr std::size_t width = vector_lanes;
  const std::size_t n = g.n;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < g.components; ++k) prepare(i, k);
    for (std::size_t j = 0; j <= i; ++j, matrix += stride) {
      Vector sum{};
      for (std::size_t k = 0; k < g.components; ++k) {
        const std::size_t row = (k * n + j) * width;
        sum = multiply_add(load(t.first + k * width), load(t.d + row), sum);
        if (with_p) sum = multiply_add(load(t.second + k * width), load(t.p + row), sum);
        sum =
            multiply_add(load(t.multiple + k * width), fill(g.precision[(k * n + i) * n + j]), sum);
      }
      store(matrix, sum);
    }
  }
}

static void gaussian_lanes(const GaussianProgram& g, unsigned quantities,
                           const EvaluationBlock& block, std::size_t lane, GaussianScratch t) {
  constexpr std::size_t width = vector_lanes;
  constexpr unsigned need_v = quantity_third | quantity_hessian_product | quantity_third_product;
  const std::size_t n = g.n, stride = block.stride, components = g.components;
  const double* const x = at_lane(block.x, lane);
  const double* const v = at_lane(block.v, lane);
  const double* const w = at_lane(block.w, lane);

  for (std::size_t k = 0; k < components; ++k) {
    for (std::size_t i = 0; i < n; ++i)
      store(t.mean + i * width, load(x + i * stride) - g.mean[k * n + i]);
    Vector q{};
    for (std::size_t i = 0; i < n; ++i) {
      const Vector u = dot_row(g.precision + (k * n + i) * n, t.mean, width, n);
      store(t.d + (k * n + i) * width, u);
      q = multiply_add(load(t.mean + i * width), u, q);
    }
    store(t.weight + k * width, (g.logarithm ? g.amplitude[k] : 0.0) - 0.5 * q);
  }
  const Vector value = g.logarithm ? logarithm_weights(g, t) : sum_weights(g, t);
  if (quantities & quantity_value) store(block.value + lane, value);
  for (std::size_t i = 0; i < n; ++i) {
    Vector gradient{};
    for (std::size_t k = 0; k < components; ++k)
      gradient -= load(t.weight + k * width) * load(t.d + (k * n + i) * width);
    if (quantities & quantity_gradient) store(block.gradient + lane + i * stride, gradient);
  }
  if (!(quantities & ~(quantity_value | quantity_gradient))) return;

  if (g.logarithm)
    for (std::size_t i = 0; i < n; ++i) subtract_mean(t, i, n, components);
  if (quantities & need_v)
    for (std::size_t k = 0; k < components; ++k) {
      Vector slope{};
      for (std::size_t i = 0; i < n; ++i) {
        store(t.p + (k * n + i) * width, dot_row(g.precision + (k * n + i) * n, v, stride, n));
        slope = multiply_add(load(t.d + (k * n + i) * width), load(v + i * stride), slope);
      }
      store(t.slope + k * width, slope);
    }

  if (quantities & quantity_hessian)
    gaussian_matrix<false>(g, t, block.hessian + lane, stride, [&](std::size_t i, std::size_t k) {
      const Vector weight = load(t.weight + k * width);
      store(t.first + k * width, weight * load(t.d + (k * n + i) * width));
      store(t.multiple + k * width, -weight);
    });
  if (quantities & quantity_third)
    gaussian_matrix<true>(g, t, block.third + lane, stride, [&](std::size_t i, std::size_t k) {
      const Vector weight = load(t.weight + k * width), slope = load(t.slope + k * width);
      const Vector d = load(t.d + (k * n + i) * width);
      store(t.first + k * width, weight * (load(t.p + (k * n + i) * width) - slope * d));
      store(t.second + k * width, weight * d);
      store(t.multiple + k * width, weight * slope);
    });
  if (quantities & quantity_hessian_product)
    for (std::size_t i = 0; i < n; ++i) {
      Vector sum{};
      for (std::size_t k = 0; k < components; ++k) {
        const std::size_t row = (k * n + i) * width;
        const Vector along = load(t.d + row) * load(t.slope + k * width) - load(t.p + row);
        sum = multiply_add(load(t.weight + k * width), along, sum);
      }
      store(block.hessian_product + lane + i * stride, sum);
    }
  if (!(quantities & quantity_third_product)) return;
  for (std::size_t k = 0; k < components; ++k) {
    Vector dw{}, pw{};
    for (std::size_t i = 0; i < n; ++i) {
      const Vector wi = load(w + i * stride);
      dw = multiply_add(load(t.d + (k * n + i) * width), wi, dw);
      pw = multiply_add(load(t.p + (k * n + i) * width), wi, pw);
    }
    store(t.first + k * width, dw);
    store(t.second + k * width, pw);
  }
  for (std::size_t i = 0; i < n; ++i) {
    Vector sum{};
    for (std::size_t k = 0; k < components; ++k) {
      const std::size_t row = (k * n + i) * width;
      const Vector slope = load(t.slope + k * width), d = load(t.d + row);
      Vector along = slope * dot_row(g.precision + (k * n + i) * n, w, stride, n);
      along = multiply_add(load(t.p + row) - slope * d, load(t.first + k * width), along);
      along = multiply_add(d, load(t.second + k * width), along);
      sum = multiply_add(load(t.weight + k * width), along, sum);
    }
    store(block.third_product + lane + i * stride, sum);
  }
}

void gaussian(const GaussianProgram& program, unsigned quantities, const EvaluationBlock& block,
              double* scratch) {
  constexpr std::size_t width = vector_lanes;
  const std::size_t components = program.components * width, matrix = components * program.n;
  GaussianScratch t;
  t.d = scratch;
  t.p = t.d + matrix;
  t.weight = t.p + matrix;
  t.slope = t.weight + components;
  t.first = t.slope + components;
  t.second = t.first + components;
  t.multiple = t.second + components;
  t.mean = t.multiple + components;
  for (std::size_t lane = 0; lane < block.lanes; lane += vector_lanes)
    gaussian_lanes(program, quantities, block, lane, t);
}

}  // namespace talweg::TALWEG_ISA
