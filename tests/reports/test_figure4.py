"""What Figure 4's verdicts rest on is said from the runs that are there."""

import pandas as pd
import pytest

from kdgan_lib.reports import figure4 as scope
from kdgan_lib.verdicts import judge


@pytest.fixture
def found():
    """Three seeds of alpha and gamma at n = 100; C ends lower at the largest gamma."""
    tuned = {"alpha": 0.5, "beta": 1.0, "gamma": 1e-4}
    usual = {f"tuned_{name}": value for name, value in tuned.items()}
    settings = [tuned, tuned | {"alpha": 0.1}, tuned | {"gamma": scope.LARGE_GAMMA}]
    rows = [
        {
            **setting,
            **usual,
            "n": 100,
            "seed": seed,
            "accuracy": 90.0,
            "last": last + seed,
        }
        for seed in range(3)
        for setting, last in zip(settings, (90.0, 90.0, 88.0), strict=True)
    ]
    return pd.DataFrame(rows)


def test_the_sizes_that_were_run_are_named_with_those_that_were_not(found):
    said = scope.sizes_run(found)
    assert said.startswith("F4.1 and F4.2 are judged at n = 100 only: n = 1,000 of the")
    one = found[found.seed < 1].assign(n=10_000)
    said = scope.sizes_run(pd.concat([found, one]))
    assert (
        "n = 1,000 of the paper's figure is not run and n = 10,000 has 1 seed" in said
    )
    more = [found.assign(n=n) for n in scope.SIZES]
    assert scope.sizes_run(pd.concat(more)).endswith("n = 100, 1,000 and 10,000.")
    assert scope.sizes_run(found[found.seed < 2]) == ""


def test_in_short_says_nothing_without_evidence(runs_folder):
    assert scope.in_short() == ""


def test_in_short_has_a_number_for_each_weight_and_for_t():
    said = scope.in_short()  # from the stored runs
    for claim, quantity in (("F4.2", "accuracy_range_at_100"), ("F6", "teacher_gain")):
        evidence = judge(claim).evidence.set_index("quantity")
        assert f"{evidence['value'][quantity]:.2f}" in said


def test_changes_along_gamma_are_said_for_every_n_with_enough_seeds(found):
    found = pd.concat([found, found[found.seed < 2].assign(n=1_000)])
    found["teacher"] = found["last"] * 2
    said = scope.along_gamma(found, (100.0,))
    assert "With n = 100 by -4.00" in said
    assert "and -2.00" in said
    assert said.endswith("points (C) at γ = 100 (3 seeds).")
    assert "1,000" not in said
    assert scope.along_gamma(found[found.seed < 2]) == ""


def test_in_short_adds_the_sizes_whose_values_were_all_run():
    evidence = judge("F4.4").evidence.set_index("quantity")["value"]
    cost = evidence["accuracy_loss_at_1000"]
    assert f"γ = 100 costs {cost:.2f}" in scope.in_short().split("n = 1,000")[1]


def test_runs_in_which_t_and_c_fall_together_are_counted(found):
    found["teacher"] = found["last"]
    large = found.gamma == scope.LARGE_GAMMA
    found.loc[large & (found.seed == 0), ["teacher", "last"]] -= (
        9  # 11 with its usual 2
    )
    found.loc[large & (found.seed == 1), ["last"]] -= 50  # C alone
    found.loc[large & (found.seed == 2), ["teacher", "last"]] -= 8  # 10, not more
    said = scope.falls(found, (scope.LARGE_GAMMA,))
    assert "more than 10 points below" in said
    assert said.endswith("in 1 of the 3 runs at γ = 100.")
    found["teacher"] = float("nan")
    assert scope.falls(found, (scope.LARGE_GAMMA,)) == ""
