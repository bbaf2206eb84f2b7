import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from kdgan_lib.baselines.sigmoids import fit_platt, fit_sigmoids, held_out_decisions


def random_case(seed=0, items=80, tags=4):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(items, tags)) * [1, 10, 0.1, 3]
    relevant = rng.random((items, tags)) < expit(scores / [1, 10, 0.1, 3] - 0.5)
    return scores, relevant, rng


def logistic(scores, relevant, weights):
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    model.fit(scores[:, None], relevant, weights)
    return model.coef_.item(), model.intercept_.item()


def test_sigmoids_are_scikit_learns_weighted_logistic_regression():
    scores, relevant, rng = random_case()
    weights = rng.random(scores.shape)
    slopes, offsets = fit_sigmoids(scores, relevant.astype(float), weights)
    for k in range(4):
        slope, offset = logistic(scores[:, k], relevant[:, k], weights[:, k])
        assert slopes[k] == pytest.approx(slope, rel=1e-3)
        assert offsets[k] == pytest.approx(offset, abs=1e-3)


def test_platts_targets_are_a_logistic_regression_with_split_items():
    scores, relevant, _ = random_case(seed=1)
    slopes, offsets = fit_platt(scores, relevant)
    for k in range(4):
        present, absent = relevant[:, k].sum(), (~relevant[:, k]).sum()
        target = np.where(
            relevant[:, k], (present + 1) / (present + 2), 1 / (absent + 2)
        )
        twice = np.repeat(scores[:, k], 2)
        slope, offset = logistic(
            twice, np.tile([True, False], 80), np.stack([target, 1 - target], 1).ravel()
        )
        assert slopes[k] == pytest.approx(slope, rel=1e-3)
        assert offsets[k] == pytest.approx(offset, abs=1e-3)


def test_hand_worked_sigmoid_of_a_two_by_two_table():
    # score 1: three of four relevant; score 0: one of four
    scores = np.array([[1.0]] * 4 + [[0.0]] * 4)
    target = np.array([[1.0], [1], [1], [0], [1], [0], [0], [0]])
    slope, offset = fit_sigmoids(scores, target)
    assert expit(slope + offset) == pytest.approx(0.75, abs=1e-6)
    assert expit(offset) == pytest.approx(0.25, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_the_mean_probability_is_the_mean_target(seed):
    scores, relevant, _ = random_case(seed)
    slopes, offsets = fit_sigmoids(scores, relevant.astype(float))
    assert np.allclose(expit(slopes * scores + offsets).mean(0), relevant.mean(0))


def test_tags_told_apart_perfectly_or_never_seen_stay_finite():
    scores = np.array([[-1.0, 0, 2], [-2, 0, 1], [1, 0, 3], [2, 0, -1]])
    relevant = np.array([[0, 1, 0], [0, 0, 0], [1, 1, 0], [1, 0, 0]], dtype=bool)
    for slopes, offsets in (
        fit_platt(scores, relevant),
        fit_sigmoids(scores, relevant.astype(float)),
    ):
        probability = expit(slopes * scores + offsets)
        assert np.isfinite(probability).all()
        assert (probability[:, 2] < 0.5).all()
        assert np.allclose(probability[:, 1], 0.5)
        assert probability[2:, 0].min() > probability[:2, 0].max()


def test_held_out_decisions_come_from_models_that_never_saw_the_item():
    features = np.eye(9)
    relevant = np.ones((9, 1), bool)

    def memory(train_features, _):
        return train_features.sum(0)[:, None]  # 1 for an item that was seen

    decisions = held_out_decisions(memory, features, relevant, folds=3, seed=0)
    assert (decisions == 0).all()


@pytest.mark.parametrize("folds", [1, 10])
def test_a_wrong_number_of_folds_is_refused(folds):
    with pytest.raises(ValueError, match="from 2 to the 9"):
        held_out_decisions(None, np.eye(9), np.ones((9, 1), bool), folds, 0)
