// Decompositions of batches of matrices. Arrays come from talweg.spectrum.batches, which has
// checked what users gave: contiguous, of one of two types, with room for the results.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "talweg/hessian_spectrum.hpp"
#include "talweg/spectrum.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;
using Codes = py::array_t<int, py::array::c_style>;

static_assert(sizeof(Status) == sizeof(int) && std::is_standard_layout_v<Inertia> &&
              sizeof(Inertia) == 3 * sizeof(int));

struct Matrices {
  std::size_t count = 1;
  std::size_t n = 0;
  std::size_t entries = 0;
  bool single = false;
};

[[noreturn]] void refuse(const char* name, const char* wanted) {
  throw py::value_error(std::string(name) + ": want " + wanted);
}

bool contiguous(const py::array& array) { return array.flags() & py::array::c_style; }

Matrices matrices_of(const py::array& array) {
  Matrices result;
  const py::ssize_t axes = array.ndim();
  if (axes < 2 || array.shape(axes - 1) != array.shape(axes - 2) || !contiguous(array))
    refuse("matrices", "contiguous (..., n, n)");
  result.single = py::isinstance<py::array_t<float>>(array);
  if (!result.single && !py::isinstance<py::array_t<double>>(array))
    refuse("matrices", "float64 or float32");
  for (py::ssize_t axis = 0; axis < axes - 2; ++axis)
    result.count *= static_cast<std::size_t>(array.shape(axis));
  result.n = static_cast<std::size_t>(array.shape(axes - 1));
  result.entries = result.count * result.n * result.n;
  return result;
}

template <class Real>
Real* data_of(py::array& array, const char* name, std::size_t size) {
  if (!py::isinstance<py::array_t<Real>>(array) || !contiguous(array) || !array.writeable() ||
      static_cast<std::size_t>(array.size()) != size)
    refuse(name, "a contiguous array of the matrices' type with room for the results");
  return static_cast<Real*>(array.mutable_data());
}

Status* statuses_of(Codes& statuses, std::size_t count) {
  return reinterpret_cast<Status*>(data_of<int>(statuses, "statuses", count));
}

BatchOptions options_of(int symmetry, std::size_t workers) {
  if (symmetry < 0 || symmetry > 2) refuse("symmetry", "0, 1 or 2");
  BatchOptions options;
  options.symmetry = static_cast<Symmetry>(symmetry);
  options.workers = workers;
  return options;
}

// Runs the kernel without the interpreter's lock. The arguments are held by the call.
template <class Kernel>
int run(const py::object& result, Kernel&& kernel) {
  SignalCheck signals;
  Status status;
  {
    const py::gil_scoped_release released;
    status = kernel();
  }
  signals.raise(result);
  return static_cast<int>(status);
}

template <class Real>
int eigh(const py::array& array, const Matrices& matrices, py::array& values,
         std::optional<py::array>& vectors, Codes& statuses, const BatchOptions& options) {
  Real* const to_values = data_of<Real>(values, "values", matrices.count * matrices.n);
  Real* const to_vectors = vectors ? data_of<Real>(*vectors, "vectors", matrices.entries) : nullptr;
  Status* const to_statuses = statuses_of(statuses, matrices.count);
  const Real* const from = static_cast<const Real*>(array.data());
  const py::object result = vectors ? py::object(py::make_tuple(values, *vectors)) : values;
  return run(result, [&] {
    return eigh_batch(matrices.count, matrices.n, from, to_values, to_vectors, to_statuses,
                      options);
  });
}

template <class Real>
int logabsdet(const py::array& array, const Matrices& matrices, py::array& log_modulus,
              std::optional<py::array>& sign, Codes& statuses, double offset, double factor,
              const BatchOptions& options) {
  Real* const to_modulus = data_of<Real>(log_modulus, "log_modulus", matrices.count);
  Real* const to_sign = sign ? data_of<Real>(*sign, "sign", matrices.count) : nullptr;
  Status* const to_statuses = statuses_of(statuses, matrices.count);
  const Real* const from = static_cast<const Real*>(array.data());
  const py::object result = sign ? py::object(py::make_tuple(*sign, log_modulus)) : log_modulus;
  return run(result, [&] {
    return logabsdet_batch(matrices.count, matrices.n, from, to_modulus, to_sign, to_statuses,
                           offset, factor, options);
  });
}

struct Points {
  std::size_t count = 0;
  const double* x = nullptr;
};

Points points_of(const Objective& objective, const py::array& x) {
  if (!py::isinstance<py::array_t<double>>(x) || !contiguous(x) || x.ndim() != 2 ||
      static_cast<std::size_t>(x.shape(1)) != objective.dimension())
    refuse("x", "contiguous float64 (m, n)");
  return {static_cast<std::size_t>(x.shape(0)), static_cast<const double*>(x.data())};
}

int of_hessian_eigh(const Objective& objective, const py::array& x, py::array values,
                    std::optional<py::array> vectors, Codes statuses, std::size_t workers) {
  const Points points = points_of(objective, x);
  const std::size_t n = objective.dimension();
  double* const to_values = data_of<double>(values, "values", points.count * n);
  double* const to_vectors =
      vectors ? data_of<double>(*vectors, "vectors", points.count * n * n) : nullptr;
  Status* const to_statuses = statuses_of(statuses, points.count);
  const py::object result = vectors ? py::object(py::make_tuple(values, *vectors)) : values;
  return run(result, [&] {
    return hessian_eigh(objective, points.count, points.x, to_values, to_vectors, to_statuses,
                        workers);
  });
}

