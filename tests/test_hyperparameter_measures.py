"""Claims on alpha, beta and gamma are measured from the declared grids."""

import math

import pandas as pd
import pytest

from kdgan_lib import runs
from kdgan_lib.grids import GRIDS
from kdgan_lib.measures import hyperparameters as measures
from kdgan_lib.reports import figure4, points
from kdgan_lib.reports import hyperparameters as report
from kdgan_lib.tables import MissingRuns
from kdgan_lib.verdicts import judge

TUNED = report.tuned()


def store(
    grid, accuracy, teacher=lambda run: 0.9, kept=lambda run: True, validation=None
):
    """Store a grid's runs: a tenth of a point per seed on top of what is given."""
    rows = []
    for run in filter(kept, GRIDS[grid]("paper")):
        score, other = (f(run) + run.seed / 1000 for f in (accuracy, teacher))
        scores = dict.fromkeys(points.SCORES, score) | {"teacher_test_accuracy": other}
        held_out = (validation or accuracy)(run) + run.seed / 1000
        scores |= {"validation_accuracy": held_out}
        known = {"run_id": run.id, "status": "finished", "seconds": 60.0}
        rows.append(known | run.configuration() | scores)
    runs.append_rows("runs", pd.DataFrame(rows), ["run_id"])


def flat(run):
    return 0.9


def by_gamma(run):
    """Fall with gamma above a hundredth, as T does when C teaches it."""
    return 0.9 - 0.05 * max(0.0, 2 + math.log10(run.method.gamma))


def only(*sizes):
    return lambda run: run.n in sizes


def test_the_range_is_the_largest_minus_the_least_mean_and_the_widest_n_counts(
    runs_folder,
):
    width = {100: 0.01, 1_000: 0.03, 10_000: 0.0}
    store("figure4", lambda run: 0.9 - width[run.n] * run.method.alpha)
    found = measures.hyperparameter_range("mnist", "alpha")
    assert found["accuracy_range_at_100"].value == pytest.approx(1.0)
    assert found["accuracy_range_at_100"].runs == 5
    assert found["accuracy_range"].value == pytest.approx(3.0)
    assert judge("F4.1").verdict == "partly"


def test_the_range_is_of_the_means_and_not_the_mean_of_the_seeds_ranges(runs_folder):
    def turning(run):
        return 0.9 + 0.01 * run.method.alpha * (-1) ** run.seed

    store("figure4", turning, kept=only(100))
    found = measures.hyperparameter_range("mnist", "alpha")["accuracy_range"]
    assert found.value == pytest.approx(0.2)  # five seeds: (3 - 2) / 5 of a point


def test_a_range_of_a_few_seeds_has_no_interval(runs_folder):
    store("figure4", lambda run: 0.9 - 0.01 * run.method.alpha, kept=only(100))
    found = measures.hyperparameter_range("mnist", "alpha")
    first = ["accuracy_range", "accuracy_range_at_100"]
    assert list(found) == [*first, "last_accuracy_range"]
    assert found["accuracy_range"].lo is None
    assert judge("F4.1").verdict == "reproduced"


def test_very_small_beta_is_left_to_its_own_claim(runs_folder):
    store("figure4", lambda run: 0.85 if run.method.beta == 1e-4 else 0.9)
    range_ = measures.hyperparameter_range("mnist", "beta")["accuracy_range"]
    assert range_.value == pytest.approx(0.0, abs=1e-9)
    found = measures.small_beta_loss("mnist")
    assert found["accuracy_loss"].value == pytest.approx(5.0)
    assert {"accuracy_loss_at_1000", "accuracy_loss_at_10000"} <= set(found)
    assert judge("F4.2").verdict == "reproduced"
    assert judge("F4.3").verdict == "reproduced"


def test_a_large_gamma_is_judged_by_c_and_by_t(runs_folder):
    store("figure4", by_gamma, by_gamma, only(100))
    assert measures.large_gamma_loss("mnist")["accuracy_loss"].value > 15
    found = measures.large_gamma_teacher("mnist")
    assert found["teacher_loss"].runs == 5
    assert found["rank_correlation"].value == pytest.approx(1.0)
    assert judge("F4.4").verdict == "reproduced"
    assert judge("F4.5").verdict == "reproduced"


