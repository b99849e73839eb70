"""Reports on minima against numbers that are worked out here."""

import json

import numpy as np
import pytest

import talweg
from talweg.io import as_json
from talweg.reports import theory_report


@pytest.fixture(scope="module")
def report():
    # Eigenvalues 1, 3; T[e0, e0, e1] = 0.8.
    f = talweg.models.normal_form([1.0, 3.0], {(0, 0, 1): 0.8}, bounds=[(-1, 1), (-1, 1)])
    return theory_report(f)


def test_spectrum_and_bounds(report):
    (one,) = report.minima
    assert np.allclose(one.curves.eigenvalues, [1.0, 3.0], rtol=1e-14)
    assert (one.eigenvalue_error < 1e-12).all()
    assert one.bounds.stability == pytest.approx(2 / 3)
    assert one.bounds.alignment == pytest.approx(2 / 4)
    assert one.forcing == 1
    assert np.allclose(np.abs(one.soft_forcing), [0.0, 0.8], atol=1e-14)
    # -(b/2)/(lambda_1 - 2 lambda_0) and -(b/2)(lambda_1 + lambda_0)/(lambda_1 (lambda_1 - lambda_0)).
    assert abs(one.curves.invariant[1]) == pytest.approx(0.4)
    assert abs(one.curves.extremal[1]) == pytest.approx(0.4 * 4 / 6)


def test_runs_agree_with_numbers_worked_out_here(report):
    (one,) = report.minima
    assert report.counts()["disagrees"] == 0
    by = {(m.method, m.quantity): m for m in one.measurements}
    flow = by["gradient flow", "rate of the sine"]
    assert flow.measured == pytest.approx(1.0, abs=1e-4)  # min(gap 2, lambda_0 1)
    below = by["descent below the bound", "factor of the sine"]
    mu = 1 - below.step_length * np.array([1.0, 3.0])
    assert below.step_length < 0.5
    assert below.measured == pytest.approx(max(abs(mu[1] / mu[0]), mu[0]), abs=1e-4)
    above = by["descent above the bound", "factor of the sine"]
    mu = 1 - above.step_length * np.array([1.0, 3.0])
    assert 0.5 < above.step_length < 2 / 3
    # No forcing by the stiffest direction in this function.
    assert above.measured == pytest.approx(abs(mu[0] / mu[1]), abs=1e-4)
    volume = by["gradient flow", "log volume a unit of time"]
    assert volume.measured == pytest.approx(-4.0, abs=0.05)
    noise = by["noise, descent below the bound", "variance of 0 over stiffest"]
    s = below.step_length
    assert noise.measured == pytest.approx((6 - 9 * s) / (2 - s), rel=0.05)


def test_every_measurement_has_error_and_window_or_a_reason(report):
    for one in report.minima:
        for m in one.measurements:
            # A straight manifold has no angle that could fall.
            if m.verdict == "undecided" or np.isinf(m.predicted):
                assert m.reason
            else:
                assert np.isfinite(m.error)
                assert m.window is not None
                assert m.window[0] < m.window[1]


def test_resonances_come_with_the_derivatives_that_they_multiply():
    cubic = {(0, 0, 1): 0.7, (0, 1, 2): 0.3}
    f = talweg.models.normal_form([1.0, 2.0, 3.0], cubic)
    one = theory_report(f, [0.0] * 3, measure=False).minima[0]
    terms = {
        term.relation.powers + (term.relation.index,): term.derivative
        for term in one.resonances
        if term.system == "flow"
    }
    assert abs(terms[0, 0, 1]) == pytest.approx(0.7)
    assert abs(terms[0, 1, 2]) == pytest.approx(0.3)
    # A cubic has no fourth derivatives.
    assert terms[0, 0, 0, 2] == pytest.approx(0.0, abs=1e-6)


def test_fourth_derivatives_of_a_relation():
    f = talweg.Objective(
        lambda x: (x[0] ** 2 + 3 * x[1] ** 2) / 2 + 0.25 * x[0] ** 3 * x[1] + x[1] ** 4, 2
    )
    one = theory_report(f, [0.0, 0.0], (), measure=False).minima[0]
    (term,) = (t for t in one.resonances if t.system == "flow")
    assert (term.relation.powers, term.relation.index) == ((0, 0, 0), 1)
    assert abs(term.derivative) == pytest.approx(6 * 0.25, rel=1e-6)
    assert one.forcing == 2


def test_json_is_strict_and_complete(report):
    document = json.loads(as_json(report))
    (minimum,) = document["minima"]
    assert document["kind"] == "theory"
    assert minimum["bounds"]["alignment"] == pytest.approx(0.5)
    assert len(minimum["measurements"]) == len(report.minima[0].measurements)
    assert {m["verdict"] for m in minimum["measurements"]} <= {"agrees", "disagrees", "undecided"}
    assert sum(document["counts"].values()) == len(minimum["measurements"])


