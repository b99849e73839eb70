# cython: language_level=3, cdivision=True
"""f = a (x^3 - 3 x y^2) + x^2 as functions of one point and as a block function; a is user_data."""

from talweg.pointers cimport (
    TALWEG_GRADIENT, TALWEG_HESSIAN, TALWEG_HESSIAN_PRODUCT, TALWEG_THIRD, TALWEG_VALUE,
    talweg_block, talweg_fun, talweg_grad, talweg_row, talweg_third,
)


cdef api double fun(int n, const double* x, void* user_data) noexcept nogil:
    cdef double a = (<double*>user_data)[0]
    return a * (x[0] ** 3 - 3 * x[0] * x[1] * x[1]) + x[0] * x[0]


cdef api void grad(int n, const double* x, double* out, void* user_data) noexcept nogil:
    cdef double a = (<double*>user_data)[0]
    out[0] = 3 * a * (x[0] * x[0] - x[1] * x[1]) + 2 * x[0]
    out[1] = -6 * a * x[0] * x[1]


cdef api void third(int n, const double* x, const double* v, double* out,
                    void* user_data) noexcept nogil:
    cdef double a = (<double*>user_data)[0]
    out[0] = 6 * a * v[0]
    out[1] = out[2] = -6 * a * v[1]
    out[3] = -6 * a * v[0]


cdef api void block(unsigned int quantities, size_t n, size_t lanes, size_t stride,
                    const double* x, const double* v, double* value, double* gradient,
                    double* hessian, double* third, double* hessian_product,
                    void* user_data) noexcept nogil:
    cdef double a = (<double*>user_data)[0]
    cdef const double* y = x + stride
    cdef size_t l
    if quantities & TALWEG_VALUE:
        for l in range(lanes):
            value[l] = a * (x[l] ** 3 - 3 * x[l] * y[l] * y[l]) + x[l] * x[l]
    if quantities & TALWEG_GRADIENT:
        for l in range(lanes):
            gradient[l] = 3 * a * (x[l] * x[l] - y[l] * y[l]) + 2 * x[l]
            gradient[stride + l] = -6 * a * x[l] * y[l]
    if quantities & TALWEG_HESSIAN:
        for l in range(lanes):
            hessian[talweg_row(0, 0) * stride + l] = 6 * a * x[l] + 2
            hessian[talweg_row(1, 0) * stride + l] = -6 * a * y[l]
            hessian[talweg_row(1, 1) * stride + l] = -6 * a * x[l]
    if quantities & TALWEG_THIRD:
        for l in range(lanes):
            third[talweg_row(0, 0) * stride + l] = 6 * a * v[l]
            third[talweg_row(1, 0) * stride + l] = -6 * a * v[stride + l]
            third[talweg_row(1, 1) * stride + l] = -6 * a * v[l]
    if quantities & TALWEG_HESSIAN_PRODUCT:
        for l in range(lanes):
            hessian_product[l] = (6 * a * x[l] + 2) * v[l] - 6 * a * y[l] * v[stride + l]
            hessian_product[stride + l] = -6 * a * (y[l] * v[l] + x[l] * v[stride + l])


cdef api double picky(int n, const double* x) except? -1:
    if x[0] < 0:
        raise ArithmeticError("no negative numbers, please")
    return x[0]


cdef api double picky_without_gil(int n, const double* x) except? -1 nogil:
    if x[0] < 0:
        with gil:
            raise ArithmeticError("no negative numbers, please")
    return x[0]


# The compiler compares these functions with the declared types.
cdef talweg_fun _fun = fun
cdef talweg_grad _grad = grad
cdef talweg_third _third = third
cdef talweg_block _block = block
