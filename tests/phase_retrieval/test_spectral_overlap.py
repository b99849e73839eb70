"""Spectral starts against simulation."""

import math

import numpy as np
import pytest

from talweg.phase_retrieval import (
    curvature_weights,
    gaussian_law,
    outlier,
    preprocessing_law,
    spectral_overlap,
)

from .matrices import lowest, projections, weighted


def measured(n, alpha, weights_of, runs):
    """Squared overlaps of the bottom eigenvector with the signal."""
    found = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        X, _, signal, lam, u = projections(n, alpha, rng)
        d = weights_of(lam, u)
        found.append(lowest(weighted(X, d), signal)[1])
    return np.mean(found), np.std(found, ddof=1) / math.sqrt(runs)


@pytest.mark.parametrize(
    ("alpha", "overlap"),
    [(0.55, 0.021), (0.75, 0.111), (1, 0.231), (1.5, 0.457), (2, 0.639), (3, 0.845), (5, 0.957)],
)
def test_printed_values(alpha, overlap):
    assert round(spectral_overlap(alpha).value, 3) == overlap


@pytest.mark.parametrize("alpha", [1.5, 3.0])
@pytest.mark.parametrize("kind", ["optimal", "mondelli-montanari", "hessian", "averaged-hessian"])
def test_simulations(kind, alpha):
    a = 1.0 if kind == "hessian" else 0.2
    weights = {
        "optimal": lambda lam, u: 1.0 / u**2 - 1.0,
        "mondelli-montanari": lambda lam, u: (1.0 - u**2) / (u**2 + math.sqrt(2 * alpha) - 1.0),
        "hessian": lambda lam, u: curvature_weights(lam, u, a),
        "averaged-hessian": lambda lam, u: curvature_weights(lam, u, a, "averaged"),
    }[kind]
    expected = spectral_overlap(alpha, kind, a=a)
    mean, error = measured(500, alpha, weights, 10)
    if expected.value == 0.0:
        assert mean < 0.15
    else:
        # At this N the mean is off by some 1/N besides.
        assert abs(mean - expected.value) < 3.0 * error + 4.0 / 500


def test_no_preprocessing_beats_the_optimal_one():
    for alpha in (0.6, 1.0, 2.0, 4.0):
        best = spectral_overlap(alpha).value
        for kind in ("mondelli-montanari", "averaged-hessian", "without-gauss-newton", "hessian"):
            for a in (0.1, 1.0):
                assert spectral_overlap(alpha, kind, a=a).value < best
        trimmed = spectral_overlap(alpha, lambda y: y * (y < 6), supremum=6.0, breakpoints=[6.0])
        assert trimmed.value < best


def test_weak_recovery_begins_at_one_half():
    for kind in ("optimal", "mondelli-montanari"):
        assert spectral_overlap(0.5, kind).value == 0.0
        assert spectral_overlap(0.4, kind).value == 0.0
        assert 0.0 < spectral_overlap(0.502, kind).value < 0.002


def test_a_function_is_what_its_name_is():
    by_name = spectral_overlap(2.0, "optimal").value
    assert spectral_overlap(2.0, lambda y: 1.0 - 1.0 / y).value == pytest.approx(by_name, rel=1e-12)
    # Any positive multiple gives the same eigenvectors.
    scaled = spectral_overlap(2.0, lambda y: 3.0 - 3.0 / y).value
    assert scaled == pytest.approx(by_name, rel=1e-9)


def test_weights_without_a_bound_know_nothing():
    assert spectral_overlap(3.0, lambda y: y).value == 0.0
    assert spectral_overlap(3.0, "averaged-hessian", a=math.inf).value == 0.0


def test_averaged_hessian_is_the_gaussian_law():
    for kind, hessian in (
        ("averaged-hessian", "averaged"),
        ("without-gauss-newton", "without-gauss-newton"),
    ):
        by_law = outlier(gaussian_law(0.5, hessian=hessian), 3.0).overlap_squared
        assert spectral_overlap(3.0, kind, a=0.5).value == pytest.approx(by_law, rel=1e-9)


def test_negative_weights_only():
    # T = -1/(1 + y): the top of the spectrum has no weight near its supremum 0.
    alpha = 14.0
    expected = spectral_overlap(alpha, lambda y: -1.0 / (1.0 + y))
    mean, error = measured(500, alpha, lambda lam, u: 1.0 / (1.0 + u * u), 8)
    assert expected.value > 0.2
    assert abs(mean - expected.value) < 3.0 * error + 4.0 / 500


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: spectral_overlap(0.0), ValueError, "alpha: want"),
        (lambda: spectral_overlap(1.0, "best"), ValueError, "preprocessing: want one of optimal"),
        (lambda: preprocessing_law(3.0), TypeError, "preprocessing: want a function"),
        (lambda: preprocessing_law(lambda y: 1.0), ValueError, "keeps the shape"),
        (lambda: preprocessing_law(lambda y: np.log(y - 1)), ValueError, "want finite weights"),
        (
            lambda: preprocessing_law(lambda y: 1 - 1 / y, supremum=0.5),
            ValueError,
            "supremum: want",
        ),
        (
            lambda: preprocessing_law(lambda y: 1 - 1 / y, breakpoints=[-1.0]),
            ValueError,
            "breakpoints: want positive",
        ),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
