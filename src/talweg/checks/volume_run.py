"""What one check of volume goes through, in order."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.carrying import Mover, Wells, carried_from_trial
from talweg.checks.comparison import Comparison
from talweg.checks.cone import TalwegDistance, tangent_sine
from talweg.checks.membership import ValleyMembership
from talweg.checks.rates import cone_decay, directional_rates, volume_decay
from talweg.checks.regions import Sample
from talweg.checks.shares import Sums
from talweg.checks.volume_result import VolumeCheck
from talweg.extremals.finding import critical_points
from talweg.extremals.points import CriticalPoint
from talweg.extremals.results import Extremal
from talweg.extremals.surveying import survey
from talweg.extremals.tracing import trace_talweg
from talweg.jets import relative
from talweg.objective import Objective
from talweg.status import Status
from talweg.theory.volume import volume_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["VolumeRun"]

_GROUPS = 40
_CLOUD = 4000
#: Squares of shorter offsets underflow.
_SMALLEST = 1e-140
#: Numbers that a batch of points may take at all times.
_BATCH = 4_000_000


def _spread(last: Any, descent: bool) -> Any:
    if descent:
        return np.unique(np.rint(np.linspace(0, int(last), min(int(last), 40) + 1)).astype(int))
    return np.linspace(0.0, float(last), 41)


class VolumeRun:
    """The region, carried and counted."""

    def __init__(
        self,
        f: Objective,
        region: Any,
        sample: Sample,
        mover: Mover,
        ratio: float,
        cone: float,
        distance: str,
    ) -> None:
        self.f, self.region, self.sample, self.mover = f, region, sample, mover
        self.ratio, self.width, self.distance = ratio, cone, distance
        self.notes: list[str] = []
        self.talweg: Any = None
        self.valley_of: Any = None
        self.in_cone: Callable[[Floats], Any] | None = None
        self.membership: ValleyMembership | None = None

    # --- where it goes

    def find_minimum(self, x_min: Any) -> None:
        known = [] if x_min is None else [_checked_minimum(self.f, x_min)]
        self.trial = carried_from_trial(self.mover, self.sample.x)
        self.wells = Wells(self.f, self.trial.ends, known)
        if not self.wells.points:
            raise ValueError(
                "x_min: no trial point of the region came to rest at a nondegenerate minimum; give "
                "x_min, or a shorter step_length"
            )
        self._settle()
        if not known:
            labels = self.wells.label(self.trial.ends)
            self.wells.put_first(int(np.bincount(labels[labels >= 0], minlength=1).argmax()))
        self.point = self.wells.points[0]
        # All points are carried as offsets from the minimum, so that the last of them have directions.
        self.g = relative(self.f, self.point.x)
        self.point = dataclasses.replace(self.point, x=self.g.x_min)
        self.offsets = self.sample.x - self.point.x
        self.mover = dataclasses.replace(self.mover, f=self.g)
        if self.point.eigenvalues.size != self.f.n:
            raise ValueError(
                "f: want a function without rigid motions: they have no volume to lose"
            )
        values = self.point.eigenvalues
        self.predicted = volume_rate(
            values, self.mover.step, self.mover.momentum, self.mover.nesterov
        )
        s = self.mover.step
        with np.errstate(divide="ignore"):
            self.rates = -values if s is None else np.log(np.abs(1.0 - s * values))

    def _settle(self) -> None:
        """Carry the trial points on into the balls, which are small where third derivatives are large."""
        soft = np.array([point.eigenvalues[0] for point in self.wells.points])
        slope = 0.3 * float((soft * self.wells.radius).min())
        if 0.0 < slope < self.trial.slope:
            rest = math.log(self.trial.slope / slope) / float(soft.min())
            more = math.ceil(2.0 * (rest if self.mover.step is None else rest / self.mover.step))
            ends = self.mover.onward(self.trial.ends, more, slope)
            self.trial = dataclasses.replace(
                self.trial, ends=ends, slope=slope, amount=self.trial.amount + more
            )

    def set_times(self, moments: Any) -> None:
        descent = self.mover.step is not None
        if moments is None:
            moments = self._enough()
        last = float(np.max(moments))
        slowest = float(self.rates.max())
        #: What is left of distances at last, for the flow's tolerances.
        self.shrinkage = math.exp(max(slowest * last, -600.0)) if slowest < 0.0 else 1.0
        self.times = _spread(moments, descent) if np.ndim(moments) == 0 else moments
        if len(self.times) == 1 and self.times[0] > 0:
            self.times = np.append(0 * self.times, self.times)

    def _enough(self) -> float:
        """The way to the minimum's ball, and on to a share of 1e-3 outside the cone there."""
        slowest = float(self.rates.max())
        if self.mover.step is not None and not slowest < 0.0:
            raise ValueError(
                f"step_length: {self.mover.step:g} is not stable at x_min: want less than "
                f"{2.0 / self.point.eigenvalues[-1]:.6g}, or give steps"
            )
        if self.mover.momentum:
            return max(2 * self.trial.amount, 10)
        gap = float(self.rates[0] - self.rates[1:].max(initial=-np.inf))
        # Offsets have all their digits, but not below the smallest number.
        scale = math.log(10.0) / -slowest if np.isfinite(slowest) else 1.0
        need = math.log(1e3) / gap if gap > 0 else 5.0 * scale
        time = self.trial.entry(self.wells) + min(need, 100.0 * scale)
        return max(math.ceil(time), 4) if self.mover.step is not None else time

    # --- the valley

    def find_talweg(self, valley: Any) -> None:
        if self.mover.momentum:
            self.notes.append(
                "with momentum volume is that of pairs of iterates: shares within sets of x have no "
                "meaning and are left out"
            )
            return
        x, e = self.point.x, self.point.eigenvectors[:, 0]
        if isinstance(valley, Extremal):
            self.talweg = valley
        else:
            self.talweg = self._traced(x)
        try:
            measure = TalwegDistance(self.talweg, x, e)
            if self.distance == "talweg":
                self.in_cone = lambda offset: measure.within(offset, self.width)
        except ValueError:
            if isinstance(valley, Extremal):
                raise
            self.notes.append(f"no talweg starts at x_min: {self.talweg.message}")
            self.talweg = None
        if self.distance == "tangent":
            self.in_cone = lambda offset: tangent_sine(offset, e) <= self.width
        if isinstance(valley, str):
            valley = survey(self.f, bounds=self._box(1.0))
        self.valley_of = valley if valley is not None else self.talweg
        if self.valley_of is not None:
            self.membership = ValleyMembership(
                self.g, self.valley_of, self.point, self.ratio, float(self.wells.radius[0])
            )

    def _box(self, growth: float) -> Floats:
        """All that trial points go through, and the function's own box."""
        rows = [self.sample.x, self.point.x[None], self.trial.ends]
        if self.f.bounds is not None:
            rows.append(np.asarray(self.f.bounds).T)
        everything = np.concatenate(rows)
        low, high = everything.min(axis=0), everything.max(axis=0)
        grown = (1.1 * growth - 1.0) / 2.0 * (high - low)
        return np.stack([low - grown, high + grown], axis=1)

    def _traced(self, x: Floats) -> Extremal:
        """The talweg through x as far up as the region reaches, or as it is one."""
        box = self._box(1.0)
        spacing = 0.005 * float(np.linalg.norm(box[:, 1] - box[:, 0]))
        with np.errstate(all="ignore"):
            heights = np.asarray(self.f(self.sample.x))
        top = float(heights[np.isfinite(heights)].max(initial=-np.inf))
        curve = trace_talweg(self.f, x, bounds=box, max_step=spacing)
        for growth in (2.0, 4.0, 8.0):
            ends = (curve.start_status, curve.end_status)
            if Status.BOUNDARY not in ends or curve.fun[[0, -1]].min() >= top:
                break
            longer = trace_talweg(self.f, x, bounds=self._box(growth), max_step=spacing)
            if not longer.success:
                break
            curve = longer
        return curve

    # --- the points

    def carried(self) -> VolumeCheck:
        n, count, moments = self.f.n, len(self.sample.x), len(self.times)
        self.early_notes = list(self.notes)
        self.sums = Sums(moments, 2, _GROUPS)
        self.covered = np.zeros((2, moments))
        self.close = np.zeros((2, moments))
        self.labels = np.full(count, -2)
        self.singular = self.flipped = self.contracting = self.diverged = 0
        self.clouds: list[tuple[Floats, Floats]] = []
        # Ten batches at least, for an interrupt to leave something.
        batch = max(min(_BATCH // (moments * (n + 4)), -(-count // 10)), 64)
        done = 0
        try:
            while done < count:
                self._batch(done, min(done + batch, count))
                done = min(done + batch, count)
            return self._check(count, Status.CONVERGED)
        except KeyboardInterrupt as interrupt:
            # Whatever a part of the work left there is no check.
            result = None
            if done:
                self.notes = [f"interrupted: {done} of {count} points are done", *self.early_notes]
                result = self._check(done, Status.INTERRUPTED)
            interrupt.result = result  # type: ignore[attr-defined]
            raise

    def _batch(self, first: int, stop: int) -> None:
        x, base = self.offsets[first:stop], self.sample.weight[first:stop]
        moved = self.mover.carry(x, self.times, self.shrinkage)
        lost = ~np.isfinite(moved.path[-1]).all(axis=1)
        label = np.full(len(x), -1)
        label[~lost] = self.wells.label(moved.path[-1][~lost] + self.point.x)
        open_ = np.flatnonzero(~lost & (label < 0))
        onward = self.mover.onward(moved.path[-1][open_], 2 * self.trial.amount, self.trial.slope)
        label[open_] = self.wells.label(onward + self.point.x)
        here = np.flatnonzero(label == 0)
        # Most often all of them: nothing is copied then.
        path, logs, b = (
            (moved.path, moved.log_volume, base)
            if len(here) == len(x)
            else (moved.path[:, here], moved.log_volume[:, here], base[here])
        )
        mass = float(b.sum())
        inside = np.zeros((2, len(self.times), len(here)), dtype=bool)
        covered, close = np.full(len(self.times), mass), np.zeros(len(self.times))
        for k, offset in enumerate(path):
            if self.in_cone is not None:
                inside[0, k] = self.in_cone(offset)
            if self.membership is not None:
                inside[1, k], low = self.membership.inside(offset)
                if not low.all():
                    covered[k] = float(b @ low)
            hidden = np.abs(offset).max(axis=1) <= _SMALLEST
            if hidden.any():
                close[k] = float(b @ hidden)
        # From here on nothing is slow: an interrupt leaves whole batches.
        self.sums.add(first, b, logs, inside)
        self.covered += [covered, np.full(len(self.times), mass)]
        self.close += [close, np.full(len(self.times), mass)]
        self.labels[first:stop] = label
        self.labels[first:stop][lost] = -3
        with np.errstate(invalid="ignore"):
            self.singular += int((logs[-1] == -np.inf).sum())
            self.flipped += int((moved.sign[-1][here] < 0).sum())
        self.contracting += int(moved.contracting[here].sum())
        kept = sum(len(cloud) for _, cloud in self.clouds)
        some = here[: max(_CLOUD - kept, 0)]
        if some.size:
            with np.errstate(divide="ignore"):
                weighted = moved.log_volume[:, some] + np.log(base[some])
            self.clouds.append((moved.path[:, some].transpose(1, 0, 2).copy(), weighted.T.copy()))

    # --- what it says

    def _check(self, done: int, status: Status) -> VolumeCheck:
        labels, base = self.labels[:done], self.sample.weight[:done]
        total = float(base.sum())
        shares = np.array([base[labels == i].sum() for i in range(len(self.wells.x))]) / total
        unsettled = float(base[labels == -1].sum()) / total
        diverged = float(base[labels == -3].sum()) / total
        here = int((labels == 0).sum())
        unresolved = _share(self.close)
        covered = _share(self.covered) if self.membership is not None else None
        cone = valley = None
        if self.in_cone is not None:
            cone = self.sums.concentration(0, self.width)
        if self.membership is not None:
            valley = self.sums.concentration(1, self.ratio)
        injective = self._injective(here)
        slowest = min(float(self.rates.max()), 0.0)
        rate = volume_decay(self.times, self.sums, self.predicted, slowest)
        if self.mover.momentum:
            rate = self._with_momentum(rate)
        rates = np.sort(self.rates)[::-1]
        gap = float(self.rates[1:].max(initial=-np.inf) - self.rates[0])
        if self.f.n == 1:
            decay = Comparison.none(-np.inf, "one coordinate: the talweg is everything")
        elif cone is None:
            decay = Comparison.none(gap, "there is no cone")
        else:
            decay = cone_decay(self.times, self.sums, 0, gap, unresolved < 1e-4)
        if self.mover.momentum:
            directions = Comparison.none(rates, "with momentum no tangent map is followed")
        elif status == Status.INTERRUPTED:
            directions = Comparison.none(rates, "not followed, as it was interrupted")
        else:
            directions = directional_rates(
                self.g,
                self.offsets[:done][labels == 0],
                self.mover.step,
                float(self.times[-1]),
                rates,
                self.mover.workers,
            )
        self._remarks(shares, unsettled, diverged, injective, here, unresolved, covered)
        for name, one in (("cone", cone), ("valley", valley)):
            if one is not None and one.message:
                self.notes.append(f"{name}: {one.message}")
        for name, both in (
            ("volume", rate),
            ("decay outside the cone", decay),
            ("single directions", directions),
        ):
            if both.message:
                self.notes.append(f"{name}: {both.message}")
        mean, mean_error = self.sums.mean_log_volume()
        log_mean, log_mean_error = self.sums.log_mean_volume()
        path, logs = self._cloud()
        message = ". ".join(note[0].upper() + note[1:].rstrip(".") for note in self.notes)
        return VolumeCheck(
            f=self.f,
            g=self.g,
            region=self.region,
            region_volume=self.sample.volume,
            n_points=done,
            times=np.asarray(self.times),
            step_length=self.mover.step,
            x_min=self.point.x,
            eigenvalues=self.point.eigenvalues,
            eigenvectors=self.point.eigenvectors,
            volume_rate=rate,
            directions=directions,
            decay=decay,
            cone=cone,
            valley=valley,
            covered=covered,
            log_mean_volume=log_mean,
            log_mean_volume_error=log_mean_error,
            mean_log_volume=mean,
            mean_log_volume_error=mean_error,
            predicted_log_volume=self.predicted * np.where(self.times == 0, 0.0, self.times)
            if np.isfinite(self.predicted)
            else np.where(np.asarray(self.times) == 0, 0.0, self.predicted),
            effective_size=self.sums.effective_size(),
            minima=self.wells.x,
            basin_share=shares,
            unsettled=unsettled,
            diverged=diverged,
            unresolved=unresolved,
            singular=self.singular,
            flipped=self.flipped,
            injective=injective,
            cloud=path,
            cloud_log_volume=logs,
            talweg=self.talweg,
            valley_of=self.valley_of,
            membership=self.membership,
            ratio=self.ratio,
            message=message + "." if message else "",
            status=status,
        )

    def _with_momentum(self, rate: Comparison) -> Comparison:
        """Of the heavy ball the determinant is the same everywhere; roots decide how fast points come."""
        if self.mover.nesterov:
            return rate
        mass = self.sums.mass.sum(axis=1)
        if not mass[-1] > 0:
            return rate
        value = float(self.sums.log[-1].sum() / mass[-1]) / float(self.times[-1])
        window = (float(self.times[0]), float(self.times[-1]))
        return Comparison.of(rate.predicted, value, 0.0, window, "")

    def _injective(self, here: int) -> bool | None:
        if self.mover.step is None or (here and self.contracting == here):
            return True
        if self.singular or 0 < self.flipped < here:
            return False
        return None

    def _remarks(
        self,
        shares: Floats,
        unsettled: float,
        diverged: float,
        injective: bool | None,
        here: int,
        unresolved: Floats,
        covered: Floats | None,
    ) -> None:
        put = self.notes.append
        if not here:
            put("no point goes to x_min: nothing can be said")
        elif shares[0] < 1.0:
            put(f"all of this is about the {shares[0]:.4g} of the region that goes to x_min")
        if len(shares) > 1 and shares[1:].any():
            put("shares that go to other minima: " + ", ".join(f"{s:.4g}" for s in shares[1:]))
        if unsettled:
            put(f"a share of {unsettled:.4g} came to none of the minima found")
        if diverged:
            put(
                f"a share of {diverged:.4g} ran into values that are not finite, as where a step is too long"
            )
        if self.singular:
            put(f"{self.singular} points met a singular map and weigh nothing")
        if injective is False:
            put(
                "the map is not injective: the image may cover parts of itself more than once, and "
                f"shares count them as often ({self.flipped} of {here} determinants are negative)"
            )
        elif injective is None and here and not self.mover.momentum:
            put(
                "the step is not below the inverse of the largest eigenvalue: injectivity is not shown"
            )
        if here and unresolved.max(initial=0.0) > 1e-4:
            put(
                "late points are at the minimum or too close to it for numbers; they have no direction "
                f"(a share of {unresolved[-1]:.2g} at the end)"
            )
        values = self.point.eigenvalues
        if self.membership is not None and self.ratio**2 * values[0] >= values[-1] and self.f.n > 1:
            put(
                "R is not below the square root of the ratio of eigenvalues, "
                f"{math.sqrt(values[-1] / values[0]):.4g}: "
                "next to the minimum all points are in V_R"
            )
        if here and covered is not None and covered.min(initial=1.0) < 1.0:
            put(
                f"no talweg is as high as a share of {1.0 - covered.min():.2g} of the points at some "
                "time; they count as outside V_R"
            )

    def _cloud(self) -> tuple[Floats, Floats]:
        if not self.clouds:
            return np.zeros((len(self.times), 0, self.f.n)), np.zeros((len(self.times), 0))
        path = np.concatenate([path for path, _ in self.clouds]).transpose(1, 0, 2)
        return np.ascontiguousarray(path), np.concatenate(
            [logs for _, logs in self.clouds]
        ).T.copy()


def _share(pair: Floats) -> Floats:
    return np.where(pair[1] > 0, pair[0] / np.where(pair[1] > 0, pair[1], 1.0), 0.0)


def _checked_minimum(f: Objective, x_min: Any) -> CriticalPoint:
    x = np.asarray(getattr(x_min, "x", x_min), dtype=float)
    if x.shape != (f.n,):
        raise ValueError(f"x_min: want shape ({f.n},), got {x.shape}")
    found = critical_points(f, bounds=(), starts=x)
    near = [p for p in found if np.linalg.norm(p.x - x) <= 1e-3 * (1.0 + np.linalg.norm(x))]
    if not near or near[0].type != "minimum" or near[0].degenerate:
        raise ValueError("x_min: want a nondegenerate minimum, as talweg.critical_points gives it")
    return dataclasses.replace(near[0])
