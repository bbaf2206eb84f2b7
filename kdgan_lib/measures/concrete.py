"""Measure the claims on concrete samples and Eq. 8 (M12-M16)."""

import numpy as np
from scipy import stats

from kdgan_lib.concrete import gumbel
from kdgan_lib.measures import Measured, Quantity, measure
from kdgan_lib.randomness import derive
from kdgan_lib.studies.concrete_checks import argmax_counts, chi_square
from kdgan_lib.studies.estimator_cases import case
from kdgan_lib.studies.estimator_study import measure_many, sample_entropy
from kdgan_lib.studies.outcomes import zipf

DRAWS = 1_000_000
HOT, COLD = 1.0, 0.1  # the ends of the paper's schedule


def _with_noise(row: dict[str, float]) -> Quantity:
    """Return a bias with the 95% reach of its sampling noise around it."""
    reach = 2 * row["noise_of_bias"]
    bias = row["bias"]
    return Quantity(bias, max(bias - reach, 0.0), bias + reach)


@measure("eq8_equality")
def eq8_equality() -> Measured:
    """Return the relative bias of the readings of Eq. 8 at tau = 1, K = 10.

    A bias of 0.3 means that the mean estimate is 30% of the gradient away from it.
    The law is a classifier's trained on MNIST, with D at its best; `played` has the
    reward of the D that it played against.
    """
    names = ("concrete_density", "relaxed_score")
    rows = measure_many(names, case("trained", 10), HOT, 2 * DRAWS)
    return {
        "density_bias": _with_noise(rows["concrete_density"]),
        "relaxed_bias": _with_noise(rows["relaxed_score"]),
        "relaxed_bias_played": _with_noise(_played("relaxed_score")),
    }


def _played(name: str) -> dict[str, float]:
    at = case("played", 10)
    return measure_many((name,), at, HOT, 2 * DRAWS)[name]


@measure("temperature_variance")
def temperature_variance() -> Measured:
    """Compare tau = 0.1 with tau = 1: smoothness of samples, variance of gradients.

    A ratio is variance at 0.1 over variance at 1.
    """
    at = case("trained", 10)
    names = ("concrete_density", "relaxed_score", "pathwise")
    cold, hot = (measure_many(names, at, tau, 100_000) for tau in (COLD, HOT))
    ratio = {name: cold[name]["variance"] / hot[name]["variance"] for name in names}
    gain = sample_entropy(at.logits, HOT, 20_000) - sample_entropy(
        at.logits, COLD, 20_000
    )
    return {
        "entropy_gain": Quantity(gain, unit="nats"),
        "relaxed_variance_ratio": ratio["relaxed_score"],
        "density_variance_ratio": ratio["concrete_density"],
        "pathwise_variance_ratio": ratio["pathwise"],
    }


@measure("temperature_bias")
def temperature_bias() -> Measured:
    """Return each reading's relative bias at tau = 1, and the sampled ones' at 0.1."""
    at = case("trained", 10)
    names = ("concrete_density", "relaxed_score", "pathwise")
    hot = measure_many(names, at, HOT, 2 * DRAWS)
    cold = measure_many(names, at, COLD, 2 * DRAWS)
    return {
        "relaxed_bias": _with_noise(hot["relaxed_score"]),
        "density_bias": _with_noise(hot["concrete_density"]),
        "pathwise_bias": _with_noise(hot["pathwise"]),
        "relaxed_bias_cold": _with_noise(cold["relaxed_score"]),
        "pathwise_bias_cold": _with_noise(cold["pathwise"]),
    }


@measure("argmax_law")
def argmax_law() -> Measured:
    """Return the largest distance of the argmax's frequencies to p_c over tau.

    smallest_p_value: of a chi-square test per tau, fresh noise for each.
    """
    p_c = zipf(10)
    temperatures = (0.05, 0.1, 0.3, 1.0, 3.0, 10.0)
    distances, p_values = [], []
    for tau in temperatures:
        counts = argmax_counts(p_c, tau, DRAWS)
        distances.append(0.5 * float((counts / DRAWS - p_c).abs().sum()))
        p_values.append(chi_square(counts, p_c))
    return {
        "total_variation": max(distances),
        "smallest_p_value": min(p_values),
        "temperatures": len(temperatures),
    }


@measure("gumbel_law")
def gumbel_law() -> Measured:
    """Return the Kolmogorov distance of -log(-log u) to Gumbel(0, 1)."""
    generator = np.random.default_rng(0)
    u = generator.random(DRAWS)
    test = stats.kstest(-np.log(-np.log(u)), "gumbel_r")
    library = stats.kstest(gumbel((DRAWS,), derive(0, "gumbel")).numpy(), "gumbel_r")
    return {
        "kolmogorov_distance": max(float(test.statistic), float(library.statistic)),
        "p_value": min(float(test.pvalue), float(library.pvalue)),
    }
