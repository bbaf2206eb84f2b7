import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdgan_lib.baselines import RelExample
from kdgan_lib.baselines.relexample import relevant_negatives, relevant_positives


def test_hand_worked_positives_leave_the_image_without_support_out():
    # Three images of the tag near each other and one among images without it.
    features = np.array(
        [[1, 0.0], [1, 0.1], [1, 0.2], [-1, 0.1], [-1, 0.0], [-1, -0.1], [-1, -0.2]]
    )
    relevant = np.array([[1], [1], [1], [1], [0], [0], [0]], dtype=bool)
    kept = relevant_positives(features, relevant, k=2, share=0.75)
    assert kept[:, 0].tolist() == [True, True, True, False, False, False, False]
    everything = relevant_positives(features, relevant, k=2, share=1.0)
    assert (everything == relevant).all()


def test_hand_worked_negatives_are_the_most_misclassified():
    decisions = np.array([[9.0], [0.1], [0.9], [-1.0], [0.5]])
    relevant = np.array([[1], [0], [0], [0], [0]], dtype=bool)
    chosen = relevant_negatives(
        decisions, relevant, np.array([2]), 10, np.random.default_rng(0)
    )
    assert chosen[:, 0].tolist() == [False, False, True, False, True]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), candidates=st.integers(1, 4))
def test_negatives_are_distinct_images_without_the_tag(seed, candidates):
    rng = np.random.default_rng(seed)
    relevant = rng.random((40, 5)) < 0.2
    counts = relevant.sum(0)
    decisions = rng.normal(size=(40, 5))
    chosen = relevant_negatives(decisions, relevant, counts, candidates, rng)
    assert not (chosen & relevant).any()
    assert (chosen.sum(0) == np.minimum(counts, (~relevant).sum(0))).all()


def test_a_wider_draw_finds_harder_negatives():
    rng = np.random.default_rng(0)
    relevant = np.zeros((500, 1), bool)
    relevant[:10] = True
    decisions = rng.normal(size=(500, 1))
    means = [
        decisions[
            relevant_negatives(decisions, relevant, np.array([10]), width, rng)
        ].mean()
        for width in (1, 10, 49)
    ]
    assert means[0] < means[1] < means[2]


def test_tags_that_the_features_show_are_found_by_the_ensemble():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 8))
    relevant = features[:, :4] > 1.2
    tagger = RelExample(share=1.0, rounds=4, penalty=0.1).fit(features, relevant)
    scores = tagger.predict_proba(features)
    best = scores.argmax(1)
    some = relevant.any(1)
    assert relevant[some][np.arange(some.sum()), best[some]].mean() > 0.9


def test_a_tag_without_a_positive_item_does_not_break_the_others():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 3))
    relevant = np.stack([features[:, 0] > 0.5, np.zeros(60, bool)], 1)
    scores = RelExample(rounds=2).fit(features, relevant).predict_proba(features)
    assert np.isfinite(scores).all()
    assert scores[:, 1].max() < 0.2


def test_fits_depend_on_the_seed_and_on_nothing_else():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(80, 5))
    relevant = features[:, :2] + rng.normal(size=(80, 2)) > 1
    one, two, other = (
        RelExample(rounds=2, seed=s, candidates=2)
        .fit(features, relevant)
        .predict_proba(features)
        for s in (0, 0, 1)
    )
    assert (one == two).all()
    assert (one != other).any()


@pytest.mark.parametrize("share", [0, 1.5])
def test_a_share_outside_the_unit_interval_is_refused(share):
    with pytest.raises(ValueError, match="share"):
        RelExample(share=share).fit(np.eye(4), np.eye(4))


def test_the_first_negatives_are_drawn_from_the_whole_table(monkeypatch):
    widths = []

    def counted(decisions, relevant, counts, candidates, rng):
        widths.append(candidates)
        return relevant_negatives(decisions, relevant, counts, candidates, rng)

    monkeypatch.setattr("kdgan_lib.baselines.relexample.relevant_negatives", counted)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 4))
    relevant = np.zeros((200, 1), bool)
    relevant[rng.permutation(200)[:10]] = True
    RelExample(rounds=3, candidates=5).fit(features, relevant)
    assert set(widths[::3]) == {1}
    assert {*widths[1::3], *widths[2::3]} == {5}
