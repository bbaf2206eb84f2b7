"""Register the measures that claims are judged by.

A measure is a function that returns `{quantity: value}`. A value is a plain
number, or a `Quantity` when it has an interval, a unit or a number of runs. It
raises `kdgan_lib.tables.MissingRuns` when the rows it needs do not exist.

    @measure("equilibrium_value")
    def equilibrium_value() -> Measured:
        '''Return the value of Eq. 3 at the equilibrium (paper: -log 4).'''
        return {"error": abs(value + math.log(4))}
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeAlias

from kdgan_lib.stats import Difference, Estimate


@dataclass(frozen=True)
class Quantity:
    """Hold one measured number and how sure we are of it."""

    value: float
    """The number."""
    lo: float | None = None
    """Lower end of its 95% interval, if it has one."""
    hi: float | None = None
    """Upper end of its 95% interval."""
    unit: str = ""
    """Unit to print after the number, such as `%` or `epochs`."""
    runs: int = 0
    """Number of runs behind it; 0 for an exact computation."""
    protocol: str = "exact"
    """`paper`, `code`, `controlled`, or `exact` when nothing was trained."""
    profile: str = "paper"
    """Profile of the runs behind it."""

    @classmethod
    def of(
        cls,
        found: Estimate | Difference,
        unit: str = "",
        protocol: str = "controlled",
    ) -> Self:
        """Return a mean over runs, or over pairs of runs, with its interval."""
        return cls(found.mean, found.lo, found.hi, unit, found.runs, protocol)


Measured: TypeAlias = dict[str, "float | int | Quantity"]
Measure: TypeAlias = Callable[..., Measured]

_REGISTRY: dict[str, Measure] = {}


def measure(name: str) -> Callable[[Measure], Measure]:
    """Register the decorated function as the measure `name`."""

    def register(function: Measure) -> Measure:
        if name in _REGISTRY and _REGISTRY[name].__module__ != function.__module__:
            raise ValueError(f"two measures are called {name!r}: rename one of them.")
        _REGISTRY[name] = function
        return function

    return register


def collect() -> dict[str, Measure]:
    """Import every module of this package and return all measures by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_REGISTRY.items()))
