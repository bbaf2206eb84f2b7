"""Check the tabular game against the paper's equations, for up to 50 labels."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kdgan_lib import losses
from kdgan_lib.game import (
    DISTILLATIONS,
    Game,
    Strategies,
    project,
    respond,
    total_variation,
)

LOG4 = math.log(4)
NAMES = sorted(DISTILLATIONS)
quick = settings(max_examples=60, deadline=None)


def law(generator, *shape, sharpness=1.0):
    noise = torch.randn(shape, generator=generator, dtype=torch.float64)
    return (sharpness * noise).softmax(-1)


@st.composite
def games(draw, zeros=False):
    """Draw a game, two laws and a discriminator, K in 2..50, sometimes several x."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    num_labels = draw(st.integers(2, 50))
    shape = draw(st.sampled_from([(num_labels,), (3, num_labels)]))
    sharpness = draw(st.sampled_from([0.1, 1.0, 4.0]))
    p_u, p_c, p_t = (law(generator, *shape, sharpness=sharpness) for _ in range(3))
    if zeros:
        p_u, p_c, p_t = (without(p, generator) for p in (p_u, p_c, p_t))
    weights = None if len(shape) == 1 else law(generator, 3)
    scale = st.just(0.0) | st.floats(1e-3, 20.0)
    # 1 - D* would round to zero in float64 at an alpha near the smallest number.
    alpha = draw(st.sampled_from([0.0, 1.0]) | st.floats(1e-3, 0.999))
    game = Game(
        p_u, alpha, draw(scale), draw(scale),
        draw(st.sampled_from(NAMES)), weights,
    )  # fmt: skip
    p_d = torch.rand(shape, generator=generator, dtype=torch.float64)
    return game, Strategies(p_c, p_t, p_d.clamp(1e-3, 1 - 1e-3))


def without(p, generator):
    """Take the mass of about half the labels away, never of all."""
    keep = torch.rand(p.shape, generator=generator) < 0.5
    keep[..., 0] = True
    return p * keep / (p * keep).sum(-1, keepdim=True)


@quick
@given(games(zeros=True), st.integers(0, 1000))
def test_eq4_mixture_of_expectations_is_expectation_under_the_mixture(drawn, seed):
    game, (p_c, p_t, _) = drawn
    f = torch.randn(p_c.shape, generator=torch.Generator().manual_seed(seed)).double()
    apart = game.alpha * (p_c * f).sum(-1) + (1 - game.alpha) * (p_t * f).sum(-1)
    together = (game.mixture(p_c, p_t) * f).sum(-1)
    assert torch.allclose(apart, together, rtol=0, atol=1e-10)


@quick
@given(games())
def test_eq5_value_at_best_discriminator_is_two_js_plus_distillation(drawn):
    game, (p_c, p_t, _) = drawn
    best = game.optimal_discriminator(p_c, p_t)
    gap = game.value(p_c, p_t, best) - game.value_at_best_response(p_c, p_t)
    assert abs(float(gap)) < 1e-10 * max(1.0, abs(float(game.value(p_c, p_t, best))))


def test_a_label_without_mass_has_no_gradient_and_one_with_mass_needs_a_d_inside():
    game = Game(torch.tensor([1.0, 0.0]))
    one = torch.tensor([1.0, 0.0], dtype=torch.float64)
    p_d = torch.tensor([0.5, 0.0], dtype=torch.float64, requires_grad=True)
    value = game.adversarial(one, one, p_d)
    (slope,) = torch.autograd.grad(value, p_d)
    assert (value.item(), slope[1].item()) == (pytest.approx(-LOG4), 0.0)
    assert game.adversarial(one, one, 1 - 2 * p_d).item() == -math.inf


@quick
@given(games(zeros=True))
def test_eq5_holds_with_zero_mass(drawn):
    game, (p_c, p_t, _) = drawn
    game = Game(game.p_u, game.alpha, 0.0, 0.0, weights=game.weights)
    best = game.optimal_discriminator(p_c, p_t)
    gap = game.value(p_c, p_t, best) - game.value_at_best_response(p_c, p_t)
    assert abs(float(gap)) < 1e-10


