"""What the experiments measure: against theory, exact formulas and direct computation."""

import json

import numpy as np
import pytest

from talweg import Status
from talweg.phase_retrieval import Problem, alpha_bbp, experiments, t_bbp
from talweg.phase_retrieval.experiments import spectra, tracks
from talweg.phase_retrieval.experiments.instances import instance


@pytest.fixture(scope="module")
def rates():
    return experiments.success([24, 48], [1.0, 3.0, 8.0], ["random", "optimal"], 10, horizon=30.0)


@pytest.fixture(scope="module")
def tracked():
    return experiments.track(150, [2.0, 5.0], 2, horizon=12.0, records=16)


@pytest.fixture(scope="module")
def spectrum():
    return experiments.spectrum(120, [3.0, 12.0], horizon=20.0)


# Success.


def test_rates_are_the_shares_of_runs(rates):
    assert rates.rate.shape == (2, 2, 3)
    assert rates.success
    assert rates.message == ""
    found = np.abs(rates.overlap) >= 0.99
    assert (found.sum(axis=-1) == rates.successes).all()
    assert ((rates.code == Status.ENTERED_BALL) == found).all()
    assert (rates.rate == rates.successes / 10).all()
    assert ((rates.low <= rates.rate) & (rates.rate <= rates.high)).all()
    assert (rates.time <= 30 + 1e-9).all()
    # A run that ends early has ended for a reason.
    assert (rates.code[rates.time < 30 - 1e-9] != Status.MAX_STEPS).all()


def test_more_observations_and_better_starts_help(rates):
    assert (rates.successes[..., 2] >= rates.successes[..., 0] + 5).all()
    assert (rates.successes[1] >= rates.successes[0] - 3).all()
    assert (rates.first_overlap[1, 1, 2] > 0.9).all()
    assert rates.successes[1, :, 2].tolist() == [10, 10]


def test_runs_are_those_of_a_plain_loop(rates):
    task = {"seed": 0, "N": 24, "alpha": 3.0, "a": 1.0, "dtype": "float64", "start": "random"}
    for run in range(4):
        problem, w = instance({**task, "run": run})
        X, y = problem.X, (problem.X @ problem.signal) ** 2 / 24
        for _ in range(round(rates.time[0, 0, 1, run] / 0.05)):
            s = X @ w / np.sqrt(24)
            w = w - 0.05 * np.sqrt(24) / problem.M * (X.T @ (2 * s * (s * s - y) / (1 + y)))
            w *= np.sqrt(24) / np.linalg.norm(w)
        overlap = abs(w @ problem.signal) / 24
        # Steps next to a saddle magnify rounding.
        assert rates.overlap[0, 0, 1, run] == pytest.approx(overlap, abs=1e-5)


def test_a_larger_experiment_contains_the_smaller(rates):
    part = experiments.success(48, 3.0, "optimal", 4, horizon=30.0)
    assert (part.overlap[0, 0, 0] == rates.overlap[1, 1, 1, :4]).all()


def test_kinds_of_start_share_their_data():
    task = {"seed": 1, "N": 20, "alpha": 2.0, "a": 1.0, "dtype": "float64", "run": 3}
    first, w = instance({**task, "start": "random"})
    second, v = instance({**task, "start": "optimal"})
    assert (first.X == second.X).all()
    assert (first.signal == second.signal).all()
    assert (w != v).any()
    third, _ = instance({**task, "start": "random", "a": 0.1})
    assert (first.X == third.X).all()


def test_rates_agree_with_the_published_table():
    # a = 1, random starts, N = 128, until t = 80: 0, .13, .47, .83 of some 30 runs each. Bounds that
    # an agreeing experiment leaves once in some thousand times.
    found = experiments.success(128, [2.0, 3.0, 4.0], runs=12, step_length=0.1)
    k = found.successes[0, 0]
    assert k[0] <= 3
    assert 1 <= k[1] <= 11
    assert k[2] >= 5


# Tracks.


def test_records_of_a_track_are_the_dense_spectrum(tracked):
    problem, w = instance({**tracked.parameters, "alpha": 2.0, "run": 1})
    values, vector = spectra.tangent_spectrum(problem, w)
    mu = float(problem.mu(w))
    assert tracked.mu[0, 1, 0] == pytest.approx(mu)
    assert tracked.eigenvalue[0, 1, 0] == pytest.approx(values[0] + mu, abs=1e-4)
    overlap = (vector @ problem.signal) ** 2 / 150
    assert tracked.eigenvector_overlap[0, 1, 0] == pytest.approx(overlap, abs=1e-3)
    assert tracked.loss[0, 1, 0] == pytest.approx(float(problem.loss(w)))


