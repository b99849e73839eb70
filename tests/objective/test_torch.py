"""Objectives from PyTorch functions: derivatives, modules, tensors by name, precision, errors."""

import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg

torch = pytest.importorskip("torch")


def surface(x):
    return torch.exp(x[0] * x[1]) + torch.sin(x[2]) * x[0] ** 2 + torch.log1p(x[1] ** 2)


@pytest.fixture(scope="module")
def f():
    return talweg.Objective.from_torch(surface, 3)


@pytest.fixture(scope="module")
def recorded():
    """The same function as a recording, which is differentiated by talweg."""
    return talweg.Objective(
        lambda x: np.exp(x[0] * x[1]) + np.sin(x[2]) * x[0] ** 2 + np.log1p(x[1] ** 2), 3
    )


def compare(f, g, x, v, tolerance=1e-12):
    for method, vectors in (
        ("__call__", ()),
        ("grad", ()),
        ("hess", ()),
        ("hessp", (v,)),
        ("third", (v,)),
    ):
        wanted = getattr(g, method)(x, *vectors)
        np.testing.assert_allclose(
            getattr(f, method)(x, *vectors),
            wanted,
            rtol=tolerance,
            atol=tolerance * np.abs(wanted).max(initial=0.0),
            err_msg=method,
        )


@settings(max_examples=30)
@given(st.tuples(*[st.floats(-2, 2)] * 6))
def test_all_derivatives(f, recorded, numbers):
    compare(f, recorded, np.array(numbers[:3]), np.array(numbers[3:]))
    assert f.approximate == {}


@pytest.mark.parametrize("m", [0, 1, 5, 300])
def test_any_number_of_points(f, recorded, m):
    compare(f, recorded, *np.random.default_rng(m).normal(size=(2, m, 3)))


# A small neural network.

INPUTS = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
TARGETS = torch.sin(3 * INPUTS)
RIDGE = 1e-3


def module():
    torch.manual_seed(5)
    return torch.nn.Sequential(
        torch.nn.Linear(1, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1)
    ).double()


def module_loss(net):
    return ((net(INPUTS) - TARGETS) ** 2).mean()


def ridged_loss(parameters):
    output = torch.func.functional_call(NET, parameters, (INPUTS,))
    penalty = sum((parameter**2).sum() for parameter in parameters.values())
    return ((output - TARGETS) ** 2).mean() + RIDGE * penalty


NET = module()


def recorded_network(ridge):
    inputs, targets = INPUTS.numpy(), TARGETS.numpy()[:, 0]

    def loss(x):
        output = np.tanh(inputs * x[0:2] + x[2:4]) @ x[4:6] + x[6]
        return ((output - targets) ** 2).mean() + ridge * (x @ x)

    return talweg.Objective(loss, 7)


def test_a_module_and_its_parameters():
    net = module()
    f = talweg.Objective.from_torch(module_loss, net)
    assert f.n == 7
    vector = torch.nn.utils.parameters_to_vector(net.parameters()).detach().numpy()
    x = f.ravel(net)
    np.testing.assert_array_equal(x, vector)
    assert f(x) == pytest.approx(module_loss(net).item(), rel=1e-14)
    v = np.random.default_rng(0).normal(size=7)
    compare(f, recorded_network(0.0), x, v, 1e-10)
    # The module stays as it is, and takes what unravel gives.
    np.testing.assert_array_equal(f.ravel(net), vector)
    net.load_state_dict(f.unravel(2 * x))
    np.testing.assert_array_equal(f.ravel(net), 2 * vector)


def test_tensors_by_name():
    f = talweg.Objective.from_torch(ridged_loss, dict(NET.named_parameters()))
    x, v = np.random.default_rng(1).normal(size=(2, 4, 7))
    compare(f, recorded_network(RIDGE), x, v, 1e-10)
    back = f.unravel(x[0])
    assert {name: t.shape for name, t in back.items()} == {
        name: t.shape for name, t in NET.named_parameters()
    }
    np.testing.assert_array_equal(f.ravel(back), x[0])
    with pytest.raises(ValueError, match="tensors: want .* got"):
        f.ravel({"a": torch.zeros(7)})


