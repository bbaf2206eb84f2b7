"""Check the game's dynamics: where they end, and that samples follow the exact ones."""

import math

import pytest
import torch

from kdgan_lib.dynamics import (
    Logits,
    Play,
    Sampling,
    best_answers,
    gradient,
    joint_minimum,
    local_modes,
    play,
    random_starts,
)
from kdgan_lib.estimators import ESTIMATORS
from kdgan_lib.game import DISTILLATIONS, Game

UNBIASED = ("exact", "reinforce", "concrete_density", "reinforce_baseline", "rloo")


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def a_law(seed, *shape):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64).softmax(-1)


@pytest.mark.parametrize("name", sorted(DISTILLATIONS))
def test_theorem_4_2_joint_minimum_is_reached_from_a_hundred_starts(name):
    game = Game(a_law(0, 10), 0.3, 1.0, 0.5, name)
    path = joint_minimum(game, random_starts(game, 100, seeded(1)))
    p_c, p_t, _ = path.last.strategies()
    assert path.distance()[-1].max() < 1e-6
    assert (game.value_at_best_response(p_c, p_t) + math.log(4)).abs().max() < 1e-8


def test_theorem_4_2_joint_minimum_agrees_with_scipy():
    from scipy.optimize import minimize

    game = Game(a_law(2, 4), 0.6, 0.7, 0.2, "kl")

    def excess(flat):
        h, f = torch.from_numpy(flat).reshape(2, 4)
        return float(game.value_at_best_response(h.softmax(-1), f.softmax(-1)))

    theirs = minimize(excess, torch.randn(8, generator=seeded(3)).double().numpy())
    ours = joint_minimum(game, random_starts(game, 1, seeded(3)))
    p_c, _, _ = ours.last.strategies()
    their_p_c = torch.from_numpy(theirs.x[:4]).softmax(-1)
    assert torch.allclose(p_c[0], their_p_c, atol=1e-3)
    assert theirs.fun == pytest.approx(-math.log(4), abs=1e-6)


