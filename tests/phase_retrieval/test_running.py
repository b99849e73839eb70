"""Experiments stopped, resumed and spread over threads, processes, Dask and MPI."""

import concurrent.futures
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import talweg
from talweg.phase_retrieval import experiments
from talweg.phase_retrieval.experiments.running import checked_map, run_tasks
from talweg.phase_retrieval.experiments.tasks import TaskFolder, generator_of, task_name

PACKAGES = Path(talweg.__file__).parents[1]
SMALL = {"N": [16, 24], "alpha": [2.0, 6.0], "runs": 3, "horizon": 10.0, "seed": 5}
ARRAYS = ("overlap", "loss", "time", "first_overlap", "code", "successes", "half_alpha")


def same_bits(one, other):
    for name in ARRAYS:
        first, second = getattr(one, name), getattr(other, name)
        assert first.tobytes() == second.tobytes(), name


def square(task, threads, stop):
    return {"square": np.float64(task["x"] ** 2)}


def tasks(count):
    return [{"experiment": "square", "x": i} for i in range(count)]


@pytest.fixture(scope="module")
def reference():
    return experiments.success(**SMALL, workers=1)


# Tasks and their files.


def test_a_task_is_found_again_by_what_was_asked(tmp_path):
    folder = TaskFolder(tmp_path)
    task = {"experiment": "x", "alpha": 0.1 + 0.2, "N": 3}
    assert folder.read(task) is None
    folder.write(task, {"value": np.float64(np.pi), "row": np.arange(3)})
    again = TaskFolder(tmp_path).read(dict(reversed(task.items())))
    assert again["value"] == np.pi
    assert again["row"].tolist() == [0, 1, 2]
    assert folder.read({**task, "alpha": 0.3}) is None


def test_a_damaged_file_counts_as_not_done(tmp_path):
    folder = TaskFolder(tmp_path)
    done = run_tasks(square, tasks(2), folder=folder, workers=1)
    path = tmp_path / "tasks" / task_name(tasks(2)[1])
    path.write_bytes(path.read_bytes()[:-40])
    assert folder.read(tasks(2)[1]) is None
    assert run_tasks(square, tasks(2), folder=folder, workers=1) == done
    assert folder.read(tasks(2)[1]) is not None


def test_a_file_under_another_name_is_not_believed(tmp_path):
    folder = TaskFolder(tmp_path)
    run_tasks(square, tasks(1), folder=folder, workers=1)
    kept = tmp_path / "tasks"
    shutil.copy(kept / task_name(tasks(2)[0]), kept / task_name(tasks(2)[1]))
    assert folder.read(tasks(2)[1]) is None


def test_what_a_killed_process_began_to_write_is_swept_away(tmp_path):
    folder = TaskFolder(tmp_path)
    old, new = tmp_path / "tasks" / ".talweg-old", tmp_path / "tasks" / ".talweg-new"
    old.write_text("")
    new.write_text("")
    os.utime(old, (0, 0))
    run_tasks(square, tasks(1), folder=folder, workers=1)
    TaskFolder(tmp_path)
    assert not old.exists()
    assert new.exists()
    assert folder.read(tasks(1)[0]) is not None


def test_generators_depend_on_their_key_alone():
    first = generator_of(1, "problem", 32, 2.0, 0).standard_normal(4)
    assert (generator_of(1, "problem", 32, 2.0, 0).standard_normal(4) == first).all()
    for other in ((2, "problem", 32, 2.0, 0), (1, "start", 32, 2.0, 0), (1, "problem", 32, 2.0, 1)):
        assert (generator_of(*other).standard_normal(4) != first).all()


def test_a_folder_elsewhere_is_not_taken_for_this_one(tmp_path):
    folder = TaskFolder(tmp_path / "a")
    assert folder.is_here()
    shutil.rmtree(tmp_path / "a")
    assert not folder.is_here()
    TaskFolder(tmp_path / "a")
    assert not folder.is_here()


# Who computes.


def test_threads_give_the_same_bits(reference):
    for workers in (2, 5):
        same_bits(experiments.success(**SMALL, workers=workers), reference)


def test_any_map_will_do(reference, tmp_path):
    same_bits(experiments.success(**SMALL, workers=map), reference)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        same_bits(experiments.success(**SMALL, workers=pool), reference)


def test_processes(reference, tmp_path):
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        found = experiments.success(**SMALL, workers=pool.map, folder=tmp_path)
    same_bits(found, reference)
    # The processes wrote the files; nothing is left to compute.
    same_bits(experiments.success(**SMALL, workers=_refuse, folder=tmp_path), reference)


def _refuse(function, items):
    raise AssertionError("there is something to compute")


