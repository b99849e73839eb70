"""Functions of atoms' positions, orthogonal to rigid motions."""

import copy
import pickle

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import talweg


def distances(x):
    atoms = x.reshape(-1, 3)
    first, second = np.triu_indices(len(atoms), 1)
    return np.linalg.norm(atoms[first] - atoms[second], axis=1)


def triangle(x):
    """Springs between three atoms, softened so that curves bend; of three bond lengths alone."""
    a, b, c = x[:3], x[3:6], x[6:]
    p, q, r = (np.sqrt(((u - v) ** 2).sum()) for u, v in ((a, b), (b, c), (c, a)))
    return (p - 1) ** 2 + 1.3 * (q - 1.1) ** 2 + 0.7 * (r - 0.9) ** 2 + 0.4 * (p - 1) * (q - 1) * r


def pyramid(x):
    """Four atoms, each pair with a bond of its own."""
    atoms = x.reshape(4, 3)
    total = 0.0
    for pair, (i, j) in enumerate(zip(*np.triu_indices(4, 1))):
        length = np.sqrt(((atoms[i] - atoms[j]) ** 2).sum())
        stretch = 1 - np.exp(-(1 + 0.1 * pair) * (length - 1 - 0.03 * pair))
        total = total + (1 + 0.2 * pair) * stretch**2
    return total


THREE = np.array([0, 0, 0, 1.1, 0, 0, 0.4, 0.9, 0])
FOUR = np.array([0, 0, 0, 1, 0, 0, 0.5, 0.9, 0, 0.5, 0.3, 0.8])
CASES = {"three": (triangle, THREE), "four": (pyramid, FOUR)}


@pytest.fixture(params=sorted(CASES))
def case(request):
    function, start = CASES[request.param]
    return talweg.Objective(function, start.size).with_rigid_motions(), start


def minimum_of(f, start):
    (point,) = talweg.critical_points(f, starts=start)
    assert point.type == "minimum" and not point.degenerate
    return point


def moved(x, rotation, shift=(0.0, 0.0, 0.0)):
    # SciPy takes no array that is read-only, as those of results are.
    return (rotation.apply(np.array(x).reshape(-1, 3)) + shift).reshape(-1)


def relative_residual(f, x):
    g, h = f.grad(x), f.hess(x)
    product = h @ g
    rest = product - (product @ g) / (g @ g) * g
    return np.linalg.norm(rest) / (np.linalg.norm(h) * np.linalg.norm(g))


def test_eigenvalues_are_those_of_the_hessian_but_for_six_zeros(case):
    f, start = case
    point = minimum_of(f, start)
    all_of_them = np.linalg.eigvalsh(f.hess(point.x))
    order = np.argsort(np.abs(all_of_them))
    assert np.abs(all_of_them[order[:6]]).max() < 1e-12
    np.testing.assert_allclose(point.eigenvalues, np.sort(all_of_them[order[6:]]), rtol=1e-10)
    hv = f.hess(point.x) @ point.eigenvectors
    np.testing.assert_allclose(hv, point.eigenvectors * point.eigenvalues, atol=1e-12)


