#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "spectrum/symmetric_eigen.hpp"
#include "talweg/gauge.hpp"

namespace talweg {

RigidMotions::RigidMotions(std::vector<double> scales, bool rotations)
    : scales_(std::move(scales)), rotations_(rotations) {
  if (scales_.size() < 2) throw std::invalid_argument("scales must be those of at least two atoms");
  for (double scale : scales_) {
    if (!(scale > 0.0) || !std::isfinite(scale)) {
      throw std::invalid_argument("scales must be positive and finite");
    }
    squares_ += scale * scale;
  }
}

void RigidMotions::centre(const double* x, double* position) const {
  for (int axis = 0; axis < 3; ++axis) {
    double sum = 0.0;
    for (std::size_t i = 0; i < scales_.size(); ++i) sum += scales_[i] * x[3 * i + axis];
    position[axis] = sum / squares_;
  }
}

void RigidMotions::directions(const double* x, double* rows) const {
  const std::size_t n = dimension();
  std::fill(rows, rows + count() * n, 0.0);
  double middle[3];
  centre(x, middle);
  for (std::size_t i = 0; i < scales_.size(); ++i) {
    double d[3];
    for (int axis = 0; axis < 3; ++axis) {
      rows[axis * n + 3 * i + axis] = scales_[i];
      d[axis] = x[3 * i + axis] - scales_[i] * middle[axis];
    }
    if (!rotations_) continue;
    // e_axis x d, about the centre: that makes rotations orthogonal to translations.
    for (int axis = 0; axis < 3; ++axis) {
      const int next = (axis + 1) % 3, last = (axis + 2) % 3;
      rows[(3 + axis) * n + 3 * i + next] = -d[last];
      rows[(3 + axis) * n + 3 * i + last] = d[next];
    }
  }
}

void RigidMotions::change(const double* v, double* rows) const {
  const std::size_t n = dimension();
  std::fill(rows, rows + count() * n, 0.0);
  if (!rotations_) return;
  for (std::size_t i = 0; i < scales_.size(); ++i) {
    for (int axis = 0; axis < 3; ++axis) {
      const int next = (axis + 1) % 3, last = (axis + 2) % 3;
      rows[(3 + axis) * n + 3 * i + next] = -v[3 * i + last];
      rows[(3 + axis) * n + 3 * i + last] = v[3 * i + next];
    }
  }
}

void RigidMotions::align(const double* reference, double* x, double* vectors,
                         std::size_t vector_count) const {
  double from[3], to[3];
  centre(x, from);
  centre(reference, to);
  double rotation[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  if (rotations_) {
    // The rotation as the quaternion of the largest eigenvalue (B. K. P. Horn, J. Opt. Soc. Am. A
    // 4, 629, 1987).
    double s[3][3] = {};
    for (std::size_t i = 0; i < scales_.size(); ++i) {
      for (int a = 0; a < 3; ++a) {
        for (int b = 0; b < 3; ++b) {
          s[a][b] +=
              (x[3 * i + a] - scales_[i] * from[a]) * (reference[3 * i + b] - scales_[i] * to[b]);
        }
      }
    }
    double matrix[16] = {s[0][0] + s[1][1] + s[2][2],
                         s[1][2] - s[2][1],
                         s[2][0] - s[0][2],
                         s[0][1] - s[1][0],
                         0,
                         s[0][0] - s[1][1] - s[2][2],
                         s[0][1] + s[1][0],
                         s[2][0] + s[0][2],
                         0,
                         0,
                         s[1][1] - s[0][0] - s[2][2],
                         s[1][2] + s[2][1],
                         0,
                         0,
                         0,
                         s[2][2] - s[0][0] - s[1][1]};
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < i; ++j) matrix[4 * i + j] = matrix[4 * j + i];
    }
    double values[4], scratch[4];
    symmetric_eigen(4, matrix, values, scratch, true);
    const double q0 = matrix[3], q1 = matrix[7], q2 = matrix[11], q3 = matrix[15];
    const double turned[9] = {q0 * q0 + q1 * q1 - q2 * q2 - q3 * q3,
                              2 * (q1 * q2 - q0 * q3),
                              2 * (q1 * q3 + q0 * q2),
                              2 * (q1 * q2 + q0 * q3),
                              q0 * q0 - q1 * q1 + q2 * q2 - q3 * q3,
                              2 * (q2 * q3 - q0 * q1),
                              2 * (q1 * q3 - q0 * q2),
                              2 * (q2 * q3 + q0 * q1),
                              q0 * q0 - q1 * q1 - q2 * q2 + q3 * q3};
    std::copy(turned, turned + 9, rotation);
  }
  const auto turn = [&rotation](const double* d, double* result) {
    for (int a = 0; a < 3; ++a) {
      result[a] = rotation[3 * a] * d[0] + rotation[3 * a + 1] * d[1] + rotation[3 * a + 2] * d[2];
    }
  };
  double d[3], moved[3];
  for (std::size_t i = 0; i < scales_.size(); ++i) {
    for (int a = 0; a < 3; ++a) d[a] = x[3 * i + a] - scales_[i] * from[a];
    turn(d, moved);
    for (int a = 0; a < 3; ++a) x[3 * i + a] = moved[a] + scales_[i] * to[a];
  }
  for (std::size_t k = 0; k < vector_count * scales_.size(); ++k) {
    turn(vectors + 3 * k, moved);
    std::copy(moved, moved + 3, vectors + 3 * k);
  }
}

}  // namespace talweg
