"""Random models with their formulas in mpmath, written without any of talweg's code."""

import itertools

import mpmath
import numpy as np

import talweg

models = talweg.models


def polynomial(rng):
    n, terms = rng.integers(1, 4), rng.integers(1, 7)
    exponents = np.unique(rng.integers(0, 5, size=(terms, n)), axis=0)
    coefficients = rng.normal(size=len(exponents))

    def formula(x):
        return sum(
            mpmath.mpf(float(c)) * mpmath.fprod(a ** int(k) for a, k in zip(x, row))
            for c, row in zip(coefficients, exponents)
        )

    return models.polynomial(exponents, coefficients), formula


def quadratic(rng):
    n = int(rng.integers(1, 5))
    matrix = rng.normal(size=(n, n))
    matrix = matrix + matrix.T
    linear, centre, constant = rng.normal(size=n), rng.normal(size=n), rng.normal()

    def formula(x):
        d = [a - mpmath.mpf(float(c)) for a, c in zip(x, centre)]
        pairs = itertools.product(range(n), repeat=2)
        return (
            mpmath.mpf(constant)
            + sum(mpmath.mpf(float(b)) * a for b, a in zip(linear, d))
            + sum(mpmath.mpf(float(matrix[i, j])) * d[i] * d[j] for i, j in pairs) / 2
        )

    return models.quadratic(matrix, linear, constant, centre=centre), formula


def normal_form(rng, rotated=False):
    n = int(rng.integers(1, 4))
    eigenvalues, centre = rng.normal(size=n), rng.normal(size=n)
    cubic = rng.normal(size=(n, n, n))
    cubic = sum(cubic.transpose(order) for order in itertools.permutations(range(3)))
    frame = np.linalg.qr(rng.normal(size=(n, n)))[0] if rotated else np.eye(n)

    def formula(x):
        d = [a - mpmath.mpf(float(c)) for a, c in zip(x, centre)]
        y = [sum(mpmath.mpf(float(frame[i, j])) * d[i] for i in range(n)) for j in range(n)]
        triples = itertools.product(range(n), repeat=3)
        return (
            sum(mpmath.mpf(float(e)) * a**2 for e, a in zip(eigenvalues, y)) / 2
            + sum(mpmath.mpf(float(cubic[i, j, k])) * y[i] * y[j] * y[k] for i, j, k in triples) / 6
        )

    f = models.normal_form(eigenvalues, cubic, axes=frame if rotated else None, centre=centre)
    return f, formula


def rotated_normal_form(rng):
    return normal_form(rng, rotated=True)


def regression_data(rng):
    rows, columns = int(rng.integers(1, 9)), int(rng.integers(1, 4))
    data = rng.normal(size=(rows, columns))
    ridge = rng.uniform(0, 1, size=columns)

    def residuals(w):
        exact = [[mpmath.mpf(float(a)) for a in row] for row in data]
        return [mpmath.fdot(row, w) for row in exact]

    def penalty(w):
        return sum(mpmath.mpf(float(r)) * a**2 for r, a in zip(ridge, w)) / 2

    return data, ridge, residuals, penalty


def logistic_regression(rng):
    data, ridge, products, penalty = regression_data(rng)
    labels = rng.integers(0, 2, size=len(data))

    def formula(w):
        losses = [
            mpmath.log(1 + mpmath.exp(-z if label else z)) for z, label in zip(products(w), labels)
        ]
        return sum(losses) / len(losses) + penalty(w)

    return models.logistic_regression(data, labels, ridge), formula


def linear_regression(rng):
    data, ridge, products, penalty = regression_data(rng)
    targets = rng.normal(size=len(data))

    def formula(w):
        losses = [(z - mpmath.mpf(float(y))) ** 2 / 2 for z, y in zip(products(w), targets)]
        return sum(losses) / len(losses) + penalty(w)

    return models.linear_regression(data, targets, ridge), formula


