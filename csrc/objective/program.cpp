#include "objective/program.hpp"

#include "objective/executable.hpp"
#include "simd/instruction_set.hpp"

namespace talweg {

void prepare(Program& program) { program.executable = std::make_shared<const Executable>(program); }

void run(const Program& program, std::size_t lanes, const double* const* inputs,
         double* const* outputs) {
  static const InterpreterKernels& kernels = interpreter_kernels(active_isa());
  if (program.executable)
    run(*program.executable, kernels, 0, lanes, inputs, outputs);
  else
    run(Executable(program), kernels, 0, lanes, inputs, outputs);
}

}  // namespace talweg
