"""KDGAN with the released script's outer epochs is compared with runs of its seeds."""

import pandas as pd
import pytest

from kdgan_lib import runs
from kdgan_lib.experiments import declare
from kdgan_lib.figures import compression as drawings
from kdgan_lib.grids import LONG_RIVALS, RELEASED_LENGTH, released_length
from kdgan_lib.loop.schedule import game_updates
from kdgan_lib.reports import released as report
from kdgan_lib.reports import table1

SHARED = (0.0, 0.01, -0.01)


def store(run, accuracy):
    """Store a run whose largest test accuracy is given, and its curve of two looks."""
    row = {"run_id": run.id, **run.configuration(), "status": "finished"}
    row |= {"seconds": 9.0, "test_accuracy": accuracy}
    row |= {"best_test_accuracy": accuracy, "last_test_accuracy": accuracy - 0.02}
    runs.append_rows("runs", pd.DataFrame([row]), ["run_id"])
    curve = {"run_id": run.id, "stage": ["pretrain classifier", "game", "game"]}
    curve |= {"epoch": [200, 1, 2], "player_updates": [100, 500, 900]}
    curve |= {"classifier_test": [0.5, accuracy - 0.02, accuracy]}
    runs.append_rows("curves", pd.DataFrame(curve), ["run_id", "stage", "epoch"])


def store_long(seeds):
    for run in kdgan_runs()[:seeds]:
        store(run, 0.75 + SHARED[run.seed])


def kdgan_runs():
    return [run for run in released_length() if run.method.name == "kdgan"]


def test_the_rivals_get_as_many_updates_and_looks_as_the_long_kdgan():
    amounts = {
        (
            game_updates(run.method, run.budget, run.n),
            run.budget.epochs // run.budget.test_every,
        )
        for run in released_length()
    }
    assert {run.method.name for run in released_length()} == {"kdgan", *LONG_RIVALS}
    assert len(amounts) == 1


def test_only_the_number_of_outer_epochs_differs_from_table_1():
    for run in kdgan_runs():
        usual = declare("kdgan", protocol="code", seed=run.seed)
        assert run.budget.epochs == RELEASED_LENGTH > usual.budget.epochs
        assert run.budget.but(epochs=usual.budget.epochs) == usual.budget
        assert (run.method, run.n) == (usual.method, usual.n)


def test_without_long_runs_there_is_nothing_to_say(runs_folder):
    assert report.table().empty
    assert report.sentence() == ""
    assert drawings.released(report.curves(), report.levels()) is None


def test_the_lead_over_nagan_is_told_at_both_lengths(runs_folder):
    store_long(3)
    for seed in range(3):
        store(declare("nagan", protocol="code", seed=seed), 0.55 + SHARED[seed])
    assert report.lead_over_nagan() == ""  # no long NaGAN
    long = [run for run in released_length() if run.method.name == "nagan"]
    for run in long[:3]:
        store(run, 0.76 + 2 * SHARED[run.seed])
    said = report.lead_over_nagan()
    assert "is +20.00 [" in said
    assert "It is -1.00 [-3.48, +1.48] points where NaGAN has as many" in said
    assert "(3 seeds)" in said


def store_long_curve(run, epochs):
    """Store a run that first reaches its best at a given epoch of two looks."""
    step = game_updates(run.method, run.budget, run.n) // run.budget.epochs
    row = {"run_id": run.id, **run.configuration(), "status": "finished"}
    runs.append_rows("runs", pd.DataFrame([row]), ["run_id"])
    curve = {"run_id": run.id, "stage": ["pretrain classifier", "game", "game"]}
    curve |= {"epoch": [200, 1, epochs], "classifier_test": [0.5, 0.5, 0.7]}
    curve |= {"player_updates": [100, 100 + step, 100 + step * epochs]}
    runs.append_rows("curves", pd.DataFrame(curve), ["run_id", "stage", "epoch"])


def test_convergence_is_told_in_the_epochs_of_each_script_and_in_updates(runs_folder):
    assert report.pace() == ""
    for run in released_length():
        if run.method.name == "kdgan":
            store_long_curve(run, 20 + run.seed)
    assert report.pace() == ""  # no long NaGAN
    for run in released_length():
        if run.method.name == "nagan" and run.seed < 3:
            store_long_curve(run, 88)
    said = report.pace()
    assert "In games of 24,000 player updates, by test accuracy, KDGAN conv" in said
    assert "22 of its epochs (20 to 24 over 5 seeds; the paper: 25)" in said
    assert "that is 8,800 updates, and NaGAN converges after 88 of its epochs" in said
    assert "(88 to 88 over 3 seeds; the paper: 135), that is 8,800 updates." in said
    assert "is 4.0 times KDGAN's, its number of updates 1.0 times" in said
    assert "an epoch of KDGAN is 4 times as long" in said