def test_tracks_follow_theory(tracked):
    # Corrections of finite N are of order N^(-2/3) at the edge.
    lowest = np.fmin(tracked.edge, tracked.outlier)
    early = tracked.time < 1.0
    difference = tracked.eigenvalue[..., early] - lowest[..., early]
    assert np.abs(np.median(difference)) < 0.15
    assert (np.abs(difference) < 0.6).all()
    assert (tracked.ratio[1, :, 0] > 1.2).all()
    # An outlier is where R is above 1, and its vector points at the signal.
    assert (np.isfinite(tracked.outlier) == (np.nan_to_num(tracked.ratio) > 1)).all()
    assert (tracked.eigenvector_overlap[1, :, 0] > 0.2).all()


def test_losses_descend(tracked):
    loss = tracked.loss
    assert (np.diff(loss, axis=-1)[np.isfinite(np.diff(loss, axis=-1))] <= 1e-12).all()


def test_t_bbp_is_that_of_the_ratios(tracked):
    for i in range(2):
        expected = t_bbp(tracked.time, tracked.ratio[i], np.nan_to_num(tracked.ratio_error[i]))
        assert np.array_equal(tracked.t_bbp[i], expected.times, equal_nan=True)
        assert np.array_equal(tracked.t_bbp_mean[i], expected.time, equal_nan=True)
        assert tracked.t_bbp_case[i].tolist() == expected.cases.tolist()


def test_tracks_say_why_there_is_no_t_bbp():
    with pytest.raises(KeyboardInterrupt) as stopped:
        experiments.track(60, [15.0], 2, horizon=30.0, records=20, workers=_first_only)
    found = stopped.value.result
    assert found.t_bbp_case.tolist() == [["ended", "unmeasured"]]
    assert found.code.tolist() == [[Status.ENTERED_BALL, Status.INTERRUPTED]]
    short = experiments.track(60, [15.0], 1, horizon=0.5, records=6)
    assert short.t_bbp_case.tolist() == [["above"]]
    sparse = experiments.track(200, [0.3], 1, horizon=0.2, records=4)
    assert sparse.ratio[0, 0, 0] < 1
    assert sparse.t_bbp_case.tolist() == [["below"]]
    assert np.isnan([found.t_bbp[0, 0], short.t_bbp[0, 0], sparse.t_bbp[0, 0]]).all()


def test_a_track_that_finds_the_signal_ends_there():
    found = experiments.track(60, [15.0], 1, horizon=30.0, records=20)
    overlap = found.overlap[0, 0]
    done = np.isfinite(overlap)
    assert done[0] and not done[-1]
    assert np.isnan(found.ratio[0, 0][~done]).all()
    # After the signal is found the law is that of the signal.
    lam, u = found.late_lambda[0, 0], found.late_u[0, 0]
    assert np.abs(np.abs(lam) - np.abs(u)).max() < 0.3


def test_prediction_ends_next_to_the_signal():
    problem, _ = instance(
        {
            "seed": 0,
            "N": 30,
            "alpha": 3.0,
            "run": 0,
            "a": 1.0,
            "dtype": "float64",
            "start": "random",
        }
    )
    lam, u = problem.samples(problem.signal)
    values = tracks.prediction(problem, lam, u, 1.0)
    assert set(values) == set(tracks.PREDICTED)
    assert np.isnan(list(values.values())).all()


# Spectra.


def test_spectra_are_those_of_the_projected_matrix(spectrum):
    problem, w = instance({**spectrum.parameters, "alpha": 3.0, "run": 0})
    basis = np.linalg.svd(w[None])[2][1:].T
    D = 120 * problem.hess(w)
    expected = np.linalg.eigvalsh(basis.T @ D @ basis) - float(problem.mu(w))
    assert np.allclose(spectrum.eigenvalue[0, 0], expected, atol=1e-9)
    assert spectrum.eigenvalue.shape == (2, 3, 119)


def test_single_precision_data_have_a_double_precision_spectrum():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((90, 30), dtype=np.float32)
    signal, w = (v * np.sqrt(30) / np.linalg.norm(v) for v in rng.standard_normal((2, 30)))
    single = Problem.from_data(X, signal=signal)
    double = Problem.from_data(X.astype(float), signal=signal)
    first, second = (spectra.tangent_spectrum(problem, w)[0] for problem in (single, double))
    # Labels are computed from X in its own precision.
    assert np.allclose(first, second, rtol=1e-5, atol=1e-5)


def test_states_come_in_order(spectrum):
    assert (np.diff(spectrum.time, axis=1) >= 0).all()
    assert (np.diff(spectrum.loss, axis=1) <= 0).all()
    depth = -spectrum.edge[0]
    assert depth[1] <= 0.1 * depth[0]


