"""Refuse arguments of `fit` that are of another kind than it takes."""

from collections.abc import Mapping
from operator import index

from kdgan_lib.budget import Budget
from kdgan_lib.data import Split
from kdgan_lib.loop.evaluation import Criterion
from kdgan_lib.methods import Method


def check_arguments(
    method: object, players: object, split: object, budget: object, criterion: object
) -> None:
    """Raise ValueError, saying what to pass, for an argument of the wrong kind."""
    kinds = {
        "method": (method, Method, "a name, or what methods.method(name) returns"),
        "players": (players, Mapping, "a dictionary from seats to modules"),
        "split": (split, Split, "a kdgan_lib.Split"),
        "budget": (budget, Budget, "a kdgan_lib.Budget"),
        "criterion": (criterion, Criterion, "one, as loop.evaluation.ACCURACY is"),
    }
    for name, (value, kind, wanted) in kinds.items():
        if not isinstance(value, kind):
            given = "class" if isinstance(value, type) else type(value).__name__
            raise ValueError(f"The {name} is a {given}: pass {wanted}.")


def whole(seed: object) -> int:
    """Return a seed as an int, so that equal ones draw alike; refuse what is none."""
    try:
        if isinstance(seed, bool):
            raise TypeError
        return index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"The seed must be a whole number, not {seed!r}.") from None
