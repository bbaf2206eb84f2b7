"""Count the multiply-adds of a declared run, from which its time is estimated."""

from functools import cache

from kdgan_lib.compression import MNIST, measure_size
from kdgan_lib.data import CONTROLLED_VALIDATION, PAPER_VALIDATION
from kdgan_lib.experiments import Run
from kdgan_lib.loop.schedule import stages
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
    looks = run.budget.epochs / run.budget.evaluate_every * VALIDATION[run.protocol]
    looks += run.budget.epochs / run.budget.test_every * TEST
    return float(f"{trained + looks * costs['classifier']:.4g}")


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
