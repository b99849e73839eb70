"""Every example runs: in the docstrings of the package, docs/*.md, README.md, and examples/."""

import doctest
import importlib
import os
import pkgutil
import re
import runpy
import sys
from pathlib import Path

import pytest

import talweg

REPOSITORY = Path(__file__).parents[1]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("**/*.md"))]
MODULES = sorted(
    name
    for _, name, _ in pkgutil.walk_packages(talweg.__path__, "talweg.")
    # Compiled modules have no examples of their own; __main__ is a program.
    if name.rsplit(".")[-1] not in ("_core", "_lapack", "__main__")
)


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path, monkeypatch):
    """Examples may write files, and leave figures open."""
    monkeypatch.chdir(tmp_path)
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def run(test):
    report = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    result = runner.run(test, out=report.append)
    assert result.failed == 0, "".join(report)
    return result.attempted


@pytest.mark.parametrize("name", ["talweg", *MODULES])
def test_docstrings(name):
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        run(test)


def blocks(text):
    """Yield (line, code) for each fenced Python block of a Markdown document."""
    for match in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start()) + 1, match[1]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: os.path.relpath(path, REPOSITORY))
def test_documents(path):
    # One session a document: later blocks may use names of earlier ones.
    session = {"__name__": "__main__"}
    for line, code in blocks(path.read_text(encoding="utf-8")):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, session, path.name, str(path), line)
            runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
            report = []
            result = runner.run(test, out=report.append, clear_globs=False)
            assert result.failed == 0, "".join(report)
            session.update(test.globs)
        else:
            exec(compile("\n" * line + code, str(path), "exec"), session)


# What each program prints on the way, from the published energies of the surface or by definition.
PRINTED = {
    "survey_a_surface": r"minima 1 and 2 meet at saddle 3, 35\.917784 and 8\.518878 above them",
    "step_a_tracer": r"inflection at .* error \de-1[3-6]",
    "logistic_regression": r"points, talweg throughout: True",
    "neural_network": r"Morse index 0\n",
    "invert_ammonia": r"saddle, index 1.*minimum at 0\.\d+ Å u\^\(1/2\), 0\.\d+ eV below the saddle\n",
}
NEEDED = {"invert_ammonia": "tblite.ase"}


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "examples").glob("*.py")), ids=lambda p: p.stem
)
def test_programs(path, monkeypatch, capsys, tmp_path):
    if path.stem in NEEDED:
        pytest.importorskip(NEEDED[path.stem], reason="needs what the example names")
    picture = tmp_path / "picture.png"
    takes_picture = "sys.argv" in path.read_text()
    monkeypatch.setattr(sys, "argv", [str(path), *([str(picture)] if takes_picture else [])])
    runpy.run_path(str(path), run_name="__main__")
    assert re.search(PRINTED[path.stem], capsys.readouterr().out, re.DOTALL)
    assert picture.exists() == takes_picture
