"""Models as objectives: blocks and threads, files, the same functions by other ways, extremes."""

import copy
import pickle

import numpy as np
import pytest

import talweg
from talweg import models

from .formulas import KINDS, place

NAMES = ("value", "gradient", "hessian", "third", "hessian_product", "third_product")


def some_points(f, rng, count):
    return place(f, rng.uniform(-1, 1, size=(count, f.n)))


@pytest.mark.parametrize("kind", KINDS)
def test_same_bits_for_any_number_of_threads_and_block_width(kind):
    rng = np.random.default_rng(3)
    f, _ = KINDS[kind](rng)
    x, v, w = (some_points(f, rng, 2500) for _ in range(3))
    one = f._core.evaluate(x, 63, v, w, workers=1)
    for workers in (2, 5):
        many = f._core.evaluate(x, 63, v, w, workers=workers)
        for name in NAMES:
            np.testing.assert_array_equal(many[name], one[name], strict=True)
    for first, count in ((0, 1), (7, 1), (1, 2), (3, 5), (100, 33)):
        rows = slice(first, first + count)
        part = f._core.evaluate(x[rows], 63, v[rows], w[rows])
        for name in NAMES:
            np.testing.assert_array_equal(part[name], one[name][rows])


@pytest.mark.parametrize("kind", KINDS)
def test_pickles_copies_and_arrays(kind):
    rng = np.random.default_rng(4)
    f, _ = KINDS[kind](rng)
    x = some_points(f, rng, 3)
    arrays = f.to_arrays()
    for again in (
        pickle.loads(pickle.dumps(f)),
        copy.deepcopy(f),
        talweg.Objective.from_arrays(arrays),
        models.StructuredObjective.from_arrays(arrays),
    ):
        assert type(again) is models.StructuredObjective
        assert (again.name, again.kind, again.n) == (f.name, f.kind, f.n)
        np.testing.assert_array_equal(again.hess(x), f.hess(x))
        assert (again.bounds is None) == (f.bounds is None)
        if f.bounds is not None:
            np.testing.assert_array_equal(again.bounds, f.bounds)
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
    assert all(array.dtype != object for array in arrays.values())


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_that_were_tampered_with(kind):
    f, _ = KINDS[kind](np.random.default_rng(5))
    arrays = f.to_arrays()
    for key in arrays:
        if key == "bounds":
            continue
        without = {name: array for name, array in arrays.items() if name != key}
        with pytest.raises(ValueError, match="not a saved"):
            talweg.Objective.from_arrays(without)
        with pytest.raises(ValueError, match="not a saved"):
            talweg.Objective.from_arrays(arrays | {key: np.array([[["x"]]])})
    with pytest.raises(ValueError, match="kind: want one of"):
        talweg.Objective.from_arrays(arrays | {"kind": np.array("neural network")})
    with pytest.raises(ValueError, match="parameters"):
        talweg.Objective.from_arrays(arrays | {"more": np.array(1.0)})


def test_parameters_cannot_be_changed_from_outside():
    data = np.array([[1.0], [2.0]])
    f = models.linear_regression(data, [1.0, 2.0])
    data[:] = 7.0
    assert f([1.0]) == 0.0
    with pytest.raises(ValueError, match="read-only"):
        f.parameters["data"][0, 0] = 3.0


def test_functions_of_the_catalogue():
    rng = np.random.default_rng(6)
    lattice = np.array([[0, 0, 0], [1.1, 0, 0], [0, 1.1, 0], [0, 0, 1.1]]).ravel()
    pairs = [
        (talweg.surfaces.phi4_chain(6, 0.3), models.phi4_chain(6, 0.3), np.zeros(6)),
        (talweg.surfaces.lennard_jones(4), models.lennard_jones(4), lattice),
        (talweg.surfaces.toy(), models.normal_form([1.0, 2.0], {(0, 1, 0): 1.0}), np.zeros(2)),
    ]
    for tape, model, centre in pairs:
        x, v = centre + rng.uniform(-0.1, 0.1, size=(2, 9, tape.n))
        assert model.kinks == ()
        for got, want in [
            (model(x), tape(x)),
            (model.grad(x), tape.grad(x)),
            (model.hess(x), tape.hess(x)),
            (model.hessp(x, v), tape.hessp(x, v)),
            (model.third(x, v), tape.third(x, v)),
        ]:
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-13 * np.abs(want).max())


def test_a_sympy_polynomial():
    sympy = pytest.importorskip("sympy")
    x, y = sympy.symbols("x y")
    expression = (x**2 - y) ** 3 + x * y - 2
    f = models.polynomial(dict(sympy.Poly(expression, x, y).terms()))
    exact = talweg.Objective.from_expression(expression, [x, y])
    points = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(f.hess(points), exact.hess(points), rtol=1e-12, atol=1e-12)


