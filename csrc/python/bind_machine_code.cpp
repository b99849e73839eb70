// What src/talweg/machine_code needs of the core: programs as arrays, the vector functions its code
// calls, and the way back for what it made.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "objective/exact_offsets.hpp"
#include "objective/machine_code.hpp"
#include "objective/tape_objective.hpp"
#include "python/register.hpp"
#include "simd/code.hpp"
#include "simd/instruction_set.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;

constexpr const char* opcode_names[] = {
    "load_constant",
    "copy",
    "add",
    "subtract",
    "multiply",
    "divide",
    "negate",
    "add_constant",
    "constant_subtract",
    "multiply_constant",
    "constant_divide",
    "multiply_add",
    "multiply_subtract",
    "negated_multiply_add",
    "multiply_constant_add",
    "multiply_add_constant",
    "square",
    "square_root",
    "exp",
    "log",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sinh",
    "cosh",
    "atan",
    "erf",
    "log1p",
    "expm1",
    "sigmoid",
    "power",
    "power_constant",
    "absolute",
    "sign",
    "minimum",
    "maximum",
    "less",
    "less_equal",
    "equal",
    "select",
};
static_assert(sizeof(opcode_names) / sizeof(opcode_names[0]) == opcode_count);

// A Python object that any thread may let go of.
std::shared_ptr<py::object> shared(py::object object) {
  return {new py::object(std::move(object)), [](py::object* held) {
            // An interpreter that is shutting down has no use for it any more.
            if (!Py_IsInitialized()) return;
            const py::gil_scoped_acquire acquired;
            delete held;
          }};
}

py::list describe(const Executable& program) {
  py::list stages;
  for (std::size_t i = 0; i < program.stages.size(); ++i) {
    py::list instructions;
    for (const Code& code : program.stages[i].code) {
      if (code.opcode == code_end) break;
      instructions.append(py::make_tuple(opcode_names[code.opcode], code.destination / 8,
                                         code.a / 8, code.b / 8, code.c / 8, code.k));
    }
    py::list places;
    for (const SlotPlace place : slot_places(program, i)) places.append(static_cast<int>(place));
    stages.append(py::make_tuple(instructions, places));
  }
  return stages;
}

std::unique_ptr<const MachineCode> ask(const py::object& compiler, const Executable& program) {
  const py::object answer = compiler(describe(program));
  if (answer.is_none()) return nullptr;
  auto [addresses, lanes, owner] =
      py::cast<std::tuple<std::vector<std::uintptr_t>, std::size_t, py::object>>(answer);
  if (addresses.size() != program.stages.size() || lanes == 0)
    throw py::value_error("compiler: want an address for each stage, and a number of lanes");
  auto code = std::make_unique<MachineCode>();
  for (const std::uintptr_t address : addresses)
    code->stages.push_back(reinterpret_cast<CompiledStage>(address));
  code->vector_lanes = lanes;
  code->owner = shared(std::move(owner));
  return code;
}

template <class Compilable>
void compile_with(Compilable& objective, py::object compiler) {
  objective.compile_with([held = shared(std::move(compiler))](
                             const Executable& program) -> std::unique_ptr<const MachineCode> {
    const py::gil_scoped_acquire acquired;
    // Without machine code the interpreter gives the same results, so nothing is lost but time, and
    // a kernel in the midst of its work should not stop.
    try {
      return ask(*held, program);
    } catch (py::error_already_set& error) {
      if (error.matches(PyExc_KeyboardInterrupt))
        PyErr_SetInterrupt();  // for the kernel, which asks for signals
      else
        error.discard_as_unraisable("compilation of a talweg.Objective");
      return nullptr;
    }
  });
}

py::object program(const TapeObjective& objective, unsigned quantities) {
  const Executable* executable = nullptr;
  {
    const py::gil_scoped_release released;
    executable = objective.executable(quantities);
  }
  if (!executable) return py::none();
  py::dict result, constants;
  for (const auto& [output, value] : executable->constant_outputs)
    constants[py::int_(output)] = value;
  result["stages"] = describe(*executable);
  result["first_input"] = executable->first_input;
  result["first_output"] = executable->first_output;
  result["outputs"] = executable->outputs;
  result["constant_outputs"] = constants;
  return result;
}

py::dict vector_functions() {
  const InterpreterKernels& kernels = interpreter_kernels(active_isa());
  const auto address = [](auto* function) { return reinterpret_cast<std::uintptr_t>(function); };
  py::dict functions, coefficients;
  for (std::uint32_t i = 0; i < function_count; ++i)
    functions[opcode_names[first_function + i]] = address(kernels.functions[i]);
  functions["power"] = address(kernels.power);
  for (const Coefficients& set : kernels.coefficients)
    coefficients[set.name] = std::vector<double>(set.values, set.values + set.count);
  py::dict result;
  result["instruction_set"] = name_of(active_isa());
  result["vector_lanes"] = kernels.vector_lanes;
  result["functions"] = functions;
  result["coefficients"] = coefficients;
  return result;
}

}  // namespace

void register_machine_code(py::module_& module) {
  module.def("compile_with", &compile_with<ExactOffsets>, py::arg("objective"),
             py::arg("compiler"));
  module.def("compile_with", &compile_with<TapeObjective>, py::arg("objective"),
             py::arg("compiler"),
             "From now on compiler(stages) is asked once for the code of each program: a list with "
             "the address of each stage's function, the lanes of a vector, and what keeps the code "
             "in memory; or None. A stage is ([(opcode, destination, a, b, c, k), ...], places).");
  module.def(
      "program", &program, py::arg("objective"), py::arg("quantities"),
      "What computes the quantities together, for code that goes round it: stages as compile_with "
      "has them; the slot of x[0], after which those of x, v and w follow in order; that of the "
      "first output, likewise; and outputs that no instruction computes, {number: value}. None "
      "where matrices are put together from products.");
  module.def("vector_functions", &vector_functions,
             "The instruction set in use: its name, the lanes of its vectors, addresses of its "
             "elementary functions on arrays of vectors, and the coefficients of their "
             "polynomials.");
}

}  // namespace talweg::python
