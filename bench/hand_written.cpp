// bench/cpp's hand-written loops for bench_machine_code.py.
#include "cpp/interpreter_loops.cpp"

extern "C" {
#define TALWEG_EXPORT(name)                                                       \
  void name(std::size_t lanes, const double* const* x, double* const* gradient) { \
    talweg::TALWEG_ISA::name##_loop(lanes, x, gradient);                          \
  }
TALWEG_EXPORT(muller_brown_gradient)
TALWEG_EXPORT(rosenbrock_gradient)
}
