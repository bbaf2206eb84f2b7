"""Count the multiply-adds of a declared run, from which its time is estimated."""

from collections import Counter
from functools import cache

from kdgan_lib.budget import Budget
from kdgan_lib.compression import MNIST, measure_size
from kdgan_lib.data import CONTROLLED_VALIDATION, PAPER_VALIDATION
from kdgan_lib.experiments import Run
from kdgan_lib.loop.schedule import GAME, stages
from kdgan_lib.nets import build_players
from kdgan_lib.tasks import task

SHAPES = {"mnist": MNIST, "cifar10": (3, 32, 32)}
VALIDATION = {"controlled": CONTROLLED_VALIDATION, "paper": PAPER_VALIDATION, "code": 0}
TEST = 10_000
UPDATE = 3
"""Forward passes that an update costs: its own, and a backward pass of two."""


def multiply_adds(run: Run) -> float:
    """Return the multiply-adds of a run's updates and evaluations; 0 if not known.

    Not known are those of the tag data, whose examples have several parts.
    """
    if run.data not in SHAPES:
        return 0.0
    costs = _forward(run.data, run.networks)
    trained = sum(
        stage.epochs * phase.passes * run.n * _example(costs, phase.player, phase.reads)
        for stage in stages(run.method, run.budget)
        for phase in stage.phases
    )
    scored = sum(count * costs[player] for player, count in _scored(run).items())
    return float(f"{trained + scored:.4g}")


def _scored(run: Run) -> Counter[str]:
    """Return how many examples each player is scored on, as `loop.scoring` does."""
    budget, count = run.budget, Counter[str]()
    most = budget.evaluated or TEST
    validation, test = min(VALIDATION[run.protocol], most), min(TEST, most)
    for stage in stages(run.method, budget):
        trained, game = {phase.player for phase in stage.phases}, stage.name == GAME
        if not game:
            for player in trained & {"classifier", "teacher"}:
                count[player] += validation + test
            continue
        looks = _looks(budget, budget.evaluate_every)
        count["classifier"] += validation * len(looks)
        count["classifier"] += test * len(looks & _looks(budget, budget.test_every))
        if "teacher" in trained:
            seen = looks & _looks(budget, budget.teacher_every)
            count["teacher"] += validation * len(seen)
    # At the end, of the selected C and of T.
    count["classifier"] += test * (budget.selection == "validation")
    count["teacher"] += test * ("teacher" in run.method.seats())
    return count


def _looks(budget: Budget, every: int) -> set[int]:
    """Return the outer epochs that are a multiple of a number, and the last."""
    return {*range(every, budget.epochs + 1, every), budget.epochs}


def _example(costs: dict[str, int], player: str, reads: tuple[str, ...]) -> int:
    """Return what one example costs in an update of a player that reads others."""
    return UPDATE * costs[player] + sum(costs[seat] for seat in reads)


@cache
def _forward(data: str, variant: str) -> dict[str, int]:
    """Return the multiply-adds of one example in each player's network."""
    networks = build_players(task(data).players(variant), 0)
    return {
        seat: measure_size(network, SHAPES[data], repeats=1).multiply_adds
        for seat, network in networks.items()
    }
