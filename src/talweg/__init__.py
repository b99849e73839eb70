"""Valley geometry of functions: gradient extremals, talwegs, valleys and descent through them."""

from __future__ import annotations

from talweg._core import Status, __version__
from talweg._locations import get_cmake_dir, get_include

__all__ = ["Status", "__version__", "get_cmake_dir", "get_include"]