def test_a_survey_of_a_model(tmp_path):
    tape, model = talweg.surfaces.toy(), models.normal_form([1.0, 2.0], {(0, 0, 1): 1.0})
    box = [(-3.0, 3.0), (-3.0, 3.0)]
    want, got = talweg.survey(tape, bounds=box), talweg.survey(model, bounds=box)
    assert len(got.critical_points) == len(want.critical_points) == 3
    assert len(got.extremals) == len(want.extremals)
    got.save(tmp_path / "survey")
    (saved,) = tmp_path.iterdir()
    assert len(talweg.load(saved).extremals) == len(got.extremals)


def test_logistic_losses_do_not_overflow():
    f = models.logistic_regression([[1.0], [2.0]], [False, True])
    w = np.array([[-1e300], [-800.0], [0.0], [800.0], [1e300]])
    np.testing.assert_allclose(f(w), [1e300, 800.0, np.log(2.0), 400.0, 5e299], rtol=1e-15)
    np.testing.assert_allclose(f.grad(w)[:, 0], [-1.0, -1.0, -0.25, 0.5, 0.5], rtol=1e-15)
    assert np.isfinite(f.hess(w)).all()
    assert np.isfinite(f.third(w, w / np.abs(w).max())).all()


def test_mixtures_do_not_underflow():
    f = models.gaussian_mixture([[-1.0], [1.0]], 1.0)
    x = np.array([[-1e6], [60.0], [1e6]])
    exact = (np.abs(x[:, 0]) - 1) ** 2 / 2 + np.log(2) + np.log(2 * np.pi) / 2
    np.testing.assert_allclose(f(x), exact, rtol=1e-15)
    np.testing.assert_allclose(f.hess(x)[:, 0, 0], 1.0, rtol=1e-12)


def test_third_derivatives_of_mixtures_keep_their_digits_far_away():
    # With two components of covariances 1/p and 1/q, and s the share of the second:
    # f = p (x + 1)^2 / 2 - log(1 + r), s = r / (1 + r), (log r)' = d, d' = p - q.
    p, q = 1.0, 4.0
    f = models.gaussian_mixture([[-1.0], [1.0]], [1 / p, 1 / q])
    x = np.array([-12.0, -6.0, -2.0, 3.0])
    log_r = np.log(2.0) + p * (x + 1) ** 2 / 2 - q * (x - 1) ** 2 / 2
    d = p * (x + 1) - q * (x - 1)
    s = np.exp(log_r) / (1.0 + np.exp(log_r))
    spread = s / (1.0 + np.exp(log_r))  # s (1 - s)
    exact = -spread * (3 * d * (p - q) + d**3 * (1 - 2 * s))
    found = f.third(x[:, None], [1.0])[:, 0, 0]
    np.testing.assert_allclose(found, exact, rtol=1e-12)


@pytest.mark.parametrize("f", [models.lennard_jones(3), models.morse(3)], ids=lambda f: f.name)
def test_coincident_atoms_spoil_their_point_only(f):
    rng = np.random.default_rng(8)
    x, v = some_points(f, rng, 11), rng.normal(size=9)
    clean = f.hess(x), f.third(x, v)
    x[4, 3:6] = x[4, :3]
    good = np.arange(11) != 4
    for got, before in zip((f.hess(x), f.third(x, v)), clean):
        assert not np.isfinite(got[4]).all()
        np.testing.assert_array_equal(got[good], before[good])
    if "lennard" in f.name:
        assert f(x[4]) == np.inf


def test_bounds_and_names():
    f = models.gaussian_mixture([[0.0, 0.0], [3.0, 0.0]], [1.0, 4.0], bounds=(-1, 1), name="two")
    assert (f.name, f.bounds.tolist()) == ("two", [[-1.0, 1.0], [-1.0, 1.0]])
    assert models.gaussian_mixture([[0.0], [3.0]], [1.0, 4.0]).bounds.tolist() == [[-5.0, 11.0]]
    assert models.phi4_chain(2).bounds.tolist() == [[-1.5, 1.5]] * 2
    assert models.lennard_jones(5).name == "lennard-jones-5"
    assert models.quadratic([1.0]).bounds is None
    assert repr(models.quadratic([1.0], name="bowl")) == "<Objective bowl, n=1>"


def test_a_model_cannot_be_part_of_a_recording():
    f = models.quadratic([1.0])
    with pytest.raises(talweg.RecordingError, match="no recorded function"):
        talweg.Objective(lambda x: f(x) + 1.0, 1)


def test_ridge_for_each_coordinate_and_intercept():
    data, labels = [[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], [1, -1, -1]
    f = models.logistic_regression(data, labels, [1.0, 2.0, 0.0], intercept=True)
    g = models.logistic_regression(np.column_stack([data, np.ones(3)]), labels)
    w = np.array([0.3, -0.2, 0.5])
    assert f(w) - g(w) == pytest.approx((0.3**2 + 2 * 0.2**2) / 2, rel=1e-13)
    np.testing.assert_allclose(f.hess(w) - g.hess(w), np.diag([1.0, 2.0, 0.0]), atol=1e-15)