@pytest.mark.filterwarnings("ignore")
def test_dask(reference, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = experiments.success(**SMALL, workers=client.map, folder=tmp_path)
    same_bits(found, reference)


MPI = """
import json, sys
from talweg.phase_retrieval import experiments
from mpi4py.futures import MPIPoolExecutor
if __name__ == "__main__":
    with MPIPoolExecutor() as pool:
        found = experiments.success(**json.loads(sys.argv[1]), workers=pool, folder=sys.argv[2])
    found.to_json(sys.argv[3])
"""


def test_mpi(reference, tmp_path):
    pytest.importorskip("mpi4py")
    near = os.path.join(os.path.dirname(sys.executable), "mpiexec")
    mpiexec = near if os.path.exists(near) else shutil.which("mpiexec")
    probe = [sys.executable, "-c", "from mpi4py import MPI"]
    if mpiexec is None or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no MPI library")
    (tmp_path / "program.py").write_text(MPI)
    command = [mpiexec, "-n", "2", sys.executable, "-m", "mpi4py.futures", "program.py"]
    out = tmp_path / "found.json"
    done = subprocess.run(
        [*command, json.dumps(SMALL), str(tmp_path / "out"), str(out)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(PACKAGES)},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())["arrays"]
    for name in ("overlap", "loss", "time"):
        assert found[name]["values"] == getattr(reference, name).tolist()


def test_what_is_no_map_is_refused():
    for wrong, error in ((0, ValueError), (True, TypeError), ("two", TypeError), (1.5, TypeError)):
        with pytest.raises(error, match="workers"):
            checked_map(wrong)
    assert checked_map(3) == 3
    assert checked_map(map) is map


# Killed, interrupted, resumed.


def test_a_resumed_run_skips_what_is_done(tmp_path, reference):
    experiments.success(**{**SMALL, "alpha": [2.0]}, workers=1, folder=tmp_path)
    count = len(list((tmp_path / "tasks").glob("*.talweg")))
    assert count == 6
    seen = []

    def watching(function, items):
        for item in items:
            seen.append(item["alpha"])
            yield function(item)

    same_bits(experiments.success(**SMALL, workers=watching, folder=tmp_path), reference)
    assert seen == [6.0] * 6


KILLED = """
import os, sys, time
import numpy as np
from talweg.phase_retrieval.experiments.running import run_tasks
from talweg.phase_retrieval.experiments.tasks import TaskFolder
def compute(task, threads, stop):
    time.sleep(0.02)
    return {"value": np.random.default_rng(task["x"]).standard_normal(1000)}
tasks = [{"experiment": "noise", "x": i} for i in range(30)]
print("begun", flush=True)
run_tasks(compute, tasks, folder=TaskFolder(sys.argv[1]), workers=3)
print("done", flush=True)
"""


def noise(task, threads, stop):
    return {"value": np.random.default_rng(task["x"]).standard_normal(1000)}


def test_killed_in_the_middle_nothing_is_lost(tmp_path):
    every = [{"experiment": "noise", "x": i} for i in range(30)]
    folder = TaskFolder(tmp_path)
    kills = 0
    for attempt in range(40):
        command = [sys.executable, "-c", KILLED, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.03 + 0.01 * attempt)
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read()
        if "done" in rest:
            break
        kills += 1
        done = [task for task in every if folder.has(task)]
        # Whatever file there is, is whole.
        assert all(folder.read(task) is not None for task in done)
        if kills >= 2 and done:
            break
    assert kills
    left = sum(not folder.has(task) for task in every)
    assert left < 30
    again = run_tasks(noise, every, folder=folder, workers=2)
    straight = run_tasks(noise, every, workers=1)
    assert all(a["value"].tobytes() == b["value"].tobytes() for a, b in zip(again, straight))


def test_an_experiment_killed_and_resumed_has_the_same_bits(tmp_path, reference):
    program = textwrap.dedent(f"""
        from talweg.phase_retrieval import experiments
        print("begun", flush=True)
        experiments.success(**{SMALL!r}, workers=1, folder={str(tmp_path)!r})
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        while not list((tmp_path / "tasks").glob("*.talweg")) and process.poll() is None:
            time.sleep(0.001)
        process.kill()
    assert len(list((tmp_path / "tasks").glob("*.talweg"))) >= 1
    same_bits(experiments.success(**SMALL, workers=2, folder=tmp_path), reference)


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupt_keeps_what_is_done(tmp_path, workers):
    class Interrupting:
        """Presses Ctrl-C once three files are there."""

        def __init__(self):
            self.thread = threading.Thread(target=self.watch)

        def watch(self):
            for _ in range(5000):
                if len(list(tmp_path.glob("tasks/*.talweg"))) >= 3:
                    os.kill(os.getpid(), signal.SIGINT)
                    return
                time.sleep(0.001)

    watcher = Interrupting()
    watcher.thread.start()
    with pytest.raises(KeyboardInterrupt) as stopped:
        experiments.success(
            64, [2.0, 3.0], runs=200, horizon=400.0, folder=tmp_path, workers=workers
        )
    watcher.thread.join()
    partial = stopped.value.result
    assert 3 <= partial.finished < partial.tasks
    assert not partial.success
    assert "of 400 tasks" in partial.message
    assert partial.runs.sum() == partial.finished
    assert np.isfinite(partial.overlap).sum() == partial.finished
    # Everything that is in the result is on disk.
    assert len(list(tmp_path.glob("tasks/*.talweg"))) == partial.finished


def test_interrupt_just_after_a_file_is_in_its_place(tmp_path, monkeypatch):
    replace = os.replace

    def replace_then_interrupt(*paths):
        replace(*paths)
        raise KeyboardInterrupt

    folder = TaskFolder(tmp_path)
    monkeypatch.setattr(os, "replace", replace_then_interrupt)
    with pytest.raises(KeyboardInterrupt) as stopped:
        run_tasks(square, tasks(3), folder=folder, workers=1)
    assert [part is not None for part in stopped.value.result] == [True, False, False]


def test_an_error_in_a_task_comes_out_and_loses_nothing(tmp_path):
    def failing(task, threads, stop):
        if task["x"] == 2:
            raise ArithmeticError("two")
        return square(task, threads, stop)

    folder = TaskFolder(tmp_path)
    with pytest.raises(ArithmeticError, match="two"):
        run_tasks(failing, tasks(4), folder=folder, workers=1)
    assert [folder.has(task) for task in tasks(4)] == [True, True, False, False]
