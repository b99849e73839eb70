#include "objective/executable.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace talweg {

namespace {

constexpr std::uint32_t nowhere = 0xffffffffu;

[[noreturn]] void reject(const std::string& what) {
  throw std::invalid_argument("Program: " + what);
}

void check_register(std::uint32_t number, std::uint32_t count) {
  if (number >= count)
    reject("register " + std::to_string(number) + " of " + std::to_string(count));
}

void check_instructions(const Stage& stage, std::uint32_t registers) {
  for (const Instruction& instruction : stage.instructions) {
    if (static_cast<std::uint32_t>(instruction.opcode) >= opcode_count)
      reject("unknown opcode " + std::to_string(static_cast<std::uint32_t>(instruction.opcode)));
    check_register(instruction.destination, registers);
    const int count = operand_count(instruction.opcode);
    if (count > 0) check_register(instruction.a, registers);
    if (count > 1) check_register(instruction.b, registers);
    if (count > 2) check_register(instruction.c, registers);
  }
}

void check(const Program& program) {
  for (const std::uint32_t number : program.input_registers)
    if (number != Program::unused) check_register(number, program.registers);
  for (const std::uint32_t number : program.output_registers)
    check_register(number, program.registers);
  for (const Stage& stage : program.stages) {
    if (!stage.data) {
      check_instructions(stage, program.registers);
      continue;
    }
    const DataTable& data = *stage.data;
    if (data.values.size() != data.rows * data.columns)
      reject("a data table of " + std::to_string(data.rows) + " x " + std::to_string(data.columns) +
             " with " + std::to_string(data.values.size()) + " values");
    check_instructions(stage, stage.registers);
    for (const Stage::Transfer& t : stage.broadcasts) {
      check_register(t.from, program.registers);
      check_register(t.to, stage.registers);
    }
    for (const Stage::Transfer& t : stage.columns) {
      if (t.from >= data.columns)
        reject("column " + std::to_string(t.from) + " of " + std::to_string(data.columns));
      check_register(t.to, stage.registers);
    }
    for (const Stage::Transfer& t : stage.sums) {
      check_register(t.from, stage.registers);
      check_register(t.to, program.registers);
    }
  }
}

Code encode(Opcode opcode, std::uint32_t destination, std::uint32_t a, std::uint32_t b,
            std::uint32_t c, double k) {
  return {static_cast<std::uint32_t>(opcode), 8 * destination, 8 * a, 8 * b, 8 * c, k};
}

// Where the value of each register is: registers move to the slots of inputs, outputs and columns.
class SlotMap {
 public:
  explicit SlotMap(std::uint32_t registers) : slots_(registers) {
    for (std::uint32_t i = 0; i < registers; ++i) slots_[i] = i;
  }
  std::uint32_t operator[](std::uint32_t number) const { return slots_[number]; }
  void move(std::uint32_t number, std::uint32_t slot) { slots_[number] = slot; }

  // The instruction with its operands found here and its result put into the slot.
  Code encode(const Instruction& instruction, std::uint32_t destination_slot) {
    const int count = operand_count(instruction.opcode);
    const Code code =
        talweg::encode(instruction.opcode, destination_slot, count > 0 ? slots_[instruction.a] : 0,
                       count > 1 ? slots_[instruction.b] : 0, count > 2 ? slots_[instruction.c] : 0,
                       instruction.k);
    slots_[instruction.destination] = destination_slot;
    return code;
  }

