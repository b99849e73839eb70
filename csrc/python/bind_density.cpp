// One dense symmetric matrix, and recurrences for spectral densities.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "python/callable_operator.hpp"
#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "spectrum/dense_eigen.hpp"
#include "spectrum/lapack_hook.hpp"
#include "spectrum/recurrence.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;
using Values = py::array_t<double, py::array::c_style | py::array::forcecast>;

py::tuple dense(const Values& matrix, std::size_t first, std::size_t count, bool vectors,
                bool use_lapack) {
  if (matrix.ndim() != 2 || matrix.shape(0) != matrix.shape(1))
    throw py::value_error("matrix: want shape (n, n)");
  const auto n = static_cast<std::size_t>(matrix.shape(0));
  if (first > n || count > n - first)
    throw py::value_error("first, count: want eigenvalues among the n of the matrix");
  // Where all vectors are wanted they take the place of the copied matrix.
  Values work({n, n});
  const bool in_place = vectors && count == n;
  Values values(static_cast<py::ssize_t>(count));
  Values columns = in_place ? work
                            : Values({static_cast<py::ssize_t>(vectors ? n : 0),
                                      static_cast<py::ssize_t>(vectors ? count : 0)});
  const double* const from = matrix.data();
  double* const to = work.mutable_data();
  double* const at_values = values.mutable_data();
  double* const at_columns = vectors ? columns.mutable_data() : nullptr;
  Status status;
  {
    const py::gil_scoped_release released;
    std::copy(from, from + n * n, to);
    status =
        dense_eigen(use_lapack ? lapack() : nullptr, n, to, first, count, at_values, at_columns);
  }
  return py::make_tuple(values, vectors ? py::object(columns) : py::none(), status);
}

// Rows of coefficients, one for each start, filled up with NaN and 0; and the statuses.
template <class Compute>
py::tuple recurrences(std::size_t n, const Values& starts, std::size_t steps, bool reorthogonalise,
                      std::size_t workers, Compute&& compute) {
  if (starts.ndim() != 2 || static_cast<std::size_t>(starts.shape(1)) != n)
    throw py::value_error("starts: want shape (probes, n)");
  const auto count = static_cast<std::size_t>(starts.shape(0));
  const double* const from = starts.data();
  RecurrenceOptions options;
  options.steps = steps;
  options.reorthogonalise = reorthogonalise;
  options.workers = workers;
  std::vector<Recurrence> runs;
  SignalCheck signals;
  {
    const py::gil_scoped_release released;
    runs = compute(count, from, options);
  }
  const std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(count),
                                       static_cast<py::ssize_t>(steps)};
  py::array_t<double> diagonal(shape), beside(shape);
  py::array_t<int> statuses(static_cast<py::ssize_t>(count));
  std::fill_n(diagonal.mutable_data(), count * steps, std::numeric_limits<double>::quiet_NaN());
  std::fill_n(beside.mutable_data(), count * steps, 0.0);
  for (std::size_t l = 0; l < count; ++l) {
    std::copy(runs[l].diagonal.begin(), runs[l].diagonal.end(), diagonal.mutable_data(l));
    std::copy(runs[l].beside.begin(), runs[l].beside.end(), beside.mutable_data(l));
    statuses.mutable_at(l) = static_cast<int>(runs[l].status);
  }
  py::tuple result = py::make_tuple(diagonal, beside, statuses);
  signals.raise(result);
  return result;
}

py::tuple of_callable(const py::function& function, std::size_t n, std::size_t block,
                      const Values& starts, std::size_t steps, bool reorthogonalise,
                      std::size_t workers) {
  const CallableOperator matrix(function, n, block, true);
  return recurrences(n, starts, steps, reorthogonalise, workers,
                     [&](std::size_t count, const double* from, const RecurrenceOptions& options) {
                       return lanczos_recurrences(matrix, count, from, options);
                     });
}

py::tuple of_hessian(const Objective& objective, const Values& x, const Values& starts,
                     std::size_t steps, bool reorthogonalise, std::size_t workers) {
  if (static_cast<std::size_t>(x.size()) != objective.dimension())
    throw py::value_error("x: want shape (n,)");
  const double* const point = x.data();
  return recurrences(objective.dimension(), starts, steps, reorthogonalise, workers,
                     [&](std::size_t count, const double* from, const RecurrenceOptions& options) {
                       return options.reorthogonalise
                                  ? lanczos_recurrences(HessianOperator(objective, point), count,
                                                        from, options)
                                  : hessian_recurrences(objective, point, count, from, options);
                     });
}

}  // namespace

void register_density(py::module_& module) {
  module.def("dense_eigen", &dense, py::arg("matrix"), py::arg("first"), py::arg("count"),
             py::arg("vectors") = true, py::arg("use_lapack") = true,
             "Eigenvalues first .. first + count - 1 of a symmetric (n, n) matrix, their vectors "
             "in columns or None, and the status.");
  module.def("lanczos_pays_from", &lanczos_pays_from, py::arg("k"),
             "Rows of a dense matrix from which its k extreme eigenpairs come cheaper from "
             "Lanczos.");
  module.def("operator_recurrences", &of_callable, py::arg("function"), py::arg("n"),
             py::arg("block"), py::arg("starts"), py::arg("steps"), py::arg("reorthogonalise"),
             py::arg("workers") = 0,
             "Coefficients (probes, steps) of Lanczos's recurrence from each row of starts.");
  module.def("hessian_recurrences", &of_hessian, py::arg("objective"), py::arg("x"),
             py::arg("starts"), py::arg("steps"), py::arg("reorthogonalise"),
             py::arg("workers") = 0, "The same with the Hessian at x.");
}

}  // namespace talweg::python
