"""Check the concrete distribution on small tables (Eq. 9): law, density, winners."""

import math
from collections.abc import Sequence

import pandas as pd
import torch
from scipy.integrate import quad
from torch import Tensor

from kdgan_lib.concrete import gumbel, log_density, relaxed_sample
from kdgan_lib.estimator_study import WITH_TEMPERATURE
from kdgan_lib.measures.concrete import argmax_counts, chi_square
from kdgan_lib.randomness import derive

LEFT_OUT = ("exact", "straight_through")  # not sampled; the same as pathwise here


def argmax_table(
    p: Tensor, temperatures: Sequence[float], draws: int, seed: int = 0
) -> pd.DataFrame:
    """Return one row per temperature: distance of the argmax's law to p, chi-square."""
    rows = []
    for tau in temperatures:
        counts = argmax_counts(p, tau, draws, seed)
        distance = 0.5 * float((counts / counts.sum() - p).abs().sum())
        p_value = chi_square(counts, p)
        rows.append({"tau": tau, "total variation": distance, "p value": p_value})
    return pd.DataFrame(rows)


def total_mass(p: Tensor, tau: float) -> float:
    """Integrate the concrete density over the simplex, for two or three labels.

    In log-ratio coordinates, where the density has no poles: y = softmax(a, b, 0).
    """

    def height(*ratios: float) -> float:
        logits = torch.tensor([*ratios, 0.0], dtype=torch.float64)
        log_y = logits.log_softmax(-1)
        # dy_1..dy_{K-1} = prod_k y_k d(ratios)
        return math.exp(float(log_density(log_y, p.log(), tau) + log_y.sum()))

    reach = 18.0 / tau
    if len(p) == 2:
        return quad(height, -reach, reach, limit=200)[0]
    if len(p) != 3:
        raise ValueError("Give a law on two or three labels.")
    return _double(p, tau, reach)


def _double(p: Tensor, tau: float, reach: float, points: int = 401) -> float:
    """Return the sum on a grid: exact to many digits, the integrand is smooth."""
    axis = torch.linspace(-reach, reach, points, dtype=torch.float64)
    a, b = torch.meshgrid(axis, axis, indexing="ij")
    log_y = torch.stack([a, b, torch.zeros_like(a)], -1).log_softmax(-1)
    density = log_density(log_y, p.log(), tau) + log_y.sum(-1)
    return float(density.exp().sum() * (axis[1] - axis[0]) ** 2)


def cloud(p: Tensor, tau: float, count: int, seed: int = 0) -> Tensor:
    """Return relaxed samples [count, K], the same noise for every temperature."""
    noise = gumbel((count, len(p)), derive(seed, "cloud"), torch.float64)
    return relaxed_sample(p.log(), noise, tau)


def winners(rows: pd.DataFrame, samples: Sequence[int]) -> pd.DataFrame:
    """Return the best sampled estimator per K, shape and samples per step.

    Error: bias^2 + variance / samples, in units of the squared true gradient.
    """
    if rows.empty:
        return rows
    table = []
    for (num_labels, shape), part in rows.groupby(["K", "shape"], sort=False):
        for count in samples:
            error = part["bias"] ** 2 + part["relative_variance"] / count
            part = part.assign(error=error)
            best = part[~part["estimator"].isin(LEFT_OUT)].nsmallest(1, "error")
            name = best["estimator"].iloc[0]
            used = name in WITH_TEMPERATURE
            own = part.groupby("estimator")["error"].min()
            table.append(
                {
                    "K": num_labels,
                    "law": shape,
                    "samples": count,
                    "best": name,
                    "tau": f"{best['tau'].iloc[0]:g}" if used else "any",
                    "error": best["error"].iloc[0],
                    "relaxed score": own["relaxed_score"],
                    "REINFORCE": own["reinforce"],
                }
            )
    return pd.DataFrame(table)
