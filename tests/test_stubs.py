"""The type stubs of the compiled core name what the core has, no more and no less."""

import ast
import inspect
import os
from importlib import resources
from pathlib import Path

import pytest

from talweg import _core


def names_in(body):
    """Map the names that a stub's statements define to their nodes."""
    names = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = node
        elif isinstance(node, ast.Assign):
            names |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    return names


@pytest.fixture(scope="module")
def stub():
    path = Path(os.fspath(resources.files("talweg"))) / "_core.pyi"
    return names_in(ast.parse(path.read_text()).body)


def public(members):
    return {name for name in members if not name.startswith("_")}


def test_module(stub):
    assert public(stub) == public(vars(_core))


@pytest.mark.parametrize(
    "name", sorted(public(n for n, v in vars(_core).items() if inspect.isclass(v)))
)
def test_class(stub, name):
    assert public(names_in(stub[name].body)) == public(vars(getattr(_core, name)))
