# To cimport: signatures of the functions that talweg.Objective.from_pointers takes, as
# talweg/pointers.h documents them. Build with talweg.get_include() among the include directories.
#
#   from talweg.pointers cimport TALWEG_VALUE, talweg_block, talweg_row
#
# Functions that several threads may call must be noexcept and nogil, as these types are.

cdef extern from "talweg/pointers.h" nogil:
    ctypedef enum talweg_quantity:
        TALWEG_VALUE
        TALWEG_GRADIENT
        TALWEG_HESSIAN
        TALWEG_THIRD
        TALWEG_HESSIAN_PRODUCT

    size_t talweg_row(size_t i, size_t j) noexcept

    ctypedef double (*talweg_fun)(int n, const double* x, void* user_data) noexcept
    ctypedef void (*talweg_grad)(int n, const double* x, double* out, void* user_data) noexcept
    ctypedef void (*talweg_hess)(int n, const double* x, double* out, void* user_data) noexcept
    ctypedef void (*talweg_hessp)(int n, const double* x, const double* v, double* out,
                                  void* user_data) noexcept
    ctypedef void (*talweg_third)(int n, const double* x, const double* v, double* out,
                                  void* user_data) noexcept
    ctypedef void (*talweg_block)(unsigned int quantities, size_t n, size_t lanes, size_t stride,
                                  const double* x, const double* v, double* value, double* gradient,
                                  double* hessian, double* third, double* hessian_product,
                                  void* user_data) noexcept
