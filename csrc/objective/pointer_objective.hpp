// Objectives whose functions are given as plain pointers, with the signatures of talweg/pointers.h.
#pragma once

#include <memory>

#include "talweg/objective.hpp"
#include "talweg/pointers.h"

namespace talweg {

// A function with what it is called with. Null: not given.
struct FunctionPointer {
  void (*function)() = nullptr;
  void* user_data = nullptr;
  bool takes_user_data = true;  // whether the signature has that last parameter

  explicit operator bool() const noexcept { return function != nullptr; }
};

// What is common to functions of one point and of blocks.
struct PointerOptions {
  std::size_t dimension = 0;  // n, at least 1 and at most INT_MAX
  bool thread_safe = false;
  // Asked after every call of a function; true ends the evaluation, with NaN in what is left.
  bool (*failed)() = nullptr;
  std::shared_ptr<void> owner;  // keeps the functions and their data alive
};

// Functions that are called once for each point.
struct PointFunctions {
  FunctionPointer fun, grad, hess, hessp, third;
};

// Both evaluate what their functions give and throw std::logic_error when asked for more, such as
// T[v] w; talweg/differences.hpp completes them.
std::shared_ptr<Objective> make_point_pointer_objective(const PointFunctions& functions,
                                                        PointerOptions options);

// `provided` are the Quantity bits that the function knows.
std::shared_ptr<Objective> make_block_pointer_objective(FunctionPointer function, unsigned provided,
                                                        PointerOptions options);

}  // namespace talweg
