"""Claims on KDGAN's variants are measured from the declared grids."""

import pytest

from kdgan_lib import runs
from kdgan_lib.experiments import declare
from kdgan_lib.grids import GRIDS, figure3a
from kdgan_lib.measures import variants
from kdgan_lib.tables import MissingRuns
from kdgan_lib.verdicts import judge


def store(grid, accuracy, validation=None):
    for run in GRIDS[grid]("paper"):
        row = {"run_id": run.id, **run.configuration(), "status": "finished"}
        scores = dict.fromkeys(
            ("test_accuracy", "validation_accuracy", "teacher_test_accuracy"),
            accuracy(run) + run.seed / 1000,
        )
        held_out = (validation or accuracy)(run) + run.seed / 1000
        runs.record(row | scores | {"validation_accuracy": held_out})


def test_kl_and_squared_distances_are_compared_seed_by_seed(runs_folder):
    tuned = declare("kdgan").method.beta
    gain = {tuned: 0.85, 2.0: 0.88, 20.0: 0.91}
    store(
        "distillation_forms",
        lambda run: 0.9 if run.method.distillation == "l2" else gain[run.method.beta],
    )
    found = variants.distillation_forms()
    assert found["accuracy_difference"].value == pytest.approx(1.0)
    assert found["accuracy_difference"].runs == 5
    assert found["difference_at_equal_beta"].value == pytest.approx(-5.0)
    assert found["beta_of_kl"] == 20.0


def test_the_rival_schedule_is_the_constant_one_that_is_best_on_validation(runs_folder):
    level = {0.1: 0.80, 0.5: 0.85, 1.0: 0.82}
    store(
        "temperature",
        lambda run: (
            0.88
            if run.method.tau_start != run.method.tau_end
            else level[run.method.tau_end]
        ),
    )
    found = variants.temperature_schedule()
    assert found["best_constant_temperature"] == 0.5
    assert found["difference_from_best_schedule"].value == pytest.approx(3.0)
    assert judge("M22").verdict == "reproduced"


def test_the_teacher_s_gain_is_measured_against_gamma_zero(runs_folder):
    store("figure6", lambda run: 0.9 if run.method.gamma == 0 else 0.91)
    assert variants.teacher_gain()["teacher_gain"].value == pytest.approx(1.0)


def test_a_missing_variant_names_the_sweep_that_makes_it(runs_folder):
    with pytest.raises(MissingRuns, match="kdgan sweep figure6"):
        variants.teacher_gain()
    assert judge("M23").verdict == "not run"


def test_the_unchanged_kdgan_of_every_grid_is_figure_3a_s_run():
    tuned = {run.id for run in figure3a() if run.method.name == "kdgan"}
    for grid in ("distillation_forms", "temperature", "figure6"):
        runs = GRIDS[grid]("paper")
        shared = [run for run in runs if run.id in tuned]
        assert {run.seed for run in shared} == {run.seed for run in runs}


def test_every_variant_has_a_row_with_its_interval_and_runs(runs_folder):
    assert variants.arms("temperature", "tau_start", "tau_end").empty
    store("temperature", lambda run: 0.9)
    found = variants.arms("temperature", "tau_start", "tau_end")
    assert (found.runs == 5).all()
    assert ((found.low <= found["C, %"]) & (found["C, %"] <= found.high)).all()
    assert not found.duplicated(["tau_start", "tau_end"]).any()


def test_variants_are_chosen_on_validation_and_not_on_the_test_set(runs_folder):
    def best_at(name, value):
        return lambda run: 0.8 + 0.1 * (getattr(run.method, name) == value)

    store("distillation_forms", best_at("beta", 20.0), best_at("beta", 2.0))
    store("temperature", best_at("tau_end", 1.0), best_at("tau_end", 0.5))
    assert variants.distillation_forms()["beta_of_kl"] == 2.0
    assert variants.temperature_schedule()["best_constant_temperature"] == 0.5
