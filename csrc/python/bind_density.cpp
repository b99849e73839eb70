// One dense symmetric matrix.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <vector>

#include "python/register.hpp"
#include "spectrum/dense_eigen.hpp"
#include "spectrum/lapack_hook.hpp"

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

}  // namespace

void register_density(py::module_& module) {
  module.def("dense_eigen", &dense, py::arg("matrix"), py::arg("first"), py::arg("count"),
             py::arg("vectors") = true, py::arg("use_lapack") = true,
             "Eigenvalues first .. first + count - 1 of a symmetric (n, n) matrix, their vectors "
             "in columns or None, and the status.");
  module.def("lanczos_pays_from", &lanczos_pays_from, py::arg("k"),
             "Rows of a dense matrix from which its k extreme eigenpairs come cheaper from "
             "Lanczos.");
}

}  // namespace talweg::python
