"""Figure 4's points and the search's trials come from rows, and gaps stay visible."""

import json
import math

import pandas as pd
import pytest
from matplotlib.figure import Figure

from kdgan_lib import runs
from kdgan_lib.experiments import declare
from kdgan_lib.figures import hyperparameters as drawings
from kdgan_lib.grids import GRIDS, HEAT_MAP
from kdgan_lib.reports import figure4, search
from kdgan_lib.reports import hyperparameters as report
from kdgan_lib.search_spaces import SEARCH_SPACES
from kdgan_lib.variations import ALPHAS, BETAS, GAMMAS
from tests.test_hyperparameter_measures import by_gamma, flat, only, store

TUNED = report.tuned()


def store_curves(grid, kept=lambda run: True):
    """Store two evaluations of the game after a pretraining of 100 updates."""
    curves = [
        pd.DataFrame(
            {
                "run_id": run.id,
                "stage": ["pretrain classifier", "game", "game"],
                "epoch": [50, 10, 20],
                "player_updates": [100, 160, 220],
                "classifier_validation": [0.7, 0.8, 0.9],
                "classifier_test": [math.nan, math.nan, 0.9],
                "teacher_validation": [math.nan, 0.9, 0.95],
            }
        )
        for run in filter(kept, GRIDS[grid]("paper"))
    ]
    runs.append_rows("curves", pd.concat(curves), ["run_id", "stage", "epoch"])


def test_an_axis_varies_one_weight_and_crosses_the_tuned_setting():
    found = report.points()
    for name, values in report.AXES.items():
        rows = report.axis(found, name)
        assert set(rows["value"]) == {*values, TUNED[name]}
        for other in set(report.AXES) - {name}:
            assert set(rows[other]) == {TUNED[other]}
        assert set(rows.n) == {100, 1_000, 10_000}
        counts = rows.groupby(["n", "value"]).seed.nunique()
        assert not rows.duplicated(["n", "value", "seed"]).any()
        assert set(counts[100]) == {5}


def test_rounding_is_judged_at_the_tuned_setting_pair_by_pair(runs_folder):
    assert report.rounding() is None
    store("figure4", flat, kept=only(100))
    assert report.rounding() is None
    for seed in range(4):
        run = declare("kdgan", seed=seed)
        row = {**run.configuration(), "run_id": run.id, "status": "finished"}
        accuracy = flat(run) + seed / 1000 - 0.01
        runs.append_rows(
            "runs", pd.DataFrame([row | {"test_accuracy": accuracy}]), ["run_id"]
        )
    gap = report.rounding()
    assert gap.runs == 4
    assert gap.mean == pytest.approx(1)


def test_only_weights_differ_on_an_axis_of_the_controls():
    rows = report.axis(report.points("controls"), "beta")
    assert set(rows["value"]) == {0.0, TUNED["beta"]}
    assert not rows.duplicated(["n", "value", "seed"]).any()


def test_nothing_stored_gives_every_point_as_not_run(runs_folder):
    found = report.points()
    assert found.status.isna().all()
    shown = report.sensitivity(found)
    assert (shown.runs == 0).all()
    assert shown["mean"].isna().all()
    assert drawings.sensitivity(shown) is None
    assert drawings.heat_map(report.cells(found), 0, TUNED) is None
    assert drawings.follow(report.axis(found, "gamma")) is None
    assert figure4.extremes(found).empty
    assert figure4.every_point(found, "beta").empty
    assert report.curves().empty
    assert drawings.setting_curves(report.curves(), TUNED, list(TUNED)) is None


def test_coverage_counts_what_is_missing_and_names_its_command(runs_folder):
    store("figure4", flat, kept=lambda run: run.n == 100 and run.seed == 0)
    table = report.coverage("figure4").set_index("n")
    declared = [run for run in GRIDS["figure4"]("paper") if run.n == 100]
    stored = sum(run.seed == 0 for run in declared)
    assert table.declared[100] == len(declared)
    assert table.missing[100] == len(declared) - stored
    assert table.command[100] == "`kdgan sweep figure4 --n 100`"
    hours = 60 * (len(declared) - stored) / 3600
    assert table.time[100] == f"about {hours:.0f} h on one CPU core, an estimate"
    assert table.time[1_000].startswith("time unknown")


def test_what_is_complete_has_no_command(runs_folder):
    store("figure6", flat)
    table = report.coverage("figure6")
    assert list(table.missing) == [0]
    assert list(table.command) == ["–"]


