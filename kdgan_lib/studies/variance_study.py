"""Measure C's gradient while the games are played: the rows behind Figure 7."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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
KEY = ("method", "seed", "epoch", "component", "estimator", "tau", "quantity")
METHODS = ADVERSARIAL
ESTIMATOR = {"nagan": "relaxed_score", "kdgan": "relaxed_score"}
COMMAND = "python -m kdgan_lib.studies.variance_study"


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


def study(plan: Study, force: bool = False, progress: bool = True) -> int:
    """Make and store the rows of every run that has none yet; return how many runs.

    A run is stored when it ends, so that the study can be stopped and called again.
    """
    waiting = [
        (name, seed)
        for seed in range(plan.seeds)
        for name in METHODS
        if force or not is_stored(plan.run(name, seed))
    ]
    with tqdm(waiting, unit="run", disable=not progress) as bar:
        for name, seed in bar:
            bar.set_postfix_str(f"{name}, seed {seed}")
            runs.append_rows(TABLE, watch(plan, name, seed), KEY)
    return len(waiting)


def is_stored(run: Run) -> bool:
    """Return whether a method's rows for a seed are there, at the declared settings."""
    rows = runs.read_rows(TABLE, ("run_id",))
    return run.id in set(rows.run_id)


def watch(plan: Study, name: str, seed: int, progress: bool = False) -> pd.DataFrame:
    """Play one game and return the rows of its probes.

    A run that diverges gives the rows up to there, and says so in a row `diverged`.
    """
    run, found, diverged = plan.run(name, seed), list[Row](), 0.0
    where = plan.epochs_probed()
    with tqdm(total=len(where), unit="probe", disable=not progress) as bar:

        def look(training: Training, stage: Stage) -> None:
            epoch = training.state.epoch + 1
            if stage.name == GAME and epoch in where:
                rows = measure(Point(training, stage), plan.probe)
                found.extend({"epoch": epoch, **entry} for entry in rows)
                bar.update()

        try:
            result = train(run, torch.device("cpu"), after_epoch=look)
            found.extend(accuracies(result.curve))
        except Diverged:
            diverged = 1.0
    found.append({"epoch": 0, **row("run", "", 0.0, "diverged", diverged)})
    return pd.DataFrame(found).assign(**identity(run))


def accuracies(curve: pd.DataFrame) -> Iterator[Row]:
    """Yield C's accuracies at the game's evaluations as rows."""
    game = curve[curve.stage == GAME]
    for column in ("classifier_validation", "classifier_test"):
        if column not in game:
            continue
        for epoch, value in game.set_index("epoch")[column].dropna().items():
            quantity = column.removeprefix("classifier_") + "_accuracy"
            yield {"epoch": epoch, **row("classifier", "", 0.0, quantity, value)}  # type: ignore[dict-item]


def identity(run: Run) -> dict[str, object]:
    """Return what every row of a run carries: settings and provenance."""
    alpha, beta, supervision = weights_of(run.method)
    settings = run.configuration()
    kept = ("method", "n", "protocol", "profile", "seed", "epochs", "batch_size")
    rates = [f"{player}_lr" for player in ("classifier", "teacher", "discriminator")]
    chosen = {
        name: settings[name] for name in (*kept, *rates, "reward", "draws", "estimator")
    }
    chosen["own_estimator"] = chosen.pop("estimator")
    weights = {"alpha": alpha, "beta": beta, "supervision": supervision}
    made_on = provenance(torch.device("cpu"))
    return {**chosen, **weights, "run_id": run.id, **made_on}


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
    return tyro.cli(Command, args=arguments)()


if __name__ == "__main__":
    torch.set_num_threads(1)
    raise SystemExit(main())
