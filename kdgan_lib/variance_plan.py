"""Declare the variance study: which games are watched, and what is drawn at a probe."""

from dataclasses import asdict, dataclass, field, replace
from types import SimpleNamespace
from typing import Annotated

import torch
import tyro

from kdgan_lib import experiments, runs
from kdgan_lib.choices import check_range
from kdgan_lib.experiments import Run
from kdgan_lib.methods import method
from kdgan_lib.names import ADVERSARIAL

TABLE = "variance"
KEY = ("run_id", "epoch", "component", "estimator", "tau", "quantity")
METHODS = ADVERSARIAL
ESTIMATOR = {"nagan": "relaxed_score", "kdgan": "relaxed_score"}


@dataclass(frozen=True)
class Probe:
    """How much is drawn at one point, and where the temperature is varied."""

    batches: int = 12
    """Fresh minibatches, for the variance between them."""
    examples: int = 25
    """Images of a minibatch whose Gram matrices are made, for that of sampling."""
    draws: int = 512
    """Fresh draws of every example's label, for the variance of sampling."""
    masks: int = 8
    """Fresh dropout masks on one minibatch; elsewhere dropout is off."""
    temperatures: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0, 10.0)
    """Temperatures at which the relaxed estimators are measured besides the run's."""

    def __post_init__(self) -> None:
        """Refuse amounts that have no variance, or nothing to look at."""
        check_range(self, "batches", "draws", "masks", above=1)
        check_range(self, "examples", above=0)
        for value in self.temperatures:
            check_range(SimpleNamespace(temperatures=value), "temperatures", above=0)


@dataclass(frozen=True)
class Study:
    """Declare which games are watched, and how closely."""

    seeds: int = 5
    """Seeds, from 0."""
    epochs: int = 60
    """Outer epochs of every game; each holds the same number of C's updates."""
    probes: int = 7
    """Probes in a run, evenly spread from the first epoch to the last."""
    n: int = 100
    """Training images."""
    profile: str = "paper"
    """smoke, book or paper: how long the players are pretrained."""
    probe: Annotated[Probe, tyro.conf.OmitArgPrefixes] = field(default_factory=Probe)
    """How much is drawn at a probe."""

    def __post_init__(self) -> None:
        """Refuse to watch nothing."""
        check_range(self, "seeds", "epochs", "probes", "n", least=1)

    def epochs_probed(self) -> frozenset[int]:
        """Return the epochs after which C's gradient is measured, counted from 1."""
        places = torch.linspace(1, self.epochs, min(self.probes, self.epochs))
        return frozenset(int(place.round()) for place in places)

    def run(self, name: str, seed: int) -> Run:
        """Return the declared run of a method, with the paper's estimator.

        Everything else is the `controlled` protocol's, but for the outer epochs and
        how often the players are evaluated.
        """
        given = {"n": self.n, "profile": self.profile, "seed": seed}
        declared = experiments.declare(name, **given)  # type: ignore[arg-type]
        hyper = declared.method.hyperparameters()
        if name in ESTIMATOR:
            hyper["estimator"] = ESTIMATOR[name]
        every = max(1, self.epochs // 6)
        budget = declared.budget.but(
            epochs=self.epochs,
            evaluate_every=every,
            test_every=self.epochs,
            teacher_every=self.epochs,
        )
        return replace(declared, method=method(name, **hyper), budget=budget)

    def games(self) -> dict[str, tuple[str, int]]:
        """Return each game's method and seed by the identity of its rows."""
        return {
            self.identity(name, seed): (name, seed)
            for seed in range(self.seeds)
            for name in METHODS
        }

    def identity(self, name: str, seed: int) -> str:
        """Return what the rows of a game are stored under.

        That is its run's identity; a game watched more or less closely than by default
        has another one, so that its rows replace none.
        """
        run, default = self.run(name, seed), Study()
        if (self.probes, self.probe) == (default.probes, default.probe):
            return run.id
        watched = {"probes": self.probes, **asdict(self.probe)}
        return runs.run_id({**run.configuration(), "watched": watched})
