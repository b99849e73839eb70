"""The exponents of a few decaying exponentials that many sequences share."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["FEWEST_VALUES", "Exponents", "fit_exponents", "usable_length"]

#: Values of a sequence that a fit looks at.
_MOST_VALUES = 40
FEWEST_VALUES = 8
#: Exponentials that are tried.
_MOST_TERMS = 5
#: A term below this part of the largest one is not told from what is left over.
_VISIBLE = 1e-3
#: How far errors take equal exponents apart over the length of a window, by how many there are: at
#: least, and over the root of what is left over (the largest of many trials with white noise, and
#: with noise that grows).
_SPLITS = {2: (1e-5, 10.0), 3: (1e-3, 30.0)}
#: Where windows start, in parts of what lies above rounding.
_STARTS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.7)


def usable_length(size: Floats, noise: Floats) -> int:
    """How many values of sequences of this root mean square are above their errors."""
    good = np.isfinite(size) & (size > 1e-280) & (noise < 1e-4)
    return len(good) if good.all() else int(np.argmin(good))


@dataclasses.dataclass(frozen=True)
class Exponents:
    """Sequences ``sum_i c_i z_i^k`` with coefficients of their own and the z common to all.

    Attributes
    ----------
    rate : float
        Of the slowest term that is visible, ``-log|z|`` for a unit of the spacing; the mean of two
        or three that are not resolved.
    error : float
        Its standard error, from what the estimates of a later window, of one term more and of parts
        of the sequences differ by.
    rates : ndarray, shape (terms,)
        Of all terms, ascending.
    shares : ndarray, shape (terms,)
        Their sizes at the end of the window, root of the mean square over sequences, relative to
        the largest.
    start, end : int
        The window, `end` included.
    residual : float
        What the terms leave over, relative to the sequences.
    multiplicity : int
        How many of the slowest terms have equal z as far as can be resolved, 1 to 3: ``(a + b k) z^k``
        where 2 have.
    share : float
        That of the slowest term, of several equally slow ones the largest.
    """

    rate: float
    error: float
    rates: Floats
    shares: Floats
    start: int
    end: int
    residual: float
    multiplicity: int
    share: float


def fit_exponents(values: Floats, noise: Floats) -> Exponents | None:
    """Fit the common exponents of decaying sequences.

    Parameters
    ----------
    values : ndarray, shape (m, k)
        Sequences at equal spacing.
    noise : ndarray, shape (k,)
        Their errors, relative to the root of the mean square over sequences. The window ends before
        the first that is above 1e-4 (`usable_length`).

    Returns
    -------
    Exponents or None
        None where no window is described by a few terms.
    """
    size = np.sqrt((values**2).mean(axis=0))
    end = usable_length(size, noise)
    if end < FEWEST_VALUES:
        return None
    # Scaled by their common decay all times count alike.
    index = np.arange(end)
    slope, offset = np.polyfit(index, np.log(size[:end]), 1)
    scaled = values[:, :end] * np.exp(-slope * index - offset)
    norms = np.sqrt((scaled**2).mean(axis=1, keepdims=True))
    scaled = scaled[norms[:, 0] > 0.0] / norms[norms[:, 0] > 0.0]
    starts = sorted({round(end * part) for part in _STARTS})
    windows = [_window(scaled, start, end, float(slope), noise) for start in starts]
    found = [one for one in windows if one is not None]
    best: Exponents | None = None
    for one, later in zip(found, [*found[1:], None]):
        change = 0.0 if later is None else _change(one, later)
        total = dataclasses.replace(one, error=float(np.hypot(one.error, change)))
        if best is None or total.error < best.error:
            best = total
    return best


class _Slowest(NamedTuple):
    """Of all visible terms: the rate, its error by terms that it is not told from, how many these are
    with it, and the largest of their shares."""

    rate: float
    error: float
    multiplicity: int
    share: float


@dataclasses.dataclass(frozen=True)
class _Fit:
    exponents: Any
    shares: Floats
    residual: float
    stride: int
    span: float

    @property
    def rates(self) -> Floats:
        return np.asarray(self.exponents.real)

    @property
    def visible(self) -> Any:
        return self.shares > max(_VISIBLE, 10.0 * self.residual)

    def slowest(self) -> _Slowest:
        seen, shares = self.exponents[self.visible], self.shares[self.visible]
        if not seen.size:
            return _Slowest(np.nan, np.nan, 1, np.nan)
        place = int(np.argmin(seen.real))
        off = seen - seen[place]
        # Angles of z count up to whole turns.
        turn = 2.0 * np.pi / self.stride
        distances = np.hypot(off.real, (off.imag + turn / 2.0) % turn - turn / 2.0)
        near = np.argsort(distances)
        # Errors split a multiple root by their own root, to all sides, and hide as small a distance
        # between several. Its mean is all that they leave.
        for multiplicity in (3, 2):
            members = near[:multiplicity]
            if seen.size < multiplicity:
                continue
            split = self._split(multiplicity)
            apart = float(distances[members].max())
            if apart < split:
                return _Slowest(
                    float(seen[members].real.mean()),
                    max(apart, split / 2.0) / 2.0,
                    multiplicity,
                    float(shares[members].max()),
                )
        rate, share = float(seen[place].real), float(shares[place])
        if seen.size == 1:
            return _Slowest(rate, 0.0, 1, share)
        # Of two that are told apart the square of the distance has that error, to either side: the mean
        # of both would be too large a rate by half the distance.
        square, error = float(distances[near[1]]) ** 2, self._split(2) ** 2
        if abs(off[near[1]].real) ** 2 < square / 2.0:
            return _Slowest(rate, error / (4.0 * np.sqrt(square)), 1, share)
        most, least = np.sqrt(square + error), np.sqrt(square - error)
        shift = (np.sqrt(square) - (most + least) / 2.0) / 2.0
        return _Slowest(rate + float(shift), float(most - least) / 4.0, 1, share)

    def _split(self, multiplicity: int) -> float:
        """The largest distance that errors give roots which are equal."""
        floor, factor = _SPLITS[multiplicity]
        return float(max(floor, factor * self.residual ** (1.0 / multiplicity)) / self.span)


def _window(scaled: Floats, start: int, end: int, slope: float, noise: Floats) -> Exponents | None:
    length = end - start
    stride = max(1, length // _MOST_VALUES)
    part = scaled[:, start:end][:, (length - 1) % stride :: stride]
    k = part.shape[1]
    if k < FEWEST_VALUES:
        return None
    tolerance = max(1e-4, 10.0 * float(np.median(noise[start:end])))
    spaces = _spaces(part)
    fits = [_fit(part, spaces, terms, slope, stride) for terms in range(1, _most_terms(k) + 1)]
    for terms, (fit, more) in enumerate(zip(fits, fits[1:]), start=1):
        if fit is None or more is None or not fit.residual < tolerance:
            continue
        slowest, again = fit.slowest(), more.slowest()
        if np.isnan(slowest.rate) or np.isnan(again.rate):
            continue
        errors = (
            _change(slowest, again),
            slowest.error,
            _spread(part, terms, slope, stride, slowest.rate),
            fit.residual / fit.span,
        )
        order = np.argsort(fit.rates)
        return Exponents(
            slowest.rate,
            float(np.linalg.norm(errors)),
            fit.rates[order],
            fit.shares[order],
            start,
            end - 1,
            fit.residual,
            slowest.multiplicity,
            slowest.share,
        )
    return None


def _change(here: Exponents | _Slowest, there: Exponents | _Slowest) -> float:
    """By how much another fit contradicts this one."""
    change = abs(there.rate - here.rate)
    if there.multiplicity > here.multiplicity:
        # What it cannot tell apart says nothing against what is told apart here.
        return max(change - there.error, 0.0)
    return change


def _most_terms(values: int) -> int:
    return min(_MOST_TERMS + 1, values // 3)


def _spaces(part: Floats) -> Floats:
    """Orthonormal stretches of the sequences, the most common one first."""
    k = part.shape[1]
    length = max(k // 2, _most_terms(k) + 1)
    stretches = np.lib.stride_tricks.sliding_window_view(part, length, axis=1)
    # The triangular factor has the singular vectors of all the rows; their Gram matrix would
    # have them with half the digits. In small pieces, which linear algebra leaves to one thread.
    pieces: Any = np.linalg.qr(stretches, mode="r")
    while len(pieces) > 1:
        if len(pieces) % 2:
            pieces = np.concatenate([pieces, np.zeros_like(pieces[:1])])
        pieces = np.linalg.qr(pieces.reshape(len(pieces) // 2, -1, length), mode="r")
    triangle = pieces[0]
    spaces: Floats = np.linalg.svd(triangle, full_matrices=False)[2].T
    return spaces


def _fit(part: Floats, spaces: Floats, terms: int, slope: float, stride: int) -> _Fit | None:
    """The z are the eigenvalues of the map that shifts the leading stretches by one place."""
    if spaces.shape[1] < terms:
        return None
    space = spaces[:, :terms]
    shift = np.linalg.lstsq(space[:-1], space[1:], rcond=None)[0]
    z = np.linalg.eigvals(shift)
    if not (np.abs(z) > 0.0).all():
        return None
    k = part.shape[1]
    with np.errstate(all="ignore"):
        basis = z[None, :] ** np.arange(k)[:, None]
        basis = basis / np.linalg.norm(basis, axis=0)
    if not np.isfinite(basis).all():
        return None
    coefficients = np.linalg.lstsq(basis, part.T.astype(complex), rcond=1e-14)[0]
    left = part.T - basis @ coefficients
    residual = float(np.sqrt((np.abs(left) ** 2).mean() / (part**2).mean()))
    ends = np.abs(basis[-1])[:, None] * np.abs(coefficients)
    shares = np.sqrt((ends**2).mean(axis=1))
    if not (np.isfinite(shares).all() and shares.max() > 0.0):
        return None
    exponents = -(np.log(z.astype(complex)) / stride + slope)
    return _Fit(exponents, shares / shares.max(), residual, stride, float(stride * (k - 1)))


def _spread(part: Floats, terms: int, slope: float, stride: int, rate: float) -> float:
    """Standard error by leaving out a quarter of the sequences at a time."""
    groups = min(4, len(part))
    if groups < 2:
        return 0.0
    estimates = []
    for group in range(groups):
        kept = part[np.arange(len(part)) % groups != group]
        fit = _fit(kept, _spaces(kept), terms, slope, stride)
        if fit is None or not fit.visible.any():
            continue
        lead = fit.slowest()
        estimates.append(
            lead.rate if lead.multiplicity > 1 else fit.rates[np.argmin(np.abs(fit.rates - rate))]
        )
    if len(estimates) < 2:
        return np.inf
    return float(np.sqrt((groups - 1.0) * np.var(estimates)))
