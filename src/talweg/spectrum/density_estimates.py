"""Estimates from a spectral density: traces, determinants, ranks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_positive
from talweg.spectrum.estimates import Estimate, jackknife
from talweg.spectrum.tridiagonal import below, quadrature
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Density"]

#: Nodes so small against the largest are zero to rounding.
_ZERO = 1e-13


@dataclasses.dataclass(repr=False)
class Density:
    """How the eigenvalues of a symmetric matrix are distributed.

    Each probe has its own nodes and weights, a quadrature of the spectral measure of the probe's
    vector; their mean stands for the measure with weight 1 / n on each eigenvalue. Whatever is
    asked for comes as an `Estimate`: a value, its standard error over the probes, and a bound or an
    estimate of what the finite number of steps leaves out.

    Attributes
    ----------
    n : int
        Rows of the matrix.
    nodes, weights : ndarray, shape (probes, steps)
        Of each probe; the weights of a row add up to 1. Rows that ended early have weights 0 at
        their end.
    exact : bool
        Whether the nodes are all n eigenvalues, in one row: every error is 0 then.
    probes, steps : int
        Of the run; 0 where it is exact.
    products : int
        Products of the matrix with a vector that were taken.
    status : Status
        `CONVERGED`; `INTERRUPTED` where finished probes are all there is; `NON_FINITE` where
        products were not finite, with NaN for every estimate.
    message : str
        What was done, in a sentence.
    """

    n: int
    nodes: Floats
    weights: Floats
    exact: bool
    probes: int
    steps: int
    products: int
    status: Status
    message: str
    _diagonal: Floats = dataclasses.field(default_factory=lambda: np.empty((0, 0)))
    _beside: Floats = dataclasses.field(default_factory=lambda: np.empty((0, 0)))
    _shorter: list[tuple[Floats, Floats]] = dataclasses.field(default_factory=list)

    @property
    def success(self) -> bool:
        """Whether the status is no trouble."""
        return self.status.succeeded

    # Traces of functions.

    def trace_of(self, function: Callable[[Floats], Any]) -> Estimate:
        """The sum of a function over all eigenvalues, tr f(H).

        Parameters
        ----------
        function : callable
            Takes an array of numbers and returns its values there, an array of that shape.

        Returns
        -------
        Estimate
            The bias is the difference to half the steps, or more where that falls slowly as steps
            double: an estimate that is usually too large where the function is smooth over the
            spectrum. NaN after a single step.

        Examples
        --------
        >>> import numpy
        >>> from talweg.spectrum import density
        >>> round(density(numpy.diag([1.0, 2.0, 3.0])).trace_of(numpy.sqrt).value, 6)
        4.146264
        """
        return self._jackknifed(function)

    @property
    def trace(self) -> Estimate:
        """The sum of the eigenvalues; any number of steps has no bias."""
        estimate = self.trace_of(lambda t: t)
        # One step is exact for linear functions, and has no shorter run to compare with.
        return dataclasses.replace(estimate, bias=0.0) if self.steps == 1 else estimate

    @property
    def trace_of_square(self) -> Estimate:
        """The sum of their squares, the square of the Frobenius norm."""
        return self.trace_of(np.square)

    @property
    def logabsdet(self) -> Estimate:
        """Log of the modulus of the determinant.

        For a definite matrix the sum of the logs of the moduli of its eigenvalues, smooth over the
        spectrum, so that few steps do if it is well conditioned. For an indefinite one the logarithm
        has its pole inside the spectrum: the value is the principal sum all the same, and the bias
        shows how little the nodes near zero can say. -inf where a node is zero to rounding.
        """
        return self.trace_of(self._log)

    @property
    def sign(self) -> float:
        """Sign of the determinant, NaN where a sample cannot tell it.

        It can where no node is negative, or all are, or where the decomposition is exact.
        """
        if not self.success or not self.nodes.size:
            return np.nan
        nodes = self.nodes[self.weights > 0]
        if self._zero_nodes(nodes).any():
            return 0.0
        negative = nodes < 0
        if self.exact:
            return -1.0 if negative.sum() % 2 else 1.0
        if not negative.any():
            return 1.0
        if negative.all():
            return -1.0 if self.n % 2 else 1.0
        return np.nan

    @property
    def fraction_negative(self) -> Estimate:
        """Share of the eigenvalues below zero; those that are zero to rounding do not count.

        The bias is a bound, half the weight that a node at zero can have at most.
        """
        if not self.nodes.size:
            return self._nothing()
        counted = (self.nodes < 0) & ~self._zero_nodes(self.nodes)
        plain = counted.mean(axis=1) if self.exact else (self.weights * counted).sum(axis=1)
        has_zero = (self._zero_nodes(self.nodes) & (self.weights > _ZERO)).any(axis=1)
        if self.exact or has_zero.all():
            return self._estimate(plain, plain)
        low, mass = below(self._diagonal, self._beside, np.zeros(1))
        middle = np.where(has_zero, plain, low[:, 0] + mass[:, 0] / 2)
        bound = np.where(has_zero, 0.0, mass[:, 0] / 2).mean()
        return dataclasses.replace(self._estimate(middle, middle), bias=float(bound))

    @property
    def effective_rank(self) -> Estimate:
        """exp of the entropy of the moduli of the eigenvalues, taken as shares of their sum.

        Between 1 and n. Source: Roy and Vetterli, EUSIPCO 2007.
        """

        def entropy(sums: Floats) -> Any:
            with np.errstate(all="ignore"):
                return np.where(sums[0] > 0, np.exp(np.log(sums[0]) - sums[1] / sums[0]), 0.0)

        return self._scale_free(np.abs, _modulus_log, of=entropy)

    @property
    def participation(self) -> Estimate:
        """The square of the sum of the moduli over the sum of the squares: another effective rank.

        Between 1 and n; large eigenvalues count for more than in `effective_rank`.
        """

        def ratio(sums: Floats) -> Any:
            with np.errstate(all="ignore"):
                return np.where(sums[1] > 0, sums[0] ** 2 / sums[1], 0.0)

        return self._scale_free(np.abs, np.square, of=ratio)

    def effective_dimension(self, c: float) -> Estimate:
        """The sum of lambda / (lambda + c), negative eigenvalues counting as zero.

        The number of directions that curvature determines against a prior or ridge of strength c.

        Parameters
        ----------
        c : float
            Positive, in the units of the eigenvalues.

        Returns
        -------
        Estimate
        """
        ridge = checked_positive(c, "c")
        return self.trace_of(lambda t: np.maximum(t, 0.0) / (np.maximum(t, 0.0) + ridge))

    # The distribution.

    @property
    def default_width(self) -> float:
        """Width of the smoothing where none is given: what the steps resolve of the spectrum."""
        nodes = self.nodes[self.weights > 0]
        if not nodes.size or not np.isfinite(nodes).all():
            return 1.0
        spread = float(np.ptp(nodes))
        count = np.sqrt(self.n) if self.exact else self.steps
        if spread <= 1e-12 * np.abs(nodes).max(initial=0.0):
            return 0.01 * float(np.abs(nodes).max(initial=0.0)) or 0.01
        return 1.5 * spread / max(count, 3)

    def density(self, at: ArrayLike, width: float | None = None) -> Estimate:
        """The density of eigenvalues, of integral 1, smoothed by a Gaussian.

        Parameters
        ----------
        at : array_like, shape (k,)
            Where, in the units of the eigenvalues.
        width : float, optional
            Standard deviation of the Gaussian; by default `default_width`.

        Returns
        -------
        Estimate
            With arrays of shape (k,), of the smoothed density: the error does not speak of what a
            narrower Gaussian would show.
        """
        points = _points(at)
        scale = self.default_width if width is None else checked_positive(width, "width")

        def smoothed(nodes: Floats, weights: Floats) -> Floats:
            rows = []
            for t, w in zip(nodes, weights, strict=True):
                with np.errstate(under="ignore"):
                    z = np.minimum(np.abs(points[:, None] / scale - t / scale), 40.0)
                    rows.append(np.exp(-0.5 * z * z) @ w / (scale * np.sqrt(2 * np.pi)))
            return np.array(rows)

        if not self.nodes.size:
            return self._nothing(points.shape)
        return self._estimate(*(smoothed(*nodes) for nodes in self._by_steps()))

    def cumulative(self, at: ArrayLike) -> Estimate:
        """The share of eigenvalues up to given numbers.

        Parameters
        ----------
        at : array_like, shape (k,)
            Where, in the units of the eigenvalues.

        Returns
        -------
        Estimate
            With arrays of shape (k,). The bias is a bound: value - bias to value + bias is where the
            quadrature leaves the share of each probe (Chebyshev, Markov and Stieltjes).
        """
        points = _points(at)
        if not self.nodes.size:
            return self._nothing(points.shape)
        if self.exact:
            counts = np.searchsorted(self.nodes[0], points, side="right") / self.n
            return self._estimate(counts[None], counts[None])
        low, mass = below(self._diagonal, self._beside, points)
        middle = low + mass / 2
        return dataclasses.replace(self._estimate(middle, middle), bias=(mass / 2).mean(axis=0))

    def plot(self, axes: Any = None, **options: Any) -> Any:
        """Draw the smoothed density with its error band: `talweg.plot.spectra.draw_density`."""
        from talweg.plot.spectra import draw_density

        return draw_density(self, axes, **options)

    def asdict(self) -> dict[str, Any]:
        """The attributes as a dict."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if not field.name.startswith("_")
        }

    def __repr__(self) -> str:
        if not self.nodes.size or not self.success:
            return f"<Density: n = {self.n}, {self.status.name}: {self.message}>"
        nodes = self.nodes[self.weights > 0]
        return (
            f"<Density: n = {self.n}, nodes from {nodes.min():.6g} to {nodes.max():.6g}, "
            f"trace {self.trace!r}; {self.message}>"
        )

    # Pieces.

    def _by_steps(self) -> list[tuple[Floats, Floats]]:
        """Nodes and weights of all steps, half of them, and a quarter where there is one."""
        if not self._shorter:
            if self.exact or (self.steps == 1 and not self._beside.any()):
                self._shorter = [(self.nodes, self.weights)]
            elif self.steps == 1:
                self._shorter = [(np.full_like(self.nodes, np.nan), self.weights)]
            else:
                counts = [count for count in (self.steps // 2, self.steps // 4) if count]
                self._shorter = [
                    quadrature(self._diagonal[:, :count], self._beside[:, :count].copy())
                    for count in counts
                ]
        return [(self.nodes, self.weights), *self._shorter]

    def _jackknifed(self, *functions: Any, of: Any = None) -> Estimate:
        if not self.nodes.size:
            return self._nothing()

        def sums(nodes: Floats, weights: Floats) -> Floats:
            columns = []
            for function in functions:
                with np.errstate(all="ignore"):
                    values = np.asarray(function(nodes), dtype=float)
                if values.shape != nodes.shape:
                    raise ValueError(
                        f"function: want an array of shape {nodes.shape}, got {values.shape}"
                    )
                # A weight of 0 is no node.
                values = np.where(weights > 0, values, 0.0)
                columns.append((weights * values).sum(axis=1))
            return self.n * np.stack(columns, axis=1)

        by_steps = [sums(*nodes) for nodes in self._by_steps()]
        if of is None:
            by_steps = [each[:, 0] for each in by_steps]
        return self._estimate(*by_steps, of=of)

    def _estimate(
        self, samples: Floats, half: Floats, quarter: Floats | None = None, *, of: Any = None
    ) -> Estimate:
        with np.errstate(invalid="ignore", over="ignore", under="ignore"):
            estimate = jackknife(samples, half, quarter, of)
        if not self.exact:
            return estimate
        nothing = estimate.value * 0.0 if np.ndim(estimate.value) else 0.0
        return Estimate(estimate.value, nothing, nothing, 0)

    def _scale_free(self, *functions: Any, of: Any) -> Estimate:
        # Squares of huge and tiny eigenvalues do not fit; ratios do not depend on the scale.
        scale = float(np.abs(self.nodes).max(initial=0.0)) or 1.0
        return self._jackknifed(*[lambda t, g=g: g(t / scale) for g in functions], of=of)

    def _log(self, nodes: Floats) -> Floats:
        return np.where(self._zero_nodes(nodes), -np.inf, np.log(np.abs(nodes)))

    def _zero_nodes(self, nodes: Floats) -> NDArray[np.bool_]:
        return np.abs(nodes) <= _ZERO * np.abs(self.nodes).max(initial=0.0)

    def _nothing(self, shape: tuple[int, ...] = ()) -> Estimate:
        unknown = np.full(shape, np.nan) if shape else np.nan
        return Estimate(unknown, unknown, unknown, 0)


def _modulus_log(t: Floats) -> Any:
    modulus = np.abs(t)
    return modulus * np.log(np.where(modulus > 0, modulus, 1.0))


def _points(at: ArrayLike) -> Floats:
    points = finite_array(at, "at")
    if points.ndim > 1:
        raise ValueError(f"at: want shape (k,), got {points.shape}")
    return np.atleast_1d(points)
