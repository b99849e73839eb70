"""Reports on many descents: what they say of ends, volumes and files."""

import io
import zipfile

import numpy as np
import pytest

import talweg
from talweg.reports import descent_report


def test_minima_are_those_that_the_flow_leads_to():
    f = talweg.surfaces.muller_brown()
    report = descent_report(f, n_starts=60, rng=1, flow=True)
    minima = [p.x for p in report.minima]
    later = talweg.flow(f, report.starts, np.inf, minima=minima)
    assert np.array_equal(later.entered, report.minimum)
    assert report.success


def test_path_is_the_path():
    f = talweg.surfaces.himmelblau()
    report = descent_report(f, n_starts=7, momentum=0.5, rng=2)
    p = report.parameters
    whole = talweg.descend(
        *(f, report.starts, p["step_length"], p["steps"]),
        momentum=0.5, gtol=p["gtol"], record_every=1, record_values=True,
    )  # fmt: skip
    rows = report.path_at.astype(int)
    assert rows[0] == 0
    assert np.array_equal(report.path, whole.path[rows], equal_nan=True)
    assert np.array_equal(report.path_fun, whole.path_fun[rows], equal_nan=True)


def test_volume_along_the_flow_is_minus_the_trace():
    f = talweg.models.normal_form([1.0, 3.0], bounds=[(-1, 1), (-1, 1)])
    report = descent_report(f, n_starts=5, flow=True, gtol=0.0, time=3.0)
    assert np.allclose(report.log_volume, -4.0 * 3.0, rtol=1e-8)
    change = report.volume_change(0)
    assert change.predicted == -4.0
    assert change.measured == pytest.approx(-4.0, rel=1e-8)
    assert change.count == 5


def test_without_determinants_there_is_no_volume():
    f = talweg.models.normal_form([1.0, 3.0], bounds=[(-1, 1), (-1, 1)])
    report = descent_report(f, n_starts=4, noise=1e-4)
    assert report.log_volume is None
    assert report.volume_change(0) is None
    assert "log volume" not in str(report)


@pytest.mark.parametrize("options", [{}, {"noise": 1e-3}, {"flow": True}])
def test_files_hold_the_same_bits(tmp_path, options):
    report = descent_report(talweg.surfaces.toy(), n_starts=9, **options)
    report.save(tmp_path / "a")
    loaded = talweg.load(tmp_path / "a")
    for name, value in report.asdict().items():
        other = getattr(loaded, name)
        if name == "minima":
            assert [tuple(p.x) for p in value] == [tuple(p.x) for p in other]
        elif isinstance(value, np.ndarray):
            assert np.array_equal(value, other, equal_nan=value.dtype.kind == "f"), name
        else:
            assert value == other, name
    assert str(loaded) == str(report)
    assert loaded.f([0.3, 0.2]) == report.f([0.3, 0.2])


@pytest.mark.parametrize("missing", ["starts", "path", "minimum", "path_at"])
def test_a_file_without_an_array_is_refused(tmp_path, missing):
    descent_report(talweg.surfaces.toy(), n_starts=3).save(tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "a") as whole, zipfile.ZipFile(tmp_path / "b", "w") as part:
        for entry in whole.infolist():
            if entry.filename != f"descents/{missing}.npy":
                part.writestr(entry, whole.read(entry))
    with pytest.raises(
        ValueError, match=f"damaged descents file: descents/{missing}.npy is missing"
    ):
        talweg.load(tmp_path / "b")


def test_pictures_of_few_noisy_descents_show_them():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    f = talweg.surfaces.toy()
    starts = [[0.5, 0.5], [-0.5, 0.5]]
    map_, profile = descent_report(f, starts, noise=1.0).plot().axes
    drawn = [line for line in map_.lines if len(line.get_xdata()) > 2]
    assert len(drawn) == len(profile.lines) == 2
    assert all(line.get_linewidth() > 1.0 for line in [*drawn, *profile.lines])
    many = descent_report(f, n_starts=60).plot().axes[1].lines
    assert all(line.get_linewidth() < 1.0 for line in many)
    # Where all run off there is a reason in place of paths.
    map_, profile = descent_report(f, starts, noise=1e4).plot().axes
    assert not profile.lines and "No descent" in profile.texts[0].get_text()
    pyplot.close("all")


def test_picture_has_a_line_for_each_descent(tmp_path):
    pytest.importorskip("matplotlib")
    report = descent_report(talweg.surfaces.himmelblau(), n_starts=12)
    figure = report.plot(title="t")
    lines = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 2]
    assert len(lines) == 12
    ends = sorted((line.get_xdata()[-1], line.get_ydata()[-1]) for line in lines)
    assert np.allclose(ends, sorted(map(tuple, report.x)))
    buffer = io.BytesIO()
    one = talweg.Objective(lambda x: (x[0] ** 2 - 1) ** 2, 1)
    descent_report(one, bounds=[(-2, 2)], n_starts=5).plot().savefig(buffer)
    many = talweg.surfaces.by_name("phi4-chain-5")
    descent_report(many, n_starts=5).plot().savefig(buffer)
    assert buffer.tell() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bounds": ()}, "bounds: want a box"),
        ({"n_starts": 0}, "n_starts"),
        ({"steps": 0}, "steps"),
        ({"step_length": -1.0}, "step_length"),
        ({"flow": True, "momentum": 0.5}, "gradient flow has none"),
        ({"time": 1.0}, "time: descent has steps"),
        ({"x0": [[1.0, 2.0, 3.0]]}, "x0|starts"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        descent_report(talweg.surfaces.toy(), **options)


def test_a_box_without_finite_values_is_refused():
    f = talweg.Objective(lambda x: np.log(x[0]) + x[1] ** 2, 2)
    with pytest.raises(ValueError, match="finite at none"):
        descent_report(f, bounds=[(-2, -1), (0, 1)])


@pytest.mark.parametrize("flow", [False, True])
def test_rest_outside_the_box_is_not_for_want_of_steps(flow):
    # Minima at -1 and 1; the box holds the first and some of the second's basin.
    f = talweg.Objective(lambda x: (x[0] ** 2 - 1) ** 2 + x[1] ** 2, 2)
    report = talweg.reports.descent_report(f, bounds=[(-2, 0.5), (-1, 1)], flow=flow)
    lost = (report.starts[:, 0] > 0).sum()
    assert 0 < lost == (report.minimum < 0).sum()
    assert f"{lost} of 200 came to rest outside the box, as at [1, " in report.message
    assert "may help" not in report.message
