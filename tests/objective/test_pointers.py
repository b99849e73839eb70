"""Objectives from function pointers: each kind, their signatures, threads, and what is refused."""

import ctypes
import gc
import pickle
import shutil
import subprocess
import weakref
from pathlib import Path

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


@numba.cfunc(BLOCK)
def block(quantities, n, lanes, stride, x, v, value, gradient, hessian, third, product, user_data):
    scale = numba.carray(user_data, 1, np.float64)[0]
    for l in range(lanes):
        a, b = x[l], x[stride + l]
        if quantities & 1:
            value[l] = scale * a**2 * b
        if quantities & 2:
            gradient[l] = scale * 2 * a * b
            gradient[stride + l] = scale * a**2
        if quantities & 4:
            hessian[l] = scale * 2 * b
            hessian[stride + l] = scale * 2 * a
            hessian[2 * stride + l] = 0.0


def test_block_function_with_data():
    scale = np.array([3.0])
    f = talweg.Objective.from_pointers(
        block=block, provides=["fun", "grad", "hess"], n=2, user_data=scale, thread_safe=True
    )
    x = np.random.default_rng(0).normal(size=(5000, 2))
    np.testing.assert_allclose(f(x), 3 * x[:, 0] ** 2 * x[:, 1], rtol=1e-14)
    np.testing.assert_allclose(f.grad(x)[:, 1], 3 * x[:, 0] ** 2, rtol=1e-14)
    np.testing.assert_allclose(f.hess(x)[:, 0, 1], 6 * x[:, 0], rtol=1e-14)
    # The functions get the address, so that they see changes.
    scale[0] = 1.0
    assert f([2.0, 5.0]) == 20.0


def test_the_same_bits_for_any_block_and_thread():
    x = np.random.default_rng(1).normal(size=(3000, 2))
    v = np.random.default_rng(2).normal(size=(3000, 2))
    f = talweg.Objective.from_pointers(**ALL, n=2, thread_safe=True)
    g = talweg.Objective.from_pointers(**ALL, n=2)
    assert f._core.thread_safe and not g._core.thread_safe
    one = [evaluated(f, a, b) for a, b in zip(x[:20], v[:20])]
    for together in (evaluated(f, x, v), evaluated(g, x, v)):
        for key, value in together.items():
            np.testing.assert_array_equal(value[:20], [single[key] for single in one])


def test_survey_of_a_pointer_objective():
    f = talweg.Objective.from_pointers(**ALL, n=2, thread_safe=True, bounds=[(-3, 3), (-3, 3)])
    recorded = talweg.Objective(
        lambda x: np.exp(x[0] * x[1]) + x[0] ** 3 * x[1] ** 2 / 6, 2, bounds=[(-3, 3), (-3, 3)]
    )
    found, wanted = talweg.critical_points(f), talweg.critical_points(recorded)
    assert len(found) == len(wanted) > 0
    for a, b in zip(found, wanted):
        np.testing.assert_allclose(a.x, b.x, atol=1e-9)
        assert a.morse_index == b.morse_index


# ctypes and SciPy.

