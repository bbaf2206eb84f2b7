"""Check the adaptive weights: as declared, blind to scale, without gradient."""

import pytest
import torch

from kdgan_lib import losses, randomness
from kdgan_lib.beyond_grids import BEYOND, RATIOS, beyond
from kdgan_lib.data import Examples
from kdgan_lib.experiments import declare, from_configuration
from kdgan_lib.grids import figure3a
from kdgan_lib.loop.schedule import stages, updates_per_epoch
from kdgan_lib.methods import Noise, method
from kdgan_lib.methods.adaptive import AdaptiveKDGAN, balance, doubt
from kdgan_lib.methods.kdgan import DISTILLATION_LOSSES, KDGAN
from kdgan_lib.train import fit
from tests.toys import BUDGET, players_of, split

B, K, TAU = 6, 5, 0.7
ROLES = {"classifier": "teacher", "teacher": "classifier"}
both = pytest.mark.parametrize("player", ROLES)


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(0)
    seats = (*ROLES, "discriminator")
    return {s: torch.randn(B, K, generator=generator).double() for s in seats}


@pytest.fixture
def batch():
    return Examples(torch.zeros(B, 1), torch.eye(K).double()[torch.arange(B) % K])


def noise():
    return Noise(randomness.derive(0, "noise"))


def loss(chosen, player, logits, batch):
    """Return a player's loss, its gradient at the logits, and its named terms."""
    leaf = logits[player].clone().requires_grad_()
    function = getattr(chosen, f"{player}_loss")
    value, terms = function(logits | {player: leaf}, batch, noise(), TAU)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value, gradient, terms


def parts(chosen, player, logits):
    """Return the gradients of the two unweighted terms at the player's logits."""
    leaf = logits[player].clone().requires_grad_()
    seen = logits | {player: leaf}
    terms = (
        chosen.adversarial_loss(player, seen, noise(), TAU),
        losses.l2_distillation(leaf, logits[ROLES[player]]),
    )
    return [torch.autograd.grad(term, leaf)[0] for term in terms]


@both
def test_distillation_pulls_ratio_times_as_hard_as_d(player, logits, batch):
    chosen = AdaptiveKDGAN(ratio=7.0)
    _, gradient, terms = loss(chosen, player, logits, batch)
    adversarial, distilled = parts(chosen, player, logits)
    wanted = 7.0 if player == "classifier" else 1 / 7.0
    pulls = terms["share"] * adversarial, terms["distillation_weight"] * distilled
    assert torch.allclose(
        pulls[1].norm() / pulls[0].norm(), torch.tensor(wanted).double()
    )
    assert torch.allclose(gradient, sum(pulls))


@both
def test_scaling_the_distillation_loss_changes_nothing(
    player, logits, batch, monkeypatch
):
    _, before, weights = loss(AdaptiveKDGAN(), player, logits, batch)
    monkeypatch.setitem(
        DISTILLATION_LOSSES, "l2", lambda h, f: 1e4 * losses.l2_distillation(h, f)
    )
    _, after, scaled = loss(AdaptiveKDGAN(), player, logits, batch)
    assert torch.allclose(before, after)
    key = "distillation_weight"
    assert torch.allclose(scaled[key], weights[key] / 1e4)


@both
def test_scaling_the_adversarial_term_scales_the_whole_gradient(player, logits, batch):
    _, once, _ = loss(AdaptiveKDGAN(), player, logits, batch)
    _, thrice, _ = loss(AdaptiveKDGAN(adversarial=3.0), player, logits, batch)
    assert torch.allclose(3 * once, thrice)  # a step of Adam does not see the factor


@both
def test_beta_and_gamma_are_not_read(player, logits, batch):
    value, _, _ = loss(AdaptiveKDGAN(), player, logits, batch)
    other, _, _ = loss(AdaptiveKDGAN(beta=9.0, gamma=9.0), player, logits, batch)
    assert torch.equal(value, other)


@both
def test_at_its_own_weights_the_fixed_kdgan_has_the_same_loss(player, logits, batch):
    value, gradient, terms = loss(AdaptiveKDGAN(), player, logits, batch)
    share, weight = (float(terms[k]) for k in ("share", "distillation_weight"))
    alpha = share if player == "classifier" else 1 - share
    fixed = KDGAN(alpha=alpha, beta=weight, gamma=weight)
    same, same_gradient, _ = loss(fixed, player, logits, batch)
    assert torch.allclose(value, same)
    assert torch.allclose(gradient, same_gradient)


def test_no_gradient_passes_through_the_weight():
    at = torch.tensor([1.0, 2.0], requires_grad=True)
    weight = balance(at.square().sum(), at.sum(), at, 2.0)
    assert isinstance(weight, float)
    assert weight == pytest.approx(2 * 2 * 5**0.5 / 2**0.5)


