"""What the chapter on model compression says follows the rows, cell by cell."""

import re

import numpy as np
import pandas as pd
import pytest

from kdgan_lib import claims, declared, runs
from kdgan_lib.commands import runs as runs_cli
from kdgan_lib.costs import multiply_adds
from kdgan_lib.experiments import declare
from kdgan_lib.figures import compression as drawings
from kdgan_lib.grids import (
    CONTROLS,
    GRIDS,
    SIZES,
    WIDTHS,
    cifar10_teachers,
    control,
    table3_controls,
)
from kdgan_lib.loop.schedule import game_updates, stages, updates_per_epoch
from kdgan_lib.reports import (
    cell_verdicts,
    controls,
    effort,
    order_tables,
    selection,
    sizes,
    table1,
    table3,
    teachers,
)
from kdgan_lib.reports import compression as report
from kdgan_lib.reports.cells import seeds_in_words
from kdgan_lib.tasks import task

SEEDS = range(5)
T_SCORES = {"teacher_validation": 0.686, "teacher_test": 0.6704}
SHARED = np.array([-0.02, -0.01, 0.0, 0.01, 0.02])


def row(run, accuracy, **more):
    return {
        "run_id": run.id,
        **run.configuration(),
        "status": "finished",
        "test_accuracy": accuracy,
        "last_test_accuracy": accuracy - 0.001,
        "best_test_accuracy": accuracy + 0.003,
        "teacher_test_accuracy": 0.95,
        "seconds": 50.0,
        **more,
    }


def store(found):
    runs.append_rows("runs", pd.DataFrame(found), ["run_id"])


def store_method(name, accuracy, n=100):
    """Store five seeds whose accuracies share what the images bring."""
    store([row(declare(name, n=n, seed=s), accuracy + SHARED[s]) for s in SEEDS])


@pytest.fixture
def invented(runs_folder):
    """Store KDGAN two points above MIMIC, and a third method."""
    for name, accuracy in (("mimic", 0.90), ("kdgan", 0.92), ("codis", 0.89)):
        store_method(name, accuracy)
    return runs_folder


def test_a_teacher_is_measured_by_the_classifier_that_has_none(invented):
    assert teachers.against_classifiers() == ""  # no C without a teacher
    store_method("supervised", 0.97)
    said = teachers.against_classifiers()  # T has 95% on every seed
    assert said.startswith(
        "On MNIST 100 the pretrained T, a LeNet, is right on 95.00% of the test "
        "images, 2.00 [0.04, 3.96] points less than a C without a teacher. It knows "
        "less"
    )
    store_method("supervised", 0.93)
    assert "2.00 [0.04, 3.96] points more than" in teachers.against_classifiers()
    assert "knows less" not in teachers.against_classifiers()
    assert teachers.against_classifiers(protocol="code") == ""
    for name, accuracy in (("mimic", 0.6), ("supervised", 0.97)):
        alike = [declare(name, seed=s, protocol="code") for s in SEEDS]
        store([row(run, accuracy + SHARED[run.seed]) for run in alike])
    assert "knows less" in teachers.against_classifiers(protocol="code")


def test_the_collapse_of_a_cells_only_run_is_said_of_one_run(runs_folder):
    run = declare("nagan", "cifar10", 5_000, variant="small")
    store([row(run, 0.44, last_test_accuracy=0.1, selected_epoch=1)])
    said = selection.collapsed(columns=table1.SMALL)
    assert "in the one run of NaGAN on CIFAR-10 5,000 the last C is right on" in said
    assert f"the reported one is of epoch 1 of {run.budget.epochs}." in said
    assert selection.collapsed() == ""  # nothing was run in the paper's columns


def test_a_teacher_that_its_pupil_ruins_is_named(invented):
    assert teachers.lost() == "No T ends more than 10 points below its pretraining."
    ruined = declare("codis", seed=1)
    store([row(ruined, 0.9, teacher_test_accuracy=0.13)])
    assert (
        "below its pretraining in 1 of the 5 runs of CODIS on MNIST 100, by 82.0 points"
    ) in teachers.lost()
    assert teachers.lost(table1.SMALL) == ""  # nothing was run there


