"""What the chapter on distillation says of its two forms follows the rows."""

import pandas as pd
import pytest

from kdgan_lib import runs
from kdgan_lib.experiments import declare
from kdgan_lib.reports import forms


def store(name, accuracy, n=100, seeds=5):
    rows = [
        {"run_id": run.id, **run.configuration(), "status": "finished"}
        | {"test_accuracy": accuracy + run.seed / 1000, "seconds": 50.0}
        for run in (declare(name, n=n, seed=seed) for seed in range(seeds))
    ]
    runs.append_rows("runs", pd.DataFrame(rows), ["run_id"])


def test_the_two_forms_are_those_that_the_declared_runs_have():
    assert declare("distn").method.distillation == "kl"
    assert declare("kdgan").method.distillation == "l2"


def test_methods_tuned_with_either_form_are_compared_by_column(runs_folder):
    assert forms.tuned_apart() == ""
    store("mimic", 0.90)
    assert forms.tuned_apart() == ""
    store("distn", 0.905)
    said = forms.tuned_apart()
    assert "+0.50 [+0.50, +0.50] points on MNIST 100 (an interval that exc" in said
    assert "MIMIC is +0.50" in said
    assert said.endswith("call each of these differences *reproduced*.")
    store("mimic", 0.90, n=1_000)
    store("distn", 0.85, n=1_000)
    said = forms.tuned_apart()
    assert "-5.00 [-5.00, -5.00] points on MNIST 1,000" in said
    assert "*reproduced* on MNIST 100 and *not reproduced* on MNIST 1,000." in said


def test_columns_with_fewer_than_three_common_seeds_are_left_out(runs_folder):
    store("mimic", 0.90)
    store("distn", 0.91, seeds=2)
    assert forms.tuned_apart() == ""


def digits(kl, seeds=4):
    """Return students of the labels at 70, of L2 at 60 and of KL at some accuracies."""
    return pd.DataFrame(
        [
            {"seed": seed, "loss": loss, "T": tau, "accuracy": accuracy + seed}
            for seed in range(seeds)
            for loss, tau, accuracy in (
                ("labels", 1.0, 70.0),
                ("l2_logits", 1.0, 60.0),
                ("kl", 4.0, kl + 3 * (seed % 2)),
            )
        ]
    )


@pytest.mark.parametrize(
    ("kl", "said"),
    [
        (69.0, "+0.5 [-2.3, +3.3] points, an interval that includes zero."),
        (75.0, "+6.5 [+3.7, +9.3] points, an interval that excludes zero."),
    ],
)
def test_the_best_taught_student_is_compared_with_the_labels_alone(kl, said):
    found = forms.beside_labels(digits(kl))
    assert found.startswith(
        "The best of the 2 taught students (by KL at temperature 4) minus"
    )
    assert said in found
    assert ("none is clearly above" in found) == (kl < 70)


def test_one_seed_has_no_interval():
    assert "is -1.0 points. A teacher" in forms.beside_labels(digits(69.0, seeds=1))
