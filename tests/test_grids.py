"""Check the declared grids: what they hold, and that what is compared is comparable."""

from dataclasses import asdict, replace

import pandas as pd
import pytest

from kdgan_lib import grids, variations
from kdgan_lib.grids import CONTROLS, GRIDS, control
from kdgan_lib.loop import schedule
from kdgan_lib.names import COMPARED, TAGGERS
from kdgan_lib.randomness import TUNING_SEED
from kdgan_lib.tag_grids import TAG_CONTROLS, tag_control
from kdgan_lib.tasks import TASKS, task


def frame(name):
    return pd.DataFrame(
        [
            {**run.configuration(), "variant": run.variant}
            for run in GRIDS[name]("paper")
        ]
    )


def game_updates(run):
    return schedule.game_updates(run.method, run.budget, run.n)


@pytest.mark.parametrize("name", GRIDS)
def test_every_profile_of_a_grid_declares_runs_of_known_tasks(name):
    for profile in ("smoke", "book", "paper"):
        declared = GRIDS[name](profile)
        assert declared
        assert {run.data for run in declared} <= set(TASKS)
        assert {run.profile for run in declared} == {profile}


def test_table_1_has_every_cell_under_every_protocol():
    cells = frame("table1").groupby(["data", "protocol"]).n.unique()
    assert set(cells["mnist", "controlled"]) == {100, 1_000, 10_000}
    assert set(cells["cifar10", "controlled"]) == {500, 5_000, 48_000}
    for protocol in ("paper", "code"):
        assert set(cells["mnist", protocol]) == {100, 1_000, 10_000}
        assert set(cells["cifar10", protocol]) == {500, 5_000, 50_000}
    assert set(frame("table1").method) == set(COMPARED)


def test_the_small_networks_share_no_run_with_resnet_110():
    by_variant = frame("table1").groupby("variant").data.unique()
    assert list(by_variant["small"]) == ["cifar10"]


def test_figure_4_trains_as_much_on_10_000_images_as_on_1_000():
    updates = {}
    for run in GRIDS["figure4"]("paper"):
        updates.setdefault(run.n, set()).add(game_updates(run))
    assert len(updates[1_000]) == 1
    assert updates[10_000] == updates[1_000]


def test_teachers_are_chosen_on_a_seed_of_no_table_and_differ_in_their_pretraining():
    runs = GRIDS["cifar10_teachers"]("paper")
    assert {run.seed for run in runs} == {TUNING_SEED}
    for n in (500, 5_000):
        budgets = [asdict(run.budget) for run in runs if run.n == n]
        differ = {k for k in budgets[0] if len({b[k] for b in budgets}) > 1}
        assert differ == set(grids.PRETRAINING[0])


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_differs_from_its_reference_and_trains_as_much(name):
    changed = control(name, 100, 0)
    reference = grids.declare(CONTROLS[name]["method"], n=100)
    assert changed.id != reference.id
    wanted = CONTROLS[name].get("updates", 1) * game_updates(reference)
    per_epoch = game_updates(reference) / reference.budget.epochs
    assert abs(game_updates(changed) - wanted) <= per_epoch


@pytest.mark.parametrize("name", [name for name in CONTROLS if "updates" in name])
def test_as_many_updates_of_c_are_those_of_kdgan(name):
    def of_c(run):
        passes = {p.player: p.passes for p in run.method.phases()}
        share = passes["classifier"] / sum(passes.values())
        return share * game_updates(run)

    for n in (100, 1_000):
        assert of_c(control(name, n, 0)) == of_c(grids.declare("kdgan", n=n))


def test_the_rate_of_another_method_is_taken_with_its_schedule():
    changed = control("mimic with KDGAN's rate and updates of C", 100, 0).budget
    tuned = grids.declare("kdgan", n=100).budget
    assert changed.classifier_lr == tuned.classifier_lr
    assert changed.lr_schedule == tuned.lr_schedule


def test_without_d_no_phase_of_the_game_trains_it():
    run = control("without D", 100, 0)
    assert [phase.player for phase in run.method.phases()] == ["teacher", "classifier"]


def test_figure_4_is_computed_in_one_precision_and_crosses_alpha_with_beta():
    runs = GRIDS["figure4"]("paper")
    assert {run.budget.precision for run in runs} == {"bfloat16"}
    crossed = {(run.method.alpha, run.method.beta) for run in runs if run.n == 100}
    assert {(a, b) for a in grids.HEAT_MAP[0] for b in grids.HEAT_MAP[1]} <= crossed
    assert set(variations.GAMMAS) <= {run.method.gamma for run in runs}
    assert len({run.id for run in runs}) == len(runs)


def test_table_2_has_ten_seeds_of_every_tagger_on_both_vocabularies():
    counts = frame("table2").groupby(["data", "method"]).seed.nunique()
    for data in ("openclipart", "openclipart_random"):
        assert (counts[data] == 10).all()
        assert set(counts[data].index) == set(TAGGERS)


@pytest.mark.parametrize("name", TAG_CONTROLS)
def test_a_control_on_tags_changes_kdgan_and_trains_as_much_as_it_says(name):
    changed, reference = tag_control(name, 0), grids.declare("kdgan", "openclipart")
    assert changed.id != reference.id
    wanted = TAG_CONTROLS[name].get("updates", 1) * reference.task.player_updates(1)
    per_epoch = game_updates(reference) / reference.budget.epochs
    assert abs(game_updates(changed) - wanted) <= per_epoch


def test_three_times_the_updates_give_c_as_many_as_it_has_alone():
    run = tag_control("three times the updates", 0)
    alone = grids.declare("supervised", "openclipart")
    assert abs(game_updates(run) / 3 - game_updates(alone)) <= game_updates(alone) / 20


def test_a_narrow_classifier_is_a_network_of_its_own():
    run = GRIDS["table3"]("paper")[0]
    assert run.variant == "h20"
    assert run.players()["classifier"].layers[1].out_features == 20
    with pytest.raises(ValueError, match="MNIST has no networks 'hx'"):
        replace(run, variant="hx").players()


@pytest.mark.parametrize("name", [name for name in TASKS if "clipart" in name])
def test_the_usual_size_of_a_tag_task_is_all_its_training_images(name):
    assert len(task(name).load(None, 0, "controlled").train) == task(name).n


def test_an_unknown_data_set_is_answered_with_the_names():
    with pytest.raises(ValueError, match="No data 'minst'; choose from mnist, cifar10"):
        task("minst")