@quick
@given(games())
def test_lemma_4_1_gradient_is_zero_and_curvature_negative_at_d_star(drawn):
    game, (p_c, p_t, _) = drawn
    best = game.optimal_discriminator(p_c, p_t).requires_grad_()
    value = game.adversarial(p_c, p_t, best)
    (slope,) = torch.autograd.grad(value, best, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), best)  # separable: the diagonal
    terms = game.p_u / best + game.mixture(p_c, p_t) / (1 - best)
    # D* is rounded, and so is 1 - D*: each by up to eps, which counts against its size.
    rounding = 16 * torch.finfo(torch.float64).eps / (best * (1 - best))
    assert (slope.abs() <= rounding * terms).all()
    assert (curvature < 0).all()


@quick
@given(games(zeros=True))
def test_lemma_4_1_no_other_discriminator_does_better(drawn):
    game, (p_c, p_t, p_d) = drawn
    best = game.adversarial(p_c, p_t, game.optimal_discriminator(p_c, p_t))
    assert game.adversarial(p_c, p_t, p_d) <= best + 1e-12


@quick
@given(games())
def test_lemma_4_1_value_is_strictly_concave_in_d_where_mass_is_positive(drawn):
    game, (p_c, p_t, p_d) = drawn
    best = game.optimal_discriminator(p_c, p_t)
    if (p_d - best).abs().max() < 1e-3:
        return
    ends = game.adversarial(p_c, p_t, p_d) + game.adversarial(p_c, p_t, best)
    assert game.adversarial(p_c, p_t, (p_d + best) / 2) > ends / 2


def test_lemma_4_1_d_is_a_half_where_nobody_puts_mass():
    p = torch.tensor([0.5, 0.5, 0.0])
    game = Game(p)
    assert game.optimal_discriminator(p, p).tolist() == [0.5, 0.5, 0.5]
    assert float(game.value(*game.equilibrium())) == pytest.approx(-LOG4)


@quick
@given(games(zeros=True))
def test_theorem_4_2_value_at_best_response_is_at_least_minus_log_four(drawn):
    game, (p_c, p_t, _) = drawn
    assert game.value_at_best_response(p_c, p_t) >= -LOG4 - 1e-12


@quick
@given(games())
def test_theorem_4_2_equality_only_at_the_true_law(drawn):
    game, (p_c, p_t, _) = drawn
    at_truth = game.value_at_best_response(game.p_u, game.p_u)
    assert float(at_truth) == pytest.approx(-LOG4, abs=1e-12)
    off = total_variation(p_c, game.p_u).max()
    if min(game.alpha, game.beta, game.gamma) > 1e-2 and off > 1e-3:
        assert game.value_at_best_response(p_c, p_t) > -LOG4 + 1e-9


@quick
@given(games())
def test_theorem_4_2_gradient_vanishes_at_the_equilibrium(drawn):
    game, _ = drawn
    h, f, g = (torch.zeros_like(game.p_u) for _ in range(3))
    h, f = h + game.p_u.log(), f + game.p_u.log()
    for table in (h, f, g):
        table.requires_grad_()
    slopes = torch.autograd.grad(game.value_of_logits(h, f, g).sum(), (h, f, g))
    assert max(float(slope.abs().max()) for slope in slopes) < 1e-12


@quick
@given(games())
def test_eq1_nagan_is_the_game_without_a_teacher(drawn):
    drawn_game, (p_c, p_t, p_d) = drawn
    game = Game.nagan(drawn_game.p_u, drawn_game.weights)
    value = game.value(p_c, p_t, p_d)
    terms = game.p_u * p_d.log() + p_c * (1 - p_d).log()
    assert torch.allclose(value, game.mean_over_x(terms.sum(-1)), atol=1e-10)
    best = game.value_at_best_response(p_c, p_t)
    alone = 2 * game.jensen_shannon(p_c, p_c) - LOG4
    assert torch.allclose(best, alone, atol=1e-12)


def test_eq1_nagan_equilibrium_leaves_the_teacher_free():
    p_u = law(torch.Generator().manual_seed(0), 10)
    p_t = law(torch.Generator().manual_seed(1), 10)
    value = Game.nagan(p_u).value_at_best_response(p_u, p_t)
    assert float(value) == pytest.approx(-LOG4, abs=1e-12)


