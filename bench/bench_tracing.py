"""Tracing the gradient extremals of Müller-Brown with events on, against NumPy and jaxcont.

Floors. A point takes two evaluations of f, g, H and T[v], one to see where the prediction is and one
after its correction. An evaluation is a tape of 227 instructions: about 230 flops and 13 doubles for
each lane; with AVX2 about 45 ns a point in 64 lanes, about 550 ns in one lane, where every
instruction waits for the one before. The floor is therefore 1.1 us a point on a single curve and
90 ns side by side, plus 152 bytes of results a point. bench/cpp/tracing.cpp measures both floors.
Goals: 400,000 points a second on one curve, 1,000,000 over a survey, two evaluations a point.

``extra_info`` holds points_per_second, evaluations_per_point (those for events included) and the
number of points, from medians.
"""

import numpy as np
import pytest
from continuation_peers import derivatives, jaxcont_tracer, trace_numpy

import talweg
from talweg import _core

STEPS = [0.001, 0.002, 0.005, 0.02]


@pytest.fixture(scope="module")
def surface():
    return talweg.surfaces.muller_brown()


def options_of(surface, step):
    low, high = surface.bounds.T
    return {"max_step": step, "lower": low, "upper": high, "max_points": 100_000}


@pytest.fixture(scope="module")
def half_branches(surface):
    """Starts of the curves from every critical point along each eigenvector, both ways."""
    points = talweg.critical_points(surface)
    options = options_of(surface, 0.01)
    return [
        _core.start_extremal(surface._core, point.x, branch, sign, None, options)
        for point in points
        for branch in range(2)
        for sign in (1, -1)
    ]


@pytest.fixture(scope="module")
def arc(surface):
    """Start, eigenvalue, direction and length of the longest arc without a critical point."""
    best = None
    for point in talweg.critical_points(surface):
        for sign in (1, -1):
            curve = talweg.trace(surface, point, 0, sign, max_step=0.005)
            places = [e.arclength for e in curve.events if e.kind == "critical_point"]
            marks = np.array([0.0, *places, curve.arclength[-1]])
            i = int(np.argmax(np.diff(marks)))
            # Away from the ends, where (H - lambda) g = 0 is singular.
            start, stop = marks[i] + 0.1, marks[i + 1] - 0.1
            if best is None or stop - start > best[3]:
                k = int(np.searchsorted(curve.arclength, start))
                best = curve.x[k], curve.eigenvalue[k], curve.tangent[k], stop - start
    return best


def note(benchmark, points, evaluations=None):
    benchmark.extra_info["points"] = int(points)
    if evaluations is not None:
        benchmark.extra_info["evaluations_per_point"] = round(evaluations / points, 3)
    # Without statistics when the suite runs as tests (--benchmark-disable).
    if benchmark.stats is not None:
        benchmark.extra_info["points_per_second"] = points / benchmark.stats.stats.median


def residuals(points):
    out = []
    for x in points:
        g, h, _ = derivatives(x)
        product = h @ g
        out.append(np.linalg.norm(product - (g @ product) / (g @ g) * g))
        out[-1] /= np.linalg.norm(h) * np.linalg.norm(g)
    return np.array(out)


@pytest.mark.parametrize("step", STEPS)
def test_one_curve(benchmark, surface, half_branches, step):
    benchmark.group = f"one arc, max_step {step}"
    options = options_of(surface, step)
    # The soft branch of the deepest minimum that passes two saddles and a minimum.
    traced = [_core.trace_extremals(surface._core, [s], options)[0] for s in half_branches]
    longest = int(np.argmax([curve["arclength"][-1] for curve in traced]))
    curve = benchmark(
        lambda: _core.trace_extremals(surface._core, [half_branches[longest]], options)[0]
    )
    note(benchmark, len(curve["arclength"]), curve["evaluations"])


@pytest.mark.parametrize("step", STEPS)
def test_one_arc_without_critical_points(benchmark, surface, arc, step):
    benchmark.group = f"one arc, max_step {step}"
    x, eigenvalue, direction, length = arc
    options = options_of(surface, step) | {"max_length": length}
    g = surface.grad(x)
    v = g / np.linalg.norm(g)
    start = {
        "z": np.array([*x, *v, eigenvalue, np.linalg.norm(g)]),
        "direction": direction,
        "tangent": np.array([]),
    }
    curve = benchmark(lambda: _core.trace_extremals(surface._core, [start], options)[0])
    note(benchmark, len(curve["arclength"]), curve["evaluations"])


@pytest.mark.parametrize("step", STEPS)
def test_one_arc_numpy(benchmark, arc, step):
    benchmark.group = f"one arc, max_step {step}"
    x, eigenvalue, direction, length = arc
    count = int(length / step)
    points = benchmark.pedantic(
        trace_numpy, (x, eigenvalue, direction, step, count), rounds=3, iterations=1
    )
    assert residuals(points).max() < 1e-8
    note(benchmark, len(points))


@pytest.mark.parametrize("step", STEPS)
def test_one_arc_jaxcont(benchmark, arc, step):
    pytest.importorskip("jaxcont")
    benchmark.group = f"one arc, max_step {step}"
    x, eigenvalue, direction, length = arc
    run, points = jaxcont_tracer(x, eigenvalue, direction, step, int(length / step))
    assert np.median(residuals(points)) < 1e-6
    benchmark(run)
    note(benchmark, len(points))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_curves_in_lanes(benchmark, surface, half_branches, step, workers):
    benchmark.group = f"64 curves side by side, max_step {step}"
    options = options_of(surface, step)
    starts = [half_branches[i % len(half_branches)] for i in range(64)]
    curves = benchmark(lambda: _core.trace_extremals(surface._core, starts, options, workers))
    points = sum(len(curve["arclength"]) for curve in curves)
    note(benchmark, points, sum(curve["evaluations"] for curve in curves))
    if benchmark.stats is not None:
        # The floor: two evaluations a point in full blocks on one thread.
        rng = np.random.default_rng(0)
        x = rng.uniform(-1.0, 1.0, (8192, 2))
        v = np.tile([0.6, 0.8], (8192, 1))
        seconds = []
        for _ in range(21):
            start = benchmark._timer()
            surface._core.evaluate(x, 15, v, None, 1)
            seconds.append(benchmark._timer() - start)
        floor = 2 * float(np.median(seconds)) / len(x) * points
        benchmark.extra_info["ratio_to_floor"] = benchmark.stats.stats.median / floor