def test_markdown_and_text_name_every_measurement(report):
    text, markdown = str(report), report.markdown()
    for m in report.minima[0].measurements:
        assert m.method in text
        assert f"| {m.method} | {m.quantity} |" in markdown


def test_disagreement_is_said(monkeypatch):
    import talweg.reports.runs as runs
    from talweg.reports.measurement import Measurement

    def wrong(f, one, seed, workers):
        one.measurements.append(Measurement("m", "q", 1.0, 2.0, 0.1, (0.0, 1.0), "disagrees"))

    monkeypatch.setattr(runs, "measure", wrong)
    report = theory_report(talweg.surfaces.toy())
    assert not report.success
    assert report.message == "1 measurement against the prediction: see the tables."


def test_pictures(report):
    pytest.importorskip("matplotlib")
    figures = report.plots()
    names = {f"minimum-0-{kind}" for kind in ("steps", "curves", "angles", "volume", "film")}
    assert set(figures) == names
    steps = figures["minimum-0-steps"].axes[0]
    lines = {line.get_label(): line for line in steps.get_lines()}
    s, factor = lines["factor of the sine"].get_data()
    inside = (s > 0) & (s < 2 / 3)
    mu = np.abs(1 - s[inside, None] * [1.0, 3.0])
    expected = np.minimum(mu[:, 0], mu[:, 1]) / np.maximum(mu[:, 0], mu[:, 1])
    soft = mu[:, 0] > mu[:, 1]
    expected[soft] = np.maximum(expected[soft], mu[soft, 0])
    assert np.allclose(factor[inside], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x_min": [2.0, -1.0]}, "x_min: want a nondegenerate minimum, .* leads to: saddle"),
        ({"x_min": [1.0, 2.0, 3.0]}, "x_min: want shape"),
        ({"bounds": ()}, "bounds: want a box"),
        ({"max_order": 1}, "max_order"),
        ({"tolerance": 1.0}, "tolerance"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        theory_report(talweg.surfaces.toy(), measure=False, **arguments)


def test_functions_that_no_report_is_for():
    with pytest.raises(ValueError, match="two coordinates"):
        theory_report(talweg.Objective(lambda x: x[0] ** 2, 1), [0.0])
    metric = talweg.models.normal_form([1.0, 2.0]).with_metric(np.eye(2) * 2)
    with pytest.raises(ValueError, match="metric"):
        theory_report(metric, [0.0, 0.0])


def test_interrupt_keeps_what_was_done(monkeypatch):
    import talweg.reports.runs as runs

    def stopped(f, one, seed, workers):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "measure", stopped)
    with pytest.raises(KeyboardInterrupt) as stop:
        theory_report(talweg.surfaces.toy())
    assert stop.value.result.interrupted
    assert len(stop.value.result.minima) == 1


def test_equal_eigenvalues_have_no_direction():
    f = talweg.Objective(lambda x: (x[0] ** 2 + x[1] ** 2) / 2, 2)
    one = theory_report(f, [0.0, 0.0], (), measure=False).minima[0]
    assert [p.alignment.mechanism for p in one.predictions] == ["none"]
    assert str(one.bounds.alignment) == "nan"


def test_many_coordinates_leave_out_what_takes_long():
    f = talweg.models.normal_form(np.linspace(1.0, 4.0, 12))
    report = theory_report(f, [0.0] * 12, ())
    left_out = [m for m in report.minima[0].measurements if m.reason.startswith("Not run")]
    assert len(left_out) == 2
    assert {m.verdict for m in left_out} == {"undecided"}
    assert report.counts()["agrees"] > 0
    assert report.counts()["disagrees"] == 0


def test_runs_stay_on_their_side_of_a_bound_that_is_close_to_the_best_step():
    # Two soft eigenvalues next to each other leave a sliver between the best step and the bound,
    # and there direction 2 contracts like the square of direction 0.
    f = talweg.models.normal_form([1.0, 1.0005, 1.82, 10.0], {(0, 1, 2): 0.5})
    (one,) = theory_report(f, [0.0] * 4, measure=False).minima
    by = {p.method: p for p in one.predictions}
    assert one.bounds.alignment - one.bounds.best_alignment < 1e-3 * one.bounds.stability
    below = by["descent below the bound"]
    assert below.step_length < one.bounds.alignment and below.alignment.dominant_branch == 0
    above = by["descent above the bound"]
    assert one.bounds.alignment < above.step_length < one.bounds.stability
    assert above.alignment.dominant_branch == 3