def test_a_t_that_was_never_scored_has_no_accuracy(runs_folder):
    run = cifar10_teachers()[-1]
    store([row(run, 0.5)])
    unscored = {"run_id": run.id, "stage": "pretrain teacher", "epoch": 1}
    scores = dict.fromkeys(T_SCORES, float("nan"))
    runs.append_rows(
        "curves", pd.DataFrame([unscored | scores]), ["run_id", "stage", "epoch"]
    )
    last = teachers.pretrainings().iloc[-1]
    assert last.validation == "–"
    assert last.test.startswith("not scored")


def test_a_grid_lacks_what_it_declares_and_nobody_stored(runs_folder):
    declared = table1.left("cifar10_teachers")
    assert list(declared) == [run.id for run in cifar10_teachers()]
    first, *others = cifar10_teachers()
    store([row(first, 0.5)])
    assert list(table1.left("cifar10_teachers")) == [run.id for run in others]
    large = table1.left("cifar10_teachers", n=5_000)
    assert {run.n for run in large.values()} == {5_000}
    assert table1.left("cifar10_teachers", method="kdgan") == {}


def test_the_ways_to_pretrain_t_are_told_apart_by_what_was_run(runs_folder):
    found = teachers.pretrainings()
    assert found.test.str.startswith("not run").all()
    taken = found[found["Table 1's way"] == "yes"]
    assert list(taken.n) == [500, 5_000]
    run = cifar10_teachers()[-1]
    store([row(run, 0.5)])
    stages = {"pretrain classifier": {}, "pretrain teacher": T_SCORES, "game": {}}
    curve = [{"run_id": run.id, "stage": k, "epoch": 1, **v} for k, v in stages.items()]
    runs.append_rows("curves", pd.DataFrame(curve), ["run_id", "stage", "epoch"])
    found = teachers.pretrainings()
    assert list(found.validation) == ["–"] * 7 + ["68.60"]
    last = found.iloc[-1].to_dict()
    test = last.pop("test")
    assert test.startswith("67.04<details")
    assert f"`kdgan runs show {run.id}`" in test
    assert last == {
        "n": 5_000,
        "T's images": "crop",
        "its rate": "0.002, falls",
        "validation": "68.60",
        "Table 1's way": "yes",
    }


def test_a_cell_shows_mean_runs_paper_and_its_command(invented):
    cells = report.accuracies("controlled").set_index("method")["MNIST 100"]
    assert cells["KDGAN"].startswith("92.00<br>")
    assert "5&nbsp;runs&nbsp;of&nbsp;10<br>paper&nbsp;77.95" in cells["KDGAN"]
    command = "kdgan sweep table1 --data mnist --n 100 --protocol controlled"
    assert f"`{command} --method nagan`" in cells["NaGAN"]
    assert cells["NaGAN"].startswith("not run<br>")
    assert "an estimate" in cells["NaGAN"]
    assert declare("kdgan").id in cells["KDGAN"]
    assert len(cells) == len(table1.ROWS)


def test_the_table_of_budgets_has_what_a_declared_run_has():
    found = report.budgets().set_index(["column", "T and D"])
    run = declare("kdgan", n=1_000)
    row = found.loc[("MNIST 1,000", "LeNet")]
    game = stages(run.method, run.budget)[-1]
    assert row["products"] == run.budget.precision == "bfloat16"
    assert int(row["game"].replace(",", "")) == pytest.approx(
        run.budget.epochs * updates_per_epoch(game, run.n, run.budget.batch_size),
        rel=0.02,
    )
    assert row["pretraining of T"] == f"{run.budget.teacher_pretraining * 20:,}"
    small = declare("kdgan", "cifar10", 5_000, variant="small")
    row = found.loc[("CIFAR-10 5,000", "ResNet-20")]
    assert int(row["game"].replace(",", "")) == game_updates(
        small.method, small.budget, small.n
    )
    assert row["pretraining of T"] == f"{small.budget.teacher_pretraining * 50:,}"
    assert f"{task('mnist').updates[1_000]:,} from n = 1,000" in (
        report.updates_by_size("mnist")
    )


def test_a_column_is_ranked_on_the_seeds_that_its_methods_share(runs_folder):
    for name, accuracy, seeds in (("kdgan", 0.90, 5), ("mimic", 0.89, 5)):
        store([row(declare(name, seed=s), accuracy + SHARED[s]) for s in range(seeds)])
    more = [row(declare("mimic", seed=s), 0.99) for s in range(5, 9)]
    store(more)
    (found,) = order_tables.standings().to_dict("records")
    assert (found["place"], found["strongest rival"]) == ("1 of 2", "MIMIC")
    assert found["KDGAN minus it"].startswith("+1.00")
    store([row(declare("codis", seed=s), 0.95) for s in (7, 8, 9)])
    assert order_tables.standings().empty


