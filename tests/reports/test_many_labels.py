"""KDGAN's forms at n = 10,000 are compared with rivals at equal updates only."""

import pandas as pd
import pytest

from kdgan_lib import runs
from kdgan_lib.beyond_grids import LONGER, MANY_LABELS, many_labels
from kdgan_lib.loop.schedule import game_updates
from kdgan_lib.reports import many_labels as report


def store(kept=lambda run: True):
    """Store runs whose C is better by the passes that it has, and by seed."""
    rows = [
        {
            "run_id": run.id,
            **run.configuration(),
            "status": "finished",
            "test_accuracy": accuracy(run),
            "validation_accuracy": accuracy(run) - 0.001,
            "teacher_test_accuracy": 0.992,
        }
        for run in filter(kept, many_labels())
    ]
    runs.append_rows("runs", pd.DataFrame(rows), ["run_id"])


def accuracy(run):
    passes = run.budget.epochs * run.method.hyperparameters().get(
        "classifier_passes", 1
    )
    return 0.98 + passes / 50_000 + run.seed / 1_000


def test_a_length_has_equal_updates_and_the_longer_one_four_times_as_many():
    updates = {}
    for name, run in zip(MANY_LABELS, many_labels(), strict=False):
        length = "longer" if "longer" in name else "prescribed"
        made = game_updates(run.method, run.budget, run.n)
        assert updates.setdefault(length, made) == made
    assert updates["longer"] == LONGER["updates"] * updates["prescribed"]


def test_t_is_pretrained_four_times_as_long_in_every_longer_run():
    named = list(zip(MANY_LABELS, many_labels(), strict=False))
    usual = {run.budget.teacher_pretraining for name, run in named if "as p" in name}
    longer = {run.budget.teacher_pretraining for name, run in named if "longer" in name}
    assert longer == {4 * passes for passes in usual}


def test_without_runs_every_row_keeps_its_command_and_nothing_is_said(runs_folder):
    table = report.accuracies()
    assert list(table.missing) == [3] * len(MANY_LABELS)
    assert table.C.str.contains("not run").all()
    assert table.C.str.contains("kdgan sweep many_labels --method").all()
    assert report.standing() == ""


def test_two_runs_are_tabled_and_too_few_for_a_sentence(runs_folder):
    store(lambda run: run.seed < 2)
    table = report.accuracies()
    assert set(table.runs) == {2}
    assert table.C[0].startswith("98.13")
    assert table["T"][0] == pytest.approx(99.2)
    assert set(table[table.method == "NaGAN"]["T"]) == {"–"}  # it has no T
    assert report.standing() == ""


def test_the_best_on_validation_are_compared_at_each_length(runs_folder):
    store()
    said = report.standing()
    assert "With 12,000 player updates" in said
    assert "*with ten passes of C and a cosine*" in said
    assert "With 24,000 player updates" in said
    assert "is -0.04 [" in said  # 100 passes of C, and DISTN's 120
    assert "The paper has 99.25%" in said
    assert report.in_short().startswith("On MNIST with n = 10,000: with 24,000 player")
    assert "not run at this length" not in said


def test_rivals_that_were_not_run_at_a_length_are_named(runs_folder):
    store(lambda run: run.method.name in ("kdgan", "distn"))
    said = report.standing()
    assert "zero (CODIS and NaGAN not run at this length)" in said


@pytest.mark.parametrize("method", ["kdgan", "distn"])
def test_a_length_without_a_side_is_left_out(runs_folder, method):
    store(lambda run: run.method.name == method or run.budget.teacher_pretraining == 20)
    assert "24,000" not in report.standing()
    assert "12,000" in report.standing()
