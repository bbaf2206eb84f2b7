"""Measure C's gradient while the games are played: the rows behind Figure 7."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd
import torch
import tyro
from tqdm.auto import tqdm

from kdgan_lib import runs
from kdgan_lib.execute import train
from kdgan_lib.experiments import Run
from kdgan_lib.loop.schedule import GAME, Stage
from kdgan_lib.provenance import provenance
from kdgan_lib.studies.variance_point import Point
from kdgan_lib.studies.variance_probe import Row, measure, row, weights_of
from kdgan_lib.train import Diverged, Training
from kdgan_lib.variance_plan import KEY, TABLE, Study


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

    def __post_init__(self) -> None:
        """Refuse a study whose figure would lack the temperatures."""
        if not self.plan.probe.temperatures:
            raise ValueError("Name a temperature, or leave --temperatures out.")

    def __call__(self) -> int:
        """Run the study."""
        made = study(self.plan, self.force)
        print(f"{made} runs measured; the rows are in the table `{TABLE}`")
        return 0


def main(arguments: list[str] | None = None) -> int:
    """Run `kdgan variance`; return the exit code."""
    torch.set_num_threads(1)  # the bits of a game depend on it
    return tyro.cli(Command, prog="kdgan variance", args=arguments)()


if __name__ == "__main__":
    raise SystemExit(main())
