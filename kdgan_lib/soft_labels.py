"""Measure what soft labels say about the similarity of tags (pure functions)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.floating]
FEWEST = 3
"""Images of a tag that lack another one, at least, for the pair to count."""


def pair_log_probabilities(
    log_probability: Array, relevant: NDArray[np.bool_]
) -> tuple[Array, NDArray[np.intp]]:
    """Return the mean log p(other) over the images of a tag that lack the other one.

    log_probability and relevant: [images, tags]. Returns [tags, tags], row the tag that
    the images have, NaN where no such image is; and the number of images, alike.
    """
    has, lacks = relevant.astype(float), ~relevant
    counts = has.T @ lacks
    total = has.T @ np.where(lacks, log_probability, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / counts, counts.astype(np.intp)


def lifts(log_probability: Array, relevant: NDArray[np.bool_]) -> Array:
    """Return those means less the other tag's mean over all images that lack it.

    A tag that is likely everywhere is near to none by it.
    """
    pairs, counts = pair_log_probabilities(log_probability, relevant)
    lacks = ~relevant
    usual = np.where(lacks, log_probability, 0.0).sum(0) / lacks.sum(0)
    return np.where(counts >= FEWEST, pairs - usual, np.nan)


def cosines(vectors: Array) -> Array:
    """Return the cosine of every two rows; NaN for a row that is not known."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units @ units.T


def agreement(lift: Array, similarity: Array) -> Array:
    """Return each row's Spearman correlation of two [tags, tags] matrices.

    The diagonal and unknown entries are left out; NaN for a row with under ten others.
    """
    found = np.full(len(lift), np.nan)
    known = np.isfinite(lift) & np.isfinite(similarity) & ~np.eye(len(lift), dtype=bool)
    for tag in np.flatnonzero(known.sum(1) >= 10):
        others = known[tag]
        ranks = stats.spearmanr(lift[tag, others], similarity[tag, others])
        found[tag] = ranks.statistic
    return found


def neighbourhood(
    log_probability: Array,
    relevant: NDArray[np.bool_],
    names: list[str],
    vectors: Array,
    near: int = 6,
    far: int = 2,
) -> pd.DataFrame:
    """Return a row per tag: its nearest and farthest tags by soft labels, agreement.

    probabilities: geometric means over the tag's images that lack the other tag.
    vectors: [tags, width], one per name, NaN where unknown.
    """
    pairs, counts = pair_log_probabilities(log_probability, relevant)
    pairs = np.where(counts >= FEWEST, pairs, np.nan)
    np.fill_diagonal(pairs, np.nan)
    similar = agreement(lifts(log_probability, relevant), cosines(vectors))
    rows = []
    for tag, name in enumerate(names):
        order = np.argsort(-pairs[tag])  # unknown ones come last
        known = order[: int(np.isfinite(pairs[tag]).sum())]
        if not len(known):
            continue
        chosen = [*known[:near], *known[-far:]]
        rows.append(
            {
                "tag": name,
                "images": int(relevant[:, tag].sum()),
                "similarity": similar[tag],
                "others": [names[other] for other in chosen],
                "probabilities": np.exp(pairs[tag, chosen]).tolist(),
            }
        )
    return pd.DataFrame(rows)
