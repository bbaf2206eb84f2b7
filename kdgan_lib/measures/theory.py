"""Measure the theory's claims M1-M12 and M24 on tables of labels."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from kdgan_lib.dynamics import Play, joint_minimum, play, random_starts
from kdgan_lib.game import DISTILLATIONS, Game, total_variation
from kdgan_lib.measures import Measured, measure
from kdgan_lib.randomness import derive
from kdgan_lib.studies.outcomes import zipf
from kdgan_lib.studies.students import follow, wrong_teacher

LOG4 = math.log(4)
TABLES = 500  # random games per identity


def laws(name: str, count: int, num_labels: int, sharpness: float = 1.0) -> Tensor:
    """Return random laws [count, num_labels] for one purpose."""
    draws = torch.randn(
        (count, num_labels), generator=derive(0, name), dtype=torch.float64
    )
    return (sharpness * draws).softmax(-1)


def _random_games(name: str, distillation: str = "kl") -> tuple[Game, Tensor, Tensor]:
    """Return TABLES games with K = 10 as one game with an x each, and laws of C, T."""
    p_u, p_c, p_t = (laws(f"{name}/{who}", TABLES, 10) for who in "uct")
    return Game(p_u, 0.3, 0.7, 0.2, distillation), p_c, p_t


@measure("eq4_identity")
def eq4_identity() -> Measured:
    """Return the largest gap between the two sides of Eq. 4 over random laws."""
    game, p_c, p_t = _random_games("eq4")
    f = torch.randn(p_c.shape, generator=derive(0, "f"), dtype=torch.float64)
    apart = game.alpha * (p_c * f).sum(-1) + (1 - game.alpha) * (p_t * f).sum(-1)
    together = (game.mixture(p_c, p_t) * f).sum(-1)
    return {"error": float((apart - together).abs().max()), "laws": TABLES}


@measure("eq5_identity")
def eq5_identity() -> Measured:
    """Return the largest gap of Eq. 5 over random laws and every distillation loss."""
    gaps = []
    for distillation in DISTILLATIONS:
        game, p_c, p_t = _random_games("eq5", distillation)
        for law, c, t in zip(game.p_u, p_c, p_t, strict=True):  # no mean over laws
            one = replace(game, p_u=law)
            value = one.value(c, t, one.optimal_discriminator(c, t))
            gaps.append(float((value - one.value_at_best_response(c, t)).abs()))
    return {"error": max(gaps), "laws": TABLES * len(DISTILLATIONS)}


@measure("best_discriminator")
def best_discriminator() -> Measured:
    """Compare Lemma 4.1's D with one found by ascent, and with random others."""
    p_u, p_c, p_t = laws("lemma41", 3, 10)
    game = Game(p_u, 0.3)
    formula = game.optimal_discriminator(p_c, p_t)
    others = torch.rand((TABLES, 10), generator=derive(0, "d"), dtype=torch.float64)
    loss = game.adversarial(p_c, p_t, formula) - game.adversarial(p_c, p_t, others)
    found = ascend(game, p_c, p_t)
    error = float((found - formula).abs().max())
    return {"error": error, "smallest_loss_elsewhere": float(loss.min())}


