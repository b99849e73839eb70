#include <pybind11/native_enum.h>

#include "python/register.hpp"
#include "talweg/status.hpp"

namespace talweg::python {

void register_status(pybind11::module_& module) {
  pybind11::native_enum<Status>(module, "Status", "enum.IntEnum",
                                "How a computation ended; codes below 100 are successes.")
      .value("converged", Status::converged)
      .value("boundary", Status::boundary)
      .value("closed", Status::closed)
      .value("critical_point", Status::critical_point)
      .value("branch_point", Status::branch_point)
      .value("max_points", Status::max_points)
      .value("max_length", Status::max_length)
      .value("max_steps", Status::max_steps)
      .value("max_time", Status::max_time)
      .value("entered_ball", Status::entered_ball)
      .value("level_crossed", Status::level_crossed)
      .value("running", Status::running)
      .value("step_too_small", Status::step_too_small)
      .value("not_converged", Status::not_converged)
      .value("non_finite", Status::non_finite)
      .value("degenerate", Status::degenerate)
      .value("isotropic", Status::isotropic)
      .value("inconsistent", Status::inconsistent)
      .value("interrupted", Status::interrupted)
      .value("not_symmetric", Status::not_symmetric)
      .value("uncovered", Status::uncovered)
      .finalize();
  module.def("describe", &describe, pybind11::arg("status"),
             "One sentence that says what a status means.");
}

}  // namespace talweg::python
