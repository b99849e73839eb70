// Extreme eigenpairs of an operator with options from Python.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>

#include "talweg/lanczos.hpp"

namespace talweg::python {

using Rows = pybind11::array_t<double, pybind11::array::c_style | pybind11::array::forcecast>;

// given: options by name; start: vectors as rows; progress: a function or None.
pybind11::dict lanczos_run(const SymmetricOperator& matrix, const pybind11::dict& given,
                           const std::optional<Rows>& start, const pybind11::object& progress);

}  // namespace talweg::python
