"""Objectives from function pointers: each kind, their signatures, threads, and what is refused."""

import ctypes
import gc
import pickle
import shutil
import subprocess
import sys
import weakref

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import talweg

numba = pytest.importorskip("numba")
from numba import types  # noqa: E402

DOUBLES = types.CPointer(types.float64)
FUN = types.float64(types.intc, DOUBLES)
OUT = types.void(types.intc, DOUBLES, DOUBLES)
DIRECTED = types.void(types.intc, DOUBLES, DOUBLES, DOUBLES)
BLOCK = types.void(
    types.uintc, types.size_t, types.size_t, types.size_t, *[DOUBLES] * 7, types.voidptr
)


# f = exp(x y) + x^3 y^2 / 6, with the derivatives written out by hand.


@numba.cfunc(FUN)
def fun(n, x):
    return np.exp(x[0] * x[1]) + x[0] ** 3 * x[1] ** 2 / 6


@numba.cfunc(OUT)
def grad(n, x, out):
    e = np.exp(x[0] * x[1])
    out[0] = x[1] * e + x[0] ** 2 * x[1] ** 2 / 2
    out[1] = x[0] * e + x[0] ** 3 * x[1] / 3


@numba.cfunc(OUT)
def hess(n, x, out):
    e = np.exp(x[0] * x[1])
    out[0] = x[1] ** 2 * e + x[0] * x[1] ** 2
    out[1] = out[2] = (1 + x[0] * x[1]) * e + x[0] ** 2 * x[1]
    out[3] = x[0] ** 2 * e + x[0] ** 3 / 3


@numba.cfunc(DIRECTED)
def hessp(n, x, v, out):
    e = np.exp(x[0] * x[1])
    mixed = (1 + x[0] * x[1]) * e + x[0] ** 2 * x[1]
    out[0] = (x[1] ** 2 * e + x[0] * x[1] ** 2) * v[0] + mixed * v[1]
    out[1] = mixed * v[0] + (x[0] ** 2 * e + x[0] ** 3 / 3) * v[1]


@numba.cfunc(DIRECTED)
def third(n, x, v, out):
    e = np.exp(x[0] * x[1])
    xxx = x[1] ** 3 * e + x[1] ** 2
    xxy = (2 * x[1] + x[0] * x[1] ** 2) * e + 2 * x[0] * x[1]
    xyy = (2 * x[0] + x[0] ** 2 * x[1]) * e + x[0] ** 2
    yyy = x[0] ** 3 * e
    out[0] = xxx * v[0] + xxy * v[1]
    out[1] = out[2] = xxy * v[0] + xyy * v[1]
    out[3] = xyy * v[0] + yyy * v[1]


ALL = {"fun": fun, "grad": grad, "hess": hess, "hessp": hessp, "third": third}


def exact(point, v):
    """The same from SymPy, by the names of Objective's methods."""
    x = sympy.symbols("x y")
    u = sympy.symbols("u v")
    f = sympy.exp(x[0] * x[1]) + x[0] ** 3 * x[1] ** 2 / 6
    gradient = sympy.Matrix([f]).jacobian(x)
    hessian = sympy.hessian(f, x)
    third = sum((hessian.diff(a) * b for a, b in zip(x, u)), sympy.zeros(2))
    result = {"fun": f, "grad": gradient, "hess": hessian, "third": third}
    result["hessp"] = hessian * sympy.Matrix(u)
    at = dict(zip((*x, *u), map(sympy.Rational, (*point, *v))))
    shapes = {"fun": (), "grad": (2,), "hess": (2, 2), "third": (2, 2), "hessp": (2,)}
    return {
        key: np.array(sympy.N(value.subs(at), 20).tolist() if shapes[key] else value.subs(at))
        .astype(float)
        .reshape(shapes[key])
        for key, value in result.items()
    }


def evaluated(f, x, v):
    return {
        "fun": f(x),
        "grad": f.grad(x),
        "hess": f.hess(x),
        "hessp": f.hessp(x, v),
        "third": f.third(x, v),
    }


coordinates = st.floats(-2, 2).map(lambda x: round(x, 6))


@given(st.tuples(*[coordinates] * 4))
def test_all_derivatives_against_sympy(numbers):
    f = talweg.Objective.from_pointers(**ALL, n=2)
    x, v = np.array(numbers[:2]), np.array(numbers[2:])
    wanted = exact(x, v)
    for key, value in evaluated(f, x, v).items():
        np.testing.assert_allclose(value, wanted[key], rtol=1e-13, atol=1e-13, err_msg=key)
