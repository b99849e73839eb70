"""Objectives of known structure, made from the user's own numbers.

The function's kind is fixed and its numbers are given: coefficients, data, means, a matrix. Each
kind has compiled kernels of its own for every quantity. (`talweg.surfaces` is the catalogue of
functions that have a name in the literature, `talweg.datasets` holds objectives on published data.)
"""

from talweg.models.chains import phi4_chain
from talweg.models.clusters import lennard_jones, morse
from talweg.models.gaussians import gaussian_mixture, gaussian_sum
from talweg.models.polynomials import normal_form, polynomial, quadratic
from talweg.models.regression import linear_regression, logistic_regression
from talweg.models.structured import StructuredObjective

__all__ = [
    "StructuredObjective",
    "gaussian_mixture",
    "gaussian_sum",
    "lennard_jones",
    "linear_regression",
    "logistic_regression",
    "morse",
    "normal_form",
    "phi4_chain",
    "polynomial",
    "quadratic",
]
