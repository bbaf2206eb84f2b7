"""Fit the linear support vector machines of all tags at once."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from kdgan_lib.baselines.tagger import Array


def with_constant(features: Array) -> Array:
    """Append the constant feature 1, whose weight is the offset."""
    return np.hstack([features, np.ones((len(features), 1), features.dtype)])


def fit_svms(
    features: Array,
    relevant: NDArray[np.bool_],
    importance: Array,
    penalty: float = 1.0,
    iterations: int = 200,
    start: Array | None = None,
) -> Array:
    """Minimise |w|^2 / 2 + penalty * sum_i importance_i max(0, 1 - y_i w.x_i)^2.

    One problem per tag, as liblinear's (squared hinge, offset regularised), solved
    together because they share the products with the features. Shapes: features
    `[items, features]`, relevant and importance `[items, tags]`; returns
    `[features, tags]`. `start` warm-starts.
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
        np.zeros(shape).ravel() if start is None else start.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "ftol": 1e-8, "gtol": 1e-6},
    )
    return found.x.reshape(shape)
