"""Figure 3a's tables, measures and verdicts come from rows and from nothing else."""

import json

import numpy as np
import pandas as pd
import pytest

from kdgan_lib import runs, stats, tables
from kdgan_lib.experiments import SETTINGS, declare
from kdgan_lib.figures import training as drawings
from kdgan_lib.grids import GRIDS
from kdgan_lib.measures import curves as measures
from kdgan_lib.names import ADVERSARIAL, TAGGERS
from kdgan_lib.paths import ROOT
from kdgan_lib.randomness import TUNING_SEED
from kdgan_lib.reports import training
from kdgan_lib.search_spaces import SEARCH_SPACES
from kdgan_lib.tasks import task
from kdgan_lib.tuning import split_settings
from kdgan_lib.verdicts import judge

SCORES = {"kdgan": (0.80, 0.90, 0.90), "nagan": (0.80, 0.80, 0.85)}


@pytest.fixture
def invented(tmp_path, monkeypatch):
    """Store three seeds of two methods with known curves in an empty folder."""
    monkeypatch.setenv("KDGAN_RUNS", str(tmp_path))
    for name, scores in SCORES.items():
        for seed in range(3):
            store(name, seed, [score + seed / 1000 for score in scores])
    return tmp_path


def store(name, seed, scores):
    run = declare(name, seed=seed)
    curve = pd.DataFrame(
        {
            "stage": "game",
            "epoch": [10, 20, 30],
            "player_updates": [60, 120, 180],
            "classifier_updates": [20, 40, 60],
            "classifier_validation": scores,
            "classifier_test": scores,
        }
    )
    outcome = {
        "run_id": run.id,
        **run.configuration(),
        "status": "finished",
        "test_accuracy": scores[-1],
        "last_test_accuracy": scores[-1],
        "best_test_accuracy": max(scores),
    }
    runs.record(outcome, curve)


def test_accuracy_difference_is_paired_by_seed(invented):
    gap = measures.accuracy_difference("kdgan", "nagan")["accuracy_difference"]
    assert gap.value == pytest.approx(5.0)
    assert gap.runs == 3


def test_convergence_is_the_first_evaluation_at_99_percent_of_the_best(invented):
    found = measures.convergence_epoch("kdgan")
    assert found["epochs"].value == 20
    places = training.converged().groupby("method").player_updates.mean()
    assert places["kdgan"] == 120
    assert training.convergence_table().runs.tolist() == [3, 3]
    assert measures.convergence_epoch("nagan")["epochs"].value == 30


def test_a_relative_gain_is_in_percent_of_the_second_method(invented):
    gain = measures.relative_gain("kdgan", "nagan")["relative_gain"]
    assert gain.value == pytest.approx(100 * 0.05 / 0.851, abs=0.01)


def test_stability_is_the_second_curves_swing_over_the_firsts(runs_folder):
    for name, swing in (("kdgan", 0.001), ("nagan", 0.004)):
        for seed in range(3):
            store(name, seed, [0.9, 0.9 + swing, 0.9])
    found = measures.stability("kdgan", "nagan")["spread_ratio"]
    assert (found.value, found.runs) == (pytest.approx(4), 3)


def test_a_speed_up_is_the_share_of_the_seconds_epochs_that_the_first_saves(
    runs_folder,
):
    for seed, early in enumerate((0.9, 0.8, 0.8)):
        store("kdgan", seed, [early, 0.9, 0.9])
        store("nagan", seed, [0.8, 0.8, 0.9])
    found = measures.speed_up("kdgan", "nagan")["speed_up"]
    assert found.value == pytest.approx(100 * (1 - (10 * 20 * 20 / 30**3) ** (1 / 3)))
    assert found.lo < found.value < found.hi


def test_deleting_a_runs_row_changes_the_table_and_the_verdict(invented):
    assert judge("F3a.3").verdict == "reproduced"
    before = training.accuracies("controlled").set_index("method")
    gone = declare("kdgan", seed=2).id
    path = invented / "runs.parquet"
    rows = pd.read_parquet(path)
    rows[rows.run_id != gone].to_parquet(path)
    after = training.accuracies("controlled").set_index("method")
    assert after.runs["KDGAN"] == before.runs["KDGAN"] - 1
    assert after.ours["KDGAN"] != before.ours["KDGAN"]
    path.unlink()
    assert judge("F3a.3").verdict == "not run"
    assert training.summary() == ""


GAMES = {"nagan": (0.72, 0.50), "kdgan_wo_gm": (0.74, 0.74), "kdgan": (0.76, 0.71)}


def store_game(name, seed, scores):
    """Store a run under `paper` with a pretrained C of 70%, and two looks."""
    run = declare(name, protocol="paper", seed=seed)
    curve = pd.DataFrame(
        {
            "stage": ["pretrain classifier", "game", "game"],
            "epoch": [50, 10, 20],
            "player_updates": [100, 200, 300],
            "classifier_updates": [100, 120, 140],
            "classifier_test": [0.7, *(score + seed / 100 for score in scores)],
            "discriminator_loss": [None, 1.5, 1.3 + seed / 10],
        }
    )
    row = {"run_id": run.id, **run.configuration(), "status": "finished"}
    runs.record(row, curve)


