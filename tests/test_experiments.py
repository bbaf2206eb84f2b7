"""Check what the protocols prescribe and that a stored row declares its run again."""

import re
from dataclasses import fields, make_dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch

from kdgan_lib import columns, runs
from kdgan_lib.budget import Budget
from kdgan_lib.choices import identity
from kdgan_lib.experiments import (
    PROFILES,
    PROTOCOLS,
    Run,
    declare,
    from_configuration,
)
from kdgan_lib.grids import GRIDS, figure3a
from kdgan_lib.loop import schedule
from kdgan_lib.loop.state import digest
from kdgan_lib.methods import METHODS, method
from kdgan_lib.methods.adversarial import Adversarial
from kdgan_lib.methods.mimic import Mimic
from kdgan_lib.names import ADVERSARIAL, COMPARED
from kdgan_lib.tasks import task

DECLARABLE = [
    (name, protocol)
    for name in METHODS
    for protocol in PROTOCOLS
    if name in COMPARED or protocol == "controlled"
]
every_run = pytest.mark.parametrize(("name", "protocol"), DECLARABLE)
CHANGED = {
    "distn": {"distillation_weight": 1.0},
    "kdgan": {"beta": 2.0, "draws": 3},
    "nagan": {"tau_start": 2.0},
}


def game_updates(run):
    return schedule.game_updates(run.method, run.budget, run.n)


@every_run
def test_a_configuration_declares_its_run_again(name, protocol):
    run = declare(name, protocol=protocol, seed=3)
    again = from_configuration(run.configuration())
    assert again == run
    assert again.id == run.id


def test_a_row_of_the_table_declares_its_run_again(runs_folder):
    declared = [
        replace(run, method=method(run.method.name, **CHANGED.get(run.method.name, {})))
        if run.seed
        else run
        for run in (
            declare(name, protocol=protocol, profile=profile, seed=seed)
            for name, protocol in DECLARABLE
            for profile in ("smoke", "paper")
            for seed in (0, 1)
        )
    ]
    rows = [
        {"run_id": run.id, "whole": True, **run.configuration()} for run in declared
    ]
    runs.append_rows("runs", pd.DataFrame(rows), ["run_id"])
    by_id = {run.id: run for run in declared}
    table = runs.table()
    assert len(table) == len(by_id) == len(declared)
    for _, row in table.iterrows():  # NaN where a column is not the run's own
        assert from_configuration(row).id == row.run_id
        assert from_configuration(row) == by_id[row.run_id]
    for row in table.to_dict("records"):
        assert from_configuration(row).id == row["run_id"]
    for known in by_id:
        assert from_configuration(runs.find(known)).id == known


def test_whole_numbers_that_became_floats_and_missing_values_are_understood():
    run = declare("kdgan", seed=3)
    floats = {
        key: float(value) if isinstance(value, int) else value
        for key, value in run.configuration().items()
    }
    assert from_configuration(floats).id == run.id
    for missing in (None, np.nan):
        plain = Run(method("kdgan"), "mnist", 100, "paper", "paper", 0, Budget())
        holes = dict.fromkeys(plain.configuration(), missing) | {
            "method": "kdgan",
            "data": "mnist",
            "n": 100,
            "protocol": "paper",
            "profile": "paper",
            "seed": np.int64(0),
        }
        assert from_configuration(holes) == plain


@every_run
def test_every_declared_hyperparameter_is_in_the_configuration(name, protocol):
    run = declare(name, protocol=protocol)
    found = run.configuration()
    assert set(identity(run.method)) <= set(found)
    assert {"method", "data", "n", "protocol", "profile", "seed", "selection"} <= set(
        found
    )
    assert not set(run.method.hyperparameters()) & set(vars(run.budget))


def test_fields_that_came_later_leave_the_identity_of_earlier_runs():
    run = declare("kdgan")
    assert not {"adversarial", "precision", "variant", "subset"} & set(
        run.configuration()
    )
    others = [
        replace(run, method=replace(run.method, adversarial=0.0)),
        replace(run, budget=run.budget.but(precision="bfloat16")),
        replace(run, variant="h50"),
        replace(run, subset="last"),
    ]
    assert len({run.id, *(other.id for other in others)}) == 5
    for other in others:
        assert from_configuration(other.configuration()) == other


def test_each_choice_makes_another_run():
    declared = [
        declare(name, n=n, protocol=protocol, profile=profile, seed=seed)
        for name, protocol in DECLARABLE
        for n in (100, 1000)
        for profile in PROFILES
        for seed in (0, 1)
    ]
    assert len({run.id for run in declared}) == len(declared)


