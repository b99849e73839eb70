#include "objective/sparsity.hpp"

#include <algorithm>

namespace talweg {
namespace {

// Users of every node that the outputs depend on.
struct Users {
  std::vector<std::size_t> first;
  std::vector<Node> nodes;

  Users(const Tape& tape, const std::vector<Node>& outputs) {
    const std::vector<Node> reachable = tape.reachable(outputs);
    first.assign((reachable.empty() ? 0 : reachable.back()) + std::size_t{2}, 0);
    const auto for_each_use = [&](auto&& visit) {
      for (const Node node : reachable)
        for (unsigned i = 0; i < arity(tape.entry(node).operation); ++i)
          if (tape.entry(tape.entry(node).operands[i]).varies)
            visit(tape.entry(node).operands[i], node);
    };
    for_each_use([&](Node operand, Node) { ++first[operand + std::size_t{1}]; });
    for (std::size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
    nodes.resize(first.back());
    std::vector<std::size_t> next(first.begin(), first.end() - 1);
    for_each_use([&](Node operand, Node node) { nodes[next[operand]++] = node; });
  }
};

}  // namespace

SparsityPattern hessian_pattern(const Tape& tape, const std::vector<Node>& gradient) {
  const std::size_t n = gradient.size();
  const Users users(tape, gradient);
  std::vector<std::vector<std::uint32_t>> rows_of(tape.size());  // outputs that a node is
  for (std::size_t i = 0; i < n; ++i) rows_of[gradient[i]].push_back(static_cast<std::uint32_t>(i));

  SparsityPattern pattern;
  pattern.first.push_back(0);
  std::vector<std::uint32_t> visited(tape.size(), 0);
  std::vector<Node> stack;
  for (std::size_t j = 0; j < n; ++j) {
    const std::uint32_t mark = static_cast<std::uint32_t>(j + 1);
    const std::ptrdiff_t begin = static_cast<std::ptrdiff_t>(pattern.rows.size());
    stack.push_back(tape.input(j));
    visited[stack.back()] = mark;
    while (!stack.empty()) {
      const Node node = stack.back();
      stack.pop_back();
      pattern.rows.insert(pattern.rows.end(), rows_of[node].begin(), rows_of[node].end());
      if (node + std::size_t{1} >= users.first.size()) continue;
      for (std::size_t u = users.first[node]; u < users.first[node + std::size_t{1}]; ++u) {
        const Node user = users.nodes[u];
        if (visited[user] == mark) continue;
        visited[user] = mark;
        stack.push_back(user);
      }
    }
    std::sort(pattern.rows.begin() + begin, pattern.rows.end());
    pattern.first.push_back(pattern.rows.size());
  }

  // By symmetry the columns that meet column j in row i are the rows of column i.
  constexpr std::uint32_t none = 0xffffffffu;
  pattern.colour.assign(n, none);
  std::vector<std::size_t> taken_by(n, n);  // the column a colour was last refused to
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t r = pattern.first[j]; r < pattern.first[j + 1]; ++r) {
      const std::uint32_t i = pattern.rows[r];
      for (std::size_t c = pattern.first[i]; c < pattern.first[i + std::size_t{1}]; ++c)
        if (const std::uint32_t other = pattern.colour[pattern.rows[c]]; other != none)
          taken_by[other] = j;
    }
    std::uint32_t colour = 0;
    while (taken_by[colour] == j) ++colour;
    pattern.colour[j] = colour;
    pattern.colours = std::max(pattern.colours, colour + 1);
  }
  return pattern;
}

}  // namespace talweg