def test_the_softest_branch_of_a_network():
    f = talweg.Objective.from_torch(ridged_loss, dict(NET.named_parameters()))
    start = scipy.optimize.minimize(f, f.ravel(NET), jac=f.grad).x
    (minimum,) = talweg.critical_points(f, starts=[start])
    assert minimum.morse_index == 0
    curve = talweg.trace(f, minimum.x, branch=0, max_length=0.3, max_step=0.1)
    assert curve.arclength[-1] == pytest.approx(0.3, abs=1e-6)
    other = recorded_network(RIDGE)
    for x, eigenvalue in zip(curve.x[1:], curve.eigenvalue[1:]):
        g = other.grad(x)
        assert np.linalg.norm(other.hessp(x, g) - eigenvalue * g) <= 1e-8 * np.linalg.norm(g)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_compiled(f):
    compiled = talweg.Objective.from_torch(surface, 3, compile=True)
    for m in (1, 7):
        x = np.random.default_rng(m).normal(size=(m, 3))
        np.testing.assert_allclose(compiled.grad(x), f.grad(x), rtol=1e-13, atol=1e-13)


# Precision and errors.


@pytest.mark.parametrize(
    ("fun", "n", "error", "message"),
    [
        (lambda x: x, 2, ValueError, r"fun: want one number, shape \(\), got shape \(2,\)"),
        (lambda x: x.sum().float(), 2, TypeError, "want torch.float64, got torch.float32"),
        (lambda x: 3.0, 2, TypeError, "fun: want a tensor of one number, got a float"),
        (lambda x: x[0] * torch.nan, 2, ValueError, "fun is NaN or infinite at each of the"),
        (3.0, 2, TypeError, "fun: want a function, got float"),
        (surface, 0, ValueError, "n: want at least 1 coordinate"),
        (surface, None, TypeError, "n: want the number of coordinates"),
        (surface, [1, 2], TypeError, "n: want the number of coordinates, a torch.nn.Module or"),
        (surface, {}, ValueError, "n: want at least 1 coordinate, got no parameters"),
        (surface, {"a": 1.0}, TypeError, "n: want tensors, got a float named 'a'"),
        (
            surface,
            {"a": torch.zeros(2)},
            TypeError,
            r"float32 in 'a'; .* tensor\.to\(torch\.float64",
        ),
        (module_loss, torch.nn.Linear(1, 1), TypeError, r"float32 in 'weight'; .*module\.double"),
    ],
)
def test_bad_input(fun, n, error, message):
    with pytest.raises(error, match=message):
        talweg.Objective.from_torch(fun, n)


def test_exceptions_come_out_unchanged():
    with pytest.raises(RuntimeError, match=r"data-dependent control flow"):
        talweg.Objective.from_torch(lambda x: x[0] if x[0] > 0 else x[1], 2)

    def fun(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match=r"^'mine'$"):
        talweg.Objective.from_torch(fun, 2)


def test_nan_stays_in_its_lane():
    f = talweg.Objective.from_torch(lambda x: torch.log(x[0]), 1)
    np.testing.assert_array_equal(f([[1.0], [-1.0], [1.0]]), [0.0, np.nan, 0.0])


def test_pickle():
    f = pickle.loads(pickle.dumps(talweg.Objective.from_torch(module_loss, module())))
    assert f(f.ravel(module())) == pytest.approx(module_loss(module()).item(), rel=1e-14)


def test_the_document():
    """The blocks on PyTorch in docs/frameworks.md, which other tests leave out."""
    text = (Path(__file__).parents[2] / "docs" / "frameworks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```py\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    session = {}
    for block in blocks:
        exec(block, session)
    assert session["f"].n == 13
