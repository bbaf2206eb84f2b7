"""Conclude a run: restore the selected classifier and state its metrics."""

from dataclasses import dataclass

import pandas as pd
from torch import nn

from kdgan_lib.loop.schedule import GAME
from kdgan_lib.loop.scoring import Scorer
from kdgan_lib.loop.state import State, digest

Metrics = dict[str, str | int | float]


@dataclass(frozen=True)
class Result:
    """What a run leaves."""

    metrics: Metrics
    """`test_X` by the budget's rule, X being the criterion's name; `last_test_X` and
    `best_test_X` by the other rules, `validation_X`, `teacher_test_X`; `selected_epoch`
    and `epochs_run`; updates, in all and by player; seconds; `weights_digest`, of the
    last classifier (not of the selected one)."""
    curve: pd.DataFrame
    """One row per evaluation: `stage`, `epoch`, `temperature`, each player's updates,
    losses and scores where it was scored."""
    players: dict[str, nn.Module]
    """The trained players, in evaluation mode. The classifier is the selected one, or
    the last under `best_test`, of which no weights are kept."""


def conclude(state: State, scorer: Scorer) -> Result:
    """Select the classifier by the budget's rule and return the run's result.

    Under `best_test` the accuracy is the largest over the test evaluations, and the
    classifier stays the last one. The scores are named after the criterion; its further
    scores are those of the classifier that is returned, and of T.
    """
    name, curve = scorer.criterion.name, pd.DataFrame(state.curve)
    game = curve[curve.stage == GAME]
    last, tested = game.iloc[-1], game.dropna(subset="classifier_test")
    best = tested.loc[tested.classifier_test.idxmax()]
    metrics: Metrics = {
        f"last_test_{name}": float(last.classifier_test),
        f"best_test_{name}": float(best.classifier_test),
        f"validation_{name}": float(last.classifier_validation),
        f"teacher_test_{name}": _teacher(state, scorer),
        "weights_digest": digest(state.players["classifier"]),
    }
    metrics |= _selected(state, scorer, last, best)
    metrics |= _reports(state, scorer)
    counts = {f"{player}_updates": count for player, count in state.updates.items()}
    counts["player_updates"] = sum(state.updates.values())
    metrics |= {**counts, "epochs_run": int(last.epoch), "seconds": state.seconds}
    for module in state.players.values():
        module.eval()
    return Result(metrics, curve, state.players)


def _selected(
    state: State, scorer: Scorer, last: pd.Series, best: pd.Series
) -> Metrics:
    """Return test score and epoch by the budget's rule; restore that classifier.

    last, best: the curve's rows at the game's end, and of its largest test score.
    """
    name, rule = scorer.criterion.name, scorer.budget.selection
    if rule != "validation":
        row = last if rule == "last" else best
        return {
            f"test_{name}": float(row.classifier_test),
            "selected_epoch": int(row.epoch),
        }
    if state.best_classifier:
        state.players["classifier"].load_state_dict(state.best_classifier)
    return {
        f"test_{name}": scorer.score(state, "classifier", "test"),
        f"validation_{name}": state.best_validation,
        "selected_epoch": state.best_epoch,
    }


def _reports(state: State, scorer: Scorer) -> Metrics:
    """Return the criterion's further scores of C, and of T where there is one."""
    prefixes = {"classifier": "test", "teacher": "teacher_test"}
    return {
        f"{prefix}_{name}": value
        for player, prefix in prefixes.items()
        if player in state.players
        for name, value in scorer.report(state, player).items()
    }


def _teacher(state: State, scorer: Scorer) -> float:
    """Return T's final test score; NaN where its seat is empty."""
    seated = "teacher" in state.players
    return scorer.score(state, "teacher", "test") if seated else float("nan")
