#include "objective/gauged_objective.hpp"

#include <stdexcept>
#include <utility>

namespace talweg {

GaugedObjective::GaugedObjective(std::shared_ptr<const Objective> base,
                                 std::shared_ptr<const Gauge> gauge)
    : base_(std::move(base)), gauge_(std::move(gauge)) {
  if (base_->dimension() != gauge_->dimension()) {
    throw std::invalid_argument("the gauge must have as many coordinates as the objective");
  }
}

}  // namespace talweg