def test_a_diverged_run_is_counted_and_not_averaged(invented):
    lost = row(declare("kdgan", n=100, seed=9), float("nan"), status="diverged")
    store([lost])
    cells = report.accuracies("controlled").set_index("method")["MNIST 100"]
    assert "runs&nbsp;of&nbsp;10<br>1&nbsp;diverged" in cells["KDGAN"]
    assert "92.00" in cells["KDGAN"]


def test_a_cell_shows_its_runs_by_a_command_that_works(invented, capsys):
    cell = report.accuracies("controlled").set_index("method").loc["KDGAN", "MNIST 100"]
    (command,) = re.findall(r"`kdgan runs show ([^`]+)`", cell)
    assert len(command.split()) == len(SEEDS)
    assert runs_cli.main(["show", *command.split()]) == 0
    shown = capsys.readouterr().out
    assert all(identity in shown for identity in command.split())


def test_differences_are_paired_and_shared_noise_leaves_the_interval(invented):
    found = report.differences().set_index("method")
    assert found.difference["MIMIC"] == "+2.00"
    assert found["95% interval"]["MIMIC"] == "[+2.00, +2.00]"
    assert list(found.index) == ["MIMIC", "CODIS"]


def test_rivals_are_told_apart_after_the_correction(invented):
    assert report.told_apart() == ""  # shared noise alone leaves nothing to test
    assert report.by_rival() == ""
    for seed, wobble in zip(SEEDS, (0.002, -0.001, 0.0, 0.001, -0.002), strict=True):
        run = declare("distn", seed=seed)
        store([row(run, 0.92 + SHARED[seed] + 20 * wobble)])
        store([row(declare("mimic", seed=seed), 0.90 + SHARED[seed] + wobble)])
    assert report.told_apart() == (
        "On MNIST 100 KDGAN is ahead of MIMIC and cannot be told from DISTN."
    )
    told = report.told_apart(reference="distn")
    assert told == "On MNIST 100 DISTN cannot be told from MIMIC and CODIS."
    assert report.by_rival() == (
        "Of 1 columns (a data set and a number of labelled images) that were run, "
        "KDGAN has the highest mean in none. Paired tests (5% level, Holm's "
        "correction) put it ahead of MIMIC in 1 of 1; in no column ahead of or behind "
        "DISTN."
    )


def test_under_code_the_games_update_c_less_and_look_at_the_test_set_less(runs_folder):
    found = report.code_budgets().set_index("method")
    assert list(found.loc["MIMIC"]) == ["4,000", "4,000", "80 and 40"]
    assert list(found.loc["KDGAN"]) == ["1,200", "2,400", "12"]


def test_columns_without_runs_can_be_left_out_and_no_row_is(invented):
    found = report.accuracies("controlled", empty=False)
    assert list(found) == ["method", "MNIST 100"]
    assert len(found) == len(report.accuracies("controlled"))
    assert list(report.accuracies("code", empty=False)) == ["method"]


def test_cells_are_counted_by_verdict_and_show_their_distance(invented):
    assert cell_verdicts.counts() == (
        "Verdicts on Table 1's 36 cells: 3 partly and 33 not run. 3 of our means in "
        "Table 1 lie more than 3 points above the paper's, which counts as *partly*: "
        "`controlled` is another setting, with augmentation."
    )
    found = cell_verdicts.under_controlled().set_index("method")["MNIST 100"]
    assert found["KDGAN"].endswith("partly (+14.0)")
    assert found["NaGAN"].endswith("not run")


def test_the_reports_bounds_are_those_of_the_cells_rule():
    rule = claims.find("T1.1").rule
    reached = cell_verdicts.REPRODUCED
    assert rule["reproduced"]["between"] == [-reached, reached]
    above, near = rule["partly"]["any"]
    assert near["between"] == [-cell_verdicts.PARTLY, cell_verdicts.PARTLY]
    assert above["above"] == reached


