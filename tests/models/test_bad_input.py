"""Models from numbers that make no sense: what is wrong, what came, what was wanted."""

import numpy as np
import pytest

from talweg import models

EYE = np.eye(2)

CHAIN = models.phi4_chain(5)
CASES = [
    # call, exception, message
    (lambda: models.polynomial([[1, 2]]), TypeError, "coefficients: want one number a term"),
    (lambda: models.polynomial({(1,): 2.0}, [1.0]), TypeError, "coefficients: they are in the"),
    (lambda: models.polynomial({(1,): 2.0, (1, 2): 1.0}), ValueError, "tuples of one length"),
    (lambda: models.polynomial([[1, 2]], [1.0, 2.0]), ValueError, r"want shape \(1,\), one a term"),
    (lambda: models.polynomial([[-1, 2]], [1.0]), ValueError, "from 0 to 1000, got -1 in term 0"),
    (lambda: models.polynomial([[0], [1.5]], [1, 1]), ValueError, "got 1.5 in term 1"),
    (lambda: models.polynomial([[1001]], [1.0]), ValueError, "from 0 to 1000, got 1001"),
    (lambda: models.polynomial([[3], [3]], [1, 2]), ValueError, "terms 0 and 1 have the same"),
    (lambda: models.polynomial([[3]], [np.nan]), ValueError, "coefficients: want finite .* nan"),
    (lambda: models.polynomial(np.empty((0, 2)), []), ValueError, "exponents: want shape"),
    (lambda: models.polynomial([[1], [2, 3]], [1, 1]), ValueError, "unequal lengths"),
    (lambda: models.polynomial("x**2", [1]), TypeError, "exponents: want real numbers"),
    (lambda: models.quadratic([[1, 2], [3, 4]]), ValueError, "matrix: want a symmetric matrix"),
    (lambda: models.quadratic([[1, 2]]), ValueError, r"matrix: want shape \(n, n\).*got \(1, 2\)"),
    (lambda: models.quadratic(EYE, [1]), ValueError, r"linear: want shape \(2,\), got \(1,\)"),
    (lambda: models.quadratic(EYE, centre=[np.inf, 0]), ValueError, r"centre: .*inf at \(0,\)"),
    (lambda: models.quadratic(EYE, constant=[1]), ValueError, "constant: want a number"),
    (lambda: models.normal_form([]), ValueError, "eigenvalues: want at least 1"),
    (lambda: models.normal_form([1, 2], {(0, 1): 1}), ValueError, "three indices from 0 to 1"),
    (lambda: models.normal_form([1, 2], {(0, 1, 2): 1}), ValueError, r"got \(0, 1, 2\)"),
    (
        lambda: models.normal_form([1, 2], {(0, 1, 0): 1, (0, 0, 1): 1}),
        ValueError,
        r"\(0, 0, 1\) is there twice",
    ),
    (
        lambda: models.normal_form([1, 2], np.arange(8.0).reshape(2, 2, 2)),
        ValueError,
        "cubic: want the same number for every order",
    ),
    (lambda: models.normal_form([1, 2], np.eye(2)), ValueError, "cubic: want three axes"),
    (lambda: models.normal_form([1, 2], axes=2 * EYE), ValueError, "axes: want orthonormal"),
    (lambda: models.normal_form([1, 2], axes=np.eye(3)), ValueError, r"axes: want shape \(2, 2\)"),
    (lambda: models.logistic_regression(EYE, [0, 2]), ValueError, "labels: want .* got 0, 2"),
    (lambda: models.logistic_regression(EYE, [-1, 0]), ValueError, "labels: want .* got -1, 0"),
    (lambda: models.logistic_regression(EYE, [1]), ValueError, r"labels: want shape \(2,\), one"),
    (lambda: models.logistic_regression(EYE, ["a", "b"]), TypeError, "labels: want real numbers"),
    (lambda: models.logistic_regression([1, 2], [0, 1]), ValueError, "data: want two axes"),
    (lambda: models.logistic_regression(np.empty((0, 2)), []), ValueError, "data: want at least"),
    (
        lambda: models.logistic_regression([[1, np.nan]], [0]),
        ValueError,
        r"data: want finite numbers, got nan at \(0, 1\)",
    ),
    (lambda: models.linear_regression(EYE, [1, 2], -1), ValueError, "ridge: .* got -1"),
    (lambda: models.linear_regression(EYE, [1, 2], [1, 2, 3]), ValueError, "ridge: .*shape"),
    (lambda: models.linear_regression(EYE, [1, np.inf]), ValueError, r"targets: .*inf at \(1,\)"),
    (lambda: models.lennard_jones(1), ValueError, "atoms: want at least 2, got 1"),
    (lambda: models.lennard_jones(2.0), TypeError, "atoms: want an int, got 2.0"),
    (lambda: models.lennard_jones(True), TypeError, "atoms: want an int"),
    (lambda: models.lennard_jones(3, sigma=0), ValueError, "sigma: want a number above 0, got 0"),
    (lambda: models.lennard_jones(3, epsilon=np.nan), ValueError, "epsilon: want finite"),
    (lambda: models.morse(3, distance=-1), ValueError, "distance: want a number above 0, got -1"),
    (lambda: models.morse(3, steepness="6"), TypeError, "steepness: want real numbers"),
    (lambda: models.gaussian_mixture([0.0], 1), ValueError, "means: want two axes"),
    (lambda: models.gaussian_mixture(EYE, -1), ValueError, "number 0 is not positive definite"),
    (lambda: models.gaussian_mixture(EYE, [1, 2, 3]), ValueError, r"covariances: .*got \(3,\)"),
    (lambda: models.gaussian_mixture(EYE, EYE), ValueError, "covariances: want a number or one"),
    (
        lambda: models.gaussian_mixture([[0, 0]], [[[1, 2], [0, 9]]]),
        ValueError,
        "number 0 is not symmetric",
    ),
    (lambda: models.gaussian_mixture(EYE, 1, [1, 0]), ValueError, "weights: .* above 0, got 0"),
    (lambda: models.gaussian_mixture(EYE, 1, [1]), ValueError, r"weights: want shape \(2,\)"),
    (lambda: models.gaussian_sum([1], EYE, 1), ValueError, r"amplitudes: want shape \(2,\)"),
    (lambda: models.phi4_chain(1), ValueError, "n: want at least 2 sites, got 1"),
    (lambda: models.phi4_chain(2, periodic=True), ValueError, "n: want at least 3 sites, got 2"),
    (lambda: models.phi4_chain(3, -0.1), ValueError, "coupling: want .*got -0.1"),
    (lambda: models.phi4_chain(3, bounds=(1, 0)), ValueError, "bounds: want low < high"),
    (lambda: CHAIN.with_parameters(n=3.7), ValueError, "n: want a whole number .*got 3.7"),
    (lambda: CHAIN.with_parameters(periodic="no"), TypeError, "periodic: want True or False"),
    (lambda: CHAIN.with_parameters(coupling=True), TypeError, "coupling: want real numbers"),
    (lambda: CHAIN.with_parameters(coupling=[0.1]), TypeError, "coupling: want real numbers"),
    (lambda: models.lennard_jones(3).with_parameters(atoms=-3), ValueError, "atoms: want a whole"),
    (
        lambda: models.polynomial([[2]], [1.0]).with_parameters(exponents=[[2.5]]),
        ValueError,
        "exponents: want whole numbers from 0 on",
    ),
    (lambda: models.StructuredObjective("spline", {}), ValueError, "kind: want one of"),
]


@pytest.mark.parametrize(("call", "exception", "message"), CASES, ids=range(len(CASES)))
def test_refused(call, exception, message):
    with pytest.raises(exception, match=message):
        call()


def test_refusals_leave_nothing_behind():
    resource = pytest.importorskip("resource")
    data = np.eye(100)

    def refuse(times):
        for _ in range(times):
            with pytest.raises(ValueError, match="symmetric"):
                models.StructuredObjective("quadratic", parameters)
            with pytest.raises(ValueError, match="labels"):
                models.logistic_regression(data, np.arange(100))

    parameters = models.quadratic(data).parameters | {"matrix": np.triu(np.ones((100, 100)))}
    refuse(100)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Every leaked matrix would add 80 kB.
    refuse(2000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


@pytest.mark.parametrize("f", [models.quadratic([1.0, 2.0]), models.lennard_jones(2)])
def test_points_are_checked_as_for_every_objective(f):
    with pytest.raises(ValueError, match="x: want shape"):
        f(np.zeros(f.n + 1))
    with pytest.raises(ValueError, match="x: .*NaN"):
        f.grad(np.full(f.n, np.nan))
