"""The version that files are stamped with."""

from __future__ import annotations


def talweg_version() -> str:
    """talweg's version; "unknown" when it runs from a source tree that was never installed."""
    import importlib.metadata

    try:
        return importlib.metadata.version("talweg")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
