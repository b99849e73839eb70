"""Potential energy surfaces of two coordinates from theoretical chemistry."""

from __future__ import annotations

import numpy as np

from talweg.objective import Objective
from talweg.surfaces.catalogue import listed
from talweg.surfaces.planar import planar


@listed("muller-brown")
def muller_brown() -> Objective:
    """Müller and Brown's potential, three minima joined by a winding valley.

    V(x, y) = sum_k A_k exp(a_k (x - x_k)^2 + b_k (x - x_k)(y - y_k) + c_k (y - y_k)^2) with
    A = (-200, -100, -170, 15), a = (-1, -1, -6.5, 0.7), b = (0, 0, 11, 0.6),
    c = (-10, -10, -6.5, 0.7), x_k = (1, 0, -0.5, -1), y_k = (0, 0.5, 1.5, 1).

    Returns
    -------
    Objective
        n = 2, bounds [-1.8, 1.4] x [-0.6, 2.2].

    References
    ----------
    K. Müller, L. D. Brown, Theor. Chim. Acta 53, 75 (1979).

    Examples
    --------
    >>> import talweg
    >>> round(float(talweg.surfaces.muller_brown()([-0.558224, 1.441726])), 6)
    -146.699517
    """

    def formula(x, y):
        return (
            -200 * np.exp(-((x - 1) ** 2) - 10 * y**2)
            - 100 * np.exp(-(x**2) - 10 * (y - 0.5) ** 2)
            - 170
            * np.exp(-6.5 * (x + 0.5) ** 2 + 11 * (x + 0.5) * (y - 1.5) - 6.5 * (y - 1.5) ** 2)
            + 15 * np.exp(0.7 * (x + 1) ** 2 + 0.6 * (x + 1) * (y - 1) + 0.7 * (y - 1) ** 2)
        )

    return planar("muller-brown", formula, [(-1.8, 1.4), (-0.6, 2.2)])


def quapp(k: int) -> Objective:
    """Quapp's example `k` for gradient extremals that bifurcate; example 3 is there.

    Example 3: f(x, y) = (x y - 2)(y - x)/2, with the saddles +-(sqrt 2, sqrt 2); its gradient
    extremals have the branch points +-(sqrt 0.4, -sqrt 0.4).

    Parameters
    ----------
    k : int
        3.

    Returns
    -------
    Objective
        n = 2, bounds [-3, 3] x [-3, 3].

    Raises
    ------
    ValueError
        For any other example.

    References
    ----------
    W. Quapp, Theor. Chim. Acta 75, 447 (1989).

    Examples
    --------
    >>> import talweg
    >>> float(talweg.surfaces.quapp(3)([0.0, 1.0]))
    -1.0
    """
    if k != 3:
        raise ValueError(f"k: only example 3 is in the catalogue, got {k!r}")
    return planar("quapp-3", lambda x, y: (x * y - 2) * (y - x) / 2, (-3.0, 3.0))


@listed("quapp-3")
def _quapp_3() -> Objective:
    """Quapp's example 3, a cubic whose gradient extremals bifurcate."""
    return quapp(3)


@listed("wolfe-quapp")
def wolfe_quapp() -> Objective:
    """Wolfe and Quapp's quartic, three minima around a maximum.

    f(x, y) = x^4 + y^4 - 2 x^2 - 4 y^2 + x y + 0.3 x + 0.1 y

    Returns
    -------
    Objective
        n = 2, bounds [-2, 2] x [-2, 2].

    References
    ----------
    W. Quapp, J. Chem. Phys. 122, 174106 (2005), equation 11.

    Examples
    --------
    >>> import talweg
    >>> round(float(talweg.surfaces.wolfe_quapp()([-1.17405609, 1.47708706])), 4)
    -6.7625
    """
    return planar(
        "wolfe-quapp",
        lambda x, y: x**4 + y**4 - 2 * x**2 - 4 * y**2 + x * y + 0.3 * x + 0.1 * y,
        (-2.0, 2.0),
    )


