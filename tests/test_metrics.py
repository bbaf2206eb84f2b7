"""Ranking metrics against hand-worked cases, scikit-learn and brute force."""

from itertools import pairwise, permutations
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, label_ranking_average_precision_score

from kdgan_lib import metrics

RANKED = [
    lambda s, r: metrics.precision_at(s, r, 2),
    lambda s, r: metrics.r_precision(s, r),
    lambda s, r: metrics.f_at(s, r, 2),
    lambda s, r: metrics.f_at(s, r, 2, "standard"),
    metrics.mean_average_precision,
    metrics.mean_reciprocal_rank,
]


def random_case(items=40, labels=12, seed=0, levels=None):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(items, labels, generator=generator)
    if levels:
        scores = (scores * levels).floor()
    relevant = torch.rand(items, labels, generator=generator) < 0.3
    relevant[:, 0] |= ~relevant.any(1)
    return scores, relevant


# A ranking a > b > c > d > e with b and d relevant, worked by hand.
SCORES = torch.tensor([[5.0, 4.0, 3.0, 2.0, 1.0]])
RELEVANT = torch.tensor([[0, 1, 0, 1, 0]])


def test_hand_worked_precision_and_recall_cases():
    assert float(metrics.precision_at(SCORES, RELEVANT, 1)) == 0
    assert float(metrics.precision_at(SCORES, RELEVANT, 3)) == pytest.approx(1 / 3)
    assert float(metrics.r_precision(SCORES, RELEVANT)) == 0.5
    standard = metrics.f_at(SCORES, RELEVANT, 3, "standard")
    assert float(standard) == pytest.approx(2 * 1 / (3 + 2))
    released = metrics.f_at(SCORES, RELEVANT, 3)
    assert float(released) == pytest.approx(2 * (1 / 3) * 0.5 / (1 / 3 + 0.5))


def test_hand_worked_map_and_mrr():
    expected = (1 / 2 + 2 / 4) / 2
    assert float(metrics.mean_average_precision(SCORES, RELEVANT)) == expected
    assert float(metrics.mean_reciprocal_rank(SCORES, RELEVANT)) == 0.5


def test_f_is_zero_not_nan_when_nothing_relevant_is_near_the_top():
    relevant = torch.tensor([[0, 0, 0, 0, 1]])
    assert float(metrics.f_at(SCORES, relevant, 3)) == 0
    assert float(metrics.f_at(SCORES, relevant, 3, "standard")) == 0


def test_map_equals_scikit_learn_on_random_rankings_without_ties():
    scores, relevant = random_case(items=300, labels=50)
    expected = label_ranking_average_precision_score(relevant.numpy(), scores.numpy())
    actual = float(metrics.mean_average_precision(scores, relevant))
    assert actual == pytest.approx(expected, abs=1e-6)


def test_standard_f1_equals_scikit_learn_on_the_top_n():
    scores, relevant = random_case(items=100, labels=20)
    chosen = torch.zeros_like(relevant).scatter(1, scores.topk(5).indices, True)
    expected = f1_score(relevant.numpy(), chosen.numpy(), average="samples")
    actual = float(metrics.f_at(scores, relevant, 5, "standard"))
    assert actual == pytest.approx(expected)


def test_released_f_uses_the_r_precision_in_place_of_recall():
    scores, relevant = random_case()
    precision = metrics.precision_at(scores, relevant, 3, "none")
    recall = metrics.r_precision(scores, relevant, "none")
    expected = (2 * precision * recall / (precision + recall)).nan_to_num(0).mean()
    assert torch.allclose(metrics.f_at(scores, relevant, 3), expected)


def test_mrr_equals_the_rank_of_the_first_relevant_label():
    scores, relevant = random_case()
    order = scores.argsort(1, descending=True)
    ranks = relevant.gather(1, order).int().argmax(1) + 1
    expected = (1 / ranks).double().mean()
    actual = metrics.mean_reciprocal_rank(scores, relevant)
    assert float(actual) == pytest.approx(float(expected), abs=1e-6)


def tie_breaks(row):
    """Every strict ranking that respects the scores, as scores without ties."""
    for order in permutations(range(len(row))):
        if all(row[a] >= row[b] for a, b in pairwise(order)):
            yield torch.tensor([[-float(order.index(k)) for k in range(len(row))]])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("metric", [RANKED[0], RANKED[1], RANKED[3], *RANKED[4:]])
