"""How long a user waits: import, the first curve of a fresh function, a whole survey.

Floors. `import talweg` loads one extension module of 2 MB and about 20 small Python files: 10 ms
beside NumPy's own import. A first curve records some 60 operations in Python at about 2 us each,
derives tapes of a few hundred instructions (1 ms) and traces 200 points (0.5 ms): 2 ms. A
Müller-Brown survey searches from a few hundred starts in lanes (20 evaluations of 60 ns each:
below 1 ms), traces 40 arcs of 150 points at 1 us, both ways: 12 ms with the Python around it.
Goals: at most 100 ms for each, the import above NumPy's.

Every import and every first curve is measured in a process of its own. ``extra_info`` holds medians
in milliseconds.
"""

import json
import os
import statistics
import subprocess
import sys

import pytest

import talweg

PROCESSES = 7

FIRST_CURVE = """
import json, sys, time
import numpy as np
import talweg
start = time.perf_counter(), time.process_time()

def f(x):
    return np.exp(-(x[0] - 1) ** 2 - x[1] ** 2) - np.sin(x[0] * x[1]) + 0.3 * (x[0] ** 4 + x[1] ** 4)

{action}
print(json.dumps([time.perf_counter() - start[0], time.process_time() - start[1]]))
"""
IMPORT = """
import json, time
import numpy
start = time.perf_counter(), time.process_time()
import talweg
print(json.dumps([time.perf_counter() - start[0], time.process_time() - start[1]]))
"""
CURVE = "curve = talweg.trace(f, [0.3, 0.4], bounds=[(-2, 2), (-2, 2)])\nassert len(curve.x) > 20"
SURVEY = "result = talweg.survey(f, bounds=[(-2, 2), (-2, 2)])\nassert result.extremals"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Compiled modules are kept, as an installation has them, wherever this one may write."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode"))}


def measured(script, environment):
    """(wall, processor) seconds the script prints, run in a process of its own."""
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    ).stdout
    return json.loads(out)


@pytest.mark.benchmark(group="in a process of its own")
@pytest.mark.parametrize(
    "script",
    [IMPORT, FIRST_CURVE.format(action=CURVE), FIRST_CURVE.format(action=SURVEY)],
    ids=["import_above_numpy", "first_curve", "first_survey"],
)
def test_fresh_process(benchmark, script, environment):
    measured(script, environment)
    samples = []
    benchmark.pedantic(
        lambda: samples.append(measured(script, environment)), rounds=PROCESSES, iterations=1
    )
    for name, values in zip(("wall_ms", "processor_ms"), zip(*samples, strict=True), strict=True):
        benchmark.extra_info[name] = 1e3 * statistics.median(values)


@pytest.mark.benchmark(group="whole Müller-Brown survey")
@pytest.mark.parametrize("workers", [1, None])
def test_survey(benchmark, workers):
    result = benchmark(lambda: talweg.survey(talweg.surfaces.muller_brown(), workers=workers))
    assert len(result.critical_points) == 5
    benchmark.extra_info["points"] = sum(len(curve.x) for curve in result.extremals)
