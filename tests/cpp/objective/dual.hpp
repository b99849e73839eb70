// Dual numbers, nested for higher derivatives: an independent way to exact derivatives, in long
// double.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace talweg::testing {

template <class T>
struct Dual {
  T value{}, slope{};
  Dual() = default;
  Dual(double number) : value(number), slope(0.0) {}
  Dual(T value, T slope) : value(value), slope(slope) {}
};

template <class T>
Dual<T> operator+(Dual<T> a, Dual<T> b) {
  return {a.value + b.value, a.slope + b.slope};
}
template <class T>
Dual<T> operator-(Dual<T> a, Dual<T> b) {
  return {a.value - b.value, a.slope - b.slope};
}
template <class T>
Dual<T> operator-(Dual<T> a) {
  return {-a.value, -a.slope};
}
template <class T>
Dual<T> operator*(Dual<T> a, Dual<T> b) {
  return {a.value * b.value, a.slope * b.value + a.value * b.slope};
}
template <class T>
Dual<T> operator/(Dual<T> a, Dual<T> b) {
  const T quotient = a.value / b.value;
  return {quotient, (a.slope - quotient * b.slope) / b.value};
}
template <class T>
Dual<T> operator+(Dual<T> a, double b) {
  return a + Dual<T>(b);
}
template <class T>
Dual<T> operator+(double a, Dual<T> b) {
  return Dual<T>(a) + b;
}
template <class T>
Dual<T> operator-(Dual<T> a, double b) {
  return a - Dual<T>(b);
}
template <class T>
Dual<T> operator-(double a, Dual<T> b) {
  return Dual<T>(a) - b;
}
template <class T>
Dual<T> operator*(Dual<T> a, double b) {
  return a * Dual<T>(b);
}
template <class T>
Dual<T> operator*(double a, Dual<T> b) {
  return Dual<T>(a) * b;
}
template <class T>
Dual<T> operator/(Dual<T> a, double b) {
  return a / Dual<T>(b);
}
template <class T>
Dual<T> operator/(double a, Dual<T> b) {
  return Dual<T>(a) / b;
}
template <class T>
Dual<T>& operator+=(Dual<T>& a, Dual<T> b) {
  return a = a + b;
}

inline long double number(long double a) { return a; }
template <class T>
long double number(const Dual<T>& a) {
  return number(a.value);
}

inline long double exp(long double a) { return std::exp(a); }
inline long double log(long double a) { return std::log(a); }
inline long double sin(long double a) { return std::sin(a); }
inline long double cos(long double a) { return std::cos(a); }
inline long double sqrt(long double a) { return std::sqrt(a); }
inline long double atan(long double a) { return std::atan(a); }
inline long double erf(long double a) { return std::erf(a); }
inline long double log1p(long double a) { return std::log1p(a); }
inline long double expm1(long double a) { return std::expm1(a); }

template <class T>
Dual<T> exp(Dual<T> a) {
  const T e = exp(a.value);
  return {e, e * a.slope};
}
template <class T>
Dual<T> log(Dual<T> a) {
  return {log(a.value), a.slope / a.value};
}
template <class T>
Dual<T> sin(Dual<T> a) {
  return {sin(a.value), cos(a.value) * a.slope};
}
template <class T>
Dual<T> cos(Dual<T> a) {
  return {cos(a.value), -(sin(a.value) * a.slope)};
}
template <class T>
Dual<T> sqrt(Dual<T> a) {
  const T root = sqrt(a.value);
  return {root, a.slope / (root + root)};
}
template <class T>
Dual<T> atan(Dual<T> a) {
  return {atan(a.value), a.slope / (T(1.0) + a.value * a.value)};
}
template <class T>
Dual<T> erf(Dual<T> a) {
  const T two_over_root_pi = T(2.0) / sqrt(T(4.0) * atan(T(1.0)));
  return {erf(a.value), two_over_root_pi * exp(-(a.value * a.value)) * a.slope};
}
template <class T>
Dual<T> log1p(Dual<T> a) {
  return {log1p(a.value), a.slope / (T(1.0) + a.value)};
}
template <class T>
Dual<T> expm1(Dual<T> a) {
  return {expm1(a.value), exp(a.value) * a.slope};
}
template <class T>
Dual<T> tan(Dual<T> a) {
  return sin(a) / cos(a);
}
template <class T>
Dual<T> sinh(Dual<T> a) {
  return (exp(a) - exp(-a)) / 2.0;
}
template <class T>
Dual<T> cosh(Dual<T> a) {
  return (exp(a) + exp(-a)) / 2.0;
}
template <class T>
Dual<T> tanh(Dual<T> a) {
  return sinh(a) / cosh(a);
}
template <class T>
Dual<T> sigmoid(Dual<T> a) {
  return 1.0 / (1.0 + exp(-a));
}
template <class T>
Dual<T> pow(Dual<T> a, double exponent) {
  if (exponent == std::rint(exponent)) {
    Dual<T> result(1.0);
    for (int i = 0; i < std::abs(exponent); ++i) result = result * a;
    return exponent < 0.0 ? 1.0 / result : result;
  }
  return exp(log(a) * exponent);
}
template <class T>
Dual<T> pow(Dual<T> a, Dual<T> exponent) {
  return exp(log(a) * exponent);
}
template <class T>
Dual<T> abs(Dual<T> a) {
  return number(a) < 0.0L ? -a : a;
}
template <class T>
Dual<T> fmin(Dual<T> a, Dual<T> b) {
  return number(b) < number(a) ? b : a;
}
template <class T>
Dual<T> fmax(Dual<T> a, Dual<T> b) {
  return number(a) < number(b) ? b : a;
}
template <class T>
Dual<T> less(Dual<T> a, Dual<T> b) {
  return number(a) < number(b) ? 1.0 : 0.0;
}
template <class T>
Dual<T> select(Dual<T> condition, Dual<T> a, Dual<T> b) {
  return number(condition) != 0.0L ? a : b;
}

using Dual3 = Dual<Dual<Dual<long double>>>;

// The third derivative of a function along p, q and r at x with all lower ones on the way.
struct Jet {
  double value, p, pq, pqr;
};

template <class Function>
Jet jet(const Function& function, const std::vector<double>& x, const std::vector<double>& p,
        const std::vector<double>& q, const std::vector<double>& r) {
  std::vector<Dual3> arguments(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    arguments[i].value.value.value = x[i];
    arguments[i].value.value.slope = r[i];
    arguments[i].value.slope.value = q[i];
    arguments[i].slope.value.value = p[i];
  }
  const Dual3 result = function(arguments);
  return {
      static_cast<double>(result.value.value.value), static_cast<double>(result.slope.value.value),
      static_cast<double>(result.slope.slope.value), static_cast<double>(result.slope.slope.slope)};
}

}  // namespace talweg::testing
