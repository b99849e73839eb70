"""What every gradient extremal must satisfy, recomputed from the function's derivatives alone."""

import numpy as np
import pytest

EPSILON = np.finfo(float).eps


class Geometry:
    """Gradient, Hessian and L = H^2 + T[g] - lambda H at one point, by plain linear algebra."""

    def __init__(self, f, x):
        self.x = np.asarray(x)
        self.g = f.grad(x)
        self.h = f.hess(x)
        self.slope = np.linalg.norm(self.g)
        self.size = np.linalg.norm(self.h)
        # The rounding of x alone moves the gradient by |H| eps |x|.
        self.noise = EPSILON * self.size * (np.linalg.norm(x) + 1e-2)
        u = self.g / self.slope if self.slope else np.eye(len(self.g))[0]
        self.eigenvalue = u @ self.h @ u
        self.residual = np.linalg.norm(self.h @ self.g - self.eigenvalue * self.g)
        self.across = np.linalg.qr(np.column_stack([u, np.eye(len(u))]))[0][:, 1 : len(u)]
        third = f.third(x, self.g)
        self.l = self.h @ self.h + third - self.eigenvalue * self.h
        self.slope_eigenvalues = np.linalg.eigvalsh(self.across.T @ self.l @ self.across)
        self.curvatures = np.linalg.eigvalsh(self.across.T @ self.h @ self.across)
        self.l_size = self.size**2 + np.linalg.norm(third)
        # The direction that L takes into the gradient's own, and how nearly a second one does.
        _, values, rows = np.linalg.svd(self.across.T @ self.l)
        self.tangent = rows[-1]
        self.singularity = values[-1] / self.l_size if values.size else 1.0


def check_points(f, curve, bounds=None):
    """Residual, labels, tangents and order of the points of a curve."""
    m, n = curve.x.shape
    f_size = np.abs(curve.fun).max()
    for k in range(m):
        here = Geometry(f, curve.x[k])
        assert here.residual <= here.size * (1e-11 * here.slope + 300 * here.noise), (k, here.x)
        assert abs(curve.slope[k] - here.slope) <= 1e-12 * here.slope + 300 * here.noise
        rounding = 300 * EPSILON * (np.linalg.norm(here.x) + 1e-2) * here.slope
        assert abs(curve.fun[k] - f(here.x)) <= 4e-14 * f_size + rounding
        if here.slope < 1e6 * here.noise:
            continue
        loose = here.noise / here.slope
        assert abs(curve.eigenvalue[k] - here.eigenvalue) <= (1e-10 + 1e3 * loose) * here.size
        direction = curve.sigma[k] * curve.eigenvector[k]
        np.testing.assert_allclose(direction, here.g, atol=1e-10 * here.slope + 1e3 * here.noise)
        if n > 1 and np.abs(here.slope_eigenvalues).min() > (1e-7 + 1e3 * loose) * here.l_size:
            assert curve.slope_index[k] == (here.slope_eigenvalues < 0).sum(), (k, here.x)
            assert abs(abs(curve.tangent[k] @ here.tangent) - 1) < 1e-8
        if n > 1 and np.abs(here.curvatures).min() > 1e-8 * here.size:
            assert curve.curvature_index[k] == (here.curvatures < 0).sum(), (k, here.x)
    np.testing.assert_allclose(np.linalg.norm(curve.tangent, axis=1), 1, rtol=1e-12)
    if bounds is not None:
        assert (curve.x >= bounds[:, 0]).all() and (curve.x <= bounds[:, 1]).all()
    chords = np.diff(curve.x, axis=0)
    lengths = np.linalg.norm(chords, axis=1)
    steps = np.diff(curve.arclength)
    assert (steps >= lengths * (1 - 1e-6) - 1e-12).all() and (steps <= 1.1 * lengths + 1e-12).all()
    for end in (curve.tangent[:-1], curve.tangent[1:]):
        long = lengths > 1e-7
        assert (np.einsum("ki,ki->k", chords, end)[long] > 0.7 * lengths[long]).all()


