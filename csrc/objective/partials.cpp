#include "objective/partials.hpp"

#include <numbers>

namespace talweg {

Node first_is_chosen(Tape& tape, const Tape::Entry& entry) {
  const auto [a, b, unused] = entry.operands;
  return entry.operation == Operation::minimum ? tape.apply(Operation::less_equal, a, b)
                                               : tape.apply(Operation::less_equal, b, a);
}

std::array<Node, 3> partials(Tape& tape, Node node) {
  const Tape::Entry entry = tape.entry(node);
  const auto [a, b, c] = entry.operands;
  const auto varies = [&](Node operand) { return tape.entry(operand).varies; };
  const auto one = [&] { return tape.constant(1.0); };
  const auto reciprocal = [&](Node x) { return tape.divide(tape.constant(1.0), x); };
  switch (entry.operation) {
    case Operation::add:
      return {one(), one(), no_node};
    case Operation::subtract:
      return {one(), tape.constant(-1.0), no_node};
    case Operation::multiply:
      return {b, a, no_node};
    case Operation::divide: {
      const Node inverse = reciprocal(b);
      return {inverse, varies(b) ? tape.negate(tape.multiply(node, inverse)) : no_node, no_node};
    }
    case Operation::negate:
      return {tape.constant(-1.0), no_node, no_node};
    case Operation::power: {
      Node base_partial = no_node, exponent_partial = no_node;
      if (varies(a))
        base_partial =
            tape.multiply(tape.apply(Operation::power, a, tape.add(b, tape.constant(-1.0))), b);
      if (varies(b)) {
        // At a = 0 the power is 0 for every b > 0, so its slope in b is 0, not 0 * log 0.
        const Node is_zero = tape.apply(Operation::equal, a, tape.constant(0.0));
        const Node safe = tape.apply(Operation::select, is_zero, one(), a);
        exponent_partial = tape.multiply(node, tape.apply(Operation::log, safe));
      }
      return {base_partial, exponent_partial, no_node};
    }
    case Operation::exp:
      return {node, no_node, no_node};
    case Operation::log:
      return {reciprocal(a), no_node, no_node};
    case Operation::sqrt:
      return {tape.divide(tape.constant(0.5), node), no_node, no_node};
    case Operation::sin:
      return {tape.apply(Operation::cos, a), no_node, no_node};
    case Operation::cos:
      return {tape.negate(tape.apply(Operation::sin, a)), no_node, no_node};
    case Operation::tan:
      return {tape.add(tape.power(node, 2.0), one()), no_node, no_node};
    case Operation::tanh:
      return {tape.subtract(one(), tape.power(node, 2.0)), no_node, no_node};
    case Operation::sinh:
      return {tape.apply(Operation::cosh, a), no_node, no_node};
    case Operation::cosh:
      return {tape.apply(Operation::sinh, a), no_node, no_node};
    case Operation::atan:
      return {reciprocal(tape.add(tape.power(a, 2.0), one())), no_node, no_node};
    case Operation::erf:
      return {tape.scale(tape.apply(Operation::exp, tape.negate(tape.power(a, 2.0))),
                         2.0 * std::numbers::inv_sqrtpi),
              no_node, no_node};
    case Operation::log1p:
      return {reciprocal(tape.add(a, one())), no_node, no_node};
    case Operation::expm1:
      // expm1(a) + 1 would lose the tail of large negative a.
      return {tape.apply(Operation::exp, a), no_node, no_node};
    case Operation::sigmoid:
      // s (1 - s) would lose the tail of large positive a.
      return {tape.multiply(node, tape.apply(Operation::sigmoid, tape.negate(a))), no_node,
              no_node};
    case Operation::absolute:
      return {tape.apply(Operation::sign, a), no_node, no_node};
    case Operation::minimum:
    case Operation::maximum: {
      const Node first = first_is_chosen(tape, entry), zero = tape.constant(0.0);
      return {tape.apply(Operation::select, first, one(), zero),
              tape.apply(Operation::select, first, zero, one()), no_node};
    }
    case Operation::select: {
      const Node zero = tape.constant(0.0);
      return {no_node, tape.apply(Operation::select, a, one(), zero),
              tape.apply(Operation::select, a, zero, one())};
    }
    case Operation::sum_rows:
      return {one(), no_node, no_node};
    case Operation::input:
    case Operation::constant:
    case Operation::data_column:
    case Operation::sign:
    case Operation::less:
    case Operation::less_equal:
    case Operation::equal:
      break;
  }
  static_cast<void>(c);
  return {no_node, no_node, no_node};
}

}  // namespace talweg