 private:
  std::vector<std::uint32_t> slots_;
};

// The instruction that adds what `producer` computes to a sum in the same step, when there is one.
bool accumulate(Code& producer, std::uint32_t sum_slot) {
  const std::uint32_t sum = 8 * sum_slot;
  switch (static_cast<Opcode>(producer.opcode)) {
    case Opcode::multiply:
      producer.opcode = static_cast<std::uint32_t>(Opcode::multiply_add);
      producer.c = sum;
      break;
    case Opcode::square:
      producer.opcode = static_cast<std::uint32_t>(Opcode::multiply_add);
      producer.b = producer.a;
      producer.c = sum;
      break;
    case Opcode::multiply_constant:
      producer.opcode = static_cast<std::uint32_t>(Opcode::multiply_constant_add);
      producer.b = sum;
      break;
    default:
      return false;
  }
  producer.destination = sum;
  return true;
}

ExecutableStage decode_row_stage(const Stage& stage, const SlotMap& points) {
  ExecutableStage out;
  out.data = stage.data;
  const auto count = [](const auto& v) { return static_cast<std::uint32_t>(v.size()); };
  out.first_column = stage.registers;
  out.first_broadcast = out.first_column + count(stage.columns);
  out.first_sum = out.first_broadcast + count(stage.broadcasts);
  out.slots = out.first_sum + count(stage.sums);

  SlotMap rows(stage.registers);
  for (const Stage::Transfer& t : stage.columns) {
    rows.move(t.to, out.first_column + count(out.columns));
    out.columns.push_back(t.from);
  }
  for (const Stage::Transfer& t : stage.broadcasts) {
    rows.move(t.to, out.first_broadcast + count(out.broadcasts));
    out.broadcasts.push_back(points[t.from]);
  }

  // Where each summed register gets its final value.
  const std::size_t size = stage.instructions.size();
  std::vector<std::size_t> last_write(stage.registers, size);
  std::vector<std::size_t> last_read(stage.registers, 0);
  std::vector<int> times_summed(stage.registers, 0);
  for (std::size_t i = 0; i < size; ++i) last_write[stage.instructions[i].destination] = i;
  for (const Stage::Transfer& t : stage.sums) ++times_summed[t.from];
  for (std::size_t i = 0; i < size; ++i) {
    const Instruction& instruction = stage.instructions[i];
    const int operands = operand_count(instruction.opcode);
    if (operands > 0) last_read[instruction.a] = i;
    if (operands > 1) last_read[instruction.b] = i;
    if (operands > 2) last_read[instruction.c] = i;
  }
  std::vector<std::vector<std::uint32_t>> sums_after(size + 1);
  for (std::uint32_t s = 0; s < count(stage.sums); ++s)
    sums_after[last_write[stage.sums[s].from]].push_back(s);

  const auto add_to_sum = [&](std::uint32_t s) {
    const std::uint32_t slot = out.first_sum + s;
    out.code.push_back(encode(Opcode::add, slot, slot, rows[stage.sums[s].from], 0, 0.0));
  };
  for (std::size_t i = 0; i < size; ++i) {
    const Instruction& instruction = stage.instructions[i];
    const std::uint32_t result = instruction.destination;
    Code code = rows.encode(instruction, result);
    const bool only_summed =
        last_write[result] == i && times_summed[result] == 1 && last_read[result] <= i;
    if (only_summed && accumulate(code, out.first_sum + sums_after[i][0])) {
      out.code.push_back(code);
      continue;
    }
    out.code.push_back(code);
    for (const std::uint32_t s : sums_after[i]) add_to_sum(s);
  }
  for (const std::uint32_t s : sums_after[size]) add_to_sum(s);
  out.code.push_back({code_end, 0, 0, 0, 0, 0.0});

  const DataTable& data = *stage.data;
  const std::size_t whole = data.rows / row_block * row_block;
  if (data.rows > whole)
    for (const std::uint32_t column : out.columns)
      for (std::size_t i = 0; i < row_block; ++i)
        out.tail.push_back(data.values[column * data.rows + std::min(whole + i, data.rows - 1)]);
  return out;
}

// Which output may be written in place of each register's last value.
struct LastWrites {
  struct Place {
    std::size_t stage = nowhere, instruction = nowhere;  // sums count after the instructions
    bool operator==(const Place&) const = default;
  };
  std::vector<Place> places;
  std::vector<std::uint32_t> output;

