"""Measure bias and variance of every gradient estimator on laws of several shapes.

python -m kdgan_lib.estimator_study    # minutes; writes the table "estimators"
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_digits, make_blobs
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from kdgan_lib import closed_forms, runs
from kdgan_lib.concrete import gumbel, relaxed_sample
from kdgan_lib.estimators import ESTIMATORS, sample_gradients
from kdgan_lib.randomness import derive

SHAPES = ("peaked", "flat", "trained")
WITH_TEMPERATURE = ("relaxed_score", "pathwise", "straight_through")
CHUNK = 2_000_000  # numbers drawn at once: about 100 MB with the intermediate results


class Case(NamedTuple):
    """Hold one classifier's law at one x, and the reward its discriminator gives."""

    logits: Tensor
    reward: Tensor


@dataclass(frozen=True)
class Study:
    """Declare which laws, temperatures and how many samples are measured."""

    num_labels: Sequence[int] = (2, 10, 200)
    """Label counts K."""
    temperatures: Sequence[float] = (0.05, 0.1, 0.3, 1.0, 3.0, 10.0)
    """Temperatures tau."""
    samples: int = 20_000
    """Gradient estimates per row."""
    seed: int = 0
    """Seed of the noise."""


def case(shape: str, num_labels: int) -> Case:
    """Return a law and reward log(1 - D*), with D* the best answer of Lemma 4.1.

    peaked: Zipf's law squared; flat: uniform; trained: a softmax regression at a
    held-out example (digits for K = 2 and 10, 200 Gaussian classes for K = 200).
    The true law puts 0.9 on one label (the true one) and the rest evenly.
    """
    rank = torch.arange(1, num_labels + 1, dtype=torch.float64)
    truth = 1
    if shape == "peaked":
        logits = -2 * rank.log()
    elif shape == "flat":
        logits = torch.zeros(num_labels, dtype=torch.float64)
    elif shape == "trained":
        logits, truth = _trained(num_labels)
    else:
        raise ValueError(f"Choose the shape from {SHAPES}.")
    p_u = torch.full_like(logits, 0.1 / num_labels)
    p_u[truth] += 0.9
    p_c = logits.softmax(-1)
    return Case(logits, (p_c / (p_c + p_u)).log())


@cache
def _trained(num_labels: int) -> tuple[Tensor, int]:
    """Return logits and true label of the least certain of five held-out examples."""
    if num_labels <= 10:
        inputs, labels = load_digits(n_class=num_labels, return_X_y=True)
    else:
        inputs, labels = make_blobs(
            4000, 40, centers=num_labels, cluster_std=6.0, random_state=0
        )
    inputs = inputs / np.abs(inputs).max()
    half = len(labels) // 2
    model = LogisticRegression(C=1.0, max_iter=200).fit(inputs[:half], labels[:half])
    margin = model.decision_function(inputs[half : half + 5])
    margin = np.stack([-margin, margin], 1) / 2 if num_labels == 2 else margin
    logits = torch.from_numpy(margin).log_softmax(-1)
    least = int(logits.amax(-1).argmin())
    return logits[least], int(labels[half + least])


def measure(
    name: str, at: Case, tau: float, samples: int, generator: torch.Generator
) -> dict[str, float]:
    """Return the relative bias, the variance and the squared error of one estimate.

    The bias is |E estimate - g*| / |g*|, its square corrected for the noise of the
    mean. The mean squared error is in units of |g*|^2, as is the relative variance.
    """
    true = closed_forms.exact_gradient(*at)
    mean, variance = moments(name, at, tau, samples, generator)
    norm = float(true.square().sum())
    squared = max(float((mean - true).square().sum()) - variance / samples, 0.0)
    return {
        "bias": (squared / norm) ** 0.5,
        "variance": variance,
        "relative_variance": variance / norm,
        "mse": (squared + variance) / norm,
        "noise_of_bias": (variance / samples / norm) ** 0.5,
    }


def moments(
    name: str, at: Case, tau: float, samples: int, generator: torch.Generator
) -> tuple[Tensor, float]:
    """Return the mean [K] and the total variance of `samples` estimates, in chunks."""
    size = max(1, CHUNK // at.logits.numel())
    total, square, done = torch.zeros_like(at.logits), 0.0, 0
    while done < samples:
        count = min(size, samples - done)
        draws = sample_gradients(name, *at, count, tau, generator)
        total, square = total + draws.sum(0), square + float(draws.square().sum())
        done += count
    mean = total / samples
    spread = square / samples - float(mean.square().sum())
    return mean, max(spread, 0.0) * samples / (samples - 1)


def study(plan: Study) -> pd.DataFrame:
    """Return one row per K, shape, estimator and temperature.

    An estimator that does not depend on tau is measured once and repeated. Column
    `closed_variance` is NaN where no closed form is known.
    """
    rows = []
    for num_labels, shape in itertools.product(plan.num_labels, SHAPES):
        at = case(shape, num_labels)
        for name in ESTIMATORS:
            closed = closed_forms.VARIANCES.get(name)
            fixed = {
                "K": num_labels,
                "shape": shape,
                "estimator": name,
                "closed_variance": float(closed(*at)) if closed else float("nan"),
            }
            rows += [{**fixed, **row} for row in _by_temperature(name, at, plan)]
    return pd.DataFrame(rows)


def _by_temperature(name: str, at: Case, plan: Study) -> list[dict[str, float]]:
    used = plan.temperatures if name in WITH_TEMPERATURE else plan.temperatures[:1]
    measured = []
    for tau in used:
        generator = derive(plan.seed, "study", name, tau, at.logits.numel())
        measured.append(measure(name, at, tau, plan.samples, generator))
    repeated = measured * (len(plan.temperatures) // len(measured))
    pairs = zip(plan.temperatures, repeated, strict=True)
    return [{"tau": tau, **row} for tau, row in pairs]


def sample_entropy(logits: Tensor, tau: float, samples: int, seed: int = 0) -> float:
    """Return the mean entropy in nats of relaxed samples: how smooth they are."""
    noise = gumbel((samples, len(logits)), derive(seed, "entropy"), logits.dtype)
    y = relaxed_sample(logits, noise, tau)
    return float(-torch.xlogy(y, y).sum(-1).mean())


def measure_many(
    names: Sequence[str], at: Case, tau: float, samples: int, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return `measure` for several estimators, each with its own noise."""
    return {
        name: measure(name, at, tau, samples, derive(seed, "measure", name, tau))
        for name in names
    }


if __name__ == "__main__":
    plan = Study()
    rows = study(plan).assign(samples=plan.samples)
    runs.append_rows("estimators", rows, ("K", "shape", "estimator", "tau"))
