"""Recorded functions as machine code, in process (extra `jit`: llvmlite).

The core asks for the code of a program when it first runs it, and gets addresses of functions that
it calls from any thread without Python: `engine` makes them, `stage` writes the loop over lanes,
`instructions` what is done in it, `elementary` the functions in line, `writer` LLVM's language.
`descent_loop` writes whole descents by the steps of `descent_step`, of programs that `linear_forms`
has taken apart, with what `descent_measures` follows on the way.
"""

from __future__ import annotations

from typing import Any

from talweg import _core


def available() -> bool:
    """Whether llvmlite can be used."""
    try:
        require()
    except ImportError:
        return False
    return True


def require() -> None:
    """Raise ImportError where llvmlite cannot be used."""
    from talweg.machine_code.engine import llvm

    try:
        llvm()
    except ImportError as error:
        raise ImportError(
            f"f.compile() needs llvmlite: pip install talweg[jit] ({error})"
        ) from error


def compile_core(core: Any) -> None:
    """From now on the programs of a new objective of recorded operations are compiled on first use."""
    from talweg.machine_code.engine import compile_stages

    require()
    _core.compile_with(core, compile_stages)
