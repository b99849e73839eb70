// A Runge-Kutta step of a block of lanes, each with a step length of its own, and the table through
// which its parts are reached. Plain data only: this header is compiled for every instruction set.
//
// Arrays are rows of `stride` doubles, one row a component. Lanes are rounded up to whole vectors,
// so that rows must be readable and writable up to there; a lane never depends on the others.
#pragma once

#include <cstddef>

namespace talweg {

struct RungeKuttaRows {
  std::size_t rows = 0;  // components
  std::size_t lanes = 0;
  std::size_t stride = 0;
  const double* step = nullptr;      // per lane; x' = -k, and step > 0 goes forward in time
  const double* x = nullptr;         // at the start of the step
  const double* const* k = nullptr;  // derivatives at the stages, with their signs changed
};

struct RungeKuttaKernels {
  int vector_lanes;
  // The point of stage s, 1 <= s < 16.
  void (*stage)(const RungeKuttaRows& step, int s, double* to);
  // The end of the step; per lane the size of its error in units of rtol max(|x|, |end|) + atol
  // (root of the mean square over components), and the factor by which the error says that the step
  // should change, between 1/3 and 6. A lane whose error is not finite has a factor of no meaning.
  void (*solution)(const RungeKuttaRows& step, double rtol, double atol, double* end, double* error,
                   double* factor);
  // Per lane |k_end|^2 over the first `measured` rows, and an estimate of step * (largest
  // eigenvalue of the Hessian) from the derivatives at the end and at the point of the last stage.
  void (*stiffness)(const RungeKuttaRows& step, std::size_t measured, const double* end,
                    const double* last, const double* k_end, double* square, double* stiffness);
};

enum class Isa;

const RungeKuttaKernels& runge_kutta_kernels(Isa isa);

}  // namespace talweg
