// The order of the instructions of one stage.
#pragma once

#include <vector>

#include "objective/machine_graph.hpp"

namespace talweg {

// Orders `values`, instructions given in an order that respects their operands, so that few values
// are live at a time: the better of the given order and a greedy one. `uses[v]` counts the readers
// of v in this stage and anywhere later; a value with more uses than readers here stays live.
std::vector<Value> schedule(const MachineGraph& graph, const std::vector<Value>& values,
                            const std::vector<std::uint32_t>& uses);

}  // namespace talweg
