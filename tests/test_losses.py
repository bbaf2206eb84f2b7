"""Check the losses of Eq. 3 by properties and by their optima (Lemma 4.1)."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kdgan_lib.losses import (
    cross_entropy,
    discriminator_loss,
    kl_distillation,
    l2_distillation,
    l2_probability_distillation,
    nonsaturating_reward,
    pair_loss,
    released_l2_distillation,
    reverse_kl_distillation,
    saturating_reward,
)

seeds = st.integers(0, 2**31)
temperatures = st.floats(0.5, 20.0)
DISTILLATIONS = [
    l2_distillation,
    l2_probability_distillation,
    kl_distillation,
    reverse_kl_distillation,
]
KLS = [kl_distillation, reverse_kl_distillation]
each_loss = pytest.mark.parametrize("loss", DISTILLATIONS)


def normal(seed, *shape, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def gradient(loss, logits, *rest):
    leaf = logits.clone().requires_grad_()
    loss(leaf, *rest).backward()
    return leaf.grad


@each_loss
@given(seeds)
def test_distillation_is_zero_when_student_equals_teacher(loss, seed):
    logits = normal(seed, 5, 10, scale=4.0)
    assert loss(logits, logits.clone()).item() == pytest.approx(0, abs=1e-12)
    assert gradient(loss, logits, logits.clone()).abs().max() < 1e-12


@each_loss
@given(seeds)
def test_distillation_is_positive_when_the_distributions_differ(loss, seed):
    student, teacher = normal(seed, 5, 10), normal(seed + 1, 5, 10)
    assert loss(student, teacher).item() > 0


@pytest.mark.parametrize("loss", KLS)
@given(seeds, temperatures)
def test_kl_follows_the_textbook_sum(loss, seed, temperature):
    student, teacher = normal(seed, 4, 7), normal(seed + 1, 4, 7)
    q, p = (x.div(temperature).softmax(-1) for x in (student, teacher))
    if loss is reverse_kl_distillation:
        p, q = q, p
    expected = temperature**2 * (p * (p / q).log()).sum(-1).mean()
    found = loss(student, teacher, temperature)
    assert torch.allclose(found, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("loss", [*KLS, l2_probability_distillation])
@given(seeds, st.floats(-20, 20))
def test_distances_of_distributions_ignore_a_shift_of_the_logits(loss, seed, shift):
    student, teacher = normal(seed, 4, 7), normal(seed + 1, 4, 7)
    assert torch.allclose(
        loss(student + shift, teacher), loss(student, teacher), atol=1e-9
    )


@given(seeds, st.floats(0.1, 10.0))
def test_l2_on_logits_sees_a_shift_that_softmax_does_not(seed, shift):
    logits = normal(seed, 4, 7)
    moved = logits + shift
    assert torch.allclose(moved.softmax(-1), logits.softmax(-1))
    found = l2_distillation(moved, logits).item()
    assert found == pytest.approx(0.5 * 7 * shift**2, rel=1e-6)


def test_l2_distillation_is_half_the_squared_distance_per_example():
    student = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    teacher = torch.tensor([[0.0, 0.0], [0.0, 4.0]])
    assert l2_distillation(student, teacher).item() == (0.5 * 5 + 0.5 * 16) / 2


@pytest.mark.parametrize("loss", [*DISTILLATIONS, cross_entropy])
@given(seeds)
def test_a_loss_is_the_mean_over_the_batch_and_the_sum_over_labels(loss, seed):
    student = normal(seed, 6, 10)
    teacher = normal(seed + 1, 6, 10)
    if loss is cross_entropy:
        teacher = teacher.softmax(-1)
    alone = [loss(student[i : i + 1], teacher[i : i + 1]) for i in range(6)]
    assert torch.allclose(loss(student, teacher), torch.stack(alone).mean())


@given(seeds)
def test_the_factor_t_squared_keeps_the_gradients_size_as_t_grows(seed):
    student, teacher = normal(seed, 4, 10), normal(seed + 1, 4, 10)
    sizes = [
        gradient(kl_distillation, student, teacher, t).norm() for t in (20.0, 200.0)
    ]
    assert sizes[0] / sizes[1] == pytest.approx(1, abs=0.2)


@given(seeds)
def test_at_a_high_temperature_kl_is_the_l2_of_centred_logits(seed):
    # Hinton et al. (2015), Eq. 4: K T^2 KL -> half the squared distance.
    student, teacher = normal(seed, 4, 10), normal(seed + 1, 4, 10)
    centred = [x - x.mean(-1, keepdim=True) for x in (student, teacher)]
    found = 10 * kl_distillation(student, teacher, 1e4)
    assert torch.allclose(found, l2_distillation(*centred), rtol=1e-2)


@given(seeds, temperatures)
def test_the_released_softened_l2_does_not_depend_on_its_temperature(seed, temperature):
    # T^2 mean((z_t / T - z_c / T)^2): the two factors cancel.
    student, teacher = normal(seed, 4, 10), normal(seed + 1, 4, 10)
    found = released_l2_distillation(student, teacher, temperature)
    assert torch.allclose(found, (student - teacher).square().mean())


@given(seeds)
def test_cross_entropy_agrees_with_torch_and_takes_several_true_labels(seed):
    logits, targets = normal(seed, 4, 7), normal(seed + 1, 4, 7).softmax(-1)
    expected = torch.nn.functional.cross_entropy(logits, targets)
    assert torch.allclose(cross_entropy(logits, targets), expected)


INFINITE = torch.tensor([[0.0, 1.0, -torch.inf]], dtype=torch.float64)


def test_kl_asks_for_finite_logits():
    finite = torch.zeros_like(INFINITE)
    assert kl_distillation(finite, INFINITE).isnan()
    assert kl_distillation(INFINITE, INFINITE).isnan()
    assert kl_distillation(INFINITE, finite).item() == torch.inf


def test_cross_entropy_asks_for_finite_logits():
    first, last = torch.eye(3, dtype=torch.float64)[[0, 2]].split(1)
    assert cross_entropy(INFINITE, first).isnan()
    assert cross_entropy(INFINITE, last).item() == torch.inf


def bernoulli(seed):
    """Return p_u and p_alpha [3, 10], no entry zero."""
    return normal(seed, 3, 10).softmax(-1), normal(seed + 1, 3, 10).softmax(-1)


@given(seeds)
def test_lemma_4_1_the_discriminator_is_optimal_at_p_u_over_p_u_plus_p_alpha(seed):
    p_u, p_alpha = bernoulli(seed)
    best = (p_u / (p_u + p_alpha)).logit()
    assert gradient(discriminator_loss, best, p_u, p_alpha).abs().max() < 1e-12
    for step in (0.3, -0.3):
        moved = discriminator_loss(best + step, p_u, p_alpha)
        assert moved > discriminator_loss(best, p_u, p_alpha)


@given(seeds)
def test_the_released_5_to_20_draws_move_the_optimum_to_p_u_over_p_u_plus_4_p(seed):
    p_u, p_alpha = bernoulli(seed)
    best = (p_u / (p_u + 4 * p_alpha)).logit()
    found = gradient(discriminator_loss, best, p_u * 5 / 25, p_alpha * 20 / 25)
    assert found.abs().max() < 1e-12


@given(seeds)
def test_the_pair_loss_is_optimal_at_p_u_over_p_u_plus_one_over_k(seed):
    p_u, _ = bernoulli(seed)
    best = (p_u / (p_u + 1 / 10)).logit()
    assert gradient(pair_loss, best, p_u).abs().max() < 1e-12


def test_rewards_are_log_one_minus_d_and_minus_log_d():
    g = normal(0, 3, 10)
    assert torch.allclose(saturating_reward(g), (1 - g.sigmoid()).log())
    assert torch.allclose(nonsaturating_reward(g), -g.sigmoid().log())


def test_both_rewards_fall_as_the_discriminator_finds_a_label_more_real():
    g = torch.linspace(-5, 5, 11)
    assert (saturating_reward(g).diff() < 0).all()
    assert (nonsaturating_reward(g).diff() < 0).all()


@each_loss
def test_players_of_different_shapes_are_refused_in_one_sentence(loss):
    with pytest.raises(ValueError, match="one logit per label"):
        loss(torch.zeros(2, 10), torch.zeros(2, 9))


@pytest.mark.parametrize("shape", [(2, 1), (2, 9), (10,)])
def test_weights_of_another_shape_than_ds_logits_are_refused(shape):
    logits, weights, other = torch.zeros(2, 10), torch.zeros(2, 10), torch.zeros(shape)
    for positive, negative in ((weights, other), (other, weights)):
        with pytest.raises(ValueError, match="disagree on shape"):
            discriminator_loss(logits, positive, negative)
