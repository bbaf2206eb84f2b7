"""RelExample: relevant positive examples, and negatives by bootstrap.

Li and Snoek, "Classifying tag relevance with relevant positive and negative
examples", ACM Multimedia 2013. Two departures: the classifiers are linear instead of
intersection-kernel SVMs, and only the image side of the positives' relevance
(neighbour voting) is used, as tags are few per image here.
"""

import numpy as np
from numpy.typing import NDArray

from kdgan_lib.baselines.linear_svm import fit_chosen_svms
from kdgan_lib.baselines.neighbours import nearest
from kdgan_lib.baselines.svm_tagger import SvmTagger
from kdgan_lib.baselines.tagger import Array


class RelExample(SvmTagger):
    """Score a tag by the mean of `rounds` SVMs on chosen examples, through a sigmoid.

    Positives: the `share` of a tag's images among whose `k` nearest images most carry
    the tag too. Negatives: each round draws `candidates` times as many images without
    the tag as there are positives, and keeps as many as there are positives: those
    that the mean of the earlier rounds gets most wrong. The sigmoids are Platt's, on
    `folds` folds. Features are standardised; `penalty` is the C of the SVMs; `seed`
    draws candidates and folds.
    """

    def __init__(
        self,
        share: float = 0.9,
        k: int = 50,
        rounds: int = 5,
        candidates: int = 10,
        penalty: float = 1e-3,
        folds: int = 3,
        seed: int = 0,
    ) -> None:
        self.share = share
        self.k = k
        self.rounds = rounds
        self.candidates = candidates
        self.penalty = penalty
        self.folds = folds
        self.seed = seed

    def _fit(self, features: Array, relevant: NDArray[np.bool_]) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {self.share}.")
        super()._fit(features, relevant)

    def _train(self, features: Array, relevant: NDArray[np.bool_]) -> Array:
        """Return the mean weights of the rounds, `[features, tags]`."""
        rng = np.random.default_rng(self.seed)
        positives = relevant_positives(features, relevant, self.k, self.share)
        mean: Array = np.zeros((features.shape[1], relevant.shape[1]))
        for number in range(self.rounds):
            decisions = features @ mean.astype(features.dtype)
            # Before the first round nothing is misclassified: a plain draw.
            candidates = self.candidates if number else 1
            negatives = relevant_negatives(
                decisions, relevant, positives.sum(0), candidates, rng
            )
            chosen = positives | negatives
            latest = fit_chosen_svms(features, relevant, chosen, self.penalty)
            mean = mean + (latest - mean) / (number + 1)
        return mean


def relevant_positives(
    features: Array, relevant: NDArray[np.bool_], k: int, share: float
) -> NDArray[np.bool_]:
    """Keep each tag's images that get most votes for it from their k neighbours.

    At least one is kept; `share` of them rounded up.
    """
    neighbours = nearest(features, features, min(k, len(features) - 1), "cosine", True)
    votes = np.zeros(relevant.shape)
    for column in neighbours.T:
        votes += relevant[column]
    counts = np.ceil(share * relevant.sum(0)).astype(int)
    return _top(np.where(relevant, votes, -np.inf), counts) & relevant


def relevant_negatives(
    decisions: Array,
    relevant: NDArray[np.bool_],
    counts: NDArray[np.integer],
    candidates: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Choose `counts` images without each tag: the worst of a random draw."""
    draw = np.where(relevant, -np.inf, rng.random(relevant.shape))
    drawn = _top(draw, candidates * counts) & ~relevant
    return _top(np.where(drawn, decisions, -np.inf), counts) & drawn


def _top(values: Array, counts: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mark the `counts[tag]` largest values of each column; of equals the first."""
    order = np.argsort(-values, axis=0, kind="stable")
    marks = np.arange(len(values))[:, None] < counts
    top = np.empty(values.shape, bool)
    np.put_along_axis(top, order, marks, axis=0)
    return top
