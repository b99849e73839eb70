"""Phase retrieval: a signal from squared projections, by descent on a sphere."""

from __future__ import annotations

from talweg.phase_retrieval import experiments
from talweg.phase_retrieval.bulk import BulkDensity, LeftEdge, bulk_density, left_edge
from talweg.phase_retrieval.crossing import BBPTime, t_bbp
from talweg.phase_retrieval.curvature import curvature_weights
from talweg.phase_retrieval.law import Estimate, Law, empirical_law, gaussian_law
from talweg.phase_retrieval.memory import NotEnoughMemory
from talweg.phase_retrieval.outlier import Outlier, bbp_ratio, outlier
from talweg.phase_retrieval.problem import Problem
from talweg.phase_retrieval.spectral_overlap import preprocessing_law, spectral_overlap
from talweg.phase_retrieval.spectral_starts import SPECTRAL_STARTS, spectral_start
from talweg.phase_retrieval.sphere import SphereDescent, sphere_descent
from talweg.phase_retrieval.step_lengths import default_step_length
from talweg.phase_retrieval.thresholds import (
    ThresholdState,
    alpha_threshold,
    threshold_law,
    threshold_state,
)
from talweg.phase_retrieval.trajectories import Trajectories, descend, record_steps
from talweg.phase_retrieval.transitions import BBPTransition, alpha_bbp, smallest_alpha_bbp

__all__ = [
    "SPECTRAL_STARTS",
    "BBPTime",
    "BBPTransition",
    "BulkDensity",
    "Estimate",
    "Law",
    "LeftEdge",
    "NotEnoughMemory",
    "Outlier",
    "Problem",
    "SphereDescent",
    "ThresholdState",
    "Trajectories",
    "alpha_bbp",
    "alpha_threshold",
    "bbp_ratio",
    "bulk_density",
    "curvature_weights",
    "default_step_length",
    "descend",
    "empirical_law",
    "experiments",
    "gaussian_law",
    "left_edge",
    "outlier",
    "preprocessing_law",
    "record_steps",
    "smallest_alpha_bbp",
    "spectral_overlap",
    "spectral_start",
    "sphere_descent",
    "t_bbp",
    "threshold_law",
    "threshold_state",
]