@listed("neria-fischer-karplus")
def neria_fischer_karplus() -> Objective:
    """Neria, Fischer and Karplus' potential, two wells joined by a curved valley.

    f(x, y) = 0.06 (x^2 + y^2)^2 + x y - 9 exp(-(x - 3)^2 - y^2) - 9 exp(-(x + 3)^2 - y^2)

    Returns
    -------
    Objective
        n = 2, bounds [-4, 4] x [-3, 3].

    References
    ----------
    E. Neria, S. Fischer, M. Karplus, J. Chem. Phys. 105, 1902 (1996); as given by M. Hirsch,
    W. Quapp, Chem. Phys. Lett. 395, 150 (2004).

    Examples
    --------
    >>> import talweg
    >>> f = talweg.surfaces.neria_fischer_karplus()
    >>> bool(f([1.0, 0.5]) == f([-1.0, -0.5]))
    True
    """

    def formula(x, y):
        wells = np.exp(-((x - 3) ** 2) - y**2) + np.exp(-((x + 3) ** 2) - y**2)
        return 0.06 * (x**2 + y**2) ** 2 + x * y - 9 * wells

    return planar("neria-fischer-karplus", formula, [(-4.0, 4.0), (-3.0, 3.0)])


@listed("valley-ridge")
def valley_ridge() -> Objective:
    """Two saddles in a row with a valley-ridge inflection between them.

    f(x, y) = x^2 (x^2 - 2)/2 + y^2 (0.3265 - x) + y^4 (1 + x)

    The valley from the saddle (0, 0) becomes a ridge before the second saddle, (1, 0), between two
    wells.

    Returns
    -------
    Objective
        n = 2, bounds [-0.9, 1.5] x [-1.2, 1.2].

    References
    ----------
    V. J. García-Garrido, S. Wiggins, Chem. Phys. Lett. 781, 138970 (2021).

    Examples
    --------
    >>> import talweg
    >>> talweg.surfaces.valley_ridge().grad([1.0, 0.0])
    array([0., 0.])
    """
    return planar(
        "valley-ridge",
        lambda x, y: x**2 * (x**2 - 2) / 2 + y**2 * (0.3265 - x) + y**4 * (1 + x),
        [(-0.9, 1.5), (-1.2, 1.2)],
    )


@listed("leps")
def leps() -> Objective:
    """London-Eyring-Polanyi-Sato potential of three atoms A, B, C on a line.

    The coordinates are the distances r_AB and r_BC; r_AC is their sum. With
    Q(d, r) = d (3/2 exp(-2 w) - exp(-w))/2 and J(d, r) = d (exp(-2 w) - 6 exp(-w))/4,
    w = 1.942 (r - 0.742), and each pair's Q and J divided by its factor s,

    V = Q_AB + Q_BC + Q_AC - sqrt(J_AB^2 + J_BC^2 + J_AC^2 - J_AB J_BC - J_BC J_AC - J_AB J_AC)

    where (d, s) is (4.746, 1.05) for AB, (4.746, 1.3) for BC and (3.445, 1.05) for AC.

    Returns
    -------
    Objective
        n = 2, bounds [0.5, 4] x [0.5, 4].

    References
    ----------
    H. Jónsson, G. Mills, K. W. Jacobsen, in *Classical and Quantum Dynamics in Condensed Phase
    Simulations*, World Scientific, 1998, p. 385.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.surfaces.leps()
    >>> bool(f([0.742, 4.0]) < f([2.0, 2.0]))
    True
    """

    def pair(d, r, factor):
        w = 1.942 * (r - 0.742)
        q = d / 2 * (1.5 * np.exp(-2 * w) - np.exp(-w))
        j = d / 4 * (np.exp(-2 * w) - 6 * np.exp(-w))
        return q / factor, j / factor

    def formula(ab, bc):
        q1, j1 = pair(4.746, ab, 1.05)
        q2, j2 = pair(4.746, bc, 1.3)
        q3, j3 = pair(3.445, ab + bc, 1.05)
        # Half a sum of squares: no cancellation where the three integrals are alike.
        exchange = ((j1 - j2) ** 2 + (j2 - j3) ** 2 + (j1 - j3) ** 2) / 2
        return q1 + q2 + q3 - np.sqrt(exchange)

    return planar("leps", formula, (0.5, 4.0))
