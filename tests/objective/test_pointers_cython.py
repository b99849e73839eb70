"""A Cython module that cimports talweg's declarations, built against the package, as objectives."""

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import talweg

REPOSITORY = Path(__file__).parents[2]
COMPILER = (
    os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
)
pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")

A = np.array([1.5])


def include_directory():
    try:
        return talweg.get_include()
    except FileNotFoundError:  # a source tree
        return str(REPOSITORY / "csrc" / "include")


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """Return the compiled tests/cython/monkey_saddle.pyx."""
    directory = tmp_path_factory.mktemp("cython")
    source, compiled = directory / "monkey_saddle.c", directory / "monkey_saddle.so"
    shutil.copy(REPOSITORY / "tests" / "cython" / "monkey_saddle.pyx", directory)
    # Cython finds talweg's .pxd on the path, as an installed package's.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    for command in (
        [sys.executable, "-m", "cython", "monkey_saddle.pyx", "-o", str(source)],
        [
            *shlex.split(COMPILER),
            *("-O2", "-shared", "-fPIC", "-w", str(source), "-o", str(compiled)),
            *(f"-I{sysconfig.get_path(name)}" for name in ("include", "platinclude")),
            f"-I{include_directory()}",
        ],
    ):
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    specification = importlib.util.spec_from_file_location("monkey_saddle", compiled)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def expected():
    a = float(A[0])
    return talweg.Objective(lambda x: a * (x[0] ** 3 - 3 * x[0] * x[1] ** 2) + x[0] ** 2, 2)


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(5).normal(size=(2, 700, 2))


def block_objective(module, **options):
    provides = ("fun", "grad", "hess", "hessp", "third")
    return talweg.Objective.from_pointers(
        block=(module, "block"), provides=provides, n=2, user_data=A, **options
    )


@pytest.mark.parametrize("thread_safe", [False, True])
def test_block_function(module, expected, points, thread_safe):
    f = block_objective(module, thread_safe=thread_safe)
    x, v = points
    for m in (1, 7, 700):
        for got, wanted in (
            (f(x[:m]), expected(x[:m])),
            (f.grad(x[:m]), expected.grad(x[:m])),
            (f.hess(x[:m]), expected.hess(x[:m])),
            (f.hessp(x[:m], v[:m]), expected.hessp(x[:m], v[:m])),
            (f.third(x[:m], v[:m]), expected.third(x[:m], v[:m])),
        ):
            np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-13)


def test_functions_of_a_point(module, expected, points):
    f = talweg.Objective.from_pointers(
        module.__pyx_capi__["fun"],
        (module, "grad"),
        third=(module, "third"),
        n=2,
        user_data=A,
        thread_safe=True,
    )
    x, v = points
    np.testing.assert_allclose(f(x), expected(x), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(f.grad(x), expected.grad(x), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(f.third(x, v), expected.third(x, v), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("thread_safe", [False, True])
def test_an_extremal_of_a_cython_function(module, expected, thread_safe):
    curves = [
        talweg.trace(f, [0.0, 0.0], branch=0, bounds=[(-1, 1), (-1, 1)], max_step=0.1)
        for f in (block_objective(module, thread_safe=thread_safe), expected)
    ]
    np.testing.assert_allclose(curves[0].x[-1], curves[1].x[-1], rtol=1e-9, atol=1e-9)
    assert len(curves[0]) == len(curves[1])


@pytest.mark.parametrize(
    ("function", "thread_safe"), [("picky", False), ("picky_without_gil", True)]
)
def test_an_exception_comes_out_unchanged(module, function, thread_safe):
    f = talweg.Objective.from_pointers(
        (module, function), n=1, thread_safe=thread_safe, bounds=[(10, 11)]
    )
    assert f([2.0]) == 2.0
    for x in ([-1.0], [[1.0], [-1.0], [1.0]]):
        with pytest.raises(ArithmeticError, match=r"^no negative numbers, please$"):
            f(x)
    assert f([2.0]) == 2.0


def test_failures_do_not_leak(module):
    f = talweg.Objective.from_pointers((module, "picky"), n=1, bounds=[(10, 11)])

    def fail(times):
        for _ in range(times):
            with pytest.raises(ArithmeticError):
                f([-1.0])

    fail(1000)
    before = sys.getallocatedblocks()
    fail(100_000)
    assert sys.getallocatedblocks() - before < 1000


def test_wrong_names_and_signatures(module):
    with pytest.raises(ValueError, match=r"fun: the module monkey_saddle exports no .* 'funn'"):
        talweg.Objective.from_pointers((module, "funn"), n=2)
    with pytest.raises(TypeError, match=r"fun: .* is no Cython module"):
        talweg.Objective.from_pointers((np, "sin"), n=2)
    with pytest.raises(TypeError, match=r"fun: want .* got void \(int, double\*, double\*, void\*"):
        talweg.Objective.from_pointers((module, "grad"), n=2)
    with pytest.raises(TypeError, match=r"block: want .* got double \(int, double\*, void\*\)"):
        talweg.Objective.from_pointers(block=(module, "fun"), provides=["fun"], n=2)