def test_a_game_is_told_from_its_pretrained_classifier_on(runs_folder):
    assert training.from_start("paper") == ""
    assert training.discrimination("paper") == ""
    for name, scores in GAMES.items():
        assert training.from_start("paper") == ""  # a method is missing
        for seed in range(3):
            store_game(name, seed, scores)
    said = training.from_start("paper")
    assert "`paper` the pretrained C has 70.00% on the test set" in said
    assert "KDGAN ends at 72.00%, 2.00 [-0.48, 4.48] points more" in said
    assert "NaGAN ends at 51.00%, 19.00 [" in said
    assert "] points less (its best look" in said
    assert "(its best look: 77.00% at outer epoch 10 of 20)" in said
    assert said.endswith("(3 seeds, paired).")
    assert training.from_start("code") == ""


def test_ds_loss_is_that_of_the_last_look(runs_folder):
    for name in ADVERSARIAL:
        for seed in range(3):
            store_game(name, seed, GAMES[name])
    assert training.discrimination("paper") == (
        "1.400 in NaGAN, 1.400 in KDGAN-WO-GM and 1.400 in KDGAN under `paper` "
        "(3 seeds)"
    )
    assert training.chance() == "1.386"


def test_ds_loss_from_drawn_labels_has_another_scale_and_is_not_told():
    assert training.discrimination("code") == ""


def test_a_pass_of_the_lenet_is_told_for_the_widest_perceptron(runs_folder):
    assert training.forward_passes() == ""
    rows = pd.DataFrame(
        {
            "player": ["teacher", "classifier", "classifier"],
            "hidden": [0, 20, 800],
            "latency_ratio": [1.0, 31.0, 8.0],
            "multiply_adds_ratio": [1.0, 850.0, 11.0],
        }
    )
    runs.append_rows("sizes", rows, ["player", "hidden"])
    said = training.forward_passes()
    assert "takes 8.0 times as long as one of the perceptron with 800 units" in said
    assert said.endswith("11.0 times the multiply-adds")


def test_panels_of_protocols_share_an_axis_that_ends_where_accuracy_does():
    looks = [
        {"protocol": protocol, "method": "kdgan", "run_id": f"{protocol}{run}"}
        | {"stage": "game", "epoch": epoch, "classifier_test": score}
        for protocol, scores in {"paper": (0.7, 0.99, 1.0), "code": (0, 0, 0.4)}.items()
        for run, score in enumerate(scores)
        for epoch in (1, 2)
    ]
    fig = drawings.protocol_curves(pd.DataFrame(looks), ["paper", "code"])
    limits = [ax.get_ylim() for ax in fig.axes]
    assert limits == [(0, 100)] * 2
    assert drawings.protocol_curves(pd.DataFrame(), ["paper"]) is None


def test_summary_names_the_strongest_rival_and_the_interval(invented):
    text = training.summary()
    assert "number 1 of 2" in text
    assert "5.00 points above NaGAN" in text


def test_grid_filter_keeps_only_declared_runs(invented):
    other = declare("kdgan", seed=0, profile="smoke")
    row = {"run_id": other.id, **other.configuration(), "status": "finished"}
    runs.record(row)
    assert other.id in set(tables.runs().run_id)
    assert other.id not in set(tables.runs(grid="figure3a").run_id)


@pytest.mark.parametrize(
    ("data", "methods"), [("mnist", SEARCH_SPACES), ("openclipart", TAGGERS)]
)
def test_frozen_settings_are_the_best_committed_trials(data, methods, monkeypatch):
    monkeypatch.setenv("KDGAN_RUNS", str(ROOT / "book" / "runs"))
    trials = runs.read_rows("trials")
    trials = trials[trials.data == data]
    frozen = json.loads((SETTINGS / f"{task(data).settings[0]}.json").read_text())
    assert set(frozen) == set(methods)
    counts = trials.groupby("method").trial.count()
    assert counts.nunique() == 1, "every method has the same number of trials"
    for name, setting in frozen.items():
        done = trials[trials.method == name]
        best = done.loc[done.score.idxmax()]
        hyper, amounts = split_settings(json.loads(best.parameters))
        assert (setting["hyperparameters"], setting["budget"]) == (hyper, amounts)


def test_no_reported_run_uses_the_tuning_seed():
    assert all(run.seed != TUNING_SEED for run in GRIDS["figure3a"]("paper"))


def test_holm_multiplies_the_smallest_p_value_by_the_number_of_tests():
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_mean_interval_holds_the_mean_and_shrinks_with_more_runs():
    few = stats.mean_interval([1.0, 2.0, 3.0, 4.0])
    many = stats.mean_interval([1.0, 2.0, 3.0, 4.0] * 10)
    assert few.lo < 2.5 < few.hi
    assert many.hi - many.lo < few.hi - few.lo


def test_paired_difference_refuses_samples_without_a_common_seed():
    with pytest.raises(ValueError, match="share no seed"):
        stats.paired_difference(pd.Series({0: 1.0}), pd.Series({1: 2.0}))


@pytest.mark.parametrize("count", [3, 5, 10])
def test_an_interval_covers_the_mean_about_as_often_as_it_says(count):
    draws = np.random.default_rng(0).normal(size=(300, count))
    found = [stats.mean_interval(draw) for draw in draws]
    covered = np.mean([each.lo <= 0 <= each.hi for each in found])
    assert covered > (0.92 if count < stats.MANY else 0.86)


def test_few_runs_have_students_interval():
    found = stats.mean_interval([1.0, 2.0, 3.0])
    assert found.lo == pytest.approx(2 - 4.3027 / 3**0.5, abs=1e-3)
    assert found.hi == pytest.approx(2 + 4.3027 / 3**0.5, abs=1e-3)
