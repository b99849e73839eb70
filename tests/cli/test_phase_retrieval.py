"""talweg phase-retrieval, as a user types it."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from click.testing import CliRunner

from talweg.cli.commands import talweg as command
from talweg.phase_retrieval import default_step_length, experiments
from talweg.phase_retrieval.experiments import tasks

SMALL = ["--N", "16,24", "--alpha", "2,6", "--runs", 3, "--horizon", 10, "--seed", 5]


def run(*arguments):
    return CliRunner().invoke(command, ["phase-retrieval", *map(str, arguments)])


def test_success_is_the_python_call(tmp_path):
    out = tmp_path / "out"
    result = run("success", *SMALL, "-o", out)
    assert result.exit_code == 0, result.output
    files = {"success.json", "success.png", "tasks"}
    try:
        import h5netcdf  # noqa: F401
        import xarray  # noqa: F401
    except ImportError:
        assert "talweg[io]" in result.stderr
    else:
        files.add("success.nc")
    assert set(os.listdir(out)) == files
    expected = experiments.success([16, 24], [2.0, 6.0], runs=3, horizon=10.0, seed=5)
    document = json.loads((out / "success.json").read_text())
    assert np.array_equal(document["arrays"]["overlap"]["values"], expected.overlap)
    assert "0.5" in result.stdout or "1 " in result.stdout
    assert "half of the runs succeed" in result.stdout
    again = run("success", *SMALL, "-o", out, "--json", "--no-plot")
    assert json.loads(again.stdout)["arrays"] == document["arrays"]


def test_the_other_commands_write_their_files(tmp_path):
    for name, options, pictures in (
        ("spectrum", ["--N", 40, "--alpha", "3", "--horizon", 2], ["spectrum"]),
        (
            "track",
            ["--N", 40, "--alpha", "2,3", "--horizon", 1, "--records", 5],
            ["track", "track_late_law", "track_t_bbp"],
        ),
        ("thresholds", ["--a", "1,inf"], ["thresholds"]),
    ):
        out = tmp_path / name
        result = run(name, *options, "-o", out)
        assert result.exit_code == 0, result.output
        written = {path.name for path in out.glob("*.png")}
        assert written == {f"{picture}.png" for picture in pictures}
        assert json.loads((out / f"{name}.json").read_text())["experiment"] == name
    assert "13.80" in result.stdout


def test_a_step_that_is_too_long_is_exit_code_1():
    line = ["--N", 20, "--alpha", 4, "--runs", 2, "--a", 0.01, "--step-length", 0.5, "-q"]
    result = run("success", *line)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the loss rises in 2 of 2 runs: step_length is too long" in result.stderr


def test_the_step_lengths_are_shown():
    line = ["--alpha", "2,6", "--runs", 1, "--horizon", 1]
    result = run("success", "--N", "16,24", *line)
    assert "step length 0.05\n" in result.stdout
    result = run("success", "--N", "16,24", *line, "--a", 0.01)
    for N in (16, 24):
        first, second = (default_step_length(N, alpha, 0.01) for alpha in (2.0, 6.0))
        assert f"N = {N}: step length {first:.3g}, {second:.3g} for alpha 2, 6\n" in result.stdout
    for name, usual in (("spectrum", 0.05), ("track", 0.02)):
        line = ["--N", 24, "--alpha", "2,6", "--horizon", 1, "--a", 0.1]
        first, second = (default_step_length(24, alpha, 0.1, usual=usual) for alpha in (2.0, 6.0))
        expected = f"step length {first:.3g}, {second:.3g} for alpha 2, 6\n"
        assert expected in run(name, *line).stdout
        assert "step length 0.01\n" in run(name, *line, "--step-length", 0.01).stdout


def test_rounding_is_no_drift(monkeypatch):
    found = experiments.success([12, 16], [2.0, 6.0], runs=2, horizon=1.0)
    for drift, shown in ((1.6e-15, "0"), (-0.71, "-0.71")):
        equal = dataclasses.replace(found, drift=np.array([drift]), drift_error=np.array([0.4]))
        monkeypatch.setattr(experiments, "success", lambda equal=equal, **options: equal)
        assert f"it drifts by {shown} (0.4) for each unit of log N\n" in run("success").stdout


def test_why_there_is_no_t_bbp():
    result = run("track", "--N", 60, "--alpha", "0.2,15", "--runs", 1, "--horizon", 0.5)
    assert "alpha 0.2: in 1 of 1 runs R is below 1 from the start\n" in result.stdout
    assert "alpha 15: in 1 of 1 runs R stays above 1 until t = 0.5\n" in result.stdout
    result = run("track", "--N", 60, "--alpha", 15, "--runs", 1, "--horizon", 30)
    expected = "alpha 15: in 1 of 1 runs R is above 1 when the run ends, before t = 30\n"
    assert expected in result.stdout


def test_quiet_prints_nothing():
    result = run("thresholds", "--a", 1, "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["success", "--N", "32,x"], "--N: '32,x'; wanted whole numbers separated by commas"),
        (["success", "--N", "0"], "--N: want at least 2, got 0"),
        (["success", "--alpha", "-1"], "--alpha: want numbers above 0"),
        (["success", "--start", "best"], "--start: want one of random"),
        (["success", "--workers", "0"], "--workers: want at least 1"),
        (["success", "--seed", "-3"], "--seed: want at least 0"),
        (["track", "--step-length", "0"], "--step-length: want a positive"),
        (["track", "--N", "100000000"], "--N: .*memory"),
        (["spectrum", "--horizon", "nan"], "--horizon: want a positive finite"),
        (["spectrum", "--N", "10000000"], "--N: work with three matrices.*memory"),
        (["thresholds", "--a", "0"], "--a: want a number above 0, or inf"),
    ],
)
def test_refusals_are_one_line(arguments, message):
    result = run(*arguments, "-q")
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    import re

    assert re.search(message, result.stderr), result.stderr


def test_a_folder_that_cannot_be_written_is_refused_first(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("success", "-o", tmp_path / "file" / "out")
    assert result.exit_code == 2
    assert "-o" in result.stderr


def test_tasks_that_cannot_be_kept_are_one_line(tmp_path, monkeypatch):
    (tmp_path / "tasks").write_text("")
    result = run("success", *SMALL, "-o", tmp_path)
    assert result.exit_code == 2
    assert result.stderr == f"talweg: -o {tmp_path / 'tasks'}: File exists\n"

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tasks, "write_archive", full)
    out = tmp_path / "out"
    result = run("success", *SMALL, "-o", out)
    assert result.exit_code == 2
    assert result.stderr == f"talweg: -o {out}: No space left on device\n"


def test_interrupt_then_the_same_command(tmp_path):
    out = tmp_path / "out"
    line = ["--N", "48", "--alpha", "2,3", "--runs", "60", "--horizon", "400", "--no-plot"]
    process = subprocess.Popen(
        [sys.executable, "-m", "talweg", "phase-retrieval", "success", *line, "-o", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    limit = time.monotonic() + 60
    while time.monotonic() < limit and process.poll() is None:
        time.sleep(0.002)
        if len(list(out.glob("tasks/*.talweg"))) >= 2:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    kept = len(list(out.glob("tasks/*.talweg")))
    assert kept >= 2
    assert f"{kept} of 120 tasks are kept in {out}, the same command does the rest" in errors
    assert "Traceback" not in errors


def test_interrupt_without_a_folder(monkeypatch):
    def stopped(*arguments, **options):
        interrupt = KeyboardInterrupt()
        interrupt.result = experiments.thresholds([1.0], workers=1)
        raise interrupt

    monkeypatch.setattr(experiments, "success", stopped)
    result = run("success")
    assert result.exit_code == 130
    assert "1 of 1 tasks are lost: -o DIR would have kept them" in result.stderr