  explicit LastWrites(const Program& program)
      : places(program.registers), output(program.registers, nowhere) {
    for (std::size_t s = 0; s < program.stages.size(); ++s) {
      const Stage& stage = program.stages[s];
      if (stage.data)
        for (std::size_t i = 0; i < stage.sums.size(); ++i) places[stage.sums[i].to] = {s, i};
      else
        for (std::size_t i = 0; i < stage.instructions.size(); ++i)
          places[stage.instructions[i].destination] = {s, i};
    }
    for (std::uint32_t j = 0; j < program.output_registers.size(); ++j) {
      std::uint32_t& first = output[program.output_registers[j]];
      if (first == nowhere && !constant(program, j)) first = j;
    }
  }

  // The instruction that gives output j the same value everywhere, or null.
  const Instruction* constant(const Program& program, std::uint32_t j) const {
    const Place place = places[program.output_registers[j]];
    if (place.stage == nowhere || program.stages[place.stage].data) return nullptr;
    const Instruction& last = program.stages[place.stage].instructions[place.instruction];
    return last.opcode == Opcode::load_constant ? &last : nullptr;
  }
};

}  // namespace

Executable::Executable(const Program& program) {
  check(program);
  const std::uint32_t registers = program.registers;
  first_input = registers;
  first_output = first_input + static_cast<std::uint32_t>(program.input_registers.size());
  outputs = program.output_registers.size();
  slots = first_output + static_cast<std::uint32_t>(outputs);

  SlotMap points(registers);
  for (std::uint32_t i = 0; i < program.input_registers.size(); ++i) {
    const std::uint32_t number = program.input_registers[i];
    input_used.push_back(number != Program::unused);
    if (number != Program::unused) points.move(number, first_input + i);
  }

  const LastWrites last(program);
  const auto slot_for = [&](std::uint32_t number, std::size_t stage, std::size_t instruction) {
    const bool is_output = last.output[number] != nowhere &&
                           last.places[number] == LastWrites::Place{stage, instruction};
    return is_output ? first_output + last.output[number] : number;
  };

  for (std::size_t s = 0; s < program.stages.size(); ++s) {
    const Stage& stage = program.stages[s];
    if (stage.data) {
      ExecutableStage rows = decode_row_stage(stage, points);
      for (std::size_t i = 0; i < stage.sums.size(); ++i) {
        const std::uint32_t slot = slot_for(stage.sums[i].to, s, i);
        rows.sums.push_back(slot);
        points.move(stage.sums[i].to, slot);
      }
      row_slots = std::max<std::size_t>(row_slots, rows.slots);
      stages.push_back(std::move(rows));
      continue;
    }
    // Neighbouring point stages run as one.
    if (stages.empty() || stages.back().sums_rows()) stages.emplace_back();
    for (std::size_t i = 0; i < stage.instructions.size(); ++i) {
      const Instruction& instruction = stage.instructions[i];
      stages.back().code.push_back(
          points.encode(instruction, slot_for(instruction.destination, s, i)));
    }
  }

  // Outputs that are inputs, or that repeat another output.
  if (stages.empty() || stages.back().sums_rows()) stages.emplace_back();
  for (std::uint32_t j = 0; j < outputs; ++j) {
    if (const Instruction* const constant = last.constant(program, j)) {
      constant_outputs.push_back({j, constant->k});
      continue;
    }
    computed_outputs.push_back(j);
    const std::uint32_t slot = points[program.output_registers[j]];
    if (slot != first_output + j)
      stages.back().code.push_back(encode(Opcode::copy, first_output + j, slot, 0, 0, 0.0));
  }
  for (ExecutableStage& stage : stages)
    if (!stage.sums_rows()) stage.code.push_back({code_end, 0, 0, 0, 0, 0.0});
}

}  // namespace talweg
