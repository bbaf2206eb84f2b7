"""Check the laws at which estimators are compared, and the tables made of them."""

import pandas as pd
import pytest
import torch

from kdgan_lib import closed_forms, runs
from kdgan_lib.randomness import derive
from kdgan_lib.studies import concrete_checks as checks
from kdgan_lib.studies import estimator_cases as cases
from kdgan_lib.studies import estimator_study as lab
from kdgan_lib.tables import MissingRuns


@pytest.fixture
def stored(runs_folder):
    """Store the laws of two invented players at 11 images of ten labels."""
    logits = torch.linspace(0, 5, 11)[:, None] * torch.eye(11, 10)
    doubts = torch.randn(11, 10, generator=derive(0, "doubts"))
    rows = cases.laws(logits, doubts, torch.arange(11) % 10)
    runs.append_rows(cases.TABLE, rows, ("quantile", "label"))
    return logits, doubts


def test_an_image_is_chosen_by_its_rank_of_certainty():
    logits = torch.tensor([[3.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    assert [cases.at_certainty(logits, q) for q in (0.0, 0.5, 1.0)] == [1, 2, 0]


def test_the_played_case_is_the_stored_law_with_the_reward_of_its_own_d(stored):
    logits, doubts = stored
    image = cases.at_certainty(logits, cases.UNSURE)
    case = cases.case("played", 10)
    torch.testing.assert_close(
        case.logits.softmax(-1), logits[image].double().softmax(-1)
    )
    expected = torch.nn.functional.logsigmoid(-doubts[image].double())
    torch.testing.assert_close(case.reward, expected)


def test_the_trained_case_has_the_best_answer_of_lemma_4_1(stored):
    case = cases.case("trained", 10)
    p_c = case.logits.softmax(-1)
    p_u = torch.full_like(p_c, 0.01)
    p_u[int(cases.law_at(cases.UNSURE).true.iloc[0])] += 0.9
    torch.testing.assert_close(case.reward, (p_c / (p_c + p_u)).log())


def test_fewer_labels_keep_the_true_one_and_the_likeliest_other(stored):
    law = cases.law_at(0.9)
    kept = cases.kept_labels(law, 2)
    likeliest = law[law.label != law.true].nlargest(1, "logit").label.iloc[0]
    assert set(kept.label) == {law.true.iloc[0], likeliest}


def test_many_labels_have_a_law_of_gaussian_classes_and_no_played_one():
    assert cases.shapes_of(200) == ("peaked", "flat", "trained")
    case = cases.gaussian_classes(12)
    assert case.logits.shape == (12,)
    assert bool((case.reward < 0).all())


def test_without_the_game_s_rows_only_the_tables_of_labels_are_studied(runs_folder):
    assert cases.shapes_of(10) == ("peaked", "flat")
    with pytest.raises(MissingRuns, match="estimator_cases"):
        cases.case("trained", 10)
    rows = lab.study(lab.Study((10,), (1.0,), 50))
    assert set(rows["shape"]) == {"peaked", "flat"}
    assert checks.certainties().empty


def test_an_unknown_shape_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="peaked"):
        cases.case("round", 10)


def test_certainties_follow_the_closed_forms(stored):
    rows = checks.certainties().set_index("quantile")
    assert rows["largest p"].is_monotonic_increasing
    at = cases.of_rows(cases.law_at(0.5))
    variance = closed_forms.reinforce_variance(*at)
    squared = closed_forms.exact_gradient(*at).square().sum()
    assert rows["REINFORCE"][0.5] == pytest.approx(float(variance / squared))


def errors(**by_estimator):
    """Return rows of one law from (bias, relative variance) by estimator."""
    return pd.DataFrame(
        {"K": 2, "shape": "flat", "tau": 0.5, "estimator": name, "bias": bias}
        | {"relative_variance": variance}
        for name, (bias, variance) in by_estimator.items()
    )


def test_many_samples_turn_a_win_of_low_variance_into_one_of_low_bias():
    rows = errors(exact=(0, 0), reinforce=(0, 4), relaxed_score=(1, 0))
    found = checks.winners(rows, (1, 100))
    assert found["best of 1"].tolist() == ["relaxed score, tau 0.5"]
    assert found["best of 100"].tolist() == ["REINFORCE"]
    assert found["error, 100"].tolist() == [0.04]
    assert (checks.bests(found, 1), checks.bests(found, 100)) == (1, 0)
    assert (checks.wins(found, 1), checks.wins(found, 100)) == (1, 0)
    assert checks.wins(checks.winners(rows[:0], (1,)), 1) is None


def test_sampled_estimators_without_error_are_named_with_their_law():
    rows = errors(exact=(0, 0), reinforce=(0, 4), reinforce_baseline=(1e-16, 1e-31))
    assert checks.faultless(rows) == ["REINFORCE baseline for the law *flat* at K = 2"]
    assert checks.faultless(rows[:2]) == []
    assert checks.faultless(rows[:0]) is None


def test_two_equally_likely_labels_leave_the_baseline_no_error():
    rows = lab.study(lab.Study((2,), (0.5,), 2000))
    assert "REINFORCE baseline for the law *flat* at K = 2" in checks.faultless(rows)


def test_closed_forms_stand_beside_what_was_measured():
    rows = lab.study(lab.Study((2,), (0.5, 1.0), 2000))
    table = checks.against_closed_forms(rows)
    assert set(table.columns) >= {"estimator", "peaked", "flat"}
    assert len(table) == len(closed_forms.VARIANCES)
    row = table.set_index("estimator").loc["REINFORCE", "flat"]
    measured, closed = (float(part) for part in row.split(" / "))
    assert measured == pytest.approx(closed, rel=0.2)


def test_enumeration_costs_less_than_drawing():
    found = checks.costs(("exact", "reinforce"), 10)
    assert 0 < found["exact"] < found["reinforce"]
