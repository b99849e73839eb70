"""No function compiled for one instruction set may serve the rest of the program.

The linker keeps one copy of every weak symbol (inline functions, template instances). If that copy
came from a translation unit compiled for AVX-512, every machine without it would stop with an
illegal instruction, so such units must define nothing outside their own namespace.
"""

import importlib.resources
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
NAMESPACES = ("6talweg4avx2", "6talweg6avx512")
# nm's letters for weak symbols and for those kept once a program.
SHARED = set("WwVvu")


def symbols_by_member(listing):
    """Split nm's listing of an archive into [(member, [(letter, name)])], names as mangled."""
    members = []
    for line in listing.splitlines():
        if match := re.fullmatch(r"(\S+):", line):
            members.append((match[1], []))
        elif match := re.fullmatch(r"[0-9a-f]+ (\w) (\S+)", line):
            members[-1][1].append((match[1], match[2]))
    return members


def leaks(listing):
    """Return (member, symbol) for every shared symbol that leaves an instruction set's unit."""
    found = []
    for member, symbols in symbols_by_member(listing):
        for namespace in NAMESPACES:
            if any(letter == "T" and namespace in name for letter, name in symbols):
                found += [
                    (member, name)
                    for letter, name in symbols
                    if letter in SHARED and namespace not in name
                ]
    return found


@pytest.fixture(scope="module")
def listing():
    package = Path(os.fspath(importlib.resources.files("talweg")))
    candidates = [package / "lib" / "libtalweg.a", REPOSITORY / "build" / "dev" / "libtalweg.a"]
    library = next((path for path in candidates if path.is_file()), None)
    if library is None or shutil.which("nm") is None:
        pytest.skip("needs nm and the static library")
    command = ["nm", "--defined-only", library]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_check_sees_a_leak():
    leaking = "\na.cpp.o:\n0 T _ZN6talweg4avx23runEv\n0 W _ZNSt6vectorIdE4sizeEv\n"
    assert leaks(leaking) == [("a.cpp.o", "_ZNSt6vectorIdE4sizeEv")]
    own = "\na.cpp.o:\n0 T _ZN6talweg4avx23runEv\n0 W _ZN6talweg4avx21fIdEEvv\n"
    assert leaks(own) == []


def test_every_instruction_set_is_in_the_library(listing):
    for namespace in NAMESPACES:
        assert namespace in listing


def test_no_shared_symbol_leaves_an_instruction_set(listing):
    assert leaks(listing) == []
