"""Check the closed forms of the estimators against samples and against limits."""

import math

import pytest
import torch

from kdgan_lib import closed_forms as forms
from kdgan_lib.estimators import sample_gradients

CASES = {"peaked": 3.0, "flat": 0.0, "middle": 1.0}


def case(name, num_labels):
    generator = torch.Generator().manual_seed(num_labels)
    draws = torch.randn((2, num_labels), generator=generator, dtype=torch.float64)
    return CASES[name] * draws[0], torch.nn.functional.logsigmoid(-draws[1])


def moments(name, logits, reward, tau, num=200_000):
    generator = torch.Generator().manual_seed(7)
    draws = sample_gradients(name, logits, reward, num, tau, generator)
    return draws.mean(0), draws.var(0).sum()


@pytest.mark.parametrize("shape", sorted(CASES))
@pytest.mark.parametrize("num_labels", [2, 10])
@pytest.mark.parametrize("name", sorted(forms.VARIANCES))
def test_eq8_variance_in_closed_form_is_the_sampled_one(name, num_labels, shape):
    logits, reward = case(shape, num_labels)
    _, sampled = moments(name, logits, reward, 0.5)
    closed = forms.VARIANCES[name](logits, reward)
    assert float(sampled) == pytest.approx(float(closed), rel=0.03, abs=1e-12)


@pytest.mark.parametrize("shape", sorted(CASES))
def test_eq8_density_reading_has_the_same_gradients_at_every_temperature(shape):
    logits, reward = case(shape, 10)
    hot, cold = (
        sample_gradients(
            "concrete_density", logits, reward, 100, tau,
            torch.Generator().manual_seed(1),
        )
        for tau in (10.0, 0.1)
    )  # fmt: skip
    assert torch.allclose(hot, cold, atol=1e-9)


@pytest.mark.parametrize("shape", sorted(CASES))
@pytest.mark.parametrize("num_labels", [2, 10, 200])
def test_eq8_density_reading_never_beats_reinforce(num_labels, shape):
    logits, reward = case(shape, num_labels)
    density = forms.concrete_density_variance(logits, reward)
    assert density > forms.reinforce_variance(logits, reward)


@pytest.mark.parametrize("tau", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("name", ["relaxed_score", "pathwise"])
def test_two_label_quadrature_is_the_sampled_one(name, tau):
    logits, reward = case("middle", 2)
    mean, variance = forms.two_label_moments(name, logits, reward, tau)
    sampled_mean, sampled_variance = moments(name, logits, reward, tau)
    assert torch.allclose(mean, sampled_mean, atol=5 * (variance / 2e5).sqrt() + 1e-9)
    assert float(sampled_variance) == pytest.approx(float(variance), rel=0.05)


def test_relaxed_score_tends_to_log_two_times_the_gradient():
    logits, reward = case("middle", 2)
    mean, variance = forms.two_label_moments("relaxed_score", logits, reward, 1e-3)
    gradient = forms.exact_gradient(logits, reward)
    assert torch.allclose(mean, math.log(2) * gradient, rtol=0.01)
    limit = forms.relaxed_score_variance_at_zero(logits, reward)
    assert float(1e-3 * variance) == pytest.approx(float(limit), rel=0.01)


def test_relaxed_score_at_high_temperature_tends_to_its_limit_over_tau():
    logits, reward = case("middle", 2)
    mean, _ = forms.two_label_moments("relaxed_score", logits, reward, 1e3)
    weighted = logits.softmax(-1) * reward
    limit = weighted - weighted.mean()
    assert torch.allclose(1e3 * mean, limit, atol=0.01)


def test_pathwise_tends_to_the_gradient_with_a_third_of_the_reward_variance():
    logits, reward = case("middle", 2)
    mean, variance = forms.two_label_moments("pathwise", logits, reward, 1e-3)
    assert torch.allclose(mean, forms.exact_gradient(logits, reward), rtol=0.01)
    limit = forms.pathwise_variance_at_zero(logits, reward)
    assert float(1e-3 * variance) == pytest.approx(float(limit), rel=0.01)


def test_relaxed_score_limit_holds_for_ten_labels():
    logits, reward = case("middle", 10)
    mean, _ = moments("relaxed_score", logits, reward, 0.01, 1_000_000)
    gradient = forms.exact_gradient(logits, reward)
    scale = (mean @ gradient) / gradient.square().sum()
    assert float(scale) == pytest.approx(math.log(2), abs=0.05)
    assert torch.allclose(mean, math.log(2) * gradient, atol=0.02)
