"""LLVM, through llvmlite."""

from __future__ import annotations

import functools
import platform
import sys
from collections.abc import Sequence
from typing import Any

from talweg import _core
from talweg.machine_code.elementary import shared_function
from talweg.machine_code.instructions import Instruction
from talweg.machine_code.stage import stage_function
from talweg.machine_code.writer import (
    SHARED,
    Target,
    call_through_memory,
    constant_table,
    declarations,
)

# LLVM 20, the first with opaque pointers only.
OLDEST = (0, 45)

# Longer programs stay interpreted: LLVM takes 0.1 to 0.2 ms an instruction.
MAX_INSTRUCTIONS = 30_000


@functools.cache
def target() -> Target:
    """The instruction set that the core's kernels use."""
    core = _core.vector_functions()
    return Target(
        core["vector_lanes"],
        core["instruction_set"] != "baseline",
        core["functions"],
        core["coefficients"],
    )


@functools.cache
def llvm() -> Any:
    """llvmlite's binding, ready for use; ImportError where there is none that will do."""
    import llvmlite
    import llvmlite.binding

    if tuple(int(part) for part in llvmlite.__version__.split(".")[:2]) < OLDEST:
        raise ImportError(f"llvmlite {llvmlite.__version__} is too old")
    llvmlite.binding.initialize_native_target()
    llvmlite.binding.initialize_native_asmprinter()
    return llvmlite.binding


# Constants beside the code need no registers, and may be so far away at most as llvmlite's own memory
# manager puts them.
_NEAR = platform.machine().lower() in ("x86_64", "amd64") and sys.platform != "win32"


def _machine() -> Any:
    binding = llvm()
    # Windows' object format is not among those that LLVM can load.
    triple = binding.get_process_triple() + ("-elf" if sys.platform == "win32" else "")
    return binding.Target.from_triple(triple).create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=2,
        reloc="pic" if _NEAR else "default",
        codemodel="small" if _NEAR else "jitdefault",
        jit=True,
    )


def assemble(texts: Sequence[str], called: set[str], table: dict[int, int]) -> str:
    """A module of functions with what they need: the core's functions they call, and constants."""
    vectors = target()
    parts = [declarations(vectors), *texts]
    if table:
        parts.append(constant_table(vectors, table))
    from_core = {function for function in called if not function.endswith(SHARED)}
    for function in sorted(called - from_core):
        text, called_there = shared_function(vectors, function.removesuffix(SHARED))
        parts.append(text)
        from_core |= called_there
    parts += [call_through_memory(vectors, function) for function in sorted(from_core)]
    return "\n".join(parts)


def module_text(stages: Sequence[tuple[Sequence[Instruction], Sequence[int]]]) -> str:
    """The stages of a program in LLVM's assembly language, functions stage0, stage1, ..."""
    texts: list[str] = []
    called: set[str] = set()
    table: dict[int, int] = {}
    for i, (instructions, places) in enumerate(stages):
        text, functions = stage_function(target(), f"stage{i}", instructions, places, table)
        texts.append(text)
        called |= functions
    return assemble(texts, called, table)


def load(text: str) -> Any:
    """The code of a module; `get_function_address(name)` of it holds as long as it lives."""
    module = llvm().parse_assembly(text)
    engine = llvm().create_mcjit_compiler(module, _machine(), use_lmm=True if _NEAR else None)
    engine.finalize_object()
    return engine


def compile_stages(
    stages: Sequence[tuple[Sequence[Instruction], Sequence[int]]],
) -> tuple[list[int], int, Any] | None:
    """What `_core.compile_with` asks for."""
    if sum(len(instructions) for instructions, _ in stages) > MAX_INSTRUCTIONS:
        return None
    engine = load(module_text(stages))
    addresses = [engine.get_function_address(f"stage{i}") for i in range(len(stages))]
    return addresses, target().vector_lanes, engine
