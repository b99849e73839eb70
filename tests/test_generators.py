"""The argument `rng`, which everything that draws numbers takes and checks alike."""

import numpy as np
import pytest

import talweg
from talweg import checks, phase_retrieval, reports, spectrum
from talweg.extremals.arguments import checked_generator

SADDLE = talweg.surfaces.by_name("toy")
BOX = [(-3.0, 3.0), (-2.0, 2.0)]
PROBLEM = phase_retrieval.Problem(12, 3.0, rng=0)
POINT = PROBLEM.random_point(1)


def drawing(rng):
    """Calls that take `rng`, by name."""
    return {
        "Problem": lambda: phase_retrieval.Problem(12, 3.0, rng=rng).signal,
        "random_point": lambda: PROBLEM.random_point(rng),
        "extreme_pairs": lambda: PROBLEM.extreme_pairs(POINT, rng=rng).eigenvalues,
        **{
            f"spectral_start {kind}": lambda kind=kind: phase_retrieval.spectral_start(
                PROBLEM, kind, rng
            )
            for kind in phase_retrieval.SPECTRAL_STARTS
        },
        "lowest": lambda: spectrum.lowest(np.eye(5), k=1, rng=rng).eigenvalues,
        "density": lambda: spectrum.density(np.eye(5), rng=rng).nodes,
        "critical_points": lambda: [
            point.x for point in talweg.critical_points(SADDLE, BOX, rng=rng)
        ],
        "critical_points from starts": lambda: [
            point.x for point in talweg.critical_points(SADDLE, starts=[0.1, 0.1], rng=rng)
        ],
        "survey": lambda: [
            point.x for point in talweg.survey(SADDLE, BOX, rng=rng).critical_points
        ],
        "descend": lambda: talweg.descend(SADDLE, [0.1, 0.1], 0.1, 3, noise=1e-3, rng=rng).x,
        "descent_report": lambda: reports.descent_report(SADDLE, BOX, n_starts=3, rng=rng),
        "theory_report": lambda: reports.theory_report(SADDLE, [0.0, 0.0], measure=False, rng=rng),
        "stationary": lambda: checks.stationary(
            SADDLE, [0.0, 0.0], step_length=0.1, noise=1e-4, rng=rng
        ),
    }


@pytest.mark.parametrize("name", drawing(None))
@pytest.mark.parametrize(
    ("rng", "error"),
    [
        (True, TypeError),
        (np.False_, TypeError),
        (-1, ValueError),
        (np.int64(-3), ValueError),
        (1.5, TypeError),
        ("dice", TypeError),
        (np.random.default_rng, TypeError),
    ],
    ids=str,
)
def test_what_stands_for_no_generator_is_refused_alike(name, rng, error):
    with pytest.raises(error) as refused:
        drawing(rng)[name]()
    assert str(refused.value) == (
        "rng: want None, a whole number from 0 on, or a numpy.random SeedSequence or Generator, "
        f"got {rng!r}"
    )


@pytest.mark.parametrize("rng", [3, np.int64(3), np.random.SeedSequence(3)], ids=str)
def test_generators_are_those_of_numpy(rng):
    expected = np.random.default_rng(3).random(5)
    assert (checked_generator(rng).random(5) == expected).all()
    generator = np.random.default_rng(3)
    assert checked_generator(generator) is generator
    assert (checked_generator(None).random(5) != checked_generator(None).random(5)).any()


@pytest.mark.parametrize("name", drawing(None))
def test_every_kind_of_generator_is_taken(name):
    for rng in (None, 3, np.uint8(3), np.random.SeedSequence(3), np.random.default_rng(3)):
        drawing(rng)[name]()
