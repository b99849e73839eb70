"""How much memory there is, and errors where an array would not fit."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["NotEnoughMemory", "available_memory", "in_words", "require_memory"]


class NotEnoughMemory(MemoryError, ValueError):
    """An argument asks for more memory than there is."""


def available_memory() -> int | None:
    """Bytes that this process may still take without swapping, None where that is unknown."""
    found = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(1024 * int(line.split()[1]))
    except (OSError, ValueError):
        pass
    if not found:
        try:
            found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        except (AttributeError, OSError, ValueError):
            pass
    limit = _limit_of_the_control_group()
    if limit is not None:
        found.append(limit)
    return min(found, default=None)


def _limit_of_the_control_group() -> int | None:
    """What a container leaves, where there is one."""
    group = Path("/sys/fs/cgroup")
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            return max(0, int((group / most).read_text()) - int((group / used).read_text()))
        except (OSError, ValueError):
            continue
    return None


def require_memory(argument: str, what: str, needed: int, advice: str = "") -> None:
    """An error that names `argument` where `needed` bytes are not there."""
    available = available_memory()
    if available is None or needed <= available:
        return
    raise NotEnoughMemory(
        f"{argument}: {what} needs {in_words(needed)} of memory, and {in_words(available)} are "
        f"available{advice}"
    )


def in_words(count: int) -> str:
    """A number of bytes in the unit that suits it."""
    amount, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB", "EB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{count} bytes" if unit == "bytes" else f"{amount:.3g} {unit}"
