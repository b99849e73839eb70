"""Transitions against printed values, closed forms and the definition."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talweg.phase_retrieval import alpha_bbp, bbp_ratio, gaussian_law, smallest_alpha_bbp

from .exact import resolvent_means


@pytest.mark.parametrize(
    ("a", "alpha", "kind"),
    [
        (0.01, 2.8508, "continuous"),
        (0.1, 2.1667, "continuous"),
        (0.5, 1.3796, "continuous"),
        (1.0, 1.1349, "continuous"),
        (2.0, 1.6904, "discontinuous"),
    ],
)
def test_printed_values(a, alpha, kind):
    found = alpha_bbp(a)
    assert round(found.alpha, 4) == alpha
    assert found.kind == kind
    assert found.error < 1e-6


def test_the_smallest():
    found = smallest_alpha_bbp()
    assert round(found.alpha, 4) == 1.1134
    # Printed as 1.108755, cut and not rounded.
    assert math.floor(found.a * 1e6) == 1108755
    # The same by the definition in 20 digits: the edge's equation holds at q = 1/2.

    def excess(a):
        _, square, signal, _ = resolvent_means(a, 0.5, 20)
        return square / 2 - signal

    assert excess(found.a - 1e-9) * excess(found.a + 1e-9) < 0
    alphas = [alpha_bbp(a).alpha for a in (found.a - 1e-3, found.a + 1e-3)]
    assert min(alphas) > found.alpha
    kinds = [alpha_bbp(a).kind for a in (found.a - 1e-6, found.a + 1e-6)]
    assert kinds == ["continuous", "discontinuous"]


@given(st.floats(1.12, 60.0))
@settings(max_examples=30)
def test_the_closed_form_is_the_quadrature(a):
    law = gaussian_law(a)
    exact = 1.0 / law.mean(0.5 * law.d / (1.0 + 0.5 * law.d) * (1.0 - law.u**2))
    assert alpha_bbp(a).alpha == pytest.approx(exact, rel=1e-10)
    b = a / 3.0
    with mpmath.workdps(30):
        formula = mpmath.mpf(3) / 2 * mpmath.sqrt(2 * b / mpmath.pi)
        formula *= mpmath.exp(-mpmath.mpf(b) / 2) / mpmath.erfc(mpmath.sqrt(mpmath.mpf(b) / 2))
    assert alpha_bbp(a).alpha == pytest.approx(float(formula), rel=1e-13)


@given(st.floats(0.001, 30.0), st.sampled_from([0.0, 0.3, -0.7]))
@settings(max_examples=30)
def test_the_ratio_is_1_at_the_transition(a, overlap):
    found = alpha_bbp(a, overlap=overlap)
    law = gaussian_law(a, overlap)
    if found.kind == "none":
        assert overlap != 0.0
        assert max(bbp_ratio(law, alpha).value for alpha in np.geomspace(0.5, 50.0, 20)) < 1.0
        return
    if found.last < math.inf:
        assert overlap != 0.0
        assert bbp_ratio(law, found.last).value == pytest.approx(1.0, abs=1e-7)
        assert bbp_ratio(law, 1.1 * found.last).value < 1.0
        return
    assert bbp_ratio(law, found.alpha).value == pytest.approx(1.0, abs=1e-8)
    assert bbp_ratio(law, 1.01 * found.alpha).value > 1.0
    assert bbp_ratio(law, 0.99 * found.alpha).value < 1.0


@pytest.mark.parametrize("a", [0.01, 0.5, 1.0, 7.0])
@pytest.mark.parametrize(("hessian", "shift"), [("without-gauss-newton", 1.0), ("averaged", 3.0)])
def test_other_hessians(a, hessian, shift):
    found = alpha_bbp(a, hessian=hessian)
    assert found.alpha == (a + shift) / 2.0
    assert found.kind == "discontinuous"
    law = gaussian_law(a, hessian=hessian)
    assert bbp_ratio(law, found.alpha).value == pytest.approx(1.0, abs=1e-9)


def test_errors_are_bounds():
    for a in (0.01, 0.3, 1.0):
        found = alpha_bbp(a)
        q = mpmath.mpf(found.q)
        with mpmath.workdps(25):
            _, square, signal, _ = resolvent_means(a, q)
        exact = float(1 / (q * q * square))
        # q's own error moves alpha as well.
        assert abs(found.alpha - exact) <= found.error
        assert abs(float(q * square / signal) - 1.0) < 1e-8


def test_the_plain_loss_has_none():
    found = alpha_bbp(math.inf)
    assert found.alpha == math.inf
    assert found.kind == "none"
    # The limit of large a.
    assert alpha_bbp(1e6).alpha == pytest.approx(0.5e6, rel=1e-5)


def test_numbers_of_numpy_serve():
    assert alpha_bbp(np.float64(0.5)).alpha == alpha_bbp(0.5).alpha


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: alpha_bbp(0.0), ValueError, "a: want"),
        (lambda: alpha_bbp("plain"), TypeError, "a: want"),
        (lambda: alpha_bbp(1.0, overlap=2.0), ValueError, "overlap: want"),
        (lambda: alpha_bbp(1.0, hessian=""), ValueError, "hessian: want one of"),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
