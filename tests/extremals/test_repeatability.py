"""The same result at each run, thread count and way of running; interruption keeps what was done."""

import _thread
import threading
import time

import numpy as np
import pytest

import talweg
from talweg import Status, surfaces


def same_curve(a, b):
    assert len(a) == len(b) and a.status == b.status and a.closed == b.closed
    for name in ("x", "fun", "sigma", "eigenvalue", "tangent", "arclength", "slope_index"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert [(e.kind, e.x.tolist(), e.arclength) for e in a.events] == [
        (e.kind, e.x.tolist(), e.arclength) for e in b.events
    ]


def same_survey(a, b):
    assert a.half_branches == b.half_branches
    assert len(a.extremals) == len(b.extremals)
    for p, q in zip(a.critical_points, b.critical_points, strict=True):
        np.testing.assert_array_equal(p.x, q.x)
    for curve, other in zip(a.extremals, b.extremals, strict=True):
        same_curve(curve, other)


@pytest.mark.parametrize("name", ["muller_brown", "toy", "phi4_chain"])
def test_surveys_are_the_same_bits_on_any_number_of_threads(name):
    f = getattr(surfaces, name)()
    first = talweg.survey(f, workers=1)
    same_survey(first, talweg.survey(f, workers=1))
    same_survey(first, talweg.survey(f, workers=2))
    same_survey(first, talweg.survey(f, workers=3))


def test_one_curve_alone_is_the_same_as_among_many():
    # Alone in one lane, or side by side with others that end sooner or later.
    f = surfaces.muller_brown()
    lower, upper = f.bounds.T.copy()
    options = {"max_step": 0.02, "lower": lower, "upper": upper, "max_points": 5000}
    starts = [
        talweg._core.start_extremal(f._core, point.x, branch, sign, None, options)
        for point in talweg.critical_points(f)
        for branch in (0, 1)
        for sign in (1, -1)
    ]
    together = talweg._core.trace_extremals(f._core, starts, options)
    assert len({len(arc["arclength"]) for arc in together}) > 5
    for start, among in zip(starts, together, strict=True):
        (alone,) = talweg._core.trace_extremals(f._core, [start], options)
        for name in ("x", "fun", "sigma", "eigenvalue", "tangent", "arclength", "slope_index"):
            np.testing.assert_array_equal(alone[name], among[name])
        assert len(alone["events"]) == len(among["events"])


@pytest.mark.parametrize(("branch", "direction"), [(0, 1), (0, -1), (1, 1)])
def test_stepping_gives_the_points_of_trace(branch, direction):
    f = surfaces.muller_brown()
    x0 = [0.6234994049308765, 0.02803775852868567]
    tracer = talweg.ExtremalTracer(f, x0, branch=branch, direction=direction)
    seen = []
    for count, point in enumerate(tracer):
        seen.append(point["x"])
        if count == 5:
            assert tracer.extremal().status == Status.RUNNING
    whole = talweg.trace(f, x0, branch=branch, direction=direction)
    same_curve(tracer.extremal(), whole)
    np.testing.assert_array_equal(seen[-1], whole.x[-1])
    assert len(whole) - len(seen) in (0, 1)
    with pytest.raises(StopIteration):
        next(tracer)


def test_stepping_a_start_that_fails():
    f = talweg.Objective(lambda p: p[0] ** 2 + p[1] ** 2, 2)
    tracer = talweg.ExtremalTracer(f, [0.0, 0.0])
    assert list(tracer) == []
    assert tracer.extremal().status == Status.ISOTROPIC


def test_limits():
    f = surfaces.muller_brown()
    x0 = [0.6234994049308765, 0.02803775852868567]
    short = talweg.trace(f, x0, direction=-1, max_length=0.5)
    assert short.status == Status.MAX_LENGTH and short.length == pytest.approx(0.5, rel=1e-6)
    few = talweg.trace(f, x0, direction=-1, max_points=7)
    assert few.status == Status.MAX_POINTS and len(few) == 7
    whole = talweg.trace(f, x0, direction=-1)
    np.testing.assert_array_equal(few.x, whole.x[:7])
    assert np.diff(whole.arclength).max() <= whole.parameters["max_step"] * 1.1


def test_direction_as_a_vector():
    f = surfaces.toy()
    for direction in ([1.0, 0.1], [-1.0, 0.3]):
        curve = talweg.trace(f, [0.0, 0.0], direction=direction)
        assert (curve.x[1] - curve.x[0]) @ direction > 0


def test_an_interrupted_survey_keeps_what_was_done():
    f = surfaces.styblinski_tang(4)
    timer = threading.Timer(0.6, _thread.interrupt_main)
    start = time.monotonic()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            talweg.survey(f, max_step=0.005, max_points=1_000_000)
    finally:
        timer.cancel()
    assert time.monotonic() - start < 30
    result = caught.value.result
    assert result.status == Status.INTERRUPTED
    for curve in result.extremals:
        assert np.isfinite(curve.x).all()


def test_survey_from_starts_with_some_branches():
    f = surfaces.rosenbrock(6)
    survey = talweg.survey(f, bounds=(), starts=np.ones(6), branches=[0, -1], max_length=0.5)
    assert len(survey.critical_points) == 1
    assert set(survey.half_branches) == {(0, b, d) for b in (0, 5) for d in (1, -1)}
    assert len(survey.extremals) == 2
    for curve in survey.extremals:
        assert curve.length == pytest.approx(1.0, rel=1e-6)
        assert curve.status == curve.start_status == Status.MAX_LENGTH


def test_talweg_through_a_minimum_and_through_a_saddle():
    f = surfaces.muller_brown()
    x0 = [0.6234994049308765, 0.02803775852868567]
    curve = talweg.trace_talweg(f, x0)
    assert curve.is_talweg.all()
    assert np.linalg.norm(curve.x - x0, axis=1).min() == 0
    # It ends at level folds, where the slope stops being minimal.
    for x in (curve.x[0], curve.x[-1]):
        ends = [e for e in curve.events if np.linalg.norm(e.x - x) < 1e-9]
        assert {"level_fold"} & {e.kind for e in ends} or np.isin(x, f.bounds).any()
    saddle = [0.212486582000662, 0.2929883251073678]
    for branch in (0, 1):
        assert len(talweg.trace_talweg(f, saddle, branch=branch)) > 10
    single = talweg.trace_talweg(f, x0, branch=1)
    assert len(single) == 1 and "no talweg" in single.message
