"""Means over standard normal (lambda, u), by closed forms in lambda and quadrature in u."""

import math

import mpmath
import numpy as np
from scipy.integrate import quad_vec
from scipy.special import erfcx


def resolvent_means(a, q, dps=25):
    """E[d/(1+qd)], E[(d/(1+qd))^2], E[d (1-u^2)/(1+qd)] and E[d^2 u^2/(1+qd)^2]."""
    with mpmath.workdps(dps):
        a, q = mpmath.mpf(a), mpmath.mpf(q)

        def inverse(u):
            # 1/(1 + q d) = (a + u^2) / (6 q (lambda^2 + c)), and the mean of its powers over lambda.
            c = (a + (1 - 2 * q) * u * u) / (6 * q)
            first = mpmath.sqrt(mpmath.pi / (2 * c)) * mpmath.exp(c / 2)
            first *= mpmath.erfc(mpmath.sqrt(c / 2))
            second = ((1 - c) * first + 1) / (2 * c)
            front = (a + u * u) / (6 * q)
            return front * first, front**2 * second

        def mean(function):
            root = mpmath.sqrt(a)
            points = [0, root / 4, root, 4 * root, 1, 3, 6, 10, 14]
            points = sorted({p for p in points if p <= 14})
            weight = lambda u: mpmath.exp(-u * u / 2) * mpmath.sqrt(2 / mpmath.pi)  # noqa: E731
            return mpmath.quad(lambda u: function(u) * weight(u), points)

        def ratio(u):
            return (1 - inverse(u)[0]) / q

        def square(u):
            first, second = inverse(u)
            return (1 - 2 * first + second) / q**2

        return (
            mean(ratio),
            mean(square),
            mean(lambda u: ratio(u) * (1 - u * u)),
            mean(lambda u: square(u) * u * u),
        )


def quick_means(a, q):
    """The same by SciPy's adaptive quadrature, to some 1e-11."""

    def integrand(u):
        c = (a + (1 - 2 * q) * u * u) / (6 * q)
        first = math.sqrt(math.pi / (2 * c)) * erfcx(math.sqrt(c / 2))
        second = ((1 - c) * first + 1) / (2 * c)
        if c > 1e3:
            # The difference cancels.
            first = 1 / c - 1 / c**2 + 3 / c**3 - 15 / c**4 + 105 / c**5
            second = 1 / c**2 - 2 / c**3 + 9 / c**4 - 60 / c**5 + 525 / c**6
        front = (a + u * u) / (6 * q)
        first, second = front * first, front**2 * second
        ratio, square = (1 - first) / q, (1 - 2 * first + second) / q**2
        weight = math.exp(-u * u / 2) * math.sqrt(2 / math.pi)
        return weight * np.array([ratio, square, ratio * (1 - u * u), square * u * u])

    root = math.sqrt(a)
    points = [p for p in (root / 2, root, 2 * root, 5 * root) if p < 9]
    return quad_vec(integrand, 0, 12, epsabs=1e-12, epsrel=1e-11, points=points)[0]
