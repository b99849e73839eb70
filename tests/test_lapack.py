"""The LAPACK table that SciPy fills: who fills it, when, and with what."""

import ctypes
import subprocess
import sys

import numpy as np
import pytest

from talweg import _core

# The order of talweg::LapackTable in talweg/lapack.hpp.
ROUTINES = (
    *("dgemm", "dgemv", "dsymm", "dsyrk", "dsyevd", "dsyevr"),
    *("dsytrd", "dstemr", "dormtr", "ssytrd", "sormtr"),
    *("dgetrf", "dgetrs", "dsytrf", "dsytrs", "dpotrf", "dpotrs"),
)


class Capsule(ctypes.Structure):
    _fields_ = (("set", ctypes.c_void_p), ("get", ctypes.CFUNCTYPE(ctypes.c_void_p)))


@pytest.fixture(scope="module")
def table():
    """Map names to the core's routines, through the capsule as another extension would."""
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype = ctypes.c_void_p
    pointer_of.argtypes = (ctypes.py_object, ctypes.c_char_p)
    capsule = Capsule.from_address(pointer_of(_core._lapack_capsule, b"talweg.lapack"))
    address = capsule.get()  # ctypes releases the GIL here, as kernels do
    assert address
    addresses = (ctypes.c_void_p * len(ROUTINES)).from_address(address)
    return dict(zip(ROUTINES, addresses, strict=True))


def call(address, *arguments):
    """Call a Fortran routine: everything by address."""
    by_address = []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            by_address.append(ctypes.c_void_p(argument.ctypes.data))
        elif isinstance(argument, str):
            by_address.append(ctypes.c_char_p(argument.encode()))
        elif isinstance(argument, float):
            by_address.append(ctypes.byref(ctypes.c_double(argument)))
        else:
            by_address.append(ctypes.byref(ctypes.c_int(argument)))
    ctypes.CFUNCTYPE(None)(address)(*by_address)


@pytest.fixture
def random_symmetric():
    a = np.random.default_rng(5).standard_normal((40, 40))
    return np.asfortranarray(a + a.T)


def test_every_routine_is_there(table):
    assert _core.has_lapack()
    assert all(table.values())
    assert len(set(table.values())) == len(ROUTINES)


def test_eigenvectors(table, random_symmetric):
    n = 40
    a, w, info = random_symmetric.copy(order="F"), np.empty(n), np.full(1, -1, dtype=np.int32)
    work, iwork = np.empty(1 + 6 * n + 2 * n * n), np.empty(3 + 5 * n, dtype=np.int32)
    call(table["dsyevd"], "V", "L", n, a, n, w, work, work.size, iwork, iwork.size, info)
    assert info[0] == 0
    np.testing.assert_allclose(random_symmetric @ a, a * w, atol=1e-12)
    np.testing.assert_allclose(a.T @ a, np.eye(n), atol=1e-13)


def test_selected_eigenvectors(table, random_symmetric):
    n, k = 40, 3
    a, w = random_symmetric.copy(order="F"), np.empty(n)
    z, isuppz = np.empty((n, k), order="F"), np.empty(2 * n, dtype=np.int32)
    found, info = np.full(2, -1, dtype=np.int32), np.full(1, -1, dtype=np.int32)
    work, iwork = np.empty(26 * n), np.empty(10 * n, dtype=np.int32)
    call(
        table["dsyevr"], "V", "I", "L", n, a, n, 0.0, 0.0, 1, k, 0.0, found, w, z, n, isuppz,
        work, work.size, iwork, iwork.size, info,
    )  # fmt: skip
    assert info[0] == 0
    assert found[0] == k
    np.testing.assert_allclose(random_symmetric @ z, z * w[:k], atol=1e-12)


@pytest.mark.parametrize("kind", ["lu", "ldl", "cholesky"])
def test_factor_and_solve(table, random_symmetric, kind):
    n = 40
    matrix = random_symmetric
    if kind == "cholesky":
        matrix = random_symmetric @ random_symmetric + np.eye(n)
    right = np.random.default_rng(6).standard_normal((n, 2))
    a, x = matrix.copy(order="F"), right.copy(order="F")
    pivots, info = np.empty(n, dtype=np.int32), np.full(1, -1, dtype=np.int32)
    if kind == "lu":
        call(table["dgetrf"], n, n, a, n, pivots, info)
        call(table["dgetrs"], "N", n, 2, a, n, pivots, x, n, info)
    elif kind == "ldl":
        work = np.empty(64 * n)
        call(table["dsytrf"], "L", n, a, n, pivots, work, work.size, info)
        call(table["dsytrs"], "L", n, 2, a, n, pivots, x, n, info)
    else:
        call(table["dpotrf"], "L", n, a, n, info)
        call(table["dpotrs"], "L", n, 2, a, n, x, n, info)
    assert info[0] == 0
    np.testing.assert_allclose(matrix @ x, right, atol=1e-10)


def test_products(table, random_symmetric):
    n, m = 40, 7
    b = np.asfortranarray(np.random.default_rng(7).standard_normal((n, m)))
    c = np.zeros((n, m), order="F")
    call(table["dgemm"], "N", "N", n, m, n, 2.0, random_symmetric, n, b, n, 0.0, c, n)
    np.testing.assert_allclose(c, 2 * random_symmetric @ b, atol=1e-12)
    call(table["dsymm"], "L", "L", n, m, 1.0, random_symmetric, n, b, n, 1.0, c, n)
    np.testing.assert_allclose(c, 3 * random_symmetric @ b, atol=1e-12)
    y = np.ones(n)
    call(table["dgemv"], "N", n, n, 1.0, random_symmetric, n, b[:, 0].copy(), 1, -1.0, y, 1)
    np.testing.assert_allclose(y, random_symmetric @ b[:, 0] - 1, atol=1e-12)
    s = np.zeros((n, n), order="F")
    call(table["dsyrk"], "L", "N", n, m, 1.0, b, n, 0.0, s, n)
    np.testing.assert_allclose(np.tril(s), np.tril(b @ b.T), atol=1e-12)


def test_scipy_is_not_imported_before_it_is_needed():
    script = (
        "import sys, talweg; from talweg import _core; "
        "assert not _core.has_lapack(); assert 'scipy.linalg' not in sys.modules; "
        "import talweg._lapack; assert _core.has_lapack()"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