def test_the_passes_of_an_epoch_are_each_scripts_own():
    assert report.passes_in_words("kdgan") == "20 of D, 10 of T and 10 of C"
    assert report.passes_in_words("nagan") == "5 of D and 5 of C"


def test_two_long_runs_are_shown_and_not_summarised(runs_folder):
    store_long(2)
    cells = report.table()["largest test accuracy"]
    assert "2&nbsp;runs" in cells[0]
    assert cells[1:].str.startswith("not run").all()
    assert report.sentence() == ""


def test_the_long_runs_are_paired_with_each_method_by_seed(runs_folder):
    store_long(3)
    for name, accuracy in (("kdgan", 0.70), ("codis", 0.76)):
        for seed in range(3):
            store(declare(name, protocol="code", seed=seed), accuracy + SHARED[seed])
    found = report.table().set_index("runs under `code`")
    assert list(found.index) == [
        f"KDGAN, {RELEASED_LENGTH} epochs",
        "CODIS, 1200 epochs",
        "NaGAN, 240 epochs",
        "CODIS, 400 epochs",
        "KDGAN, 12 epochs",
    ]
    gaps = found["long KDGAN minus it"]
    assert list(gaps.iloc[:3]) == ["–", "–", "–"]
    for name, cell in zip(("codis", "nagan"), found.iloc[1:3, 2], strict=True):
        assert cell.startswith("not run")
        assert f"`kdgan sweep released_length --method {name}`" in cell
    assert found["player updates"].nunique() == 3
    assert gaps["KDGAN, 12 epochs"].startswith("+5.00")
    assert gaps["CODIS, 400 epochs"].startswith("-1.00")
    assert "75.00% [" in report.sentence()
    assert "73.00% at the end" in report.sentence()
    assert report.levels()["ours: CODIS, 400 epochs"] == pytest.approx(76)
    assert len(report.curves()) == 6
    assert drawings.released(report.curves(), report.levels()) is not None


def store_off(column: table1.Column, off: dict[str, float]) -> None:
    """Store a run of each cell of a column, so many points above the paper's mean."""
    rows = []
    for protocol, points in off.items():
        for entry in table1.entries(protocol, [column]):
            run = declare(entry.cell.method, n=column.n, protocol=protocol)
            row = {"run_id": run.id, **run.configuration(), "status": "finished"}
            rows.append(
                row | {"test_accuracy": (entry.paper + points) / 100, "seconds": 9.0}
            )
    runs.append_rows("runs", pd.DataFrame(rows), ["run_id"])


def test_the_nearest_protocol_has_the_least_mean_distance(runs_folder):
    assert report.distances().empty
    assert report.nearest(report.distances()) == ""
    first, second, third, *_ = table1.COLUMNS
    store_off(first, {"controlled": 12.0, "paper": -3.0, "code": 1.0})
    found = report.distances().set_index("method")
    assert len(found) == len(table1.METHODS) + 1
    assert found.paper["KDGAN"] == pytest.approx(-3)
    average = {"controlled": 12, "paper": 3, "code": 1}
    assert found.loc[report.AVERAGE, [*average]].to_dict() == pytest.approx(average)
    said = "`code` (1.0 points) on MNIST 100, before `paper` (3.0) and `controlled`"
    assert said in report.nearest(report.distances())
    store_off(second, {"controlled": 2.0, "paper": -1.0})
    store_off(third, {"controlled": 0.5})
    both = report.distances()
    assert list(both.column.unique()) == ["MNIST 100", "MNIST 1,000"]
    assert both[both.column == "MNIST 1,000"].code.isna().all()
    assert "`paper` (1.0 points) on MNIST 1,000, before `control" in report.nearest(
        both
    )
    assert "has 12 of 60 outer epochs" in report.length_in_words()
    store_long(3)
    long = 75 - report.claims.paper_value("T1", method="kdgan", data="mnist", n=100)
    assert report.distances().set_index("method").code["KDGAN"].iloc[0] == (
        pytest.approx(long)
    )
    assert "is that of 60 outer epochs" in report.length_in_words()
