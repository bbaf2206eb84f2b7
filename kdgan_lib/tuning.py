"""Search hyperparameters with an equal number of trials per method, on validation."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import optuna
import pandas as pd
import torch

from kdgan_lib import runs
from kdgan_lib.budget import Budget
from kdgan_lib.execute import train
from kdgan_lib.experiments import (
    Run,
    controlled_budget,
    declare,
    with_equal_updates,
)
from kdgan_lib.files import write_atomically
from kdgan_lib.loop.device import find_device
from kdgan_lib.methods import method
from kdgan_lib.provenance import provenance
from kdgan_lib.randomness import TUNING_SEED
from kdgan_lib.search_spaces import SEARCH_SPACES, Suggested, space, start
from kdgan_lib.tasks import TASKS, task
from kdgan_lib.train import Diverged

TRIALS, WIDER_TRIALS = "trials", "trials_wider"
WIDER = "wider"
"""File of the settings that the wider search found."""
KEY = ("data", "method", "n", "variant", "trial")
Distributions = dict[str, optuna.distributions.BaseDistribution]


@dataclass(frozen=True)
class Search:
    """What all methods are searched for alike: a data set, n, networks, a space.

    n: training examples; None for the data set's usual number. wider: search `space` at
    its wider, from the prescribed setting on, in a table and a file of its own. Raises
    ValueError for a data set, or networks, that take the settings of others.
    """

    data: str = "mnist"
    n: int | None = None
    variant: str = "default"
    wider: bool = False

    def __post_init__(self) -> None:
        """Refuse a search whose settings no file of its own could hold."""
        learned = task(self.data, self.variant)
        learned.players(self.variant)  # refuses networks that there are not
        file = learned.settings[0]
        owner = next(
            (name for name in TASKS if task(name).settings[0] == file), self.data
        )
        if self.data != owner:
            raise ValueError(
                f"{self.data} takes the settings of {owner}: tune --data {owner}."
            )
        if self.variant != "default" and file == task(self.data).settings[0]:
            raise ValueError(
                f"The networks '{self.variant}' of {self.data} take the settings of "
                "its default ones: leave --variant out."
            )
        if self.wider and (self.data, self.examples) != ("mnist", 100):
            raise ValueError("The wider search is for MNIST with n = 100 only.")

    @property
    def examples(self) -> int:
        """The number of training examples."""
        return task(self.data, self.variant).n if self.n is None else self.n

    @property
    def file(self) -> str:
        """The file of the settings that are found, without its ending."""
        return WIDER if self.wider else task(self.data, self.variant).settings[0]

    @property
    def table(self) -> str:
        """The table of the trials."""
        return WIDER_TRIALS if self.wider else TRIALS

    def space(self, name: str) -> dict[str, tuple]:
        """Return what is searched for a method."""
        return space(name, self.data, self.wider)

    def trials(self, name: str) -> pd.DataFrame:
        """Return a method's stored trials, in order."""
        rows = runs.read_rows(self.table, (*KEY, "score", "parameters"))
        if "variant" not in rows:  # as in tables from before networks were searched
            rows = rows.assign(variant="default")
        chosen = (rows.data == self.data) & (rows.method == name)
        chosen &= rows.n == self.examples
        chosen &= rows.variant.fillna("default") == self.variant
        return rows[chosen].sort_values("trial")


