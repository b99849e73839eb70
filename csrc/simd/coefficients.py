"""Minimax coefficients of vector_math.hpp, by Remez exchange in 60-digit arithmetic.

Prints C++ arrays, lowest order first, each with the largest weighted error of the polynomial
before rounding. Run with mpmath installed: python coefficients.py
"""

from mpmath import (
    atan,
    cos,
    erf,
    erfc,
    exp,
    expm1,
    log,
    lu_solve,
    matrix,
    mp,
    mpf,
    pi,
    sin,
    sqrt,
    tan,
)

mp.dps = 60


def remez(target, weight, low, high, degree, rounds=12):
    """Polynomial p of the degree with the least maximum of |weight * (p - target)| on [low, high]."""
    count = degree + 2
    nodes = [
        (low + high) / 2 - (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * count))
        for i in range(count)
    ]
    for _ in range(rounds):
        system = matrix(count, count)
        right = matrix(count, 1)
        for i, t in enumerate(nodes):
            for j in range(degree + 1):
                system[i, j] = t**j
            system[i, degree + 1] = (-1) ** i / weight(t)
            right[i] = target(t)
        solution = lu_solve(system, right)
        coefficients = [solution[j] for j in range(degree + 1)]

        def error(t):
            value = mpf(0)
            for c in reversed(coefficients):  # noqa: B023
                value = value * t + c
            return weight(t) * (value - target(t))

        # One extremum in each interval between sign changes, on a grid fine enough for the rounding to double.
        grid = [
            (low + high) / 2 - (high - low) / 2 * cos(pi * i / (60 * count))
            for i in range(60 * count + 1)
        ]
        errors = [error(t) for t in grid]
        extrema = []
        best = 0
        for i in range(1, len(grid)):
            if (errors[i] > 0) != (errors[best] > 0):
                extrema.append(best)
                best = i
            elif abs(errors[i]) > abs(errors[best]):
                best = i
        extrema.append(best)
        while len(extrema) > count:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        if len(extrema) < count:
            break
        nodes = [grid[i] for i in extrema]
    return coefficients, max(abs(e) for e in errors)


def show(name, comment, result):
    coefficients, error = result
    print(f"// {comment}; error {mp.nstr(error, 2)}")
    print(f"static constexpr double {name}[] = {{")
    print("    " + ",\n    ".join(float(c).hex() for c in coefficients) + "};")


def safe(function, limit):
    """`function`, replaced near 0, where the formula cancels, by its limit."""
    return lambda t: function(t) if abs(t) > mpf(10) ** -18 else limit


half = log(mpf(2)) / 2 * (1 + mpf(2) ** -20)
tiny = mpf(10) ** -12
show(
    "exp_tail",
    "(e^r - 1 - r) / r^2 on |r| <= log(2)/2",
    remez(
        safe(lambda r: (expm1(r) - r) / r**2, mpf(1) / 2),
        lambda r: max(abs(r), tiny),
        -half,
        half,
        9,
    ),
)

top = (3 - 2 * sqrt(mpf(2))) ** 2 * (1 + mpf(2) ** -20)
show(
    "log_tail",
    "(log((1+s)/(1-s)) - 2 s) / s^3 in z = s^2 up to (3 - 2 sqrt 2)^2",
    remez(
        safe(
            lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) - 2 * sqrt(z)) / sqrt(z) ** 3, mpf(2) / 3
        ),
        lambda z: max(z, tiny),
        mpf(0),
        top,
        6,
    ),
)

quarter = (pi / 4) ** 2 * (1 + mpf(2) ** -20)
show(
    "sin_tail",
    "(sin r - r) / r^3 in z = r^2 up to (pi/4)^2",
    remez(
        safe(lambda z: (sin(sqrt(z)) - sqrt(z)) / sqrt(z) ** 3, -mpf(1) / 6),
        lambda z: max(z, tiny),
        mpf(0),
        quarter,
        5,
    ),
)
show(
    "cos_tail",
    "(cos r - 1 + r^2/2) / r^4 in z = r^2 up to (pi/4)^2",
    remez(
        safe(lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, mpf(1) / 24),
        lambda z: max(z * z, tiny),
        mpf(0),
        quarter,
        5,
    ),
)

eighth = tan(pi / 8) ** 2 * (1 + mpf(2) ** -20)
show(
    "atan_tail",
    "(atan t - t) / t^3 in z = t^2 up to tan(pi/8)^2",
    remez(
        safe(lambda z: (atan(sqrt(z)) - sqrt(z)) / sqrt(z) ** 3, -mpf(1) / 3),
        lambda z: max(z, tiny),
        mpf(0),
        eighth,
        10,
    ),
)

show(
    "erf_small",
    "erf(x) / x in z = x^2 up to 1",
    remez(
        safe(lambda z: erf(sqrt(z)) / sqrt(z), 2 / sqrt(pi)), lambda z: mpf(1), mpf(0), mpf(1), 11
    ),
)


def scaled_complement(t):
    # t = (x - 2) / (x + 2) maps [1, 6] to [-1/3, 1/2].
    x = 2 * (1 + t) / (1 - t)
    return exp(x * x) * erfc(x)


def complement_weight(t):
    x = 2 * (1 + t) / (1 - t)
    return exp(-x * x)


show(
    "erf_large",
    "exp(x^2) erfc(x) in t = (x - 2)/(x + 2), x from 1 to 6, weighted by exp(-x^2)",
    remez(scaled_complement, complement_weight, -mpf(1) / 3, mpf(1) / 2, 11),
)
