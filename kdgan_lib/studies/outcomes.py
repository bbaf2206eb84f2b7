"""Record where Algorithm 1 ends on a table of labels, over a grid of weights.

python -m kdgan_lib.studies.outcomes    # about four minutes; writes the table "theory"
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from kdgan_lib import runs
from kdgan_lib.dynamics import Logits, Play, Schedule, Trajectory, play, random_starts
from kdgan_lib.game import DISTILLATIONS, Game, total_variation
from kdgan_lib.randomness import derive

KEY = ("distillation", "schedule", "alpha", "beta", "gamma", "start", "rounds")
ARRIVED = 1e-3  # total variation to p_u under which a start counts as arrived


@dataclass(frozen=True)
class Grid:
    """Declare the weights, starts and rounds of the grid."""

    alphas: Sequence[float] = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
    """Weights of C's adversarial term."""
    betas: Sequence[float] = (0.0, 0.01, 0.1, 1.0, 10.0)
    """Weights of C's distillation."""
    gammas: Sequence[float] = (0.0, 0.01, 0.1, 1.0, 10.0)
    """Weights of T's distillation."""
    starts: int = 4
    """Random starts per setting, normal logits."""
    rounds: int = 20_000
    """Rounds of Algorithm 1."""
    num_labels: int = 10
    """Labels K; p_u is Zipf's law, p_k proportional to 1 / k."""


def zipf(num_labels: int) -> Tensor:
    """Return the law p_k proportional to 1 / k, float64, [K]."""
    weights = 1 / torch.arange(1, num_labels + 1, dtype=torch.float64)
    return weights / weights.sum()


def stable_step(beta: Tensor, gamma: Tensor, largest: float = 0.5) -> Tensor:
    """Return a step for which L2 on logits contracts: step (beta + gamma) <= 1."""
    return torch.minimum(torch.full_like(beta, largest), 1 / (beta + gamma))


def outcomes(
    distillation: str, schedule: Schedule, grid: Grid, seed: int = 0
) -> pd.DataFrame:
    """Return one row per setting and start: where exact Algorithm 1 is at the end.

    All settings start from the same logits, and all are played at once.
    """
    settings = list(itertools.product(grid.alphas, grid.betas, grid.gammas))
    table = torch.tensor(settings, dtype=torch.float64)
    alpha, beta, gamma = table.repeat_interleave(grid.starts, 0).T
    game = Game(zipf(grid.num_labels), alpha, beta, gamma, distillation)
    few = random_starts(game, grid.starts, derive(seed, "outcomes"))
    starts = Logits(*(logits.repeat(len(settings), 1) for logits in few))
    rules = Play(
        steps=grid.rounds, step_size=stable_step(beta, gamma),
        discriminator_step_size=0.5, schedule=schedule, records=400,
    )  # fmt: skip
    path = play(game, starts, rules)
    frame = endings(path).assign(
        distillation=distillation, schedule=schedule, rounds=grid.rounds,
        alpha=alpha, beta=beta, gamma=gamma,
    )  # fmt: skip
    return frame.assign(start=frame.index % grid.starts)


def endings(path: Trajectory) -> pd.DataFrame:
    """Return one row per start: distances at the end, and rounds to come close."""
    p_c, p_t, _ = path.last.strategies()
    p_u = path.game.p_u
    distance = path.distance()[-1]
    return pd.DataFrame(
        {
            "classifier_distance": total_variation(p_c, p_u),
            "teacher_distance": total_variation(p_t, p_u),
            "mixture_distance": total_variation(path.game.mixture(p_c, p_t), p_u),
            "doubt": path.doubt()[-1],
            "value": path.value()[-1],
            "rounds_to_1e-2": path.steps_to(1e-2),
            "rounds_to_1e-3": path.steps_to(1e-3),
            "finite": distance.isfinite(),
            "arrived": distance < ARRIVED,
        }
    )


def kind(alpha: float, beta: float, gamma: float) -> str:
    """Say what is predicted for the weights: interior, silenced or undistilled."""
    if beta == gamma == 0:
        return "undistilled"
    silenced = (alpha == 1 and gamma == 0) or (alpha == 0 and beta == 0)
    return "silenced" if silenced else "interior"


def joint_speed(rows: pd.DataFrame) -> pd.Series:
    """Return the predicted speed of tightly distilled C and T, times the step size.

    (gamma alpha + beta (1 - alpha)) / (beta + gamma): the appendix derives it.
    """
    alpha, beta, gamma = rows["alpha"], rows["beta"], rows["gamma"]
    total = beta + gamma
    step = (1 / total).clip(upper=0.5)
    return step * (gamma * alpha + beta * (1 - alpha)) / total


