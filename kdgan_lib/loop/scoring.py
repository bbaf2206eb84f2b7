"""Evaluate the players on a schedule and keep the best classifier."""

import math
from dataclasses import dataclass

from kdgan_lib.budget import Budget
from kdgan_lib.data import Split
from kdgan_lib.loop.divergence import diverged, rate_of
from kdgan_lib.loop.evaluation import Criterion, evaluate, number, predict
from kdgan_lib.loop.schedule import GAME, Stage
from kdgan_lib.loop.state import Row, State


@dataclass(frozen=True)
class Scorer:
    """Scores the players on the split's parts at the budget's epochs."""

    split: Split
    budget: Budget
    criterion: Criterion

    def evaluate(
        self,
        state: State,
        stage: Stage,
        done: int,
        temperature: float,
        losses: dict[str, float],
    ) -> None:
        """Add a row to the curve if one is due after `done` epochs of the stage."""
        last, game = done == stage.epochs, stage.name == GAME
        if not (last or (game and done % self.budget.evaluate_every == 0)):
            return
        row = position(state, stage, done) | losses
        if game:  # before it, runs of other temperatures share a player and its row
            row["temperature"] = float(temperature)
        trained = {phase.player for phase in stage.phases}
        if game or "classifier" in trained:
            test = last or done % self.budget.test_every == 0
            row |= self.scores(state, "classifier", stage.name, test)
            if game:
                state.keep_best(float(row["classifier_validation"]), done)
        if "teacher" in trained and (last or done % self.budget.teacher_every == 0):
            row |= self.scores(state, "teacher", stage.name, last and not game)
        state.curve.append(row)

    def scores(self, state: State, player: str, stage: str, test: bool) -> Row:
        """Return a player's scores on validation and, if asked for, on the test set."""
        parts = ("validation", "test") if test else ("validation",)
        return {f"{player}_{p}": self.score(state, player, p, stage) for p in parts}

    def score(self, state: State, player: str, part: str, stage: str = GAME) -> float:
        """Return a player's metric on a part of the split.

        Raises `Diverged` for a logit, ValueError for a metric that is not a number.
        """
        module, examples = state.players[player], getattr(self.split, part)
        examples = examples[: self.budget.evaluated or None]
        try:
            value = evaluate(player, module, examples, self.criterion.score)
        except FloatingPointError as error:
            raise diverged(
                f"On the {part} set {error} after its update {state.updates[player]}",
                rate_of(player, stage),
            ) from error
        if math.isnan(value) and len(examples):
            raise ValueError(
                f"The criterion '{self.criterion.name}' is NaN on the {part} set: let "
                "it return a number for whatever the logits are."
            )
        return value

    def report(self, state: State, player: str) -> dict[str, float]:
        """Return the criterion's further scores of a player on the test set."""
        if self.criterion.report is None:
            return {}
        examples = self.split.test[: self.budget.evaluated or None]
        logits = predict(player, state.players[player], examples)
        found = self.criterion.report(logits, examples.targets)
        return {name: number(score) for name, score in found.items()}


def position(state: State, stage: Stage, done: int) -> Row:
    """Return where a run is: stage, epochs done, updates in all and of each player."""
    return {
        "stage": stage.name,
        "epoch": done,
        "player_updates": sum(state.updates.values()),
        **{f"{player}_updates": count for player, count in state.updates.items()},
    }
