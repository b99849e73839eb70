#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python/callable_operator.hpp"
#include "python/lanczos_run.hpp"
#include "python/register.hpp"
#include "python/signal_check.hpp"
#include "talweg/lanczos.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;
using Values = Rows;

SpectrumEnd end_named(const std::string& name) {
  if (name == "smallest") return SpectrumEnd::smallest;
  if (name == "largest") return SpectrumEnd::largest;
  if (name == "both") return SpectrumEnd::both;
  if (name == "nearest-zero") return SpectrumEnd::nearest_zero;
  throw py::value_error("which: no end of the spectrum is called '" + name + "'");
}

LanczosMethod method_named(const std::string& name) {
  if (name == "auto") return LanczosMethod::automatic;
  if (name == "dense") return LanczosMethod::dense;
  if (name == "refined") return LanczosMethod::refined;
  if (name == "three-term") return LanczosMethod::three_term;
  if (name == "block") return LanczosMethod::block;
  throw py::value_error("method: no method is called '" + name + "'");
}

CopyCheck check_named(const std::string& name) {
  if (name == "auto") return CopyCheck::automatic;
  if (name == "never") return CopyCheck::never;
  if (name == "always") return CopyCheck::always;
  throw py::value_error("check: want auto, never or always, got '" + name + "'");
}

const char* name_of(LanczosMethod method) {
  switch (method) {
    case LanczosMethod::dense:
      return "dense";
    case LanczosMethod::refined:
      return "refined";
    case LanczosMethod::three_term:
      return "three-term";
    case LanczosMethod::block:
      return "block";
    default:
      return "auto";
  }
}

// The function may raise, or return true to stop.
class Progress {
 public:
  explicit Progress(py::object function) : function_(std::move(function)) {}

  bool operator()(const LanczosProgress& progress) {
    const py::gil_scoped_acquire acquired;
    try {
      return py::cast<bool>(
          py::bool_(function_(progress.steps, progress.products, progress.residual)));
    } catch (py::error_already_set& error) {
      SignalCheck* const signals = SignalCheck::current();
      if (signals == nullptr || !error.matches(PyExc_KeyboardInterrupt)) throw;
      signals->stop(std::move(error));
      return true;
    }
  }

 private:
  py::object function_;
};

py::dict of_callable(const py::function& function, std::size_t n, std::size_t block, bool symmetric,
                     const py::dict& options, const std::optional<Values>& start,
                     const py::object& progress) {
  return lanczos_run(CallableOperator(function, n, block, symmetric), options, start, progress);
}

py::dict of_hessian(const Objective& objective, const Values& x, bool gradient, std::size_t block,
                    const py::dict& options, const std::optional<Values>& start,
                    const py::object& progress) {
  py::array_t<double> slope(gradient ? x.size() : 0);
  const HessianOperator matrix(objective, x.data(), gradient ? slope.mutable_data() : nullptr,
                               block);
  py::dict result = lanczos_run(matrix, options, start, progress);
  if (gradient) result["gradient"] = slope;
  return result;
}

}  // namespace

py::dict lanczos_run(const SymmetricOperator& matrix, const py::dict& given,
                     const std::optional<Rows>& start, const py::object& progress) {
  LanczosOptions options;
  for (const auto& [key, value] : given) {
    const auto name = py::cast<std::string>(key);
    if (name == "count")
      options.count = py::cast<std::size_t>(value);
    else if (name == "which")
      options.which = end_named(py::cast<std::string>(value));
    else if (name == "method")
      options.method = method_named(py::cast<std::string>(value));
    else if (name == "tolerance")
      options.tolerance = py::cast<double>(value);
    else if (name == "max_steps")
      options.max_steps = py::cast<std::size_t>(value);
    else if (name == "block")
      options.block = py::cast<std::size_t>(value);
    else if (name == "basis")
      options.basis = py::cast<std::size_t>(value);
    else if (name == "memory")
      options.memory = py::cast<std::size_t>(value);
    else if (name == "seed")
      options.seed = py::cast<std::uint64_t>(value);
    else if (name == "workers")
      options.workers = py::cast<std::size_t>(value);
    else if (name == "check")
      options.check = check_named(py::cast<std::string>(value));
    else
      throw py::value_error("options: no option is called '" + name + "'");
  }
  const std::size_t n = matrix.dimension();
  if (start) {
    options.start = start->data();
    options.start_count = static_cast<std::size_t>(start->size()) / n;
  }
  // Outside the kernel, so that it ends with the interpreter's lock held.
  const auto callback = progress.is_none() ? nullptr : std::make_unique<Progress>(progress);
  if (callback) {
    options.progress = [&callback](const LanczosProgress& at) { return (*callback)(at); };
  }
  EigenPairs found;
  SignalCheck signals;
  {
    const py::gil_scoped_release released;
    found = extreme_eigenpairs(matrix, options);
  }
  const auto k = static_cast<py::ssize_t>(found.values.size());
  const auto vector_array = [](const std::vector<double>& values) {
    return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
  };
  py::array_t<double> vectors({k, static_cast<py::ssize_t>(n)});
  std::copy(found.vectors.begin(), found.vectors.end(), vectors.mutable_data());
  py::dict result;
  result["eigenvalues"] = vector_array(found.values);
  result["eigenvectors"] = vectors.attr("T");
  result["residuals"] = vector_array(found.residuals);
  result["errors"] = vector_array(found.errors);
  result["norm"] = found.norm;
  result["products"] = found.products;
  result["steps"] = found.steps;
  result["missed_probability"] = found.missed_probability;
  result["method"] = name_of(found.method);
  result["status"] = static_cast<int>(found.status);
  signals.raise(result);
  return result;
}

void register_lanczos(py::module_& module) {
  module.def("operator_eigenpairs", &of_callable, py::arg("function"), py::arg("n"),
             py::arg("block"), py::arg("symmetric"), py::arg("options"),
             py::arg("start") = py::none(), py::arg("progress") = py::none());
  module.def("hessian_eigenpairs", &of_hessian, py::arg("objective"), py::arg("x"),
             py::arg("gradient"), py::arg("block"), py::arg("options"),
             py::arg("start") = py::none(), py::arg("progress") = py::none());
}

}  // namespace talweg::python
