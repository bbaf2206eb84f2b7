"""What the taggers made of linear SVMs share: scaled features, Platt's sigmoids."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.preprocessing import StandardScaler

from kdgan_lib.baselines.linear_svm import with_constant
from kdgan_lib.baselines.sigmoids import fit_platt, held_out_decisions
from kdgan_lib.baselines.tagger import Array, Tagger


class SvmTagger(Tagger):
    """Score a tag by a linear decision value through a sigmoid.

    The sigmoids are fitted to decision values of weights that did not see the item
    (`folds` folds, at random by `seed`), the weights used for prediction to all items.
    Features are standardised.
    """

    folds: int
    seed: int

    def _fit(self, features: Array, relevant: NDArray[np.bool_]) -> None:
        self.scaler_ = StandardScaler().fit(features)
        scaled = with_constant(self.scaler_.transform(features))
        held_out = held_out_decisions(
            self._train, scaled, relevant, self.folds, self.seed
        )
        self.slopes_, self.offsets_ = fit_platt(held_out, relevant)
        self.weights_ = self._train(scaled, relevant)

    def _train(self, features: Array, relevant: NDArray[np.bool_]) -> Array:
        """Return the weights of every tag, `[features, tags]`."""
        raise NotImplementedError

    def _score(self, features: Array) -> Array:
        decision = with_constant(self.scaler_.transform(features)) @ self.weights_
        return expit(self.slopes_ * decision + self.offsets_)
