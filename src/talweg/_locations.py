"""Where the installed package keeps what C++ programs need."""

from __future__ import annotations

import os


def _installed(*parts: str) -> str:
    from importlib import resources  # costs more than the rest of `import talweg`

    # The package's own path is asked for here rather than __file__, which editable installs do
    # not always set to the tree that holds the compiled files.
    path = str(resources.files("talweg").joinpath(*parts))
    if not os.path.isdir(path):
        raise FileNotFoundError(
            f"{path} does not exist: talweg runs from a source tree. Install it with "
            "'pip install .' to get the headers, the library and the CMake package."
        )
    return path


def get_include() -> str:
    """Return the directory of talweg's C++ headers.

    Returns
    -------
    str
        Absolute path; ``#include "talweg/status.hpp"`` is found below it.

    Raises
    ------
    FileNotFoundError
        If talweg runs from a source tree instead of an installation.
    """
    return _installed("include")


def get_cmake_dir() -> str:
    """Return the directory of talweg's CMake package, for ``talweg_DIR``.

    Returns
    -------
    str
        Absolute path of the directory that holds ``talweg-config.cmake``. Configure a project with
        ``cmake -Dtalweg_DIR=$(python -c "import talweg; print(talweg.get_cmake_dir())")`` and
        link its target ``talweg::talweg``.

    Raises
    ------
    FileNotFoundError
        If talweg runs from a source tree instead of an installation.
    """
    return _installed("share", "cmake", "talweg")
