"""Check each method's losses against the paper's formulas."""

import math
from typing import get_args

import pytest
import torch

from kdgan_lib import randomness
from kdgan_lib.data import Examples
from kdgan_lib.estimators import ESTIMATORS, estimator
from kdgan_lib.live import live_run
from kdgan_lib.losses import (
    cross_entropy,
    discriminator_loss,
    kl_distillation,
    l2_distillation,
    saturating_reward,
)
from kdgan_lib.methods import METHODS, Noise, method
from kdgan_lib.methods.adversarial import REWARDS, EstimatorName
from kdgan_lib.methods.base import weighted_sum

B, K = 6, 5
SEATS = ("classifier", "teacher", "discriminator")


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(0)
    return {s: torch.randn(B, K, generator=generator).double() for s in SEATS}


@pytest.fixture
def batch():
    return Examples(torch.zeros(B, 1), torch.eye(K).double()[torch.arange(B) % K])


def noise(seed=0):
    return Noise(randomness.derive(seed, "noise"))


def loss_of(chosen, player, logits, batch, tau=1.0):
    (phase,) = (p for p in chosen.phases() if p.player == player)
    return phase.loss(logits, batch, noise(), tau)


def law(logits, player):
    return logits[player].softmax(-1)


def test_there_are_eight_methods_under_the_papers_names_and_one_that_goes_on():
    assert set(METHODS) == {
        *("supervised", "mimic", "distn", "noisy", "codis"),
        *("nagan", "kdgan_wo_gm", "kdgan", "kdgan_adaptive"),
    }


def test_an_unknown_method_lists_the_methods():
    with pytest.raises(ValueError, match="supervised, mimic, distn, noisy, codis"):
        method("kdgna")


def test_supervised_needs_only_a_classifier_and_nagan_no_teacher():
    assert method("supervised").seats() == ("classifier",)
    assert method("nagan").seats() == ("classifier", "discriminator")
    assert method("mimic").seats() == ("classifier", "teacher")
    assert method("kdgan").seats() == ("classifier", "discriminator", "teacher")


def test_mimic_is_half_the_squared_distance_of_the_logits(logits, batch):
    value, terms = loss_of(method("mimic"), "classifier", logits, batch)
    difference = logits["classifier"] - logits["teacher"]
    assert torch.allclose(value, 0.5 * difference.square().sum() / B)
    assert terms["distillation"] is value


def test_distn_is_0_3_cross_entropy_and_0_7_softened_distillation(logits, batch):
    value, terms = loss_of(method("distn"), "classifier", logits, batch)
    supervised = cross_entropy(logits["classifier"], batch.targets)
    softened = kl_distillation(logits["classifier"], logits["teacher"], 3.0)
    assert torch.allclose(value, 0.3 * supervised + 0.7 * softened)
    assert torch.allclose(terms["supervised"], supervised)


def test_the_released_distn_is_l2_on_logits(logits, batch):
    chosen = method("distn", distillation="released_l2", distillation_weight=1.0)
    value, _ = loss_of(chosen, "classifier", logits, batch)
    difference = logits["classifier"] - logits["teacher"]
    assert torch.allclose(value, difference.square().mean())


def test_noisy_without_noise_is_mimic(logits, batch):
    quiet = method("noisy", keep=1.0, noise_scale=0.0)
    value, _ = loss_of(quiet, "classifier", logits, batch)
    expected, _ = loss_of(method("mimic"), "classifier", logits, batch)
    assert torch.equal(value, expected)


def test_noisy_changes_the_teachers_logits_by_mask_and_normal_draws(logits, batch):
    first, _ = loss_of(method("noisy"), "classifier", logits, batch)
    calm, _ = loss_of(method("mimic"), "classifier", logits, batch)
    assert not torch.equal(first, calm)
    generator = noise(3)
    mask = generator.keep(0.9, torch.zeros(100_000))
    assert mask.mean().item() == pytest.approx(0.9, abs=0.005)
    assert set(mask.tolist()) == {0.0, 1.0}


def test_codis_gives_both_players_the_labels_and_the_others_distribution(logits, batch):
    for student, other in (("classifier", "teacher"), ("teacher", "classifier")):
        value, _ = loss_of(method("codis"), student, logits, batch)
        expected = cross_entropy(logits[student], batch.targets)
        expected = expected + kl_distillation(logits[student], logits[other])
        assert torch.allclose(value, expected)


