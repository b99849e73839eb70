"""Arguments of the functions on batches: what is taken as it is, copied, or refused by name."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from tests.spectrum.matrices import goe

from talweg import Status, spectrum

H = goe(np.random.default_rng(0), 10, 4)
FUNCTIONS = [
    spectrum.eigh,
    spectrum.eigvalsh,
    spectrum.inertia,
    spectrum.logabsdet,
    spectrum.slogdet,
]
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)


def flat(result):
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


def assert_same(a, b):
    for left, right in zip(flat(a), flat(b), strict=True):
        np.testing.assert_array_equal(left, right)


LAYOUTS = {
    "list": lambda a: a.tolist(),
    "Fortran": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "swapped axes": lambda a: np.moveaxis(np.moveaxis(a, 0, 2).copy(), 2, 0),
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "read-only": lambda a: np.lib.stride_tricks.as_strided(a, a.shape, a.strides, writeable=False),
    "unaligned": lambda a: _unaligned(a),
    "longdouble": lambda a: a.astype(np.longdouble),
    "a part of larger rows": lambda a: np.pad(a, ((0, 0), (1, 2), (3, 1)))[:, 1:-2, 3:-1],
}


def _unaligned(a):
    memory = np.zeros(a.nbytes + 1, dtype=np.uint8)[1:]
    view = memory.view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


@every_function
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout(function, layout):
    given = LAYOUTS[layout](H)
    assert_same(function(given), function(H))


@every_function
def test_single_precision_in_any_byte_order(function):
    single = H.astype(np.float32)
    result = function(single.astype(single.dtype.newbyteorder()))
    assert_same(result, function(single))
    assert all(part.dtype in (np.float32, np.intc) for part in flat(result))


def test_more_workers_than_an_integer_holds():
    assert_same(spectrum.eigvalsh(H, workers=10**30), spectrum.eigvalsh(H))


def test_numbers_out_of_range():
    with pytest.raises(ValueError, match="offset: want a finite number"):
        spectrum.slogdet(H, offset=10**400)


@every_function
@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16, bool, np.float16])
def test_other_numbers_are_converted(function, dtype):
    whole = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 1], [1, 0]]])
    result = function(whole.astype(dtype))
    assert_same(result, function(whole.astype(float)))
    assert all(part.dtype in (np.float64, np.intc) for part in flat(result))


@every_function
@pytest.mark.parametrize(
    ("given", "exception", "message"),
    [
        (H + 0j, TypeError, "H: want real numbers, got dtype complex128"),
        (H.astype(object), TypeError, "H: want real numbers, got dtype object"),
        ("abc", TypeError, "H: want real numbers, got dtype <U3"),
        (None, TypeError, "H: want real numbers, got dtype object"),
        (np.ma.masked_array(H), TypeError, "H: want an array of numbers, got a masked array"),
        ([[1.0, 2.0], [3.0]], ValueError, "H: want an array of numbers, got rows of unequal"),
        (1.0, ValueError, r"H: want shape \(\.\.\., n, n\), got \(\)"),
        (np.zeros(3), ValueError, r"H: want shape \(\.\.\., n, n\), got \(3,\)"),
        (np.zeros((2, 3, 4)), ValueError, r"H: want shape \(\.\.\., n, n\), got \(2, 3, 4\)"),
    ],
)
def test_refused_matrices(function, given, exception, message):
    with pytest.raises(exception, match=message):
        function(given)


@every_function
def test_refused_keywords(function):
    with pytest.raises(ValueError, match="symmetry: want one of 'check', .* got 'upper'"):
        function(H, symmetry="upper")
    with pytest.raises(ValueError, match="symmetry: want one of 'check', .* got None"):
        function(H, symmetry=None)
    with pytest.raises(ValueError, match="workers: want at least 1, got 0"):
        function(H, workers=0)
    with pytest.raises(TypeError, match="workers: want a whole number, got 1.5"):
        function(H, workers=1.5)
    with pytest.raises(ValueError, match=r"status_out: want shape \(10,\), got \(9,\)"):
        function(H, status_out=np.zeros(9, dtype=np.intc))
    with pytest.raises(TypeError, match="status_out: want dtype int32, got float64"):
        function(H, status_out=np.zeros(10))


@pytest.mark.parametrize("function", [spectrum.logabsdet, spectrum.slogdet])
def test_refused_scalars(function):
    with pytest.raises(TypeError, match="offset: want a real number, got 'a'"):
        function(H, offset="a")
    with pytest.raises(ValueError, match="factor: want a finite number, got nan"):
        function(H, factor=np.nan)


def test_refused_outputs():
    with pytest.raises(TypeError, match="out: want a tuple of two arrays, for eigenvalues and"):
        spectrum.eigh(H, out=np.zeros((10, 4)))
    with pytest.raises(ValueError, match=r"out\[1\]: want shape \(10, 4, 4\), got \(10, 4\)"):
        spectrum.eigh(H, out=(np.zeros((10, 4)), np.zeros((10, 4))))
    with pytest.raises(TypeError, match="out: want dtype float64, got float32"):
        spectrum.eigvalsh(H, out=np.zeros((10, 4), dtype=np.float32))
    with pytest.raises(TypeError, match="out: want dtype float32, got float64"):
        spectrum.eigvalsh(H.astype(np.float32), out=np.zeros((10, 4)))
    with pytest.raises(TypeError, match="out: want an ndarray, got list"):
        spectrum.eigvalsh(H, out=[0.0] * 10)
    locked = np.zeros((10, 4))
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="out: want an array that can be written to"):
        spectrum.eigvalsh(H, out=locked)
    with pytest.raises(ValueError, match=r"out: want shape \(10, 3\), got \(10,\)"):
        spectrum.inertia(H, out=np.zeros(10, dtype=np.intc))


def outputs_of(function):
    return [np.full(part.shape, 7, part.dtype) for part in flat(function(H))]


@pytest.mark.parametrize("strided", [False, True])
@every_function
def test_results_go_into_the_arrays_given(function, strided):
    parts = outputs_of(function)
    if function is spectrum.inertia:
        parts = [np.full((10, 3), 7, np.intc)]
    if strided:
        parts = [np.repeat(part, 3, axis=-1)[..., ::3] for part in parts]
    out = tuple(parts) if len(parts) > 1 else parts[0]
    result = function(H, out=out)
    assert_same(result, function(H))
    if function is spectrum.inertia:
        np.testing.assert_array_equal(parts[0], np.stack(result, axis=-1))
        assert np.shares_memory(result.zero, parts[0])
    else:
        for given, returned in zip(parts, flat(result), strict=True):
            assert np.shares_memory(given, returned)


def test_the_matrices_own_memory_may_take_the_results():
    expected = spectrum.eigh(H)
    memory = H.copy()
    result = spectrum.eigh(memory, out=(np.empty_like(expected.eigenvalues), memory[:, ::-1]))
    np.testing.assert_array_equal(result.eigenvalues, expected.eigenvalues)
    np.testing.assert_array_equal(result.eigenvectors, expected.eigenvectors)
    memory = H.copy()
    values = spectrum.eigvalsh(memory, out=memory[:, 1])
    np.testing.assert_array_equal(values, expected.eigenvalues)


@every_function
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_matrices_that_are_not_symmetric(function, dtype):
    a = H.astype(dtype).reshape(2, 5, 4, 4)
    a[1, 2, 3, 1], a[1, 2, 1, 3] = 2.5, -1.5
    with pytest.raises(ValueError, match="H: want symmetric") as error:
        function(a)
    message = str(error.value)
    assert "H[1, 2, 3, 1] = 2.5 and H[1, 2, 1, 3] = -1.5" in message
    assert "symmetry='symmetrise'" in message
    mean = (a + a.swapaxes(-1, -2)) / 2
    assert_same(function(a, symmetry="symmetrise"), function(mean))
    lower = np.tril(a) + np.tril(a, -1).swapaxes(-1, -2)
    assert_same(function(a, symmetry="lower"), function(lower))
    a[0, 0, 0, 1] += 1.0
    with pytest.raises(ValueError, match=r"\(2 of 10 matrices are not\), got H\[0, 0, 1, 0\]"):
        function(a)


@every_function
def test_rounding_is_not_asymmetry(function):
    a = H * (1 + 1e-13 * np.random.default_rng(1).normal(size=H.shape))
    lower = np.tril(a) + np.tril(a, -1).swapaxes(-1, -2)
    assert_same(function(a), function(lower))


@every_function
def test_the_upper_triangle_is_not_looked_at_when_told_so(function):
    a = H.copy()
    a[:, 0, 2] = np.nan
    codes = np.zeros(10, dtype=np.intc)
    assert_same(function(a, symmetry="lower", status_out=codes), function(H))
    assert (codes == Status.CONVERGED).all()
    function(a, status_out=codes)
    assert (codes == Status.NON_FINITE).all()


def test_one_matrix_can_have_its_status_too():
    code = np.zeros((), dtype=np.intc)
    spectrum.eigvalsh(np.full((3, 3), np.nan), status_out=code)
    assert Status(int(code)) is Status.NON_FINITE


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_gives_the_same_answers(isa):
    script = """
