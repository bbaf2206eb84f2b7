"""Measure C's gradient while the games are played: the rows behind Figure 7."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated

import pandas as pd
import torch
import tyro
from tqdm.auto import tqdm

from kdgan_lib import experiments, runs
from kdgan_lib.execute import train
from kdgan_lib.experiments import Run
from kdgan_lib.loop.schedule import GAME, Stage
from kdgan_lib.methods import method
from kdgan_lib.names import ADVERSARIAL
from kdgan_lib.provenance import provenance
from kdgan_lib.studies.variance_point import Point
from kdgan_lib.studies.variance_probe import Probe, Row, measure, row, weights_of
from kdgan_lib.train import Diverged, Training

TABLE = "variance"
KEY = ("run_id", "epoch", "component", "estimator", "tau", "quantity")
METHODS = ADVERSARIAL
ESTIMATOR = {"nagan": "relaxed_score", "kdgan": "relaxed_score"}


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


def study(plan: Study, force: bool = False, progress: bool = True) -> int:
    """Make and store the rows of every run that has none yet; return how many runs.

    A run is stored when it ends, so that the study can be stopped and called again.
    """
    games = plan.games()
    waiting = [game for name, game in games.items() if force or not is_stored(name)]
    with tqdm(waiting, unit="run", disable=not progress) as bar:
        for name, seed in bar:
            bar.set_postfix_str(f"{name}, seed {seed}")
            runs.append_rows(TABLE, watch(plan, name, seed), KEY)
    return len(waiting)


def is_stored(identity: str) -> bool:
    """Return whether the rows of a game are there, at these very settings."""
    return identity in set(runs.read_rows(TABLE, ("run_id",)).run_id)


def watch(plan: Study, name: str, seed: int, progress: bool = False) -> pd.DataFrame:
    """Play one game and return the rows of its probes.

    A run that diverges gives the rows up to there, and says so in a row `diverged`.
    """
    run, found, diverged = plan.run(name, seed), list[Row](), 0.0
    cpu = torch.device("cpu")
    where = plan.epochs_probed()
    with tqdm(total=len(where), unit="probe", disable=not progress) as bar:

        def look(training: Training, stage: Stage) -> None:
            epoch = training.state.epoch + 1
            if stage.name == GAME and epoch in where:
                rows = measure(Point(training, stage), plan.probe)
                found.extend({"epoch": epoch, **entry} for entry in rows)
                bar.update()

        try:
            result = train(run, cpu, after_epoch=look)
            found.extend(accuracies(result.curve))
        except Diverged:
            diverged = 1.0
    found.append({"epoch": 0, **row("run", "", 0.0, "diverged", diverged)})
    return pd.DataFrame(found).assign(
        **settings(run), run_id=plan.identity(name, seed), **provenance(cpu)
    )


def accuracies(curve: pd.DataFrame) -> Iterator[Row]:
    """Yield C's accuracies at the game's evaluations as rows."""
    game = curve[curve.stage == GAME]
    for column in ("classifier_validation", "classifier_test"):
        if column not in game:
            continue
        for epoch, value in game.set_index("epoch")[column].dropna().items():
            quantity = column.removeprefix("classifier_") + "_accuracy"
            yield {"epoch": epoch, **row("classifier", "", 0.0, quantity, value)}  # type: ignore[dict-item]


def settings(run: Run) -> dict[str, object]:
    """Return the settings of a run that each of its rows carries."""
    alpha, beta, supervision = weights_of(run.method)
    given = run.configuration()
    kept = ("method", "n", "protocol", "profile", "seed", "epochs", "batch_size")
    rates = [f"{player}_lr" for player in ("classifier", "teacher", "discriminator")]
    chosen = {
        name: given[name] for name in (*kept, *rates, "reward", "draws", "estimator")
    }
    chosen["own_estimator"] = chosen.pop("estimator")
    weights = {"alpha": alpha, "beta": beta, "supervision": supervision}
    return {**chosen, **weights}


@dataclass(frozen=True)
class Command:
    """Watch C's gradient in NaGAN, KDGAN-WO-GM and KDGAN; store the rows."""

    plan: tyro.conf.OmitArgPrefixes[Study] = field(default_factory=Study)
    """What is measured."""
    force: bool = False
    """Measure again what is stored."""

    def __call__(self) -> int:
        """Run the study."""
        made = study(self.plan, self.force)
        print(f"{made} runs measured; the rows are in the table `{TABLE}`")
        return 0


def main(arguments: list[str] | None = None) -> int:
    """Run `kdgan variance`; return the exit code."""
    torch.set_num_threads(1)  # the bits of a game depend on it
    return tyro.cli(Command, args=arguments)()


if __name__ == "__main__":
    raise SystemExit(main())
