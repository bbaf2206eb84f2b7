"""Intervals, paired tests and effect sizes against numbers worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri

from kdgan_lib import stats


def pair(gaps):
    """Return two samples whose differences are given."""
    second = pd.Series(np.arange(len(gaps), dtype=float) ** 2)
    return second + pd.Series(gaps, dtype=float), second


def test_three_pairs_have_students_interval_and_test():
    found = stats.paired_difference(*pair([1, 2, 3]))
    # Mean 2, standard error 1 / sqrt(3), t = 4.302653 with two degrees of freedom.
    half = 4.302653 / math.sqrt(3)
    assert (found.mean, found.runs) == (2, 3)
    assert (found.lo, found.hi) == pytest.approx((2 - half, 2 + half), abs=1e-5)
    t = 2 * math.sqrt(3)
    p_value = 1 - t / math.sqrt(2 + t**2)  # Student's distribution, closed at df = 2
    assert found.p_value == pytest.approx(p_value)


def test_gaps_that_differ_by_rounding_alone_have_no_test():
    first, second = (
        pd.Series([0.9501, 0.9612, 0.9703]),
        pd.Series([0.9401, 0.9512, 0.9603]),
    )
    found = stats.paired_difference(first, second)
    assert found.lo == found.hi == pytest.approx(0.01)
    assert np.isnan([found.p_value, found.effect_size]).all()


def test_ratios_and_their_inverses_have_inverse_means():
    ratios = np.array([0.5, 2.0, 1.0, 4.0])
    found, other = stats.geometric_mean(ratios), stats.geometric_mean(1 / ratios)
    assert found.mean == pytest.approx(4 ** (1 / 4))
    assert (other.mean, other.lo) == pytest.approx((1 / found.mean, 1 / found.hi))
    with pytest.raises(ValueError, match="above 0"):
        stats.geometric_mean([1.0, -0.5])


def test_pairs_with_a_missing_number_are_left_out():
    first, second = pair([1, 2, 3, math.nan])
    assert stats.paired_difference(first, second) == stats.paired_difference(
        *pair([1, 2, 3])
    )
    assert stats.holm([0.01, math.nan, 0.04])[::2] == pytest.approx([0.02, 0.04])
    assert np.isnan(stats.holm([0.01, math.nan])[1])


def test_a_shared_difference_is_none_where_too_few_pairs_are_known():
    first = pd.Series([1.0, 2.0, 4.0, math.nan], index=[0, 1, 2, 3])
    second = pd.Series([1.0, 1.0, 1.0, 1.0], index=[1, 2, 3, 4])
    assert stats.shared_difference(first, second) is None
    found = stats.shared_difference(first, second, 2)
    assert (found.mean, found.runs) == (2, 2)
    assert stats.shared_difference(first, second[[3, 4]], 1) is None


def test_the_effect_size_is_corrected_for_few_pairs():
    few = stats.paired_difference(*pair([1, 2, 3])).effect_size
    assert few == pytest.approx(2 * (1 - 3 / 7))
    gaps = [1.0, 2.0, 3.0] * 20
    many = stats.paired_difference(*pair(gaps)).effect_size
    assert many == pytest.approx(2 / np.std(gaps, ddof=1), rel=0.02)


@pytest.mark.parametrize("gaps", [[1], [1, 2]])
def test_fewer_than_three_pairs_have_neither_interval_nor_test(gaps):
    found = stats.paired_difference(*pair(gaps))
    assert found.mean == np.mean(gaps)
    assert np.isnan([found.lo, found.hi, found.p_value, found.effect_size]).all()


def test_ten_runs_have_efrons_interval():
    """The ends are percentiles that bias and acceleration move."""
    sample = np.array([1.0, 1.1, 1.2, 1.3, 1.5, 1.8, 2.2, 3.0, 4.5, 8.0])
    found = stats.mean_interval(sample)
    generator = np.random.default_rng(1)
    drawn = sample[generator.integers(10, size=(200_000, 10))].mean(1)
    below = np.mean(drawn < sample.mean()) + np.mean(drawn == sample.mean()) / 2
    bias = ndtri(below)
    left = np.array([np.delete(sample, i).mean() for i in range(10)])
    skewed = left.mean() - left
    acceleration = (skewed**3).sum() / (6 * (skewed**2).sum() ** 1.5)
    ends = bias + ndtri([0.025, 0.975])
    levels = ndtr(bias + ends / (1 - acceleration * ends))
    assert levels[0] > 0.03  # a long right tail moves both ends up
    assert (found.lo, found.hi) == pytest.approx(np.quantile(drawn, levels), rel=0.03)


def test_a_difference_in_words_has_no_sign_and_turns_its_interval_round():
    lost = stats.Difference(-2.0, -3.0, 0.5, 0.1, -1.0, 5)
    assert stats.more_or_less(lost) == "2.00 [-0.50, 3.00] points less"
    one = stats.Difference(1.5, math.nan, math.nan, math.nan, math.nan, 1)
    assert stats.more_or_less(one, 1) == "1.5 points more"


def test_holm_multiplies_the_smallest_by_all_and_never_reorders():
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([0.5, 0.6]) == [1.0, 1.0]


def several_runs(*counts):
    """Return scores i^2 of run i at x = 0, 1, ..., as many runs at x as counts say."""
    return pd.DataFrame(
        [(x, run**2.0) for x, count in enumerate(counts) for run in range(count)],
        columns=["x", "y"],
    )


def test_means_along_have_the_intervals_of_each_x_and_none_below_three_runs():
    frame = several_runs(1, 2, 3, 7)
    found = stats.means_along(frame, "x", "y")
    for x, part in frame.groupby("x"):
        alone = stats.mean_interval(part.y)
        row = found.loc[x]
        assert (row["mean"], row.lo, row.hi) == pytest.approx(
            (alone.mean, alone.lo, alone.hi), nan_ok=True
        )
    assert found.lo.isna().tolist() == [True, True, False, False]


def test_means_along_count_the_known_scores_alone():
    frame = several_runs(3, 4)
    frame.loc[0, "y"] = math.nan
    found = stats.means_along(frame, "x", "y")
    assert found.loc[0, "mean"] == 2.5
    assert found.hi.isna().tolist() == [True, False]


def curve(*scores, seed=0):
    epochs = np.arange(len(scores))
    return pd.DataFrame({"epoch": epochs, "score": scores, "seed": seed})


def test_a_curve_converges_where_it_first_reaches_a_share_of_its_largest_score():
    run = curve(math.nan, 0.5, 0.995, 1.0, 0.9)
    assert stats.convergence(run, "score") == 2
    assert stats.convergence(run, "score", share=1.0) == 3
    assert stats.spread_after_convergence(run, "score", share=1.0) == pytest.approx(
        0.05
    )


def test_nothing_is_known_of_the_convergence_of_a_curve_without_scores():
    for run in (curve(), curve(math.nan, math.nan)):
        assert math.isnan(stats.convergence(run, "score"))
        assert math.isnan(stats.spread_after_convergence(run, "score"))


@pytest.mark.parametrize("scores", [(-2.0, -1.0), (0.0, 0.0, -1.0)])
def test_convergence_refuses_scores_of_which_none_is_above_zero(scores):
    with pytest.raises(ValueError, match="above 0"):
        stats.convergence(curve(*scores), "score")


def test_per_seed_reads_each_seed_in_order_and_leaves_unknown_ones_out():
    curves = pd.concat(
        [
            curve(0.1, 0.2, 1.0, seed=1)[::-1],
            curve(1.0, 0.9, seed=0),
            curve(math.nan, seed=2),
        ]
    )
    found = stats.per_seed(curves, lambda run: stats.convergence(run, "score"))
    assert found.to_dict() == {0: 0.0, 1: 2.0}
    assert stats.per_seed(curves, lambda run: run.score.iloc[0])[1] == 0.1