@quick
@given(games(), st.floats(1e-4, 1e-2))
def test_without_distillation_a_family_of_wrong_laws_is_as_good(drawn, size):
    drawn_game, _ = drawn
    alpha = min(max(drawn_game.alpha, 0.1), 0.9)
    game = Game(drawn_game.p_u, alpha, 0.0, 0.0)
    way = torch.zeros_like(game.p_u)
    way[..., 0], way[..., 1] = 1.0, -1.0
    # A share of the two masses that move: a share of the least is lost in rounding.
    point = game.undistilled_family(way, size * float(game.p_u[..., :2].min()))
    assert total_variation(point.p_c, game.p_u).min() > 0
    assert float(game.value(*point)) == pytest.approx(-LOG4, abs=1e-12)
    held = Game(game.p_u, alpha, 1.0, 1.0)
    assert held.value(*point) > game.value(*point)


def test_the_family_refuses_to_leave_the_simplex():
    game = Game(torch.tensor([0.5, 0.5]), 0.5, 0.0, 0.0)
    with pytest.raises(ValueError, match="smaller size"):
        game.undistilled_family(torch.tensor([1.0, -1.0]), 2.0)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_at_extreme_alpha_one_player_is_held_only_by_distillation(alpha):
    generator = torch.Generator().manual_seed(2)
    p_u, wrong = law(generator, 5), law(generator, 5)
    free, held = Game(p_u, alpha, 0, 0), Game(p_u, alpha, 1.0, 0.0)
    pair = (p_u, wrong) if alpha == 1 else (wrong, p_u)
    assert float(free.value_at_best_response(*pair)) == pytest.approx(-LOG4, abs=1e-12)
    assert float(held.value_at_best_response(*pair)) > -LOG4 + 1e-3


@quick
@given(games(), st.floats(-5, 5).filter(lambda shift: abs(shift) > 1e-2))
def test_l2_on_logits_sees_a_shift_that_no_distribution_sees(drawn, shift):
    game, (p_c, _, p_d) = drawn
    h = p_c.log()
    for name in NAMES:
        twin = Game(game.p_u, 0.5, 1.0, 1.0, name)
        moved = twin.value_of_logits(h, h + shift, p_d.logit())
        still = twin.value_of_logits(h, h, p_d.logit())
        expected = h.shape[-1] * shift**2 if name == "l2_logits" else 0.0
        assert float((moved - still).mean()) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_distillation_is_zero_exactly_when_laws_agree(name):
    generator = torch.Generator().manual_seed(3)
    h, f = torch.randn((2, 20, 7), generator=generator, dtype=torch.float64)
    assert DISTILLATIONS[name](h, h).abs().max() < 1e-12
    assert DISTILLATIONS[name](h, f).min() > 0


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("l2_logits", losses.l2_distillation),
        ("l2_probabilities", losses.l2_probability_distillation),
        ("kl", losses.kl_distillation),
        ("reverse_kl", losses.reverse_kl_distillation),
    ],
)
def test_table_and_network_distillation_losses_agree(name, loss):
    generator = torch.Generator().manual_seed(4)
    h, f = torch.randn((2, 20, 7), generator=generator, dtype=torch.float64)
    assert torch.allclose(DISTILLATIONS[name](h, f).mean(), loss(h, f))


def test_kl_handles_zero_mass_on_either_side():
    student = torch.tensor([0.5, 0.5, 0.0]).log()
    teacher = torch.tensor([1.0, 0.0, 0.0]).log()
    assert float(DISTILLATIONS["kl"](student, teacher)) == pytest.approx(math.log(2))
    assert float(DISTILLATIONS["kl"](teacher, student)) == math.inf