def distances(x):
    atoms = [x[i : i + 3] for i in range(0, len(x), 3)]
    for a, b in itertools.combinations(atoms, 2):
        yield mpmath.sqrt(sum((s - t) ** 2 for s, t in zip(a, b)))


def lennard_jones(rng):
    epsilon, sigma = rng.uniform(0.5, 2.0), rng.uniform(0.8, 1.1)

    def formula(x):
        ratios = [mpmath.mpf(sigma) / r for r in distances(x)]
        return 4 * mpmath.mpf(epsilon) * sum(r**12 - r**6 for r in ratios)

    return models.lennard_jones(3, epsilon=epsilon, sigma=sigma), formula


def morse(rng):
    depth, steepness, distance = rng.uniform(0.5, 2.0), rng.uniform(1, 6), rng.uniform(0.8, 1.5)

    def formula(x):
        e = [mpmath.exp(-mpmath.mpf(steepness) * (r - mpmath.mpf(distance))) for r in distances(x)]
        return mpmath.mpf(depth) * sum(a**2 - 2 * a for a in e)

    return models.morse(3, depth=depth, steepness=steepness, distance=distance), formula


def components(rng):
    count, n = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    roots = rng.normal(size=(count, n, n))
    return rng.normal(size=(count, n)), roots @ roots.transpose(0, 2, 1) + np.eye(n)


def exponents(means, covariances, x):
    for mean, covariance in zip(means, covariances):
        d = mpmath.matrix([a - mpmath.mpf(float(m)) for a, m in zip(x, mean)])
        yield -(d.T * mpmath.inverse(mpmath.matrix(covariance.tolist())) * d)[0] / 2


def gaussian_mixture(rng):
    means, covariances = components(rng)
    weights = rng.uniform(0.2, 1.0, size=len(means))

    def formula(x):
        total = mpmath.fsum(mpmath.mpf(float(w)) for w in weights)
        density = mpmath.mpf(0)
        for weight, covariance, q in zip(weights, covariances, exponents(means, covariances, x)):
            volume = mpmath.det(2 * mpmath.pi * mpmath.matrix(covariance.tolist()))
            density += mpmath.mpf(float(weight)) / total * mpmath.exp(q) / mpmath.sqrt(volume)
        return -mpmath.log(density)

    return models.gaussian_mixture(means, covariances, weights), formula


def gaussian_sum(rng):
    means, covariances = components(rng)
    amplitudes = rng.normal(size=len(means))

    def formula(x):
        return sum(
            mpmath.mpf(float(a)) * mpmath.exp(q)
            for a, q in zip(amplitudes, exponents(means, covariances, x))
        )

    return models.gaussian_sum(amplitudes, means, covariances), formula


def phi4_chain(rng):
    n, coupling, periodic = int(rng.integers(3, 6)), rng.uniform(0, 2), bool(rng.integers(2))

    def formula(x):
        ends = list(zip(x, x[1:])) + ([(x[-1], x[0])] if periodic else [])
        return sum((a**2 - 1) ** 2 for a in x) / 4 + mpmath.mpf(coupling) / 2 * sum(
            (b - a) ** 2 for a, b in ends
        )

    return models.phi4_chain(n, coupling, periodic=periodic), formula


KINDS = {
    function.__name__: function
    for function in (
        polynomial,
        quadratic,
        normal_form,
        rotated_normal_form,
        logistic_regression,
        linear_regression,
        lennard_jones,
        morse,
        gaussian_mixture,
        gaussian_sum,
        phi4_chain,
    )
}


def place(f, offsets):
    """Points from offsets in [-1, 1]: atoms around the corners of a lattice, so that none meet."""
    if f.kind != "cluster":
        return 1.5 * offsets
    corners = np.array(list(itertools.product((0.0, 1.2), repeat=3)))[: f.n // 3].ravel()
    return corners + 0.2 * offsets