def tune(
    name: str,
    search: Search = Search(),
    trials: int = 12,
    progress: bool = False,
    device: str = "cpu",
) -> pd.DataFrame:
    """Run the trials that a method still lacks and return all of them.

    The score is the selected validation accuracy at half the reported player updates,
    on a subset (where the data set has any) and an initialisation that no reported run
    uses. The trials' rows go to `Search.table`; an interrupted search goes on after
    the last of them. device: `auto`, `cpu` or `cuda`; a trial's row names it. Raises
    ValueError for less than one trial, and for a device that is not there.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, not {trials}.")
    found = find_device(device)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=TUNING_SEED)
    )
    searched = _distributions(search.space(name))
    done = search.trials(name)
    for _, row in done.iterrows():
        study.add_trial(_known(row, searched))
    for number in range(len(done), trials):
        study.sampler = optuna.samplers.TPESampler(
            seed=TUNING_SEED + number, n_startup_trials=trials // 2, multivariate=True
        )
        if number == 0:
            study.enqueue_trial(
                prescribed(name, search) if search.wider else start(name)
            )
        trial = study.ask(searched)
        score = _score(declare_trial(name, trial.params, search), progress, found)
        study.tell(trial, score)
        _record(name, search, trial, score, found)
    return search.trials(name)


def prescribed(name: str, search: Search) -> Suggested:
    """Return the prescribed values of all that a search varies."""
    run = declare(name, search.data, search.examples)
    known = asdict(run.budget) | run.method.hyperparameters()
    return {key: known[key] for key in search.space(name)}


def declare_trial(name: str, suggested: Suggested, search: Search = Search()) -> Run:
    """Return the run of one trial: half the player updates of a reported run."""
    data, n, variant = search.data, search.examples, search.variant
    hyper, amounts = split_settings(suggested)
    learned, chosen = task(data, variant), method(name, **hyper)
    budget = controlled_budget(learned, n, amounts)
    updates = learned.player_updates(n) // 2
    budget = with_equal_updates(chosen, budget, n, updates)
    budget = budget.but(test_every=budget.epochs, teacher_every=budget.epochs)
    return Run(chosen, data, n, "controlled", "paper", TUNING_SEED, budget, variant)


def split_settings(suggested: Suggested) -> tuple[Suggested, Suggested]:
    """Return the method's hyperparameters and the budget's fields of a suggestion."""
    amounts = {k: v for k, v in suggested.items() if k in asdict(Budget())}
    return {k: v for k, v in suggested.items() if k not in amounts}, amounts


def freeze(folder: Path, search: Search = Search()) -> dict[str, dict]:
    """Write each method's best trial as its setting; return the settings.

    Methods without a trial keep theirs. What the wider search found prescribes no run
    of the paper's tables.
    """
    path = folder / f"{search.file}.json"
    settings = json.loads(path.read_text()) if path.is_file() else {}
    for name in SEARCH_SPACES:
        done = search.trials(name)
        if len(done):
            best = done.loc[done.score.idxmax()]
            hyper, amounts = split_settings(json.loads(best.parameters))
            settings[name] = {
                "trial": int(best.trial),
                "hyperparameters": hyper,
                "budget": amounts,
            }
    text = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    write_atomically(path, text.encode())
    return settings


def _record(
    name: str,
    search: Search,
    trial: optuna.Trial,
    score: float,
    device: torch.device,
) -> None:
    row = {
        "data": search.data,
        "method": name,
        "n": search.examples,
        "trial": trial.number,
        "score": score,
        "parameters": json.dumps(trial.params, sort_keys=True),
        "variant": search.variant,
        **provenance(device),
    }
    runs.append_rows(search.table, pd.DataFrame([row]), KEY)


def _score(run: Run, progress: bool, device: torch.device) -> float:
    try:
        result = train(run, device, progress)
    except Diverged:
        return 0.0
    return float(result.metrics[f"validation_{run.task.criterion.name}"])


def _distributions(searched: dict[str, tuple]) -> Distributions:
    return {key: _distribution(*spec) for key, spec in searched.items()}


def _distribution(kind: str, *values: float) -> optuna.distributions.BaseDistribution:
    if kind == "choice":
        return optuna.distributions.CategoricalDistribution(values)
    low, high = values
    return optuna.distributions.FloatDistribution(low, high, log=True)


def _known(row: pd.Series, searched: Distributions) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(
        params=json.loads(row.parameters),
        distributions=searched,
        value=float(row.score),
    )
