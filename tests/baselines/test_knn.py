import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsRegressor

from kdgan_lib.baselines import KNN

FEATURES = np.array([[0.0], [1.0], [3.0], [10.0]])
TAGS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]])


def test_hand_worked_votes():
    knn = KNN(k=2).fit(FEATURES, TAGS)
    scores = knn.predict_proba(np.array([[0.4], [2.5], [9.0]]))
    # neighbours {0, 1}, {2, 1}, {3, 2}
    assert scores.tolist() == [[1, 0.5, 0], [0.5, 1, 0], [0, 0.5, 0.5]]
    assert knn.predict(np.array([[2.5]]), n=2).tolist() == [[1, 0]]


def test_votes_are_scikit_learns_uniform_regression():
    rng = np.random.default_rng(0)
    features, tags = rng.normal(size=(60, 5)), rng.random((60, 7)) < 0.2
    queries = rng.normal(size=(11, 5))
    other = KNeighborsRegressor(9).fit(features, tags.astype(float))
    scores = KNN(k=9).fit(features, tags).predict_proba(queries)
    assert np.allclose(scores, other.predict(queries))


def test_all_neighbours_together_give_the_prior():
    scores = KNN(k=4).fit(FEATURES, TAGS).predict_proba([[7.0]])
    assert np.allclose(scores, TAGS.mean(0))


def test_normalised_targets_vote_like_a_zero_one_matrix():
    targets = TAGS / TAGS.sum(1, keepdims=True)
    scores = KNN(k=2).fit(FEATURES, targets).predict_proba(FEATURES)
    assert (scores == KNN(k=2).fit(FEATURES, TAGS).predict_proba(FEATURES)).all()


def test_parameters_can_be_read_and_set_as_in_scikit_learn():
    assert KNN(k=3).set_params(k=5).get_params() == {"k": 5, "distance": "euclidean"}


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        KNN(k=1).fit(np.array([[np.nan]]), np.array([[1]]))
    with pytest.raises(ValueError, match="one row of each per image"):
        KNN(k=1).fit(FEATURES, TAGS[:3])
    with pytest.raises(ValueError, match="from 1 to 4"):
        KNN(k=5).fit(FEATURES, TAGS)
    with pytest.raises(ValueError, match="learnt from 1 features"):
        KNN(k=1).fit(FEATURES, TAGS).predict_proba([[1.0, 2.0]])
    with pytest.raises(NotFittedError):
        KNN().predict_proba(FEATURES)
