"""Commands `kdgan train`, `kdgan sweep` and `kdgan tune`, from the same dataclasses."""

import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, field, fields, make_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
import tyro

from kdgan_lib import experiments, runs
from kdgan_lib import sweep as sweeps
from kdgan_lib.budget import Budget
from kdgan_lib.choices import check_range
from kdgan_lib.commands import MOST_THREADS
from kdgan_lib.execute import execute, is_stored
from kdgan_lib.experiments import Run, declare
from kdgan_lib.grids import GRIDS
from kdgan_lib.methods import METHODS
from kdgan_lib.names import COMPARED
from kdgan_lib.tasks import TASKS

if TYPE_CHECKING:
    MethodName = str
    SearchedName = str
    GridName = str
    DataName = str
else:
    MethodName = Literal[tuple(METHODS)]
    SearchedName = Literal[COMPARED]
    GridName = Literal[tuple(GRIDS)]
    DataName = Literal[tuple(TASKS)]
DIVERGED = 3
LARGEST = 1_000_000
"""Of the whole numbers among a run's settings."""


@dataclass(frozen=True)
class Selection:
    """Which run: the options that decide the other options' defaults."""

    method: MethodName = "kdgan"
    """The method."""
    data: DataName = "mnist"
    """The data set."""
    n: int | None = None
    """Training examples; by default the data set's usual number."""
    seed: int = 0
    """Seed of the subset, the initial weights, the order and the noise."""
    protocol: Literal["controlled", "paper", "code"] = "controlled"
    """paper: the text; code: the released code; controlled: equal terms for all."""
    profile: Literal["smoke", "book", "paper"] = "paper"
    """smoke: seconds; book: a tenth; paper: all of the training."""
    variant: str = "default"
    """Which networks, where a data set has several: h50 for 50 hidden units."""


@dataclass(frozen=True)
class Execution:
    """How to run it: none of these changes the run's identity."""

    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """Where to train; auto takes a GPU if there is one, which draws other noise."""
    threads: int = 1
    """CPU threads; the bits of a run depend on it."""
    force: bool = False
    """Train again even if the record is there; interrupted, it goes on without this."""
    checkpoint_seconds: float = 20.0
    """Least time between two checkpoints."""

    def __post_init__(self) -> None:
        """Refuse what torch would refuse in its own words."""
        check_range(self, "threads", least=1, to=MOST_THREADS)
        check_range(self, "checkpoint_seconds")


def train(arguments: list[str]) -> int:
    """Train one run: `kdgan train --method kdgan --n 100`; return the exit code."""
    run, execution = parse_run(arguments)
    torch.set_num_threads(execution.threads)
    known = is_stored(run.id) and not execution.force
    row = execute(
        run,
        execution.device,
        progress=sys.stderr.isatty(),
        force=execution.force,
        checkpoint_seconds=execution.checkpoint_seconds,
    )
    if row["status"] == "diverged":
        print(f"{run.id} diverged: {row['reason']}", file=sys.stderr)
        return DIVERGED
    score = run.task.criterion.name
    print(
        f"{run.id}{' (stored before)' if known else ''}: {run.method.name}, "
        f"{run.data} n = {run.n}, {run.protocol}, seed {run.seed}: "
        f"test {score} {float(str(row[f'test_{score}'])):.4f}"
    )
    return 0


def _flat(kind: Any) -> Any:
    return tyro.conf.configure(tyro.conf.OmitArgPrefixes)(kind)


def parse_run(arguments: list[str]) -> tuple[Run, Execution]:
    """Return the run that the options declare.

    The first reading finds the protocol's settings; the second shows them as the
    defaults of `--help` and takes what the user changes.
    """
    asked = [word for word in arguments if word not in ("-h", "--help")]
    selection, _ = tyro.cli(
        _flat(Selection),
        prog="kdgan train",
        args=asked,
        return_unknown_args=True,
    )
    prescribed = declare(
        **{k.replace("method", "name"): v for k, v in asdict(selection).items()}
    )
    options: Any = make_dataclass(
        "Options",
        [
            ("which", Selection, field(default=selection)),
            (
                "hyperparameters",
                type(prescribed.method),
                field(default=prescribed.method),
            ),
            ("budget", Budget, field(default=prescribed.budget)),
            ("execution", Execution, field(default=Execution())),
        ],
    )
    options.__doc__ = (
        "Train one run and store its record; a stored run is not repeated."
    )
    found = tyro.cli(
        _flat(options),
        prog="kdgan train",
        args=arguments,
    )
    run = replace(prescribed, method=found.hyperparameters, budget=found.budget)
    _check_amounts(run)
    return run, found.execution


def _check_amounts(run: Run) -> None:
    """Refuse what torch, or at the end the table, would refuse in its own words."""
    for name, value in (asdict(run.budget) | run.method.hyperparameters()).items():
        if isinstance(value, int) and value > LARGEST:
            raise ValueError(f"{name} must be at most {LARGEST:,}, not {value:,}.")


