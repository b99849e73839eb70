"""Energies of atoms from calculators of ASE."""

import pickle
import sys

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import talweg

ase = pytest.importorskip("ase", reason="needs the extra talweg[ase]")
from ase.build import bulk, molecule  # noqa: E402
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes  # noqa: E402
from ase.calculators.emt import EMT  # noqa: E402
from ase.calculators.lj import LennardJones  # noqa: E402
from ase.constraints import FixAtoms  # noqa: E402
from ase.vibrations import Vibrations  # noqa: E402

CLUSTERS = {
    "Cu4": ("Cu4", [[0, 0, 0], [2.4, 0, 0], [1.2, 2.1, 0], [1.2, 0.7, 2.0]]),
    "Au3Pt": ("Au3Pt", [[0, 0, 0], [2.6, 0, 0], [1.3, 2.3, 0], [1.3, 0.8, 2.1]]),
    "Cu3": ("Cu3", [[0, 0, 0], [2.4, 0, 0], [1.2, 2.1, 0]]),
}


#: Every evaluation counts: a long first step, and no search for curves that pass close by.
QUICK = {"initial_step": 0.1, "near_branch_distance": 1e-3}


def cluster(name):
    formula, positions = CLUSTERS[name]
    return ase.Atoms(formula, positions, calculator=EMT())


def minimum_of(f, atoms):
    (point,) = talweg.critical_points(f, starts=atoms.positions.ravel())
    return point


@pytest.mark.parametrize("name", sorted(CLUSTERS))
def test_values_and_derivatives_are_those_of_the_calculator(name):
    atoms = cluster(name)
    f = talweg.Objective.from_ase(atoms)
    rng = np.random.default_rng(1)
    x = atoms.positions.ravel() + 0.1 * rng.normal(size=(3, f.n))
    assert f.name == atoms.get_chemical_formula()
    for row in x:
        moved = talweg.molecules.atoms_at(f, row)
        moved.calc = EMT()
        assert f(row) == moved.get_potential_energy()
        np.testing.assert_array_equal(f.grad(row), -moved.get_forces().ravel())
    # Differences of second order with another step.
    h = 1e-4
    columns = [(f.grad(x + h * e) - f.grad(x - h * e)) / (2 * h) for e in np.eye(f.n)]
    np.testing.assert_allclose(f.hess(x), np.stack(columns, axis=-1), atol=1e-5)
    v = rng.normal(size=f.n)
    third = (f.hess(x + h * v) - f.hess(x - h * v)) / (2 * h)
    np.testing.assert_allclose(f.third(x, v), third, atol=2e-3)
    assert set(f.approximate) == {"hess", "hessp", "third"}


@pytest.mark.parametrize("name", sorted(CLUSTERS))
def test_wavenumbers_are_those_of_ase(name, tmp_path):
    atoms = cluster(name)
    f = talweg.Objective.from_ase(atoms, mass_weighted=True)
    point = minimum_of(f, atoms)
    assert point.type == "minimum" and point.branches == f.n - 6
    relaxed = talweg.molecules.atoms_at(f, point.x)
    relaxed.calc = EMT()
    assert np.abs(relaxed.get_forces()).max() < 1e-9
    vibrations = Vibrations(relaxed, name=str(tmp_path / "vib"), delta=0.002, nfree=4)
    vibrations.run()
    expected = vibrations.get_energies()[6:].real / ase.units.invcm
    np.testing.assert_allclose(talweg.molecules.wavenumbers(point.eigenvalues), expected, rtol=2e-4)


def test_a_trace_keeps_to_the_equation_and_the_files_of_ase(tmp_path):
    atoms = cluster("Cu3")
    f = talweg.Objective.from_ase(atoms)
    point = minimum_of(f, atoms)
    curve = talweg.trace(f, point, branch=-1, max_length=0.3, max_step=0.05, **QUICK)
    assert len(curve) > 5 and "by differences" in curve.message
    for x in curve.x[2:]:
        g, h = f.grad(x), f.hess(x)
        rest = h @ g - (g @ h @ g) / (g @ g) * g
        assert np.linalg.norm(rest) < 1e-7 * np.linalg.norm(h) * np.linalg.norm(g)
    path = tmp_path / "path.xyz"
    import ase.io

    ase.io.write(path, talweg.molecules.atoms_at(f, curve.x))
    np.testing.assert_allclose(
        ase.io.read(path, index=-1).positions.ravel(), curve.x[-1], atol=1e-6
    )


