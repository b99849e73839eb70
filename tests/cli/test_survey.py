"""talweg survey and talweg surfaces, as a user types them."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from click.testing import CliRunner

import talweg
from talweg.cli.commands import talweg as command
from talweg.extremals.results import Survey

TOY_BOX = ["--bounds", "-3,3 -3,3"]

FILE = """
import numpy as np

def toy(x):
    return (x[0]**2 + 2*x[1]**2)/2 + x[0]**2*x[1]/2

def vector(x):
    return np.array([x[0], x[1]])

def word(x):
    return "high"

def nowhere(x):
    return np.log(-1 - x[0]**2)

def broken(x):
    return inner(x)

def inner(x):
    return x[0] / undefined_name

def branching(x):
    return x[0]**2 if x[0] > 0 else x[1]

def _hidden(x):
    return x[0]

number = 3
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def refused(*arguments):
    """The message of a refusal, which is no traceback of talweg's own."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def test_catalogue_surface_ends_as_files(tmp_path):
    out = tmp_path / "out"
    result = run("survey", "toy", *TOY_BOX, "-o", out)
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir(out)) == ["survey.json", "survey.png", "survey.talweg"]
    for name in os.listdir(out):
        assert f"wrote {out / name}" in result.stdout
    for part in ("Critical points", "minimum", "Gradient extremals", "Talwegs between", "talweg"):
        assert part in result.stdout
    survey = talweg.load(out / "survey.talweg")
    expected = talweg.survey(talweg.surfaces.toy(), bounds=[(-3, 3), (-3, 3)], rng=0)
    assert len(survey.extremals) == len(expected.extremals)
    for ours, theirs in zip(survey.extremals, expected.extremals, strict=True):
        assert np.array_equal(ours.x, theirs.x)
    x = np.array([0.3, -0.4])
    assert survey.f(x) == expected.f(x)
    document = json.loads((out / "survey.json").read_text(encoding="utf-8"))
    assert len(document["critical_points"]) == 3


def test_own_function_gives_the_same_as_the_catalogue(file, tmp_path):
    result = run("survey", f"{file}:toy", *TOY_BOX, "-o", tmp_path / "a", "--no-plot")
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir(tmp_path / "a")) == ["survey.json", "survey.talweg"]
    survey = talweg.load(tmp_path / "a" / "survey.talweg")
    at = sorted(tuple(np.round(point.x, 12)) for point in survey.critical_points)
    assert at == [(-2.0, -1.0), (0.0, 0.0), (2.0, -1.0)]


def test_relative_path_without_folder_and_one_pair_for_all(file):
    result = run("survey", "mine.py:toy", "--bounds", "-3,3", "--n", 2, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["bounds"] == [[-3.0, 3.0], [-3.0, 3.0]]
    assert len(document["critical_points"]) == 3


def test_start_stands_in_for_a_box(file):
    result = run(
        "survey",
        "mine.py:toy",
        "--start",
        "0.1,0.1",
        "--branches",
        "0",
        "--max-length",
        1,
        "--json",
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["bounds"] is None
    assert {h["branch"] for h in document["half_branches"] if h["critical_point"] == 0} == {0}


def test_quiet_says_nothing(tmp_path):
    result = run("survey", "toy", *TOY_BOX, "-q", "-o", tmp_path, "--no-plot")
    assert (result.exit_code, result.output) == (0, "")


def test_same_run_same_file(tmp_path):
    for name, workers in (("a", 1), ("b", 2)):
        run(
            "survey",
            "toy",
            *TOY_BOX,
            "-q",
            "--no-plot",
            "-o",
            tmp_path / name,
            "--workers",
            workers,
        )
    a, b = ((tmp_path / name / "survey.talweg").read_bytes() for name in "ab")
    assert a == b


def test_without_critical_points_it_says_so(file, tmp_path):
    file.write_text("def slope(x):\n    return x[0] + x[1]\n", encoding="utf-8")
    result = run("survey", "mine.py", "--bounds", "-1,1 -1,1", "-o", tmp_path / "o")
    assert result.exit_code == 1
    assert "No critical point was found in the box" in result.stderr
    assert sorted(os.listdir(tmp_path / "o")) == ["survey.json", "survey.png", "survey.talweg"]
    assert talweg.load(tmp_path / "o" / "survey.talweg").critical_points == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tooy"], r"'tooy'.*did you mean toy"),
        (["rosenbrok"], "did you mean rosenbrock"),
        (["toy", "--n", "3"], r"--n: toy has n = 2, not 3"),
        (["rosenbrock", "--n", "1"], r"--n: rosenbrock has n = 2, not 1"),
        (["toy", "--bounds", "-1,1 -1,1 0,1"], "toy has 2, --bounds has 3"),
        (["toy", "--bounds", "1,-1 0,1"], "--bounds: '1,-1' is reversed; wanted lower < upper"),
        (["toy", "--bounds", "0,0 0,1"], "--bounds: '0,0' is empty"),
        (["toy", "--bounds", "nan,1 0,1"], "'nan' in 'nan,1' is not finite"),
        (["toy", "--bounds", "0,inf 0,1"], "not finite"),
        (["toy", "--bounds", "a,1 0,1"], "'a' in 'a,1' is no number"),
        (["toy", "--bounds", "0 1"], "'0' is no pair"),
        (["toy", "--bounds", ""], "--bounds: empty"),
        (["toy", "--start", "1,2,3"], "toy has 2, --start has 3"),
        (["toy", "--start", "1,x"], "'x' in '1,x' is no number"),
        (["toy", "--branches", "soft"], "--branches: 'soft'; wanted 'all' or branch numbers"),
        (["toy", "--branches", "5"], "branch"),
        (["toy", "--max-step", "0"], "--max-step: 0, wanted more than 0"),
        (["toy", "--max-step", "nan"], "--max-step: nan, wanted more than 0"),
        (["toy", "--max-length", "-1"], "--max-length: -1"),
        (["toy", "--workers", "0"], "--workers: 0, wanted at least 1"),
        (["logistic:brest-cancer"], "did you mean breast-cancer"),
        (["missing.py:f", "--bounds", "0,1"], "missing.py: no such file"),
        (["mine.py:tyo", "--bounds", "0,1"], "no function 'tyo'; did you mean toy"),
        (["mine.py", "--bounds", "0,1"], "which function.*broken, inner, .*toy"),
        (["lennard-jones"], r"lennard-jones has no box of its own.*--bounds.*--start"),
        (["toy", "--max-points", "0"], "--max-points: 0, wanted more than 0"),
        (["toy", "--max-starts", "0"], "--max-starts: 0, wanted at least 1"),
        (["toy", "--tolerance", "1"], "--tolerance: want at most 1e-3, got 1"),
        (["toy", "--near-branch-distance", "nan"], "--near-branch-distance: nan"),
        (["toy", "--seed", "-1"], "--seed: -1, wanted at least 0"),
        (["mine.py:toy", "--start", "0,0"], "--max-length: want the arclength"),
        (["mine.py:toy", "--start", "9,9", "--bounds", "nan,1"], "--bounds: 'nan'"),
        (["mine.py:number", "--bounds", "0,1"], "number is a int, wanted a function"),
        (["mine.py:toy"], "where to look"),
        (["mine.py:toy", "--bounds", "0,1 0,1", "--n", "3"], "--n has 3, --bounds has 2"),
        (["mine.py:toy", "--start", "1,2", "--start", "1"], "different numbers of coordinates"),
        (
            ["mine.py:vector", "--bounds", "0,1 0,1"],
            r"returns an array of shape \(2,\), wanted one",
        ),
        (["mine.py:word", "--bounds", "0,1 0,1"], "returns str 'high', wanted one real number"),
        (["mine.py:nowhere", "--bounds", "0,1 0,1"], "not finite at any of 64 points in the box"),
        (["mine.py:branching", "--bounds", "-1,1 -1,1"], "mine.py:branching: .*where"),
        (["mine.py:toy", "--bounds", "0,1"], "raises at x"),
    ],
)
def test_requests_that_cannot_be_met(file, arguments, message):
    text = refused("survey", *arguments)
    assert re.search(message, text, re.DOTALL), text
    assert text.startswith("talweg: ")
    assert "site-packages" not in text


def test_a_function_that_raises_shows_its_own_lines(file):
    text = refused("survey", "mine.py:broken", "--bounds", "0,1 0,1")
    assert "return x[0] / undefined_name" in text
    assert "NameError: name 'undefined_name' is not defined" in text
    assert "targets.py" not in text


def test_a_file_that_does_not_import_shows_its_own_lines(file):
    file.write_text("import nothing_of_this_name\n", encoding="utf-8")
    text = refused("survey", "mine.py:f", "--bounds", "0,1")
    assert "import nothing_of_this_name" in text
    assert "ModuleNotFoundError" in text
    file.write_text("def f(x:\n", encoding="utf-8")
    assert "SyntaxError" in refused("survey", "mine.py:f", "--bounds", "0,1")


def test_output_that_is_a_file_is_refused(file):
    assert "mine.py" in run("survey", "toy", "-o", file).stderr
    assert run("survey", "toy", "-o", file).exit_code == 2


def test_surfaces_lists_the_catalogue():
    result = run("surfaces")
    assert result.exit_code == 0
    names = [entry.name for entry in talweg.surfaces.catalogue()]
    for name in names:
        assert name in result.stdout
    listed = json.loads(run("surfaces", "--json").stdout)
    assert [entry["name"] for entry in listed] == names
    for entry in listed:
        assert talweg.surfaces.by_name(entry["name"]).n == entry["n"]


def test_logistic_regression_is_surveyed_from_its_minimum(monkeypatch):
    pytest.importorskip("sklearn")
    asked = {}

    def survey(f, **options):
        asked.update(options, f=f)
        return Survey([*talweg.critical_points(f, starts=options["starts"])], [])

    monkeypatch.setattr(talweg, "survey", survey)
    assert run("survey", "logistic:breast-cancer").exit_code == 0
    assert asked["f"].n == 31
    assert asked["branches"] == [0, -1]
    assert asked["max_length"] > 0
    (start,) = asked["starts"]
    assert np.linalg.norm(asked["f"].grad(start)) < 1e-12


def test_kinks_are_named(file):
    file.write_text(
        "import numpy as np\ndef f(x):\n    return np.abs(x[0])**3 + x[0]**2 + x[1]**2*(2 + x[0])\n"
    )
    result = run("survey", "mine.py:f", "--bounds", "-0.9,1 -1,1")
    assert "f has kinks (abs)" in result.stderr
    assert "f has kinks (abs)" not in run("survey", "toy").stderr


def test_a_file_with_several_functions_gives_its_f(file):
    file.write_text("def g(x):\n    return x[0]\ndef f(x):\n    return x[0]**2 + 2*x[1]**2\n")
    result = run("survey", "mine.py", "--bounds", "-1,1 -1,1", "--json")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["critical_points"]) == 1
    file.write_text("number = 3\n")
    assert "no function is defined" in refused("survey", "mine.py", "--bounds", "0,1")


def test_numbers_reach_the_python_call(monkeypatch):
    asked = {}

    def survey(f, **options):
        asked.update(options)
        return Survey((), (), bounds=f.bounds)

    monkeypatch.setattr(talweg, "survey", survey)
    given = {
        "max_step": 0.02,
        "max_points": 300,
        "max_length": 2.0,
        "near_branch_distance": 0.3,
        "tolerance": 1e-11,
        "max_starts": 77,
        "workers": 1,
    }
    flags = [part for k, v in given.items() for part in (f"--{k.replace('_', '-')}", v)]
    run("survey", "toy", "--seed", 5, *flags)
    assert {k: asked[k] for k in given} == given
    assert asked["rng"] == 5


def test_interrupt_saves_what_was_done(interrupted):
    said, files = interrupted(["survey", "toy", *TOY_BOX], "talweg", "survey", "after")
    # Only what is quick: no tables, JSON or picture after Ctrl-C.
    assert files == ["survey.talweg"]
    assert len(talweg.load(interrupted.out / "survey.talweg").critical_points) == 3
    assert "the partial result (3 critical points, 3 curves)" in said


def test_interrupt_before_anything_is_done(interrupted):
    _, files = interrupted(["survey", "toy", *TOY_BOX], "talweg", "survey")
    assert files == []


def test_ctrl_c_in_the_middle(tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "talweg", "survey", "phi4-chain-8", "-o", str(out)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        while not out.exists():
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert output == ""
    assert "interrupted; the partial result" in errors
    partial = talweg.load(out / "survey.talweg")
    assert partial.status == talweg.Status.INTERRUPTED
    assert f"({len(partial.critical_points)} critical points" in errors


@pytest.mark.parametrize(
    "arguments", [["--help"], *([name, "--help"] for name in ("survey", "trace", "surfaces"))]
)
def test_help(arguments):
    result = run(*arguments)
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "sys.argv = ['talweg', '--help']\n"
        "from talweg.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'scipy', 'matplotlib', 'rich.table', 'networkx', 'sympy', 'tqdm', 'sklearn'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_missing_packages_are_named():
    code = "import sys\nsys.modules['rich'] = None\nfrom talweg.cli import main\nmain()\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "talweg: the command line needs rich: pip install 'talweg[cli]'" in done.stderr
