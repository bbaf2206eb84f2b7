"""Measure bias and variance of every gradient estimator on laws of several shapes.

python -m kdgan_lib.studies.estimator_study    # a minute; writes the table "estimators"
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from kdgan_lib import closed_forms, runs
from kdgan_lib.concrete import gumbel, relaxed_sample
from kdgan_lib.estimators import ESTIMATORS, sample_gradients
from kdgan_lib.randomness import derive
from kdgan_lib.studies.estimator_cases import Case, case, shapes_of

WITH_TEMPERATURE = ("relaxed_score", "pathwise", "straight_through")
CHUNK = 2_000_000  # numbers drawn at once: about 100 MB with the intermediate results


@dataclass(frozen=True)
class Study:
    """Declare which laws, temperatures and how many samples are measured."""

    num_labels: Sequence[int] = (2, 10, 200)
    """Label counts K."""
    temperatures: Sequence[float] = (0.05, 0.1, 0.3, 1.0, 3.0, 10.0)
    """Temperatures tau."""
    samples: int = 100_000
    """Gradient estimates per row."""
    seed: int = 0
    """Seed of the noise."""


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
    cases = [(k, shape) for k in plan.num_labels for shape in shapes_of(k)]
    for num_labels, shape in cases:
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