int of_hessian_inertia(const Objective& objective, const py::array& x, Codes inertia,
                       Codes statuses, std::size_t workers) {
  const Points points = points_of(objective, x);
  auto* const to = reinterpret_cast<Inertia*>(data_of<int>(inertia, "inertia", 3 * points.count));
  Status* const to_statuses = statuses_of(statuses, points.count);
  return run(inertia, [&] {
    return hessian_inertia(objective, points.count, points.x, to, to_statuses, workers);
  });
}

int of_hessian_logabsdet(const Objective& objective, const py::array& x, py::array log_modulus,
                         std::optional<py::array> sign, Codes statuses, double offset,
                         double factor, std::size_t workers) {
  const Points points = points_of(objective, x);
  double* const to_modulus = data_of<double>(log_modulus, "log_modulus", points.count);
  double* const to_sign = sign ? data_of<double>(*sign, "sign", points.count) : nullptr;
  Status* const to_statuses = statuses_of(statuses, points.count);
  const py::object result = sign ? py::object(py::make_tuple(*sign, log_modulus)) : log_modulus;
  return run(result, [&] {
    return hessian_logabsdet(objective, points.count, points.x, to_modulus, to_sign, to_statuses,
                             offset, factor, workers);
  });
}

}  // namespace

void register_spectrum_batches(py::module_& module) {
  module.def(
      "eigh_batch",
      [](const py::array& array, py::array values, std::optional<py::array> vectors, Codes statuses,
         int symmetry, std::size_t workers) {
        const Matrices matrices = matrices_of(array);
        const BatchOptions options = options_of(symmetry, workers);
        return matrices.single ? eigh<float>(array, matrices, values, vectors, statuses, options)
                               : eigh<double>(array, matrices, values, vectors, statuses, options);
      },
      py::arg("matrices"), py::arg("values"), py::arg("vectors"), py::arg("statuses").noconvert(),
      py::arg("symmetry"), py::arg("workers"),
      "Eigenvalues and, unless None, eigenvectors written into the arrays; a status code. "
      "Symmetry: "
      "0 checked, 1 the mean of both triangles, 2 the lower one.");
  module.def(
      "inertia_batch",
      [](const py::array& array, Codes inertia, Codes statuses, int symmetry, std::size_t workers) {
        const Matrices matrices = matrices_of(array);
        const BatchOptions options = options_of(symmetry, workers);
        auto* const to =
            reinterpret_cast<Inertia*>(data_of<int>(inertia, "inertia", 3 * matrices.count));
        Status* const to_statuses = statuses_of(statuses, matrices.count);
        return run(inertia, [&] {
          return matrices.single ? inertia_batch(matrices.count, matrices.n,
                                                 static_cast<const float*>(array.data()), to,
                                                 to_statuses, options)
                                 : inertia_batch(matrices.count, matrices.n,
                                                 static_cast<const double*>(array.data()), to,
                                                 to_statuses, options);
        });
      },
      py::arg("matrices"), py::arg("inertia").noconvert(), py::arg("statuses").noconvert(),
      py::arg("symmetry"), py::arg("workers"),
      "Numbers of negative, zero and positive eigenvalues written into the array; a status code.");
  module.def(
      "logabsdet_batch",
      [](const py::array& array, py::array log_modulus, std::optional<py::array> sign,
         Codes statuses, double offset, double factor, int symmetry, std::size_t workers) {
        const Matrices matrices = matrices_of(array);
        const BatchOptions options = options_of(symmetry, workers);
        return matrices.single ? logabsdet<float>(array, matrices, log_modulus, sign, statuses,
                                                  offset, factor, options)
                               : logabsdet<double>(array, matrices, log_modulus, sign, statuses,
                                                   offset, factor, options);
      },
      py::arg("matrices"), py::arg("log_modulus"), py::arg("sign"), py::arg("statuses").noconvert(),
      py::arg("offset"), py::arg("factor"), py::arg("symmetry"), py::arg("workers"),
      "log |det| of offset I + factor H and, unless None, the sign of det written into the arrays; "
      "a status code.");
  module.def("hessian_eigh", &of_hessian_eigh, py::arg("objective"), py::arg("x"),
             py::arg("values"), py::arg("vectors"), py::arg("statuses").noconvert(),
             py::arg("workers"), "eigh_batch of the Hessians at the points x (m, n).");
  module.def("hessian_inertia", &of_hessian_inertia, py::arg("objective"), py::arg("x"),
             py::arg("inertia").noconvert(), py::arg("statuses").noconvert(), py::arg("workers"),
             "inertia_batch of the Hessians at the points x (m, n).");
  module.def("hessian_logabsdet", &of_hessian_logabsdet, py::arg("objective"), py::arg("x"),
             py::arg("log_modulus"), py::arg("sign"), py::arg("statuses").noconvert(),
             py::arg("offset"), py::arg("factor"), py::arg("workers"),
             "logabsdet_batch of the Hessians at the points x (m, n).");
}

}  // namespace talweg::python