def test_a_reproduced_cell_where_the_papers_methods_are_close_is_counted(runs_folder):
    assert cell_verdicts.indistinct() == ""
    many = [declare("kdgan", n=10_000, seed=seed) for seed in range(3)]
    few = [declare("codis", n=1_000, seed=seed) for seed in range(3)]
    store([row(run, 0.99) for run in many] + [row(run, 0.955) for run in few])
    assert cell_verdicts.indistinct() == (
        "1 of the 2 *reproduced* cells are of MNIST 10,000, where the paper's six "
        "methods are less than a point apart: by the rule one method's number would "
        "pass for another's."
    )
    assert cell_verdicts.counts().endswith(cell_verdicts.indistinct())


def test_kdgan_has_a_place_at_each_number_of_images_with_enough_runs(runs_folder):
    assert order_tables.standings_by_size().empty
    assert sizes.seeds() == "no seeds"
    for name, n, gain in (("kdgan", 50, 0.01), ("mimic", 50, 0.0), ("kdgan", 200, 0)):
        store(
            [
                row(declare(name, n=n, seed=s), 0.85 + gain * (1 + s) + SHARED[s])
                for s in range(3)
            ]
        )
    (found,) = order_tables.standings_by_size().to_dict("records")
    assert (found["place"], found["seeds"]) == ("1 of 2", 3)
    assert found["images"].startswith("50<details")
    assert "`kdgan sweep sample_size --n 50`" in found["images"]
    assert declare("mimic", n=50, seed=2).id in found["images"]
    assert sizes.seeds() == "3 seeds"
    assert found["KDGAN minus it"].startswith("+2.00<br><span ")


def test_a_row_of_images_names_the_least_sizes_that_fill_it(runs_folder):
    store([row(declare("mimic", n=n), 0.9) for n in (50, 100)])
    cell = sizes.images().set_index("method")["90%"]["MIMIC"]
    assert "`kdgan sweep sample_size --method mimic --n 50 100 200 500 1000`" in cell


def test_deleting_rows_changes_the_first_table_and_ends_it(invented):
    before = order_tables.standings()
    (found,) = before.to_dict("records")
    assert (found["place"], found["strongest rival"]) == ("1 of 3", "MIMIC")
    assert found["KDGAN minus it"].startswith("+2.00")
    path = invented / "runs.parquet"
    kept = pd.read_parquet(path)
    kept[~((kept.method == "mimic") & (kept.seed == 4))].to_parquet(path)
    assert not order_tables.standings().equals(before)
    kept[kept.method != "kdgan"].to_parquet(path)
    assert order_tables.standings().empty
    assert report.differences().empty


def test_other_rules_of_selection_are_differences_of_the_same_runs(invented):
    found = selection.rules().set_index("method")
    assert found["last"]["KDGAN"].startswith("-0.10")
    assert found["largest on the test set"]["KDGAN"].startswith("+0.30")


def test_under_code_the_largest_test_score_is_compared_with_the_last(runs_folder):
    runs = [declare("kdgan", n=100, protocol="code", seed=s) for s in range(3)]
    store([row(run, 0.74 + SHARED[run.seed]) for run in runs])
    (found,) = selection.largest().to_dict("records")
    assert found["largest minus last"].startswith("+0.40")
    others = cell_verdicts.under_others().set_index("method")
    assert list(others) == ["MNIST 100, `code`"]
    assert others["MNIST 100, `code`"]["KDGAN"] == "not reproduced (-5.0)"


def test_a_run_that_ends_far_below_its_selected_classifier_is_named(runs_folder):
    assert selection.collapsed() == ""
    runs = [declare("nagan", n=10_000, seed=seed) for seed in range(3)]
    store([row(run, 0.95) for run in runs[:2]])
    assert selection.collapsed().startswith(
        "No run's last classifier lies more than 10"
    )
    store([row(runs[2], 0.95) | {"last_test_accuracy": 0.1, "selected_epoch": 3}])
    said = selection.collapsed()
    assert (
        "in 1 of the 3 runs of NaGAN on MNIST 10,000 the last C is right on 10.0%"
        in said
    )


def test_pairs_are_counted_and_spreads_stand_beside_the_papers(invented):
    assert order_tables.orderings().empty  # not all six methods
    for name, accuracy in (("distn", 0.88), ("noisy", 0.87), ("nagan", 0.86)):
        store_method(name, accuracy)
    found = order_tables.orderings().set_index("asked")["MNIST 100"]
    assert found["our order"] == "KDGAN, MIMIC, CODIS, DISTN, NOISY, NaGAN"
    assert found["pairs that stand as in the paper"] == "13 of 15"
    assert found["KDGAN minus NaGAN"].startswith("+6.00")
    spread = order_tables.spreads().set_index("method")["MNIST 100"]
    assert spread["KDGAN"].endswith("(5 runs)<br>paper 0.05")
    assert spread["KDGAN"].startswith(f"{100 * SHARED.std(ddof=1):.2f}")


