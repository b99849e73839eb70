// The LAPACK and BLAS routines talweg may use for large matrices. The library links none: whoever
// embeds it can hand over any implementation. Without one, talweg's own (slower) kernels serve all
// sizes.
#pragma once

namespace talweg {

// Routines with LAPACK's own argument lists: Fortran calling convention, every argument by address,
// column-major arrays, 32-bit integers, no hidden string lengths. A null routine is never called,
// and what needs it falls back to talweg's own kernels.
struct LapackTable {
  // C = alpha op(A) op(B) + beta C
  void (*dgemm)(char* transa, char* transb, int* m, int* n, int* k, double* alpha, double* a,
                int* lda, double* b, int* ldb, double* beta, double* c, int* ldc) = nullptr;
  // y = alpha op(A) x + beta y
  void (*dgemv)(char* trans, int* m, int* n, double* alpha, double* a, int* lda, double* x,
                int* incx, double* beta, double* y, int* incy) = nullptr;
  // C = alpha A B + beta C or alpha B A + beta C with A symmetric
  void (*dsymm)(char* side, char* uplo, int* m, int* n, double* alpha, double* a, int* lda,
                double* b, int* ldb, double* beta, double* c, int* ldc) = nullptr;
  // C = alpha A A' + beta C or alpha A' A + beta C
  void (*dsyrk)(char* uplo, char* trans, int* n, int* k, double* alpha, double* a, int* lda,
                double* beta, double* c, int* ldc) = nullptr;
  // All eigenvalues and eigenvectors of a symmetric matrix, divide and conquer
  void (*dsyevd)(char* jobz, char* uplo, int* n, double* a, int* lda, double* w, double* work,
                 int* lwork, int* iwork, int* liwork, int* info) = nullptr;
  // Selected eigenvalues and eigenvectors of a symmetric matrix
  void (*dsyevr)(char* jobz, char* range, char* uplo, int* n, double* a, int* lda, double* vl,
                 double* vu, int* il, int* iu, double* abstol, int* m, double* w, double* z,
                 int* ldz, int* isuppz, double* work, int* lwork, int* iwork, int* liwork,
                 int* info) = nullptr;
  // Reduction of a symmetric matrix to tridiagonal form Q T Q'
  void (*dsytrd)(char* uplo, int* n, double* a, int* lda, double* d, double* e, double* tau,
                 double* work, int* lwork, int* info) = nullptr;
  // Selected eigenvalues and eigenvectors of a symmetric tridiagonal matrix
  void (*dstemr)(char* jobz, char* range, int* n, double* d, double* e, double* vl, double* vu,
                 int* il, int* iu, int* m, double* w, double* z, int* ldz, int* nzc, int* isuppz,
                 int* tryrac, double* work, int* lwork, int* iwork, int* liwork,
                 int* info) = nullptr;
  // C = op(Q) C or C op(Q) with the Q of dsytrd
  void (*dormtr)(char* side, char* uplo, char* trans, int* m, int* n, double* a, int* lda,
                 double* tau, double* c, int* ldc, double* work, int* lwork, int* info) = nullptr;
  // dsytrd and dormtr in single precision
  void (*ssytrd)(char* uplo, int* n, float* a, int* lda, float* d, float* e, float* tau,
                 float* work, int* lwork, int* info) = nullptr;
  void (*sormtr)(char* side, char* uplo, char* trans, int* m, int* n, float* a, int* lda,
                 float* tau, float* c, int* ldc, float* work, int* lwork, int* info) = nullptr;
  // LU factorisation of a general matrix, and solving with it
  void (*dgetrf)(int* m, int* n, double* a, int* lda, int* ipiv, int* info) = nullptr;
  void (*dgetrs)(char* trans, int* n, int* nrhs, double* a, int* lda, int* ipiv, double* b,
                 int* ldb, int* info) = nullptr;
  // L D L' factorisation of a symmetric matrix, and solving with it
  void (*dsytrf)(char* uplo, int* n, double* a, int* lda, int* ipiv, double* work, int* lwork,
                 int* info) = nullptr;
  void (*dsytrs)(char* uplo, int* n, int* nrhs, double* a, int* lda, int* ipiv, double* b, int* ldb,
                 int* info) = nullptr;
  // Cholesky factorisation of a positive definite matrix, and solving with it
  void (*dpotrf)(char* uplo, int* n, double* a, int* lda, int* info) = nullptr;
  void (*dpotrs)(char* uplo, int* n, int* nrhs, double* a, int* lda, double* b, int* ldb,
                 int* info) = nullptr;
};

// Uses `table` (copied) from now on, in place of any earlier one. Callable at any time from any
// thread; computations under way may go on with the earlier table, whose routines must stay
// callable.
void set_lapack(const LapackTable& table);

}  // namespace talweg