def test_joint_minimum_handles_several_inputs_and_zero_mass():
    p_u = torch.tensor([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
    game = Game(p_u, 0.5, 1.0, 1.0, "kl", torch.tensor([0.3, 0.7]))
    path = joint_minimum(game, random_starts(game, 5, seeded(4)))
    assert path.distance()[-1].max() < 1e-6


@pytest.mark.parametrize("schedule", ["simultaneous", "alternating"])
@pytest.mark.parametrize("name", sorted(DISTILLATIONS))
def test_algorithm_1_with_exact_gradients_ends_at_the_true_law(schedule, name):
    game = Game(torch.tensor([0.2, 0.3, 0.5]), 0.5, 0.5, 0.5, name)
    rules = Play(steps=3000, schedule=schedule)
    path = play(game, random_starts(game, 8, seeded(5)), rules)
    assert path.distance()[-1].max() < 1e-4
    assert path.doubt()[-1].max() < 1e-3


def test_algorithm_1_moves_nothing_at_the_equilibrium():
    game = Game(a_law(6, 5), 0.3, 1.0, 1.0)
    at = torch.stack([game.p_u.log(), game.p_u.log(), torch.zeros(5).double()])
    start = Logits(*at.unsqueeze(1))
    path = play(game, start, Play(steps=50))
    assert path.distance().max() < 1e-12


def test_algorithm_1_leaves_the_teacher_where_it_started_at_alpha_1_gamma_0():
    game = Game(a_law(7, 5), 1.0, 1.0, 0.0)
    starts = random_starts(game, 3, seeded(8))
    path = play(game, starts, Play(steps=100))
    assert torch.equal(path.last.teacher, starts.teacher)
    assert path.distance()[-1].min() > 0.01


def test_shared_objective_gives_each_player_the_gradient_of_eq3():
    game = Game(a_law(9, 5), 0.3, 0.7, 0.4, "kl")
    state = random_starts(game, 4, seeded(10))
    leaves = Logits(*(table.clone().requires_grad_() for table in state))
    of_value = torch.autograd.grad(game.value_of_logits(*leaves).sum(), leaves)
    signs = {"classifier": 1, "teacher": 1, "discriminator": -1}
    for (player, sign), slope in zip(signs.items(), of_value, strict=True):
        own = gradient(game, player, state, Play(objective="shared"))
        assert torch.allclose(own, sign * slope, atol=1e-12)


def test_one_setting_per_start_equals_each_setting_alone():
    p_u, rules = a_law(11, 4), Play(steps=20)
    alphas = torch.tensor([0.1, 0.9], dtype=torch.float64)
    betas = torch.tensor([0.5, 2.0], dtype=torch.float64)
    both = Game(p_u, alphas, betas, betas)
    starts = random_starts(both, 2, seeded(12))
    together = play(both, starts, rules).last.classifier
    for i in range(2):
        alone = Game(p_u, float(alphas[i]), float(betas[i]), float(betas[i]))
        mine = Logits(*(table[i : i + 1] for table in starts))
        last = play(alone, mine, rules).last.classifier[0]
        assert torch.allclose(last, together[i], atol=1e-12)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_sampled_gradients_of_unbiased_estimators_average_to_the_exact_one(name):
    game = Game(a_law(13, 4), 0.5, 0.0, 0.0)
    state = random_starts(game, 1, seeded(14))
    exact = gradient(game, "classifier", state, Play())
    rule = Sampling(name, num_samples=200_000, temperature=0.7)
    sampled = gradient(game, "classifier", state, Play(), rule, seeded(15))
    close = torch.allclose(sampled, exact, atol=5e-3)
    assert close == (name in UNBIASED) or name in ("pathwise", "straight_through")


def test_sampled_play_is_repeatable_and_stays_near_the_true_law():
    game = Game(torch.tensor([0.2, 0.3, 0.5]), 0.5, 0.5, 0.5)
    starts = random_starts(game, 4, seeded(16))
    rules = Play(steps=1500, step_size=0.1)
    first, again = (
        play(game, starts, rules, Sampling(num_samples=16), seeded(17))
        for _ in range(2)
    )
    assert torch.equal(first.last.classifier, again.last.classifier)
    assert first.distance()[-1].max() < 0.15


def test_the_equilibrium_is_locally_stable_under_algorithm_1():
    game = Game(a_law(18, 3), 0.5, 0.5, 0.5, "kl")
    moduli = local_modes(game, Play(schedule="simultaneous")).abs().sort().values
    # One logit shift of C and one of T change no strategy: two neutral directions.
    assert moduli[-2:].tolist() == pytest.approx([1.0, 1.0], abs=1e-7)
    assert moduli[-3] < 1 - 1e-4


@pytest.mark.parametrize("schedule", ["alternating", "simultaneous"])
@pytest.mark.parametrize(("distillation", "shifts"), [("kl", 2), ("l2_logits", 1)])
def test_shifts_of_logits_are_the_only_neutral_directions_at_each_x(
    schedule, distillation, shifts
):
    game = Game(a_law(18, 2, 3), 0.5, 0.5, 0.5, distillation)
    moduli = local_modes(game, Play(schedule=schedule)).abs().sort().values
    neutral = moduli[-2 * shifts :]
    assert neutral.tolist() == pytest.approx([1.0] * len(neutral), abs=1e-7)
    assert moduli[-2 * shifts - 1] < 1 - 1e-4


def test_the_largest_other_modulus_is_the_rate_at_which_laws_near_the_equilibrium():
    game = Game(a_law(18, 3), 0.5, 0.5, 0.5, "kl")
    modes = local_modes(game, Play())
    slowest = modes[modes.abs().argsort()][-3]
    half = round(math.pi / abs(float(slowest.angle())))  # rounds of half a swing
    rules = Play(steps=600 + half, records=600 + half)
    far = play(game, random_starts(game, 1, seeded(1)), rules).distance()[:, 0]
    rate = float(far[-1] / far[600]) ** (1 / half)
    assert rate == pytest.approx(float(slowest.abs()), rel=1e-3)


def test_steps_to_counts_only_a_final_arrival():
    game = Game(a_law(19, 3))
    path = play(game, random_starts(game, 3, seeded(20)), Play(steps=2000))
    reached = path.steps_to(1e-2)
    below = path.distance()[path.steps >= reached.max()]
    assert (below < 1e-2).all()
    assert path.steps_to(0.0).isinf().all()


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({"schedule": "random"}, "schedule alternating or simultaneous"),
        ({"objective": "none"}, "objective per_player or shared"),
    ],
)
def test_wrong_rules_of_play_are_refused(options, allowed):
    with pytest.raises(ValueError, match=allowed):
        Play(**options)


