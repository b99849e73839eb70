"""Comparison of a recorded function with the plain one, which a recording cannot do without.

A recording is right only when the function does the same operations at every point and every
time. Comparing values at a few points catches hidden state and control flow that depends on x.
"""

from __future__ import annotations

import numpy as np

from talweg.quantity import VALUE

_ATTEMPTS = 64
# Far above what another order of the operations changes, far below what another formula does.
_RELATIVE, _OVERALL = 1e-6, 1e-9


def verify(
    function,
    core,
    n,
    *,
    bounds=None,
    appended=(),
    points=4,
    what="the function",
    must_be_finite=True,
):
    """Compare at a few points, the same ones each time, where the plain function is finite.

    Parameters
    ----------
    function : callable
        The plain function of one array of shape (n,).
    core : talweg._core.Objective
        The recorded one, of ``n + len(appended)`` coordinates.
    bounds : ndarray, shape (n, 2), optional
        The box to take points from.
    appended : sequence of float
        Coordinates that follow x's in the recorded function's argument.

    Raises
    ------
    ValueError
        When the two differ, or when the plain function is finite nowhere.
    """
    compared, failure = [], None
    for x in sample_points(n, bounds):
        try:
            plain = _plain(function, x, what)
        except (ArithmeticError, ValueError) as error:
            failure = error
            continue
        if not np.isfinite(plain):
            continue
        block = np.concatenate([x, appended])[None, :]
        compared.append((x, plain, float(core.evaluate(block, VALUE)["value"][0])))
        if len(compared) == points:
            break
    if not compared and must_be_finite:
        raise ValueError(
            f"{what} is NaN or infinite at each of the {_ATTEMPTS} points tried"
            + (" in bounds" if bounds is not None else ": give bounds=[(low, high), ...] for x")
            + (f" (the last error was {type(failure).__name__}: {failure})" if failure else "")
        )
    scale = max((abs(plain) for _, plain, _ in compared), default=0.0)
    for x, plain, value in compared:
        if not abs(value - plain) <= _RELATIVE * abs(plain) + _OVERALL * scale:
            _explain(function, x, plain, value, what)


def _plain(function, x, what) -> float:
    with np.errstate(all="ignore"):
        result = function(x.copy())
    try:
        return float(result)
    except TypeError:
        raise TypeError(
            f"{what} returned a {type(result).__name__} for an array of numbers: one real number "
            "is wanted"
        ) from None


def _explain(function, x, plain, value, what):
    """Raise for values that differ, unless rounding alone can be the reason."""
    again = _plain(function, x, what)
    shown = np.array2string(x, threshold=6, precision=6)
    if again != plain:
        raise ValueError(
            f"{what} gives {plain!r} and then {again!r} at the same point {shown}: it uses random "
            "numbers or a state that changes between calls, so that it cannot be recorded"
        )
    # A function that cancels, of which only rounding errors are left, changes as much when its
    # argument is rounded in another way.
    rounded = (x * (1.0 + k * np.finfo(float).eps) for k in (-4, -3, -2, 2, 3, 4))
    noise = max(abs(_plain(function, y, what) - plain) for y in rounded)
    if abs(value - plain) <= 1000.0 * noise:
        return
    raise ValueError(
        f"{what}, recorded, gives {value!r} where the plain function gives {plain!r}, at {shown}: "
        "it takes a way that depends on the numbers in x or on a state that has changed since "
        "(a try, a type test, a counter); write numpy.where, or use Objective.from_callables"
    )


def sample_points(n, bounds):
    """Points to try a function of n coordinates at, the same ones each time."""
    rng = np.random.default_rng(1979)
    for attempt in range(_ATTEMPTS):
        if bounds is not None:
            yield rng.uniform(bounds[:, 0], bounds[:, 1])
        elif attempt % 3 == 0:
            yield rng.normal(size=n)
        elif attempt % 3 == 1:
            yield rng.uniform(0.1, 0.9, size=n)
        else:
            yield rng.normal(scale=3.0 ** rng.integers(-3, 4), size=n) + rng.normal()