@pytest.mark.parametrize("metric", [False, True])
def test_curves_satisfy_the_equation_and_do_not_move_as_a_body(case, metric):
    f, start = case
    masses = np.linspace(1.0, 3.0, f.n // 3) if metric else np.ones(f.n // 3)
    if metric:
        f = f.with_metric(np.repeat(masses, 3))
    roots = np.sqrt(np.repeat(masses, 3))
    point = minimum_of(f, start)
    for branch in range(point.branches):
        curve = talweg.trace(f, point, branch=branch, max_length=0.6, max_step=0.02)
        assert len(curve) > 20, curve.message
        for x in curve.x[3::5]:
            g, h = f.grad(x) / roots, f.hess(x) / roots / roots[:, None]
            rest = h @ g - (h @ g @ g) / (g @ g) * g
            assert np.linalg.norm(rest) <= 1e-10 * np.linalg.norm(h) * np.linalg.norm(g)
        atoms = curve.x.reshape(len(curve), -1, 3)
        tangents = curve.tangent.reshape(atoms.shape)
        centre = (masses[:, None] * atoms).sum(axis=1) / masses.sum()
        np.testing.assert_allclose(centre, np.broadcast_to(centre[0], centre.shape), atol=1e-12)
        spin = (masses[:, None] * np.cross(atoms - centre[:, None], tangents)).sum(axis=1)
        assert np.abs(spin).max() < 1e-10


def test_a_curve_of_three_atoms_is_that_in_bond_lengths():
    # In bond lengths the metric is the inverse of Wilson's G; the function there is a polynomial.
    f = talweg.Objective(triangle, 9).with_rigid_motions()
    point = minimum_of(f, THREE)

    def inner(p, q, r):
        gradient = np.array(
            [
                2 * (p - 1) + 0.4 * (q - 1) * r,
                2.6 * (q - 1.1) + 0.4 * (p - 1) * r,
                1.4 * (r - 0.9) + 0.4 * (p - 1) * (q - 1),
            ]
        )
        return gradient

    def wilson(p, q, r):
        def cosine(opposite, one, other):
            return (one**2 + other**2 - opposite**2) / (2 * one * other)

        # p = ab, q = bc, r = ca: two bonds share the atom opposite to the third.
        pq, qr, rp = cosine(r, p, q), cosine(p, q, r), cosine(q, r, p)
        return np.array([[2, pq, rp], [pq, 2, qr], [rp, qr, 2]])

    def slope_squared(lengths):
        gradient = inner(*lengths)
        return gradient @ wilson(*lengths) @ gradient

    # A gradient extremal is stationary for |grad f|^2 on its level set: the differential of
    # |grad f|^2 = d' G d is parallel to that of f.
    for branch in range(3):
        curve = talweg.trace(f, point, branch=branch, max_length=0.5, max_step=0.05)
        for x in curve.x[2::3]:
            a, b, c = x.reshape(3, 3)
            lengths = np.array([np.linalg.norm(u - v) for u, v in ((a, b), (b, c), (c, a))])
            np.testing.assert_allclose(slope_squared(lengths), f.grad(x) @ f.grad(x), rtol=1e-10)
            h = 1e-4
            change = np.array(
                [
                    (slope_squared(lengths + h * e) - slope_squared(lengths - h * e))
                    for e in np.eye(3)
                ]
            )
            gradient = inner(*lengths)
            sine = np.cross(change, gradient) / np.linalg.norm(change) / np.linalg.norm(gradient)
            assert np.linalg.norm(sine) < 1e-5


def test_rounding_along_motions_does_not_grow():
    # An umbrella: on its curves nothing turns the axis. Extrapolated, an error of the axis would
    # grow eighteenfold from step to step.
    def umbrella(x):
        top, *ends = (x[3 * i : 3 * i + 3] for i in range(4))
        total = 0.0
        for i in range(3):
            bond = np.sqrt(((ends[i] - top) ** 2).sum())
            edge = np.sqrt(((ends[i] - ends[i - 1]) ** 2).sum())
            total = total + 4 * (1 - np.exp(1.9 - 1.9 * bond)) ** 2
            total = total + 1.5 * (1 - np.exp(1.9 - 1.2 * edge)) ** 2
        return total

    angles = 2 * np.pi * np.arange(3) / 3
    flat = np.append(np.zeros(3), np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1))
    f = talweg.Objective(umbrella, 12).with_rigid_motions()
    f = f.with_metric(np.repeat([14.0, 1.0, 1.0, 1.0], 3))
    (saddle,) = talweg.critical_points(f, starts=flat)
    assert saddle.morse_index == 1
    curve = talweg.trace(f, saddle, max_length=2.5, max_step=0.1, initial_step=0.05)
    # Past the minimum too, and past branch points where two eigenvalues vanish together.
    kinds = [(event.kind, event.kernel_dimension) for event in curve.events]
    assert ("critical_point", None) in kinds and ("branch_point", 2) in kinds
    np.testing.assert_allclose(curve.x[:, :2], 0.0, atol=1e-12)