def test_nagan_plays_eq_1_in_exact_form(logits, batch):
    nagan = method("nagan", estimator="exact")
    reward = saturating_reward(logits["discriminator"])
    value, _ = loss_of(nagan, "classifier", logits, batch)
    assert torch.allclose(value, (law(logits, "classifier") * reward).sum(-1).mean())
    value, _ = loss_of(nagan, "discriminator", logits, batch)
    expected = discriminator_loss(
        logits["discriminator"], batch.targets, law(logits, "classifier")
    )
    assert torch.allclose(value, expected)


def test_kdgan_plays_eq_3_in_exact_form(logits, batch):
    alpha, beta, gamma = 0.2, 3.0, 0.7
    kdgan = method("kdgan", estimator="exact", alpha=alpha, beta=beta, gamma=gamma)
    reward = saturating_reward(logits["discriminator"])
    distance = l2_distillation(logits["classifier"], logits["teacher"])
    weights = {"classifier": (alpha, beta), "teacher": (1 - alpha, gamma)}
    for player, (adversarial, distillation) in weights.items():
        value, terms = loss_of(kdgan, player, logits, batch)
        fooled = (law(logits, player) * reward).sum(-1).mean()
        assert torch.allclose(value, adversarial * fooled + distillation * distance)
        assert set(terms) == {"adversarial", "distillation", "supervised"}
    value, _ = loss_of(kdgan, "discriminator", logits, batch)
    mixture = alpha * law(logits, "classifier") + (1 - alpha) * law(logits, "teacher")
    expected = discriminator_loss(logits["discriminator"], batch.targets, mixture)
    assert torch.allclose(value, expected)


def test_kdgan_without_gumbel_differs_by_its_estimator_alone():
    plain, kdgan = method("kdgan_wo_gm"), method("kdgan", estimator="reinforce")
    assert plain.hyperparameters() == kdgan.hyperparameters()
    assert plain.name != kdgan.name


def test_the_released_draws_give_d_5_true_and_20_proposed_labels(logits, batch):
    game = {"positive_draws": 5, "negative_draws": 20, "estimator": "exact"}
    nagan, total = method("nagan", **game), torch.zeros(K).double()
    for seed in range(2000):
        proposed = nagan.proposals(logits, noise(seed))
        total += proposed[0]
        assert torch.allclose(20 * proposed, (20 * proposed).round())
    assert torch.allclose(total / 2000, law(logits, "classifier")[0], atol=0.015)


def test_drawn_labels_move_the_best_d_by_how_many_there_are_of_either_side():
    count, chosen = 20_000, method("nagan", positive_draws=5, negative_draws=20)
    law_u = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
    law_c = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    best = (law_u / (law_u + 4 * law_c)).logit().requires_grad_()
    logits = {"classifier": law_c.log(), "discriminator": best}
    logits = {seat: row.expand(count, 4) for seat, row in logits.items()}
    many = Examples(torch.zeros(count, 1), law_u.expand(count, 4))
    value, _ = loss_of(chosen, "discriminator", logits, many)
    (slope,) = torch.autograd.grad(value, best)
    assert slope.abs().max() < 1e-3


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_smoothed_true_labels_scale_the_best_d(smoothing, logits, batch):
    """Lemma 4.1 with (1 - s) p_u in the place of p_u, over the same sum."""
    nagan, law_u = method("nagan", label_smoothing=smoothing), batch.targets
    best = (1 - smoothing) * law_u / (law_u + law(logits, "classifier"))
    best = best.detach().clamp(1e-9).logit().requires_grad_()
    value, _ = loss_of(nagan, "discriminator", logits | {"discriminator": best}, batch)
    (slope,) = torch.autograd.grad(value, best)
    assert slope.abs().max() < 1e-6


