"""Check Gumbel noise, the concrete distribution and its temperature (Eq. 9)."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kdgan_lib.concrete import (
    exponential_temperature,
    gumbel,
    log_density,
    log_relaxed_sample,
    pseudo_label,
    relaxed_sample,
    released_temperature,
)

temperatures = st.floats(0.05, 20.0)
seeds = st.integers(0, 2**31)


def draws(seed, *shape, dtype=torch.float64):
    return gumbel(shape, torch.Generator().manual_seed(seed), dtype)


def test_gumbel_noise_has_the_mean_and_variance_of_the_gumbel_law():
    noise = draws(0, 200_000)
    assert noise.mean().item() == pytest.approx(0.5772, abs=0.01)
    assert noise.var().item() == pytest.approx(math.pi**2 / 6, rel=0.02)


def test_gumbel_noise_repeats_with_the_generator_and_is_finite():
    first, second = (draws(7, 1000, dtype=torch.float32) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.isfinite(first).all()


@given(seeds, temperatures)
def test_a_relaxed_sample_is_a_distribution_whose_mode_is_the_pseudo_label(seed, tau):
    noise, logits = draws(seed, 5, 10), 3 * draws(seed + 1, 10)
    y = relaxed_sample(logits, noise, tau)
    assert torch.allclose(y.sum(-1), torch.ones(5, dtype=y.dtype))
    assert torch.equal(y.argmax(-1), pseudo_label(logits, noise))


@given(seeds, temperatures, st.floats(-100, 100))
def test_a_relaxed_sample_ignores_a_constant_added_to_the_logits(seed, tau, shift):
    noise, logits = draws(seed, 10), draws(seed + 1, 10)
    moved = relaxed_sample(logits + shift, noise, tau)
    assert torch.allclose(moved, relaxed_sample(logits, noise, tau), atol=1e-9)


def test_eq9_follows_from_log_probabilities_as_from_logits():
    noise, logits = draws(0, 10), draws(1, 10)
    from_law = relaxed_sample(logits.log_softmax(-1), noise, 0.5)
    assert torch.allclose(from_law, relaxed_sample(logits, noise, 0.5))


def test_pseudo_labels_are_distributed_as_the_classifier():
    logits = torch.tensor([2.0, 0.0, -1.0, 0.5], dtype=torch.float64)
    labels = pseudo_label(logits, draws(3, 100_000, 4))
    found = labels.bincount(minlength=4) / len(labels)
    assert torch.allclose(found.double(), logits.softmax(-1), atol=0.007)


def test_a_low_temperature_gives_one_label_and_a_high_one_the_uniform_law():
    noise, logits = draws(0, 10), draws(1, 10)
    assert relaxed_sample(logits, noise, 0.001).max().item() == pytest.approx(1)
    assert torch.allclose(
        relaxed_sample(logits, noise, 1e5), torch.full((10,), 0.1).double(), atol=1e-4
    )


def test_the_log_of_a_relaxed_sample_stays_finite_where_the_sample_is_zero():
    logits = torch.tensor([0.0, -1e4, 1e4])
    log_y = log_relaxed_sample(logits, torch.zeros(3), 0.1)
    assert torch.isfinite(log_y).all()
    assert log_y.exp().min() == 0


@pytest.mark.parametrize("tau", [0.0, -1.0])
def test_a_temperature_that_is_not_positive_is_refused(tau):
    with pytest.raises(ValueError, match="must be positive"):
        relaxed_sample(torch.zeros(3), torch.zeros(3), tau)


@pytest.mark.parametrize("tau", [0.3, 1.0, 3.0])
def test_the_concrete_density_integrates_to_one_on_the_two_simplex(tau):
    logits = torch.tensor([0.4, -0.8], dtype=torch.float64)
    # y = sigmoid(s): an even grid in s resolves both ends of the interval.
    s = torch.linspace(-80, 80, 40_001, dtype=torch.float64)
    log_y = torch.stack(
        [torch.nn.functional.logsigmoid(s), torch.nn.functional.logsigmoid(-s)], -1
    )
    jacobian = log_y.sum(-1)
    density = (log_density(log_y, logits, tau) + jacobian).exp()
    assert torch.trapezoid(density, s).item() == pytest.approx(1.0, abs=1e-6)


@given(seeds, temperatures, st.floats(-50, 50))
def test_the_concrete_density_ignores_the_scale_of_the_weights(seed, tau, shift):
    logits = draws(seed, 10)
    log_y = log_relaxed_sample(logits, draws(seed + 1, 10), tau)
    value = log_density(log_y, logits, tau)
    assert torch.allclose(log_density(log_y, logits + shift, tau), value, atol=1e-6)


def test_the_density_matches_the_histogram_of_relaxed_samples():
    logits = torch.tensor([1.0, 0.0], dtype=torch.float64)
    y = relaxed_sample(logits, draws(5, 200_000, 2), 1.0)[:, 0]
    for low in (0.2, 0.5, 0.7):
        inside = ((y > low) & (y < low + 0.1)).double().mean().item()
        grid = torch.linspace(low, low + 0.1, 101, dtype=torch.float64)
        log_y = torch.stack([grid.log(), (1 - grid).log()], -1)
        mass = torch.trapezoid(log_density(log_y, logits, 1.0).exp(), grid).item()
        assert inside == pytest.approx(mass, abs=0.004)


def test_the_papers_temperature_falls_from_one_to_a_tenth_exponentially():
    assert exponential_temperature(0.0) == 1.0
    assert exponential_temperature(1.0) == pytest.approx(0.1)
    assert exponential_temperature(0.5) == pytest.approx(math.sqrt(0.1))


def test_the_released_temperature_starts_at_ten_and_ends_near_0_017():
    assert released_temperature(0) == 10.0
    assert released_temperature(1) == pytest.approx(8.8)
    assert released_temperature(50) == pytest.approx(0.017, abs=0.001)
