#include "objective/difference_tape.hpp"

#include <cmath>
#include <map>
#include <stdexcept>

namespace talweg {
namespace {

// A value at the point, and its change; no_node stands for no change.
struct Pair {
  Node base = no_node, change = no_node;
};

class Builder {
 public:
  Builder(const Tape& source, std::span<const double> point, std::size_t limit)
      : source_(source), target_(source.inputs(), limit), pairs_(source.size()) {
    point_.assign(point.begin(), point.end());
  }

  void visit(Node node) { pairs_[node] = pair_of(source_.entry(node)); }
  Node change(Node node) const { return pairs_[node].change; }
  Tape take() { return std::move(target_); }

 private:
  using enum Operation;

  Node number(double value) { return target_.constant(value); }
  Node apply(Operation operation, Node a, Node b = no_node, Node c = no_node) {
    return target_.apply(operation, a, b, c);
  }
  Node plus(Node a, Node b) { return apply(add, a, b); }
  Node minus(Node a, Node b) { return apply(subtract, a, b); }
  Node times(Node a, Node b) { return apply(multiply, a, b); }
  Node over(Node a, Node b) { return apply(divide, a, b); }
  Node half(Node a) { return target_.scale(a, 0.5); }
  // The value at the point nearby.
  Node moved(const Pair& a) { return a.change == no_node ? a.base : plus(a.base, a.change); }

  std::int32_t table_of(std::int32_t table) {
    const auto [place, added] = tables_.try_emplace(table, 0);
    if (added) place->second = target_.add_table(source_.tables()[static_cast<std::size_t>(table)]);
    return place->second;
  }

  Pair pair_of(const Tape::Entry& entry) {
    const auto& [a, b, c] = entry.operands;
    switch (entry.operation) {
      case input:
        return {number(point_[a]), target_.input(a)};
      case constant:
        return {number(entry.value), no_node};
      case data_column:
        return {target_.data_column(table_of(entry.table), a), no_node};
      case sum_rows: {
        const Pair term = pairs_[a];
        const std::int32_t table = table_of(source_.entry(a).table);
        return {target_.sum_rows(term.base, table),
                term.change == no_node ? no_node : target_.sum_rows(term.change, table)};
      }
      default: {
        const Pair p = pairs_[a], q = b == no_node ? Pair{} : pairs_[b],
                   r = c == no_node ? Pair{} : pairs_[c];
        const Node base = target_.apply(entry.operation, p.base, q.base, r.base);
        if (p.change == no_node && q.change == no_node && r.change == no_node)
          return {base, no_node};
        return {base, b == no_node ? unary(entry.operation, base, p)
                                   : several(entry.operation, base, p, q, r)};
      }
    }
  }

  // base: the operation at the point; a changes.
  Node unary(Operation operation, Node base, const Pair& a) {
    const Node p = a.base, h = a.change;
    const Node middle = plus(p, half(h));
    switch (operation) {
      case negate:
        return apply(negate, h);
      case exp:
        return times(base, apply(expm1, h));
      case log:
        return apply(log1p, over(h, p));
      case sqrt:
        return over(h, plus(apply(sqrt, moved(a)), base));
      case sin:
        return times(target_.scale(apply(cos, middle), 2.0), apply(sin, half(h)));
      case cos:
        return times(target_.scale(apply(sin, middle), -2.0), apply(sin, half(h)));
      case tan:
        return over(over(apply(sin, h), apply(cos, p)), apply(cos, moved(a)));
      case tanh:
        return over(over(apply(sinh, h), apply(cosh, p)), apply(cosh, moved(a)));
      case sinh:
        return times(target_.scale(apply(cosh, middle), 2.0), apply(sinh, half(h)));
      case cosh:
        return times(target_.scale(apply(sinh, middle), 2.0), apply(sinh, half(h)));
      case atan:
        return apply(atan, over(h, plus(number(1.0), times(p, moved(a)))));
      case erf:
        return error_function(p, h);
      case log1p:
        return apply(log1p, over(h, plus(number(1.0), p)));
      case expm1:
        return times(apply(exp, p), apply(expm1, h));
      case sigmoid:
        return times(times(apply(sigmoid, moved(a)), apply(sigmoid, apply(negate, p))),
                     apply(negate, apply(expm1, apply(negate, h))));
      case absolute:
        // Without crossing 0 it changes as its argument does.
        return apply(select, apply(less, apply(absolute, h), base), times(apply(sign, p), h),
                     minus(apply(absolute, moved(a)), base));
      default:
        return minus(apply(operation, moved(a)), base);
    }
  }

