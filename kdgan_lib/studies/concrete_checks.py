"""Check the concrete distribution (Eq. 9) and compare estimators of Eq. 8."""

import math
import time
from collections.abc import Sequence

import pandas as pd
import torch
from scipy import stats
from scipy.integrate import quad
from torch import Tensor

from kdgan_lib import closed_forms, tables
from kdgan_lib.concrete import gumbel, log_density, pseudo_label, relaxed_sample
from kdgan_lib.estimators import ESTIMATORS, FEWEST_DRAWS
from kdgan_lib.randomness import derive
from kdgan_lib.studies.estimator_cases import COMMAND as COMMAND
from kdgan_lib.studies.estimator_cases import QUANTILES, TABLE, law_at, of_rows
from kdgan_lib.studies.estimator_study import WITH_TEMPERATURE

NAMES = {"bce_to_discriminator": "released code", "rloo": "leave-one-out"}
ROUNDING = 1e-20  # a squared error below it is none
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


def argmax_counts(p: Tensor, tau: float, draws: int, seed: int = 0) -> Tensor:
    """Return how often each label is the largest entry of Eq. 9's sample, [K]."""
    noise = gumbel((draws, len(p)), derive(seed, "argmax", tau), torch.float64)
    y = relaxed_sample(p.log(), noise, tau)
    labels = pseudo_label(p.log(), noise)
    # Where y rounds to a tie, the argmax before the softmax decides.
    top = y.gather(-1, labels.unsqueeze(-1)).squeeze(-1) >= y.amax(-1)
    return torch.bincount(labels[top], minlength=len(p)).double()


def chi_square(counts: Tensor, p: Tensor) -> float:
    """Return the p-value of Pearson's test that counts [K] come from p."""
    expected = p * counts.sum()
    return float(stats.chisquare(counts.numpy(), expected.numpy()).pvalue)


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
    """Return one row per K and law: the best sampled estimator per samples per step.

    Error: bias^2 + variance / samples, in units of the squared true gradient; of each
    estimator at its best temperature. relaxed / REINFORCE: the ratio of their errors.
    """
    if rows.empty:
        return rows
    table = []
    for (num_labels, shape), part in rows.groupby(["K", "shape"], sort=False):
        row: dict[str, object] = {"K": num_labels, "law": shape}
        for count in samples:
            error = part["bias"] ** 2 + part["relative_variance"] / count
            part = part.assign(error=error.where(error > ROUNDING, 0.0))
            best = part[~part["estimator"].isin(LEFT_OUT)].nsmallest(1, "error").iloc[0]
            own = part.groupby("estimator")["error"].min()
            row |= {
                f"best of {count}": _named(best["estimator"], best["tau"]),
                f"error, {count}": best["error"],
                f"relaxed / REINFORCE, {count}": own["relaxed_score"]
                / own["reinforce"],
            }
        table.append(row)
    return pd.DataFrame(table)


def wins(found: pd.DataFrame, samples: int) -> int | None:
    """Return in how many laws the relaxed score's error is below REINFORCE's.

    found: `winners`. None where it is empty.
    """
    if found.empty:
        return None
    return int((found[f"relaxed / REINFORCE, {samples}"] < 1).sum())


def bests(found: pd.DataFrame, samples: int) -> int | None:
    """Return in how many laws the relaxed score is the best sampled estimator."""
    if found.empty:
        return None
    return int(found[f"best of {samples}"].str.startswith("relaxed").sum())


def faultless(rows: pd.DataFrame) -> list[str] | None:
    """Return the sampled estimators without error, with law and K; None without rows.

    Error: bias and variance, at whatever temperature.
    """
    if rows.empty:
        return None
    error = rows["bias"] ** 2 + rows["relative_variance"]
    sampled = rows[(error <= ROUNDING) & ~rows["estimator"].isin(LEFT_OUT)]
    kinds = sampled[["estimator", "shape", "K"]].drop_duplicates()
    return [
        f"{_named(name, 0.0)} for the law *{shape}* at K = {num_labels}"
        for name, shape, num_labels in kinds.itertuples(index=False)
    ]


def _named(name: str, tau: float) -> str:
    used = f", tau {tau:g}" if name in WITH_TEMPERATURE else ""
    known = NAMES.get(name, name.replace("_", " ").replace("reinforce", "REINFORCE"))
    return known + used


def against_closed_forms(rows: pd.DataFrame) -> pd.DataFrame:
    """Return measured variance / closed form, a row per estimator, a column per law."""
    known = rows[rows["closed_variance"].notna()]
    once = known[known["tau"] == known["tau"].min()]
    pairs = [
        f"{row.variance:.3g} / {row.closed_variance:.3g}"
        if row.closed_variance
        else "0"
        for row in once.itertuples()
    ]
    wide = once.assign(pair=pairs).pivot_table(
        "pair", "estimator", "shape", aggfunc="first", sort=False
    )
    names = [_named(str(name), 0.0) for name in wide.index]
    return wide.assign(estimator=names).reset_index(drop=True)[["estimator", *wide]]


def certainties() -> pd.DataFrame:
    """Return how hard the stored laws are: certainty, spread of rewards, variances.

    One row per quantile of certainty; variances over the squared true gradient, in
    closed form. Empty where the game has no rows.
    """
    rows = []
    for quantile in QUANTILES if len(tables.rows(TABLE)) else ():
        law = law_at(quantile)
        at = of_rows(law)
        true = closed_forms.exact_gradient(*at)
        row: dict[str, float] = {
            "quantile": quantile,
            "largest p": float(law.probability.max()),
            "E r": float((at.logits.softmax(-1) * at.reward).sum()),
            "sd r": float(closed_forms.reward_variance(*at).sqrt()),
            "true gradient": float(true.norm()),
        }
        for name in ("reinforce", "reinforce_baseline", "concrete_density"):
            variance = closed_forms.VARIANCES[name](*at)
            row[_named(name, 0.0)] = float(variance / true.square().sum())
        rows.append(row)
    return pd.DataFrame(rows)


def costs(
    names: Sequence[str], num_labels: int, batch: int = 100, repeats: int = 20
) -> dict[str, float]:
    """Return the CPU microseconds of one batch's gradient, once D gave its rewards."""
    logits = torch.zeros((batch, num_labels), requires_grad=True)
    reward = torch.rand((batch, num_labels), generator=derive(0, "reward")) - 1
    found = {}
    for name in names:
        times = []
        for _ in range(repeats):
            begun = time.process_time()
            shape = (FEWEST_DRAWS[name], batch, num_labels)
            # Enumeration draws nothing; it reads the shape only.
            exact = name == "exact"
            noise = torch.empty(shape) if exact else gumbel(shape, derive(0, "noise"))
            loss = ESTIMATORS[name](logits, reward, noise, 1.0).mean()
            torch.autograd.grad(loss, logits)
            times.append(time.process_time() - begun)
        found[name] = 1e6 * min(times)
    return found