@pytest.mark.parametrize(
    ("counts", "said"),
    [([], "no seeds"), ([3.0, 3.0], "3 seeds"), ([5, 3, 4], "3 to 5 seeds")],
)
def test_the_seeds_of_several_points_are_a_number_or_a_range(counts, said):
    assert seeds_in_words(counts) == said


def test_what_is_missing_beside_table_1_is_counted_with_its_command(invented):
    found = report.unfinished().set_index("what")
    count = found.runs["Table 3"]
    store([row(declare("mimic", seed=0, variant="h20"), 0.8)])
    assert report.unfinished().set_index("what").runs["Table 3"] == count - 1
    assert found.command["controls"] == "`kdgan sweep controls`"
    small = found.command["CIFAR-10 500, T and D a ResNet-20"]
    assert "--variant small" in small
    assert found.takes.str.contains("an estimate").all()


def test_what_is_missing_is_timed_by_stored_runs_of_its_like(invented):
    run, *others = GRIDS["released_length"]("paper")
    alike = [other for other in others if other.method.name == run.method.name]
    store([row(alike[0], 0.8, seconds=7_200.0)])
    takes = effort.of_runs("released_length", [run.id, alike[1].id])
    assert takes == "about 4 h on one CPU core, an estimate"


def test_the_time_of_what_no_run_is_like_is_in_proportion_to_multiply_adds(invented):
    pace = effort.pace_of(runs.table(), declared.cells("table1"))["mnist"]
    run = GRIDS["many_labels"]("paper")[0]
    lasts = effort.duration(4 * multiply_adds(run) * pace)
    takes = effort.of_runs("many_labels", [run.id] * 4)
    assert takes == f"about {lasts} on one CPU core, an estimate"


def test_nothing_is_estimated_where_nothing_was_timed(runs_folder):
    assert "time unknown" in report.unfinished().takes[0]


def test_small_teachers_stand_in_rows_of_their_own(invented):
    small = {"data": "cifar10", "n": 500, "variant": "small"}
    for name, accuracy, last in (("kdgan", 0.42, 0.0131), ("mimic", 0.40, 0.013)):
        shift = dict(zip(range(3), (-0.01, 0.0, last), strict=True))
        store(
            [
                row(declare(name, seed=s, **small), accuracy + gap)
                for s, gap in shift.items()
            ]
        )
    found = order_tables.standings().set_index(["column", "T and D"])
    assert len(found) == 2
    assert found.place["CIFAR-10 500", "ResNet-20"] == "1 of 2"
    assert "CIFAR-10" not in report.told_apart()
    told = report.told_apart(columns=table1.SMALL)
    assert told == "On CIFAR-10 500 KDGAN is ahead of MIMIC."
    said = report.by_rival()
    assert said.startswith("Of 2 columns (a data set and a number of labelled images)")
    assert "1 of them with a T smaller than the paper's, KDGAN has the highest" in said
    assert said.endswith("put it ahead of MIMIC in 1 of 1.")
    lost = {"last_test_accuracy": 0.1, "selected_epoch": 1}
    store([row(declare("nagan", seed=0, **small), 0.4, **lost)])
    assert report.by_rival().endswith("NaGAN's training collapses in 1 of the columns.")


def test_a_control_is_compared_with_its_own_method(invented):
    name = "mimic without augmentation"
    store([row(control(name, 100, s), 0.87 + SHARED[s]) for s in SEEDS])
    found = controls.table().set_index(["method", "control"])["n = 100"]
    assert len(found) == len(CONTROLS)
    assert "change&nbsp;-3.00" in found["MIMIC", "without augmentation"]
    assert found["KDGAN", "β = 0"].startswith("not run")
    assert "kdgan sweep controls --n 100 --method kdgan" in found["KDGAN", "β = 0"]


