"""The chapter on reading counts how often the book's intervals hold the truth."""

import numpy as np
import pytest

from kdgan_lib.stats import MANY, mean_interval
from kdgan_lib.studies import demonstrations as demo


@pytest.fixture(scope="module")
def shares():
    return demo.coverage(1000, 1.0, 0, tabled=150).set_index("runs")


def test_student_s_interval_is_that_of_tables_below_ten_runs(shares):
    few = shares.index < MANY
    assert few.any()
    assert (shares["covered"] == shares[demo.TABLED])[few].all()
    (draw,) = demo.invented_runs(1, MANY - 1, 1.0, 0)
    mean, half = demo.student_intervals(draw[None])
    found = mean_interval(draw)
    assert (found.lo, found.hi) == pytest.approx((*(mean - half), *(mean + half)))


def test_student_s_interval_holds_a_normal_mean_at_every_number_of_runs(shares):
    assert shares["covered"].between(0.92, 0.98).all()


def test_the_interval_of_tables_is_near_at_ten_runs(shares):
    assert MANY in shares.index
    assert shares[demo.TABLED][MANY] < shares["covered"][MANY]


def test_more_runs_narrow_the_interval(shares):
    assert (np.diff(shares["half width"]) < 0).all()


def test_a_wider_spread_widens_intervals_and_changes_no_share():
    one, two = (demo.coverage(200, spread, 0, tabled=10) for spread in (1.0, 2.0))
    assert two["half width"].tolist() == pytest.approx(list(2 * one["half width"]))
    assert (one["covered"] == two["covered"]).all()