def test_equal_players_leave_the_distillation_out_instead_of_dividing_by_zero(batch):
    same = torch.ones(B, K).double()
    seen = {"classifier": same, "teacher": same, "discriminator": same}
    value, _, terms = loss(AdaptiveKDGAN(), "classifier", seen, batch)
    assert terms["distillation_weight"] == 0
    assert torch.isfinite(value)


def test_alpha_is_c_s_share_of_d_s_doubt(logits):
    false = 1 - logits["discriminator"].sigmoid()
    doubts = {p: (logits[p].softmax(-1) * false).sum(-1).mean().item() for p in ROLES}
    assert doubt(logits, "classifier") == pytest.approx(doubts["classifier"])
    shares = AdaptiveKDGAN().shares(logits)
    assert shares["classifier"] == pytest.approx(
        doubts["classifier"] / sum(doubts.values())
    )
    assert sum(shares.values()) == pytest.approx(1)


def test_alpha_grows_when_d_sees_through_c_and_is_half_for_equal_players(logits):
    equal = logits | {"teacher": logits["classifier"]}
    assert AdaptiveKDGAN().shares(equal)["classifier"] == pytest.approx(0.5)
    doubted = -5 * logits["classifier"]  # D takes C's favourite labels for false
    teacher = -logits["classifier"]
    seen = logits | {"teacher": teacher, "discriminator": doubted}
    assert AdaptiveKDGAN().shares(seen)["classifier"] > 0.5


def test_a_fixed_alpha_is_taken_as_given(logits):
    chosen = AdaptiveKDGAN(alpha=0.2, alpha_rule="fixed")
    assert chosen.shares(logits) == {"classifier": 0.2, "teacher": 0.8}


def test_d_judges_the_mixture_at_the_present_alpha(logits):
    alpha = AdaptiveKDGAN().shares(logits)["classifier"]
    laws = [logits[p].softmax(-1) for p in ("classifier", "teacher")]
    wanted = alpha * laws[0] + (1 - alpha) * laws[1]
    assert torch.allclose(AdaptiveKDGAN().proposals(logits, noise()), wanted)


def test_the_anchor_is_added_and_the_losses_are_pure(logits, batch):
    plain, _, _ = loss(AdaptiveKDGAN(), "classifier", logits, batch)
    again, _, _ = loss(AdaptiveKDGAN(), "classifier", logits, batch)
    anchored, _, _ = loss(AdaptiveKDGAN(supervision=2.0), "classifier", logits, batch)
    assert torch.equal(plain, again)
    anchor = losses.cross_entropy(logits["classifier"], batch.targets)
    assert torch.allclose(anchored, plain + 2 * anchor)


@pytest.mark.parametrize(
    "wrong", [{"ratio": 0.0}, {"ratio": float("nan")}, {"adversarial": 0.0}]
)
def test_a_setting_that_balances_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="must be above 0"):
        AdaptiveKDGAN(**wrong)


def test_it_learns_by_fit_and_the_curve_holds_the_weights():
    result = fit("kdgan_adaptive", players_of("kdgan_adaptive"), split(), BUDGET)
    game = result.curve[result.curve.stage == "game"]
    assert result.metrics["test_accuracy"] > 0.8
    assert (game.classifier_distillation_weight > 0).all()
    assert game.classifier_share.between(0, 1).all()


def test_it_is_declared_with_kdgan_s_tuned_rates_and_declared_again_from_its_row():
    run, tuned = declare("kdgan_adaptive"), declare("kdgan")
    assert run.budget == tuned.budget
    assert run.method.estimator == tuned.method.estimator
    assert from_configuration(run.configuration()) == run


def test_each_run_beyond_the_paper_is_one_change_from_the_tuned_kdgan():
    runs = beyond()
    tuned = declare("kdgan")
    assert {run.seed for run in runs} == set(range(5))
    assert {run.id for run in figure3a()} & {run.id for run in runs}
    wanted = tuned.task.player_updates(tuned.n)
    for run in runs:
        game = stages(run.method, run.budget)[-1]
        per_epoch = updates_per_epoch(game, run.n, run.budget.batch_size)
        assert abs(run.budget.epochs * per_epoch - wanted) <= per_epoch
    assert (
        len(runs)
        == len({run.id for run in runs})
        == 5 * (1 + len(BEYOND) + len(RATIOS))
    )
    assert method("kdgan_adaptive").ratio in RATIOS


@pytest.mark.parametrize("logit", [200.0, float("nan")])
def test_a_d_without_doubt_leaves_the_fixed_alpha(batch, logit):
    seats = ("classifier", "teacher", "discriminator")
    certain = {seat: torch.full((4, 3), logit) for seat in seats}
    chosen = method("kdgan_adaptive", alpha=0.3)
    assert chosen.shares(certain)["classifier"] == pytest.approx(0.3)
