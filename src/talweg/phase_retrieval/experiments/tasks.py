"""Finished tasks on disk: one archive for each, found again by what was asked of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from talweg.io.archive import read_archive, write_archive

__all__ = ["TaskFolder", "generator_of", "task_name"]

#: Part of every task's name; another number where the same request gives other numbers.
_REVISION = 1


def _digest(value: Any) -> bytes:
    # Floats are written with all their digits, so that equal texts are equal requests.
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()


def task_name(task: Mapping[str, Any]) -> str:
    """The file name of a task: its experiment, and a digest of all of it."""
    return f"{task['experiment']}-{_digest([_REVISION, dict(task)]).hex()[:24]}.talweg"


def generator_of(seed: int, *key: Any) -> np.random.Generator:
    """A generator for one purpose, which depends on the seed and `key` and on nothing else.

    So a run has the same numbers whichever other runs there are, and wherever it is computed.
    """
    words = np.frombuffer(_digest([seed, list(key)]), dtype="<u4")
    return np.random.default_rng([int(word) for word in words])


class TaskFolder:
    """The folder ``tasks`` of an experiment.

    Several processes may write to it, also to the same task: a file appears whole or not at all.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.join(os.path.abspath(os.fspath(path)), "tasks")
        os.makedirs(self.path, exist_ok=True)
        self._mark = os.path.join(self.path, ".identity")
        if not os.path.exists(self._mark):
            # Renamed into place: another process must not read a part of it.
            temporary = f"{self._mark}-{os.getpid()}"
            with open(temporary, "w", encoding="ascii") as file:
                file.write(os.urandom(16).hex())
            os.replace(temporary, self._mark)
        with open(self._mark, encoding="ascii") as file:
            self.identity = file.read()
        self._sweep()

    def _sweep(self) -> None:
        """Remove what killed processes had begun to write, once no living one can be at it."""
        for entry in os.scandir(self.path):
            if entry.name.startswith(".talweg-"):
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - entry.stat().st_mtime > 3600.0:
                        os.unlink(entry)

    def is_here(self) -> bool:
        """Whether this machine sees the folder, and not another one of the same name."""
        try:
            with open(self._mark, encoding="ascii") as file:
                return file.read() == self.identity
        except OSError:
            return False

    def has(self, task: Mapping[str, Any]) -> bool:
        """Whether there is a file for the task."""
        return os.path.exists(os.path.join(self.path, task_name(task)))

    def read(self, task: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
        """The arrays of a finished task; None where there are none or the file is damaged."""
        try:
            header, arrays = read_archive(os.path.join(self.path, task_name(task)))
        except FileNotFoundError:
            return None
        except ValueError:
            # As after a power cut: the task is done again and its file replaced.
            return None
        # A digest could be of another task, and a file could have been renamed.
        if header.get("task") != json.loads(json.dumps(dict(task))):
            return None
        return arrays

    def write(self, task: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Keep the arrays of a finished task."""
        header = {"kind": "phase-retrieval task", "task": dict(task)}
        write_archive(os.path.join(self.path, task_name(task)), header, arrays)
