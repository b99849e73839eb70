"""What the installed package carries, and that another CMake project can build with it."""

import importlib.metadata
import importlib.resources
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import talweg

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def package():
    """Return the directory of the installed package."""
    try:
        installed = importlib.metadata.distribution("talweg")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("talweg runs from a source tree")
    assert installed.version == talweg.__version__
    return Path(os.fspath(importlib.resources.files("talweg")))


def build_and_run(source, program, build, *options):
    """Build a CMake project and return what its program prints."""
    # Programs that pip installed stand beside the interpreter, which need not be on the path.
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    common = {"check": True, "text": True, "env": {**os.environ, "PATH": path}}
    cmake = shutil.which("cmake", path=path)
    generator = ["-G", "Ninja"] if shutil.which("ninja", path=path) else []
    subprocess.run([cmake, "-S", source, "-B", build, *generator, *options], **common)
    subprocess.run([cmake, "--build", build], **common)
    return subprocess.run([build / program], capture_output=True, **common).stdout


def build_and_run_consumer(tmp_path, *options):
    printed = build_and_run(
        REPOSITORY / "tests" / "consumer", "consumer", tmp_path / "build", *options
    )
    # Its exit code says that the numbers are right; here is that it said something.
    for word in ("Morse index", "level_fold", "branch_point", "closed loop"):
        assert word in printed


def test_version_is_the_same_everywhere(package):
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["version"] == talweg.__version__
    config = Path(talweg.get_cmake_dir()) / "talweg-config-version.cmake"
    assert f'"{talweg.__version__}"' in config.read_text()


def test_every_public_header_is_installed(package):
    source = REPOSITORY / "csrc" / "include"
    headers = {path.relative_to(source) for path in source.rglob("*.h*")}
    include = Path(talweg.get_include())
    assert include == package / "include"
    assert {path.relative_to(include) for path in include.rglob("*.h*")} == headers
    assert headers


def test_library_cmake_package_and_types_are_installed(package):
    assert list((package / "lib").iterdir()) == [package / "lib" / "libtalweg.a"]
    assert Path(talweg.get_cmake_dir()) == package / "share" / "cmake" / "talweg"
    for name in ("py.typed", "_core.pyi", "pointers.pxd", "share/cmake/talweg/talweg-config.cmake"):
        assert (package / name).is_file(), name
    assert not list(package.rglob("*.cpp"))


def test_license_is_in_the_metadata(package):
    files = importlib.metadata.files("talweg") or []
    assert any(path.name == "LICENSE" for path in files)


def test_the_cmake_package_names_no_absolute_path(package):
    for path in Path(talweg.get_cmake_dir()).iterdir():
        text = path.read_text()
        assert str(package) not in text, path
        assert str(REPOSITORY) not in text, path


def test_cmake_projects_of_python_builds_find_it(package):
    (entry,) = importlib.metadata.entry_points(group="cmake.root", name="talweg")
    root = importlib.resources.files(entry.load())
    assert (root / "share" / "cmake" / "talweg" / "talweg-config.cmake").is_file()


def test_consumer_builds_against_the_installed_package(package, tmp_path):
    build_and_run_consumer(tmp_path, f"-Dtalweg_DIR={talweg.get_cmake_dir()}")


def test_consumer_builds_against_a_moved_copy(package, tmp_path):
    moved = tmp_path / "elsewhere"
    for part in ("include", "lib", "share"):
        shutil.copytree(package / part, moved / part)
    build_and_run_consumer(tmp_path, f"-DCMAKE_PREFIX_PATH={moved}")


@pytest.mark.parametrize("document", ["README.md", "docs/cpp.md"])
def test_the_program_of_a_document_builds_and_runs(package, tmp_path, document):
    """All C++ blocks of a document one after the other are the body of one program."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    lines = "\n".join(
        re.findall(r"^```cpp\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ).splitlines()
    outside = [line for line in lines if line.startswith("#include")]
    body = [line for line in lines if line not in outside]
    if not any("int main" in line for line in body):
        body = ["int main() {", *body, "}"]
    standard = [f"#include <{name}>" for name in ("atomic", "cstdio", "vector")]
    (tmp_path / "main.cpp").write_text("\n".join([*standard, *outside, *body]) + "\n")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.24)\nproject(document LANGUAGES CXX)\n"
        "find_package(talweg 0.1 REQUIRED)\nadd_executable(program main.cpp)\n"
        "target_link_libraries(program PRIVATE talweg::talweg)\n"
    )
    directory = f"-Dtalweg_DIR={talweg.get_cmake_dir()}"
    assert build_and_run(tmp_path, "program", tmp_path / "build", directory).strip()
