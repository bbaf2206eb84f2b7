"""C's way through a game starts where its pretraining left it."""

import pandas as pd
import pytest

from kdgan_lib.reports import cells, starts

END = (0.71, 0.73, 0.75)


def evaluations(ends=END, method="kdgan", start=0.7):
    """Return a look before the game and two within it, for each seed."""
    return pd.DataFrame(
        [
            {"method": method, "seed": seed, "stage": stage, "epoch": epoch} | score
            for seed, end in enumerate(ends)
            for stage, epoch, score in (
                ("pretrain classifier", 50, {"classifier_test": start}),
                ("pretrain teacher", 50, {"classifier_test": None}),
                ("game", 10, {"classifier_test": 0.8}),
                ("game", 15, {"classifier_test": None}),
                ("game", 20, {"classifier_test": end}),
            )
        ]
    )


def test_a_path_has_the_start_the_best_look_the_end_and_the_paired_change():
    path = starts.paths(evaluations(), scale=100)["kdgan"]
    assert (path.start, path.best, path.end) == pytest.approx((70, 80, 73))
    assert (path.best_at, path.epochs) == (10, 20)
    assert (path.change.mean, path.change.runs) == (pytest.approx(3), 3)


def test_the_rows_order_does_not_matter():
    rows = evaluations()
    assert starts.paths(rows.iloc[::-1]) == starts.paths(rows)


def test_fewer_than_three_seeds_or_no_score_before_the_game_have_no_path():
    assert starts.paths(pd.DataFrame()) == {}
    few = evaluations(END[:2], "nagan")
    assert set(starts.paths(pd.concat([few, evaluations()]))) == {"kdgan"}
    assert starts.paths(evaluations(start=None)) == {}


def test_the_seeds_of_a_mean_are_counted_once_a_run():
    rows = pd.concat([evaluations(), evaluations(END[:1], "nagan")])
    assert cells.seeds_of(rows) == "1 to 3 seeds"
    assert cells.seeds_of(evaluations(), "method", "epoch") == "3 seeds"
    assert cells.seeds_of(evaluations(END[:1])) == "1 seed"
    assert cells.seeds_of(pd.DataFrame()) == "no seeds"
