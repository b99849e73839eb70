"""talweg trace, as a user types it."""

import json
import os
import re

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from click.testing import CliRunner

import talweg
from talweg.cli.commands import talweg as command


def run(*arguments):
    return CliRunner().invoke(command, ["trace", *(str(argument) for argument in arguments)])


def test_it_is_the_python_call(tmp_path):
    out = tmp_path / "out"
    result = run("toy", "--start", "0,0", "--direction", "-1", "--max-step", 0.1, "-o", out)
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir(out)) == ["trace.json", "trace.png", "trace.talweg"]
    curve = talweg.load(out / "trace.talweg")
    expected = talweg.trace(talweg.surfaces.toy(), [0.0, 0.0], direction=-1, max_step=0.1)
    assert np.array_equal(curve.x, expected.x)
    assert "reached the boundary" in result.stdout


def test_a_direction_leads_out_of_a_repeated_eigenvalue(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def f(x):\n    return x[0]**2 + x[1]**2 + x[0]**3 - 2*x[0]*x[1]**2\n")
    box = ["--bounds", "-0.3,0.3", "--start", "0,0", "--json"]
    result = run(path, *box, "--direction", "1,0.01")
    assert result.exit_code == 0, result.output
    x = np.array(json.loads(result.stdout)["x"])
    assert np.abs(x[:, 1]).max() < 1e-12 and x[-1, 0] == pytest.approx(0.3)


def test_a_talweg_both_ways():
    result = run("toy", "--start", "2,-1", "--branch", 1, "--as-talweg", "--json")
    assert result.exit_code == 0, result.output
    curve = json.loads(result.stdout)
    assert curve["events"][-1]["kind"] == curve["events"][0]["kind"] == "level_fold"
    assert "level fold" in curve["message"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["toy"], "toy: where to start.*--start"),
        (["toy", "--start", "0,0", "--direction", "up"], r"--direction: 'up'; wanted \+1, -1"),
        (["toy", "--start", "0,0", "--direction", "1,2,3"], r"--direction: want shape \(2,\)"),
        (["toy", "--start", "0,0", "--direction", "0,0"], "--direction: want a vector that is"),
        (["toy", "--start", "0,0", "--branch", "2"], "--branch: want -2 to 1"),
        (["toy", "--start", "9,0"], "--start: .*outside the bounds"),
        (["toy", "--start", "0,0", "--as-talweg", "--direction", "1"], "goes both ways"),
        (["toy", "--start", "0"], "toy has 2, --start has 1"),
    ],
)
def test_requests_that_cannot_be_met(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2 and result.stdout == ""
    assert re.search(message, result.stderr, re.DOTALL), result.stderr


def test_trouble_is_exit_code_1():
    result = run("toy", "--start", "0,0.414213562373095", "--branch", "1", "-q")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "The start is no critical point" in result.stderr
