"""KDGAN's changes are compared with it seed by seed, and gaps stay visible."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from kdgan_lib import runs
from kdgan_lib.beyond_grids import BEYOND, RATIOS, beyond
from kdgan_lib.experiments import declare
from kdgan_lib.figures import beyond as drawings
from kdgan_lib.reports import beyond as report
from kdgan_lib.reports import beyond_curves, hyperparameters
from kdgan_lib.reports.points import SCORES

NOISE = (0.0, 0.001, -0.001, 0.002, -0.002)


def gain(run):
    """Give the anchor two points, the nonsaturating reward minus two, others none."""
    method = run.method.hyperparameters()
    helped = 0.02 * (method["supervision"] > 0)
    wobble = NOISE[run.seed] if run.method != beyond()[0].method else 0.0
    return helped - 0.02 * (method["reward"] == "nonsaturating") + wobble


def store(kept=lambda run: True):
    """Store the grid's runs, each with three evaluations of its game."""
    rows, curves = [], []
    for run in filter(kept, beyond()):
        score = 0.9 + gain(run)
        rows.append(
            {"run_id": run.id, "status": "finished", "seconds": 60.0}
            | run.configuration()
            | {"test_accuracy": score, "teacher_test_accuracy": 0.9}
            | {"validation_accuracy": 0.9 - 0.001 * run.method.name.count("adaptive")}
        )
        late = run.method.hyperparameters()["supervision"] > 0
        curve = {
            "run_id": run.id,
            "stage": ["pretrain", "game", "game", "game"],
            "epoch": [50, 10, 20, 30],
            "player_updates": [100, 160, 220, 280],
            "classifier_validation": [0.7, 0.8, 0.85 if late else 0.9, 0.9],
        }
        if run.method.name == "kdgan_adaptive":
            curve |= {"classifier_share": 0.5, "teacher_distillation_weight": 1e-4}
            curve |= {"classifier_distillation_weight": 0.1}
        curves.append(pd.DataFrame(curve))
    runs.append_rows("runs", pd.DataFrame(rows), ["run_id"])
    runs.append_rows("curves", pd.concat(curves), ["run_id", "stage", "epoch"])


def test_every_declared_run_has_a_variant_and_every_variant_five_seeds():
    found = report.points().groupby("variant").seed.nunique()
    assert set(found.index) == set(report.variants())
    assert (found == 5).all()
    assert len(report.changes()) == len(BEYOND) + len(RATIOS)


def test_differences_are_paired_and_corrected(runs_folder):
    store()
    found = report.differences().set_index("variant")
    assert set(found.index) == set(report.variants()[1:])
    assert found.difference["cross-entropy anchor"] == pytest.approx(2.0)
    assert found.difference["nonsaturating reward"] == pytest.approx(-2.0)
    assert found["p (Holm)"]["cross-entropy anchor"] < 0.05
    assert found["p (Holm)"]["exact gradient"] == 1
    assert (found.pairs == 5).all()


def test_the_summary_names_what_helps_what_harms_and_the_ratio_by_validation(
    runs_folder,
):
    store()
    text = report.summary()
    every = len(report.variants()) - 1
    assert text.startswith(f"Of {every} changes to the tuned KDGAN 2 help clearly (cro")
    assert "(cross-entropy anchor, +2.00 points; anchor, cosine" in text
    assert "and 1 harms clearly (nonsaturating reward, -2.00 points)." in text
    assert "best of the adaptive ratios is 1;" in text


def store_rivals(**validation):
    """Store five seeds of methods without a game, at 91% on test."""
    rows = [
        {"run_id": run.id, "status": "finished", "test_accuracy": 0.91 + NOISE[seed]}
        | run.configuration()
        | {"validation_accuracy": score}
        for name, score in validation.items()
        for seed in range(5)
        for run in (declare(name, seed=seed),)
    ]
    runs.append_rows("runs", pd.DataFrame(rows), ["run_id"])


def test_the_rival_and_the_form_of_kdgan_are_both_chosen_on_validation(runs_folder):
    store()
    assert report.against_rival().empty
    assert report.standing() == ""
    store_rivals(mimic=0.93, distn=0.95, nagan=0.99)
    assert report.rival() == "distn"
    rows = runs.table()
    anchored = rows[(rows.supervision > 0) & (rows.lr_schedule == "constant")]
    better = anchored[anchored.classifier_passes == 1].assign(validation_accuracy=0.96)
    runs.append_rows("runs", better, ["run_id"])
    found = report.against_rival().set_index("variant")
    assert list(found.index) == report.variants()
    assert found.difference[report.TUNED] == pytest.approx(-1.0, abs=0.1)
    assert found.difference["cross-entropy anchor"] == pytest.approx(1.0, abs=0.1)
    assert "*cross-entropy anchor*, has 92.00% on test" in report.standing()