def test_what_the_rules_would_say_at_a_larger_n_stands_beside_the_verdict(runs_folder):
    def late(run):
        return by_gamma(run) if run.n == 1_000 else 0.9

    assert figure4.at_larger_sizes() == ""
    store("figure4", flat, flat, only(100))
    assert figure4.at_larger_sizes() == ""
    store("figure4", late, late, only(100, 1_000))
    assert judge("F4.4").verdict == judge("F4.5").verdict == "not reproduced"
    said = figure4.at_larger_sizes()
    assert said.endswith("call F4.4 *reproduced* and F4.5 *reproduced* at n = 1,000.")


def test_a_teacher_that_stays_explains_nothing(runs_folder):
    store("figure4", by_gamma, flat, only(100))
    assert judge("F4.5").verdict == "not reproduced"


def test_a_run_that_diverged_counts_as_chance(runs_folder):
    store("figure4", flat, kept=only(100))
    table = runs.table()
    large = (table.gamma == 1e2) & (table.seed == 0)
    lost = table[large].assign(status="diverged", test_accuracy=float("nan"))
    runs.append_rows("runs", lost, ["run_id"])
    found = measures.large_gamma_loss("mnist")["accuracy_loss"]
    assert found.value == pytest.approx(80 / 5)


def test_an_axis_with_a_value_missing_is_not_run(runs_folder):
    store("figure4", flat, kept=lambda run: run.n == 100 and run.method.alpha != 0.7)
    with pytest.raises(MissingRuns, match="kdgan sweep figure4"):
        measures.hyperparameter_range("mnist", "alpha")
    assert judge("F4.1").verdict == "not run"
    assert judge("F4.2").verdict == "reproduced"


def test_two_seeds_are_too_few_to_judge_by(runs_folder):
    store("figure4", flat, kept=lambda run: run.seed < 2)
    for name in ("F4.1", "F4.2", "F4.3", "F4.4", "F4.5"):
        assert judge(name).verdict == "not run"


def test_on_cifar10_an_axis_that_nobody_declared_stays_unknown(runs_folder):
    store("figure4_cifar10", by_gamma)
    found = measures.hyperparameters_on("cifar10")
    assert math.isnan(found["alpha_range"].value)
    assert found["large_gamma_loss"].value > 15
    assert found["last_large_gamma_loss"].value > 15
    assert judge("F4.6").verdict == "partly"


def without(best_at_zero):
    return lambda run: (
        0.95 if run.method.hyperparameters().get(best_at_zero) == 0 else 0.9
    )


@pytest.mark.parametrize(
    ("best_at_zero", "share", "verdict"),
    [("nothing", 1.0, "partly"), ("gamma", 2 / 3, "partly")],
)
def test_the_best_weight_is_inside_unless_a_weight_of_zero_validates_better(
    runs_folder, best_at_zero, share, verdict
):
    store("controls", without(best_at_zero))
    store("figure6", without(best_at_zero))
    found = measures.tuned_ranges()
    assert found["share_inside"].value == pytest.approx(share)
    assert judge("S11").verdict == verdict


def test_weights_of_zero_that_are_clearly_worse_reproduce_s11(runs_folder):
    def worse(run):
        hyper = run.method.hyperparameters()
        return 0.85 if 0 in (hyper.get("beta"), hyper.get("gamma")) else 0.9

    store("controls", worse)
    store("figure6", worse)
    assert judge("S11").verdict == "reproduced"


def test_a_weight_of_zero_that_is_worse_by_the_noise_only_leaves_s11_open(runs_folder):
    def noisy(run):
        gone = run.method.hyperparameters().get("gamma") == 0
        return 0.9 + 0.02 * (run.seed % 2 - 0.45) * gone

    store("controls", without("nothing"))
    store("figure6", noisy)
    found = measures.tuned_ranges()
    assert found["share_inside"].value == 1
    assert found["gain_over_gamma_0"].lo < 0 < found["gain_over_gamma_0"].value
    assert judge("S11").verdict == "partly"


def test_a_weight_of_zero_that_is_better_on_the_test_set_alone_rules_nothing_out(
    runs_folder,
):
    for grid in ("controls", "figure6"):
        store(grid, without("gamma"), validation=flat)
    assert measures.tuned_ranges()["share_inside"].value == 1


def test_the_gain_of_figure_6_is_judged_from_the_rows_at_once(runs_folder):
    assert judge("F6").verdict == "not run"
    store("figure6", flat, lambda run: 0.9 if run.method.gamma == 0 else 0.92)
    assert judge("F6").verdict == "reproduced"
    assert judge("S10").verdict == "not testable here"