  // h times the mean of 2/sqrt(pi) exp(-t^2) over p < t < p + h, by Gauss's rule with five nodes.
  Node error_function(Node p, Node h) {
    constexpr double nodes[] = {0.04691007703066800, 0.23076534494715845, 0.5, 0.76923465505284155,
                                0.95308992296933200};
    constexpr double weights[] = {0.11846344252809454, 0.23931433524968324, 0.28444444444444444,
                                  0.23931433524968324, 0.11846344252809454};
    Node mean = number(0.0);
    for (int k = 0; k < 5; ++k) {
      const Node t = plus(p, target_.scale(h, nodes[k]));
      const Node density = apply(exp, apply(negate, times(t, t)));
      mean = plus(mean, target_.scale(density, weights[k] * 1.1283791670955126));
    }
    return times(h, mean);
  }

  Node several(Operation operation, Node base, const Pair& a, const Pair& b, const Pair& c) {
    switch (operation) {
      case add:
        return a.change == no_node   ? b.change
               : b.change == no_node ? a.change
                                     : plus(a.change, b.change);
      case subtract:
        return b.change == no_node   ? a.change
               : a.change == no_node ? apply(negate, b.change)
                                     : minus(a.change, b.change);
      case multiply: {
        if (a.change == no_node) return times(a.base, b.change);
        const Node first = times(a.change, moved(b));
        return b.change == no_node ? first : plus(first, times(a.base, b.change));
      }
      case divide: {
        if (b.change == no_node) return over(a.change, b.base);
        const Node lost = times(base, b.change);
        const Node top = a.change == no_node ? apply(negate, lost) : minus(a.change, lost);
        return over(top, moved(b));
      }
      case power:
        return power_change(base, a, b);
      case minimum:
      case maximum: {
        const auto first = [&](Node x, Node y) {
          return operation == minimum ? apply(less_equal, x, y) : apply(less_equal, y, x);
        };
        return chosen(first(a.base, b.base), first(moved(a), moved(b)), a, b, base);
      }
      case select:
        return chosen(a.base, moved(a), b, c, base);
      default:
        return minus(apply(operation, moved(a), moved(b)), base);
    }
  }

  // Of what is `yes` where a condition holds and `no` otherwise; it may hold before and not after.
  Node chosen(Node before, Node after, const Pair& yes, const Pair& no, Node base) {
    const auto change_of = [&](const Pair& a) {
      return a.change == no_node ? number(0.0) : a.change;
    };
    return apply(select, after, apply(select, before, change_of(yes), minus(moved(yes), base)),
                 apply(select, before, minus(moved(no), base), change_of(no)));
  }

  Node power_change(Node base, const Pair& a, const Pair& b) {
    if (b.change == no_node && target_.is_constant(b.base)) {
      const double exponent = target_.entry(b.base).value;
      if (exponent == std::rint(exponent) && exponent != 0.0 && std::abs(exponent) <= 64.0) {
        const auto count = static_cast<unsigned>(std::abs(exponent));
        const Node change = integer_power(a, count).change;
        if (exponent > 0.0) return change;
        // 1/(u + h) - 1/u = -h / (u (u + h))
        const Node later = apply(power, moved(a), b.base);
        return apply(negate, times(times(change, base), later));
      }
    }
    // exp(b log a), whose exponent changes by b1 log(a1) - b0 log(a0).
    Node exponent = no_node;
    if (a.change != no_node) exponent = times(b.base, apply(log1p, over(a.change, a.base)));
    if (b.change != no_node) {
      const Node more = times(b.change, apply(log, moved(a)));
      exponent = exponent == no_node ? more : plus(exponent, more);
    }
    const Node change = times(base, apply(expm1, exponent));
    // From 0 on there is nothing to cancel.
    const Node plain = minus(apply(power, moved(a), moved(b)), base);
    return apply(select, apply(equal, a.base, number(0.0)), plain, change);
  }

  // a^count by squaring; count is at least 1 and a changes.
  Pair integer_power(const Pair& a, unsigned count) {
    if (count == 1) return a;
    const Pair root = integer_power(a, count / 2);
    const Pair square = {times(root.base, root.base),
                         times(root.change, plus(root.base, moved(root)))};
    if (count % 2 == 0) return square;
    return {times(square.base, a.base),
            plus(times(square.change, moved(a)), times(square.base, a.change))};
  }

  const Tape& source_;
  Tape target_;
  std::vector<Pair> pairs_;
  std::vector<double> point_;
  std::map<std::int32_t, std::int32_t> tables_;
};

}  // namespace

DifferenceTape difference_tape(const Tape& tape, std::span<const Node> outputs,
                               std::span<const double> point, std::size_t limit) {
  if (point.size() != tape.inputs())
    throw std::invalid_argument("the point must have as many entries as the tape has inputs");
  Builder builder(tape, point, limit);
  std::vector<Node> real;
  for (const Node output : outputs)
    if (output != no_node) real.push_back(output);
  for (const Node node : tape.reachable(real)) builder.visit(node);
  std::vector<Node> changes;
  for (const Node output : outputs)
    changes.push_back(output == no_node ? no_node : builder.change(output));
  return {builder.take(), std::move(changes)};
}

}  // namespace talweg
