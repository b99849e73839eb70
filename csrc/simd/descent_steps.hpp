// The arithmetic of descent on blocks of points side by side, and the table through which that of
// one instruction set is reached. Plain data only: this header is compiled for every instruction
// set.
//
// Arrays are coordinate-major: coordinate i of lane l at [i * stride + l]. `lanes` is a multiple of
// vector_lanes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace talweg {

enum class Isa;

struct DescentKernels {
  std::size_t vector_lanes;

  // next = point - step_length gradient + momentum (x - previous); x may be null where momentum is
  // 0. Returns whether some coordinate of some lane is not finite.
  bool (*step)(std::size_t n, std::size_t lanes, std::size_t stride, const double* point,
               const double* gradient, const double* x, const double* previous, double step_length,
               double momentum, double* next);

  // y = x + momentum (x - previous)
  void (*extrapolate)(std::size_t n, std::size_t lanes, std::size_t stride, const double* x,
                      const double* previous, double momentum, double* y);

  // gradient += deviation * standard normal numbers, which depend on the seed, the lane's
  // trajectory, its step and the coordinate only. scratch: normal_scratch(lanes) doubles.
  // Source: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) and the Box-Muller transform.
  void (*add_noise)(std::size_t n, std::size_t lanes, std::size_t stride, std::uint64_t seed,
                    const std::uint64_t* trajectories, const std::uint64_t* steps, double deviation,
                    double* gradient, double* scratch);

  // squares[l] = |gradient|^2
  void (*square_norms)(std::size_t n, std::size_t lanes, std::size_t stride, const double* gradient,
                       double* squares);

  // frames <- R and Q of (I - step_length H) frames, lane by lane: entry (i, j) of a frame at
  // frames[(i * n + j) * stride + l]; Q replaces the frame and log R_jj is added to
  // stretch[j * stride + l]. hessian: packed lower triangles. scratch: n * n * lanes + lanes
  // doubles.
  void (*stretch)(std::size_t n, std::size_t lanes, std::size_t stride, const double* hessian,
                  double step_length, double* frames, double* stretch, double* scratch);
};

const DescentKernels& descent_kernels(Isa isa);

}  // namespace talweg