def test_the_orientation_of_the_start_changes_nothing(case):
    f, start = case
    here = minimum_of(f, start)
    for seed, branch in ((1, 0), (2, -1), (3, 1)):
        rotation = Rotation.random(rng=np.random.default_rng(seed))
        point = minimum_of(f, moved(start, rotation, (3.0, -2.0, 1.0)))
        np.testing.assert_allclose(point.eigenvalues, here.eigenvalues, rtol=1e-9)
        u = here.eigenvectors[:, branch]
        options = {"branch": branch, "max_length": 0.7, "max_step": 0.03}
        one = talweg.trace(f, here, direction=u, **options)
        # The same direction at the other point, which Newton's method may have turned a little.
        turn = Rotation.align_vectors(centred(point.x), centred(here.x))[0]
        two = talweg.trace(f, point, direction=moved(u, turn), **options)
        assert len(one) == len(two) and one.status == two.status
        # Steps are as long as Newton's method allows, which rounding changes a little.
        longer = two.arclength - one.arclength
        np.testing.assert_allclose(longer, 0.0, atol=1e-5)
        uphill = (f.grad(one.x) * one.tangent).sum(axis=1)
        np.testing.assert_allclose(two.fun - one.fun, uphill * longer, atol=1e-9)
        assert [e.kind for e in one.events] == [e.kind for e in two.events]
        for a, b in zip(one.events, two.events):
            assert abs(a.arclength - b.arclength) < 1e-7
        np.testing.assert_allclose(distances(two.x[-1]), distances(one.x[-1]), atol=1e-8)


def centred(x):
    atoms = x.reshape(-1, 3)
    return atoms - atoms.mean(axis=0)


def test_points_that_differ_by_a_motion_are_one():
    f = talweg.Objective(triangle, 9).with_rigid_motions()
    rng = np.random.default_rng(4)
    starts = [
        moved(THREE + 0.02 * rng.normal(size=9), Rotation.random(rng=rng), rng.normal(size=3))
        for _ in range(20)
    ]
    assert len(talweg.critical_points(f, starts=starts)) == 1


def test_mirror_images_are_two():
    f = talweg.Objective(pyramid, 12).with_rigid_motions()
    mirrored = (FOUR.reshape(4, 3) * [1, 1, -1]).reshape(-1)
    points = talweg.critical_points(f, starts=[FOUR, mirrored])
    assert len(points) == 2
    assert abs(points[0].fun - points[1].fun) < 1e-12


def test_atoms_on_a_line_have_one_motion_less():
    # Springs to both neighbours and an angle that prefers to be straight.
    def straight(x):
        a, b, c = x[:3], x[3:6], x[6:]
        p, q, r = (np.sqrt(((u - v) ** 2).sum()) for u, v in ((a, b), (b, c), (c, a)))
        return (p - 1) ** 2 + 2 * (q - 1.2) ** 2 + (r - 2.5) ** 2

    f = talweg.Objective(straight, 9).with_rigid_motions()
    (point,) = talweg.critical_points(f, starts=[0, 0, 0, 0.6, 0.8, 0, 1.3, 1.8, 0.0])
    atoms = centred(point.x)
    assert np.linalg.svd(atoms)[1][1] < 1e-9
    # Two stretches, and two bends of the same eigenvalue.
    assert point.branches == 4
    full = np.linalg.eigvalsh(f.hess(point.x))
    np.testing.assert_allclose(
        point.eigenvalues, np.sort(full[np.argsort(np.abs(full))[5:]]), rtol=1e-8
    )
    (bends,) = (group for group in point.multiplicities(1e-7) if len(group) == 2)
    curve = talweg.trace(f, point, branch=bends[0], max_length=0.3, max_step=0.02)
    assert len(curve) > 10, curve.message
    for x in curve.x[2:]:
        assert relative_residual(f, x) < 1e-9
    # All directions of the plane are one and the same: they give the same curve, turned.
    vectors = point.eigenvectors[:, bends]
    other = vectors @ [0.6, 0.8]
    again = talweg.trace(f, point, branch=bends[0], direction=other, max_length=0.3, max_step=0.02)
    np.testing.assert_allclose(again.fun, curve.fun, atol=1e-9)


def test_two_atoms_have_one_branch():
    f = talweg.surfaces.lennard_jones(2)
    (point,) = talweg.critical_points(f, starts=[0, 0, 0, 1.1, 0, 0.1])
    # f'' at the minimum is 72 / 2^(1/3); the mode moves both atoms.
    np.testing.assert_allclose(point.eigenvalues, [2 * 72 / 2 ** (1 / 3)], rtol=1e-12)
    curve = talweg.trace(f, point, max_length=0.3, max_step=0.05)
    assert len(curve) > 5
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(centred(curve.x[-1]), axis=0)), distances(curve.x[-1])[0]
    )


