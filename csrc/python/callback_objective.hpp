// Python callables as an objective.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <array>
#include <string>
#include <vector>

#include "talweg/objective.hpp"

namespace talweg::python {

// Calls Python functions with whole blocks of points, or with one point after the other. Each call
// gets arrays of its own, so that a function may keep or change what it is given. Never runs in
// the thread pool. An exception that a function raises leaves evaluate() as it is; a
// KeyboardInterrupt winds up the kernel of the innermost SignalCheck.
class CallbackObjective final : public Objective {
 public:
  // The order of the functions in `functions`; None stands for one that is not there.
  enum Role : std::size_t { fun, grad, hess, hessp, third, roles };

  // grad may be True: fun then returns the value and the gradient. `arguments` is a tuple that
  // follows the points and vectors in each call.
  CallbackObjective(std::size_t dimension, std::array<pybind11::object, roles> functions,
                    bool batched, pybind11::tuple arguments);
  ~CallbackObjective() override;

  std::size_t dimension() const noexcept override { return n_; }
  // Quantities that the functions given cannot evaluate are not touched.
  void evaluate(unsigned quantities, const EvaluationBlock& block) const override;
  bool thread_safe() const noexcept override { return false; }

  unsigned available() const noexcept { return available_; }

  // For the cyclic garbage collector: a function may refer to what holds the objective.
  int traverse(visitproc visit, void* arg) const;
  void clear();

 private:
  void evaluate_with_gil(unsigned quantities, const EvaluationBlock& block) const;
  // The same where some points or vectors are not finite: functions never see those lanes.
  void evaluate_finite(unsigned quantities, const EvaluationBlock& block,
                       const std::vector<std::size_t>& lanes) const;
  pybind11::object call(Role role, const EvaluationBlock& block, std::size_t first,
                        std::size_t count, const double* vectors) const;
  // The result of a call as a double array of the shape wanted (a leading m when batched).
  pybind11::array_t<double> checked(const pybind11::handle& result, const char* name,
                                    std::size_t count, std::size_t order) const;
  void value_and_gradient(const EvaluationBlock& block, std::size_t first, std::size_t count,
                          double* value, double* gradient) const;
  void store(const pybind11::array_t<double>& result, std::size_t order, double* rows,
             std::size_t stride, std::size_t first, std::size_t count) const;

  std::size_t n_;
  std::array<pybind11::object, roles> functions_;
  bool batched_;
  bool joint_;  // fun returns the value and the gradient
  pybind11::tuple arguments_;
  unsigned available_;
};

}  // namespace talweg::python
