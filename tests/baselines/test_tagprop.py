import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import expit

from kdgan_lib.baselines import KNN, TagProp
from kdgan_lib.baselines.neighbours import nearest
from kdgan_lib.baselines.tagprop import Likelihood, _votes


def random_case(seed=0, items=60, tags=5, k=6):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(items, 3))
    relevant = rng.random((items, tags)) < expit(2 * features[:, :1] - 0.5)
    neighbours = nearest(features, features, k, leave_one_out=True)
    return features, relevant, neighbours


def test_votes_are_the_tags_of_the_neighbour_of_each_rank():
    _, relevant, neighbours = random_case()
    votes = _votes(neighbours, relevant).toarray().reshape(6, 60, 5)
    for rank in range(6):
        assert (votes[rank] == relevant[neighbours[:, rank]]).all()


def test_hand_worked_single_neighbour():
    # Two pairs of twins: of the tag's items (0, 1, 2) the twins 0 and 1 see it on
    # their neighbour and 2 does not; of the others (3) its twin 2 shows the tag.
    features = np.array([[0.0], [0.1], [10.0], [10.1]])
    relevant = np.array([[1], [1], [1], [0]])
    tagprop = TagProp(k=1).fit(features, relevant)
    # With 1/n+ = 1/3 and 1/n- = 1: seen on the neighbour: 2/3 against 1;
    # not seen: 1/3 against 0, so the probability there goes to 1.
    seen, unseen = expit(tagprop.slopes_ + tagprop.offsets_), expit(tagprop.offsets_)
    assert seen == pytest.approx((2 / 3) / (2 / 3 + 1), abs=1e-4)
    assert unseen > 0.99
    assert tagprop.weights_.tolist() == [1]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_the_gradient_of_the_profile_likelihood_is_its_slope(seed):
    _, relevant, neighbours = random_case(seed)
    likelihood = Likelihood(_votes(neighbours, relevant), relevant)
    point = np.random.default_rng(seed).normal(size=6)
    numerical = approx_fprime(point, lambda p: likelihood.negative(p)[0], 1e-5)
    assert np.allclose(likelihood.negative(point)[1], numerical, atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_fitted_weights_are_a_distribution_and_beat_equal_ones(seed):
    features, relevant, neighbours = random_case(seed)
    tagprop = TagProp(k=6).fit(features, relevant)
    assert tagprop.weights_.min() >= 0
    assert tagprop.weights_.sum() == pytest.approx(1)
    equal = Likelihood(_votes(neighbours, relevant), relevant).negative(np.zeros(6))[0]
    assert tagprop.log_likelihood_ >= -equal - 1e-9
    scores = tagprop.predict_proba(features)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_the_weight_goes_to_the_rank_that_knows():
    # On a line with gaps 1, 10, 1, 10, ...: the neighbour at gap 1 is of no use, the
    # next one, at gap 10, carries the same tags.
    rng = np.random.default_rng(0)
    pairs = 150
    near = np.repeat(np.arange(pairs) * 11.0, 2) + np.tile([0.0, 1.0], pairs)
    group = (np.arange(2 * pairs) + 1) // 2  # items 1 and 2, 3 and 4, ... agree
    relevant = (rng.random((pairs + 1, 6)) < 0.4)[group]
    tagprop = TagProp(k=4).fit(near[:, None], relevant)
    assert tagprop.weights_.argmax() == 1
    assert tagprop.weights_[1] > 0.8


def test_equal_weights_put_a_plain_vote_through_the_sigmoids():
    features, relevant, _ = random_case()
    tagprop = TagProp(k=6).fit(features, relevant)
    tagprop.weights_ = np.full(6, 1 / 6)
    votes = KNN(k=6).fit(features, relevant).predict_proba(features)
    expected = expit(tagprop.slopes_ * votes + tagprop.offsets_)
    assert np.allclose(tagprop.predict_proba(features), expected)


@pytest.mark.slow
def test_knn_and_tagprop_on_4000_images_and_200_tags_take_at_most_30_seconds():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4000, 256)).astype(np.float32)
    relevant = rng.random((4000, 200)) < 0.011
    start = time.process_time()
    for tagger in (KNN(k=40), TagProp(k=40)):
        tagger.fit(features, relevant).predict_proba(features)
    assert time.process_time() - start < 30
