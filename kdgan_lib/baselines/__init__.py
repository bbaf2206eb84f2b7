"""Classical image taggers in scikit-learn style: `fit`, `predict_proba`, `predict`."""

from kdgan_lib.baselines.knn import KNN
from kdgan_lib.baselines.relexample import RelExample
from kdgan_lib.baselines.tagfeature import TagFeature
from kdgan_lib.baselines.tagprop import TagProp

__all__ = ["KNN", "RelExample", "TagFeature", "TagProp"]
