"""KNN: the nearest images vote for their tags (Makadia et al., ECCV 2008)."""

import numpy as np
from numpy.typing import NDArray

from kdgan_lib.baselines.neighbours import Distance, nearest
from kdgan_lib.baselines.tagger import Array, Tagger


class KNN(Tagger):
    """Score a tag by the share of the k nearest training images that carry it."""

    def __init__(self, k: int = 20, distance: Distance = "euclidean") -> None:
        self.k = k
        self.distance = distance

    def _fit(self, features: Array, relevant: NDArray[np.bool_]) -> None:
        if not 1 <= self.k <= len(features):
            raise ValueError(f"k must be from 1 to {len(features)}, not {self.k}.")
        self.features_, self.tags_ = features, relevant.astype(np.float32)

    def _score(self, features: Array) -> Array:
        neighbours = nearest(features, self.features_, self.k, self.distance)
        votes = np.zeros((len(features), self.tags_.shape[1]))
        for column in neighbours.T:  # k columns of one neighbour per query
            votes += self.tags_[column]
        return votes / self.k
