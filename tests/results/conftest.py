"""A survey whose every number is known exactly, for tests of what is done with results.

f = (x^2 + 2 y^2)/2 + x^2 y/2 has a minimum at 0 and saddles at (+-2, -1). Two of its gradient
extremals have closed forms: the line x = 0, and the talweg through the three critical points, on
which 8 y^3 + (16 - 2 x^2) y^2 - 8 y + x^4 - 6 x^2 = 0.
"""

import numpy as np
import pytest

from talweg.extremals.results import CriticalPoint, Event, Extremal, Survey


class Toy:
    n = 2
    bounds = np.array([[-3.0, 3.0], [-3.0, 3.0]])

    def __call__(self, points):
        x, y = np.moveaxis(np.asarray(points, dtype=float), -1, 0)
        return (x**2 + 2 * y**2) / 2 + x**2 * y / 2


def gradient(x, y):
    return np.array([x + x * y, 2 * y + x**2 / 2])


def hessian(x, y):
    return np.array([[1 + y, x], [x, 2.0]])


def talweg_ordinate(x):
    """y on the talweg; the cubic's roots swap their order at the saddles x = +-2."""
    t = x * x
    roots = np.sort(np.roots([8.0, 16.0 - 2 * t, -8.0, t * t - 6 * t]).real)
    return roots[1] if abs(x) < 2 else roots[0]


def talweg_slope(x):
    """dy/dx on the talweg, away from the saddles."""
    t, y = x * x, talweg_ordinate(x)
    return -2 * x * (2 * t - 2 * y * y - 6) / (24 * y * y + 2 * (16 - 2 * t) * y - 8)


def curve(points, tangents, vectors, **more):
    """An Extremal through exact points; the rest from the formulas of its definition."""
    columns = {"fun": Toy()(points), "sigma": [], "eigenvalue": [], "residual": []}
    slope_index, curvature_index = [], []
    for (x, y), v in zip(points, vectors, strict=True):
        g, h = gradient(x, y), hessian(x, y)
        value = v @ h @ v
        third = np.array([[g[1], g[0]], [g[0], 0.0]])
        across = np.array([-v[1], v[0]])
        slope_index.append(across @ (h @ h + third - value * h) @ across < 0)
        curvature_index.append(across @ h @ across < 0)
        columns["sigma"].append(g @ v)
        columns["eigenvalue"].append(value)
        columns["residual"].append(
            np.linalg.norm(h @ g - value * g) / np.linalg.norm(h) / max(np.linalg.norm(g), 1e-300)
        )
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return Extremal(
        x=points,
        tangent=tangents,
        eigenvector=vectors,
        arclength=np.concatenate([[0.0], np.cumsum(steps)]),
        slope_index=np.array(slope_index, dtype=int),
        curvature_index=np.array(curvature_index, dtype=int),
        start_status=1,
        end_status=1,
        status=1,
        f=Toy(),
        **columns,
        **more,
    )


def at(kind, column, points, tangent, where, **more):
    """An event where `column`, monotone along the curve, has the value of the point `where`."""
    values = points[:, column]
    k = int(np.searchsorted(values, where[column], side="right")) - 1
    k = min(max(k, 0), len(points) - 2)
    arclength = np.linalg.norm(np.diff(points[: k + 1], axis=0), axis=1).sum()
    arclength += np.linalg.norm(np.asarray(where) - points[k])
    return Event(kind, where, Toy()(where), arclength, 1e-15, k, tangent, **more)


def straight_line(m=301):
    y = np.linspace(-3, 3, m)
    points = np.column_stack([np.zeros(m), y])
    up = np.tile([0.0, 1.0], (m, 1))
    events = [
        at("boundary", 1, points, up[0], (0.0, -3.0)),
        at("branch_point", 1, points, up[0], (0.0, -1 - np.sqrt(2)), kernel_dimension=2),
        at("valley_ridge_inflection", 1, points, up[0], (0.0, -1.0)),
        at("critical_point", 1, points, up[0], (0.0, 0.0), morse_index=0),
        at("branch_point", 1, points, up[0], (0.0, np.sqrt(2) - 1), kernel_dimension=2),
        at("boundary", 1, points, up[0], (0.0, 3.0)),
    ]
    return curve(points, up, up, events=events)


def talweg(m=401):
    x = np.linspace(-2.6, 2.6, m)
    x = x[np.abs(np.abs(x) - 2) > 1e-6]
    points = np.column_stack([x, [talweg_ordinate(v) for v in x]])
    tangents = np.column_stack([np.ones(x.size), [talweg_slope(v) for v in x]])
    tangents /= np.linalg.norm(tangents, axis=1)[:, None]
    g = np.array([gradient(*p) for p in points])
    slopes = np.linalg.norm(g, axis=1)
    vectors = np.where(slopes[:, None] > 1e-12, g / np.maximum(slopes, 1e-300)[:, None], [1.0, 0.0])
    # One direction along the whole curve: the gradient turns round at critical points.
    for k in range(1, len(vectors)):
        if vectors[k] @ vectors[k - 1] < 0:
            vectors[k] *= -1
    events = [
        at("critical_point", 0, points, tangents[0], (-2.0, -1.0), morse_index=1),
        at("critical_point", 0, points, (1.0, 0.0), (0.0, 0.0), morse_index=0),
        at("critical_point", 0, points, tangents[-1], (2.0, -1.0), morse_index=1),
        at("near_branch", 0, points, tangents[-1], points[-3], distance=1e-5, message="synthetic"),
    ]
    return curve(points, tangents, vectors, events=events)


def critical_point(x, y):
    values, vectors = np.linalg.eigh(hessian(x, y))
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), [0, 1]])
    return CriticalPoint(
        x=(x, y),
        fun=Toy()((x, y)),
        eigenvalues=values,
        eigenvectors=vectors,
        morse_index=int((values < 0).sum()),
        residual=np.linalg.norm(gradient(x, y)),
        error=1e-16,
    )


@pytest.fixture(scope="session")
def toy_survey():
    return Survey(
        critical_points=[
            critical_point(0.0, 0.0),
            critical_point(2.0, -1.0),
            critical_point(-2.0, -1.0),
        ],
        extremals=[talweg(), straight_line()],
        half_branches={
            **{(i, 0, direction): 0 for i in range(3) for direction in (1, -1)},
            **{(0, 1, direction): 1 for direction in (1, -1)},
        },
        f=Toy(),
        bounds=Toy.bounds,
        parameters={"max_step": 0.02, "branches": "all", "max_length": None},
    )


@pytest.fixture(scope="session")
def talweg_exact():
    """(ordinate, slope) of the talweg as functions of x."""
    return talweg_ordinate, talweg_slope


@pytest.fixture
def make_curve():
    """An Extremal over given x (m, n) and slope indices; every other column is a plain number."""

    def make(x, slope_index, **more):
        x = np.asarray(x, dtype=float)
        m, n = x.shape
        steps = np.linalg.norm(np.diff(x, axis=0), axis=1)
        columns = {
            "fun": np.arange(m, dtype=float),
            "sigma": np.ones(m),
            "eigenvalue": np.ones(m),
            "residual": np.zeros(m),
            "tangent": np.tile(np.eye(n)[0], (m, 1)),
            "eigenvector": np.tile(np.eye(n)[0], (m, 1)),
            "arclength": np.concatenate([[0.0], np.cumsum(steps)]),
            "curvature_index": np.zeros(m, dtype=int),
        }
        return Extremal(x=x, slope_index=slope_index, **{**columns, **more})

    return make