def test_predicted_densities_are_those_of_the_eigenvalues(spectrum):
    for i, j in ((0, 0), (0, 1), (1, 0)):
        z, density = spectrum.z[i, j], spectrum.density[i, j]
        values = spectrum.eigenvalue[i, j]
        below = np.concatenate([[0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(z))])
        measured = (values[:, None] <= z).mean(axis=0)
        # Eigenvalues are rigid: much nearer than independent samples would be.
        assert np.abs(below - measured).max() < 0.06


def test_no_outlier_at_the_signal(spectrum):
    assert spectrum.overlap[1, 2] > 0.99
    assert np.isnan(spectrum.ratio[1, 2])
    assert spectrum.eigenvalue[1, 2, 0] > 0


# Thresholds.


def test_thresholds_are_those_of_the_theory():
    found = experiments.thresholds([2.0, 0.5, np.inf], workers=1)
    assert found.a.tolist() == [0.5, 2.0, np.inf]
    for i, a in enumerate(found.a):
        assert found.alpha_bbp[i] == alpha_bbp(a).alpha
        assert found.kind[i] == alpha_bbp(a).kind
    assert found.alpha_threshold.round(3).tolist() == [6.3, 8.057, 13.803]


def test_a_step_that_is_too_long_is_trouble():
    for found in (
        experiments.success(20, 4.0, runs=3, a=0.01, step_length=0.5, horizon=20),
        experiments.track(20, [4.0], 1, a=0.01, step_length=0.5, horizon=5, records=4),
        experiments.spectrum(20, [4.0], a=0.01, step_length=0.5, horizon=5),
    ):
        assert found.status == Status.NOT_CONVERGED
        assert not found.success
        assert "step_length is too long" in found.message


