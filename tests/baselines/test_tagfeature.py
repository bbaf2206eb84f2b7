import numpy as np
import pytest
from sklearn.svm import LinearSVC

from kdgan_lib.baselines import TagFeature
from kdgan_lib.baselines.linear_svm import (
    fit_chosen_svms,
    fit_svms,
    with_constant,
)


def random_case(items=120, width=6, tags=4, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(items, width))
    noise = rng.normal(size=(items, tags))
    relevant = features @ rng.normal(size=(width, tags)) + noise > 1
    return features, relevant


def test_svms_of_all_tags_at_once_are_liblinears_one_by_one():
    features, relevant = random_case()
    importance = np.random.default_rng(1).random(relevant.shape)
    weights = fit_svms(with_constant(features), relevant, importance, 0.7, 500)
    for tag in range(4):
        other = LinearSVC(C=0.7, loss="squared_hinge", tol=1e-8, max_iter=100_000)
        other.fit(features, relevant[:, tag], importance[:, tag])
        assert np.allclose(weights[:-1, tag], other.coef_, atol=1e-3)
        assert np.allclose(weights[-1, tag], other.intercept_, atol=1e-3)


def test_hand_worked_svm_of_two_items():
    # x = 1 and x = -1 with C = 1: minimise w^2 / 2 + 2 (1 - w)^2, so w = 4 / 5
    weights = fit_svms(
        np.array([[1.0], [-1.0]]), np.array([[True], [False]]), np.ones((2, 1))
    )
    assert weights.item() == pytest.approx(0.8, abs=1e-5)


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 100.0])
def test_svms_of_chosen_items_are_those_with_the_importance_0_or_1(penalty):
    features, relevant = random_case()
    chosen = np.random.default_rng(2).random(relevant.shape) < 0.3
    chosen[:, 3] = False
    exact = fit_chosen_svms(features, relevant, chosen, penalty)
    descended = fit_svms(features, relevant, chosen.astype(float), penalty, 2_000)
    assert np.allclose(exact, descended, atol=2e-3)
    assert (exact[:, 3] == 0).all()


def test_probabilities_order_items_as_the_svm_and_fit_the_base_rate():
    features, relevant = random_case(items=600)
    tagger = TagFeature(penalty=0.1).fit(features, relevant)
    scores = tagger.predict_proba(features)
    assert (tagger.slopes_ > 0).all()
    assert np.allclose(scores.mean(0), relevant.mean(0), atol=0.03)


def test_tags_that_the_features_show_are_found():
    features, relevant = random_case(items=400)
    relevant = features[:, :4] > 0.5
    scores = TagFeature(penalty=0.1).fit(features, relevant).predict_proba(features)
    assert ((scores > 0.5) == relevant).mean() > 0.97


def test_a_tag_without_a_positive_item_does_not_break_the_others():
    features, relevant = random_case()
    relevant[:, 2] = False
    scores = TagFeature(penalty=0.1).fit(features, relevant).predict_proba(features)
    assert np.isfinite(scores).all()
    assert scores[:, 2].max() < 0.2


def test_two_fits_are_equal():
    features, relevant = random_case()
    one, two = (TagFeature().fit(features, relevant) for _ in range(2))
    assert (one.predict_proba(features) == two.predict_proba(features)).all()
