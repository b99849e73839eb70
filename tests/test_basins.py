"""Basins of attraction: where they are known by symmetry or by formula."""

import numpy as np
import pytest

import talweg
from talweg import surfaces
from talweg.status import Status


def test_a_double_well_is_cut_in_two():
    f = talweg.Objective(lambda x: (x[0] ** 2 - 1) ** 2 / 4 + x[1] ** 2, 2)
    found = talweg.basins(f, [(-2, 2), (-1, 1)], resolution=30)
    assert found.label.shape == (30, 30) and found.x.shape == (30, 30, 2)
    left = np.flatnonzero(found.minima[:, 0] < 0)[0]
    np.testing.assert_array_equal(found.label == left, found.x[..., 0] < 0)
    np.testing.assert_allclose(found.share, [0.5, 0.5])
    assert (found.status == Status.ENTERED_BALL).all() and (found.time >= 0).all()


def test_times_are_those_of_the_formula():
    f = talweg.models.quadratic([2.0, 2.0])
    x0 = np.random.default_rng(0).normal(size=(5, 4, 2))
    found = talweg.basins(f, x0=x0, minima=[[0.0, 0.0]], radius=0.01)
    want = np.log(np.linalg.norm(x0, axis=-1) / 0.01) / 2
    np.testing.assert_allclose(found.time, want, rtol=1e-7)
    assert found.label.shape == (5, 4) and found.bounds is None


def test_starts_on_the_edge_run_into_the_saddle():
    f = talweg.Objective(lambda x: (x[0] ** 2 - 1) ** 2 / 4 + x[1] ** 2, 2)
    found = talweg.basins(f, [(-2, 2), (-1, 1)], x0=[[0.0, 0.5], [0.0, 0.0], [0.3, 0.5]])
    assert found.label[:2].tolist() == [-1, -1] and np.isnan(found.time[:2]).all()
    assert (found.status[:2] == Status.CRITICAL_POINT).all()
    assert found.minima[found.label[2], 0] == pytest.approx(1.0)


def test_every_start_ends_where_a_minimiser_does():
    f = surfaces.himmelblau()
    found = talweg.basins(f, resolution=21)
    long = talweg.flow(f, found.x.reshape(-1, 2), np.inf, gradient_tolerance=1e-8)
    nearest = np.linalg.norm(long.end[:, None] - found.minima, axis=2).argmin(axis=1)
    settled = found.label.ravel() >= 0
    assert settled.mean() > 0.9
    np.testing.assert_array_equal(found.label.ravel()[settled], nearest[settled])


def test_leaving_the_box():
    f = talweg.Objective(lambda x: (x[0] ** 2 - 1) ** 2 / 4 + x[1] ** 2, 2)
    found = talweg.basins(f, [(0.2, 2), (-1, 1)], x0=[[1.5, 0.5], [-0.3, 0.2]])
    assert len(found.minima) == 1
    assert found.label.tolist() == [0, -1]
    assert found.status.tolist() == [Status.ENTERED_BALL, Status.BOUNDARY]


def test_a_picture(tmp_path):
    pytest.importorskip("matplotlib").use("Agg")
    found = talweg.basins(surfaces.himmelblau(), resolution=25)
    figure = found.plot(title="basins")
    figure.savefig(tmp_path / "basins.png")
    image = figure.axes[0].images[0].get_array()
    assert image.shape == (25, 25, 3)
    # One hue a basin: the colours over the four minima differ.
    at = [np.abs(found.x - x).sum(axis=-1).argmin() for x in found.minima]
    colours = {tuple(np.round(image.transpose(1, 0, 2).reshape(-1, 3)[i], 2)) for i in at}
    assert len(colours) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"resolution": 1}, "resolution"),
        ({"max_time": 0.0}, "max_time"),
        ({"minima": np.zeros((0, 2))}, "minima: want at least one"),
        ({"bounds": ()}, "bounds: want a box"),
        ({"x0": [[1.0, 2.0, 3.0]]}, "x0: want shape"),
    ],
)
def test_bad_input(arguments, words):
    with pytest.raises(ValueError, match=words):
        talweg.basins(surfaces.himmelblau(), **arguments)
    with pytest.raises(ValueError, match="two coordinates"):
        talweg.basins(surfaces.himmelblau(), x0=[[1.0, 1.0]]).plot()