def test_gaps_are_paired_by_seed_and_zero_at_the_tuned_setting(runs_folder):
    store("figure4", by_gamma, kept=only(100))
    rows = report.axis(report.points(), "gamma")
    gaps = report.gaps(rows, "gamma").query("n == 100").set_index("value")
    assert gaps["mean"][TUNED["gamma"]] == pytest.approx(0)
    assert gaps["mean"][1e2] == pytest.approx(-20)
    assert gaps["lo"][1e2] == pytest.approx(gaps["hi"][1e2])  # seeds shift both alike
    assert (gaps.runs == 5).all()


def test_extremes_name_the_best_and_the_worst_value(runs_folder):
    store("figure4", lambda run: 0.9 - 0.01 * run.method.alpha, kept=only(100))
    found = figure4.extremes(report.points()).set_index("varied")
    assert found["largest"]["α"].startswith("90.20<br>")
    assert "at&nbsp;α&nbsp;=&nbsp;0 " in found["largest"]["α"]
    assert "at&nbsp;α&nbsp;=&nbsp;1 " in found["least"]["α"]
    assert found["range"]["α"] == pytest.approx(1.0)
    assert found["values run"]["α"] == f"{len(ALPHAS)} of {len(ALPHAS)}"


def test_every_point_names_its_runs_and_its_command(runs_folder):
    store("figure4", flat, kept=only(100))
    found = report.points()
    table = figure4.every_point(found, "alpha").set_index("α")
    assert list(table) == ["n = 100"]
    assert len(table) == len(ALPHAS)
    rows = report.axis(found, "alpha")
    ids = rows[(rows.value == ALPHAS[0]) & (rows.n == 100)].run_id
    assert f"`kdgan runs show {' '.join(ids)}`" in table["n = 100"]["0"]
    assert "`kdgan sweep figure4 --n 100`" in table["n = 100"]["0"]


def test_the_heat_map_has_a_cell_for_each_pair_and_nan_where_nothing_ran(runs_folder):
    store("figure4", flat, kept=lambda run: run.n == 100 and run.method.alpha != 0.3)
    cells = report.cells(report.points())
    assert cells.shape == tuple(map(len, HEAT_MAP))
    assert cells.loc[0.3].isna().all()
    assert cells.drop(index=0.3).notna().all().all()
    seeds = report.cell_seeds(report.points())
    assert seeds == 3
    drawn = drawings.heat_map(cells, seeds, TUNED)
    assert "mean of 3 seeds" in drawn.axes[-1].get_ylabel()
    numbers = figure4.crossed(report.points()).set_index("α")
    assert list(numbers.index) == [f"{a:g}" for a in HEAT_MAP[0] if a != 0.3]
    for (alpha, beta), here in report.crossed(report.points()).groupby(
        ["alpha", "beta"]
    ):
        cell = numbers.loc[f"{alpha:g}", f"β = {beta:g}"]
        assert cell.startswith(f"{cells.loc[alpha, beta]:.2f}<br>")
        assert f"`kdgan runs show {' '.join(here.run_id)}`" in cell


def test_a_value_with_more_seeds_is_not_compared_by_them(runs_folder):
    """Later seeds are worse everywhere: the tuned value alone was run on them."""
    store(
        "figure4",
        lambda run: 0.9 - 0.1 * (run.seed > 2),
        kept=lambda run: run.n == 100 and (run.seed < 3 or run.method.alpha == 0.5),
    )
    found = report.points()
    for name in ("alpha", "gamma"):
        means = report.means(report.axis(found[found.n == 100], name))
        assert set(means.runs) == {3 if name == "alpha" else 5}
        assert means["mean"].max() - means["mean"].min() < 1e-6
    cells = report.cells(found)
    assert cells.to_numpy().max() - cells.to_numpy().min() < 1e-6


def test_the_pretrained_teacher_starts_figure_6(runs_folder):
    store("figure6", flat)
    start = {"stage": "pretrain teacher", "epoch": 100, "player_updates": 100}
    first = GRIDS["figure6"]("paper")[0].id
    before = pd.DataFrame([{"run_id": first, "teacher_validation": 0.85, **start}])
    runs.append_rows("curves", before, ["run_id", "stage", "epoch"])
    store_curves("figure6")
    found = report.curves("figure6", start=True)
    mine = found[found.run_id == first]
    assert list(mine.player_updates) == [0, 60, 120]
    assert list(mine.teacher_validation) == pytest.approx([85, 90, 95])


def test_curves_start_after_pretraining_and_carry_their_weights(runs_folder):
    store("figure4", flat, kept=only(100))
    store_curves("figure4", only(100))
    found = report.curves()
    assert set(found.player_updates) == {60, 120}
    assert found.classifier_validation.max() == pytest.approx(90)
    assert set(GAMMAS) <= set(found.gamma)
    chosen = TUNED | {"beta": BETAS[0]}
    assert isinstance(drawings.setting_curves(found, chosen, list(TUNED)), Figure)
    assert drawings.setting_curves(found, TUNED | {"beta": 7.0}, list(TUNED)) is None