def ascend(game: Game, p_c: Tensor, p_t: Tensor) -> Tensor:
    """Return the D that gradient ascent finds, without the formula."""
    g = torch.zeros_like(p_c).requires_grad_()
    climb = torch.optim.LBFGS(
        [g], max_iter=500, tolerance_grad=1e-13, tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Tensor:
        climb.zero_grad()
        loss = -game.adversarial(p_c, p_t, g.sigmoid())
        loss.backward()
        return loss

    climb.step(closure)  # type: ignore[no-untyped-call]
    return g.detach().sigmoid()


@measure("equilibrium_only_at_labels")
def equilibrium_only_at_labels() -> Measured:
    """Check Theorem 4.2 both ways: p_u is a minimum, and nothing else is.

    error: |U + log 4| and the joint gradient at p_u. search_*: where 100 starts end.
    family_excess: what is lost at a wrong law when beta = gamma = 0 (nothing).
    """
    p_u = laws("theorem42", 1, 10)[0]
    game = Game(p_u, 0.3, 1.0, 0.5)
    path = joint_minimum(game, random_starts(game, 100, derive(0, "joint")))
    p_c, p_t, _ = path.last.strategies()
    found = (game.value_at_best_response(p_c, p_t) + LOG4).abs().max()
    others = laws("elsewhere", 2 * TABLES, 10).unflatten(0, (2, TABLES))
    elsewhere = (game.value_at_best_response(*others) + LOG4).min()
    free = Game(p_u, 0.3, 0.0, 0.0)
    way = torch.tensor([1.0, -1.0] + [0.0] * 8, dtype=torch.float64)
    wrong = free.undistilled_family(way, float(p_u.min()))
    return {
        "error": stationarity(game),
        "smallest_excess_elsewhere": float(elsewhere),
        "search_distance": float(path.distance()[-1].max()),
        "search_excess": float(found),
        "family_distance": float(total_variation(wrong.p_c, p_u)),
        "family_excess": float((free.value(*wrong) + LOG4).abs()),
    }


def stationarity(game: Game) -> float:
    """Return the larger of |U + log 4| and the gradient of U at p_c = p_t = p_u."""
    zero = torch.zeros_like(game.p_u)
    point = torch.stack([game.p_u.log(), game.p_u.log(), zero]).requires_grad_()
    value = game.value_of_logits(*point)
    (slope,) = torch.autograd.grad(value, point)
    return max(abs(float(value.detach()) + LOG4), float(slope.abs().max()))


@measure("equilibrium_value")
def equilibrium_value() -> Measured:
    """Return the value of Eq. 3 at the equilibrium, and its gap to -log 4."""
    game = Game(laws("value", 1, 10)[0], 0.3, 1.0, 0.5)
    value = float(game.value(*game.equilibrium()))
    return {"value": value, "error": abs(value + LOG4)}


@measure("distillation_minimum")
def distillation_minimum() -> Measured:
    """Return each loss at equal laws, logits shifted by one, and its least elsewhere.

    L2 on logits is 10 / 2 at equal laws here: it sees the shift.
    """
    h, f = (laws(f"m6/{who}", TABLES, 10).log() for who in "ct")
    names = {
        "l2_probability": "l2_probabilities",
        "kl": "kl",
        "reverse_kl": "reverse_kl",
    }
    smallest = {
        f"{label}_smallest_elsewhere": float(DISTILLATIONS[name](h, f).min())
        for label, name in names.items()
    }
    equal = {
        f"{label}_at_equal_probabilities": float(DISTILLATIONS[name](h, h + 1).max())
        for label, name in {"l2_logits": "l2_logits", **names}.items()
    }
    return {**equal, **smallest}


@measure("naive_equilibrium")
def naive_equilibrium() -> Measured:
    """Return where NaGAN's exact Algorithm ends from 20 starts (Eq. 1)."""
    game = Game.nagan(zipf(10))
    starts = random_starts(game, 20, derive(0, "nagan"))
    path = play(game, starts, Play(steps=4000, step_size=1.0))
    p_c, _, p_d = path.last.strategies()
    return {
        "error": float(total_variation(p_c, game.p_u).max()),
        "discriminator_error": float((p_d - 0.5).abs().max()),
        "rounds": 4000,
    }


@measure("distillation_alone")
def distillation_alone(wrong: float = 0.2) -> Measured:
    """Distil from a teacher that puts `wrong` of its mass on the least likely label."""
    p_u = zipf(10)
    p_t = wrong_teacher(p_u, wrong)
    starts = torch.zeros((1, 10), dtype=torch.float64)
    last = {name: follow(p_t, starts, name)[-1, 0] for name in DISTILLATIONS}
    return {
        "distance_to_labels": min(
            float(total_variation(p_c, p_u)) for p_c in last.values()
        ),
        "distance_to_teacher": max(
            float(total_variation(p_c, p_t)) for p_c in last.values()
        ),
        "distance_of_teacher": float(total_variation(p_t, p_u)),
    }


@measure("algorithm_on_toy")
def algorithm_on_toy() -> Measured:
    """Return where exact Algorithm 1 ends on K = 10 labels, the worst of 20 starts."""
    game = Game(zipf(10), 0.3, 1.0, 0.5)
    starts = random_starts(game, 20, derive(0, "toy"))
    path = play(game, starts, Play(steps=8000))
    p_c, p_t, p_d = path.last.strategies()
    return {
        "classifier_distance": float(total_variation(p_c, game.p_u).max()),
        "teacher_distance": float(total_variation(p_t, game.p_u).max()),
        "discriminator_error": float((p_d - 0.5).abs().max()),
        "rounds": 8000,
    }
