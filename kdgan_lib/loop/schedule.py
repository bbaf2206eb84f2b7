"""Lay a method out in time: pretraining stages, then the outer epochs."""

from dataclasses import dataclass

from kdgan_lib.budget import Budget
from kdgan_lib.methods import Method, Phase
from kdgan_lib.runs import GAME as GAME


@dataclass(frozen=True)
class Stage:
    """Outer epochs that share phases, augmentation and optimisers."""

    name: str
    """`pretrain PLAYER`, or `game`."""
    epochs: int
    """How often the phases are gone through."""
    phases: tuple[Phase, ...]
    """The phases of one outer epoch."""
    augmentation: str
    """Random change of the images."""

    def progress(self, epoch: int) -> float:
        """Return how far an epoch is, from 0 for the first to 1 for the last."""
        return epoch / max(1, self.epochs - 1)

    def learning_rate(self, budget: Budget, player: str, epoch: int) -> float:
        """Return a player's learning rate at an epoch of this stage."""
        progress = epoch / self.epochs
        if self.name != GAME:
            return budget.pretraining_rate(progress)
        return budget.learning_rate(player, progress)


def stages(method: Method, budget: Budget) -> tuple[Stage, ...]:
    """Return one stage for each player to pretrain, and the game.

    Without passes a player has no phase: it is read by others, and stays as it is.
    """
    pretraining = [
        Stage(
            f"pretrain {phase.player}",
            getattr(budget, f"{phase.player}_pretraining"),
            (phase,),
            budget.augmentation_before(phase.player),
        )
        for phase in method.pretraining()
    ]
    played = tuple(phase for phase in method.phases() if phase.passes)
    game = Stage(GAME, budget.epochs, played, budget.augmentation)
    return (*(stage for stage in pretraining if stage.epochs), game)


def updates_per_epoch(stage: Stage, num_examples: int, batch_size: int) -> int:
    """Return the player updates that one epoch of a stage makes."""
    batches = -(-num_examples // batch_size)
    return batches * sum(phase.passes for phase in stage.phases)


def all_updates(method: Method, budget: Budget, num_examples: int) -> int:
    """Return the player updates of pretraining and of all outer epochs."""
    return sum(
        stage.epochs * updates_per_epoch(stage, num_examples, budget.batch_size)
        for stage in stages(method, budget)
    )


def game_updates(method: Method, budget: Budget, num_examples: int) -> int:
    """Return the player updates of all outer epochs."""
    game = stages(method, budget)[-1]
    return game.epochs * updates_per_epoch(game, num_examples, budget.batch_size)


def learners(method: Method, budget: Budget) -> dict[str, str]:
    """Return the first stage that trains a player, by the player."""
    first: dict[str, str] = {}
    for stage in stages(method, budget):
        for phase in stage.phases:
            first.setdefault(phase.player, stage.name)
    return first