def test_teachers_are_compared_with_the_one_that_does_not_learn_from_c(runs_folder):
    store("figure6", flat, lambda run: 0.9 if run.method.gamma == 0 else 0.92)
    table = figure4.teachers(report.points("figure6"))
    assert list(table["gain over γ = 0"]) == ["–", *["+2.00 [+2.00, +2.00]"] * 2]
    assert "does not learn" in table.gamma[0]
    assert "tuned" in table.gamma[1]


@pytest.mark.parametrize("names", [("gamma",), tuple(report.AXES)])
def test_figure_4_has_two_panels_for_each_weight_and_marks_what_was_not_run(
    runs_folder, names
):
    store("figure4", by_gamma, by_gamma, only(100))
    fig = drawings.sensitivity(report.sensitivity(report.points(), names))
    panels = fig.axes
    assert len(panels) == 2 * len(names)
    words = [text.get_text() for text in fig.legends[0].get_texts()]
    assert words == ["n = 100"]
    run = report.points().dropna(subset="status")
    last = run[(run.gamma == 100) & (run.alpha == TUNED["alpha"])]
    lost = runs.table().set_index("run_id").drop(last.run_id).reset_index()
    few = report.points().assign(kept=lambda rows: rows.run_id.isin(lost.run_id))
    few.loc[~few.kept, "accuracy"] = math.nan
    fig = drawings.sensitivity(report.sensitivity(few, ["gamma"]))
    words = [text.get_text() for text in fig.legends[0].get_texts()]
    assert words == ["n = 100: not run", "n = 100"]


def trial(method, number, score, **parameters):
    row = {"data": "mnist", "n": 100, "method": method, "trial": number}
    return row | {"score": score, "parameters": json.dumps(parameters)}


def test_the_search_is_shown_trial_by_trial(runs_folder):
    weights = {"alpha": 0.5, "beta": 1.0, "gamma": 1e-3}
    rows = [
        trial("kdgan", 1, 0.9, **weights),
        trial("kdgan", 0, 0.8, **weights | {"alpha": 0.1}),
        trial("kdgan", 2, 0.85, **weights),
        trial("mimic", 0, 0.7, classifier_lr=1e-3),
        trial("kdgan", 0, 0.1, **weights) | {"data": "openclipart"},
    ]
    key = ["data", "method", "n", "trial"]
    runs.append_rows("trials", pd.DataFrame(rows), key)
    found = search.trials()
    assert list(found.method) == ["mimic", "kdgan", "kdgan", "kdgan"]
    assert list(found.best[1:]) == pytest.approx([80, 90, 90])
    efforts = search.efforts().set_index("method")
    assert efforts["trials"]["KDGAN"] == 3
    assert efforts["found in trial"]["KDGAN"] == 2
    assert list(search.kdgan_trials().alpha) == [0.1, 0.5, 0.5]
    assert isinstance(drawings.search(found), Figure)
    assert isinstance(drawings.tried(search.kdgan_trials()), Figure)


def test_trials_that_share_the_best_score_are_named(runs_folder):
    key = ["data", "method", "n", "trial"]
    scores = {"mimic": (0.7, 0.8, 0.8), "kdgan": (0.9, 0.8, 0.7)}
    rows = [
        trial(method, number, score)
        for method, found in scores.items()
        for number, score in enumerate(found)
    ]
    runs.append_rows("trials", pd.DataFrame(rows), key)
    assert "more than once, MIMIC's in trials 2 and 3: the first" in search.ties()
    apart = trial("mimic", 2, 0.75)
    runs.append_rows("trials", pd.DataFrame([apart]), key)
    assert search.ties() == ""


def test_a_search_that_was_not_run_is_an_empty_table(runs_folder):
    assert search.ties() == ""
    assert search.efforts().empty
    assert drawings.search(search.trials()) is None
    assert drawings.tried(search.kdgan_trials()) is None


def test_the_table_of_spaces_says_what_is_searched():
    found = search.spaces().set_index("method").searched
    assert "`beta` from 0.01 to 10" in found["KDGAN"]
    assert "`alpha` 0.1, 0.3, 0.5 or 0.7" in found["KDGAN"]
    assert "beta" not in found["MIMIC"]
    assert search.weights_searched().endswith(" and γ from 0.0001 to 0.1")
    assert search.least_searched("gamma") == SEARCH_SPACES["kdgan"]["gamma"][1]