# Arguments.


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("success", {"N": 0}, ValueError, "N: want at least 2, got 0"),
        ("success", {"N": []}, ValueError, "N: want at least one"),
        ("success", {"N": 3.5}, TypeError, "N: want a whole number"),
        ("success", {"alpha": [1.0, -2.0]}, ValueError, r"alpha: want numbers above 0, got -2"),
        ("success", {"alpha": 0.001}, ValueError, "alpha: .*no observation"),
        ("success", {"alpha": [np.nan]}, ValueError, "alpha: want finite"),
        ("success", {"starts": "best"}, ValueError, "starts: want one of random"),
        ("success", {"starts": []}, ValueError, "starts: want at least one"),
        ("success", {"runs": 0}, ValueError, "runs: want at least 1"),
        ("success", {"overlap": 1.0}, ValueError, "overlap: want a number between"),
        ("success", {"a": 0.0}, ValueError, "a: want a number above 0, or inf"),
        ("success", {"horizon": 0.01}, ValueError, "horizon: want at least one step"),
        ("success", {"seed": -1}, ValueError, "seed: want at least 0"),
        ("success", {"seed": None}, TypeError, "seed: want a whole number"),
        ("success", {"dtype": "int8"}, TypeError, "dtype: want float64 or float32, got int8"),
        ("success", {"workers": 0}, ValueError, "workers: want at least 1"),
        ("success", {"folder": 3}, TypeError, "folder: want a path"),
        ("track", {"alpha": 0.4, "starts": "mondelli-montanari"}, ValueError, "alpha: .*1/2"),
        ("track", {"records": 1}, ValueError, "records: want at least 2"),
        (
            "spectrum",
            {"N": 10**7},
            ValueError,
            "N: work with three matrices of 10000000 x 10000000",
        ),
        ("track", {"alpha": [0.002]}, ValueError, "alpha: 0.002 of N = .* leaves fewer than 2 obs"),
        ("spectrum", {"alpha": [0.002]}, ValueError, "alpha: 0.002 of N = .* leaves fewer than 2"),
        ("success", {"dtype": "nonsense"}, TypeError, "dtype: want float64 or float32"),
        ("thresholds", {"a": [-1.0]}, ValueError, "a: want a number above 0, or inf"),
        ("thresholds", {"a": []}, ValueError, "a: want at least one"),
    ],
)
def test_unusable_arguments_are_refused_before_any_work(
    tmp_path, monkeypatch, name, options, error, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((error, MemoryError) if "matrices" in message else error, match=message):
        getattr(experiments, name)(**options)
    assert not list(tmp_path.iterdir())


# Files and pictures.


def test_datasets_come_back(rates, tracked, spectrum, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    pytest.importorskip("h5py")
    thresholds = experiments.thresholds([1.0, np.inf], workers=1)
    for result in (rates, tracked, spectrum, thresholds):
        result.save(tmp_path / "found.nc")
        with xarray.open_dataset(tmp_path / "found.nc") as dataset:
            for name, (axes, description) in result.layout.items():
                values = np.asarray(getattr(result, name))
                assert dataset[name].dims == axes
                assert dataset[name].attrs["description"] == description
                if values.dtype.kind in "US":
                    assert dataset[name].values.astype(str).tolist() == values.tolist()
                else:
                    assert dataset[name].values.tobytes() == values.tobytes()
            assert json.loads(dataset.attrs["parameters"]) == result.parameters
            assert json.loads(dataset.attrs["versions"])["numpy"] == np.__version__
            assert dataset.attrs["experiment"] == result.experiment
    assert [path.name for path in tmp_path.iterdir()] == ["found.nc"]


def test_zarr_comes_back(tracked, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("zarr")
    for _ in range(2):  # the second replaces the first
        tracked.save(tmp_path / "found.zarr")
    with xarray.open_zarr(tmp_path / "found.zarr") as dataset:
        assert dataset["eigenvalue"].values.tobytes() == tracked.eigenvalue.tobytes()
        assert dataset["t_bbp"].dims == ("alpha", "run")
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "letter.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="no zarr group"):
        tracked.save(tmp_path / "mine.zarr")
    assert (tmp_path / "mine.zarr" / "letter.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.zarr", "mine.zarr"]


def test_without_xarray_the_message_says_what_to_install(rates, monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r"talweg\[io\]"):
        rates.save(tmp_path / "found.nc")
    assert not list(tmp_path.iterdir())


def test_json_is_json(rates, tmp_path):
    rates.to_json(tmp_path / "found.json")
    document = json.loads((tmp_path / "found.json").read_text())
    assert document["arrays"]["rate"]["axes"] == ["start", "N", "alpha"]
    assert np.array_equal(document["arrays"]["rate"]["values"], rates.rate)
    assert document["parameters"]["runs"] == 10


def test_every_attribute_is_documented_and_laid_out(rates, tracked, spectrum):
    thresholds = experiments.thresholds([1.0], workers=1)
    for result in (rates, tracked, spectrum, thresholds):
        own = set(result.asdict()) - {"parameters", "versions", "tasks", "finished"}
        assert own == set(result.layout)
        assert all(name in type(result).__doc__ for name in own)
        sizes = {}
        for name, (axes, _) in result.layout.items():
            assert np.ndim(getattr(result, name)) == len(axes), name
            for axis, size in zip(axes, np.shape(getattr(result, name))):
                assert sizes.setdefault(axis, size) == size


def test_pictures_show_what_was_measured(rates, tracked, spectrum):
    pytest.importorskip("matplotlib")
    from matplotlib import pyplot

    figure = rates.plot()
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    assert any(len(y) == 3 and np.allclose(y, rates.rate[0, 0]) for y in drawn)
    figure = tracked.plot()
    assert len(figure.axes) == 4
    assert any(
        np.array_equal(line.get_ydata(), tracked.eigenvalue[1, 0, 1:], equal_nan=True)
        for line in figure.axes[1].lines
    )
    figure = spectrum.plot()
    assert len(figure.axes) == 6
    assert "R = " in figure.axes[0].texts[0].get_text()
    marks = {line.get_label(): line for line in tracked.plot_t_bbp().axes[0].lines}
    kept = ((tracked.t_bbp_case == "above") | (tracked.t_bbp_case == "ended")).sum(axis=1)
    assert kept.any()
    assert marks["runs that keep R > 1, how many"].get_xdata().tolist() == (
        tracked.alpha[kept > 0].tolist()
    )
    tracked.plot_late_law()
    experiments.thresholds([0.5, 1.0, 2.0, np.inf], workers=1).plot()
    for a, kinds in ((0.5, {"continuous"}), (2.0, {"discontinuous"}), (np.inf, set())):
        (legend,) = experiments.thresholds(a, workers=1).plot().legends
        named = {text.get_text().split(", ")[-1] for text in legend.get_texts()}
        assert named & {"continuous", "discontinuous"} == kinds
    with pytest.raises(ValueError, match="axes: want 1 x 2"):
        rates.plot(pyplot.subplots()[1])
    pyplot.close("all")


def test_pictures_of_what_an_interrupt_left():
    pytest.importorskip("matplotlib")
    from matplotlib import pyplot

    with pytest.raises(KeyboardInterrupt) as stopped:
        experiments.spectrum(30, [2.0, 3.0], horizon=1.0, workers=_first_only)
    stopped.value.result.plot()
    with pytest.raises(KeyboardInterrupt) as stopped:
        experiments.track(30, [2.0, 3.0], 2, horizon=1.0, records=5, workers=_first_only)
    stopped.value.result.plot()
    stopped.value.result.plot_t_bbp()
    with pytest.raises(KeyboardInterrupt) as stopped:
        experiments.success(16, [2.0, 3.0], runs=2, horizon=1.0, workers=_first_only)
    stopped.value.result.plot()
    assert stopped.value.result.finished == 1
    pyplot.close("all")


def _first_only(function, items):
    yield function(items[0])
    raise KeyboardInterrupt
