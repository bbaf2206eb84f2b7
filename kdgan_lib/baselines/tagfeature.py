"""TagFeature: one linear SVM per tag on the image features, scaled by Platt."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.preprocessing import StandardScaler

from kdgan_lib.baselines.linear_svm import fit_svms, with_constant
from kdgan_lib.baselines.sigmoids import fit_platt, held_out_decisions
from kdgan_lib.baselines.tagger import Array, Tagger


class TagFeature(Tagger):
    """Score a tag by its SVM's decision value through a sigmoid.

    The sigmoids are fitted to decision values of SVMs that did not see the item
    (`folds` folds, at random by `seed`), the SVMs used for prediction to all items.
    Features are standardised. `penalty` is the C of the SVM.
    """

    def __init__(
        self,
        penalty: float = 1e-4,
        folds: int = 3,
        iterations: int = 200,
        seed: int = 0,
    ) -> None:
        self.penalty = penalty
        self.folds = folds
        self.iterations = iterations
        self.seed = seed

    def _fit(self, features: Array, relevant: NDArray[np.bool_]) -> None:
        self.scaler_ = StandardScaler().fit(features)
        scaled = with_constant(self.scaler_.transform(features))
        held_out = held_out_decisions(
            self._train, scaled, relevant, self.folds, self.seed
        )
        self.slopes_, self.offsets_ = fit_platt(held_out, relevant)
        self.weights_ = self._train(scaled, relevant)

    def _train(self, features: Array, relevant: NDArray[np.bool_]) -> Array:
        equal = np.ones(relevant.shape, features.dtype)
        return fit_svms(features, relevant, equal, self.penalty, self.iterations)

    def _score(self, features: Array) -> Array:
        decision = with_constant(self.scaler_.transform(features)) @ self.weights_
        return expit(self.slopes_ * decision + self.offsets_)