def test_true_labels_are_drawn_from_the_targets_without_nan(logits, batch):
    nagan = method("nagan", positive_draws=5, negative_draws=20)
    value, _ = loss_of(nagan, "discriminator", logits, batch)
    assert torch.isfinite(value)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_can_drive_every_game(estimator, logits, batch):
    for name in ("nagan", "kdgan", "kdgan_wo_gm"):
        chosen = method(name, estimator=estimator, draws=3)
        for phase in chosen.phases():
            given = dict(logits)
            given[phase.player] = logits[phase.player].clone().requires_grad_()
            value, _ = phase.loss(given, batch, noise(), 0.5)
            value.backward()
            assert given[phase.player].grad.abs().sum() > 0


def test_more_draws_lower_the_variance_of_the_adversarial_gradient(logits, batch):
    def gradients(draws):
        chosen = method("nagan", estimator="reinforce", draws=draws)
        found = []
        for seed in range(200):
            leaf = logits["classifier"].clone().requires_grad_()
            given = dict(logits) | {"classifier": leaf}
            chosen.adversarial_loss("classifier", given, noise(seed), 1.0).backward()
            found.append(leaf.grad)
        return torch.stack(found).var(0).sum()

    assert gradients(16) < gradients(1) / 8


def test_pretraining_on_pairs_or_labels_gives_d_another_loss(logits, batch):
    starts = []
    for start in ("pairs", "labels"):
        *_, phase = method("nagan", discriminator_start=start).pretraining()
        assert phase.player == "discriminator"
        starts.append(phase.loss(logits, batch, noise(), 1.0)[0])
    assert torch.equal(starts[1], cross_entropy(logits["discriminator"], batch.targets))
    assert starts[0] != starts[1]


def test_a_weight_of_zero_leaves_an_infinite_term_out_of_the_sum():
    infinite, one = torch.tensor(torch.inf), torch.tensor(1.0)
    total, _ = weighted_sum({"a": (0.0, infinite), "b": (2.0, one)})
    assert total == 2


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("kdgan", {"alpha": 1.5}, "alpha must be at least 0 and at most 1, not 1.5"),
        ("kdgan", {"alpha": "0.5"}, "alpha must be a number, not '0.5'"),
        ("kdgan", {"beta": None}, "beta must be a number, not None"),
        (
            "kdgan",
            {"alfa": 0.5},
            "'kdgan' has no hyperparameter 'alfa'; choose from",
        ),
        ("mimic", {"alpha": 0.5}, "'mimic' has no hyperparameter 'alpha'; it has none"),
        ("kdgan", {"alpha": float("nan")}, "alpha must be at least 0"),
        ("kdgan", {"beta": -1.0}, "beta must be at least 0, not -1.0"),
        (
            "kdgan",
            {"beta": float("nan")},
            "beta must be at least 0 and finite, not nan",
        ),
        ("kdgan", {"beta": math.inf}, "beta must be at least 0 and finite, not inf"),
        ("kdgan", {"tau_start": math.inf}, "tau_start must be above 0 and finite"),
        ("kdgan", {"estimator": "magic"}, "No estimator 'magic'"),
        ("kdgan", {"estimator": "rloo"}, "'rloo' needs draws >= 2"),
        ("kdgan", {"draws": 0}, "needs draws >= 1"),
        ("kdgan", {"distillation": "l3"}, "choose from l2, l2_probabilities, kl"),
        ("kdgan", {"tau_end": 0.0}, "tau_end must be above 0, not 0.0"),
        ("noisy", {"keep": 0.0}, "keep must be above 0 and at most 1, not 0.0"),
        ("codis", {"distillation_temperature": 0.0}, "must be above 0"),
        ("distn", {"distillation_temperature": 0.0}, "must be above 0"),
        ("kdgan", {"teacher_passes": -1}, "teacher_passes must be at least 0"),
        ("kdgan", {"teacher_passes": 2.5}, "teacher_passes must be a whole number"),
        ("nagan", {"draws": 1.5}, "draws must be a whole number, not 1.5"),
        (
            "nagan",
            {"classifier_passes": 0, "discriminator_passes": 0},
            "No player of the game has a pass",
        ),
        ("nagan", {"reward": "none"}, "choose from saturating, nonsaturating"),
        ("nagan", {"schedule": "step"}, "choose from exponential, released"),
        ("nagan", {"discriminator_start": "x"}, "choose from pairs, labels"),
        ("nagan", {"positive_draws": 5}, "both positive_draws and negative_draws"),
        ("nagan", {"label_smoothing": 1.0}, "at least 0 and below 1, not 1.0"),
        ("kdgan_adaptive", {"ratio": math.inf}, "ratio must be above 0 and finite"),
        ("distn", {"distillation": "l2"}, "choose from kl, released_l2"),
        (
            "nagan",
            {"estimator": "bce_to_discriminator", "reward": "nonsaturating"},
            "reads D off the saturating reward",
        ),
    ],
)
def test_a_wrong_hyperparameter_is_refused_with_what_is_allowed(
    name, settings, message
):
    with pytest.raises(ValueError, match=message):
        method(name, **settings)


