"""Check that every theory measure returns what the ledger's rules ask for."""

import math

import pandas as pd
import pytest
import torch

from kdgan_lib import claims, measures
from kdgan_lib.dynamics import Logits, Play, play
from kdgan_lib.game import DISTILLATIONS, Game
from kdgan_lib.losses import kl_distillation
from kdgan_lib.measures.combination import (
    eq7_implication,
    released_weights,
    variable_pairs,
    variance,
)
from kdgan_lib.measures.theory import ascend
from kdgan_lib.studies.concrete_checks import argmax_counts, chi_square
from kdgan_lib.studies.naive import field
from kdgan_lib.studies.outcomes import (
    Grid,
    arrived,
    lateness,
    outcomes,
    stable_step,
    summary,
    zipf,
)
from kdgan_lib.studies.students import (
    closed_gradient,
    follow,
    gradient_size,
    matching_limit,
    student_gradient,
    wrong_teacher,
)

THEORY = [f"M{i}" for i in range(1, 17)] + ["M24"]
EXPECTED = {
    "M6": "partly",
    "M10": "partly",
    "M11": "partly",
    "M12": "partly",
    "M13": "partly",
    "M14": "partly",
}


@pytest.mark.parametrize("claim_id", THEORY)
def test_measure_returns_what_its_rule_names_and_gives_the_verdict(claim_id):
    claim = claims.ledger()[claim_id]
    measured = measures.collect()[claim.measure](**claim.arguments)
    assert set(claims.quantities_of(claim.rule)) <= set(measured)
    rows = {
        name: {"value": getattr(value, "value", value), "lo": None, "hi": None}
        for name, value in measured.items()
    }
    verdict = next(
        (word for word in claim.rule if claims.holds(claim.rule[word], rows)),
        "not reproduced",
    )
    assert verdict == EXPECTED.get(claim_id, "reproduced")


def test_pairs_are_ordered_by_variance():
    x, y = variable_pairs(100)
    assert (variance(x) <= variance(y)).all()


def test_violations_of_eq_7_are_counted_out_of_pairs_times_weights():
    found = eq7_implication()
    assert found["trials_free_weights"] == found["pairs"] * len(released_weights())
    assert found["violations_free_weights"] <= found["trials_free_weights"]
    assert found["violations_convex"] == 0 < found["trials_convex"]


def test_lemma_4_1_ascent_finds_the_formula():
    p_u, p_c, p_t = torch.rand((3, 6), dtype=torch.float64).softmax(-1)
    game = Game(p_u, 0.4)
    found = ascend(game, p_c, p_t)
    assert torch.allclose(found, game.optimal_discriminator(p_c, p_t), atol=1e-6)


def test_chi_square_rejects_a_wrong_law():
    counts = argmax_counts(zipf(5), 0.5, 100_000)
    assert chi_square(counts, zipf(5)) > 1e-4
    assert chi_square(counts, torch.full((5,), 0.2, dtype=torch.float64)) < 1e-10


def test_grid_gives_one_row_per_setting_and_start():
    grid = Grid((0.0, 0.5), (0.0, 1.0), (0.0, 10.0), starts=2, rounds=10, num_labels=3)
    frame = outcomes("kl", "alternating", grid)
    assert len(frame) == 16
    assert not frame.duplicated(["alpha", "beta", "gamma", "start"]).any()


def test_step_keeps_l2_on_logits_contracting():
    beta, gamma = torch.tensor([0.0, 10.0]), torch.tensor([0.0, 10.0])
    assert stable_step(beta, gamma).tolist() == pytest.approx([0.5, 0.05])


def logits_apart(schedule, step, beta=1.0, gamma=0.5, rounds=40):
    """Return how far apart the two players' logits are after L2 on logits alone."""
    game = Game(torch.tensor([0.2, 0.3, 0.5]), 0.5, beta, gamma, "l2_logits")
    h, half = torch.ones((1, 3)).double(), torch.full((1, 3), -40.0).double()
    far = Logits(h, -h, half)  # this D rejects all labels: no adversarial gradient
    still = Play(rounds, step, 0.0, schedule, records=1)
    last = play(game, far, still).last
    return float((last.classifier - last.teacher).abs().max()) / 2


@pytest.mark.parametrize("step", [1.3, 1.34, 1.6, 2.0, 2.9, 3.1])
def test_l2_on_logits_contracts_as_the_chapter_says(step):
    together = abs(1 - step * 1.5)
    in_turn = abs((1 - step * 1.0) * (1 - step * 0.5))
    assert logits_apart("simultaneous", step) == pytest.approx(
        together**40, rel=1e-6, abs=1e-9
    )
    assert logits_apart("alternating", step) == pytest.approx(
        in_turn**40, rel=1e-6, abs=1e-9
    )
    assert (together < 1) == (step < 2 / 1.5)
    assert (in_turn < 1) == (step < 3.0)