@dataclass(frozen=True)
class Sweep:
    """Execute a declared grid of runs; what is finished is skipped."""

    grid: tyro.conf.Positional[GridName]
    """The figure or table."""
    profile: Literal["smoke", "book", "paper"] = "paper"
    """smoke: seconds; book: a tenth; paper: all of the training."""
    workers: int = 2
    """Processes, one thread each."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """Where to train."""
    protocol: tuple[Literal["controlled", "paper", "code"], ...] = ()
    """Only these protocols."""
    method: tuple[MethodName, ...] = ()
    """Only these methods."""
    data: tuple[DataName, ...] = ()
    """Only these data sets."""
    n: tuple[int, ...] = ()
    """Only these numbers of training examples."""
    variant: tuple[str, ...] = ()
    """Only these networks."""
    seeds: int | None = None
    """Only seeds below this."""
    ids: tuple[str, ...] = ()
    """Only the runs with these ids, which --dry lists."""
    dry: bool = False
    """Only list what is left to do, with what sets runs of a place apart."""

    def __post_init__(self) -> None:
        """Refuse to work with nobody."""
        check_range(self, "workers", above=0)

    def __call__(self) -> int:
        """Run the grid; name the runs that failed."""
        wanted, done = self.runs(), set(runs.table().run_id)
        if unknown := {*self.ids} - {run.id for run in wanted}:
            told = ", ".join(sorted(unknown))
            raise ValueError(
                f"{told}: not among the runs of {self.grid} with these options; "
                f"`kdgan sweep {self.grid} --dry` lists what is left of them."
            )
        if not wanted:
            raise ValueError(f"No run of {self.grid} has these options.")
        left = [run for run in wanted if run.id not in done]
        if self.dry:
            print(*_lines(left), sep="\n", end="\n" if left else "")
            return 0
        failures = sweeps.sweep(left, self.workers, self.device)
        for message in dict.fromkeys(failures.values()):
            print(_failed(message, failures), file=sys.stderr)
        whole = self.seeds is None and not any(
            (self.protocol, self.method, self.n, self.variant, self.ids)
        )
        if whole and self.grid.startswith("table2") and self.profile == "paper":
            self.fit_classical({run.data for run in wanted})
        return 1 if failures else 0

    def fit_classical(self, data: set[str]) -> None:
        """Fit the upper half of Table 2 on the tasks that have one."""
        from kdgan_lib import classical

        own = tuple(name for name in classical.TASKS if name in data)
        if own:
            classical.study(classical.Study(own))

    def runs(self) -> list[Run]:
        """Return the grid's runs that the filters leave."""
        return [
            run
            for run in GRIDS[self.grid](self.profile)
            if (not self.protocol or run.protocol in self.protocol)
            and (not self.method or run.method.name in self.method)
            and (not self.data or run.data in self.data)
            and (not self.n or run.n in self.n)
            and (not self.variant or run.variant in self.variant)
            and (self.seeds is None or run.seed < self.seeds)
            and (not self.ids or run.id in self.ids)
        ]


def _lines(left: list[Run]) -> list[str]:
    """Return a line for each run: its id, its place, and what sets it apart there."""
    places = [
        (run.method.name, run.data, run.n, run.protocol, run.variant) for run in left
    ]
    configurations = [run.configuration() for run in left]
    values: dict[tuple[object, ...], set[object]] = defaultdict(set)
    for place, configuration in zip(places, configurations, strict=True):
        for name, value in configuration.items():
            values[place, name].add(value)
    return [
        " ".join(
            [run.id, *map(str, place[:4]), str(run.seed), run.variant]
            + [
                f"{name}={value}"
                for name, value in configuration.items()
                if name != "seed" and len(values[place, name]) > 1
            ]
        )
        for run, place, configuration in zip(left, places, configurations, strict=True)
    ]


def _failed(message: str, failures: dict[str, str]) -> str:
    """Return one sentence on all runs that failed with a message."""
    names = [identity for identity, told in failures.items() if told == message]
    others = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"{names[0]}{others} failed: {message}"


def _check_filters(arguments: list[str]) -> None:
    """Refuse a filter that lists nothing: it would leave the whole grid.

    What is parsed does not tell it from one that was left out.
    """
    filters = {f"--{field.name}" for field in fields(Sweep) if field.default == ()}
    for option, following in pairwise([*arguments, "--"]):
        if option in filters and following.startswith("--"):
            raise ValueError(f"Name something after {option}, or leave it out.")


def sweep(arguments: list[str]) -> int:
    """Run `kdgan sweep`; return the exit code."""
    _check_filters(arguments)
    return tyro.cli(Sweep, prog="kdgan sweep", args=arguments)()


@dataclass(frozen=True)
class Tune:
    """Search each method's settings with an equal number of trials, on validation."""

    methods: tyro.conf.Positional[tuple[SearchedName, ...]] = COMPARED
    """The methods; all of the paper's by default."""
    data: DataName = "mnist"
    """The data set."""
    n: int | None = None
    """Training examples; by default the data set's usual number."""
    trials: int = 12
    """Trials of each method, those stored before included."""
    variant: str = "default"
    """Which networks, where a data set has several: small for CIFAR-10 on a CPU."""
    wider: bool = False
    """Vary passes, C's pretraining and the discriminator's terms, too."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """Where to train."""
    freeze: bool = False
    """Write the best trials into the library's settings."""

    def __call__(self) -> int:
        """Run the trials that are missing; print each method's best."""
        from kdgan_lib import tuning

        torch.set_num_threads(1)
        search = tuning.Search(self.data, self.n, self.variant, self.wider)
        for name in self.methods:
            done = tuning.tune(name, search, self.trials, True, self.device)
            best = done.loc[done.score.idxmax()]
            print(f"{name}: {best.score:.4f} on validation with {best.parameters}")
        if self.freeze:
            folder = Path(str(experiments.SETTINGS))
            tuning.freeze(folder, search)
        return 0


def tune(arguments: list[str]) -> int:
    """Run `kdgan tune`; return the exit code."""
    return tyro.cli(Tune, prog="kdgan tune", args=arguments)()
