"""Default step lengths: stable, no shorter than needed, and of the same times."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from talweg import Status
from talweg.phase_retrieval import Problem, default_step_length, descend, experiments
from talweg.phase_retrieval.experiments.instances import instance
from talweg.phase_retrieval.step_lengths import _mean_inverse, step_length_for

#: A usual step so long that the default is the bound itself.
LONG = 1e4

LOST = [int(Status.NOT_CONVERGED), int(Status.NON_FINITE)]


@pytest.mark.parametrize("a", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("alpha", [2.0, 4.0])
def test_it_goes_by_the_largest_eigenvalue_of_a_random_start(a, alpha):
    N = 64
    reckoned = 2.0 / default_step_length(N, alpha, a, usual=LONG)
    largest = []
    for seed in range(3):
        problem = Problem(N, alpha, a, rng=seed)
        for w in problem.random_point(seed, size=8):
            lam, u = problem.samples(w)
            d = 2 * (3 * lam**2 - u**2) / (a + u**2)
            largest.append(np.linalg.eigvalsh((problem.X.T * d) @ problem.X / problem.M)[-1])
    # Half the part of the stiffest observation is reckoned with, and of one that is rare.
    assert max(largest) < 2.0 * reckoned
    assert np.median(largest) > 0.3 * reckoned


@pytest.mark.parametrize("a", [0.01, 0.3, math.inf])
def test_default_steps_descend_and_much_longer_ones_do_not(a):
    problem = Problem(64, 2.0, a, rng=3)
    starts = problem.random_point(4, size=32)
    found = descend(problem, starts, n_steps=150)
    assert not np.isin(found.status, LOST).any()
    longer = descend(problem, starts, 5.0 * default_step_length(64, 2.0, a, usual=LONG), 150)
    assert np.isin(longer.status, LOST).sum() > 3


def test_complex_problems_descend():
    problem = Problem(32, 3.0, 0.02, rng=3, complex=True)
    found = descend(problem, problem.random_point(4, size=16), n_steps=150)
    assert found.step_length < 0.02
    assert not np.isin(found.status, LOST).any()


@pytest.mark.parametrize("a", [1.0, 1.5, 3.0, 10.0, 1e6])
def test_nothing_is_shortened_where_the_usual_step_is_stable(a):
    for N in (64, 128, 256, 512):
        for alpha in (2.0, 3.0, 5.0, 8.0):
            assert default_step_length(N, alpha, a) == 0.05


def test_it_is_a_whole_part_of_the_usual_step():
    for usual in (0.05, 0.02, 0.3):
        for a in (0.01, 0.07, 0.5):
            parts = usual / default_step_length(100, 3.0, a, usual=usual)
            assert parts == pytest.approx(round(parts), abs=1e-9)
            # One part less would be too long.
            bound = default_step_length(100, 3.0, a, usual=LONG)
            assert usual / round(parts) <= bound * (1 + 1e-3)
            assert round(parts) == 1 or usual / (round(parts) - 1) > bound * (1 - 1e-3)


def test_it_falls_like_a_and_grows_with_alpha():
    for N in (64, 1000):
        steps = [default_step_length(N, 3.0, a, usual=LONG) for a in (1e-3, 1e-2, 1e-1, 1.0)]
        assert (np.diff(steps) > 0).all()
    far = [default_step_length(10**6, 3.0, a, usual=LONG) / a for a in (1e-3, 1e-2)]
    assert far[1] / far[0] == pytest.approx(1.0, abs=0.35)
    for a in (0.01, 1.0, math.inf):
        steps = [default_step_length(100, alpha, a, usual=LONG) for alpha in (1.0, 2.0, 4.0, 8.0)]
        assert (np.diff(steps) > 0).all()


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("a", [0.02, 1.0, 30.0])
def test_the_mean_of_the_denominator(a, complex):
    def integrand(u):
        # The modulus of u, of complex numbers of mean square 1.
        if complex:
            return 2 * u * math.exp(-u * u) / (a + u * u)
        return 2 * math.exp(-u * u / 2) / math.sqrt(2 * math.pi) / (a + u * u)

    expected = quad(integrand, 0, 1, epsrel=1e-10)[0] + quad(integrand, 1, 40, epsrel=1e-10)[0]
    assert _mean_inverse(a, complex) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("a", [0.05, 1.0, math.inf])
def test_own_data_have_the_step_of_their_scale(a, complex):
    problem = Problem(60, 3.0, a, rng=1, complex=complex)
    X = problem.X[:, :60] - 1j * problem.X[:, 60:] if complex else problem.X
    scaled = Problem.from_data(3 * X, 9 * problem.y, 9 * a)
    # D grows with the square, that of the plain loss with the fourth power.
    power = 4 if math.isinf(a) else 2
    step = step_length_for(problem, LONG)
    assert step_length_for(scaled, LONG) == pytest.approx(step / 3**power, rel=1e-2)
    # Those of one's own data are those of drawn ones but for what is rare in them.
    drawn = default_step_length(60, 3.0, a, usual=LONG, complex=complex)
    assert step == pytest.approx(drawn, rel=0.35)


def test_labels_that_vanish_have_a_step():
    problem = Problem.from_data(np.random.default_rng(0).standard_normal((60, 20)), np.zeros(60))
    found = descend(problem, problem.random_point(1), n_steps=200)
    assert found.loss < 0.5 * problem.loss(problem.random_point(1))
    assert found.status == Status.MAX_STEPS


def test_no_step_is_short_enough_for_everything():
    X = 1e60 * np.random.default_rng(0).standard_normal((60, 20))
    problem = Problem.from_data(X, np.ones(60))
    with pytest.raises(ValueError, match="step_length: no step is short enough"):
        descend(problem, problem.random_point(1))


def test_descents_last_80_units_of_time():
    problem = Problem(16, 4.0, 0.05, rng=1)
    w = problem.random_point(2)
    found = descend(problem, w)
    assert found.step_length == step_length_for(problem) < 0.05
    assert found.time[-1] == pytest.approx(80.0)
    assert descend(problem, w, 0.01, record=4000).step.tolist() == [0, 4000, 8000]
    assert descend(problem, w, n_steps=3).steps == 3
    assert descend(Problem(16, 8.0, rng=1), w).steps == 1600


@pytest.mark.parametrize("a", [0.1, 1.0])
def test_success_states_its_steps(a, tmp_path):
    sizes, ratios = [16, 32], [3.0, 6.0]
    found = experiments.success(sizes, ratios, runs=2, a=a, horizon=4.0, folder=tmp_path)
    expected = [[default_step_length(N, alpha, a) for alpha in ratios] for N in sizes]
    assert found.step_length.tolist() == expected
    assert found.parameters["step_length"] is None
    assert found.success
    ended = found.code == Status.MAX_STEPS
    assert ended.any()
    assert found.time[ended] == pytest.approx(4.0)
    given = experiments.success(sizes, ratios, runs=2, a=a, horizon=4.0, step_length=0.01)
    assert (given.step_length == 0.01).all()
    assert given.parameters["step_length"] == 0.01
    # A default step and the same one given are the same tasks.
    before = len(list(tmp_path.glob("tasks/*.talweg")))
    same = experiments.success(
        16, 3.0, runs=2, a=a, horizon=4.0, step_length=expected[0][0], folder=tmp_path
    )
    assert len(list(tmp_path.glob("tasks/*.talweg"))) == before == 8
    assert (same.overlap[0, 0, 0] == found.overlap[0, 0, 0]).all()


def test_tracks_of_shorter_steps_have_the_same_times():
    short = experiments.track(30, [2.0, 5.0], 1, a=0.05, horizon=2.0, records=8, workers=1)
    usual = experiments.track(30, [2.0, 5.0], 1, horizon=2.0, records=8, workers=1)
    assert (short.time == usual.time).all()
    assert (usual.step_length == 0.02).all()
    assert short.step_length[0] < short.step_length[1] < 0.02
    # Whole numbers of the shorter steps.
    for i, alpha in enumerate(short.alpha):
        problem, w = instance({**short.parameters, "alpha": float(alpha), "run": 0})
        steps = np.round(short.time / short.step_length[i]).astype(int)
        found = descend(problem, w, float(short.step_length[i]), int(steps[-1]), record=steps)
        assert (found.path_loss == short.loss[i, 0]).all()
        assert found.time == pytest.approx(short.time)


def test_spectra_state_their_steps():
    found = experiments.spectrum(24, [2.0, 10.0], a=0.1, horizon=3.0, workers=1)
    assert found.step_length.tolist() == [default_step_length(24, x, 0.1) for x in (2.0, 10.0)]
    assert (found.time[:, 2] <= 3.0 + 1e-9).all()
    assert found.success


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, 3.0), ValueError, "N: want at least 2"),
        ((30, -1.0), ValueError, "alpha: want a number above 0"),
        ((30, 3.0, 0.0), ValueError, "a: want a number above 0"),
        ((30, 3.0, "plain"), TypeError, "a: want a number above 0"),
    ],
)
def test_senseless_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        default_step_length(*arguments)
    with pytest.raises(ValueError, match="usual: want a positive"):
        default_step_length(30, 3.0, usual=0.0)
