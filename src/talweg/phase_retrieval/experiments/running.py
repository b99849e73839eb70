"""Tasks in parallel, each finished one kept on disk at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from talweg.extremals.arguments import checked_count
from talweg.phase_retrieval.experiments.tasks import TaskFolder

__all__ = ["checked_map", "run_experiment", "run_tasks"]

Task = Mapping[str, Any]
Arrays = dict[str, np.ndarray]
Result = TypeVar("Result")


def _never() -> bool:
    return False


class _Runner:
    """Computes one task; it can be sent to another process or machine."""

    def __init__(
        self, compute: Callable[..., Arrays | None], folder: TaskFolder | None, threads: int
    ) -> None:
        self.compute = compute
        self.folder = folder
        self.threads = threads

    def __call__(self, task: Task, stop: Callable[[], bool] = _never) -> Arrays | None:
        result = self.compute(task, threads=self.threads, stop=stop)
        # Kept where it was computed, as far as that machine sees the folder: what waits behind a
        # slower task for its turn would be lost with the parent.
        if result is not None and self.folder is not None and self.folder.is_here():
            self.folder.write(task, result)
        return result


def checked_map(workers: Any) -> int | Callable[..., Any]:
    """`workers` as a number of threads, or as a function like `map`."""
    if workers is None:
        return os.cpu_count() or 1
    if isinstance(workers, (int, np.integer)) or isinstance(workers, bool):
        return checked_count(workers, "workers", 1)
    if callable(getattr(workers, "map", None)):
        return workers.map
    if callable(workers):
        return workers
    raise TypeError(
        "workers: want a number of threads, a function like map, or an executor or client that has "
        f"one, got {type(workers).__name__}"
    )


def run_tasks(
    compute: Callable[..., Arrays | None],
    tasks: Sequence[Task],
    *,
    folder: TaskFolder | None = None,
    workers: Any = None,
    progress: bool = False,
) -> list[Arrays | None]:
    """Compute every task that has no file in `folder` yet.

    Parameters
    ----------
    compute : callable
        ``compute(task, threads=..., stop=...)`` returns the arrays of one task. It has to be a
        function of a module, and the task a dict of numbers and texts, for both to travel to other
        processes. `threads` is how many its kernels may use. Once ``stop()`` is true it returns
        None soon.
    tasks : sequence of dict
    folder : TaskFolder, optional
    workers : int or callable, optional
        Threads; or a function like `map`, whose results may be futures.
    progress : bool, default False

    Returns
    -------
    list
        The arrays of each task.

    Raises
    ------
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the list, None for what was not
        done.
    """
    mapping = checked_map(workers)
    done = [None if folder is None else folder.read(task) for task in tasks]
    missing = [i for i, arrays in enumerate(done) if arrays is None]
    todo = [tasks[i] for i in missing]
    bar = _bar(len(tasks), len(tasks) - len(todo)) if progress else None
    try:
        for i, arrays in zip(missing, _computed(compute, todo, folder, mapping)):
            done[i] = arrays
            if folder is not None and arrays is not None and not folder.has(tasks[i]):
                folder.write(tasks[i], arrays)
            if bar is not None:
                bar.update()
    except KeyboardInterrupt as interrupt:
        if folder is not None:
            done = [folder.read(t) if a is None else a for t, a in zip(tasks, done)]
        interrupt.result = done  # type: ignore[attr-defined]
        raise
    finally:
        if bar is not None:
            bar.close()
    return done


def run_experiment(
    compute: Callable[..., Arrays | None],
    tasks: Sequence[Task],
    assemble: Callable[[list[Arrays | None]], Result],
    *,
    folder: TaskFolder | None,
    workers: Any,
    progress: bool,
) -> Result:
    """What `assemble` makes of all tasks' arrays; interrupted, the exception has that of those done."""
    try:
        done = run_tasks(compute, tasks, folder=folder, workers=workers, progress=progress)
    except KeyboardInterrupt as interrupt:
        if hasattr(interrupt, "result"):
            interrupt.result = assemble(interrupt.result)
        raise
    return assemble(done)


def _computed(
    compute: Callable[..., Arrays | None],
    todo: list[Task],
    folder: TaskFolder | None,
    mapping: int | Callable[..., Any],
) -> Iterator[Arrays | None]:
    """Results of the tasks, in their order."""
    if not todo:
        return
    if callable(mapping):
        for result in mapping(_Runner(compute, folder, 1), todo):
            # Dask's map gives futures, that of executors and MPI pools the results themselves.
            yield result.result() if callable(getattr(result, "result", None)) else result
        return
    lanes = min(mapping, len(todo))
    runner = _Runner(compute, folder, mapping // lanes)
    if lanes == 1:
        yield from map(runner, todo)
        return
    yield from _threaded(runner, todo, lanes)


def _threaded(runner: _Runner, todo: list[Task], lanes: int) -> Iterator[Arrays | None]:
    from concurrent.futures import ThreadPoolExecutor

    stopping = threading.Event()
    with ThreadPoolExecutor(lanes, thread_name_prefix="talweg-task") as pool:
        # Python delivers Ctrl-C to the main thread only, which waits here; the others have to be
        # told.
        try:
            futures = [pool.submit(runner, task, stopping.is_set) for task in todo]
            for future in futures:
                yield future.result()
        except BaseException:
            stopping.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _bar(total: int, finished: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=total, initial=finished, unit="task")