C_SOURCE = """
#include <math.h>
#include "talweg/pointers.h"
double value(int n, double *x) { return n * x[0] * x[1]; }
double scaled(int n, const double *x, void *user_data) { return *(double *)user_data * x[0] * n; }
void gradient(int n, double *x, double *out) { out[0] = n * x[1]; out[1] = n * x[0]; }
void forgetful(int n, double *x, double *out) { out[1] = 1.0; }
double log_of_x(int n, double *x) { return log(x[0]); }
talweg_fun scaled_is_right = scaled;
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("there is no C compiler")
    directory = tmp_path_factory.mktemp("c")
    (directory / "functions.c").write_text(C_SOURCE)
    command = [compiler, "-shared", "-fPIC", "functions.c", "-o", "functions.so", "-lm"]
    command.append(f"-I{include_directory()}")
    subprocess.run(command, cwd=directory, check=True)
    library = ctypes.CDLL(str(directory / "functions.so"))
    doubles = ctypes.POINTER(ctypes.c_double)
    library.value.restype = library.log_of_x.restype = ctypes.c_double
    library.value.argtypes = library.log_of_x.argtypes = [ctypes.c_int, doubles]
    library.gradient.restype = library.forgetful.restype = None
    library.gradient.argtypes = [ctypes.c_int, doubles, np.ctypeslib.ndpointer(np.float64)]
    library.forgetful.argtypes = [ctypes.c_int, doubles, doubles]
    library.scaled.restype = ctypes.c_double
    library.scaled.argtypes = [ctypes.c_int, doubles, ctypes.c_void_p]
    return library


def include_directory():
    try:
        return talweg.get_include()
    except FileNotFoundError:  # a source tree
        return Path(__file__).parents[2] / "csrc" / "include"


def test_ctypes_functions(library):
    f = talweg.Objective.from_pointers(library.value, library.gradient, n=2, thread_safe=True)
    x = np.random.default_rng(0).normal(size=(100, 2))
    np.testing.assert_allclose(f(x), 2 * x.prod(axis=1), rtol=1e-15)
    np.testing.assert_allclose(f.grad(x), 2 * x[:, ::-1], rtol=1e-15)


def test_what_a_function_does_not_write_is_nan(library):
    f = talweg.Objective.from_pointers(library.value, library.forgetful, n=2)
    np.testing.assert_array_equal(f.grad([[1.0, 2.0], [3.0, 4.0]]), [[np.nan, 1.0]] * 2)


def test_nan_stays_in_its_lane(library):
    f = talweg.Objective.from_pointers(library.log_of_x, n=1)
    np.testing.assert_array_equal(f([[1.0], [-1.0], [0.0]]), [0.0, np.nan, -np.inf])


@pytest.mark.parametrize(
    "data", [np.array([2.5]), ctypes.c_double(2.5), ctypes.pointer(ctypes.c_double(2.5))]
)
def test_user_data(library, data):
    f = talweg.Objective.from_pointers(library.scaled, n=1, user_data=data)
    assert f([3.0]) == 7.5


def test_low_level_callables(library):
    scipy = pytest.importorskip("scipy")
    f = talweg.Objective.from_pointers(scipy.LowLevelCallable(fun.ctypes), n=2)
    assert f([1.0, 1.0]) == pytest.approx(np.e + 1 / 6, rel=1e-15)
    f = talweg.Objective.from_pointers(scipy.LowLevelCallable(library.value), n=2)
    assert f([2.0, 3.0]) == 12.0
    # Data of its own comes before ours.
    own = ctypes.cast(ctypes.pointer(ctypes.c_double(2.0)), ctypes.c_void_p)
    callable_ = scipy.LowLevelCallable(library.scaled, own)
    assert talweg.Objective.from_pointers(callable_, n=1, user_data=A)([5.0]) == 10.0
    callable_ = scipy.LowLevelCallable(library.scaled)
    assert talweg.Objective.from_pointers(callable_, n=1, user_data=A)([5.0]) == 20.0


A = np.array([4.0])


# What is refused.

WRAPPER = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double))


def python_function(n, x):
    raise ArithmeticError("lost")


def test_a_wrapped_python_function_is_refused():
    wrapped = WRAPPER(python_function)
    again = ctypes.cast(ctypes.cast(wrapped, ctypes.c_void_p), WRAPPER)
    scipy = pytest.importorskip("scipy")
    for function in (wrapped, again, scipy.LowLevelCallable(wrapped)):
        with pytest.raises(TypeError, match=r"fun: a Python function wrapped by .* lose its exc"):
            talweg.Objective.from_pointers(function, n=2)


def test_a_cffi_callback_is_refused():
    cffi, scipy = pytest.importorskip("cffi"), pytest.importorskip("scipy")
    ffi = cffi.FFI()
    function = ffi.callback("double(int, double *)", python_function)
    with pytest.raises(TypeError, match="fun: a Python function wrapped by"):
        talweg.Objective.from_pointers(scipy.LowLevelCallable(function), n=2)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (python_function, "fun: want a function pointer, got a Python function; use Objective"),
        (numba.njit(python_function), "fun: want a numba.cfunc, got .* jit"),
        (12345678, r"fun: want a function pointer, got a number; .*CFUNCTYPE"),
        ("value", "fun: want a numba cfunc, a capsule .* got str"),
        (grad, r"fun: want .* got void \(int, double\*, double\*\)"),
        (numba.cfunc("float64(int64, CPointer(float64))")(lambda n, x: 1.0), "got double .*int64"),
        (numba.cfunc("float32(int32, CPointer(float64))")(lambda n, x: 1.0), "got float32"),
        (numba.cfunc("float64(int32, CPointer(float32))")(lambda n, x: 1.0), r"float32\*"),
        (WRAPPER(), "fun: the function's address is null"),
        (None, "fun: want a function pointer, got None; or give block"),
    ],
)
def test_wrong_functions(function, message):
    with pytest.raises((TypeError, ValueError), match=message):
        talweg.Objective.from_pointers(function, n=2)


def test_a_ctypes_function_must_say_its_signature(library):
    bare = ctypes.CDLL(library._name).value
    with pytest.raises(TypeError, match="fun: the ctypes function does not say its signature; set"):
        talweg.Objective.from_pointers(bare, n=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fun": fun, "n": 0}, "n: want at least 1"),
        ({"fun": fun, "n": 2.0}, "n: want the number of coordinates"),
        ({"fun": fun, "n": 2, "grad": fun}, r"grad: want .* got double \(int, double\*\)"),
        ({"fun": fun, "n": 2, "user_data": A}, "user_data: no function has a last parameter"),
        ({"fun": fun, "n": 2, "user_data": [1]}, "user_data: want an array, .* got list"),
        ({"fun": fun, "n": 2, "provides": ["fun"]}, "provides: it says what a block"),
        ({"block": block, "n": 2}, "provides: want the names .* got None"),
        ({"block": block, "n": 2, "provides": "fun"}, "provides: want the names .* got 'fun'"),
        ({"block": block, "n": 2, "provides": ["f"]}, "provides: want names of .* got 'f'"),
        ({"block": block, "n": 2, "provides": ["grad"]}, "provides: want 'fun' among them"),
        ({"block": block, "n": 2, "provides": ["fun"], "grad": grad}, "block: want it alone"),
        ({"fun": fun, "n": 2, "bounds": [(0, 1)]}, "bounds: want shape"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        talweg.Objective.from_pointers(**arguments)


def test_it_does_not_pickle():
    f = talweg.Objective.from_pointers(fun, n=2)
    with pytest.raises(TypeError, match="function pointers.*addresses of this process"):
        pickle.dumps(f)
    with pytest.raises(TypeError, match="no recorded function: only recordings can be saved"):
        f.to_arrays()


def test_functions_and_data_live_as_long_as_the_objective():
    class Data(np.ndarray):
        pass

    data = np.array([2.0]).view(Data)
    alive = weakref.ref(data)
    f = talweg.Objective.from_pointers(block=block, provides=["fun"], n=2, user_data=data)
    del data
    gc.collect()
    assert alive() is not None
    assert f([1.0, 1.0]) == 2.0
    del f
    gc.collect()
    assert alive() is None


# Missing derivatives.


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (("fun",), ["grad", "hess", "hessp", "third"]),
        (("fun", "grad"), ["hess", "hessp", "third"]),
        (("fun", "grad", "hess"), ["third"]),
        (("fun", "grad", "hess", "hessp", "third"), []),
    ],
)
def test_missing_derivatives_are_differences_that_say_how_good_they_are(given, missing):
    f = talweg.Objective.from_pointers(
        **{name: ALL[name] for name in given}, n=2, thread_safe=True, bounds=[(-1, 1), (-1, 1)]
    )
    assert list(f.approximate) == missing
    x, v = np.array([0.4, -0.7]), np.array([0.6, 0.8])
    wanted = exact(x, v)
    for key, value in evaluated(f, x, v).items():
        # The estimate is one at other points, of the order of magnitude.
        error = np.linalg.norm(value - wanted[key]) / np.linalg.norm(wanted[key])
        assert error <= 1e-14 + 30 * f.approximate.get(key, 0.0), key


def test_a_wrong_derivative_is_noticed(library):
    with pytest.raises(ValueError, match=r"grad: gives .* where differences of fun give"):
        talweg.Objective.from_pointers(fun, library.gradient, n=2)
    f = talweg.Objective.from_pointers(fun, library.gradient, n=2, verify=False)
    np.testing.assert_array_equal(f.grad([1.0, 2.0]), [4.0, 2.0])


def test_nan_everywhere_is_an_error(library):
    with pytest.raises(ValueError, match="fun is NaN or infinite at each of the .* in bounds"):
        talweg.Objective.from_pointers(library.log_of_x, n=1, bounds=[(-2, -1)])
