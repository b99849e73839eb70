"""talweg descend, as a user types it."""

import json
import math
import os
import re

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from click.testing import CliRunner

import talweg
from talweg.cli.commands import talweg as command

FILE = """
def bowl(x):
    return (x[0]**2 + 4*x[1]**2)/2 + x[0]**2*x[1]/10

def slope(x):
    return x[0] + 2*x[1]
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def descend(*arguments):
    result = run("descend", *arguments, "--json")
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def test_files_say_what_the_python_calls_say(tmp_path):
    result = run("descend", "himmelblau", "--seed", 3, "-o", tmp_path)
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir(tmp_path)) == ["descend.json", "descend.png", "descend.talweg"]
    report = talweg.load(tmp_path / "descend.talweg")
    f = talweg.surfaces.himmelblau()
    parameters = report.parameters
    again = talweg.descend(
        f, report.starts, parameters["step_length"], parameters["steps"],
        gtol=parameters["gtol"], log_volume=True,
    )  # fmt: skip
    assert np.array_equal(again.x, report.x)
    assert np.array_equal(again.log_volume, report.log_volume)
    # Each end is next to the minimum that it is said to be next to, by distance.
    minima = np.array([p.x for p in report.minima])
    distance = np.linalg.norm(report.x[:, None] - minima[None], axis=2)
    assert np.array_equal(distance.argmin(axis=1), report.minimum)
    assert distance.min(axis=1)[report.status == 0].max() < 1e-6
    document = json.loads((tmp_path / "descend.json").read_text(encoding="utf-8"))
    assert np.array_equal(document["x"], report.x)
    assert sum(code == "converged" for code in document["status"]) == (report.status == 0).sum()


def test_default_steps_follow_the_stated_rule(file):
    found = descend("mine.py:bowl", "--bounds", "-1,1 -1,1", "--n-starts", 50)
    f = talweg.Objective(lambda x: (x[0] ** 2 + 4 * x[1] ** 2) / 2 + x[0] ** 2 * x[1] / 10, 2)
    largest = max(np.linalg.eigvalsh(f.hess(np.array(x)))[-1] for x in found["starts"])
    step = found["parameters"]["step_length"]
    assert math.isclose(step, 1.0 / largest, rel_tol=1e-12)
    assert found["parameters"]["steps"] == math.ceil(math.log(1e-9) / math.log(1 - step))


def test_volumes_shrink_as_predicted(file):
    steps = descend("mine.py:bowl", "--bounds", "-1,1 -1,1", "--step-length", 0.1)
    (change,) = steps["volume_change"]
    assert math.isclose(change["predicted"], math.log(0.9) + math.log(0.6), rel_tol=1e-12)
    # Late in a descent what third derivatives do has gone like the distance.
    assert abs(change["measured"] / change["predicted"] - 1) < 1e-3
    flow = descend("mine.py:bowl", "--bounds", "-1,1 -1,1", "--flow")
    (change,) = flow["volume_change"]
    assert math.isclose(change["predicted"], -5.0, rel_tol=1e-12)
    assert abs(change["measured"] / change["predicted"] - 1) < 1e-3
    heavy = descend("mine.py:bowl", "--bounds", "-1,1 -1,1", "--momentum", 0.5)
    (change,) = heavy["volume_change"]
    assert math.isclose(change["measured"], 2 * math.log(0.5), rel_tol=1e-9)


def test_a_start_and_no_box(file):
    found = descend("mine.py:bowl", "--start", "1,0.2", "--start", "-0.5,0.1", "--steps", 400)
    assert found["minimum"] == [0, 0]
    assert found["bounds"] is None
    assert found["starts"] == [[1.0, 0.2], [-0.5, 0.1]]


def test_quiet_and_the_same_file_twice(tmp_path):
    for name, workers in (("a", 1), ("b", 2)):
        result = run(
            *("descend", "toy", "--bounds", "-1,1 -1,1", "--noise", 0.01, "--steps", 50),
            *("-q", "--no-plot", "-o", tmp_path / name, "--workers", workers),
        )
        assert (result.exit_code, result.output) == (0, "")
    a, b = ((tmp_path / name / "descend.talweg").read_bytes() for name in "ab")
    assert a == b


def test_trouble_is_said_and_the_code_is_one(file, tmp_path):
    steep = run("descend", "toy", "--bounds", "-1,1 -1,1", "--step-length", 3, "-o", tmp_path / "a")
    assert steep.exit_code == 1
    assert "ran off: the function may fall without bound, or the step is too long" in steep.stderr
    assert "descend.talweg" in os.listdir(tmp_path / "a")
    none = run("descend", "mine.py:slope", "--bounds", "-1,1 -1,1", "--step-length", 0.1)
    assert none.exit_code == 1
    assert "No nondegenerate minimum was found in the box" in none.stderr
    short = run("descend", "toy", "--bounds", "-1,1 -1,1", "--steps", 1)
    assert short.exit_code == 1
    assert "ended next to none of the minima; more steps may help" in short.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tooy"], r"'tooy'.*did you mean toy"),
        (["toy", "--step-length", "0"], "--step-length: want a positive finite number, got 0.0"),
        (["toy", "--step-length", "-1"], "--step-length: want a positive"),
        (["toy", "--step-length", "nan"], "--step-length: want a positive"),
        (["toy", "--steps", "0"], "--steps: want"),
        (["toy", "--momentum", "1"], "--momentum: want 0 <= momentum < 1, got 1"),
        (["toy", "--momentum", "-0.1"], "--momentum"),
        (["toy", "--noise", "-1"], "--noise: want a finite number from 0 on"),
        (["toy", "--gtol", "-1"], "--gtol"),
        (["toy", "--n-starts", "0"], "--n-starts: want"),
        (["toy", "--n-starts", "9", "--start", "1,1"], "--n-starts: random starts"),
        (["toy", "--seed", "-1"], "--seed: -1, wanted at least 0"),
        (["toy", "--workers", "0"], "--workers: 0, wanted at least 1"),
        (["toy", "--time", "2"], "--time: descent has steps"),
        (["toy", "--flow", "--time", "0"], "--time: want a positive"),
        (["toy", "--flow", "--momentum", "0.5"], "gradient flow has none"),
        (["toy", "--flow", "--steps", "5"], "--step-length, --steps: gradient flow has a time"),
        (["mine.py:slope", "--flow", "--bounds", "-1,1 -1,1"], "--time: no minimum was found"),
        (["mine.py:slope", "--bounds", "-1,1 -1,1"], "--step-length: no curvature"),
        (["toy", "--start", "1,2,3"], "toy has 2, --start has 3"),
        (["mine.py:bowl"], "where to look"),
        (["missing.py:f", "--bounds", "0,1"], "missing.py: no such file"),
    ],
)
def test_requests_that_cannot_be_met(file, arguments, message):
    result = run("descend", *arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert re.search(message, result.stderr, re.DOTALL), result.stderr
    assert result.stderr.startswith("talweg: ")


def test_interrupt_saves_what_was_done(interrupted):
    _, files = interrupted(["descend", "himmelblau"], "talweg.reports.descents", "descend", "after")
    assert files == ["descend.talweg"]
    report = talweg.load(interrupted.out / "descend.talweg")
    assert report.interrupted
    assert "Interrupted" in report.message
    assert (report.minimum >= 0).all()


def test_interrupt_before_anything_is_done(interrupted):
    _, files = interrupted(["descend", "himmelblau"], "talweg.reports.descents", "descend")
    assert files == []
