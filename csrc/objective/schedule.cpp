#include "objective/schedule.hpp"

#include <algorithm>
#include <array>

namespace talweg {
namespace {

// The most registers in use at once, less those in use at the start of the stage.
std::ptrdiff_t pressure(const MachineGraph& graph, const std::vector<Value>& order,
                        std::vector<std::uint32_t> uses) {
  std::ptrdiff_t live = 0, greatest = 0;
  for (const Value value : order) {
    graph.for_each_operand(value, [&](Value operand) { live -= --uses[operand] == 0; });
    greatest = std::max(greatest, ++live);
  }
  return greatest;
}

// Takes, of the instructions whose operands are there, one that frees the most registers; of
// several, the one that became possible last, so that work on recent values is finished first.
class GreedyOrder {
 public:
  GreedyOrder(const MachineGraph& graph, const std::vector<Value>& values,
              std::vector<std::uint32_t> uses)
      : graph_(graph), uses_(std::move(uses)) {
    const std::size_t size = graph.nodes.size();
    missing_.assign(size, 0);
    pending_users_.assign(size, 0);
    state_.assign(size, State::elsewhere);
    users_.resize(size);
    for (const Value value : values) state_[value] = State::waiting;
    for (const Value value : values)
      graph.for_each_operand(value, [&](Value operand) {
        pending_users_[operand] ^= value;
        if (state_[operand] == State::waiting) {
          users_[operand].push_back(value);
          ++missing_[value];
        }
      });
    for (auto value = values.rbegin(); value != values.rend(); ++value)
      if (missing_[*value] == 0) make_ready(*value);
    order_.reserve(values.size());
  }

  std::vector<Value> run() {
    for (;;) {
      const auto bucket = std::find_if(ready_.begin(), ready_.end(),
                                       [](const auto& stack) { return !stack.empty(); });
      if (bucket == ready_.end()) return order_;
      const Value value = bucket->back();
      bucket->pop_back();
      // A value whose growth has fallen stands in a better bucket as well.
      if (state_[value] != State::ready || growth(value) != bucket - ready_.begin()) continue;
      take(value);
    }
  }

 private:
  enum class State : char { elsewhere, waiting, ready, done };

  // Registers needed less registers freed, from 0 (frees three) to 3 (frees none) and one more.
  std::ptrdiff_t growth(Value value) const {
    std::ptrdiff_t result = 3;
    graph_.for_each_operand(value, [&](Value operand) { result -= uses_[operand] == 1; });
    return result;
  }

  void make_ready(Value value) {
    state_[value] = State::ready;
    ready_[growth(value)].push_back(value);
  }

  void take(Value value) {
    state_[value] = State::done;
    order_.push_back(value);
    graph_.for_each_operand(value, [&](Value operand) {
      pending_users_[operand] ^= value;
      if (--uses_[operand] == 1) {
        const Value last = pending_users_[operand];
        if (last < state_.size() && state_[last] == State::ready)
          ready_[growth(last)].push_back(last);
      }
    });
    for (auto user = users_[value].rbegin(); user != users_[value].rend(); ++user)
      if (--missing_[*user] == 0) make_ready(*user);
  }

  const MachineGraph& graph_;
  std::vector<std::uint32_t> uses_;
  std::vector<std::uint32_t> missing_;
  std::vector<Value> pending_users_;  // exclusive or of the users not yet taken
  std::vector<State> state_;
  std::vector<std::vector<Value>> users_;
  std::array<std::vector<Value>, 4> ready_;
  std::vector<Value> order_;
};

// The same from the end: takes, of the instructions whose users all come later, one whose operands
// are mostly live already.
class BackwardOrder {
 public:
  BackwardOrder(const MachineGraph& graph, const std::vector<Value>& values) : graph_(graph) {
    const std::size_t size = graph.nodes.size();
    here_.assign(size, 0);
    live_.assign(size, 1);
    done_.assign(size, 0);
    pending_.assign(size, 0);
    users_.resize(size);
    for (const Value value : values) {
      here_[value] = 1;
      live_[value] = 0;
    }
    for (const Value value : values)
      graph.for_each_operand(value, [&](Value operand) {
        if (!here_[operand]) return;
        users_[operand].push_back(value);
        ++pending_[operand];
      });
    for (const Value value : values)
      if (pending_[value] == 0) ready_[growth(value)].push_back(value);
    order_.reserve(values.size());
  }

  std::vector<Value> run() {
    for (;;) {
      const auto bucket = std::find_if(ready_.begin(), ready_.end(),
                                       [](const auto& stack) { return !stack.empty(); });
      if (bucket == ready_.end()) break;
      const Value value = bucket->back();
      bucket->pop_back();
      if (!done_[value] && growth(value) == bucket - ready_.begin()) take(value);
    }
    std::reverse(order_.begin(), order_.end());
    return order_;
  }

 private:
  std::ptrdiff_t growth(Value value) const {
    std::ptrdiff_t result = 0;
    graph_.for_each_operand(value, [&](Value operand) { result += !live_[operand]; });
    return result;
  }

  void take(Value value) {
    done_[value] = 1;
    order_.push_back(value);
    graph_.for_each_operand(value, [&](Value operand) {
      if (!here_[operand]) return;
      --pending_[operand];
      if (!live_[operand]) {
        live_[operand] = 1;
        for (const Value user : users_[operand])
          if (!done_[user] && pending_[user] == 0) ready_[growth(user)].push_back(user);
      }
    });
    graph_.for_each_operand(value, [&](Value operand) {
      if (here_[operand] && pending_[operand] == 0) ready_[growth(operand)].push_back(operand);
    });
  }

  const MachineGraph& graph_;
  std::vector<char> here_, live_, done_;
  std::vector<std::uint32_t> pending_;  // users not yet taken
  std::vector<std::vector<Value>> users_;
  std::array<std::vector<Value>, 4> ready_;
  std::vector<Value> order_;
};

}  // namespace

std::vector<Value> schedule(const MachineGraph& graph, const std::vector<Value>& values,
                            const std::vector<std::uint32_t>& uses) {
  std::vector<Value> best = values;
  std::ptrdiff_t least = pressure(graph, values, uses);
  const auto consider = [&](std::vector<Value> order) {
    const std::ptrdiff_t needed = pressure(graph, order, uses);
    if (needed >= least) return;
    least = needed;
    best = std::move(order);
  };
  consider(GreedyOrder(graph, values, uses).run());
  consider(BackwardOrder(graph, values).run());
  return best;
}

}  // namespace talweg
