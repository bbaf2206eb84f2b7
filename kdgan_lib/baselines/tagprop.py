"""TagProp: rank-based neighbour weights and one sigmoid per tag, by likelihood.

Guillaumin, Mensink, Verbeek and Schmid, "TagProp: Discriminative metric learning in
nearest neighbor models for image auto-annotation", ICCV 2009, Eq. 1-4 and 8-9.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, softmax

from kdgan_lib.baselines.neighbours import Distance, nearest
from kdgan_lib.baselines.sigmoids import fit_sigmoids
from kdgan_lib.baselines.tagger import Array, Tagger


class TagProp(Tagger):
    """Score tag w of image i by sigmoid(a_w x_iw + b_w), x_iw = sum_r pi_r y_rw.

    y_rw says whether the neighbour of rank r carries tag w. The weights pi (not
    negative, sum 1, shared by all tags) and the sigmoids maximise the likelihood of
    each training image's tags given its neighbours among the others. As in the paper
    present tags weigh 1/n+ and absent ones 1/n-.

    `k` neighbours; at most `iterations` of L-BFGS over the weights, with the best
    sigmoids for them found at every step.
    """

    def __init__(
        self, k: int = 60, distance: Distance = "euclidean", iterations: int = 50
    ) -> None:
        self.k = k
        self.distance = distance
        self.iterations = iterations

    def _fit(self, features: Array, relevant: NDArray[np.bool_]) -> None:
        neighbours = nearest(features, features, self.k, self.distance, True)
        likelihood = Likelihood(_votes(neighbours, relevant), relevant)
        found = minimize(
            likelihood.negative,
            np.zeros(self.k),  # equal weights
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": self.iterations, "ftol": 1e-7, "gtol": 1e-6},
        )
        self.features_, self.tags_ = features, relevant
        self.weights_ = softmax(found.x)
        self.slopes_, self.offsets_ = likelihood.sigmoids(self.weights_)
        self.log_likelihood_ = -float(found.fun)

    def _score(self, features: Array) -> Array:
        neighbours = nearest(features, self.features_, self.k, self.distance)
        votes = self.weights_ @ _votes(neighbours, self.tags_)
        share = votes.reshape(len(features), -1)
        return expit(self.slopes_ * share + self.offsets_)


class Likelihood:
    """The likelihood of the training tags, as a function of the weights alone.

    For given weights the best sigmoids are a concave problem per tag; the slope of
    the likelihood there is its slope with the sigmoids held fixed.
    """

    def __init__(self, votes: sparse.csr_array, relevant: NDArray[np.bool_]) -> None:
        self.votes = votes  # k, items * tags
        self.relevant = relevant.astype(np.float64)
        self.importance = _importance(relevant)
        self.latest: tuple[Array, Array] | None = None  # where Newton starts

    def sigmoids(self, weights: Array) -> tuple[Array, Array]:
        """Return the best slopes and offsets `[tags]` for the rank weights `[k]`."""
        share = (weights @ self.votes).reshape(self.relevant.shape)
        self.latest = fit_sigmoids(share, self.relevant, self.importance, self.latest)
        return self.latest

    def negative(self, point: Array) -> tuple[float, Array]:
        """Return minus the log-likelihood at weights softmax(point), and its slope."""
        weights = softmax(point)
        slopes, offsets = self.sigmoids(weights)
        share = (weights @ self.votes).reshape(self.relevant.shape)  # items, tags
        logits = slopes * share + offsets
        losses = np.logaddexp(0, logits) - self.relevant * logits
        residual = self.importance * (expit(logits) - self.relevant)
        by_weight = self.votes @ (residual * slopes).ravel()
        gradient = weights * (by_weight - weights @ by_weight)  # through the softmax
        return float((self.importance * losses).sum()), gradient


def _importance(relevant: NDArray[np.bool_]) -> Array:
    """Return 1/n+ where a tag is present and 1/n- where it is absent."""
    present = max(int(relevant.sum()), 1)
    absent = max(relevant.size - present, 1)
    return np.where(relevant, 1 / present, 1 / absent)


def _votes(
    neighbours: NDArray[np.intp], relevant: NDArray[np.bool_]
) -> sparse.csr_array:
    """Return the neighbours' tags by rank, sparse `[k, items * tags]`."""
    items, k = neighbours.shape
    tags = sparse.csr_array(relevant.astype(np.float64))
    rows = [tags[neighbours[:, rank]].reshape(1, -1) for rank in range(k)]
    return sparse.vstack(rows, format="csr").reshape(k, items * relevant.shape[1])