def test_the_subset_and_the_augmentation_are_summed_up_once_all_are_run(invented):
    store_method("nagan", 0.85)
    lasts = [name for name in CONTROLS if name.endswith(" on the last n images")]
    for name in lasts:
        store_control(name, 0.72)
    assert controls.dearest() == ""
    assert controls.without_augmentation() == ""
    for name in CONTROLS:
        if name.endswith(" without augmentation"):
            store_method(CONTROLS[name]["method"], 0.90)
            store_control(name, 0.80)
    text = controls.dearest()
    assert "by -18.0 to -18.0 points" in text
    assert "augmentation by -10.0 to -10.0." in text
    store_control("kdgan without augmentation", 0.82)
    reached = controls.without_augmentation()
    assert "with n = 100 KDGAN is right on 82.00" in reached
    assert "% (the paper: 77.95%) and MIMIC is right on 80.00" in reached
    assert reached.endswith("points apart (the paper: +10.60).")
    assert "+2.00" in reached
    assert "1,000" not in reached + text  # its controls are not run


def store_control(name, accuracy, seeds=SEEDS):
    """Store runs of a control whose accuracies share what the images bring."""
    store([row(control(name, 100, s), accuracy + SHARED[s]) for s in seeds])


def test_spreads_on_the_same_images_stand_beside_those_on_drawn_ones(invented):
    assert controls.spreads_in_words() == ""
    store_control("kdgan on the last n images", 0.7, SEEDS[:2])
    assert controls.spreads_in_words() == ""  # too few seeds
    store_control("kdgan on the last n images", 0.7)
    spread = f"{100 * SHARED.std(ddof=1):.2f}"
    said = controls.spreads_in_words()
    assert said.endswith(f"each seed: KDGAN {spread} ({spread}).")
    assert f"over {len(SEEDS)} seeds are" in said


def test_controls_that_end_in_a_collapse_are_named_and_their_cells_say_so(invented):
    store_control("gamma = 0", 0.92)
    assert selection.controls_collapsed() == ""
    ends = [(0.12, 7), (0.92, 150), (0.92, 150), (0.1, 9), (0.92, 150)]
    rows = [
        row(control("without D", 100, seed), 0.92)
        | {"last_test_accuracy": last, "selected_epoch": epoch}
        for seed, (last, epoch) in zip(SEEDS, ends, strict=True)
    ]
    store(rows)
    said = selection.controls_collapsed()
    assert (
        "in 2 of the 5 runs of *KDGAN, without D* with n = 100 the last C is right"
        in said
    )
    assert "on 11.0% of the test images, on average, and the reported one is" in said
    assert f"is of epochs 7 to 9 of {rows[0]['epochs']}." in said
    found = controls.table().set_index(["method", "control"])["n = 100"]
    assert "2&nbsp;collapsed" in found["KDGAN", "without D"]
    assert "collapsed" not in found["KDGAN", "γ = 0"]


def test_the_waterfalls_steps_add_up_to_kdgan(invented):
    store_control(controls.CHAIN["KDGAN's rate and updates of C"], 0.897)
    first, *steps = controls.waterfall(100)
    moved = [step.change.mean for step in steps[:2]]
    assert first.accuracy.mean + sum(moved) == pytest.approx(92)
    assert moved == pytest.approx([-0.3, 2.3])
    assert all(step.accuracy is None for step in steps[2:])
    assert {step.before for step in steps[2:]} == {steps[1].label}
    assert "as many updates is +2.30 [" in controls.worth()
    assert "n = 1,000" not in controls.worth()


def test_rows_of_the_waterfall_share_their_seeds(invented):
    store_control(controls.CHAIN["KDGAN's rate and updates of C"], 0.897, [0])
    without = "without D, C's updates as many"
    store_control(controls.CHANGES[without], 0.905, range(3))
    mimic, single, kdgan, *others = controls.waterfall(100)
    (third,) = (step for step in others if step.label == without)
    assert {step.accuracy.runs for step in (mimic, third, kdgan)} == {3}
    assert (single.accuracy, single.stored) == (None, 1)
    assert kdgan.change is None
    assert third.accuracy.mean - third.change.mean == pytest.approx(kdgan.accuracy.mean)
    assert controls.worth() == ""


def test_the_waterfall_is_drawn_with_hatches_and_not_at_all_without_runs(runs_folder):
    assert drawings.waterfall(controls.waterfalls()) is None
    store_method("mimic", 0.9)
    fig = drawings.waterfall(controls.waterfalls())
    words = [text.get_text() for ax in fig.axes for text in ax.texts]
    assert words.count("not run") == 2 * len(controls.waterfall(100)) - 1


