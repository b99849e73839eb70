"""Random functions next to a minimum, of every kind of competition between exponents."""

import itertools

import numpy as np

import talweg

KINDS = (
    "flow",
    "descent",
    "above the bound",
    "heavy ball",
    "nesterov",
    "resonant flow",
    "resonant descent",
    "near-resonant flow",
    "near-resonant descent",
    "weak forcing",
    "small gap",
    "higher order",
)


def cubic(n, rng, scale=1.0):
    a = scale * rng.normal(size=(n, n, n))
    return sum(a.transpose(order) for order in itertools.permutations(range(3))) / 6.0


def case(number):
    """The function, the arguments of the check and the kind of one of many cases."""
    kind = KINDS[number % len(KINDS)]
    rng = np.random.default_rng(10_000 + number)
    n = int(rng.integers(2, 6))
    values = np.sort(rng.uniform(0.3, 4.0, n))
    forces = cubic(n, rng)
    arguments = {}
    stable = 2.0 / values[-1]
    bound = 2.0 / (values[0] + values[-1])
    if kind == "descent":
        arguments["step_length"] = rng.uniform(0.1, 0.98) * bound
    elif kind == "above the bound":
        arguments["step_length"] = bound + rng.uniform(0.1, 0.9) * (stable - bound)
    elif kind in ("heavy ball", "nesterov"):
        arguments |= {"momentum": rng.uniform(0.05, 0.7), "nesterov": kind == "nesterov"}
        bounds = talweg.theory.step_bounds(values, arguments["momentum"], arguments["nesterov"])
        arguments["step_length"] = rng.uniform(0.2, 0.95) * bounds.alignment
    elif "resonant" in kind:
        off = 0.0 if "near" not in kind else 10.0 ** rng.uniform(-6.0, -1.0) * rng.choice([-1, 1])
        if "flow" in kind:
            values = np.array([1.0, 2.0 + off, *np.sort(rng.uniform(2.5, 5.0, n - 2))])
        else:
            mu = rng.uniform(0.5, 0.9)
            rest = np.sort(mu**2 * rng.uniform(-0.9, 0.9, n - 2))[::-1]
            multipliers = np.array([mu, mu**2 * (1.0 + off), *rest])
            step = rng.uniform(0.2, 1.0)
            values = (1.0 - multipliers) / step
            arguments["step_length"] = step
    elif kind == "weak forcing":
        # Governed by lambda_1, if only in the end: sooner or later than rounding.
        values = np.array([1.0, *np.sort(rng.uniform(2.2, 3.5, n - 1))])
        forces[0, 0, 1:] = forces[0, 1:, 0] = forces[1:, 0, 0] = 0.0
        weak = 10.0 ** rng.uniform(-12.0, 0.0)
        forces[0, 0, 1] = forces[0, 1, 0] = forces[1, 0, 0] = weak
    elif kind == "small gap":
        values[1:] += values[0] * (1.0 + 10.0 ** rng.uniform(-6.0, -1.0)) - values[1]
    if kind == "higher order":
        values = np.array([1.0, *np.sort(rng.uniform(2.2, 6.0, n - 1))])
        power = int(rng.integers(3, 5))
        weights = rng.uniform(0.5, 1.5, n)

        def fun(x):
            across = sum(weights[j] * x[j] for j in range(1, n))
            square = sum(values[j] * x[j] ** 2 for j in range(n)) / 2.0
            return square + 0.2 * x[0] ** power * across + 0.1 * x[0] * across**2

        f = talweg.Objective(fun, n, verify=False)
    else:
        f = talweg.models.normal_form(values, forces)
    return f, np.zeros(n), arguments, kind
