"""Search hyperparameters with an equal number of trials per method, on validation."""

import json
from dataclasses import asdict
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


def tune(
    name: str,
    n: int | None = None,
    trials: int = 12,
    progress: bool = False,
    data: str = "mnist",
    wider: bool = False,
    variant: str = "default",
    device: str = "cpu",
) -> pd.DataFrame:
    """Run the trials that a method still lacks and return all of them.

    The score is the selected validation accuracy at half the reported player updates,
    on a subset (where the data set has any) and an initialisation that no reported run
    uses. The trials' rows go to the table `trials`; an interrupted search goes on after
    the last of them. wider: search `space` at its wider, from the prescribed setting
    on, in a table of its own. device: `auto`, `cpu` or `cuda`; a trial's row names it.
    Raises ValueError for less than one trial, for a device that is not there, and for a
    data set, or networks, that take the settings of others.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, not {trials}.")
    _own_file(data, variant)  # before hours are spent on what cannot be written
    found = find_device(device)
    n = task(data, variant).n if n is None else n
    if wider and (data, n) != ("mnist", 100):
        raise ValueError("The wider search is for MNIST with n = 100 only.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=TUNING_SEED)
    )
    searched = space(name, data, wider)
    done = _trials(name, n, data, wider, variant)
    for _, row in done.iterrows():
        study.add_trial(_known(row, searched))
    for number in range(len(done), trials):
        study.sampler = optuna.samplers.TPESampler(
            seed=TUNING_SEED + number, n_startup_trials=trials // 2, multivariate=True
        )
        if number == 0:
            study.enqueue_trial(prescribed(name, n, data) if wider else start(name))
        trial = study.ask(_distributions(searched))
        run = declare_trial(name, n, trial.params, data, variant)
        score = _score(run, progress, found)
        study.tell(trial, score)
        row = {"data": data, "method": name, "n": n, "trial": number, "score": score}
        row |= {"parameters": json.dumps(trial.params, sort_keys=True)}
        row |= {"variant": variant}
        row |= provenance(found)
        runs.append_rows(_table(wider), pd.DataFrame([row]), KEY)
    return _trials(name, n, data, wider, variant)


def prescribed(name: str, n: int, data: str = "mnist") -> Suggested:
    """Return the prescribed values of all that the wider search varies."""
    run = declare(name, data, n)
    known = asdict(run.budget) | run.method.hyperparameters()
    return {key: known[key] for key in space(name, data, wider=True)}


def declare_trial(
    name: str,
    n: int,
    suggested: Suggested,
    data: str = "mnist",
    variant: str = "default",
) -> Run:
    """Return the run of one trial: half the player updates of a reported run."""
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


def freeze(
    folder: Path,
    n: int | None = None,
    data: str = "mnist",
    wider: bool = False,
    variant: str = "default",
) -> dict[str, dict]:
    """Write each method's best trial as its setting; return the settings.

    Methods without a trial keep theirs. wider: those of the wider search, in the file
    `wider`, which prescribes no run of the paper's tables. Raises ValueError for a data
    set, or networks, that take the settings of others.
    """
    file = _own_file(data, variant)
    n = task(data, variant).n if n is None else n
    path = folder / f"{WIDER if wider else file}.json"
    settings = json.loads(path.read_text()) if path.is_file() else {}
    for name in SEARCH_SPACES:
        done = _trials(name, n, data, wider, variant)
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


def _own_file(data: str, variant: str) -> str:
    """Return the file that a search writes; raise ValueError if it is another's."""
    learned = task(data, variant)
    learned.players(variant)  # refuses networks that there are not
    file = learned.settings[0]
    owner = next((name for name in TASKS if task(name).settings[0] == file), data)
    if data != owner:
        raise ValueError(f"{data} takes the settings of {owner}: tune --data {owner}.")
    if variant != "default" and file == task(data).settings[0]:
        raise ValueError(
            f"The networks '{variant}' of {data} take the settings of its default "
            "ones: leave --variant out."
        )
    return file


def _score(run: Run, progress: bool, device: torch.device) -> float:
    try:
        result = train(run, device, progress)
    except Diverged:
        return 0.0
    return float(result.metrics[f"validation_{run.task.criterion.name}"])


def _table(wider: bool) -> str:
    return WIDER_TRIALS if wider else TRIALS


def _trials(
    name: str, n: int, data: str, wider: bool = False, variant: str = "default"
) -> pd.DataFrame:
    rows = runs.read_rows(_table(wider), (*KEY, "score", "parameters"))
    chosen = (rows.data == data) & (rows.method == name) & (rows.n == n)
    if "variant" not in rows:  # as in tables from before networks were searched
        rows = rows.assign(variant="default")
    chosen &= rows.variant.fillna("default") == variant
    return rows[chosen].sort_values("trial")


def _distributions(
    searched: dict[str, tuple],
) -> dict[str, optuna.distributions.BaseDistribution]:
    return {key: _distribution(*spec) for key, spec in searched.items()}


def _distribution(kind: str, *values: float) -> optuna.distributions.BaseDistribution:
    if kind == "choice":
        return optuna.distributions.CategoricalDistribution(values)
    low, high = values
    return optuna.distributions.FloatDistribution(low, high, log=True)


def _known(row: pd.Series, searched: dict[str, tuple]) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(
        params=json.loads(row.parameters),
        distributions=_distributions(searched),
        value=float(row.score),
    )
