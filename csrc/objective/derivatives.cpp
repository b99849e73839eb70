#include "objective/derivatives.hpp"

#include <algorithm>
#include <numbers>

#include "objective/partials.hpp"

namespace talweg {

ForwardSweep::ForwardSweep(Tape& tape, std::vector<Node> outputs)
    : tape_(tape), outputs_(std::move(outputs)) {
  std::vector<Node> present;
  for (const Node output : outputs_)
    if (output != no_node) present.push_back(output);
  if (present.empty()) return;
  const std::vector<Node> nodes = tape.reachable(present);
  const std::size_t size = nodes.back() + std::size_t{1};
  first_user_.assign(size + 1, 0);
  const auto for_each_use = [&](auto&& visit) {
    for (const Node node : nodes) {
      const Tape::Entry& entry = tape_.entry(node);
      if (!entry.varies) continue;
      for (unsigned i = 0; i < arity(entry.operation); ++i)
        if (tape_.entry(entry.operands[i]).varies) visit(entry.operands[i], node);
    }
  };
  for_each_use([&](Node operand, Node) { ++first_user_[operand + 1]; });
  for (std::size_t i = 0; i < size; ++i) first_user_[i + 1] += first_user_[i];
  users_.resize(first_user_[size]);
  std::vector<std::uint32_t> next(first_user_.begin(), first_user_.end() - 1);
  for_each_use([&](Node operand, Node node) { users_[next[operand]++] = node; });
  derivative_.assign(size, no_node);
  visited_.assign(size, 0);
}

std::vector<Node> ForwardSweep::operator()(std::span<const Seed> seeds) {
  std::vector<Node> dependents;
  for (const Seed& seed : seeds) {
    if (seed.input >= derivative_.size() || tape_.is_constant(seed.direction, 0.0)) continue;
    const Node input = tape_.input(seed.input);
    derivative_[input] = seed.direction;
    if (!visited_[input]) {
      visited_[input] = 1;
      dependents.push_back(input);
    }
  }
  const std::size_t seeded = dependents.size();
  for (std::size_t i = 0; i < dependents.size(); ++i) {
    const Node node = dependents[i];
    for (std::uint32_t j = first_user_[node]; j < first_user_[node + std::size_t{1}]; ++j) {
      if (visited_[users_[j]]) continue;
      visited_[users_[j]] = 1;
      dependents.push_back(users_[j]);
    }
  }
  std::sort(dependents.begin() + static_cast<std::ptrdiff_t>(seeded), dependents.end());
  for (std::size_t i = seeded; i < dependents.size(); ++i)
    derivative_[dependents[i]] = differentiate(dependents[i]);

  std::vector<Node> result;
  result.reserve(outputs_.size());
  for (const Node output : outputs_)
    result.push_back(output == no_node ? no_node : derivative_[output]);
  for (const Node node : dependents) {
    derivative_[node] = no_node;
    visited_[node] = 0;
  }
  return result;
}

Node ForwardSweep::differentiate(Node node) {
  const Tape::Entry entry = tape_.entry(node);
  const auto derivative = [&](unsigned i) {
    // Nodes past the outputs do not occur as operands of what the outputs depend on.
    return derivative_[entry.operands[i]];
  };
  const auto chosen = [&](Node condition, Node first, Node second) {
    if (first == no_node && second == no_node) return no_node;
    const Node zero = tape_.constant(0.0);
    return tape_.apply(Operation::select, condition, first == no_node ? zero : first,
                       second == no_node ? zero : second);
  };
  switch (entry.operation) {
    case Operation::select:
      return chosen(entry.operands[0], derivative(1), derivative(2));
    case Operation::minimum:
    case Operation::maximum:
      return chosen(first_is_chosen(tape_, entry), derivative(0), derivative(1));
    case Operation::sum_rows: {
      const std::int32_t table = tape_.entry(entry.operands[0]).table;
      return derivative(0) == no_node ? no_node : tape_.sum_rows(derivative(0), table);
    }
    default:
      break;
  }
  const std::array<Node, 3> partial = partials(tape_, node);
  Node sum = no_node;
  for (unsigned i = 0; i < arity(entry.operation); ++i) {
    if (derivative(i) == no_node || partial[i] == no_node) continue;
    const Node term = tape_.multiply(partial[i], derivative(i));
    if (tape_.is_constant(term, 0.0)) continue;
    sum = sum == no_node ? term : tape_.add(sum, term);
  }
  return sum;
}

std::vector<Node> hessian(Tape& tape, const std::vector<Node>& gradient, std::size_t budget) {
  const std::size_t n = gradient.size(), start = tape.size();
  std::vector<Node> result(n * (n + 1) / 2, no_node);
  ForwardSweep sweep(tape, gradient);
  const Node one = tape.constant(1.0);
  for (std::size_t j = 0; j < n; ++j) {
    const ForwardSweep::Seed seed{j, one};
    const std::vector<Node> column = sweep(std::span(&seed, 1));
    for (std::size_t i = j; i < n; ++i) result[i * (i + 1) / 2 + j] = column[i];
    if (tape.size() - start > budget) return {};
  }
  return result;
}

std::vector<Node> along(Tape& tape, const std::vector<Node>& nodes, std::size_t n,
                        std::size_t first_direction) {
  std::vector<ForwardSweep::Seed> seeds;
  seeds.reserve(n);
  for (std::size_t i = 0; i < n; ++i) seeds.push_back({i, tape.input(first_direction + i)});
  return ForwardSweep(tape, nodes)(seeds);
}

}  // namespace talweg
