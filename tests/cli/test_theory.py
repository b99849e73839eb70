"""talweg theory, as a user types it."""

import json
import os
import re

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from click.testing import CliRunner

from talweg.cli.commands import talweg as command

FILE = """
def bowl(x):
    return (x[0]**2 + 3*x[1]**2)/2 + 0.4*x[0]**2*x[1]

def slope(x):
    return x[0] + 2*x[1]

def line(x):
    return x[0]**2
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_the_closing_line_says_what_would_be_written():
    words = "(nothing saved: -o DIR writes theory.md, theory.json"
    lines = run("theory", "toy", "--no-runs").stdout.splitlines()
    assert lines[-1] == f"{words} and pictures)"
    lines = run("theory", "toy", "--no-runs", "--no-plot").stdout.splitlines()
    assert lines[-1] == f"{words})"


def test_report_of_an_own_function(file, tmp_path):
    out = tmp_path / "out"
    result = run("theory", "mine.py:bowl", "--bounds", "-0.5,0.5 -0.5,0.5", "-o", out)
    assert result.exit_code == 0, result.output
    pictures = [f"minimum-0-{kind}.png" for kind in ("steps", "curves", "angles", "volume", "film")]
    assert sorted(os.listdir(out)) == sorted(["theory.json", "theory.md", *pictures])
    for name in os.listdir(out):
        assert f"wrote {out / name}" in result.stdout
    for part in (
        *("Spectrum", "Step lengths", "Predictions", "Predicted and measured", "agrees"),
        *("gradient flow", "descent above the bound", "heavy ball", "noise", "log volume"),
    ):
        assert part in result.stdout
    document = json.loads((out / "theory.json").read_text(encoding="utf-8"))
    (minimum,) = document["minima"]
    assert minimum["bounds"]["stability"] == pytest.approx(2 / 3)
    assert minimum["point"]["type"] == "minimum"
    assert document["counts"]["disagrees"] == 0
    text = (out / "theory.md").read_text(encoding="utf-8")
    assert text.startswith("# Theory and measurement: mine.py:bowl\n")
    assert f"{document['counts']['agrees']} agree" in text
    assert all(f"]({name})" in text for name in pictures)


def test_predictions_alone_are_quick_and_say_so():
    result = run("theory", "himmelblau", "--no-runs", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert [one["measurements"] for one in document["minima"]] == 4 * [[]]
    assert document["measured"] is False
    printed = run("theory", "himmelblau", "--no-runs").stdout
    assert "Predicted and measured" not in printed
    assert "4 minima" in printed


def test_at_takes_the_minimum_there():
    result = run("theory", "himmelblau", "--no-runs", "--json", "--at", "3,2", "--at", "-2.8,3.1")
    assert result.exit_code == 0, result.output
    at = [one["point"]["x"] for one in json.loads(result.stdout)["minima"]]
    assert at[0] == pytest.approx([3.0, 2.0])
    assert at[1] == pytest.approx([-2.805118, 3.131313], abs=1e-5)


def test_quiet_says_nothing(tmp_path):
    result = run("theory", "toy", "--no-runs", "-q", "--no-plot", "-o", tmp_path)
    assert (result.exit_code, result.output) == (0, "")
    assert sorted(os.listdir(tmp_path)) == ["theory.json", "theory.md"]


def test_without_a_minimum_it_says_so(file):
    result = run("theory", "mine.py:slope", "--bounds", "-1,1 -1,1")
    assert result.exit_code == 1
    assert "No nondegenerate minimum was found in the box" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tooy"], r"'tooy'.*did you mean toy"),
        (
            ["toy", "--at", "2,-1"],
            r"--at: want a nondegenerate minimum, \[2, -1\] leads to: saddle",
        ),
        (["toy", "--at", "1,2,3"], "toy has 2, --at has 3"),
        (["toy", "--at", "1,x"], "--at: 'x' in '1,x' is no number"),
        (["mine.py:slope", "--at", "0,0", "--bounds", "-1,1"], "leads to: no critical point"),
        (["toy", "--max-order", "1"], "--max-order: 1, wanted 2 to 12"),
        (["toy", "--max-order", "13"], "--max-order: 13"),
        (["toy", "--gap", "1"], "--gap: 1, wanted 0 or more and below 1"),
        (["toy", "--gap", "nan"], "--gap: nan"),
        (["toy", "--seed", "-1"], "--seed: -1, wanted at least 0"),
        (["toy", "--workers", "0"], "--workers: 0, wanted at least 1"),
        (["mine.py:line", "--bounds", "-1,1"], "at least two coordinates"),
        (["mine.py:bowl"], "where to look"),
        (["missing.py:f", "--bounds", "0,1"], "missing.py: no such file"),
    ],
)
def test_requests_that_cannot_be_met(file, arguments, message):
    result = run("theory", "--no-runs", *arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert re.search(message, result.stderr, re.DOTALL), result.stderr
    assert result.stderr.startswith("talweg: ")


def test_interrupt_saves_what_was_done(interrupted):
    _, files = interrupted(["theory", "toy"], "talweg.reports.runs", "measure")
    assert files == ["theory.json", "theory.md"]
    document = json.loads((interrupted.out / "theory.json").read_text(encoding="utf-8"))
    assert document["interrupted"] is True
    assert len(document["minima"]) == 1
    assert "Interrupted" in (interrupted.out / "theory.md").read_text(encoding="utf-8")


def test_interrupt_before_anything_is_done(interrupted):
    _, files = interrupted(["theory", "toy"], "talweg.reports", "theory_report")
    assert files == []


def test_interrupt_before_the_work_begins_has_the_same_code(monkeypatch):
    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("talweg.cli.theory.Output", stopped)
    found = run("theory", "toy")
    assert found.exit_code == 130
    assert "interrupted" in found.stderr and "Aborted" not in found.stderr
