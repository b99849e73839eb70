"""What `import talweg` brings in, and what it leaves until it is needed."""

import subprocess
import sys

import numpy as np
import pytest

import talweg
from talweg import _core

# Each of these costs from 20 ms to half a second to import.
EXPENSIVE = (
    "scipy",
    "sympy",
    "matplotlib",
    "networkx",
    "sklearn",
    "llvmlite",
    "rich",
    "typer",
    "click",
    "tqdm",
    "jax",
    "torch",
    "numba",
    "multiprocessing",
    "concurrent.futures",
    "asyncio",
    "importlib.metadata",
    "importlib.resources",
)


def run(script):
    """Run a script in a fresh interpreter and return the lines that it prints."""
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.fixture(scope="module")
def modules_of_talweg():
    before = "import sys, numpy; before = set(sys.modules); import talweg; "
    return set(run(before + "print(*(set(sys.modules) - before))"))


@pytest.mark.parametrize("name", EXPENSIVE)
def test_expensive_modules_wait_for_their_use(modules_of_talweg, name):
    assert name not in modules_of_talweg


@pytest.mark.parametrize("name", ["talweg.checks", "talweg.phase_retrieval", "talweg.reports"])
def test_packages_of_many_modules_wait_for_their_use(modules_of_talweg, name):
    assert name not in modules_of_talweg
    assert run(f"import talweg; print({name}.__name__)") == [name]


def test_numpy_and_the_standard_library_are_enough(modules_of_talweg):
    allowed = {"talweg", "numpy", *sys.stdlib_module_names}
    # pybind11 registers its own type helpers under names of their own.
    foreign = {name for name in modules_of_talweg if name.split(".")[0] not in allowed}
    assert not {name for name in foreign if "pybind11" not in name}


def test_every_public_name_exists():
    for name in talweg.__all__:
        assert getattr(talweg, name) is not None, name
    assert len(set(talweg.__all__)) == len(talweg.__all__)
    assert set(talweg.__all__) <= set(dir(talweg))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = talweg.no_such_name


def test_import_leaves_numpy_settings_alone():
    assert np.geterr() == {
        "divide": "warn",
        "over": "warn",
        "under": "ignore",
        "invalid": "warn",
    }


def test_status_codes_are_those_of_the_core():
    assert {status.name.lower(): status.value for status in talweg.Status} == {
        status.name: status.value for status in _core.Status
    }
    assert talweg.Status(107) is talweg.Status.INTERRUPTED
    for status in _core.Status:
        sentence = _core.describe(status)
        assert sentence.endswith(".")
        assert "Unknown" not in sentence
