"""Check the gradient estimators of Eq. 8 against enumeration and closed forms."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kdgan_lib.concrete import gumbel, pseudo_label, relaxed_sample
from kdgan_lib.estimators import (
    ESTIMATORS,
    FEWEST_DRAWS,
    estimator,
    rloo,
    sample_gradients,
)
from kdgan_lib.losses import saturating_reward

K = 10
UNBIASED = ["exact", "reinforce", "concrete_density", "reinforce_baseline", "rloo"]
SAMPLED = [name for name in ESTIMATORS if name != "exact"]
seeds = st.integers(0, 2**31)
temperatures = st.floats(0.05, 10.0)


def normal(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


REWARD = saturating_reward(2 * normal(0, K))
LAWS = {"peaked": 2 * normal(1, K), "flat": torch.zeros(K, dtype=torch.float64)}
laws = pytest.mark.parametrize("law", LAWS)


def enumerated(logits, reward):
    """Return the gradient of sum_y p(y) f(y): p (f - E f)."""
    p = logits.softmax(-1)
    return p * (reward - (p * reward).sum(-1, keepdim=True))


def gradients(name, law, count=20_000, tau=1.0):
    generator = torch.Generator().manual_seed(2)
    return sample_gradients(name, LAWS[law], REWARD, count, tau, generator)


def total_variance(name, law, tau=1.0):
    return gradients(name, law, tau=tau).var(0).sum().item()


def bias(name, law, tau=1.0):
    true = enumerated(LAWS[law], REWARD)
    return (gradients(name, law, tau=tau).mean(0) - true).norm().item()


def one_draw(name, logits, reward, noise, tau):
    """Return the gradient by autograd for given noise [draws, K]."""
    leaf = logits.clone().requires_grad_()
    estimator(name)(leaf, reward, noise, tau).mean().backward()
    return leaf.grad


@laws
@pytest.mark.parametrize("name", UNBIASED)
def test_unbiased_estimators_have_the_enumerated_gradient_as_their_mean(name, law):
    found = gradients(name, law)
    error = found.std(0) / len(found) ** 0.5
    distance = (found.mean(0) - enumerated(LAWS[law], REWARD)).abs()
    assert (distance <= 4.5 * error + 1e-12).all()


@laws
def test_enumeration_agrees_with_autograd_and_has_no_variance(law):
    found = gradients("exact", law, count=50)
    assert torch.allclose(found[0], enumerated(LAWS[law], REWARD), atol=1e-14)
    assert found.var(0).max() == 0


@laws
@pytest.mark.parametrize("tau", [0.1, 1.0])
@pytest.mark.parametrize("name", ["relaxed_score", "pathwise", "bce_to_discriminator"])
def test_biased_estimators_are_told_from_the_enumerated_gradient(name, law, tau):
    found = gradients(name, law, count=100_000, tau=tau)
    error = found.std(0) / len(found) ** 0.5
    distance = (found.mean(0) - enumerated(LAWS[law], REWARD)).abs()
    if name == "pathwise" and tau == 0.1:
        assert (distance <= 5 * error + 0.03).all()  # nearly unbiased when cold
    else:
        assert (distance > 5 * error).any()


@laws
def test_the_concrete_density_costs_about_ten_times_the_variance_of_reinforce(law):
    ratio = total_variance("concrete_density", law) / total_variance("reinforce", law)
    assert 8 < ratio < 25


@laws
@given(seeds, temperatures)
def test_the_concrete_density_gradient_is_its_score_at_every_temperature(
    law, seed, tau
):
    logits, noise = LAWS[law], gumbel((1, K), torch.Generator().manual_seed(seed))
    noise = noise.double()
    reward = REWARD[pseudo_label(logits, noise[0])]
    expected = reward * (1 - K * (-noise[0]).softmax(-1))
    found = one_draw("concrete_density", logits, REWARD, noise, tau)
    assert torch.allclose(found, expected, atol=1e-8)


@laws
def test_the_concrete_density_has_the_same_draws_at_every_temperature(law):
    cold, hot = (gradients("concrete_density", law, 500, tau) for tau in (0.1, 5.0))
    assert torch.allclose(cold, hot, atol=1e-8)


@given(seeds, temperatures)
def test_the_score_of_the_relaxed_sample_is_onehot_less_y_over_tau(seed, tau):
    logits, noise = normal(seed, K), normal(seed + 1, 1, K)
    label = pseudo_label(logits, noise[0])
    onehot = torch.eye(K, dtype=torch.float64)[label]
    y = relaxed_sample(logits, noise[0], tau)
    found = one_draw("relaxed_score", logits, REWARD, noise, tau)
    assert torch.allclose(found, REWARD[label] * (onehot - y) / tau, atol=1e-9)


@given(seeds)
def test_the_reinforce_gradient_is_the_reward_times_onehot_less_p(seed):
    logits, noise = normal(seed, K), normal(seed + 1, 1, K)
    label = pseudo_label(logits, noise[0])
    onehot = torch.eye(K, dtype=torch.float64)[label]
    found = one_draw("reinforce", logits, REWARD, noise, 1.0)
    assert torch.allclose(found, REWARD[label] * (onehot - logits.softmax(-1)))


@given(seeds, temperatures)
def test_the_pathwise_gradient_is_y_times_the_centred_reward_over_tau(seed, tau):
    logits, noise = normal(seed, K), normal(seed + 1, 1, K)
    y = relaxed_sample(logits, noise[0], tau)
    expected = y * (REWARD - (y * REWARD).sum()) / tau
    found = one_draw("pathwise", logits, REWARD, noise, tau)
    assert torch.allclose(found, expected, atol=1e-10)


@given(seeds, temperatures)
def test_straight_through_equals_pathwise_because_the_reward_is_linear(seed, tau):
    logits, noise = normal(seed, K), normal(seed + 1, 3, K)
    straight = one_draw("straight_through", logits, REWARD, noise, tau)
    assert torch.allclose(
        straight, one_draw("pathwise", logits, REWARD, noise, tau), atol=1e-12
    )


def test_straight_through_has_the_drawn_labels_reward_as_its_value():
    logits, noise = normal(3, K), normal(4, 6, K)
    values = estimator("straight_through")(logits, REWARD, noise, 0.5)
    assert torch.allclose(values, REWARD[pseudo_label(logits, noise)])


@given(seeds)
def test_the_released_losss_gradient_is_sigmoid_of_the_logit_less_d(seed):
    logits, g, noise = normal(seed, K), normal(seed + 2, K), normal(seed + 1, 1, K)
    label = pseudo_label(logits, noise[0])
    found = one_draw("bce_to_discriminator", logits, saturating_reward(g), noise, 1.0)
    expected = torch.zeros(K, dtype=torch.float64)
    expected[label] = logits[label].sigmoid() - g[label].sigmoid()
    assert torch.allclose(found, expected, atol=1e-12)


@given(seeds)
def test_leave_one_out_with_two_draws_weighs_scores_by_the_rewards_difference(seed):
    logits, noise = normal(seed, K), normal(seed + 1, 2, K)
    first, second = pseudo_label(logits, noise)
    p, onehot = logits.softmax(-1), torch.eye(K, dtype=torch.float64)
    difference = REWARD[first] - REWARD[second]
    expected = 0.5 * difference * ((onehot[first] - p) - (onehot[second] - p))
    found = one_draw("rloo", logits, REWARD, noise, 1.0)
    assert torch.allclose(found, expected, atol=1e-12)


@laws
def test_a_baseline_lowers_the_variance_of_reinforce(law):
    plain = total_variance("reinforce", law)
    assert total_variance("reinforce_baseline", law) < plain
    assert total_variance("rloo", law) < 0.8 * plain


@laws
def test_the_relaxed_score_varies_less_than_reinforce_when_hot_and_more_when_cold(law):
    plain = total_variance("reinforce", law)
    assert total_variance("relaxed_score", law, 1.0) < plain
    assert total_variance("relaxed_score", law, 2.0) < plain
    assert 2.5 < total_variance("relaxed_score", law, 0.1) / plain < 6


@laws
@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_pathwise_has_the_lowest_variance_of_the_sampled_readings_of_eq8(law, tau):
    lowest = total_variance("pathwise", law, tau)
    for name in ("reinforce", "concrete_density", "relaxed_score", "rloo"):
        assert lowest < total_variance(name, law, tau)


@laws
def test_pathwise_varies_more_than_reinforce_when_cold(law):
    plain = total_variance("reinforce", law)
    assert total_variance("pathwise", law, 0.1) > 0.9 * plain


@laws
def test_pathwise_trades_bias_for_variance_by_the_temperature(law):
    biases = [bias("pathwise", law, tau) for tau in (0.5, 1.0, 2.0, 5.0)]
    variances = [total_variance("pathwise", law, tau) for tau in (0.5, 1.0, 2.0, 5.0)]
    assert biases == sorted(biases)
    assert variances == sorted(variances, reverse=True)


@laws
def test_biases_are_of_the_size_of_the_gradient_at_temperature_one(law):
    size = enumerated(LAWS[law], REWARD).norm().item()
    assert bias("pathwise", law) < 0.35 * size
    assert 0.25 * size < bias("relaxed_score", law) < 1.2 * size
    assert bias("bce_to_discriminator", law) > 0.5 * size


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_mean_over_draws_and_batch_positions_is_that_of_single_examples(name):
    draws = FEWEST_DRAWS[name]
    logits, reward = normal(5, 4, K), saturating_reward(normal(6, 4, K))
    noise = gumbel((draws, 4, K), torch.Generator().manual_seed(7)).double()
    losses = estimator(name)(logits, reward, noise, 0.7)
    assert losses.shape == (draws, 4)
    for i in range(4):
        alone = estimator(name)(logits[i], reward[i], noise[:, i], 0.7)
        assert torch.allclose(losses[:, i], alone, atol=1e-12)


@pytest.mark.parametrize("name", [n for n in ESTIMATORS if n != "bce_to_discriminator"])
@given(seeds, temperatures)
def test_a_shift_of_all_logits_leaves_the_gradient_unchanged(name, seed, tau):
    logits, noise = normal(seed, K), normal(seed + 1, 2, K)
    moved = one_draw(name, logits + 3.0, REWARD, noise, tau)
    assert torch.allclose(moved, one_draw(name, logits, REWARD, noise, tau), atol=1e-7)


@pytest.mark.parametrize("name", [n for n in ESTIMATORS if n != "bce_to_discriminator"])
@given(seeds, temperatures)
def test_gradients_of_the_softmax_estimators_sum_to_zero_over_the_labels(
    name, seed, tau
):
    # Moving all logits together does not move p.
    found = one_draw(name, normal(seed, K), REWARD, normal(seed + 1, 2, K), tau)
    assert abs(found.sum().item()) < 1e-6


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("tau", [0.1, 1.0])
def test_gradients_are_finite_at_logits_of_ten_thousand(name, tau):
    logits = torch.tensor([1e4, -1e4, 0.0, 5e3])
    reward = saturating_reward(torch.tensor([1e4, -1e4, 0.0, 3.0]))
    generator = torch.Generator().manual_seed(0)
    found = sample_gradients(name, logits, reward, 200, tau, generator)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_sample_gradients_repeat_with_the_generator_and_have_one_row_a_sample(name):
    first, second = (gradients(name, "peaked", count=7) for _ in range(2))
    assert first.shape == (7, K)
    assert torch.equal(first, second)


@pytest.mark.parametrize("name", SAMPLED)
def test_samples_differ_from_one_another(name):
    assert gradients(name, "peaked", count=50).var(0).sum() > 0


def test_leave_one_out_refuses_one_draw():
    with pytest.raises(ValueError, match="at least two draws"):
        rloo(normal(0, K), REWARD, normal(1, 1, K), 1.0)


def test_no_sample_averages_fewer_draws_than_its_estimator_needs():
    with pytest.raises(ValueError, match="'rloo' needs draws >= 2"):
        sample_gradients("rloo", normal(0, K), REWARD, 5, draws=1)
    with pytest.raises(ValueError, match="'exact' needs draws >= 1"):
        sample_gradients("exact", normal(0, K), REWARD, 5, draws=0)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_without_a_number_a_sample_averages_the_fewest_draws(name):
    usual, told = (
        sample_gradients(name, normal(0, K), REWARD, 5, generator=g, **fewest)
        for g, fewest in (
            (torch.Generator().manual_seed(0), {}),
            (torch.Generator().manual_seed(0), {"draws": FEWEST_DRAWS[name]}),
        )
    )
    assert torch.equal(usual, told)


def test_an_unknown_name_lists_the_names():
    with pytest.raises(ValueError, match="No estimator 'reinfroce'") as caught:
        sample_gradients("reinfroce", normal(0, K), REWARD, 1)
    for name in ESTIMATORS:
        assert name in str(caught.value)