def test_the_best_ratio_is_chosen_on_validation(runs_folder):
    store()
    rows = runs.table()
    better = rows[rows.ratio == 100].assign(validation_accuracy=0.95, test_accuracy=0.5)
    runs.append_rows("runs", better, ["run_id"])
    assert report.best_ratio() == 100


def test_what_was_not_run_keeps_its_row_and_is_compared_with_nothing(runs_folder):
    store(lambda run: run.method.hyperparameters()["supervision"] == 0 and run.seed < 4)
    table = report.accuracies().set_index("variant")
    assert table.C["cross-entropy anchor"].startswith("not run")
    assert "an estimate" in table.C["cross-entropy anchor"]
    assert table.missing["cross-entropy anchor"] == 5
    assert table.missing["exact gradient"] == 1
    assert "cross-entropy anchor" not in set(report.differences().variant)


def test_two_runs_have_a_mean_and_no_interval(runs_folder):
    store(lambda run: run.seed < 2)
    table = report.accuracies()
    assert set(table.runs) == {2}
    assert not table.C.str.contains("[", regex=False).any()
    assert report.differences().empty
    assert beyond_curves.converged().empty


def test_nothing_stored_says_nothing(runs_folder):
    assert report.differences().empty
    assert report.summary() == ""
    assert report.best_ratio() is None
    assert beyond_curves.converged().empty
    assert drawings.differences(report.differences()) is None
    assert drawings.curves(beyond_curves.curves(), report.panels()) is None
    assert drawings.weights(beyond_curves.weights(), hyperparameters.tuned()) is None


def test_a_run_that_diverged_counts_as_chance(runs_folder):
    store()
    rows = runs.table()
    chosen = (rows.estimator == "exact") & (rows.seed == 0)
    unknown = dict.fromkeys(SCORES, float("nan"))
    lost = rows[chosen].assign(status="diverged", **unknown)
    runs.append_rows("runs", lost, ["run_id"])
    found = report.accuracies().set_index("variant")
    assert found.runs["exact gradient"] == 5
    assert found.validation["exact gradient"] == pytest.approx(74)
    assert found.C["exact gradient"].startswith("74.00")
    assert (
        f"`kdgan runs show {' '.join(rows[rows.estimator == 'exact'].run_id)}`"
        in (found.C["exact gradient"])
    )


def test_convergence_counts_updates_of_the_game_and_pairs_them(runs_folder):
    store()
    found = beyond_curves.converged().set_index("variant")
    assert found["player updates"][report.TUNED] == 120
    assert found["player updates"]["cross-entropy anchor"] == 180
    assert found["change from as tuned"]["cross-entropy anchor"] == "+60 [+60, +60]"
    later = [name for name in report.variants() if "anchor" in name]
    told = beyond_curves.sooner()
    assert told.startswith(f"Later: {', '.join(later[:-1])} and {later[-1]}.")
    rest = len(report.variants()) - 1 - len(later)
    assert told.endswith(f"The intervals of {rest} changes include zero.")


def test_no_change_that_converges_apart_is_said_in_one_sentence(runs_folder):
    assert beyond_curves.sooner() == ""
    store(lambda run: run.method.hyperparameters()["supervision"] == 0)
    others = sum("anchor" not in name for name in report.variants()) - 1
    assert beyond_curves.sooner().startswith(f"None of the {others} changes converges")


def test_where_alpha_stays_is_said_with_what_it_means(runs_folder):
    assert beyond_curves.adapted_alpha() == ""
    store()
    told = beyond_curves.adapted_alpha()
    assert told.startswith(
        "On average over runs α stays between 0.50 and 0.50: D doubts"
    )
    curves = runs.curves()
    moved = curves.assign(classifier_share=0.8 * curves.classifier_share / 0.5)
    runs.append_rows("curves", moved, ["run_id", "stage", "epoch"])
    assert beyond_curves.adapted_alpha().endswith("α stays between 0.80 and 0.80.")


def test_curves_are_drawn_and_converge_on_the_seeds_that_all_share(runs_folder):
    store(lambda run: run.method.hyperparameters()["supervision"] == 0 or run.seed < 3)
    found = beyond_curves.shared_curves()
    assert found.groupby("variant").seed.agg(set).map(len).eq(3).all()
    assert set(beyond_curves.converged().runs) == {3}


def test_the_figures_draw_every_variant(runs_folder):
    store()
    assert isinstance(drawings.differences(report.differences()), Figure)
    figure = drawings.curves(beyond_curves.curves(), report.panels())
    shown = [ax for ax in figure.axes if ax.get_visible()]
    for ax, wanted in zip(shown, report.panels(), strict=True):
        assert [text.get_text() for text in ax.get_legend().get_texts()] == wanted
    weights = beyond_curves.weights()
    assert set(weights.ratio) == set(RATIOS)
    assert set(weights.beta) == {0.1}
    tuned = hyperparameters.tuned()
    assert len(drawings.weights(weights, tuned).axes) == 3