def test_kl_in_kdgan_is_from_the_others_law_to_the_players_own(logits, batch):
    kdgan = method("kdgan", distillation="kl")
    for student, other in (("classifier", "teacher"), ("teacher", "classifier")):
        _, terms = loss_of(kdgan, student, logits, batch)
        expected = kl_distillation(logits[student], logits[other])
        assert torch.allclose(terms["distillation"], expected)


@pytest.mark.parametrize("player", ["classifier", "teacher"])
def test_the_anchor_of_kdgan_is_the_players_own_cross_entropy(player, logits, batch):
    plain, _ = loss_of(method("kdgan"), player, logits, batch)
    anchored, _ = loss_of(method("kdgan", supervision=2.0), player, logits, batch)
    anchor = cross_entropy(logits[player], batch.targets)
    assert torch.allclose(anchored, plain + 2 * anchor)


def test_without_d_neither_c_nor_t_hears_it(logits, batch):
    silent = method("kdgan", adversarial=0.0, beta=3.0, gamma=0.7)
    distance = l2_distillation(logits["classifier"], logits["teacher"])
    for player, weight in (("classifier", 3.0), ("teacher", 0.7)):
        value, _ = loss_of(silent, player, logits, batch)
        assert torch.allclose(value, weight * distance)


def test_labels_that_c_and_t_draw_for_d_are_mixed_by_alpha(logits):
    kdgan = method("kdgan", alpha=0.2, positive_draws=1, negative_draws=20_000)
    mixture = 0.2 * law(logits, "classifier") + 0.8 * law(logits, "teacher")
    assert torch.allclose(kdgan.proposals(logits, noise()), mixture, atol=0.015)


def test_d_weighs_true_and_proposed_labels_by_how_many_are_drawn(logits, batch):
    nagan = method("nagan", positive_draws=5_000, negative_draws=20_000)
    value, _ = loss_of(nagan, "discriminator", logits, batch)
    expected = discriminator_loss(
        logits["discriminator"], 0.2 * batch.targets, 0.8 * law(logits, "classifier")
    )
    assert torch.allclose(value, expected, rtol=0.01)


def test_noisy_perturbs_a_logit_in_proportion_to_it_and_keeps_its_mean(batch):
    """At keep 1/2 and scale 2 a logit's factor has mean 1 and variance 1 + 4."""
    noisy = method("noisy", keep=0.5, noise_scale=2.0)
    same = dict.fromkeys(("classifier", "teacher"), torch.full((40_000, 2), 3.0))
    value, _ = loss_of(noisy, "classifier", same, batch)
    assert value.item() == pytest.approx(0.5 * 2 * 3.0**2 * (1 + 4), rel=0.03)


@pytest.mark.parametrize("reward", REWARDS)
def test_the_adversarial_loss_is_the_estimators_at_the_temperature_given(
    reward, logits
):
    nagan = method("nagan", estimator="pathwise", draws=3, reward=reward)
    d = logits["discriminator"].sigmoid()
    scores = {"saturating": (1 - d).log(), "nonsaturating": -d.log()}[reward]
    gumbel = noise().gumbel(3, scores)
    expected = estimator("pathwise")(logits["classifier"], scores, gumbel, 0.3).mean()
    found = nagan.adversarial_loss("classifier", logits, noise(), 0.3)
    assert torch.allclose(found, expected)


def test_the_estimators_that_a_method_may_name_are_those_there_are():
    assert set(get_args(EstimatorName)) == set(ESTIMATORS)


def test_a_demonstration_refuses_a_hyperparameter_that_no_method_has():
    with pytest.raises(ValueError, match="No method has a hyperparameter 'betta'"):
        live_run("kdgan", "smoke", betta=1.0)
