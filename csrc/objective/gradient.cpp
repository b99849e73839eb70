#include <algorithm>
#include <queue>
#include <unordered_map>

#include "objective/derivatives.hpp"
#include "objective/partials.hpp"

namespace talweg {
namespace {

// The linearised computational graph: an edge from i to k carries dk/di. Eliminating vertex j adds
// (dk/dj)(dj/di) to the edge from i to k for every predecessor i and successor k.
//
// With sums over rows a vertex may be one value a row. An edge from a row-level i to a point-level
// k then carries one weight a row, with dk = sum over rows of weight * di; when a row-level vertex
// between two point-level ones goes, the sum is taken.
class LinearGraph {
 public:
  LinearGraph(Tape& tape, Node output, std::size_t n)
      : tape_(tape), output_(output), n_(n), size_(output + std::size_t{1}) {
    predecessors_.resize(size_);
    successors_.resize(size_);
    gone_.assign(size_, 0);
    rows_.assign(size_, 0);
    for (const Node node : tape.reachable(std::span(&output, 1))) {
      if (!tape.entry(node).varies) continue;
      rows_[node] = tape.is_row(node);
      const std::array<Node, 3> partial = partials(tape, node);
      for (unsigned i = 0; i < arity(tape.entry(node).operation); ++i) {
        const Node operand = tape.entry(node).operands[i];
        if (tape.entry(operand).varies && partial[i] != no_node)
          add_to_edge(operand, node, {node, partial[i]});
      }
      if (tape.entry(node).operation != Operation::input && node != output)
        interior_.push_back(node);
    }
  }

  std::vector<Node> eliminate() {
    for (const Node node : interior_) schedule(node);
    for (;;) {
      if (queue_.empty()) {
        for (const Node node : waiting_) schedule(node);
        waiting_.clear();
        if (queue_.empty()) break;
      }
      const Candidate candidate = queue_.top();
      queue_.pop();
      if (gone_[candidate.node]) continue;
      const Candidate now = candidate_of(candidate.node);
      if (now.blocked) {
        waiting_.push_back(candidate.node);
        continue;
      }
      if (candidate < now || now < candidate) {
        queue_.push(now);
        continue;
      }
      eliminate(candidate.node);
    }
    std::vector<Node> result(n_, tape_.constant(0.0));
    if (tape_.entry(output_).operation == Operation::input) {
      if (output_ < n_) result[output_] = tape_.constant(1.0);
      return result;
    }
    for (std::size_t i = 0; i < n_; ++i) {
      const auto edge = edges_.find(key(tape_.input(i), output_));
      if (edge != edges_.end()) result[i] = total(edge->second);
    }
    return result;
  }

 private:
  struct Term {
    Node origin;  // the vertex whose elimination gave the term
    Node weight;
  };
  using Edge = std::vector<Term>;

  struct Candidate {
    std::uint64_t products, fill;
    Node node;
    bool blocked = false;
    // The queue's top is the greatest: fewest products, then least fill, then latest vertex.
    bool operator<(const Candidate& other) const {
      if (products != other.products) return products > other.products;
      if (fill != other.fill) return fill > other.fill;
      return node < other.node;
    }
  };

  static std::uint64_t key(Node from, Node to) { return std::uint64_t{from} << 32 | to; }

  bool trivial(const Edge& edge) const {
    return edge.size() == 1 &&
           (tape_.is_constant(edge[0].weight, 1.0) || tape_.is_constant(edge[0].weight, -1.0));
  }

  // The weight of an edge. Its terms are added in the order in which the function itself goes
  // through the vertices they came from: then all sums of a program take up their terms in the same
  // order, and a term's intermediate values can be dropped before the next one begins.
  Node total(Edge& edge) {
    std::stable_sort(edge.begin(), edge.end(),
                     [](const Term& a, const Term& b) { return a.origin < b.origin; });
    Node weight = edge[0].weight;
    for (std::size_t i = 1; i < edge.size(); ++i) weight = sum(weight, edge[i].weight);
    edge = {{edge[0].origin, weight}};
    return weight;
  }

  void drop_gone(std::vector<Node>& neighbours) {
    std::erase_if(neighbours, [this](Node node) { return gone_[node] != 0; });
  }