def test_best_answers_in_turn_are_gibbs_laws_around_the_other_player():
    game = Game(torch.tensor([0.2, 0.3, 0.5]), 0.3, 2.0, 0.5, "reverse_kl")
    path = best_answers(game, random_starts(game, 4, seeded(0)), rounds=1)
    (before_c, c), (before_t, t), (_, d) = path.strategies()
    assert torch.allclose(d, game.optimal_discriminator(before_c, before_t))
    tilted_t = before_c * (1 - d) ** (-0.7 / 0.5)
    tilted_c = t * (1 - d) ** (-0.3 / 2.0)
    assert torch.allclose(t, tilted_t / tilted_t.sum(-1, keepdim=True))
    assert torch.allclose(c, tilted_c / tilted_c.sum(-1, keepdim=True), rtol=1e-12)


@pytest.mark.parametrize(("weight", "arrives"), [(0.1, False), (1.0, True)])
def test_best_answers_arrive_where_distillation_shortens_them(weight, arrives):
    game = Game(torch.tensor([0.2, 0.3, 0.5]), 0.5, weight, weight, "reverse_kl")
    path = best_answers(game, random_starts(game, 5, seeded(1)), rounds=60)
    assert not path.distance().isnan().any()
    assert bool((path.distance()[-1] < 1e-9).all()) == arrives
    assert bool((path.distance()[-1] > 0.1).all()) != arrives


@pytest.mark.parametrize("kind", DISTILLATIONS)
@pytest.mark.parametrize("weights", [(0.5, 0.1, 0.1), (0.3, 0.5, 2.0), (0.5, 0.0, 0.5)])
@pytest.mark.parametrize("law", [[0.2, 0.3, 0.5], [0.5, 0.5, 0.0]])
def test_a_best_answer_is_that_of_the_game_and_a_law(kind, weights, law):
    game = Game(torch.tensor(law, dtype=torch.float64), *weights, kind)
    path = best_answers(game, random_starts(game, 3, seeded(3)), rounds=3)
    p_c, p_t, p_d = path.strategies()
    assert torch.allclose(p_c.sum(-1), torch.ones(4, 3, dtype=torch.float64))
    assert torch.allclose(p_d[1], game.optimal_discriminator(p_c[0], p_t[0]))
    best = game.best_responses(p_c[0], p_t[0], p_d[1])
    assert torch.allclose(p_t[1], best.p_t, atol=1e-9)


def test_weak_distillation_leaps_from_corner_to_corner_and_rests_in_none():
    """Its masses fall below the least float; a zero would hold it in a corner."""
    game = Game(torch.tensor([0.2, 0.3, 0.5]), 0.5, 0.1, 0.1, "reverse_kl")
    path = best_answers(game, random_starts(game, 5, seeded(1)), rounds=60)
    corners = path.strategies().p_c.argmax(-1)[20:]
    assert bool((corners.diff(dim=0) != 0).any(0).all())
    assert float(path.logits.classifier.min()) < math.log(torch.finfo().tiny)


def test_best_answers_without_distillation_are_corners_or_their_middle_at_a_tie():
    game = Game(torch.tensor([0.2, 0.3, 0.5]), 0.5, 0.0, 0.0)
    path = best_answers(game, random_starts(game, 5, seeded(2)), rounds=4)
    assert set(path.strategies().p_c[1:].unique().tolist()) == {0.0, 0.5, 1.0}
