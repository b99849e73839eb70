"""Valley geometry of functions: gradient extremals, talwegs, valleys and descent through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from talweg._core import __version__
from talweg._locations import get_cmake_dir, get_include
from talweg.status import Status

if TYPE_CHECKING:
    from talweg.io import load

__all__ = ["Status", "__version__", "get_cmake_dir", "get_include", "load"]

# Imported on first use: `import talweg` stays near NumPy's own time.
_LAZY = {"load": "talweg.io"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'talweg' has no attribute {name!r}")
