"""Find nearest neighbours exactly, a block of queries at a time."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kdgan_lib.baselines.tagger import Array

Distance = Literal["euclidean", "cosine"]
BLOCK = 1024
"""Queries at a time: 4,000 references take 16 MB."""


def nearest(
    queries: Array,
    references: Array,
    k: int,
    distance: Distance = "euclidean",
    leave_one_out: bool = False,
) -> NDArray[np.intp]:
    """Return the k nearest references of each query, nearest first, `[queries, k]`.

    With `leave_one_out` query i is reference i and is not its own neighbour. Raises
    ValueError unless k is from 1 to the number of references a query may choose.
    """
    available = len(references) - leave_one_out
    if not 1 <= k <= available:
        raise ValueError(f"k must be from 1 to the {available} neighbours, not {k}.")
    if distance == "cosine":
        queries, references = _unit(queries), _unit(references)
    elif distance != "euclidean":
        raise ValueError(f'distance is "euclidean" or "cosine", not {distance!r}.')
    # Squared distances in double precision less what a query's row has in common.
    references = references.astype(np.float64)
    squares = (references**2).sum(1)
    blocks = []
    for start in range(0, len(queries), BLOCK):
        block = queries[start : start + BLOCK].astype(np.float64)
        gaps = squares - 2 * block @ references.T  # queries, references
        if leave_one_out:
            rows = np.arange(len(block))
            gaps[rows, start + rows] = np.inf
        blocks.append(_smallest(gaps, k))
    return np.concatenate(blocks)


def _smallest(gaps: Array, k: int) -> NDArray[np.intp]:
    """Return the columns of the k smallest values of each row, in order."""
    if k < gaps.shape[1]:
        columns = np.sort(np.argpartition(gaps, k - 1, axis=1)[:, :k], axis=1)
    else:
        columns = np.broadcast_to(np.arange(k), gaps.shape)
    order = np.argsort(np.take_along_axis(gaps, columns, 1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, 1)


def _unit(vectors: Array) -> Array:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(norms, np.finfo(np.float32).tiny)
