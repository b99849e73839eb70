"""Surfaces of two coordinates from optimisation and dynamics."""

from __future__ import annotations

import numpy as np

from talweg.objective import Objective
from talweg.surfaces.catalogue import listed


def planar(name, formula, bounds) -> Objective:
    """An objective of x and y that the tests, not every call, compare with its formula."""
    return Objective(lambda x: formula(x[0], x[1]), 2, bounds=bounds, name=name, verify=False)


@listed("toy")
def toy() -> Objective:
    """Cubic valley with two saddles and exactly known gradient extremals.

    f(x, y) = (x^2 + 2 y^2)/2 + x^2 y/2

    Minimum (0, 0), saddles (+-2, -1) with f = 1. The gradient extremals are x = 0 and
    x^2 = 3 + y^2 -+ (y + 1) sqrt((1 - y)(9 - y)), with branch points where they meet.

    Returns
    -------
    Objective
        n = 2, bounds [-3.5, 3.5] x [-3.5, 3.5].

    Examples
    --------
    >>> import talweg
    >>> float(talweg.surfaces.toy()([2.0, -1.0]))
    1.0
    """
    return planar("toy", lambda x, y: (x**2 + 2 * y**2) / 2 + x**2 * y / 2, (-3.5, 3.5))


@listed("himmelblau")
def himmelblau() -> Objective:
    """Himmelblau's function, four minima of equal height.

    f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2

    One minimum is (3, 2); f = 0 at all four.

    Returns
    -------
    Objective
        n = 2, bounds [-5, 5] x [-5, 5].

    References
    ----------
    D. M. Himmelblau, *Applied Nonlinear Programming*, McGraw-Hill, 1972.

    Examples
    --------
    >>> import talweg
    >>> float(talweg.surfaces.himmelblau()([3.0, 2.0]))
    0.0
    """
    return planar(
        "himmelblau", lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2, (-5.0, 5.0)
    )


@listed("camel")
def camel() -> Objective:
    """Six-hump camel-back function, six minima in three pairs.

    f(x, y) = (4 - 2.1 x^2 + x^4/3) x^2 + x y + (4 y^2 - 4) y^2

    Returns
    -------
    Objective
        n = 2, bounds [-2, 2] x [-1.2, 1.2].

    References
    ----------
    L. C. W. Dixon and G. P. Szegö, *Towards Global Optimisation 2*, North-Holland, 1978.

    Examples
    --------
    >>> import talweg
    >>> round(float(talweg.surfaces.camel()([0.0898, -0.7126])), 4)
    -1.0316
    """
    return planar(
        "camel",
        lambda x, y: (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2,
        [(-2.0, 2.0), (-1.2, 1.2)],
    )


@listed("beale")
def beale() -> Objective:
    """Beale's function, a curved valley along both axes.

    f(x, y) = (1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2

    Minimum (3, 0.5) with f = 0.

    Returns
    -------
    Objective
        n = 2, bounds [-4.5, 4.5] x [-4.5, 4.5].

    References
    ----------
    J. J. Moré, B. S. Garbow, K. E. Hillstrom, ACM Trans. Math. Softw. 7, 17 (1981), problem 5.

    Examples
    --------
    >>> import talweg
    >>> float(talweg.surfaces.beale()([3.0, 0.5]))
    0.0
    """

    def formula(x, y):
        return sum((c - x * (1 - y**k)) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625)))

    return planar("beale", formula, (-4.5, 4.5))


@listed("goldstein-price")
def goldstein_price() -> Objective:
    """Goldstein and Price's polynomial, four minima of very different depth.

    f(x, y) = (1 + (x + y + 1)^2 (19 - 14 x + 3 x^2 - 14 y + 6 x y + 3 y^2))
    (30 + (2 x - 3 y)^2 (18 - 32 x + 12 x^2 + 48 y - 36 x y + 27 y^2))

    Lowest minimum (0, -1) with f = 3.

    Returns
    -------
    Objective
        n = 2, bounds [-2, 2] x [-2, 2].

    References
    ----------
    A. A. Goldstein, J. F. Price, Math. Comp. 25, 569 (1971).

    Examples
    --------
    >>> import talweg
    >>> float(talweg.surfaces.goldstein_price()([0.0, -1.0]))
    3.0
    """

    def formula(x, y):
        first = 19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2
        second = 18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2
        return (1 + (x + y + 1) ** 2 * first) * (30 + (2 * x - 3 * y) ** 2 * second)

    return planar("goldstein-price", formula, (-2.0, 2.0))


@listed("mccormick")
def mccormick() -> Objective:
    """McCormick's function, a sine on a slanted trough.

    f(x, y) = sin(x + y) + (x - y)^2 - 1.5 x + 2.5 y + 1

    Returns
    -------
    Objective
        n = 2, bounds [-1.5, 4] x [-3, 4].

    References
    ----------
    G. P. McCormick, Math. Program. 10, 147 (1976).

    Examples
    --------
    >>> import talweg
    >>> round(float(talweg.surfaces.mccormick()([-0.54719, -1.54719])), 4)
    -1.9132
    """
    return planar(
        "mccormick",
        lambda x, y: np.sin(x + y) + (x - y) ** 2 - 1.5 * x + 2.5 * y + 1,
        [(-1.5, 4.0), (-3.0, 4.0)],
    )


@listed("henon-heiles")
def henon_heiles() -> Objective:
    """Hénon and Heiles' potential, one well and three saddles with a threefold symmetry.

    f(x, y) = (x^2 + y^2)/2 + x^2 y - y^3/3

    The minimum (0, 0) has a double eigenvalue; the saddles, (0, 1) among them, have f = 1/6.

    Returns
    -------
    Objective
        n = 2, bounds [-1.2, 1.2] x [-1, 1.3].

    References
    ----------
    M. Hénon, C. Heiles, Astron. J. 69, 73 (1964).

    Examples
    --------
    >>> import talweg
    >>> round(float(talweg.surfaces.henon_heiles()([0.0, 1.0])), 6)
    0.166667
    """
    return planar(
        "henon-heiles",
        lambda x, y: (x**2 + y**2) / 2 + x**2 * y - y**3 / 3,
        [(-1.2, 1.2), (-1.0, 1.3)],
    )


@listed("monkey-saddle")
def monkey_saddle() -> Objective:
    """Monkey saddle, a degenerate critical point: its Hessian vanishes.

    f(x, y) = x^3 - 3 x y^2

    Returns
    -------
    Objective
        n = 2, bounds [-1, 1] x [-1, 1].

    Examples
    --------
    >>> import talweg
    >>> float(talweg.surfaces.monkey_saddle()([1.0, 1.0]))
    -2.0
    """
    return planar("monkey-saddle", lambda x, y: x**3 - 3 * x * y**2, (-1.0, 1.0))
