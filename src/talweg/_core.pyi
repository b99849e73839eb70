"""Compiled core of talweg; use the names in the package talweg instead."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str
_lapack_capsule: Any

class Status(IntEnum):
    """How a computation ended; codes below 100 are successes."""

    converged = 0
    boundary = 1
    closed = 2
    critical_point = 3
    branch_point = 4
    max_points = 5
    max_length = 6
    max_steps = 7
    max_time = 8
    entered_ball = 9
    running = 10
    level_crossed = 11
    step_too_small = 100
    not_converged = 101
    non_finite = 102
    degenerate = 103
    isotropic = 104
    inconsistent = 106
    interrupted = 107
    not_symmetric = 108
    uncovered = 109

def describe(status: Status) -> str: ...
def has_lapack() -> bool: ...
def dense_eigen(
    matrix: NDArray[np.float64],
    first: int,
    count: int,
    vectors: bool = True,
    use_lapack: bool = True,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, Status]: ...
def lanczos_pays_from(k: int) -> int: ...
def operator_recurrences(
    function: Callable[[NDArray[np.float64]], ArrayLike],
    n: int,
    block: int,
    starts: NDArray[np.float64],
    steps: int,
    reorthogonalise: bool,
    workers: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]: ...
def hessian_recurrences(
    objective: Objective,
    x: NDArray[np.float64],
    starts: NDArray[np.float64],
    steps: int,
    reorthogonalise: bool,
    workers: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]: ...

class RecordingLimit(ValueError): ...

class Tape:
    """A graph of operations on nodes, which are numbered."""

    def __init__(self, n: int) -> None: ...
    @staticmethod
    def deserialize(stored: dict[str, Any]) -> tuple[Tape, int]: ...
    def serialize(self, output: int) -> dict[str, Any]: ...
    def input(self) -> NDArray[np.uint32]: ...
    def constant(self, values: ArrayLike) -> NDArray[np.uint32]: ...
    def data(self, array: ArrayLike) -> NDArray[np.uint32]: ...
    def apply(
        self, name: str, a: ArrayLike, b: ArrayLike | None = None, c: ArrayLike | None = None
    ) -> NDArray[np.uint32]: ...
    def sum_rows(self, a: ArrayLike) -> NDArray[np.uint32]: ...
    def is_constant(self, node: int) -> bool: ...
    def constant_value(self, node: int) -> float: ...
    def is_row(self, node: int) -> bool: ...
    def kinks(self, output: int | None = None) -> list[str]: ...
    @property
    def n(self) -> int: ...
    @property
    def nodes(self) -> int: ...
    @property
    def size(self) -> int: ...

class Objective:
    """A function of n coordinates that is evaluated on blocks of points."""

    @property
    def dimension(self) -> int: ...
    @property
    def thread_safe(self) -> bool: ...
    @property
    def errors(self) -> dict[str, list[float]]: ...
    def evaluate(
        self,
        x: ArrayLike,
        quantities: int,
        v: ArrayLike | None = None,
        w: ArrayLike | None = None,
        workers: int = 0,
    ) -> dict[str, NDArray[np.float64]]: ...
    def evaluate_block(
        self, quantities: int, arrays: dict[str, NDArray[np.float64]], lanes: int
    ) -> None: ...

class TapeObjective(Objective):
    """An objective whose function is the output of a tape."""

    def __init__(self, tape: Tape, output: int) -> None: ...
    def instruction_counts(self) -> dict[str, int | None]: ...
    def serialize(self) -> dict[str, Any]: ...

class ExactOffsets(Objective):
    """A recorded function of the offset from a point, its gradient from changes of values."""

    def __init__(self, objective: Objective, tape: Tape, output: int, point: ArrayLike) -> None: ...

class GaugedObjective(Objective):
    """An objective that rigid motions leave unchanged."""

    def __init__(
        self, base: Objective, scales: Sequence[float], rotations: bool = True
    ) -> None: ...
    @property
    def rotations(self) -> bool: ...
    def gauge_directions(self, x: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def align(
        self,
        reference: NDArray[np.float64],
        x: NDArray[np.float64],
        vectors: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...

class CallbackObjective(Objective):
    """An objective whose quantities come from Python functions."""

    def __init__(
        self,
        n: int,
        fun: Any,
        grad: Any,
        hess: Any,
        hessp: Any,
        third: Any,
        batched: bool,
        arguments: tuple[Any, ...],
    ) -> None: ...
    @property
    def available(self) -> int: ...

class DifferencedObjective(Objective):
    """An objective whose missing derivatives are differences."""

    def __init__(
        self,
        base: Objective,
        available: int,
        scale: Sequence[float],
        noise: float,
        rotations: bool | None = ...,
    ) -> None: ...
    @property
    def approximate(self) -> int: ...

def point_pointer_objective(
    n: int,
    fun: tuple[int, int, bool] | None,
    grad: tuple[int, int, bool] | None,
    hess: tuple[int, int, bool] | None,
    hessp: tuple[int, int, bool] | None,
    third: tuple[int, int, bool] | None,
    thread_safe: bool,
    owner: Any,
) -> Objective: ...
def block_pointer_objective(
    n: int, function: tuple[int, int, bool] | None, provided: int, thread_safe: bool, owner: Any
) -> Objective: ...
def linear_combination(terms: Sequence[tuple[float, Objective]], constant: float) -> Objective: ...
def compose_affine(objective: Objective, matrix: ArrayLike, origin: ArrayLike) -> Objective: ...
def bind_inputs(tape: Tape, output: int, values: ArrayLike) -> tuple[Tape, int]: ...
def directional_derivative(tape: Tape, output: int, n: int) -> tuple[Tape, int]: ...
def compose_taylor(
    objective: Objective, origin: ArrayLike, order: int, step: float
) -> Objective: ...
def compose_relative(
    objective: Objective,
    near: Objective,
    origin: ArrayLike,
    value: float,
    gradient: ArrayLike,
    radius: float,
) -> Objective: ...
def compile_with(
    objective: TapeObjective | ExactOffsets,
    compiler: Callable[
        [list[tuple[list[tuple[str, int, int, int, int, float]], list[int]]]],
        tuple[list[int], int, Any] | None,
    ],
) -> None: ...
def program(objective: TapeObjective, quantities: int) -> dict[str, Any] | None: ...
def vector_functions() -> dict[str, Any]: ...

class SteppedTracer:
    """A curve tracer that is stepped from outside."""

    def __init__(
        self, objective: Objective, start: dict[str, Any], options: dict[str, Any]
    ) -> None: ...
    def advance(self) -> bool: ...
    def curve(self) -> dict[str, Any]: ...
    def latest(self) -> dict[str, Any]: ...
    @property
    def points(self) -> int: ...

def find_critical_points(
    objective: Objective,
    starts: ArrayLike | None,
    lower: ArrayLike | None,
    upper: ArrayLike | None,
    scale: float,
    max_starts: int,
    shift: ArrayLike | None,
    workers: int,
) -> dict[str, Any]: ...
def start_extremal(
    objective: Objective,
    x0: ArrayLike,
    branch: int,
    sign: int,
    direction: ArrayLike | None,
    options: dict[str, Any],
) -> dict[str, Any]: ...
def trace_extremals(
    objective: Objective,
    starts: Sequence[dict[str, Any]],
    options: dict[str, Any],
    workers: int = 1,
    lanes: int = 64,
) -> list[dict[str, Any]]: ...
def operator_eigenpairs(
    function: Callable[..., Any],
    n: int,
    block: int,
    symmetric: bool,
    options: dict[str, Any],
    start: ArrayLike | None = None,
    progress: Callable[[int, int, float], Any] | None = None,
) -> dict[str, Any]: ...
def hessian_eigenpairs(
    objective: Objective,
    x: ArrayLike,
    gradient: bool,
    block: int,
    options: dict[str, Any],
    start: ArrayLike | None = None,
    progress: Callable[[int, int, float], Any] | None = None,
) -> dict[str, Any]: ...
def polynomial(exponents: ArrayLike, coefficients: ArrayLike) -> Objective: ...
def quadratic(
    matrix: ArrayLike,
    linear: ArrayLike,
    centre: ArrayLike,
    constant: float,
    cubic_indices: ArrayLike,
    cubic_values: ArrayLike,
) -> Objective: ...
def regression(loss: str, data: ArrayLike, targets: ArrayLike, ridge: ArrayLike) -> Objective: ...
def cluster(pair: str, atoms: int, depth: float, length: float, steepness: float) -> Objective: ...
def gaussians(
    logarithm: bool, amplitudes: ArrayLike, means: ArrayLike, precisions: ArrayLike
) -> Objective: ...
def phi4_chain(n: int, coupling: float, periodic: bool) -> Objective: ...
def resonances(
    numbers: ArrayLike, multipliers: bool, max_order: int, tolerance: float, max_count: int
) -> tuple[list[tuple[int, tuple[int, ...], float]], int, Status]: ...
def flow(
    objective: Objective, starts: ArrayLike, times: ArrayLike, options: dict[str, Any]
) -> dict[str, Any]: ...
def flow_minimum(objective: Objective, x: ArrayLike, largest: float) -> dict[str, Any]: ...
def eigh_batch(
    matrices: NDArray[Any],
    values: NDArray[Any],
    vectors: NDArray[Any] | None,
    statuses: NDArray[np.intc],
    symmetry: int,
    workers: int,
) -> int: ...
def inertia_batch(
    matrices: NDArray[Any],
    inertia: NDArray[np.intc],
    statuses: NDArray[np.intc],
    symmetry: int,
    workers: int,
) -> int: ...
def logabsdet_batch(
    matrices: NDArray[Any],
    log_modulus: NDArray[Any],
    sign: NDArray[Any] | None,
    statuses: NDArray[np.intc],
    offset: float,
    factor: float,
    symmetry: int,
    workers: int,
) -> int: ...
def hessian_eigh(
    objective: Objective,
    x: NDArray[np.float64],
    values: NDArray[np.float64],
    vectors: NDArray[np.float64] | None,
    statuses: NDArray[np.intc],
    workers: int,
) -> int: ...
def hessian_inertia(
    objective: Objective,
    x: NDArray[np.float64],
    inertia: NDArray[np.intc],
    statuses: NDArray[np.intc],
    workers: int,
) -> int: ...
def hessian_logabsdet(
    objective: Objective,
    x: NDArray[np.float64],
    log_modulus: NDArray[np.float64],
    sign: NDArray[np.float64] | None,
    statuses: NDArray[np.intc],
    offset: float,
    factor: float,
    workers: int,
) -> int: ...
def descend(
    objective: Objective,
    x0: ArrayLike,
    step_length: float,
    steps: int,
    momentum: float,
    nesterov: bool,
    noise: float,
    seed: int,
    gradient_tolerance: float,
    record_every: int,
    log_volume: bool,
    tangent: bool,
    eigenvalues: bool,
    records: bool,
    workers: int,
    loop: dict[str, Any] | None = None,
) -> dict[str, Any]: ...

class PhaseRetrieval(Objective):
    def __init__(
        self, data: ArrayLike, intensities: ArrayLike, a: float, complex: bool, workers: int
    ) -> None: ...
    def losses(
        self, points: ArrayLike, gradient: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]: ...
    def project(self, points: ArrayLike) -> NDArray[np.float64]: ...
    def hessian_products(self, points: ArrayLike, vectors: ArrayLike) -> NDArray[np.float64]: ...

class SphereHessian:
    def __init__(self, problem: PhaseRetrieval, w: ArrayLike) -> None: ...
    @property
    def loss(self) -> float: ...
    @property
    def curvature(self) -> float: ...
    @property
    def shift(self) -> float: ...
    @property
    def gradient(self) -> NDArray[np.float64]: ...
    def products(self, v: ArrayLike) -> NDArray[np.float64]: ...
    def eigenpairs(
        self, options: dict[str, Any], start: ArrayLike | None = None, progress: Any = None
    ) -> dict[str, Any]: ...

def sphere_descent(
    problem: PhaseRetrieval,
    starts: ArrayLike,
    step: float,
    steps: int,
    record_every: int,
    signal: ArrayLike | None = None,
) -> dict[str, Any]: ...