import sys, numpy
from talweg import spectrum
H = numpy.random.default_rng(0).normal(size=(50, 66, 66))
parts = []
for n in (1, 2, 3, 4, 8, 11, 16, 33, 64, 66):
    a = H[:, :n, :n] + H[:, :n, :n].swapaxes(-1, -2)
    parts += [spectrum.eigvalsh(a), spectrum.eigh(a).eigenvalues, spectrum.logabsdet(a),
              spectrum.inertia(a).negative]
sys.stdout.buffer.write(numpy.concatenate([part.astype(float).ravel() for part in parts]).tobytes())
"""
    environment = {**os.environ, "TALWEG_ISA": isa}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True)
    if run.returncode and b"is not available here" in run.stderr:
        pytest.skip(f"this machine has no {isa}")
    assert run.returncode == 0, run.stderr.decode()
    own = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    a, b = (np.frombuffer(output.stdout) for output in (run, own))
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.skipif(not hasattr(signal, "raise_signal"), reason="needs signals")
def test_ctrl_c_stops_and_keeps_what_is_done():
    # Seconds of work in little memory.
    large = goe(np.random.default_rng(0), 200, 300)
    threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,)).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        spectrum.eigvalsh(large, workers=1)
    done = ~np.isnan(caught.value.result).any(axis=-1)
    assert not done.all()
    np.testing.assert_allclose(
        caught.value.result[done][:3], np.linalg.eigvalsh(large[:3])[: done.sum()], atol=1e-10
    )


def test_results_need_memory_of_their_own():
    H = np.array([np.eye(3)] * 4)
    room = np.zeros(64)
    with pytest.raises(ValueError, match="status_out: want memory of its own"):
        spectrum.eigvalsh(H, out=room[:12].reshape(4, 3), status_out=room.view(np.intc)[:4])
    with pytest.raises(ValueError, match=r"out\[1\]: want memory of its own"):
        spectrum.eigh(H, out=(room[:12].reshape(4, 3), room[6:42].reshape(4, 3, 3)))


def test_sparse_matrices_and_options_by_place_are_told_what_to_do():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"H: want dense matrices.*toarray"):
        spectrum.eigh(sparse.eye(3))
    with pytest.raises(TypeError, match=r"x: goes with.*by name \(k=3\)"):
        spectrum.lowest(np.eye(5), 3)