def test_lennard_jones_clusters_of_catalogue_and_models_agree():
    start = 1.1 * np.array([0, 0, 0, 1, 0, 0, 0.5, 0.9, 0, 0.5, 0.3, 0.8])
    one, two = (
        minimum_of(f, start) for f in (talweg.surfaces.lj(4), talweg.models.lennard_jones(4))
    )
    assert one.fun == pytest.approx(-6, abs=1e-12)
    np.testing.assert_allclose(one.eigenvalues, two.eigenvalues, rtol=1e-9)
    # The tetrahedron's breathing, its threefold and its twofold vibration.
    assert [len(group) for group in one.multiplicities()] == [2, 3, 1]
    found = talweg.survey(
        talweg.models.morse(3), starts=[0, 0, 0, 1, 0, 0, 0.4, 0.9, 0], max_length=0.2
    )
    assert found.critical_points[0].fun == pytest.approx(-3, abs=1e-12)


def test_motions_survive_copying_pickling_and_files(case, tmp_path):
    f, start = case
    heavy = f.with_metric(np.repeat(np.arange(1.0, 1 + f.n // 3), 3))
    for g in (f, heavy, talweg.models.morse(3), talweg.models.morse(3).with_metric(np.ones(9))):
        x = start if g in (f, heavy) else [0, 0, 0, 1, 0, 0, 0.4, 0.9, 0]
        expected = minimum_of(g, x).eigenvalues
        restored = talweg.Objective.from_arrays(g.to_arrays())
        for other in (pickle.loads(pickle.dumps(g)), copy.deepcopy(g), restored):
            np.testing.assert_allclose(minimum_of(other, x).eigenvalues, expected, rtol=1e-12)
    curve = talweg.trace(f, minimum_of(f, start), max_length=0.1)
    curve.save(tmp_path / "curve.talweg")
    loaded = talweg.load(tmp_path / "curve.talweg")
    assert minimum_of(loaded.f, start).branches == f.n - 6


def test_parameters_change_under_motions_and_metric():
    def spring(x, length):
        return (np.sqrt(((x[:3] - x[3:]) ** 2).sum()) - length) ** 2

    f = talweg.Objective(spring, 6, parameters={"length": 1.0})
    for g in (f.with_rigid_motions(), f.with_rigid_motions().with_metric([1.0] * 3 + [2.0] * 3)):
        longer = pickle.loads(pickle.dumps(g.with_parameters(length=2.0)))
        assert longer.parameters["length"] == 2.0
        point = minimum_of(longer, [0, 0, 0, 1, 1, 0])
        assert point.branches == 1
        assert distances(point.x)[0] == pytest.approx(2.0, abs=1e-12)


def test_surveys_join_curves_of_different_orientation():
    f = talweg.Objective(pyramid, 12).with_rigid_motions()
    rotation = Rotation.random(rng=np.random.default_rng(5))
    starts = [FOUR, moved(FOUR, rotation, (1.0, 0.0, 0.0))]
    found = talweg.survey(f, starts=starts, branches=[0], max_length=0.5, max_step=0.05)
    assert len(found.critical_points) == 1


def outward(x):
    return x[0] ** 2 + ((x[:3] - x[3:]) ** 2).sum()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: talweg.surfaces.rosenbrock(4).with_rigid_motions(), ValueError, "got n = 4"),
        (lambda: talweg.surfaces.rosenbrock(3).with_rigid_motions(), ValueError, "two atoms"),
        (lambda: talweg.Objective(outward, 6).with_rigid_motions(), ValueError, "changes when"),
        (lambda: talweg.Objective(triangle, 9).with_rigid_motions("yes"), TypeError, "rotations"),
        (
            lambda: talweg.Objective(triangle, 9).with_rigid_motions(at=[0.0, 1.0]),
            ValueError,
            "at: want shape",
        ),
        (
            lambda: talweg.surfaces.lj(3).with_metric(np.arange(1.0, 10.0)),
            ValueError,
            "same weight for x, y and z",
        ),
        (
            lambda: talweg.trace(talweg.surfaces.lj(3), 1.1 * THREE, branch=3),
            ValueError,
            "branch: want -3 to 2",
        ),
    ],
)
def test_bad_input(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_function_that_only_translations_leave_alone():
    def field(x):
        a, b = x[:3], x[3:]
        return ((a - b) ** 2).sum() / 2 + (a[0] - b[0] - 1) ** 2 + 0.3 * (a[1] - b[1]) ** 2

    with pytest.raises(ValueError, match="move or turn"):
        talweg.Objective(field, 6).with_rigid_motions()
    f = talweg.Objective(field, 6).with_rigid_motions(rotations=False)
    (point,) = talweg.critical_points(f, starts=np.arange(6.0))
    np.testing.assert_allclose(point.eigenvalues, [2.0, 3.2, 6.0], rtol=1e-10)
