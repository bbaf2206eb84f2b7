"""What the game adds is counted from the C that the same run's pretraining left."""

import re

import pandas as pd
import pytest

from kdgan_lib import runs
from kdgan_lib.experiments import declare
from kdgan_lib.reports import gains
from kdgan_lib.reports.table1 import SMALL, Column


def play(name, before, after, **of):
    """Store a run per seed: C's test accuracy before the game, and the reported one."""
    found = [declare(name, seed=seed, **of) for seed in range(len(after))]
    rows = [
        {"run_id": run.id, **run.configuration(), "status": "finished"}
        | {"test_accuracy": accuracy, "seconds": 50.0}
        for run, accuracy in zip(found, after, strict=True)
    ]
    looks = [
        {"run_id": run.id, "stage": stage, "epoch": 50, "classifier_test": score}
        for run, accuracy in zip(found, before, strict=True)
        for stage, score in (
            ("pretrain classifier", accuracy),
            ("pretrain teacher", None),
            ("game", 0.99),
        )
    ]
    runs.append_rows("runs", pd.DataFrame(rows), ["run_id"])
    runs.append_rows("curves", pd.DataFrame(looks), ["run_id", "stage", "epoch"])


@pytest.fixture
def played(runs_folder):
    small = {"data": "cifar10", "n": 500, "variant": "small"}
    play("mimic", (0.80, 0.82, 0.81), (0.85, 0.86, 0.86))
    play("kdgan", (0.80, 0.82), (0.90, 0.92))  # too few for an interval
    play("nagan", (0.40, 0.41, 0.42), (0.30, 0.30, 0.33), **small)


def test_a_gain_is_paired_with_the_pretraining_of_its_own_run(played):
    table = gains.gains()
    assert list(table.columns) == ["method", "MNIST 100", "CIFAR-10 500, small T"]
    assert list(table.method) == ["MIMIC", "NaGAN"]
    assert re.match(r"\+4\.67<br><span [^>]+>\[\+3\.23,&nbsp;", table["MNIST 100"][0])
    assert (table["CIFAR-10 500, small T"][0], table["MNIST 100"][1]) == ("–", "–")


def test_a_method_that_leaves_c_worse_is_named_with_its_column(played):
    said = gains.lost_by_the_game()
    assert said.startswith("On average C ends worse than it began: NaGAN on CIFAR-10")
    assert "500, small T (-10.00 [" in said
    assert gains.lost_by_the_game([Column("mnist", 100)]) == ""


def test_without_runs_there_is_no_gain_to_show(runs_folder):
    assert gains.gains().empty
    assert gains.lost_by_the_game(SMALL) == ""
