#include "simd/descent_steps.hpp"

#include "simd/functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

static bool step(std::size_t n, std::size_t lanes, std::size_t stride, const double* point,
                 const double* gradient, const double* x, const double* previous,
                 double step_length, double momentum, double* next) {
  const Vector s = fill(step_length), beta = fill(momentum);
  // x - x is 0 for finite x, else NaN, which a sum keeps.
  Vector spoilt{};
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t row = i * stride;
    for (std::size_t l = row; l < row + lanes; l += vector_lanes) {
      Vector value = negated_multiply_add(s, load(gradient + l), load(point + l));
      if (x != nullptr) value = multiply_add(beta, load(x + l) - load(previous + l), value);
      store(next + l, value);
      spoilt += value - value;
    }
  }
  return any(spoilt != Vector{});
}

static void extrapolate(std::size_t n, std::size_t lanes, std::size_t stride, const double* x,
                        const double* previous, double momentum, double* y) {
  const Vector beta = fill(momentum);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t row = i * stride;
    for (std::size_t l = row; l < row + lanes; l += vector_lanes) {
      const Vector here = load(x + l);
      store(y + l, multiply_add(beta, here - load(previous + l), here));
    }
  }
}

static void square_norms(std::size_t n, std::size_t lanes, std::size_t stride,
                         const double* gradient, double* squares) {
  for (std::size_t l = 0; l < lanes; l += vector_lanes) {
    Vector sum{};
    for (std::size_t i = 0; i < n; ++i) {
      const Vector g = load(gradient + i * stride + l);
      sum = multiply_add(g, g, sum);
    }
    store(squares + l, sum);
  }
}

// Ten rounds on four 32-bit words, each in the low half of a 64-bit lane.
struct Words {
  Bits a, b, c, d;
};

TALWEG_INLINE Words philox(Words counter, std::uint64_t seed) {
  constexpr std::uint64_t low = 0xffffffffu;
  std::uint64_t first = seed & low, second = seed >> 32;
  for (int round = 0; round < 10; ++round) {
    const Bits left = (counter.a & low) * UINT64_C(0xD2511F53);
    const Bits right = (counter.c & low) * UINT64_C(0xCD9E8D57);
    counter = {(right >> 32) ^ counter.b ^ first, right & low, (left >> 32) ^ counter.d ^ second,
               left & low};
    first = (first + 0x9E3779B9u) & low;
    second = (second + 0xBB67AE85u) & low;
  }
  return counter;
}

// In (0, 1), of 52 random bits: the middle of one of 2^52 intervals.
TALWEG_INLINE Vector uniform(Bits high, Bits low) {
  const Bits mantissa = ((high << 20) ^ (low >> 12)) | UINT64_C(0x3ff0000000000000);
  return from_bits(mantissa) - (1.0 - 0x1p-53);
}

static void add_noise(std::size_t n, std::size_t lanes, std::size_t stride, std::uint64_t seed,
                      const std::uint64_t* trajectories, const std::uint64_t* steps,
                      double deviation, double* gradient, double* scratch) {
  constexpr double turn = 6.283185307179586;
  double *const radius = scratch, *const angle = scratch + lanes, *const wave = scratch + 2 * lanes;
  const std::size_t vectors = lanes / vector_lanes;
  for (std::size_t pair = 0; 2 * pair < n; ++pair) {
    for (std::size_t l = 0; l < lanes; l += vector_lanes) {
      Bits trajectory, step;
      for (int k = 0; k < vector_lanes; ++k) {
        trajectory[k] = trajectories[l + k];
        step[k] = steps[l + k];
      }
      const Bits index = Bits{} + pair;
      // A trajectory's high word shares its place with the pair's number.
      const Words words = philox({trajectory & 0xffffffffu, step & 0xffffffffu,
                                  index ^ ((trajectory >> 32) << 20), step >> 32},
                                 seed);
      store(radius + l, uniform(words.a, words.b));
      store(angle + l, turn * uniform(words.c, words.d));
    }
    log_block(radius, radius, vectors);
    cos_block(wave, angle, vectors);
    sin_block(angle, angle, vectors);
    for (std::size_t l = 0; l < lanes; l += vector_lanes) {
      const Vector length = deviation * square_root(-2.0 * load(radius + l));
      double* const even = gradient + 2 * pair * stride + l;
      store(even, multiply_add(length, load(wave + l), load(even)));
      if (2 * pair + 1 == n) continue;
      store(even + stride, multiply_add(length, load(angle + l), load(even + stride)));
    }
  }
}

static void stretch(std::size_t n, std::size_t lanes, std::size_t stride, const double* hessian,
                    double step_length, double* frames, double* stretch, double* scratch) {
  double* const length = scratch + n * n * lanes;
  for (std::size_t l = 0; l < lanes; l += vector_lanes) {
    // The image of the frame, kept beside it while it is formed.
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        Vector sum{};
        for (std::size_t k = 0; k < n; ++k) {
          const std::size_t entry = i >= k ? i * (i + 1) / 2 + k : k * (k + 1) / 2 + i;
          sum = multiply_add(load(hessian + entry * stride + l),
                             load(frames + (k * n + j) * stride + l), sum);
        }
        store(
            scratch + (i * n + j) * lanes + l,
            negated_multiply_add(fill(step_length), sum, load(frames + (i * n + j) * stride + l)));
      }
    }
  }
  const std::size_t vectors = lanes / vector_lanes;
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t l = 0; l < lanes; l += vector_lanes) {
      // Twice is enough: what the first pass leaves along the earlier ones the second removes.
      for (int pass = 0; pass < 2; ++pass) {
        for (std::size_t k = 0; k < j; ++k) {
          Vector along{};
          for (std::size_t i = 0; i < n; ++i)
            along = multiply_add(load(frames + (i * n + k) * stride + l),
                                 load(scratch + (i * n + j) * lanes + l), along);
          for (std::size_t i = 0; i < n; ++i) {
            double* const entry = scratch + (i * n + j) * lanes + l;
            store(entry, negated_multiply_add(along, load(frames + (i * n + k) * stride + l),
                                              load(entry)));
          }
        }
      }
      Vector square{};
      for (std::size_t i = 0; i < n; ++i) {
        const Vector entry = load(scratch + (i * n + j) * lanes + l);
        square = multiply_add(entry, entry, square);
      }
      const Vector size = square_root(square);
      store(length + l, size);
      // A direction that is lost stays lost: log 0 is -infinity, and the old vector serves on.
      const Mask lost = size == Vector{};
      for (std::size_t i = 0; i < n; ++i) {
        double* const entry = frames + (i * n + j) * stride + l;
        const Vector kept = load(entry);
        const Vector unit = load(scratch + (i * n + j) * lanes + l) / size;
        store(entry, lost ? kept : unit);
      }
    }
    log_block(length, length, vectors);
    for (std::size_t l = 0; l < lanes; l += vector_lanes)
      store(stretch + j * stride + l, load(stretch + j * stride + l) + load(length + l));
  }
}

extern const DescentKernels descent_kernels;
const DescentKernels descent_kernels = {vector_lanes, step,         extrapolate,
                                        add_noise,    square_norms, stretch};

}  // namespace talweg::TALWEG_ISA