  Candidate candidate_of(Node node) {
    std::vector<Node>&before = predecessors_[node], &after = successors_[node];
    drop_gone(before);
    drop_gone(after);
    Candidate candidate{before.size() * after.size(), before.size() * after.size(), node};
    // Counting only products by something other than 1 and -1 is worth its time for few edges.
    if (before.size() + after.size() <= 64) {
      std::uint64_t in = 0, out = 0;
      for (const Node i : before) in += !trivial(edges_.at(key(i, node)));
      for (const Node k : after) out += !trivial(edges_.at(key(node, k)));
      candidate.products = in * out;
    }
    // A product over rows costs as much as many at a point.
    if (rows_[node]) candidate.products *= 16;
    // dk would need the sums of other rows: such an edge would have to carry a matrix.
    if (!rows_[node])
      candidate.blocked =
          std::any_of(before.begin(), before.end(), [this](Node i) { return rows_[i] != 0; }) &&
          std::any_of(after.begin(), after.end(), [this](Node k) { return rows_[k] != 0; });
    return candidate;
  }

  void schedule(Node node) {
    if (!gone_[node]) queue_.push(candidate_of(node));
  }

  void add_to_edge(Node from, Node to, Term term) {
    const auto [edge, inserted] = edges_.try_emplace(key(from, to));
    edge->second.push_back(term);
    if (!inserted) return;
    predecessors_[to].push_back(from);
    successors_[from].push_back(to);
  }

  void eliminate(Node node) {
    const std::vector<Node> before = std::move(predecessors_[node]);
    const std::vector<Node> after = std::move(successors_[node]);
    gone_[node] = 1;
    std::vector<Node> out;
    for (const Node k : after) out.push_back(total(edges_.at(key(node, k))));
    for (const Node i : before) {
      const Node in = total(edges_.at(key(i, node)));
      for (std::size_t k = 0; k < after.size(); ++k) {
        Node weight = product(out[k], in);
        if (rows_[node] && !rows_[i] && !rows_[after[k]])
          weight = tape_.sum_rows(weight, tape_.entry(node).table);
        if (!tape_.is_constant(weight, 0.0)) add_to_edge(i, after[k], {node, weight});
      }
    }
    for (const Node i : before) edges_.erase(key(i, node));
    for (const Node k : after) edges_.erase(key(node, k));
    constexpr std::size_t few = 32;
    for (const auto* neighbours : {&before, &after})
      for (const Node other : *neighbours)
        if (other != output_ && tape_.entry(other).operation != Operation::input &&
            predecessors_[other].size() + successors_[other].size() <= few)
          schedule(other);
  }

  // The position (1 or 2) of the zero branch of a select, or 0.
  unsigned zero_branch(Node node) const {
    const Tape::Entry& entry = tape_.entry(node);
    if (entry.operation != Operation::select) return 0;
    return tape_.is_constant(entry.operands[2], 0.0)   ? 2
           : tape_.is_constant(entry.operands[1], 0.0) ? 1
                                                       : 0;
  }

  Node select(Node condition, unsigned zero, Node value) {
    const Node nothing = tape_.constant(0.0);
    return zero == 2 ? tape_.apply(Operation::select, condition, value, nothing)
                     : tape_.apply(Operation::select, condition, nothing, value);
  }

  // A product that is 0 in branches not taken even where the other factor is not finite there.
  Node product(Node a, Node b) {
    if (zero_branch(a) == 0) std::swap(a, b);
    const unsigned zero = zero_branch(a);
    if (zero == 0) return tape_.multiply(a, b);
    const Tape::Entry entry = tape_.entry(a);
    return select(entry.operands[0], zero, product(entry.operands[3 - zero], b));
  }

  Node sum(Node a, Node b) {
    const unsigned zero = zero_branch(a);
    if (zero != 0 && zero == zero_branch(b) &&
        tape_.entry(a).operands[0] == tape_.entry(b).operands[0]) {
      const Tape::Entry first = tape_.entry(a), second = tape_.entry(b);
      return select(first.operands[0], zero,
                    sum(first.operands[3 - zero], second.operands[3 - zero]));
    }
    return tape_.add(a, b);
  }

  Tape& tape_;
  Node output_;
  std::size_t n_;
  std::size_t size_;
  std::vector<std::vector<Node>> predecessors_, successors_;
  std::vector<char> gone_, rows_;
  std::unordered_map<std::uint64_t, Edge> edges_;
  std::vector<Node> interior_, waiting_;
  std::priority_queue<Candidate> queue_;
};

}  // namespace

std::vector<Node> gradient(Tape& tape, Node output, std::size_t n) {
  return LinearGraph(tape, output, n).eliminate();
}

}  // namespace talweg
