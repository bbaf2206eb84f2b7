"""Check that every method is tuned with equal effort, on validation, resumably."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from kdgan_lib import paths, runs, tuning
from kdgan_lib.experiments import Run, declare
from kdgan_lib.names import COMPARED
from kdgan_lib.randomness import TUNING_SEED
from kdgan_lib.search_spaces import space, start
from kdgan_lib.train import Diverged
from kdgan_lib.tuning import Search

pytestmark = pytest.mark.usefixtures("runs_folder")


def score(run, progress, device):
    """Score a trial by its learning rate alone, without training."""
    return 1.0 - abs(run.budget.classifier_lr - 5e-4)


@pytest.fixture(autouse=True)
def untrained(monkeypatch):
    monkeypatch.setattr(tuning, "_score", score)


@pytest.mark.parametrize("name", COMPARED)
def test_every_methods_trials_can_be_declared_and_start_from_the_stated_one(name):
    done = tuning.tune(name, trials=5)
    assert list(done.trial) == [0, 1, 2, 3, 4]
    assert json.loads(done.parameters[0]) == start(name)
    assert done.parameters.nunique() == 5
    for parameters in done.parameters:
        run = tuning.declare_trial(name, json.loads(parameters))
        assert isinstance(run, Run)
        assert run.method.name == name
        assert run.budget.selection == "validation"


def interrupt_after(count):
    def interrupting(run, progress, device):
        nonlocal count
        count -= 1
        if count < 0:
            raise KeyboardInterrupt
        return score(run, progress, device)

    return interrupting


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    whole = list(tuning.tune("kdgan", trials=6).parameters)
    monkeypatch.setenv("KDGAN_RUNS", str(tmp_path / "other"))
    for sitting in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(tuning, "_score", interrupt_after(sitting))
            with pytest.raises(KeyboardInterrupt):
                tuning.tune("kdgan", trials=6)
    assert len(runs.read_rows(tuning.TRIALS)) == 0 + 1 + 2
    assert list(tuning.tune("kdgan", trials=6).parameters) == whole


def test_trials_of_other_methods_do_not_move_a_search():
    alone = list(tuning.tune("distn", trials=3).parameters)
    tuning.tune("kdgan", trials=3)
    assert list(tuning.tune("distn", trials=3).parameters) == alone
    assert len(runs.read_rows(tuning.TRIALS)) == 6


def test_trials_use_a_seed_of_no_reported_run_and_half_the_updates():
    tuned = tuning.declare_trial("kdgan", start("kdgan"))
    assert tuned.seed == TUNING_SEED
    assert tuned.id != declare("kdgan").id
    per_epoch = 2 * len(tuned.method.phases())
    assert (
        tuned.budget.epochs * per_epoch <= 450 < (tuned.budget.epochs + 1) * per_epoch
    )


def test_a_trial_that_diverges_scores_zero(monkeypatch):
    monkeypatch.undo()

    def diverge(*_, **__):
        raise Diverged("nan")

    monkeypatch.setattr(tuning, "train", diverge)
    run = tuning.declare_trial("supervised", start("supervised"))
    assert tuning._score(run, False, torch.device("cpu")) == 0.0


def test_the_search_looks_at_validation_and_never_at_the_test_set(monkeypatch):
    monkeypatch.undo()

    found = SimpleNamespace(metrics={"validation_accuracy": 0.5, "test_accuracy": 0.9})
    monkeypatch.setattr(tuning, "train", lambda *_, **__: found)
    run = tuning.declare_trial("supervised", start("supervised"))
    assert tuning._score(run, False, torch.device("cpu")) == 0.5


def test_freezing_writes_each_methods_best_trial(tmp_path):
    tuning.tune("distn", trials=4)
    path = tmp_path / "controlled.json"
    settings = tuning.freeze(tmp_path)
    assert json.loads(path.read_text()) == settings
    assert set(settings) == {"distn"}
    rows = runs.read_rows(tuning.TRIALS)
    best = rows.loc[rows.score.idxmax()]
    frozen = settings["distn"]
    assert frozen["trial"] == best.trial
    assert frozen["hyperparameters"] | frozen["budget"] == json.loads(best.parameters)
    assert "distillation_weight" in frozen["hyperparameters"]
    assert "classifier_lr" in frozen["budget"]


def test_freezing_keeps_the_settings_of_methods_without_a_trial(tmp_path):
    kept = {"mimic": {"trial": 3, "hyperparameters": {}, "budget": {}}}
    (tmp_path / "controlled.json").write_text(json.dumps(kept))
    tuning.tune("distn", trials=2)
    assert set(tuning.freeze(tmp_path)) == {"mimic", "distn"}


def test_borrowed_settings_are_not_searched():
    with pytest.raises(ValueError, match="takes the settings of openclipart: tune"):
        Search("openclipart_vgg16")


def test_a_search_has_at_least_one_trial_and_one_example():
    with pytest.raises(ValueError, match="n must be at least 1 training example, not"):
        tuning.tune("mimic", Search(n=0), trials=1)
    with pytest.raises(ValueError, match="trials must be at least 1, not 0"):
        tuning.tune("distn", trials=0)


def test_a_search_trains_on_the_device_it_was_given_and_its_rows_name_it(monkeypatch):
    asked = []

    def on(run, progress, device):
        asked.append(device.type)
        return 0.5

    monkeypatch.setattr(tuning, "_score", on)
    monkeypatch.setattr(tuning, "find_device", torch.device)
    monkeypatch.setattr(tuning, "provenance", lambda device: {"device": device.type})
    done = tuning.tune("distn", trials=2, device="cuda")
    assert asked == ["cuda", "cuda"]
    assert list(done.device) == ["cuda", "cuda"]


def test_a_search_on_a_device_that_is_not_there_is_refused_before_any_trial():
    with pytest.raises(ValueError, match="choose from auto, cpu, cuda"):
        tuning.tune("distn", trials=1, device="fpga")


def test_trials_of_another_data_set_do_not_move_a_search():
    alone = list(tuning.tune("distn", trials=3).parameters)
    tuning.tune("distn", Search("openclipart"), trials=3)
    assert list(tuning.tune("distn", trials=3).parameters) == alone
    assert len(runs.read_rows(tuning.TRIALS)) == 6


def test_networks_with_settings_of_their_own_are_searched_on_their_own(tmp_path):
    default, small = Search("cifar10"), Search("cifar10", variant="small")
    alone = list(tuning.tune("distn", default, trials=2).parameters)
    assert len(tuning.tune("distn", small, trials=3)) == 3
    assert list(tuning.tune("distn", default, trials=2).parameters) == alone
    assert tuning.declare_trial("distn", {}, small).networks == "small"
    tuning.freeze(tmp_path, small)
    assert [path.name for path in tmp_path.glob("*.json")] == ["cifar10_small.json"]


def test_a_trial_flushes_denormals_where_the_reported_run_does():
    for n, expected in ((500, "kept"), (5_000, "flushed")):
        tried = {"weight_decay": 1e-3}
        small = Search("cifar10", n, "small")
        run = tuning.declare_trial("supervised", tried, small)
        reported = declare("supervised", "cifar10", n, variant="small")
        assert run.budget.denormals == reported.budget.denormals == expected


def test_trials_from_before_networks_were_searched_are_of_the_default_ones():
    tuning.tune("distn", trials=3)
    path = paths.runs_dir() / f"{tuning.TRIALS}.parquet"
    pd.read_parquet(path).drop(columns="variant").to_parquet(path)
    assert len(tuning.tune("distn", trials=3)) == 3
    assert len(tuning.tune("distn", trials=4)) == 4


def test_networks_without_settings_of_their_own_are_not_searched():
    with pytest.raises(ValueError, match="'h50' of mnist take the settings of its"):
        Search(variant="h50")
    with pytest.raises(ValueError, match="No CIFAR-10 players 'smal'; choose from"):
        Search("cifar10", variant="smal")


def test_the_wider_search_is_for_mnist_with_100_alone():
    assert Search(n=100, wider=True).file == tuning.WIDER
    for other in ({"n": 1_000}, {"data": "cifar10"}):
        with pytest.raises(ValueError, match="for MNIST with n = 100 only"):
            Search(**other, wider=True)


def test_every_method_is_searched_over_its_classifiers_rate_and_schedule():
    for name in COMPARED:
        assert {"classifier_lr", "lr_schedule"} <= set(space(name))


def test_the_search_goes_to_where_the_scores_are_higher(monkeypatch):
    def by_rate(run, progress, device):
        return -run.budget.classifier_lr

    monkeypatch.setattr(tuning, "_score", by_rate)
    done = tuning.tune("supervised", trials=16)
    random, guided = done.score[1:8], done.score[8:]
    assert guided.median() > random.median()