def test_tied_scores_give_the_mean_over_all_tie_breaks(metric, seed):
    scores, relevant = random_case(items=1, labels=6, seed=seed, levels=3)
    broken = [float(metric(strict, relevant)) for strict in tie_breaks(scores[0])]
    assert len(broken) == prod(
        torch.lgamma(n + 1.0).exp().round().int().item()
        for n in scores[0].unique(return_counts=True)[1]
    )
    assert float(metric(scores, relevant)) == pytest.approx(np.mean(broken))


def test_tied_map_lies_between_scikit_learns_worst_and_the_best_order():
    scores, relevant = random_case(items=200, labels=30, levels=4)
    worst = label_ranking_average_precision_score(
        relevant.numpy(), (scores - 0.1 * relevant).numpy()
    )
    best = label_ranking_average_precision_score(
        relevant.numpy(), (scores + 0.1 * relevant).numpy()
    )
    assert worst < float(metrics.mean_average_precision(scores, relevant)) < best


def test_a_constant_score_has_the_base_rate_as_precision():
    _, relevant = random_case(items=50, labels=20)
    constant = torch.zeros(50, 20)
    for n in (1, 3, 20):
        value = metrics.precision_at(constant, relevant, n)
        assert float(value) == pytest.approx(float(relevant.double().mean()))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    labels=st.integers(2, 15),
    levels=st.sampled_from([None, 1, 3]),
)
def test_metrics_are_in_the_unit_interval_and_ignore_the_numbering(
    seed, labels, levels
):
    scores, relevant = random_case(7, labels, seed, levels)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(labels, generator=generator)
    for metric in RANKED:
        value = metric(scores, relevant)
        assert -1e-9 <= float(value) <= 1 + 1e-9
        assert torch.allclose(value, metric(scores[:, order], relevant[:, order]))
        assert torch.allclose(value, metric(torch.exp(scores) - 5, relevant))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), labels=st.integers(2, 15))
def test_a_perfect_ranking_scores_one(seed, labels):
    _, relevant = random_case(7, labels, seed)
    scores = relevant.float()
    for metric in (
        metrics.r_precision,
        metrics.mean_average_precision,
        metrics.mean_reciprocal_rank,
    ):
        assert float(metric(scores, relevant)) == pytest.approx(1)


def test_items_without_relevant_label_are_left_out_of_every_mean():
    scores, relevant = random_case()
    padded = torch.cat([relevant, torch.zeros(5, 12, dtype=torch.bool)])
    doubled = torch.cat([scores, scores[:5]])
    for metric in RANKED:
        assert torch.equal(metric(scores, relevant), metric(doubled, padded))
    per_item = metrics.mean_average_precision(doubled, padded, "none")
    assert per_item.isnan().nonzero().flatten().tolist() == [40, 41, 42, 43, 44]


def test_normalised_targets_mean_the_same_as_a_boolean_matrix():
    scores, relevant = random_case()
    targets = relevant / relevant.sum(1, keepdim=True)
    for metric in RANKED:
        assert torch.equal(metric(scores, relevant), metric(scores, targets))


def test_infinite_scores_rank_and_nan_scores_are_refused():
    scores = torch.tensor([[float("-inf"), 0.0, float("inf")]])
    relevant = torch.tensor([[1, 0, 0]])
    actual = metrics.mean_reciprocal_rank(scores, relevant)
    assert float(actual) == pytest.approx(1 / 3)
    scores[0, 1] = float("nan")
    with pytest.raises(ValueError, match="NaN"):
        metrics.mean_reciprocal_rank(scores, relevant)


@pytest.mark.parametrize("n", [0, -1, 6])
def test_a_cutoff_outside_the_labels_is_refused(n):
    with pytest.raises(ValueError, match="from 1 to the 5 labels"):
        metrics.precision_at(SCORES, RELEVANT, n)


def test_wrong_arguments_are_refused_with_one_sentence():
    with pytest.raises(ValueError, match="shape"):
        metrics.precision_at(SCORES, RELEVANT[:, :4], 1)
    with pytest.raises(ValueError, match="nothing to average"):
        metrics.precision_at(SCORES, torch.zeros_like(RELEVANT), 1)
    with pytest.raises(ValueError, match="definition"):
        metrics.f_at(SCORES, RELEVANT, 1, "other")
    with pytest.raises(ValueError, match="reduction"):
        metrics.precision_at(SCORES, RELEVANT, 1, "sum")


def test_tag_metrics_holds_the_columns_of_table_2():
    scores, relevant = random_case()
    values = metrics.tag_metrics(scores, relevant)
    assert list(values) == ["P@3", "P@5", "F@3", "F@5", "F1@3", "F1@5", "MAP", "MRR"]
    assert values["P@3"] == float(metrics.precision_at(scores, relevant, 3))
