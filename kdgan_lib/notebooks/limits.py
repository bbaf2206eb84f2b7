"""Say which values a chapter's parameter may have where its type allows too many."""

import math
from dataclasses import dataclass
from typing import Any

from kdgan_lib.names import COMPARED


@dataclass(frozen=True)
class Range:
    """Allow finite numbers from `least`, or above it, to `most`."""

    least: float = -math.inf
    """Lower end."""
    most: float = math.inf
    """Upper end."""
    above: bool = False
    """Whether the lower end itself is refused."""

    def allows(self, value: Any) -> bool:
        """Tell whether a number is in the range."""
        started = value > self.least if self.above else value >= self.least
        return bool(started and value <= self.most and math.isfinite(value))

    def words(self, value: Any) -> str:
        """Return what a number that is not allowed should be."""
        if math.isfinite(self.most):
            return f"from {self.least} to {self.most}"
        if not math.isfinite(self.least):
            return "finite"
        start = f"{'above' if self.above else 'at least'} {self.least}"
        return start if math.isfinite(value) else f"{start} and finite"


@dataclass(frozen=True)
class OneOf:
    """Allow the names of a list."""

    names: tuple[str, ...]
    """The names."""

    def allows(self, value: Any) -> bool:
        """Tell whether a name is in the list."""
        return str(value) in self.names

    def words(self, value: Any) -> str:
        """Return the list in words, whatever the value."""
        return f"one of {', '.join(self.names)}"


Limit = Range | OneOf
COUNT, WEIGHT, POSITIVE = Range(1), Range(0), Range(0, above=True)
LIVE = OneOf((*COMPARED, "kdgan_adaptive"))
"""Methods that `live_run` knows."""
LIMITS: dict[str, Limit] = {
    "seed": Range(0, 2**32 - 1),
    **dict.fromkeys(("n", "epochs", "passes", "hidden"), COUNT),
    **dict.fromkeys(("beta", "gamma", "supervision"), WEIGHT),
    "alpha": Range(0, 1),
    "wrong": Range(0, 0.99),  # at 1 T gives the true labels no mass: KL is infinite
    **dict.fromkeys(("ratio", "spread", "step_size"), POSITIVE),
    "num_labels": Range(2),
    "width": Range(0, 100),
    "method": LIVE,
}
"""By the parameter's name."""
OWN: dict[str, dict[str, Limit]] = {
    # Without distillation a game has many equilibria.
    "03_three_player_game": {"beta": POSITIVE},
    "12_your_own_teacher": {"n": Range(10, 197)},
    # With more of them some directions are too slow to be told from standing still.
    "a0_proofs": {"num_labels": Range(2, 50)},
}
"""By chapter, where it allows less."""


def limit_of(chapter: str, name: str, kind: str) -> Limit | None:
    """Return what a parameter of a chapter is limited to; None for any value.

    kind: the parameter's type; a float without limits of its own must be finite.
    """
    found = OWN.get(chapter, {}).get(name) or LIMITS.get(name)
    return found or (Range() if kind == "float" else None)
