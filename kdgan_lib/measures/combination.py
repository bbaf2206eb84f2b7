"""Measure the claims on combined gradients: Lemma 4.3, Eq. 6 and Eq. 7 (M9-M11)."""

import torch
from torch import Tensor

from kdgan_lib.dynamics import Play, gradient, random_starts
from kdgan_lib.experiments import declare
from kdgan_lib.game import Game
from kdgan_lib.measures import Measured, measure
from kdgan_lib.methods import KDGAN
from kdgan_lib.randomness import derive
from kdgan_lib.studies.outcomes import zipf

PAIRS = 2000


def variable_pairs(count: int = PAIRS, atoms: int = 20) -> tuple[Tensor, Tensor]:
    """Return pairs (X, Y) on common equally likely atoms, Var X <= Var Y.

    [count, atoms] each; correlations run from -1 to 1.
    """
    generator = derive(0, "pairs")
    both = torch.randn((2, count, atoms), generator=generator, dtype=torch.float64)
    mix = torch.rand((count, 1), generator=generator, dtype=torch.float64) * 2 - 1
    x, y = both[0], mix * both[0] + (1 - mix.square()).sqrt() * both[1]
    swap = (variance(x) > variance(y)).unsqueeze(-1)
    return torch.where(swap, y, x), torch.where(swap, x, y)


def released_weights() -> list[tuple[float, float]]:
    """Return (alpha, beta) of the released scripts on MNIST: n = 100, 1,000, 10,000."""
    runs = [declare("kdgan", n=n, protocol="code") for n in (100, 1_000, 10_000)]
    released = [run.method for run in runs if isinstance(run.method, KDGAN)]
    return [(kdgan.alpha, kdgan.beta) for kdgan in released]


def variance(x: Tensor) -> Tensor:
    """Return the variance over equally likely atoms, [..., atoms] -> [...]."""
    return x.var(-1, correction=0)


@measure("convex_combination_variance")
def convex_combination_variance() -> Measured:
    """Return the largest Var(l X + (1 - l) Y) - Var Y over pairs and l (Lemma 4.3)."""
    x, y = variable_pairs()
    weights = torch.linspace(0, 1, 21, dtype=torch.float64)[:, None, None]
    excess = variance(weights * x + (1 - weights) * y) - variance(y)
    return {"largest_excess": float(excess.max()), "pairs": PAIRS}


@measure("eq6_identity")
def eq6_identity() -> Measured:
    """Compare C's gradient under Eq. 3 with the convex combinations of its two parts.

    error: relative distance to the nearest point between the two parts (released
    weights, worst case). error_after_rescaling: the same for (alpha + beta) times
    the combination with weight alpha / (alpha + beta).
    """
    errors, rescaled = [], []
    for alpha, beta in released_weights():
        adversarial, distilled, whole = parts(alpha, beta)
        way = adversarial - distilled
        at = ((whole - distilled) * way).sum() / way.square().sum()
        nearest = distilled + at.clamp(0, 1) * way
        errors.append(float((whole - nearest).norm() / whole.norm()))
        share = alpha / (alpha + beta)
        scaled = (alpha + beta) * (share * adversarial + (1 - share) * distilled)
        rescaled.append(float((whole - scaled).norm() / whole.norm()))
    return {"error": max(errors), "error_after_rescaling": max(rescaled)}


def parts(alpha: float, beta: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return C's adversarial, distillation and whole gradients at a random point."""
    state = random_starts(Game(zipf(10)), 1, derive(0, "eq6"))
    games = (
        Game(zipf(10), 1.0, 0.0, 0.0),
        Game(zipf(10), 0.0, 1.0, 0.0),
        Game(zipf(10), alpha, beta, 0.0),
    )
    adversarial, distilled, whole = (
        gradient(game, "classifier", state, Play()).flatten() for game in games
    )
    return adversarial, distilled, whole


@measure("eq7_implication")
def eq7_implication() -> Measured:
    """Count where Var DS <= Var AD and yet the combined gradient varies more (Eq. 7).

    Convex weights, then the released alpha and beta taken as Eq. 3 gives them. Trials
    are pairs times weights, of which the violations are counted.
    """
    x, y = variable_pairs()
    weights = torch.linspace(0, 1, 21, dtype=torch.float64)[:, None, None]
    convex = variance(weights * x + (1 - weights) * y) > variance(y) + 1e-12
    free = [
        variance(beta * x + alpha * y) > variance(y) + 1e-12
        for alpha, beta in released_weights()
    ]
    return {
        "violations_convex": int(convex.sum()),
        "trials_convex": convex.numel(),
        "violations_free_weights": int(torch.stack(free).sum()),
        "trials_free_weights": PAIRS * len(released_weights()),
        "pairs": PAIRS,
    }
