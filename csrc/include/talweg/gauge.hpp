// Continuous symmetries of a function: motions of its argument that leave its value unchanged.
#pragma once

#include <cstddef>
#include <vector>

namespace talweg {

// A group of isometries x -> x(s) with d x / d s_k = t_k(x) affine in x. A function with such a
// gauge has whole orbits of critical points and of gradient extremals; the kernels take one
// representative of each and move orthogonally to the orbits. Source: docs/theory.md,
// "Rigid motions".
class Gauge {
 public:
  virtual ~Gauge() = default;

  // Number of coordinates n.
  virtual std::size_t dimension() const noexcept = 0;

  // Number of generators t_k, some of which may vanish or depend on one another at special x.
  virtual std::size_t count() const noexcept = 0;

  // rows: count() x n, the directions t_k(x).
  virtual void directions(const double* x, double* rows) const = 0;

  // rows: count() x n, the derivatives of t_k along v, which are antisymmetric matrices times v.
  virtual void change(const double* v, double* rows) const = 0;

  // Moves x on its orbit to where it is nearest to the reference, and turns the vectors
  // (vector_count x n), which are directions at x, along with it.
  virtual void align(const double* reference, double* x, double* vectors,
                     std::size_t vector_count) const = 0;
};

// Translations, and rotations unless there are periodic boundaries, of atoms in space: three
// translations and three rotations, of which two are left for atoms on a line. Coordinates are
// scale_i r_i, atom by atom, where the scales are one, or the roots of the masses.
class RigidMotions final : public Gauge {
 public:
  // scales: one positive number an atom, at least two atoms. Throws std::invalid_argument.
  explicit RigidMotions(std::vector<double> scales, bool rotations = true);

  std::size_t dimension() const noexcept override { return 3 * scales_.size(); }
  std::size_t count() const noexcept override { return rotations_ ? 6 : 3; }
  void directions(const double* x, double* rows) const override;
  void change(const double* v, double* rows) const override;
  void align(const double* reference, double* x, double* vectors,
             std::size_t vector_count) const override;

  const std::vector<double>& scales() const noexcept { return scales_; }
  bool rotations() const noexcept { return rotations_; }

 private:
  void centre(const double* x, double* position) const;

  std::vector<double> scales_;
  bool rotations_;
  double squares_ = 0.0;
};

}  // namespace talweg
