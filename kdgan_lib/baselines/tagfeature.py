"""TagFeature: one linear SVM per tag on the image features, scaled by Platt."""

import numpy as np
from numpy.typing import NDArray

from kdgan_lib.baselines.linear_svm import fit_svms
from kdgan_lib.baselines.svm_tagger import SvmTagger
from kdgan_lib.baselines.tagger import Array


class TagFeature(SvmTagger):
    """Score a tag by its SVM's decision value through a sigmoid.

    The sigmoids are Platt's, on `folds` folds, at random by `seed`. Features are
    standardised. `penalty` is the C of the SVM; `iterations` are L-BFGS's, at most.
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

    def _train(self, features: Array, relevant: NDArray[np.bool_]) -> Array:
        equal = np.ones(relevant.shape, features.dtype)
        return fit_svms(features, relevant, equal, self.penalty, self.iterations)
