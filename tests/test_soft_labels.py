"""What soft labels say of tags is counted as by hand."""

import numpy as np
import pytest

from kdgan_lib import soft_labels

LOG = np.log(
    [
        [0.70, 0.20, 0.10],
        [0.50, 0.40, 0.10],
        [0.60, 0.10, 0.30],
        [0.10, 0.80, 0.10],
    ]
)
RELEVANT = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)


def test_pairs_are_means_over_the_images_that_lack_the_other_tag():
    pairs, counts = soft_labels.pair_log_probabilities(LOG, RELEVANT)
    assert counts.tolist() == [[0, 3, 2], [1, 0, 1], [0, 1, 0]]
    assert pairs[0, 1] == pytest.approx(np.log([0.2, 0.4, 0.1]).mean())
    assert pairs[0, 2] == pytest.approx(np.log(0.1))
    assert np.isnan(pairs[2, 0])


def test_lifts_compare_with_all_images_that_lack_the_tag():
    found = soft_labels.lifts(LOG, RELEVANT)
    assert found[0, 1] == pytest.approx(0)  # the same three images
    assert np.isnan(found[0, 2])  # two images are too few


def test_a_likely_tag_is_no_neighbour_of_all():
    rng = np.random.default_rng(0)
    relevant = rng.random((200, 20)) < 0.2
    log = rng.normal(size=(200, 20))
    higher = log + np.r_[5.0, np.zeros(19)]
    for one, two in zip(
        soft_labels.lifts(log, relevant),
        soft_labels.lifts(higher, relevant),
        strict=True,
    ):
        assert np.allclose(one, two, equal_nan=True)


def test_agreement_is_one_for_the_same_order_and_leaves_the_diagonal_out():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(15, 4))
    vectors[3] = np.nan
    similar = soft_labels.cosines(vectors)
    assert similar[0, 0] == pytest.approx(1)
    lift = np.exp(similar)
    np.fill_diagonal(lift, -9.0)
    found = soft_labels.agreement(lift, similar)
    assert np.isnan(found[3])
    assert np.delete(found, 3) == pytest.approx(np.ones(14))
    assert np.nanmax(soft_labels.agreement(-lift, similar)) == pytest.approx(-1)


def test_neighbours_come_in_order_with_their_probabilities():
    rng = np.random.default_rng(0)
    relevant = np.zeros((40, 12), bool)
    relevant[np.arange(40), np.arange(40) % 12] = True
    logits = rng.normal(size=(40, 12))
    logits[relevant[:, 0], 5] = 9.0
    log = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    names = [f"tag{place}" for place in range(12)]
    vectors = rng.normal(size=(12, 3))
    table = soft_labels.neighbourhood(log, relevant, names, vectors, 3, 2)
    first = table.set_index("tag").loc["tag0"]
    assert first.others[0] == "tag5"
    assert first.images == 4
    assert first.probabilities == sorted(first.probabilities, reverse=True)
    assert len(first.others) == 5
