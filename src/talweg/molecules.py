"""Energies of atoms from calculators of ASE, the Atomic Simulation Environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.differences import Differenced, checked_noise, checked_scale
from talweg.quantity import GRADIENT, VALUE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from talweg.objective import Objective

    Floats = NDArray[np.float64]

__all__ = ["atoms_at", "energy_of_atoms", "wavenumbers"]

#: Relative noise of forces from self-consistent fields at the programs' usual convergence.
_SELF_CONSISTENT = 1e-6

#: Lengths in Angstrom over which bonds change by about their own strength.
_SCALE = 0.5

#: Calculators of ASE that evaluate formulas, to rounding.
_FORMULAS = {"EMT", "LennardJones", "MorsePotential", "EAM", "HarmonicCalculator", "TIP3P", "TIP4P"}


class AtomsEnergy:
    """Energies and gradients for blocks of positions, from one copy of the atoms.

    Where the calculator says that its calculation failed (a field that does not converge, say) both
    are NaN, so that a curve ends there with a status. All other exceptions pass.
    """

    def __init__(self, atoms: Any) -> None:
        from ase.calculators.calculator import CalculationFailed

        self._failed = CalculationFailed
        self.failure: Exception | None = None
        self.atoms = atoms.copy()
        self.atoms.calc = atoms.calc
        # Forces are derivatives of the free energy where electrons are smeared.
        properties = getattr(atoms.calc, "implemented_properties", ())
        self.free = "free_energy" in properties

    def __call__(self, x: Floats) -> tuple[Floats, Floats]:
        values, gradients = np.empty(len(x)), np.empty(x.shape)
        for k, row in enumerate(x):
            self.atoms.set_positions(row.reshape(-1, 3))
            try:
                values[k] = self.atoms.get_potential_energy(force_consistent=self.free)
                gradients[k] = -self.atoms.get_forces().ravel()
            except self._failed as failure:
                values[k] = gradients[k] = np.nan
                self.failure = failure
        return values, gradients


def energy_of_atoms(
    cls: type[Objective],
    atoms: Any,
    *,
    mass_weighted: bool,
    noise: float | None,
    scale: ArrayLike | None,
    rigid_motions: bool | None,
    name: str | None,
) -> Objective:
    """The work of `talweg.Objective.from_ase`."""
    try:
        import ase
    except ImportError:
        raise ImportError("from_ase needs ASE: pip install talweg[ase]") from None
    if not isinstance(atoms, ase.Atoms):
        raise TypeError(f"atoms: want ase.Atoms, got {type(atoms).__name__}")
    if len(atoms) < 2:
        raise ValueError(f"atoms: want at least two, got {len(atoms)}")
    if atoms.calc is None:
        raise ValueError(
            "atoms: want a calculator to take energies and forces from, set atoms.calc first"
        )
    if atoms.constraints:
        kinds = ", ".join(type(constraint).__name__ for constraint in atoms.constraints)
        raise ValueError(
            f"atoms: has constraints ({kinds}), which change forces but not the energy; remove them "
            "with atoms.set_constraint() and hold coordinates with Objective.fixed"
        )
    for value, argument in ((mass_weighted, "mass_weighted"), (rigid_motions, "rigid_motions")):
        if not isinstance(value, (bool, np.bool_)) and (
            value is not None or argument == "mass_weighted"
        ):
            raise TypeError(f"{argument}: want True or False, got {value!r}")
    n = 3 * len(atoms)
    lengths = checked_scale(_SCALE if scale is None else scale, n)
    if noise is None:
        classes = {kind.__name__ for kind in type(atoms.calc).__mro__}
        noise = 0.0 if classes & _FORMULAS else _SELF_CONSISTENT
    rotations = None
    if rigid_motions is not False:
        rotations = rigid_motions is True or not atoms.pbc.any()
    name = name or atoms.get_chemical_formula()
    made = _made(cls, AtomsEnergy(atoms), lengths, checked_noise(noise), rotations, name)
    # Away from critical points, where the gradient would be as small as its errors.
    wiggle = np.random.default_rng(1979).normal(size=n)
    at = atoms.positions.ravel() + 0.05 * wiggle
    _compare_forces(made, at)
    if mass_weighted:
        made = made.with_metric(np.repeat(atoms.get_masses(), 3))
    if rotations is not None:
        try:
            made = made.with_rigid_motions(rotations, at=at)
        except ValueError as error:
            raise ValueError(f"{error}; rigid_motions=False takes it as it is") from None
    return made


def _compare_forces(f: Objective, x: Floats) -> None:
    """Raise where forces are plainly no derivatives of the energy: of another sign, unit, energy."""
    slope = f.grad(x)
    length = np.linalg.norm(slope)
    if not 0.0 < length < np.inf:
        return
    step = 0.01 / length * slope
    back, on, further_back, further_on = f(x + np.outer([-1.0, 1.0, -2.0, 2.0], step))
    found = (8.0 * (on - back) - (further_on - further_back)) / 12.0 / 0.01
    # A few percent for wiggles of what is not converged, or cut off somewhere.
    if np.isfinite(found) and abs(found - length) > 0.05 * length + 1e-3:
        raise ValueError(
            f"atoms: the calculator's forces are not those of its energy, which falls by "
            f"{found:.4g} eV/Angstrom along a force of {length:.4g}"
        )


def _made(
    cls: Any, energy: AtomsEnergy, scale: Any, noise: float, rotations: bool | None, name: str
) -> Any:
    n = 3 * len(energy.atoms)
    calls = _core.CallbackObjective(n, energy, True, None, None, None, batched=True, arguments=())
    start = energy.atoms.get_positions().reshape(1, n)
    value = calls.evaluate(start, VALUE | GRADIENT)
    if energy.failure is not None:
        raise energy.failure
    if not (np.isfinite(value["value"]).all() and np.isfinite(value["gradient"]).all()):
        raise ValueError("atoms: their energy or forces are NaN or infinite")
    made = Differenced(calls, calls.available, start, scale, noise, rotations)
    self = cls.__new__(cls)
    self._setup(made.core, n, name=name)
    self._differenced = made
    self._atoms = energy.atoms
    self._recipe = (_made, (cls, energy, scale, noise, rotations, name))
    return self


def atoms_at(f: Objective, x: ArrayLike) -> Any:
    """The atoms of an objective from `Objective.from_ase`, at other positions.

    Parameters
    ----------
    f : Objective
    x : array_like, shape (n,) or (m, n)
        Positions in Angstrom, as in results.

    Returns
    -------
    ase.Atoms or list of ase.Atoms
        Without a calculator. A list can be written as a trajectory by `ase.io.write`.

    Raises
    ------
    TypeError, ValueError
        When f is made of no atoms, or x has another shape.

    Examples
    --------
    >>> import ase.build, ase.calculators.emt, talweg
    >>> atoms = ase.build.molecule("H2O", calculator=ase.calculators.emt.EMT())
    >>> f = talweg.Objective.from_ase(atoms)
    >>> (minimum,) = talweg.critical_points(f, starts=atoms.positions.ravel())
    >>> talweg.molecules.atoms_at(f, minimum.x).get_chemical_formula()
    'H2O'
    """
    atoms = getattr(f, "_atoms", None)
    if atoms is None:
        raise TypeError(f"f: want an objective from Objective.from_ase, got {f!r}")
    points, single = f._points(x)
    moved = []
    for point in points:
        copy = atoms.copy()
        copy.set_positions(point.reshape(-1, 3))
        moved.append(copy)
    return moved[0] if single else moved


def wavenumbers(eigenvalues: ArrayLike) -> Floats:
    """Harmonic wavenumbers from the eigenvalues of a mass-weighted Hessian.

    Parameters
    ----------
    eigenvalues : array_like
        In eV / (Angstrom^2 u), as critical points of ``from_ase(atoms, mass_weighted=True)``
        have them. Those of an objective without masses, in eV / Angstrom^2, give no wavenumbers.

    Returns
    -------
    ndarray
        In 1/cm; negative ones stand for imaginary wavenumbers, those of negative eigenvalues.

    Examples
    --------
    >>> import talweg
    >>> talweg.molecules.wavenumbers([1.0, -1.0]).round(3)
    array([ 521.471, -521.471])
    """
    from scipy import constants

    values = np.asarray(eigenvalues, dtype=float)
    one = np.sqrt(constants.e / constants.atomic_mass) * 1e10  # 1/s
    per_cm = one / (2.0 * np.pi * constants.c * 100.0)
    result: Floats = np.sign(values) * np.sqrt(np.abs(values)) * per_cm
    return result
