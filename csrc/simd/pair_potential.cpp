// Clusters of atoms with a pair potential phi(r). With d = x_i - x_j, s = r^2 and
//     A = phi'/r,   B = A'/r,   C = B'/r
// a pair contributes A d to the gradient, K = B d d' + A I to the Hessian and, for a displacement
// p = v_i - v_j with t = d.p, C t d d' + B (p d' + d p' + t I) to T[v].
#include "simd/model_functions.hpp"
#include "simd/vector_math.hpp"

namespace talweg::TALWEG_ISA {

struct Radial {
  Vector value, a, b, c;
};

struct LennardJones {
  double four_depth, length_squared;
};

// Up to A for order 1, B for 2, C for 3; the rest is left zero.
template <int order>
TALWEG_INLINE Radial radial(LennardJones p, Vector s) {
  const Vector inverse = 1.0 / s;
  const Vector ratio = p.length_squared * inverse;
  const Vector c6 = ratio * ratio * ratio;
  const Vector scaled = p.four_depth * c6;
  // Products, not differences of powers, so that coincident atoms give infinity, not NaN.
  Radial f{scaled * (c6 - 1.0), {}, {}, {}};
  const Vector once = scaled * inverse;
  const Vector twice = once * inverse;
  if constexpr (order >= 1) f.a = once * (6.0 - 12.0 * c6);
  if constexpr (order >= 2) f.b = twice * (168.0 * c6 - 48.0);
  if constexpr (order >= 3) f.c = twice * inverse * (480.0 - 2688.0 * c6);
  return f;
}

struct Morse {
  double depth, length, steepness;
};

template <int order>
TALWEG_INLINE Radial radial(Morse p, Vector s) {
  const Vector r = square_root(s);
  const Vector e = exp(-p.steepness * (r - p.length));
  const Vector scaled = p.depth * e;
  Radial f{scaled * (e - 2.0), {}, {}, {}};
  const double k = p.steepness;
  if constexpr (order >= 1) {
    const Vector root_inverse = 1.0 / r, inverse = root_inverse * root_inverse;
    const Vector d1 = (2.0 * k) * scaled * (1.0 - e);
    f.a = d1 * root_inverse;
    if constexpr (order >= 2) {
      const Vector d2 = (2.0 * k * k) * scaled * (2.0 * e - 1.0);
      f.b = (d2 - f.a) * inverse;
    }
    if constexpr (order >= 3) {
      const Vector d3 = (2.0 * k * k * k) * scaled * (1.0 - 4.0 * e);
      f.c = (d3 * root_inverse - 3.0 * f.b) * inverse;
    }
  }
  return f;
}

TALWEG_INLINE void add_to(double* to, Vector amount) { store(to, load(to) + amount); }

// Adds the symmetric 3 x 3 block k of the pair i > j to a packed matrix.
TALWEG_INLINE void add_block(double* matrix, std::size_t stride, std::size_t i, std::size_t j,
                             const Vector k[3][3]) {
  for (std::size_t a = 0; a < 3; ++a) {
    const std::size_t row_i = (3 * i + a) * (3 * i + a + 1) / 2;
    const std::size_t row_j = (3 * j + a) * (3 * j + a + 1) / 2;
    for (std::size_t b = 0; b <= a; ++b) {
      add_to(matrix + (row_i + 3 * i + b) * stride, k[a][b]);
      add_to(matrix + (row_j + 3 * j + b) * stride, k[a][b]);
    }
    for (std::size_t b = 0; b < 3; ++b)
      store(matrix + (row_i + 3 * j + b) * stride, -(a >= b ? k[a][b] : k[b][a]));
  }
}

template <int order, class Function>
static void pair_lanes(const Function& function, std::size_t atoms, unsigned quantities,
                       const EvaluationBlock& block, std::size_t lane) {
  constexpr unsigned need_v = quantity_third | quantity_hessian_product | quantity_third_product;
  const std::size_t stride = block.stride, n = 3 * atoms;
  const double* const x = block.x + lane;
  const double* const v = order >= 2 && (quantities & need_v) ? block.v + lane : nullptr;
  const double* const w = quantities & quantity_third_product ? block.w + lane : nullptr;
  const auto wanted = [&](int least, Quantity quantity, double* rows) {
    return order >= least && (quantities & quantity) ? rows + lane : nullptr;
  };
  double* const gradient = wanted(1, quantity_gradient, block.gradient);
  double* const hessian = wanted(2, quantity_hessian, block.hessian);
  double* const third = wanted(3, quantity_third, block.third);
  double* const hessian_product = wanted(2, quantity_hessian_product, block.hessian_product);
  double* const third_product = wanted(3, quantity_third_product, block.third_product);
  // Blocks of different pairs overlap on the diagonal only, so the rest is stored, not added.
  double* const products[] = {gradient, hessian_product, third_product};
  double* const matrices[] = {hessian, third};
  for (double* rows : products)
    for (std::size_t i = 0; rows && i < n; ++i) store(rows + i * stride, Vector{});
  for (double* rows : matrices)
    for (std::size_t i = 0; rows && i < n; ++i)
      for (std::size_t j = i / 3 * 3; j <= i; ++j)
        store(rows + (i * (i + 1) / 2 + j) * stride, Vector{});

  Vector value{};
  for (std::size_t i = 1; i < atoms; ++i) {
    Vector sum_g[3] = {}, sum_h[3] = {}, sum_t[3] = {};
    const Vector at[3] = {load(x + 3 * i * stride), load(x + (3 * i + 1) * stride),
                          load(x + (3 * i + 2) * stride)};
    for (std::size_t j = 0; j < i; ++j) {
      Vector d[3], p[3], q[3];
      for (std::size_t a = 0; a < 3; ++a) d[a] = at[a] - load(x + (3 * j + a) * stride);
      const Vector s = multiply_add(d[0], d[0], multiply_add(d[1], d[1], d[2] * d[2]));
      const Radial f = radial<order>(function, s);
      value += f.value;
      if (gradient)
        for (std::size_t a = 0; a < 3; ++a) {
          const Vector force = f.a * d[a];
          sum_g[a] += force;
          add_to(gradient + (3 * j + a) * stride, -force);
        }
      if (hessian) {
        Vector k[3][3];
        for (std::size_t a = 0; a < 3; ++a) {
          const Vector scaled = f.b * d[a];
          for (std::size_t b = 0; b < a; ++b) k[a][b] = scaled * d[b];
          k[a][a] = multiply_add(scaled, d[a], f.a);
        }
        add_block(hessian, stride, i, j, k);
      }
      if (!v) continue;
      for (std::size_t a = 0; a < 3; ++a)
        p[a] = load(v + (3 * i + a) * stride) - load(v + (3 * j + a) * stride);
      const Vector t = multiply_add(d[0], p[0], multiply_add(d[1], p[1], d[2] * p[2]));
      if (hessian_product) {
        const Vector bt = f.b * t;
        for (std::size_t a = 0; a < 3; ++a) {
          const Vector force = multiply_add(bt, d[a], f.a * p[a]);
          sum_h[a] += force;
          add_to(hessian_product + (3 * j + a) * stride, -force);
        }
      }
      const Vector ct = f.c * t, bt = f.b * t;
      if (third) {
        // C t d d' + B (p d' + d p' + t I), the first factor of d d' shared with p d'.
        Vector k[3][3];
        for (std::size_t a = 0; a < 3; ++a) {
          const Vector left = multiply_add(ct, d[a], f.b * p[a]), right = f.b * d[a];
          for (std::size_t b = 0; b < a; ++b) k[a][b] = multiply_add(left, d[b], right * p[b]);
          k[a][a] = multiply_add(left, d[a], multiply_add(right, p[a], bt));
        }
        add_block(third, stride, i, j, k);
      }
      if (third_product) {
        for (std::size_t a = 0; a < 3; ++a)
          q[a] = load(w + (3 * i + a) * stride) - load(w + (3 * j + a) * stride);
        const Vector dq = multiply_add(d[0], q[0], multiply_add(d[1], q[1], d[2] * q[2]));
        const Vector pq = multiply_add(p[0], q[0], multiply_add(p[1], q[1], p[2] * q[2]));
        const Vector along_d = multiply_add(ct, dq, f.b * pq), along_p = f.b * dq;
        for (std::size_t a = 0; a < 3; ++a) {
          const Vector force = multiply_add(along_d, d[a], multiply_add(along_p, p[a], bt * q[a]));
          sum_t[a] += force;
          add_to(third_product + (3 * j + a) * stride, -force);
        }
      }
    }
    for (std::size_t a = 0; a < 3; ++a) {
      const std::size_t row = (3 * i + a) * stride;
      if (gradient) add_to(gradient + row, sum_g[a]);
      if (hessian_product) add_to(hessian_product + row, sum_h[a]);
      if (third_product) add_to(third_product + row, sum_t[a]);
    }
  }
  if (quantities & quantity_value) store(block.value + lane, value);
}

template <class Function>
static void all_lanes(const Function& function, std::size_t atoms, unsigned quantities,
                      const EvaluationBlock& block) {
  const bool third = (quantities & (quantity_third | quantity_third_product)) != 0;
  const bool second = (quantities & (quantity_hessian | quantity_hessian_product)) != 0;
  const bool first = (quantities & quantity_gradient) != 0;
  for (std::size_t lane = 0; lane < block.lanes; lane += vector_lanes) {
    if (third)
      pair_lanes<3>(function, atoms, quantities, block, lane);
    else if (second)
      pair_lanes<2>(function, atoms, quantities, block, lane);
    else if (first)
      pair_lanes<1>(function, atoms, quantities, block, lane);
    else
      pair_lanes<0>(function, atoms, quantities, block, lane);
  }
}

void pair_potential(const PairPotentialProgram& program, unsigned quantities,
                    const EvaluationBlock& block) {
  if (program.function == PairFunction::morse)
    all_lanes(Morse{program.depth, program.length, program.steepness}, program.atoms, quantities,
              block);
  else
    all_lanes(LennardJones{4.0 * program.depth, program.length * program.length}, program.atoms,
              quantities, block);
}

}  // namespace talweg::TALWEG_ISA
