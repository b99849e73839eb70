// The loss of one observation and its derivatives.
//
// With lambda = x.w / sqrt N (a number, or two for complex data), r = |lambda|^2 - y and c = 2 / (a
// + y), or 2 in the limit of large a, where the loss is multiplied by a:
//     l = c r^2 / 4    l' = c r lambda    l'' = c (r I + 2 lambda lambda^T)
//     l'''[v] = 2 c ((lambda.v) I + lambda v^T + v lambda^T)
#pragma once

namespace talweg {

// A symmetric matrix of one or two rows.
template <int parts>
struct SmallMatrix {
  double first = 0.0, between = 0.0, second = 0.0;
  void multiply(const double* v, double* product) const {
    if constexpr (parts == 1) {
      product[0] = first * v[0];
    } else {
      product[0] = first * v[0] + between * v[1];
      product[1] = between * v[0] + second * v[1];
    }
  }
};

template <int parts>
struct ObservationLoss {
  double c;       // its weight
  double s[2];    // lambda
  double excess;  // |lambda|^2 - y

  ObservationLoss(double weight, double intensity, const double* lambda)
      : c(weight), s{lambda[0], parts == 2 ? lambda[1] : 0.0}, excess(dot(s, s) - intensity) {}

  static double dot(const double* a, const double* b) {
    return parts == 1 ? a[0] * b[0] : a[0] * b[0] + a[1] * b[1];
  }

  double value() const { return 0.25 * c * excess * excess; }
  void first(double* slope) const {
    for (int i = 0; i < parts; ++i) slope[i] = c * excess * s[i];
  }
  // l'.lambda
  double radial() const { return c * excess * dot(s, s); }
  SmallMatrix<parts> second() const {
    SmallMatrix<parts> k;
    k.first = c * (excess + 2.0 * s[0] * s[0]);
    if constexpr (parts == 2) {
      k.between = 2.0 * c * s[0] * s[1];
      k.second = c * (excess + 2.0 * s[1] * s[1]);
    }
    return k;
  }
  SmallMatrix<parts> third(const double* v) const {
    const double along = 2.0 * dot(s, v);
    SmallMatrix<parts> k;
    k.first = c * (along + 4.0 * s[0] * v[0]);
    if constexpr (parts == 2) {
      k.between = 2.0 * c * (s[0] * v[1] + s[1] * v[0]);
      k.second = c * (along + 4.0 * s[1] * v[1]);
    }
    return k;
  }
};

}  // namespace talweg