def check_slope_equation(curve):
    """d(|g|^2 / 2) = lambda df from point to point."""
    for k in range(1, len(curve) - 2):
        near = curve.eigenvalue[k - 1 : k + 3]
        change = np.diff(curve.sigma[k : k + 2] ** 2 / 2)[0]
        rise = curve.fun[k + 1] - curve.fun[k]
        mean = (curve.eigenvalue[k] + curve.eigenvalue[k + 1]) / 2
        # Where f turns within the step, what it rose before counts too.
        climbed = max(abs(rise), curve.slope[k : k + 2].max() * np.diff(curve.arclength)[k] * 0.2)
        scale = np.abs(curve.fun[k : k + 2]).max() * np.abs(near).max()
        bound = (near.max() - near.min()) * climbed + 1e-11 * scale + 1e-14
        assert abs(change - mean * rise) <= bound, (k, curve.x[k])


def repeated(f, event):
    if event.kind != "critical_point":
        return False
    values = np.linalg.eigvalsh(f.hess(event.x))
    return len(values) > 1 and np.diff(values).min() < 1e-8 * np.abs(values).max()


def check_events(f, curve, bounds=None):
    """Each event satisfies its definition to rounding, and none is missing from the indices."""
    f_size = np.abs(curve.fun).max()
    for event in curve.events:
        here = Geometry(f, event.x)
        near = event.error + 1e-13 * (1 + np.linalg.norm(event.x))
        assert event.error < 1e-6
        assert abs(event.fun - f(event.x)) <= 4e-14 * f_size + here.slope * near
        assert abs(np.linalg.norm(event.tangent) - 1) < 1e-12
        if event.kind == "critical_point":
            assert here.slope <= 10 * here.size * near
            values = np.linalg.eigvalsh(here.h)
            if np.abs(values).min() > 1e-8 * here.size:
                assert event.morse_index == (values < 0).sum()
            continue
        assert event.morse_index is None
        if event.kind == "boundary":
            if bounds is not None:
                faces = np.abs(event.x[:, None] - bounds)
                assert faces.min() <= 4 * EPSILON * np.abs(bounds).max()
            continue
        assert here.residual <= here.size * (1e-10 * here.slope + 1e3 * here.noise)
        if here.size < 1e-12:  # a higher degenerate point, where every quantity vanishes
            continue
        if event.kind == "level_fold":
            assert np.abs(here.slope_eigenvalues).min() <= 1e-8 * here.l_size
            assert abs(event.tangent @ here.g) <= 1e-5 * here.slope
        elif event.kind == "valley_ridge_inflection":
            assert np.abs(here.curvatures).min() <= 1e-8 * here.size
        elif event.kind == "inflection":
            assert abs(here.eigenvalue) <= 1e-8 * here.size
        elif event.kind == "branch_point":
            assert here.singularity <= 1e-7
            assert event.kernel_dimension >= 1
    # The slope index changes at level folds by one, else only at branch points.
    for k in range(len(curve) - 1):
        inside = [
            # sigma T[v] decides within a repeated eigenvalue's space, and sigma changes sign.
            "repeated eigenvalue" if repeated(f, event) else event.kind
            for event in curve.events
            if curve.arclength[k] - 1e-9 <= event.arclength <= curve.arclength[k + 1] + 1e-9
        ]
        change = curve.slope_index[k + 1] - curve.slope_index[k]
        if not {"branch_point", "repeated eigenvalue"} & set(inside):
            folds = inside.count("level_fold")
            assert abs(change) <= folds and (abs(change) - folds) % 2 == 0, (k, curve.x[k], inside)


@pytest.fixture(scope="session")
def geometry():
    return Geometry


@pytest.fixture(scope="session")
def check_curve():
    """A function that checks all there is to check of one curve."""

    def check(f, curve, bounds=None):
        check_points(f, curve, bounds)
        check_slope_equation(curve)
        check_events(f, curve, bounds)

    return check
