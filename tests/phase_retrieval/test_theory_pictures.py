"""Pictures of the theory show what they are given."""

import math

import numpy as np
import pytest
from matplotlib import pyplot

from talweg.phase_retrieval import alpha_bbp, bulk_density, gaussian_law, outlier
from talweg.plot import draw_bulk, draw_transitions


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_bulk_with_its_outlier():
    law = gaussian_law(1.0)
    bulk, found = bulk_density(law, 3.0), outlier(law, 3.0)
    eigenvalues = np.random.default_rng(0).uniform(-0.6, 5.0, 300)
    axes = bulk.plot(outlier=found, eigenvalues=eigenvalues, shift=0.5).axes[0]
    assert any("outlier" in label and "0.284" in label for label in labels(axes))
    assert axes.get_xlim()[0] < eigenvalues.min() - 0.5
    (inset,) = axes.child_axes
    assert inset.get_xlim()[0] < found.eigenvalue - 0.5 < inset.get_xlim()[1]
    curve = next(line for line in axes.lines if line.get_label() == "bulk")
    assert curve.get_xdata() == pytest.approx(bulk.z - 0.5)


def test_a_bulk_without_edge():
    bulk = bulk_density(gaussian_law(math.inf), 3.0)
    axes = draw_bulk(bulk).axes[0]
    assert labels(axes) == ["bulk"]
    with pytest.raises(ValueError, match="inset: the bulk has no left edge"):
        draw_bulk(bulk, inset=True)
    with pytest.raises(ValueError, match="eigenvalues: want shape"):
        draw_bulk(bulk, eigenvalues=[[1.0]])


def test_transitions():
    constants = [0.5, 1.0, 2.0]
    axes = draw_transitions(constants).axes[0]
    drawn = {}
    for line in axes.lines:
        drawn.update(zip(np.atleast_1d(line.get_xdata()), np.atleast_1d(line.get_ydata())))
        if "discontinuous" in line.get_label():
            assert dict(zip(line.get_xdata(), line.get_ydata()))[2.0] == alpha_bbp(2.0).alpha
    assert drawn[2.0] == pytest.approx(8.057, abs=1e-3)
    for wrong in ([], [1.0, 1.0], [0.0, 1.0]):
        with pytest.raises(ValueError, match="a: want"):
            draw_transitions(wrong)
