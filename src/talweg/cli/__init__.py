"""The command ``talweg``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Entry point of the command line."""
    try:
        import click  # noqa: F401
        import rich  # noqa: F401
    except ImportError as error:
        sys.exit(f"talweg: the command line needs {error.name}: pip install 'talweg[cli]'")
    from talweg.cli.commands import talweg

    talweg(prog_name="talweg")
