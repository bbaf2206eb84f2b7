"""KDGAN: knowledge distillation with generative adversarial networks.

`fit` trains a classifier by any of `METHODS` from any teacher; `estimators`, `losses`
and `game` hold the mathematics; `experiments` declares the paper's figures and tables.

Packages: `methods` and `baselines` (who is trained), `loop` (the parts of `train`,
which is Algorithm 1), `measures` (what judges a claim), `reports` (what the chapters
state), `figures` (what they draw), `studies` (what they compute beside the runs),
`notebooks` (how they are run and kept), `commands` (`kdgan`) and `settings` (what the
searches found).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kdgan_lib import estimators, losses
    from kdgan_lib.budget import Budget
    from kdgan_lib.data import Examples, Split
    from kdgan_lib.loop.device import GPUFull
    from kdgan_lib.loop.evaluation import Criterion, evaluate
    from kdgan_lib.methods import METHODS, method
    from kdgan_lib.teachers import Fixed
    from kdgan_lib.train import Diverged, Result, fit

__all__ = [
    "METHODS",
    "Budget",
    "Criterion",
    "Diverged",
    "Examples",
    "Fixed",
    "GPUFull",
    "Result",
    "Split",
    "estimators",
    "evaluate",
    "fit",
    "losses",
    "method",
]
__version__ = "0.1.0"

_HOMES = {
    "METHODS": "methods",
    "Budget": "budget",
    "Criterion": "loop.evaluation",
    "Diverged": "train",
    "Examples": "data",
    "Fixed": "teachers",
    "GPUFull": "loop.device",
    "Result": "train",
    "Split": "data",
    "evaluate": "loop.evaluation",
    "fit": "train",
    "method": "methods",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: tables do not wait for torch."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in ("estimators", "losses", "data", "game", "metrics", "experiments"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    """Return the public names, of which none is here before it is used."""
    return sorted(__all__)
