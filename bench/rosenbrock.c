/* Rosenbrock's function for bench_kinds.py, as one writes it by hand: a block function that the
   compiler vectorises over lanes, which is the floor, and functions of one point. */
#include "talweg/pointers.h"

void block(unsigned quantities, size_t n, size_t lanes, size_t stride, const double* restrict x,
           const double* restrict v, double* restrict value, double* restrict gradient,
           double* restrict hessian, double* restrict third, double* restrict product,
           void* user_data) {
  const unsigned pairs = quantities & (TALWEG_VALUE | TALWEG_GRADIENT | TALWEG_HESSIAN_PRODUCT);
  if (quantities & TALWEG_VALUE)
    for (size_t l = 0; l < lanes; ++l) value[l] = 0.0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j + 1 < i; ++j) {
      if (quantities & TALWEG_HESSIAN)
        for (size_t l = 0; l < lanes; ++l) hessian[talweg_row(i, j) * stride + l] = 0.0;
      if (quantities & TALWEG_THIRD)
        for (size_t l = 0; l < lanes; ++l) third[talweg_row(i, j) * stride + l] = 0.0;
    }
    const double* a = x + i * stride;
    const int first = i == 0, last = i + 1 == n;
    const double* before = first ? a : a - stride;
    const double* after = last ? a : a + stride;
    const double lower = first ? 0.0 : 1.0, upper = last ? 0.0 : 1.0;
    if (pairs & TALWEG_VALUE)
      if (!last)
        for (size_t l = 0; l < lanes; ++l) {
          const double d = after[l] - a[l] * a[l], e = 1.0 - a[l];
          value[l] += 100.0 * d * d + e * e;
        }
    if (pairs & TALWEG_GRADIENT)
      for (size_t l = 0; l < lanes; ++l)
        gradient[i * stride + l] = lower * 200.0 * (a[l] - before[l] * before[l]) -
                                   upper * (400.0 * a[l] * (after[l] - a[l] * a[l]) +
                                            2.0 * (1.0 - a[l]));
    if (quantities & (TALWEG_HESSIAN | TALWEG_HESSIAN_PRODUCT)) {
      double* const diagonal = hessian + talweg_row(i, i) * stride;
      if (quantities & TALWEG_HESSIAN) {
        for (size_t l = 0; l < lanes; ++l)
          diagonal[l] = lower * 200.0 + upper * (1200.0 * a[l] * a[l] - 400.0 * after[l] + 2.0);
        if (!first)
          for (size_t l = 0; l < lanes; ++l)
            hessian[talweg_row(i, i - 1) * stride + l] = -400.0 * before[l];
      }
      if (quantities & TALWEG_HESSIAN_PRODUCT) {
        const double* u = v + i * stride;
        const double* u_before = first ? u : u - stride;
        const double* u_after = last ? u : u + stride;
        for (size_t l = 0; l < lanes; ++l)
          product[i * stride + l] =
              (lower * 200.0 + upper * (1200.0 * a[l] * a[l] - 400.0 * after[l] + 2.0)) * u[l] -
              400.0 * (lower * before[l] * u_before[l] + upper * a[l] * u_after[l]);
      }
    }
    if (quantities & TALWEG_THIRD) {
      const double* u = v + i * stride;
      const double* u_after = last ? u : u + stride;
      double* const diagonal = third + talweg_row(i, i) * stride;
      for (size_t l = 0; l < lanes; ++l)
        diagonal[l] = upper * (2400.0 * a[l] * u[l] - 400.0 * u_after[l]);
      if (!first)
        for (size_t l = 0; l < lanes; ++l)
          third[talweg_row(i, i - 1) * stride + l] = -400.0 * (u - stride)[l];
    }
  }
}

double fun(int n, const double* x) {
  double value = 0.0;
  for (int i = 0; i + 1 < n; ++i) {
    const double d = x[i + 1] - x[i] * x[i], e = 1.0 - x[i];
    value += 100.0 * d * d + e * e;
  }
  return value;
}

void grad(int n, const double* x, double* out) {
  for (int i = 0; i < n; ++i) out[i] = 0.0;
  for (int i = 0; i + 1 < n; ++i) {
    const double d = x[i + 1] - x[i] * x[i];
    out[i] -= 400.0 * x[i] * d + 2.0 * (1.0 - x[i]);
    out[i + 1] += 200.0 * d;
  }
}

void hess(int n, const double* x, double* out) {
  for (int i = 0; i < n * n; ++i) out[i] = 0.0;
  for (int i = 0; i + 1 < n; ++i) {
    out[i * n + i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0;
    out[(i + 1) * n + i] = out[i * n + i + 1] = -400.0 * x[i];
    out[(i + 1) * n + i + 1] += 200.0;
  }
}

void hessp(int n, const double* x, const double* v, double* out) {
  for (int i = 0; i < n; ++i) out[i] = 0.0;
  for (int i = 0; i + 1 < n; ++i) {
    out[i] += (1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0) * v[i] - 400.0 * x[i] * v[i + 1];
    out[i + 1] += 200.0 * v[i + 1] - 400.0 * x[i] * v[i];
  }
}

void third(int n, const double* x, const double* v, double* out) {
  for (int i = 0; i < n * n; ++i) out[i] = 0.0;
  for (int i = 0; i + 1 < n; ++i) {
    out[i * n + i] += 2400.0 * x[i] * v[i] - 400.0 * v[i + 1];
    out[(i + 1) * n + i] = out[i * n + i + 1] = -400.0 * v[i];
  }
}
