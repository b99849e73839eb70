/* The signatures of plain functions that Objective.from_pointers takes, for C, C++ and Cython.

   Functions of one point get the coordinates of that point one after the other and are called once
   for each point. A block function gets many points and writes everything that is asked of it, so
   that it can use SIMD and share work. Every function gets the `user_data` that was handed to
   from_pointers, or may leave that last parameter out.

   None of them may throw or jump out. A function that cannot give an answer writes NaN: that is a
   result, which stays with its point. The inputs must not be written to. */
#ifndef TALWEG_POINTERS_H
#define TALWEG_POINTERS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a block function is asked for, combined with |. */
typedef enum talweg_quantity {
  TALWEG_VALUE = 1,
  TALWEG_GRADIENT = 2,
  TALWEG_HESSIAN = 4,
  TALWEG_THIRD = 8,           /* T[v], the derivative of the Hessian along v */
  TALWEG_HESSIAN_PRODUCT = 16 /* H v */
} talweg_quantity;

/* The row of a packed lower triangle that holds entry (i, j), j <= i. */
static inline size_t talweg_row(size_t i, size_t j) { return i * (i + 1) / 2 + j; }

/* The value at x, an array of n numbers. */
typedef double (*talweg_fun)(int n, const double* x, void* user_data);

/* The gradient at x into out, n numbers. */
typedef void (*talweg_grad)(int n, const double* x, double* out, void* user_data);

/* The Hessian at x into out, n * n numbers, row by row. The lower triangle is what counts. */
typedef void (*talweg_hess)(int n, const double* x, double* out, void* user_data);

/* The Hessian at x times v into out, n numbers. */
typedef void (*talweg_hessp)(int n, const double* x, const double* v, double* out, void* user_data);

/* T[v] at x into out, n * n numbers, row by row. The lower triangle is what counts. */
typedef void (*talweg_third)(int n, const double* x, const double* v, double* out, void* user_data);

/* The asked quantities at `lanes` points at once. All arrays are coordinate-major: coordinate i of
   lane l is x[i * stride + l], stride >= lanes, and so for v, gradient and hessian_product, which
   have n rows like x; value has one row. hessian and third hold lower triangles: entry (i, j), j <=
   i, is row talweg_row(i, j). v is set when TALWEG_THIRD or TALWEG_HESSIAN_PRODUCT is asked for,
   an output when it is asked for; the others are null. Lanes from `lanes` to `stride` must be left
   alone. What is written for a lane must not depend on the other lanes. */
typedef void (*talweg_block)(unsigned int quantities, size_t n, size_t lanes, size_t stride,
                             const double* x, const double* v, double* value, double* gradient,
                             double* hessian, double* third, double* hessian_product,
                             void* user_data);

#ifdef __cplusplus
}
#endif

#endif