def test_equal_eigenvalues_of_a_symmetric_cluster_are_told_as_such():
    atoms = cluster("Cu4")
    f = talweg.Objective.from_ase(atoms)
    point = minimum_of(f, atoms)
    spread = point.multiplicities(1e-5)
    assert [len(group) for group in spread] == [2, 3, 1]
    for branch in (0, 2):
        curve = talweg.trace(f, point, branch=branch, max_length=0.1, max_step=0.05, **QUICK)
        assert len(curve) > 2, curve.message
        assert curve.fun[-1] > curve.fun[0]


def test_a_chain_folds_into_a_triangle():
    # Linear, with five motions and two bends of one negative eigenvalue, to the minimum, with six.
    chain = ase.Atoms("CuAgAu", [[0, 0, 0], [0, 0, -2.4], [0, 0, 2.4]], calculator=EMT())
    f = talweg.Objective.from_ase(chain, noise=1e-9)
    triangle = np.array([[0, 0, 0], [2.5, 0, 0], [1.2, 2.2, 0]])
    linear, folded = (
        talweg.critical_points(f, starts=start)[0]
        for start in (chain.positions.ravel(), triangle.ravel())
    )
    assert (linear.type, linear.branches) == ("saddle, index 2", 4)
    assert linear.multiplicities(1e-7)[0] == [0, 1]
    assert (folded.type, folded.branches) == ("minimum", 3)
    curve = talweg.trace(f, linear, max_length=2.46, max_step=0.4, **QUICK)
    (met,) = (event for event in curve.events if event.kind == "critical_point")
    assert met.morse_index == 0
    assert met.fun == pytest.approx(folded.fun, abs=1e-9)
    between = [
        np.sort(np.linalg.norm(np.diff(x.reshape(3, 3)[[0, 1, 2, 0]], axis=0), axis=1))
        for x in (met.x, folded.x)
    ]
    np.testing.assert_allclose(*between, atol=1e-6)


def test_periodic_cells_keep_rotations():
    atoms = bulk("Cu", cubic=True)
    atoms.calc = EMT()
    atoms.rattle(0.01, seed=1)
    point = minimum_of(talweg.Objective.from_ase(atoms), atoms)
    assert point.branches == 3 * len(atoms) - 3
    free = talweg.Objective.from_ase(atoms, rigid_motions=False)
    assert np.linalg.eigvalsh(free.hess(point.x))[:3] == pytest.approx(0.0, abs=1e-6)


def test_pickles_with_the_calculator():
    atoms = ase.Atoms("Ar3", 1.1 * np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.9, 0]]))
    atoms.calc = LennardJones()
    f = talweg.Objective.from_ase(atoms, mass_weighted=True, scale=0.4, name="three")
    g = pickle.loads(pickle.dumps(f))
    x = atoms.positions.ravel()
    assert (g.name, g(x)) == ("three", f(x))
    np.testing.assert_array_equal(g.hess(x), f.hess(x))
    assert minimum_of(g, atoms).branches == 3
    assert talweg.molecules.atoms_at(g, x) == talweg.molecules.atoms_at(f, x)
    with pytest.raises(TypeError, match="only recordings can be saved"):
        f.to_arrays()
    # A calculator that does not pickle says so itself.
    f = talweg.Objective.from_ase(cluster("Cu3"))
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        pickle.dumps(f)


class Broken(Calculator):
    implemented_properties = ("energy", "forces")

    def __init__(self, failure):
        super().__init__()
        self.failure = failure

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if self.failure is not None:
            raise self.failure
        forces = np.full((len(self.atoms), 3), np.nan)
        self.results = {"energy": np.nan, "forces": forces}


class OuterField(Calculator):
    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions
        self.results = {"energy": (x**2).sum() / 2, "forces": -x}