@pytest.mark.parametrize("name", ["kl", "reverse_kl"])
def test_distillation_gradient_is_student_minus_teacher_also_at_a_finite_tie(name):
    student = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64).log()
    teacher = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64).log()  # ties at 0
    student.requires_grad_()
    (slope,) = torch.autograd.grad(DISTILLATIONS[name](student, teacher), student)
    p, gap = student.detach().exp(), (student - teacher).detach()
    tilted = p * (gap - (p * gap).sum())  # gradient of KL(student || teacher)
    expected = p - teacher.exp() if name == "kl" else tilted
    assert torch.allclose(slope, expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_best_response_beats_other_laws(name):
    generator = torch.Generator().manual_seed(5)
    reward = -3 * torch.rand(4, 6, generator=generator, dtype=torch.float64)
    other = law(generator, 4, 6)

    def cost(p):
        distance = DISTILLATIONS[name](p.log(), other.log())
        return 0.7 * (p * reward).sum(-1) + 0.9 * distance

    best = respond(reward, other, 0.7, 0.9, name)
    assert torch.allclose(best.sum(-1), torch.ones(4, dtype=torch.float64))
    for _ in range(300):
        near = 0.98 * best + 0.02 * law(generator, 4, 6, sharpness=3.0)
        assert (cost(best) <= cost(near) + 1e-12).all()


def test_a_best_response_without_distillation_sits_on_what_d_rates_highest():
    game = Game(torch.tensor([0.2, 0.3, 0.5]), 0.5, 0.0, 0.0)
    p_d = torch.tensor([0.4, 0.9, 0.1], dtype=torch.float64)
    answer = game.best_responses(game.p_u, game.p_u, p_d)
    assert answer.p_c.tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("name", NAMES)
def test_theorem_4_2_equilibrium_is_its_own_best_response(name):
    game = Game(law(torch.Generator().manual_seed(6), 8), 0.4, 1.0, 0.5, name)
    point = game.equilibrium()
    for mine, best in zip(point, game.best_responses(*point), strict=True):
        assert torch.allclose(mine, best, atol=1e-8)


def test_projection_is_the_identity_on_the_simplex():
    p = law(torch.Generator().manual_seed(7), 5, 9)
    assert torch.allclose(project(p), p)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 1.2}, "alpha"),
        ({"beta": -1.0}, "beta"),
        ({"distillation": "cosine"}, "distillation"),
    ],
)
def test_a_wrong_game_is_refused_in_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        Game(torch.tensor([0.5, 0.5]), **options)


def test_a_law_that_does_not_sum_to_one_is_refused():
    with pytest.raises(ValueError, match="p_u"):
        Game(torch.tensor([0.5, 0.6]))


@pytest.mark.parametrize("weights", [[1.0, 1.0], [1.5, -0.5], [1.0], [[0.5, 0.5]]])
def test_weights_that_are_no_law_of_x_are_refused(weights):
    p_u = torch.full((2, 3), 1 / 3)
    with pytest.raises(ValueError, match="one non-negative number per row of p_u"):
        Game(p_u, weights=torch.tensor(weights))


def test_the_penalty_is_beta_times_cs_distillation_and_gamma_times_ts():
    generator = torch.Generator().manual_seed(8)
    h, f = torch.randn((2, 20, 7), generator=generator, dtype=torch.float64)
    game = Game(law(generator, 20, 7), 0.3, 0.7, 0.2, "kl")
    expected = 0.7 * losses.kl_distillation(h, f) + 0.2 * losses.kl_distillation(f, h)
    assert torch.allclose(game.penalty(h, f), expected)


def test_the_mean_over_x_is_weighted_by_its_law():
    game = Game(torch.full((2, 3), 1 / 3), weights=torch.tensor([0.9, 0.1]))
    assert float(game.mean_over_x(torch.tensor([1.0, 11.0]))) == pytest.approx(2.0)


def test_total_variation_is_one_where_laws_share_no_label():
    assert total_variation(torch.eye(3)[0], torch.eye(3)[1]) == 1


@pytest.mark.parametrize(
    ("player", "beta", "gamma"), [("p_c", 0.9, 0), ("p_t", 0, 0.9)]
)
def test_best_responses_minimise_the_value_where_the_other_player_distils_nothing(
    player, beta, gamma
):
    generator = torch.Generator().manual_seed(9)
    game = Game(law(generator, 6), 0.2, beta, gamma, "kl")
    point = Strategies(*law(generator, 3, 6))
    best = getattr(game.best_responses(*point), player)
    for _ in range(300):
        near = 0.98 * best + 0.02 * law(generator, 6, sharpness=3.0)
        values = [game.value(*point._replace(**{player: p})) for p in (best, near)]
        assert values[0] <= values[1] + 1e-12
