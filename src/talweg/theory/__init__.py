"""What theory predicts of gradient descent and flow next to a nondegenerate minimum.

Everything here is computed from the eigenvalues of the Hessian at the minimum, and where it says so from
third derivatives there; `suggest_step` finds those that it needs itself. `talweg.checks` holds the predictions against runs. The theory page of the
documentation has the derivations.
"""

from __future__ import annotations

from talweg.theory.alignment import AlignmentRate, alignment_rate
from talweg.theory.multipliers import contraction
from talweg.theory.noise import stationary_variance
from talweg.theory.resonances import Resonance, Resonances, resonances
from talweg.theory.slow_manifold import SlowManifold, slow_manifold
from talweg.theory.step_bounds import BestMomentum, ResonantStep, StepBounds, step_bounds
from talweg.theory.suggest_step import StepSuggestion, suggest_step
from talweg.theory.volume import volume_rate

__all__ = [
    "AlignmentRate",
    "BestMomentum",
    "Resonance",
    "Resonances",
    "ResonantStep",
    "SlowManifold",
    "StepBounds",
    "StepSuggestion",
    "alignment_rate",
    "contraction",
    "resonances",
    "slow_manifold",
    "stationary_variance",
    "step_bounds",
    "suggest_step",
    "volume_rate",
]