def interior(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the interior rows with beta + gamma >= 1, with their predicted speed."""
    if rows.empty:
        return rows
    inside = pd.Series([name == "interior" for name in _kinds(rows)], rows.index)
    kept = rows[inside & (rows["beta"] + rows["gamma"] >= 1)]
    return kept.assign(speed=joint_speed(kept))


def lateness(rows: pd.DataFrame) -> dict[str, float]:
    """Return how many interior starts have not arrived, and whether slow ones are late.

    starts, late: numbers of interior starts, and of those that have not arrived; weak,
    near: of the late, those with beta + gamma < 1, and those with both players within
    ten times `ARRIVED`. tied, loose: among pairs of `interior` starts, one arrived and
    one not, the share in which the latter has the lower predicted speed; loose is of L2
    on probabilities, tied of the other losses.
    Empty without rows, a share NaN without pairs.
    """
    if rows.empty:
        return {}
    inside = rows[[name == "interior" for name in _kinds(rows)]]
    late = inside[~inside["arrived"]]
    far = late[["classifier_distance", "teacher_distance"]].max(axis=1)
    fast = interior(rows)
    loose = fast["distillation"] == "l2_probabilities"
    return {
        "starts": len(inside),
        "late": len(late),
        "weak": int((late["beta"] + late["gamma"] < 1).sum()),
        "near": int((far < 10 * ARRIVED).sum()),
        "tied": _slower(fast[~loose]),
        "loose": _slower(fast[loose]),
    }


def _slower(rows: pd.DataFrame) -> float:
    """Return the share of pairs, late and arrived, in which the late one is slower."""
    late = rows["speed"][~rows["arrived"]].to_numpy()[:, None]
    arrived = rows["speed"][rows["arrived"]].to_numpy()[None, :]
    if not late.size * arrived.size:
        return float("nan")
    return float(((late < arrived) + (late == arrived) / 2).mean())


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind and distillation: where the starts of "theory" ended."""
    if rows.empty:
        return rows
    rows = rows.assign(weights=_kinds(rows))
    groups = rows.groupby(["weights", "distillation"], sort=False)
    table = groups.agg(
        starts=("arrived", "size"),
        arrived=("arrived", "mean"),
        median_C=("classifier_distance", "median"),
        worst_C=("classifier_distance", "max"),
        worst_T=("teacher_distance", "max"),
        worst_mixture=("mixture_distance", "max"),
    )
    table["median rounds"] = [
        f"{rounds:,.0f}" if np.isfinite(rounds) else "none"
        for rounds in groups["rounds_to_1e-3"].median()
    ]
    table = table.reset_index().sort_values("weights", kind="stable")
    return table.rename(columns=lambda name: name.replace("_", " "))


def arrived(rows: pd.DataFrame) -> float | None:
    """Return the share of interior starts that arrived, None without rows."""
    if rows.empty:
        return None
    return float(rows["arrived"][[kind == "interior" for kind in _kinds(rows)]].mean())


def _kinds(rows: pd.DataFrame) -> list[str]:
    weights = zip(rows["alpha"], rows["beta"], rows["gamma"], strict=True)
    return [kind(*setting) for setting in weights]


def paths_over(
    p_u: Tensor,
    settings: Sequence[tuple[float, float, float]],
    starts: Logits,
    rules: Play,
    distillation: str = "l2_logits",
) -> dict[tuple[float, float, float], Trajectory]:
    """Play every (alpha, beta, gamma) from the same starts; return one path each.

    All settings are played at once; the step size is `stable_step`'s, at most the
    rules' own.
    """
    table = torch.tensor(settings, dtype=torch.float64)
    count = len(starts.classifier)
    alpha, beta, gamma = table.repeat_interleave(count, 0).T
    largest = float(torch.as_tensor(rules.step_size))
    rules = replace(
        rules, step_size=stable_step(beta, gamma, largest),
        discriminator_step_size=rules.discriminator_step_size or largest,
    )  # fmt: skip
    game = Game(p_u, alpha, beta, gamma, distillation)
    everywhere = Logits(*(logits.repeat(len(settings), 1) for logits in starts))
    whole = play(game, everywhere, rules)
    return {
        setting: Trajectory(
            Game(p_u, *setting, distillation),
            whole.steps,
            Logits(*(x[:, i * count : (i + 1) * count] for x in whole.logits)),
        )
        for i, setting in enumerate(settings)
    }


def record_all(
    grid: Grid | None = None, report: Callable[[str], None] = lambda line: None
) -> None:
    """Play every distillation and schedule; append the rows to the table "theory"."""
    for distillation in DISTILLATIONS:
        for schedule in ("alternating", "simultaneous"):
            frame = outcomes(distillation, schedule, grid or Grid())
            runs.append_rows("theory", frame, KEY)
            report(f"{distillation}, {schedule}: {frame.arrived.mean():.3f} arrived")


if __name__ == "__main__":
    record_all(report=print)