def test_all_protocols_give_the_largest_column_the_largest_number_of_updates():
    learned = task("cifar10")
    assert learned.player_updates(48_000) == learned.player_updates(50_000)
    assert learned.player_updates(48_000) > learned.player_updates(5_000)


def test_small_networks_have_a_budget_of_their_own_that_all_methods_share():
    runs = [declare(name, "cifar10", 5_000, variant="small") for name in METHODS]
    usual = declare("kdgan", "cifar10", 5_000)
    assert {game_updates(run) for run in runs} == {2_400}
    assert game_updates(usual) == 9_000
    assert all(
        run.budget.teacher_pretraining < usual.budget.teacher_pretraining
        for run in runs
    )
    assert task("mnist", "h50") == task("mnist")


def test_an_undropped_classifier_has_the_usual_weights_and_no_noise():
    usual = declare("kdgan", n=10_000).players()
    undropped = declare("kdgan", n=10_000, variant="undropped").players()
    for seat, player in undropped.items():
        weights = usual[seat].state_dict()
        for name, weight in player.state_dict().items():
            assert torch.equal(weight, weights[name])
    images = torch.rand(5, 1, 28, 28)
    for players, same in ((usual, False), (undropped, True)):
        learner = players["classifier"].train()
        assert torch.equal(learner(images), learner(images)) == same
    noisy = undropped["teacher"].train()
    assert not torch.equal(noisy(images), noisy(images))


def test_denormals_are_flushed_on_large_cifar10_where_there_is_weight_decay_only():
    small = {"data": "cifar10", "variant": "small"}
    flushed = {
        name
        for name in METHODS
        if declare(name, n=5_000, **small).budget.denormals == "flushed"
    }
    assert flushed == {"supervised"}
    assert declare("supervised", n=500, **small).budget.denormals == "kept"


@pytest.mark.parametrize("n", [100, 1_000, 10_000])
def test_controlled_gives_every_method_the_same_updates_data_and_selection(n):
    declared = [declare(name, n=n) for name in METHODS]
    for run in declared:
        per_epoch = game_updates(run) / run.budget.epochs
        declared_updates = run.task.player_updates(n)
        assert declared_updates - per_epoch < game_updates(run) <= declared_updates
    for field in (
        "batch_size",
        "augmentation",
        "pretraining_augmentation",
        "selection",
        "classifier_pretraining",
        "teacher_pretraining",
        "discriminator_pretraining",
        "pretraining_lr",
        "evaluated",
    ):
        assert len({getattr(run.budget, field) for run in declared}) == 1, field


def test_the_released_schedule_is_protocol_mds():
    run = declare("kdgan", protocol="code")
    assert (run.method.alpha, run.method.beta, run.method.gamma) == (0.1, 2.0, 1e-4)
    passes = [phase.passes for phase in run.method.phases()]
    assert passes == [20, 10, 10]
    assert run.budget.learning_rate("teacher") == 5e-4
    assert run.budget.batch_size == 10
    assert run.budget.augmentation == "affine"
    assert run.budget.pretraining_augmentation == "none"
    assert run.method.estimator == "bce_to_discriminator"
    assert (run.method.positive_draws, run.method.negative_draws) == (5, 20)
    nagan = declare("nagan", protocol="code")
    assert [phase.passes for phase in nagan.method.phases()] == [5, 5]
    assert nagan.budget.epochs == 10
    assert declare("kdgan", n=1_000, protocol="code").method.beta == 0.25
    large = declare("kdgan", n=10_000, protocol="code").method
    assert (large.alpha, large.beta) == (0.2, 2.0)
    nagan = declare("nagan", n=10_000, protocol="code")
    assert [phase.passes for phase in nagan.method.phases()] == [20, 10]
    assert nagan.budget.epochs == 20
    assert declare("distn", protocol="code").method.distillation == "released_l2"


def test_the_papers_text_is_taken_literally():
    run = declare("kdgan", protocol="paper")
    assert run.budget.augmentation == "none"
    assert run.method.schedule == "exponential"
    assert (run.method.tau_start, run.method.tau_end) == (1.0, 0.1)
    assert run.method.estimator == "relaxed_score"
    assert declare("kdgan_wo_gm", protocol="paper").method.estimator == "reinforce"


