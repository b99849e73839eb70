# cython: language_level=3, freethreading_compatible=True
"""Hands SciPy's LAPACK and BLAS to the compiled core.

Imported by the core itself on the first need. Cython compares the signatures of the routines with
SciPy's at import, and compares them with talweg's table when it compiles this file.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from scipy.linalg cimport cython_blas, cython_lapack

from talweg import _core


cdef extern from "talweg/lapack.hpp" namespace "talweg" nogil:
    cppclass LapackTable:
        void (*dgemm)(char*, char*, int*, int*, int*, double*, double*, int*, double*, int*,
                      double*, double*, int*) noexcept
        void (*dgemv)(char*, int*, int*, double*, double*, int*, double*, int*, double*, double*,
                      int*) noexcept
        void (*dsymm)(char*, char*, int*, int*, double*, double*, int*, double*, int*, double*,
                      double*, int*) noexcept
        void (*dsyrk)(char*, char*, int*, int*, double*, double*, int*, double*, double*,
                      int*) noexcept
        void (*dsyevd)(char*, char*, int*, double*, int*, double*, double*, int*, int*, int*,
                       int*) noexcept
        void (*dsyevr)(char*, char*, char*, int*, double*, int*, double*, double*, int*, int*,
                       double*, int*, double*, double*, int*, int*, double*, int*, int*, int*,
                       int*) noexcept
        void (*dsytrd)(char*, int*, double*, int*, double*, double*, double*, double*, int*,
                       int*) noexcept
        void (*dstemr)(char*, char*, int*, double*, double*, double*, double*, int*, int*, int*,
                       double*, double*, int*, int*, int*, bint*, double*, int*, int*, int*,
                       int*) noexcept
        void (*dormtr)(char*, char*, char*, int*, int*, double*, int*, double*, double*, int*,
                       double*, int*, int*) noexcept
        void (*ssytrd)(char*, int*, float*, int*, float*, float*, float*, float*, int*,
                       int*) noexcept
        void (*sormtr)(char*, char*, char*, int*, int*, float*, int*, float*, float*, int*,
                       float*, int*, int*) noexcept
        void (*dgetrf)(int*, int*, double*, int*, int*, int*) noexcept
        void (*dgetrs)(char*, int*, int*, double*, int*, int*, double*, int*, int*) noexcept
        void (*dsytrf)(char*, int*, double*, int*, int*, double*, int*, int*) noexcept
        void (*dsytrs)(char*, int*, int*, double*, int*, int*, double*, int*, int*) noexcept
        void (*dpotrf)(char*, int*, double*, int*, int*) noexcept
        void (*dpotrs)(char*, int*, int*, double*, int*, double*, int*, int*) noexcept


cdef extern from "python/lapack_capsule.hpp" namespace "talweg::python" nogil:
    const char* lapack_capsule_name
    cppclass LapackCapsule:
        void (*set)(const LapackTable&) noexcept


cdef void fill() except *:
    cdef LapackTable table
    table.dgemm = cython_blas.dgemm
    table.dgemv = cython_blas.dgemv
    table.dsymm = cython_blas.dsymm
    table.dsyrk = cython_blas.dsyrk
    table.dsyevd = cython_lapack.dsyevd
    table.dsyevr = cython_lapack.dsyevr
    table.dsytrd = cython_lapack.dsytrd
    table.dstemr = cython_lapack.dstemr
    table.dormtr = cython_lapack.dormtr
    table.ssytrd = cython_lapack.ssytrd
    table.sormtr = cython_lapack.sormtr
    table.dgetrf = cython_lapack.dgetrf
    table.dgetrs = cython_lapack.dgetrs
    table.dsytrf = cython_lapack.dsytrf
    table.dsytrs = cython_lapack.dsytrs
    table.dpotrf = cython_lapack.dpotrf
    table.dpotrs = cython_lapack.dpotrs
    cdef LapackCapsule* capsule = <LapackCapsule*>PyCapsule_GetPointer(
        _core._lapack_capsule, lapack_capsule_name)
    capsule.set(table)


fill()
