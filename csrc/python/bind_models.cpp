#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

#include "python/register.hpp"
#include "talweg/models.hpp"

namespace talweg::python {
namespace {

namespace py = pybind11;
template <class T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;
using Values = Array<double>;

template <class T>
std::vector<T> to_vector(const Array<T>& array) {
  return {array.data(), array.data() + array.size()};
}

std::size_t extent(const py::array& array, const char* name, py::ssize_t axes, py::ssize_t axis) {
  if (array.ndim() != axes)
    throw py::value_error(std::string(name) + ": want " + std::to_string(axes) + " axes, got " +
                          std::to_string(array.ndim()));
  return static_cast<std::size_t>(array.shape(axis));
}

// The description is a copy, so that building needs no lock on the interpreter.
template <class Description>
std::shared_ptr<Objective> build(const Description& description) {
  const py::gil_scoped_release released;
  return make_objective(description);
}

std::shared_ptr<Objective> polynomial(const Array<std::uint32_t>& exponents,
                                      const Values& coefficients) {
  Polynomial p;
  p.n = extent(exponents, "exponents", 2, 1);
  p.exponents = to_vector(exponents);
  p.coefficients = to_vector(coefficients);
  return build(p);
}

std::shared_ptr<Objective> quadratic(const Values& matrix, const Values& linear,
                                     const Values& centre, double constant,
                                     const Array<std::uint64_t>& cubic_indices,
                                     const Values& cubic_values) {
  Quadratic q;
  q.n = extent(linear, "linear", 1, 0);
  q.matrix = to_vector(matrix);
  q.linear = to_vector(linear);
  q.centre = to_vector(centre);
  q.constant = constant;
  if (extent(cubic_indices, "cubic_indices", 2, 1) != 3 ||
      extent(cubic_values, "cubic_values", 1, 0) != extent(cubic_indices, "cubic_indices", 2, 0))
    throw py::value_error("cubic_indices: want three indices for each of cubic_values");
  for (py::ssize_t t = 0; t < cubic_values.size(); ++t)
    q.cubic.push_back({cubic_indices.at(t, 0), cubic_indices.at(t, 1), cubic_indices.at(t, 2),
                       cubic_values.at(t)});
  return build(q);
}

std::shared_ptr<Objective> regression(const std::string& loss, const Values& data,
                                      const Values& targets, const Values& ridge) {
  Regression r;
  if (loss != "logistic" && loss != "squares")
    throw py::value_error("loss: want 'logistic' or 'squares', got '" + loss + "'");
  r.loss = loss == "logistic" ? Regression::Loss::logistic : Regression::Loss::squares;
  r.rows = extent(data, "data", 2, 0);
  r.columns = extent(data, "data", 2, 1);
  r.data = to_vector(data);
  r.targets = to_vector(targets);
  r.ridge = to_vector(ridge);
  return build(r);
}

std::shared_ptr<Objective> cluster(const std::string& pair, std::size_t atoms, double depth,
                                   double length, double steepness) {
  if (pair != "lennard-jones" && pair != "morse")
    throw py::value_error("pair: want 'lennard-jones' or 'morse', got '" + pair + "'");
  return build(Cluster{pair == "morse" ? Cluster::Pair::morse : Cluster::Pair::lennard_jones, atoms,
                       depth, length, steepness});
}

std::shared_ptr<Objective> gaussians(bool logarithm, const Values& amplitudes, const Values& means,
                                     const Values& precisions) {
  Gaussians g;
  g.combination = logarithm ? Gaussians::Combination::logarithm : Gaussians::Combination::sum;
  g.n = extent(means, "means", 2, 1);
  g.amplitudes = to_vector(amplitudes);
  g.means = to_vector(means);
  g.precisions = to_vector(precisions);
  return build(g);
}

std::shared_ptr<Objective> phi4_chain(std::size_t n, double coupling, bool periodic) {
  return build(Phi4Chain{n, coupling, periodic});
}

}  // namespace

void register_models(py::module_& module) {
  module.def("polynomial", &polynomial, py::arg("exponents"), py::arg("coefficients"));
  module.def("quadratic", &quadratic, py::arg("matrix"), py::arg("linear"), py::arg("centre"),
             py::arg("constant"), py::arg("cubic_indices"), py::arg("cubic_values"));
  module.def("regression", &regression, py::arg("loss"), py::arg("data"), py::arg("targets"),
             py::arg("ridge"));
  module.def("cluster", &cluster, py::arg("pair"), py::arg("atoms"), py::arg("depth"),
             py::arg("length"), py::arg("steepness"));
  module.def("gaussians", &gaussians, py::arg("logarithm"), py::arg("amplitudes"), py::arg("means"),
             py::arg("precisions"));
  module.def("phi4_chain", &phi4_chain, py::arg("n"), py::arg("coupling"), py::arg("periodic"));
}

}  // namespace talweg::python