class Scaled(LennardJones):
    """Forces that are not those of the energy."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def calculate(self, *arguments):
        super().calculate(*arguments)
        self.results["forces"] = self.factor * self.results["forces"]


def with_calculator(calculator):
    atoms = molecule("H2O")
    atoms.calc = calculator
    return atoms


def test_exceptions_of_the_calculator_pass():
    failure = OSError("no licence")
    with pytest.raises(OSError) as raised:
        talweg.Objective.from_ase(with_calculator(Broken(failure)))
    assert raised.value is failure


class Tearing(EMT):
    """Fails, one way or another, where a bond is long."""

    def __init__(self, failure, longest):
        super().__init__()
        self.failure, self.longest = failure, longest

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        if atoms.get_all_distances().max() > self.longest:
            raise self.failure
        super().calculate(atoms, properties, system_changes)


def torn(failure):
    atoms = ase.Atoms("Cu2", [[0, 0, 0], [0, 0, 2.3]])
    atoms.calc = Tearing(failure, 3.0)
    f = talweg.Objective.from_ase(atoms)
    options = {"direction": [0, 0, -1, 0, 0, 1], "max_length": 2.0, "max_step": 0.1}
    return f, minimum_of(f, atoms), options


def test_a_calculation_that_fails_on_the_way_ends_the_curve_there():
    f, point, options = torn(CalculationFailed("not converged"))
    curve = talweg.trace(f, point, **options)
    assert curve.status == talweg.Status.NON_FINITE and not curve.success
    assert len(curve) > 5
    length = np.linalg.norm(curve.x[-1, :3] - curve.x[-1, 3:])
    assert 2.9 < length <= 3.0
    # Where the first calculation fails nothing can be done.
    with pytest.raises(CalculationFailed):
        talweg.Objective.from_ase(
            ase.Atoms("Cu2", [[0, 0, 0], [0, 0, 3.2]], calculator=f._atoms.calc)
        )


def test_other_exceptions_on_the_way_pass_and_the_tracer_keeps_its_points():
    failure = OSError("disk full")
    f, point, options = torn(failure)
    tracer = talweg.ExtremalTracer(f, point, **options)
    with pytest.raises(OSError) as raised:
        for _ in tracer:
            pass
    assert raised.value is failure
    assert len(tracer.extremal()) > 5


def test_atoms_in_a_field():
    atoms = with_calculator(OuterField())
    with pytest.raises(ValueError, match="changes when all atoms move.*rigid_motions=False"):
        talweg.Objective.from_ase(atoms)
    f = talweg.Objective.from_ase(atoms, rigid_motions=False)
    np.testing.assert_allclose(f.hess(atoms.positions.ravel()), np.eye(9), atol=1e-6)


def constrained():
    atoms = cluster("Cu3")
    atoms.set_constraint(FixAtoms([0]))
    return atoms


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: molecule("H2O"), ValueError, "want a calculator"),
        (constrained, ValueError, r"FixAtoms.*set_constraint\(\).*Objective.fixed"),
        (lambda: [[0.0, 0.0, 0.0]], TypeError, "want ase.Atoms, got list"),
        (lambda: ase.Atoms("Cu", calculator=EMT()), ValueError, "at least two, got 1"),
        (lambda: with_calculator(Broken(None)), ValueError, "NaN or infinite"),
        (lambda: with_calculator(Scaled(-1.0)), ValueError, "forces are not those of its energy"),
        # Atomic units of one and not of the other.
        (lambda: with_calculator(Scaled(0.529)), ValueError, "forces are not those of its energy"),
    ],
)
def test_bad_atoms(make, error, words):
    with pytest.raises(error, match=words):
        talweg.Objective.from_ase(make())


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"noise": "low"}, TypeError, "noise"),
        ({"noise": 0.5}, ValueError, "noise"),
        ({"scale": -1.0}, ValueError, "scale"),
        ({"mass_weighted": None}, TypeError, "mass_weighted"),
        ({"rigid_motions": 6}, TypeError, "rigid_motions"),
    ],
)
def test_bad_options(options, error, words):
    with pytest.raises(error, match=words):
        talweg.Objective.from_ase(cluster("Cu3"), **options)


def test_without_ase(monkeypatch):
    monkeypatch.setitem(sys.modules, "ase", None)
    with pytest.raises(ImportError, match=r"pip install talweg\[ase\]"):
        talweg.Objective.from_ase(object())


def test_only_objectives_of_atoms_have_atoms():
    with pytest.raises(TypeError, match="from_ase"):
        talweg.molecules.atoms_at(talweg.surfaces.lj(3), np.zeros(9))


def test_lennard_jones_of_ase_is_ours():
    # ASE's potential is cut off; a shift of the energy is left.
    atoms = ase.Atoms("Ar4", 1.1 * np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.9, 0], [0.5, 0.3, 0.8]]))
    atoms.calc = LennardJones(rc=50.0)
    f, g = talweg.Objective.from_ase(atoms), talweg.models.lennard_jones(4)
    one, two = minimum_of(f, atoms), minimum_of(g, atoms)
    np.testing.assert_allclose(one.eigenvalues, two.eigenvalues, rtol=1e-7)
    x = atoms.positions.ravel()
    turned = Rotation.random(rng=np.random.default_rng(2)).apply(atoms.positions).ravel()
    assert f(turned) == pytest.approx(f(x), rel=1e-12)
    np.testing.assert_allclose(f.hess(x), g.hess(x), rtol=1e-6, atol=1e-6)


# Self-consistent fields: GFN2-xTB.


@pytest.fixture(scope="module")
def xtb():
    # Threads of OpenMP only wait for one another where there are three or four atoms.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        tblite = pytest.importorskip("tblite.ase", reason="needs tblite")

    def attached(atoms):
        atoms.calc = tblite.TBLite(method="GFN2-xTB", verbosity=0, accuracy=1e-6)
        return atoms

    return attached


#: Relative noise of forces at that accuracy.
NOISE = 1e-10


def planar_ammonia(bond):
    angles = 2 * np.pi * np.arange(3) / 3
    hydrogens = bond * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    return ase.Atoms("NH3", np.vstack([np.zeros(3), hydrogens]))


def test_ammonia_inverts(xtb, tmp_path):
    atoms = xtb(molecule("NH3"))
    f = talweg.Objective.from_ase(atoms, noise=NOISE, mass_weighted=True)
    pyramid = minimum_of(f, atoms)
    (planar,) = talweg.critical_points(f, starts=planar_ammonia(1.0).positions.ravel())
    assert (pyramid.type, planar.type) == ("minimum", "saddle, index 1")
    # C3v and D3h: each has two modes of symmetry E.
    for point in (pyramid, planar):
        groups = point.multiplicities(1e-6)
        assert sorted(map(len, groups)) == [1, 1, 2, 2] and groups[0] == [0]
    positions = planar.x.reshape(4, 3)
    assert np.linalg.svd(positions - positions.mean(axis=0))[1][2] < 1e-7
    relaxed = xtb(talweg.molecules.atoms_at(f, pyramid.x))
    assert np.abs(relaxed.get_forces()).max() < 1e-7
    vibrations = Vibrations(relaxed, name=str(tmp_path / "vib"), delta=0.005, nfree=4)
    vibrations.run()
    expected = vibrations.get_energies()[6:].real / ase.units.invcm
    np.testing.assert_allclose(
        talweg.molecules.wavenumbers(pyramid.eigenvalues), expected, rtol=1e-4
    )
    # The umbrella mode leads from the saddle to the minimum, and keeps the threefold axis.
    curve = talweg.trace(f, planar, max_length=0.62, max_step=0.2, **QUICK)
    (met,) = (event for event in curve.events if event.kind == "critical_point")
    assert met.morse_index == 0
    assert met.fun == pytest.approx(pyramid.fun, abs=1e-9)
    assert curve.is_talweg.all()
    for x in curve.x:
        bonds = np.linalg.norm(x.reshape(4, 3)[1:] - x[:3], axis=1)
        np.testing.assert_allclose(bonds, bonds[0], atol=1e-6)


def test_hydrogen_cyanide_isomerises(xtb):
    start = {
        "HCN": [[0, 0, -1.07], [0, 0, 0], [0, 0, 1.15]],
        "HNC": [[0, 0, 2.15], [0, 0, 0], [0, 0, 1.15]],
        "saddle": [[1.1, 0, 0.4], [0, 0, 0], [0, 0, 1.18]],
    }
    atoms = xtb(ase.Atoms("HCN", start["HCN"]))
    f = talweg.Objective.from_ase(atoms, noise=NOISE, mass_weighted=True)
    points = {}
    for name, positions in start.items():
        (points[name],) = talweg.critical_points(f, starts=np.ravel(positions))
    for name in ("HCN", "HNC"):
        # Linear: five motions, and two bends that are one.
        assert (points[name].type, points[name].branches) == ("minimum", 4)
        assert points[name].multiplicities(1e-6)[0] == [0, 1]
    assert (points["saddle"].type, points["saddle"].branches) == ("saddle, index 1", 3)
    # The bending curve falls from the saddle on both sides; followed on one, it runs through the
    # linear molecule.
    away_from_nitrogen = np.array([0, 0, -1, 0, 0, 0, 0, 0, 0])
    options = {"max_step": 0.3, **QUICK}
    curve = talweg.trace(
        f, points["saddle"], direction=away_from_nitrogen, max_length=1.88, **options
    )
    (met,) = (event for event in curve.events if event.kind == "critical_point")
    assert met.morse_index == 0
    assert met.fun == pytest.approx(points["HCN"].fun, abs=1e-9)
    h, c, n = met.x.reshape(3, 3)
    assert np.linalg.norm(np.cross(h - c, n - c)) < 1e-6
    back = talweg.trace(
        f, points["saddle"], direction=-away_from_nitrogen, max_length=1.0, **options
    )
    assert (np.diff(back.fun) < 0).all()
    h, c, n = back.x[-1].reshape(3, 3)
    assert np.linalg.norm(h - n) < 1.02 < 1.7 < np.linalg.norm(h - c)
