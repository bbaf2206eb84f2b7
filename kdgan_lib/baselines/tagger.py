"""What the taggers have in common: checked input, and the n best tags."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted

Array = NDArray[np.floating]


class Tagger(BaseEstimator):
    """Score every tag of a picture from its features `[items, features]`."""

    def fit(self, features: ArrayLike, tags: ArrayLike) -> Self:
        """Learn from `tags` `[items, tags]`, positive where a tag applies.

        Raises ValueError for features that are not finite or of another length.
        """
        checked = check_array(features, dtype=np.float32)
        relevant = check_array(tags) > 0
        if len(checked) != len(relevant):
            raise ValueError(
                f"{len(checked)} rows of features have {len(relevant)} rows of tags: "
                "give one row of each per image."
            )
        self.n_features_in_ = checked.shape[1]
        self._fit(checked, relevant)
        return self

    def predict_proba(self, features: ArrayLike) -> Array:
        """Return the score of each tag from 0 to 1, `[items, tags]`."""
        check_is_fitted(self)
        checked = check_array(features, dtype=np.float32)
        if checked.shape[1] != self.n_features_in_:
            raise ValueError(
                f"The tagger learnt from {self.n_features_in_} features and cannot "
                f"use {checked.shape[1]}."
            )
        return self._score(checked)

    def predict(self, features: ArrayLike, n: int = 5) -> NDArray[np.intp]:
        """Return the n best tags, best first, `[items, n]`; of equals the first."""
        scores = self.predict_proba(features)
        return np.argsort(-scores, axis=1, kind="stable")[:, :n]

    def _fit(self, features: Array, relevant: NDArray[np.bool_]) -> None:
        raise NotImplementedError

    def _score(self, features: Array) -> Array:
        raise NotImplementedError
