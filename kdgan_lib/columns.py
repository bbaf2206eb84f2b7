"""Keep a method's hyperparameters apart from what the row of every run has."""

from collections.abc import Iterable
from dataclasses import fields

from kdgan_lib.budget import Budget
from kdgan_lib.methods import METHODS, Method
from kdgan_lib.provenance import ROUNDING
from kdgan_lib.runs import NUMBERS, TEXTS

OUTCOME = (
    *("reason", "contexts", "weights_digest", "selected_epoch", "epochs_run"),
    *("classifier_updates", "teacher_updates", "discriminator_updates"),
    *("player_updates", "python", "numpy", "commit"),
)
"""What a run's row has at its end, beside scores."""
SCORES = ("test_", "last_test_", "best_test_", "validation_", "teacher_test_")
"""Begin the names of its scores."""
TAKEN = {field.name for field in fields(Budget)}.union(
    TEXTS, NUMBERS, ROUNDING, OUTCOME
)
"""Columns of the stored tables that no method may fill."""
WORDED = {
    field.name: isinstance(field.default, str)
    for kind in METHODS.values()
    for field in fields(kind)
}
"""The hyperparameters of the library's methods, and whether each is a text."""


def check_columns(method: Method, run: Iterable[str]) -> None:
    """Raise ValueError for a hyperparameter whose column holds something else.

    run: the names of what a run declares beside its method. Two runs could else have
    one identity, and a finished one could not be stored beside the others.
    """
    taken = TAKEN.union(run)
    for name, value in method.hyperparameters().items():
        worded = isinstance(value, str)
        if name in taken or name.startswith(SCORES):
            fault = "and every run has something of that name"
        elif WORDED.get(name, worded) != worded:
            fault = f"which is a {'number' if worded else 'text'} in other methods"
        else:
            continue
        raise ValueError(
            f"'{method.name}' has a hyperparameter '{name}', {fault}: give it another "
            "name."
        )