@every_run
def test_smoke_and_book_only_cut_the_paper_profile(name, protocol):
    smoke, book, paper = (
        declare(name, protocol=protocol, profile=profile) for profile in PROFILES
    )
    assert smoke.budget.epochs <= 2
    assert smoke.budget.epochs <= book.budget.epochs <= paper.budget.epochs
    assert smoke.method == book.method == paper.method
    assert game_updates(smoke) < 2_000


def test_players_start_from_equal_weights_whatever_the_method():
    first, second = (declare(name).players() for name in ("mimic", "kdgan"))
    assert digest(first["classifier"]) == digest(second["classifier"])
    assert digest(first["teacher"]) == digest(second["teacher"])
    assert "discriminator" not in first


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "kdgna"}, "No method 'kdgna'; choose from supervised, mimic"),
        ({"protocol": "mine"}, "choose from controlled, paper, code"),
        ({"profile": "tiny"}, "choose from smoke, book, paper"),
        ({"n": 0}, "n must be at least 1 training example, not 0"),
        ({"n": -5}, "n must be at least 1"),
        ({"n": 0, "protocol": "paper"}, "n must be at least 1"),
        ({"n": 0, "protocol": "code"}, "n must be at least 1"),
        ({"data": "openclipart", "protocol": "code"}, "has no protocol 'code'"),
        ({"data": "openclipart", "subset": "last"}, "and no other subset"),
        ({"subset": "foo"}, "No subset 'foo'; choose from controlled, paper, code, la"),
        ({"variant": "nonsense"}, "MNIST has no networks 'nonsense'; choose from def"),
        ({"data": "cifar10", "variant": "big"}, "No CIFAR-10 players 'big'; choose "),
        ({"data": "openclipart", "variant": "big"}, "'big' is no variant: choose from"),
    ],
)
def test_a_wrong_declaration_names_what_is_allowed(wrong, message):
    with pytest.raises(ValueError, match=message):
        declare(**({"name": "kdgan"} | wrong))


@pytest.mark.parametrize("protocol", ["paper", "code"])
def test_a_method_of_our_own_has_no_setting_of_the_paper_s(protocol):
    message = "'kdgan_adaptive' is not in the paper: use the protocol controlled."
    with pytest.raises(ValueError, match=re.escape(message)):
        declare("kdgan_adaptive", protocol=protocol)


def test_the_adversarial_methods_are_the_paper_s_with_a_discriminator():
    played = [name for name in COMPARED if issubclass(METHODS[name], Adversarial)]
    assert list(ADVERSARIAL) == played


def test_no_way_leads_to_a_run_without_examples():
    with pytest.raises(ValueError, match="n must be at least 1 training example"):
        replace(declare("mimic"), n=0)


def test_figure_3a_has_ten_seeds_of_every_method_and_five_of_the_other_arms():
    grid = pd.DataFrame([run.configuration() for run in figure3a()])
    counts = grid.groupby(["protocol", "method"]).seed.nunique()
    assert (counts["controlled"] == 10).all()
    assert set(counts["controlled"].index) == set(COMPARED)
    for protocol in ("paper", "code"):
        assert (counts[protocol] == 5).all()
        assert set(counts[protocol].index) == set(ADVERSARIAL)
    assert len({run.id for run in figure3a()}) == len(figure3a())
    assert GRIDS["figure3a"] is figure3a


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("n", 4, "and every run has something of that name"),
        ("batch_size", 4, "and every run has something of that name"),
        ("stage", 1, "and every run has something of that name"),
        ("selected_epoch", 1, "and every run has something of that name"),
        ("test_weight", 1, "and every run has something of that name"),
        ("distillation", 0.5, "which is a text in other methods"),
        ("noise_scale", "wide", "which is a number in other methods"),
    ],
)
def test_a_hyperparameter_may_not_mean_two_things_in_one_column(name, value, told):
    kind = make_dataclass(
        "Mine", [(name, type(value), value)], bases=(Mimic,), frozen=True
    )
    usual = declare("mimic", n=100)
    with pytest.raises(ValueError, match=f"hyperparameter '{name}', {told}: give it"):
        replace(usual, method=kind())


def test_a_hyperparameter_of_ones_own_is_declared():
    kind = make_dataclass("Mine", [("trust", float, 2.0)], bases=(Mimic,), frozen=True)
    usual = declare("mimic", n=100)
    assert replace(usual, method=kind()).configuration()["trust"] == 2.0


def test_every_stored_column_is_a_hyperparameters_or_taken():
    known = columns.TAKEN | set(columns.WORDED) | {field.name for field in fields(Run)}
    others = set(runs.table()) - known
    assert all(name.startswith(columns.SCORES) for name in others)
