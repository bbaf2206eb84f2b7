"""Fit one sigmoid per tag: probabilities from scores, all tags at once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from kdgan_lib.baselines.tagger import Array

RIDGE = 1e-8
"""Keeps the 2 x 2 systems solvable where the scores of a tag are all equal."""
TOLERANCE = 1e-9
"""A tag has converged when a step lowers its loss by less than this share."""
HALVINGS = 20
"""Of a Newton step, at most."""


def fit_sigmoids(
    scores: Array,
    target: Array,
    importance: Array | float = 1.0,
    start: tuple[Array, Array] | None = None,
    iterations: int = 100,
) -> tuple[Array, Array]:
    """Return slopes and offsets `[tags]` that maximise the weighted likelihood.

    Shapes: scores, target (0 to 1) and importance `[items, tags]`. The likelihood of
    a tag is concave; Newton's method with step halving finds its maximum.
    """
    weight = np.broadcast_to(importance, scores.shape)
    weight = weight / weight.sum(0)
    tags = scores.shape[1]
    point = np.stack(start) if start else np.zeros((2, tags))
    loss = _loss(scores, target, weight, point)
    moving = np.arange(tags)  # tags that have not converged
    for _ in range(iterations):
        data = scores[:, moving], target[:, moving], weight[:, moving]
        new, new_loss = _newton(*data, point[:, moving], loss[moving])
        gain = loss[moving] - new_loss
        point[:, moving], loss[moving] = new, new_loss
        moving = moving[gain > TOLERANCE * new_loss]
        if not len(moving):
            break
    return point[0], point[1]


def fit_platt(scores: Array, relevant: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Fit sigmoids to Platt's targets, (n+ + 1) / (n+ + 2) and 1 / (n- + 2).

    Platt, "Probabilistic outputs for support vector machines", 1999.
    """
    present = relevant.sum(0)
    absent = len(relevant) - present
    target = np.where(relevant, (present + 1) / (present + 2), 1 / (absent + 2))
    return fit_sigmoids(scores, target)


def held_out_decisions(
    train: Callable[[Array, NDArray[np.bool_]], Array],
    features: Array,
    relevant: NDArray[np.bool_],
    folds: int,
    seed: int,
) -> Array:
    """Return each item's decision values by a model that did not see it.

    `train(features, relevant)` returns weights `[features, tags]`; folds are drawn at
    random. Raises ValueError unless there are from 2 folds to one per item.
    """
    if not 2 <= folds <= len(features):
        raise ValueError(
            f"folds must be from 2 to the {len(features)} items, not {folds}."
        )
    fold = np.arange(len(features)) % folds
    np.random.default_rng(seed).shuffle(fold)
    decisions = np.empty(relevant.shape)
    for number in range(folds):
        rest = fold != number
        weights = train(features[rest], relevant[rest])
        decisions[~rest] = features[~rest] @ weights
    return decisions


def _loss(scores: Array, target: Array, weight: Array, point: Array) -> Array:
    """Return the mean cross-entropy of every tag, and the ridge."""
    logits = point[0] * scores + point[1]
    losses = weight * (np.logaddexp(0, logits) - target * logits)
    return losses.sum(0) + RIDGE / 2 * (point**2).sum(0)


def _newton(
    scores: Array, target: Array, weight: Array, point: Array, loss: Array
) -> tuple[Array, Array]:
    """Take one Newton step per tag, halved until its loss does not rise."""
    step = _newton_step(scores, target, weight, point)
    new, new_loss = point - step, np.full_like(loss, np.inf)
    todo = np.arange(len(loss))
    for _ in range(HALVINGS):
        data = scores[:, todo], target[:, todo], weight[:, todo]
        new_loss[todo] = _loss(*data, new[:, todo])
        todo = todo[~(new_loss[todo] <= loss[todo])]
        if not len(todo):
            break
        step[:, todo] /= 2
        new[:, todo] = point[:, todo] - step[:, todo]
    new[:, todo], new_loss[todo] = point[:, todo], loss[todo]
    return new, new_loss


def _newton_step(scores: Array, target: Array, weight: Array, point: Array) -> Array:
    """Solve the 2 x 2 Newton system of every tag, `[2, tags]`."""
    probability = expit(point[0] * scores + point[1])
    residual = weight * (probability - target)
    curvature = weight * probability * (1 - probability)
    g1, g2 = np.stack([(residual * scores).sum(0), residual.sum(0)]) + RIDGE * point
    h11 = (curvature * scores**2).sum(0) + RIDGE
    h12 = (curvature * scores).sum(0)
    h22 = curvature.sum(0) + RIDGE
    determinant = h11 * h22 - h12**2
    return np.stack([h22 * g1 - h12 * g2, h11 * g2 - h12 * g1]) / determinant
