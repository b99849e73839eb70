"""Valley geometry of functions: gradient extremals, talwegs, valleys and descent through them."""

from __future__ import annotations

from talweg._core import Status, __version__

__all__ = ["Status", "__version__"]
