"""Matching the eigenpairs of one matrix with those of the next by the overlap of their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.intp]

__all__ = ["Pairs", "Tracks", "clusters_of", "first_tracks", "matched", "split"]


class Pairs(NamedTuple):
    """Eigenpairs in ascending order, and which of them are equal to rounding."""

    values: Floats  # (N,)
    vectors: Floats  # (n, N)
    cluster: Integers  # (N,), numbered in ascending order


class Tracks(NamedTuple):
    """Eigenpairs in the order in which they are followed."""

    values: Floats  # (K,)
    vectors: Floats  # (n, K)
    place: Integers  # (K,), among the ascending ones
    cluster: Integers  # (K,)
    overlap: Floats  # (K,), with the ones before


def clusters_of(values: Floats, resolution: float) -> Integers:
    """Numbers that neighbours share where they differ by no more than `resolution`."""
    clusters = np.zeros(len(values), dtype=np.intp)
    np.cumsum(np.diff(values) > resolution, out=clusters[1:])
    return clusters


def first_tracks(pairs: Pairs, places: Integers) -> Tracks:
    """Tracks that begin with the eigenpairs at `places`."""
    return Tracks(
        pairs.values[places],
        pairs.vectors[:, places],
        places,
        pairs.cluster[places],
        np.ones(len(places)),
    )


def matched(tracks: Tracks, pairs: Pairs) -> Tracks:
    """Continue tracks with the pairs whose vectors overlap most.

    Within a cluster the vectors are chosen closest to the ones before: that is parallel transport
    where eigenvalues stay equal. Signs continue.
    """
    products = tracks.vectors.T @ pairs.vectors
    scores = products**2
    crowded = pairs.cluster[-1] + 1 < len(pairs.values)
    if crowded:
        shared = np.zeros((len(scores), pairs.cluster[-1] + 1))
        np.add.at(shared.T, pairs.cluster, scores.T)
        totals = shared[:, pairs.cluster]
    else:
        totals = scores
    place = totals.argmax(axis=1)
    rows = np.arange(len(place))
    # More than half of a unit vector can lie along one of several orthogonal ones only.
    if crowded or totals[rows, place].min(initial=1.0) <= 0.5:
        place = _assigned(totals)
    overlap = np.sqrt(np.minimum(totals[rows, place], 1.0))
    signs = np.where(products[rows, place] < 0, -1.0, 1.0)
    vectors = pairs.vectors[:, place] * signs
    values = pairs.values[place].copy()
    if crowded:
        cluster = pairs.cluster[place]
        for number in np.unique(cluster):
            members = pairs.cluster == number
            if members.sum() > 1:
                mine = np.flatnonzero(cluster == number)
                left, _, right = np.linalg.svd(products[np.ix_(mine, members)].T, False)
                turned = left @ right
                vectors[:, mine] = pairs.vectors[:, members] @ turned
                values[mine] = pairs.values[members] @ turned**2
    return Tracks(values, vectors, place, pairs.cluster[place], overlap)


def split(tracks: Tracks, group: Integers, pairs: Pairs) -> Floats:
    """The rotation of a group of equal eigenvalues to where `pairs` takes them.

    Degenerate perturbation theory: the eigenvectors of the next matrix within the span of the group
    (columns, in ascending order).
    """
    inside = tracks.vectors[:, group].T @ pairs.vectors
    # Shifted, as the pairs may be a few only, which leaves out what the others add.
    shift = pairs.values[-1] if len(pairs.values) < len(pairs.vectors) else 0.0
    _, rotation = np.linalg.eigh((inside * (pairs.values - shift)) @ inside.T)
    # No needless turning: closest to what it was, up to signs.
    signs = np.sign(rotation[np.abs(rotation).argmax(axis=0), np.arange(len(group))])
    return rotation * signs


def _assigned(scores: Floats) -> Integers:
    from scipy.optimize import linear_sum_assignment

    _, place = linear_sum_assignment(scores, maximize=True)
    return place
