"""Commands that are interrupted at a certain place."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import importlib
import sys

from talweg.cli import main

module, name, when = sys.argv[1:4]
del sys.argv[1:4]
module = importlib.import_module(module)
real = getattr(module, name)

def stopped(*arguments, **options):
    stop = KeyboardInterrupt()
    if when == "after":
        stop.result = real(*arguments, **options)
    raise stop

setattr(module, name, stopped)
main()
"""


@pytest.fixture
def interrupted(tmp_path):
    """Run a command that saves in `out`, with Ctrl-C where it calls a function of the library.

    ``interrupted(arguments, "module", "function", when)``: before the call, or after it, with what
    it returned as the partial result. Returns the standard error and what is in `out` then. Where
    that is nothing the command has said so.
    """
    out = tmp_path / "out"

    def run(arguments, module, function, when="before"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, module, function, when, *arguments, "-o", str(out)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 130, done.stderr
        assert done.stdout == ""
        assert "interrupted" in done.stderr
        assert "Traceback" not in done.stderr
        files = sorted(os.listdir(out))
        nothing = "interrupted before there was anything to save" in done.stderr
        assert nothing == (not files), done.stderr
        return done.stderr, files

    run.out = out
    return run
