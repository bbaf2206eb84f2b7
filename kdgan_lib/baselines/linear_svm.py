"""Fit the linear support vector machines of all tags at once."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from kdgan_lib.baselines.tagger import Array

STEPS = 50
"""Newton steps of a problem, at most; a handful is the rule."""


def with_constant(features: Array) -> Array:
    """Append the constant feature 1, whose weight is the offset."""
    return np.hstack([features, np.ones((len(features), 1), features.dtype)])


def fit_svms(
    features: Array,
    relevant: NDArray[np.bool_],
    importance: Array,
    penalty: float = 1.0,
    iterations: int = 200,
) -> Array:
    """Minimise |w|^2 / 2 + penalty * sum_i importance_i max(0, 1 - y_i w.x_i)^2.

    One problem per tag, as liblinear's (squared hinge, offset regularised), solved
    together because they share the products with the features. Shapes: features
    `[items, features]`, relevant and importance `[items, tags]`; returns
    `[features, tags]`.
    """
    sign = np.where(relevant, 1.0, -1.0).astype(features.dtype)
    importance = (penalty * importance).astype(features.dtype)
    shape = features.shape[1], relevant.shape[1]

    def objective(flat: Array) -> tuple[float, Array]:
        weights = flat.reshape(shape).astype(features.dtype)
        slack = np.maximum(0, 1 - sign * (features @ weights))  # items, tags
        pull = importance * slack
        value = 0.5 * np.vdot(flat, flat) + np.vdot(pull, slack)
        gradient = flat - 2 * (features.T @ (pull * sign)).ravel()
        return float(value), gradient.astype(np.float64)

    found = minimize(
        objective,
        np.zeros(shape).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "ftol": 1e-8, "gtol": 1e-6},
    )
    return found.x.reshape(shape)


def fit_chosen_svms(
    features: Array,
    relevant: NDArray[np.bool_],
    chosen: NDArray[np.bool_],
    penalty: float = 1.0,
) -> Array:
    """Solve the same problems where each tag has its own few items, `chosen`.

    Equals `fit_svms` with the importance 1 for chosen items and 0 for others; the cost
    is that of the chosen items. Returns `[features, tags]`.
    """
    weights = np.zeros((features.shape[1], relevant.shape[1]))
    for tag in range(relevant.shape[1]):
        rows = np.flatnonzero(chosen[:, tag])
        if len(rows):
            items = features[rows].astype(np.float64)
            sign = np.where(relevant[rows, tag], 1.0, -1.0)
            weights[:, tag] = items.T @ solve_svm(items @ items.T, sign, penalty)
    return weights


def solve_svm(kernel: Array, sign: Array, penalty: float) -> Array:
    """Return the coefficients `[items]` of the items in an SVM's weights.

    Newton's method on the primal problem: items that violate the margin hold
    (K + 1 / (2 penalty)) a = y, the others a = 0. Source: Chapelle, "Training a
    support vector machine in the primal", Neural Computation 2007.
    """
    point: Array = np.zeros(len(sign))
    for _ in range(STEPS):
        active = sign * (kernel @ point) < 1
        target = _best_on(active, kernel, sign, penalty)
        if ((sign * (kernel @ target) < 1) == active).all():
            return target
        point = _towards(target, point, kernel, sign, penalty)
    return point


def _best_on(
    active: NDArray[np.bool_], kernel: Array, sign: Array, penalty: float
) -> Array:
    """Return the coefficients if exactly these items violated the margin."""
    found = np.zeros(len(sign))
    inner = kernel[np.ix_(active, active)] + np.eye(active.sum()) / (2 * penalty)
    found[active] = np.linalg.solve(inner, sign[active])
    return found


def _towards(
    target: Array, point: Array, kernel: Array, sign: Array, penalty: float
) -> Array:
    """Step to the target, or half of the way and so on: the objective must not rise."""

    def objective(place: Array) -> float:
        margin = kernel @ place
        slack = np.maximum(0, 1 - sign * margin)
        return float(0.5 * place @ margin + penalty * slack @ slack)

    before = objective(point)
    steps = (point + 0.5**half * (target - point) for half in range(STEPS))
    return next((step for step in steps if objective(step) <= before), point)