def test_wrong_teacher_is_as_wrong_as_declared():
    p_u = zipf(10)
    distance = 0.5 * (wrong_teacher(p_u, 0.3) - p_u).abs().sum()
    assert float(distance) == pytest.approx(0.3 * (1 - float(p_u[-1])))


def test_student_follows_its_teacher_away_from_the_labels():
    p_t = wrong_teacher(zipf(4), 0.3)
    last = follow(p_t, torch.zeros((1, 4)).double(), "kl", 500)[-1, 0]
    assert torch.allclose(last, p_t, atol=1e-4)


def test_kl_gradient_keeps_its_size_with_the_factor_and_loses_it_without():
    student, teacher = torch.randn((2, 5, 10), dtype=torch.float64)
    sizes = {t: gradient_size(student, teacher, t) for t in (20.0, 40.0)}
    assert torch.allclose(sizes[20.0], sizes[40.0], rtol=0.1)
    bare = [gradient_size(student, teacher, t, scaled=False) for t in (20.0, 40.0)]
    assert torch.allclose(bare[0] / bare[1], torch.tensor(4.0).double(), rtol=0.1)


def test_scaled_kl_tends_to_l2_on_centred_logits():
    student, teacher = torch.randn((2, 5, 10), dtype=torch.float64)
    limit = matching_limit(student, teacher).mean()
    assert torch.allclose(kl_distillation(student, teacher, 1e3), limit, rtol=0.02)


@pytest.mark.parametrize("name", DISTILLATIONS)
def test_the_written_gradient_of_each_loss_is_the_automatic_one(name):
    student, teacher = torch.randn((2, 5, 10), dtype=torch.float64)
    teacher = teacher.log_softmax(-1)
    automatic = student_gradient(teacher.softmax(-1), student, name)
    torch.testing.assert_close(closed_gradient(student, teacher, name), automatic)


def test_beside_a_wrong_teacher_the_field_rests_where_the_mixture_is_right():
    game = Game(torch.tensor([0.2, 0.3, 0.5]), 0.5, 0.0, 0.0)
    teacher = wrong_teacher(game.p_u, 0.1)
    makes_up = (2 * game.p_u - teacher).log()[None]
    assert field(game, makes_up, teacher=teacher.log()).abs().max() < 1e-9
    assert field(game, game.p_u.log()[None], teacher=teacher.log()).abs().max() > 1e-3


def test_the_summary_of_endings_has_a_row_per_kind_and_loss():
    grid = Grid((0.5,), (0.0, 1.0), (0.0,), starts=2, rounds=2000, num_labels=3)
    frame = outcomes("kl", "alternating", grid)
    found = summary(frame)
    assert found.weights.tolist() == ["interior", "undistilled"]
    assert found["median rounds"].iloc[-1] == "none"
    assert arrived(frame) == found.arrived.iloc[0] == 1.0
    assert arrived(frame[:0]) is None


def ending(loss, alpha, beta, gamma, distance):
    return {
        "distillation": loss, "alpha": alpha, "beta": beta, "gamma": gamma,
        "classifier_distance": distance, "teacher_distance": distance / 2,
        "arrived": distance < 1e-3,
    }  # fmt: skip


def test_lateness_counts_interior_starts_and_compares_predicted_speeds():
    slow, fast = (1.0, 10.0, 0.01), (0.5, 1.0, 1.0)
    rows = [
        ending("kl", *fast, 1e-5),
        ending("kl", *slow, 5e-3),
        ending("kl", *slow, 0.4),
        ending("kl", 0.5, 0.1, 0.1, 0.02),  # weak distillation
        ending("kl", 0.5, 0.1, 0.1, 1e-4),
        ending("l2_probabilities", *slow, 1e-4),
        ending("l2_probabilities", *fast, 0.02),
        ending("kl", 0.5, 0.0, 0.0, 0.3),  # undistilled
        ending("kl", 1.0, 1.0, 0.0, 0.3),  # silenced
    ]
    found = lateness(pd.DataFrame(rows))
    assert found == {
        "starts": 7, "late": 4, "weak": 1, "near": 1, "tied": 1.0, "loose": 0.0
    }  # fmt: skip


def test_lateness_has_no_share_without_pairs_and_nothing_without_rows():
    rows = pd.DataFrame([ending("kl", 0.5, 1.0, 1.0, 1e-5)])
    assert math.isnan(lateness(rows)["tied"])
    assert lateness(rows[:0]) == {}
