"""What the installed package carries, and that another CMake project can build with it."""

import importlib.metadata
import importlib.resources
import os
import shutil
import subprocess
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


def build_and_run(tmp_path, *options, **environment):
    """Build the consumer project and return what its program prints."""
    build = tmp_path / "build"
    common = {"check": True, "text": True, "env": {**os.environ, **environment}}
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    source = REPOSITORY / "tests" / "consumer"
    subprocess.run(["cmake", "-S", source, "-B", build, *generator, *options], **common)
    subprocess.run(["cmake", "--build", build], **common)
    return subprocess.run([build / "consumer"], capture_output=True, **common).stdout


def test_version_is_the_same_everywhere(package):
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["version"] == talweg.__version__
    config = Path(talweg.get_cmake_dir()) / "talweg-config-version.cmake"
    assert f'"{talweg.__version__}"' in config.read_text()


def test_every_public_header_is_installed(package):
    source = REPOSITORY / "csrc" / "include"
    headers = {path.relative_to(source) for path in source.rglob("*.hpp")}
    include = Path(talweg.get_include())
    assert include == package / "include"
    assert {path.relative_to(include) for path in include.rglob("*.hpp")} == headers
    assert headers


def test_library_cmake_package_and_types_are_installed(package):
    assert list((package / "lib").iterdir()) == [package / "lib" / "libtalweg.a"]
    assert Path(talweg.get_cmake_dir()) == package / "share" / "cmake" / "talweg"
    for name in ("py.typed", "_core.pyi", "share/cmake/talweg/talweg-config.cmake"):
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
    assert build_and_run(tmp_path, f"-Dtalweg_DIR={talweg.get_cmake_dir()}").strip()


def test_consumer_builds_against_a_moved_copy(package, tmp_path):
    moved = tmp_path / "elsewhere"
    for part in ("include", "lib", "share"):
        shutil.copytree(package / part, moved / part)
    assert build_and_run(tmp_path, f"-DCMAKE_PREFIX_PATH={moved}").strip()