def test_sample_sizes_name_what_is_missing_and_interpolate_what_is_not(invented):
    assert "not run" in sizes.images().set_index("method")["90%"]["KDGAN"]
    for n, accuracy in ((50, 0.88), (200, 0.94), (500, 0.96), (1_000, 0.97)):
        store_method("kdgan", accuracy, n)
    needed = sizes.images().set_index("method").loc["KDGAN"]
    assert needed["98%"] == "more than 1,000"
    assert needed["seeds"] == "3"
    assert 200 < float(needed["95%"]) < 1_000
    store([row(declare("kdgan", n=10_000, seed=0), 0.99)])
    begun = sizes.images().set_index("method").loc["KDGAN"]
    assert begun.equals(needed)  # one seed of a further size changes nothing
    assert drawings.accuracy_against_size(sizes.curve(), SIZES) is not None


def test_one_size_is_drawn_best_first_with_the_papers_numbers(invented):
    found = sizes.at_size(100)
    assert list(found.method) == ["kdgan", "mimic", "codis"]
    assert list(found.paper) == [77.95, 67.35, 74.02]
    assert sizes.run_sizes() == [100]
    assert sizes.at_size(50).empty
    assert drawings.methods_at_size(sizes.at_size(50), 50) is None


def test_loss_against_the_teacher_is_of_the_same_seed(runs_folder):
    store(
        [
            row(declare("mimic", seed=s, variant="h20"), 0.80, teacher_test_accuracy=t)
            for s, t in enumerate((0.90, 0.92, 0.94))
        ]
    )
    (entry,) = (e for e in table3.entries() if e.accuracy is not None)
    assert (entry.hidden, entry.loss.mean) == (20, pytest.approx(12))
    assert "12.00&nbsp;below&nbsp;T" in sizes.losses()["MIMIC"][0]
    assert table3.entries()[1].runs == entry.runs
    assert " ".join(entry.runs) in sizes.losses()["MIMIC"][0]
    assert "not run" in sizes.losses()["KDGAN"][0]
    assert sizes.losses()["KDGAN minus MIMIC"][0] == "–"
    store([row(declare("kdgan", seed=s, variant="h20"), 0.83) for s in range(3)])
    assert sizes.losses()["KDGAN minus MIMIC"][0].startswith("+3.00<br><span ")
    assert sizes.narrow_and_wide() == ""
    assert sizes.smallest() == ""
    equal = [run for run in table3_controls() if run.variant == "h20"]
    assert {game_updates(r.method, r.budget, r.n) for r in equal} == {300}
    store([row(run, 0.81) for run in equal])
    assert "is +3.00 [+3.00, +3.00] points" in sizes.smallest()
    assert (
        "and +2.00 [+2.00, +2.00] points where MIMIC's C has the learning"
        in sizes.smallest()
    )
    for name, accuracy in (("kdgan", 0.90), ("mimic", 0.91)):
        wide = [declare(name, seed=s, variant="h800") for s in range(3)]
        store([row(run, accuracy) for run in wide])
    assert sizes.narrow_and_wide().endswith(" and -1.00 [-1.00, -1.00] with 800.")
    assert sizes.narrow_and_wide("supervised", "mimic") == ""
    assert drawings.accuracy_against_width(
        sizes.widths(), (50, 88.0, 90.0), "live", WIDTHS
    )


def test_sizes_are_measured_once_and_read_back(runs_folder, monkeypatch):
    assert sizes.sizes().empty
    from kdgan_lib import compression

    whole = compression.compression_table
    monkeypatch.setattr(
        compression, "compression_table", lambda widths: whole((20,), 1)
    )
    assert table3.measure() == 2
    found = sizes.sizes()
    assert list(found.network) == ["T, LeNet", "C, 20 units"]
    assert found.parameters[1] == 20**2 + 796 * 20 + 10
    assert table3.measure() == 2
    assert len(sizes.sizes()) == 2


def test_every_cell_of_table_3_is_declared_once():
    cells = declared.cells("table3")
    assert {int(cell.variant[1:]) for cell in cells} == set(WIDTHS)
    assert len(cells) == len(WIDTHS) * len(table3.METHODS)


def test_the_spread_of_seeds_compares_the_first_with_all(invented):
    text = report.spread_of_seeds()
    assert "over its first 3 KDGAN has 91.00%" in text
    assert "over all 5 92.00%" in text
    assert report.spread_of_seeds(table1.COLUMNS[1]) == ""
