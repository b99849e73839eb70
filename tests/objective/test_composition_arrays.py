"""Objectives made from objectives, to arrays and files and back."""

import io

import numpy as np
import pytest

import talweg


def curved(x):
    return np.exp(0.3 * x[0]) + x[0] ** 2 + 2 * x[1] ** 2 + x[0] * x[1] * x[2] + 3 * x[2] ** 2


def with_parameter(x, a):
    return a * x[0] ** 2 + x[1] ** 4 + (x[2] - a) ** 2


MODEL = talweg.models.normal_form([1.0, 2.0, 4.0], {(0, 0, 1): 0.5, (0, 1, 2): 0.3})
SUM = talweg.Objective(curved, 3) + 2.0 * MODEL
PARAMETRIC = talweg.Objective(with_parameter, 3, parameters={"a": 1.5})
MINIMUM = talweg.critical_points(talweg.Objective(curved, 3), starts=np.zeros(3))[0].x
MOLECULE = talweg.models.lennard_jones(3)

KINDS = {
    "sum": lambda: SUM,
    "restriction": lambda: MODEL.restricted([0.1, 0.2, 0.3], [[1.0, 0.0], [0.5, 1.0], [0.0, 2.0]]),
    "recorded restriction": lambda: talweg.Objective(curved, 3).fixed({1: 0.5}),
    "fixed sum": lambda: SUM.fixed({2: 0.5}),
    "metric": lambda: SUM.with_metric([1.0, 4.0, 9.0]),
    "sum with parameters": lambda: PARAMETRIC + MODEL,
    "differences": lambda: talweg.jets.relative(talweg.Objective(curved, 3), MINIMUM),
    "polynomial": lambda: talweg.jets.relative(talweg.Objective(curved, 3), MINIMUM, order=4),
    "relative model": lambda: talweg.jets.relative(MODEL, np.zeros(3), order=3),
    "relative sum": lambda: talweg.jets.relative(SUM - talweg.Objective(curved, 3), np.zeros(3)),
    "products": lambda: talweg.jets.relative(
        talweg.models.phi4_chain(12), talweg.models.phi4_chain(12).bounds.mean(axis=1) + 1.0
    ),
    "relative in a metric": lambda: talweg.jets.relative(
        talweg.Objective(curved, 3).with_metric([1.0, 2.0, 3.0]), MINIMUM
    ),
    "rigid motions": lambda: (MOLECULE + 1.0).with_rigid_motions(),
}


def points(f):
    rng = np.random.default_rng(5)
    return np.concatenate([rng.normal(size=(4, f.n)), 1e-9 * rng.normal(size=(4, f.n))])


@pytest.mark.parametrize("kind", KINDS)
def test_compositions_come_back_to_the_last_bit(kind):
    f = KINDS[kind]()
    file = io.BytesIO()
    np.savez(file, **f.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = talweg.Objective.from_arrays(arrays)
    x = points(f)
    assert type(again) is type(f) and again.name == f.name and again.kinks == f.kinks
    for quantity in ("__call__", "grad", "hess"):
        np.testing.assert_array_equal(getattr(again, quantity)(x), getattr(f, quantity)(x))
    for value, want in ((again.bounds, f.bounds), (again.metric, f.metric)):
        assert (value is None) == (want is None)
        assert want is None or np.array_equal(value, want)
    assert again.parameters.keys() == f.parameters.keys()
    if f._embedding is not None:
        np.testing.assert_array_equal(again.embed(x), f.embed(x))
    if isinstance(f, talweg.jets.RelativeObjective):
        assert np.array_equal(again.x_min, f.x_min) and again.order == f.order
        assert again.switch_radius == f.switch_radius
        assert again.relative_error == f.relative_error


def test_results_of_compositions_keep_them(tmp_path):
    f = talweg.jets.relative(talweg.surfaces.himmelblau(), [3.0, 2.0])
    curve = talweg.trace(f, [0.0, 0.0], max_points=10)
    curve.save(tmp_path / "curve.talweg")
    again = talweg.load(tmp_path / "curve.talweg").f
    d = [3e-100, -1e-100]
    assert isinstance(again, talweg.jets.RelativeObjective)
    np.testing.assert_array_equal(again.grad(d), f.grad(d))
    # The operand, which its differences are of too, is stored once.
    recorded = len(talweg.surfaces.himmelblau().to_arrays())
    assert sum("operations" in key for key in f.to_arrays()) == 1
    assert len(f.to_arrays()) < recorded + 20


def test_parameters_stay_changeable():
    f = talweg.Objective.from_arrays((PARAMETRIC + MODEL).to_arrays())
    x = np.array([0.3, -0.2, 0.5])
    assert f.with_parameters(a=4.0)(x) == (PARAMETRIC.with_parameters(a=4.0) + MODEL)(x)


def test_what_cannot_be_stored_says_what_to_do():
    called = talweg.Objective.from_callables(
        lambda x: (x**2).sum(-1), lambda x: 2 * x, n=2, name="called"
    )
    for f in (called, called + talweg.surfaces.himmelblau(), called.fixed({0: 1.0})):
        with pytest.raises(TypeError, match="only recordings can be saved.*make the function anew"):
            f.to_arrays()


def damaged():
    good = KINDS["differences"]().to_arrays()
    number = next(key for key in good if key.endswith("/operations"))
    yield good | {"composition": np.array("os.system")}, "unknown"
    yield good | {"composition": np.array(3.0)}, "composition"
    yield good | {"operands": np.array([0])}, "operands"
    yield good | {"operands": np.array([0, 7])}, "operand"
    yield good | {"operands": np.array([-1, 0])}, "operand"
    yield good | {"operands": np.array([0.0, 1.0])}, "operands"
    yield good | {"origin": np.zeros(2)}, "origin"
    yield good | {"origin": np.full(3, np.nan)}, "origin"
    yield good | {"gradient": np.zeros((3, 1))}, "gradient"
    yield good | {"radius": np.array([-1.0])}, "radius"
    yield good | {"order": np.array([0.5])}, "order"
    yield good | {"more": np.zeros(1)}, "more"
    yield good | {"other/more": np.zeros(1)}, "more"
    yield good | {"part7/name": np.array("f")}, "part"
    yield {key: value for key, value in good.items() if key != "error"}, "error"
    yield {key: value for key, value in good.items() if key != number}, "operations"
    # A part that is made of itself.
    yield good | {"part1/operands": np.array([1])}, "earlier"
    taylor = talweg.jets.relative(
        talweg.models.phi4_chain(12), talweg.models.phi4_chain(12).bounds.mean(axis=1) + 1.0
    ).to_arrays()
    yield taylor | {"part1/order": np.array([9])}, "order"


@pytest.mark.parametrize("case", range(18))
def test_damaged_arrays_are_refused(case):
    arrays, word = list(damaged())[case]
    with pytest.raises(ValueError, match=rf"(?s)saved.*{word}|{word}.*saved"):
        talweg.Objective.from_arrays(arrays)


def test_motions_that_a_file_claims_are_checked():
    arrays = KINDS["rigid motions"]().to_arrays()
    chain = talweg.models.phi4_chain(9)
    claimed = {key: value for key, value in arrays.items() if not key.startswith("part")}
    claimed |= {f"part0/{key}": value for key, value in chain.to_arrays().items()}
    with pytest.raises(ValueError, match="saved"):
        talweg.Objective.from_arrays(claimed)
