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
    controlled_base,
    declare,
    with_equal_updates,
)
from kdgan_lib.files import write_atomically
from kdgan_lib.methods import method
from kdgan_lib.provenance import provenance
from kdgan_lib.randomness import TUNING_SEED
from kdgan_lib.tasks import TASKS, task
from kdgan_lib.train import Diverged

TRIALS, WIDER_TRIALS = "trials", "trials_wider"
WIDER = "wider"
"""File of the settings that the wider search found."""
KEY = ("data", "method", "n", "trial")
Suggested = dict[str, str | float | int]
RATE = ("float", 1e-4, 3e-3)
GAME_RATE = ("float", 3e-5, 1e-3)
WEIGHT = ("float", 1e-2, 1e1)

SEARCH_SPACES: dict[str, dict[str, tuple]] = {
    "supervised": {"weight_decay": ("float", 1e-6, 1e-2)},
    "mimic": {},
    "distn": {
        "distillation_weight": ("choice", 0.5, 0.7, 0.9),
        "distillation_temperature": ("choice", 1.0, 2.0, 3.0, 5.0),
    },
    "noisy": {"keep": ("choice", 0.8, 0.9, 0.95), "noise_scale": ("float", 0.03, 0.3)},
    "codis": {
        "teacher_lr": GAME_RATE,
        "distillation_weight": ("float", 0.1, 10.0),
        "distillation_temperature": ("choice", 1.0, 2.0, 3.0),
    },
    "nagan": {
        "discriminator_lr": GAME_RATE,
        "estimator": ("choice", "relaxed_score", "pathwise"),
        "draws": ("choice", 1, 5, 25),
        "tau_end": ("choice", 0.1, 0.5),
    },
    "kdgan_wo_gm": {
        "discriminator_lr": GAME_RATE,
        "teacher_lr": GAME_RATE,
        "alpha": ("choice", 0.1, 0.3, 0.5, 0.7),
        "beta": WEIGHT,
        "gamma": ("float", 1e-4, 1e-1),
        "draws": ("choice", 1, 5, 25),
    },
}
SEARCH_SPACES["kdgan"] = SEARCH_SPACES["kdgan_wo_gm"] | {
    "estimator": ("choice", "relaxed_score", "pathwise"),
    "tau_end": ("choice", 0.1, 0.5),
}
FORM = {"distillation": ("choice", "l2", "kl")}
TAG_SPACES = {"kdgan_wo_gm": FORM, "kdgan": FORM}
# The first trial of each method, so that no search starts from luck alone.
GAME_START: Suggested = {
    "discriminator_lr": 1e-4,
    "draws": 1,
    "estimator": "pathwise",
    "tau_end": 0.5,
}
STARTS: dict[str, Suggested] = {
    "supervised": {"weight_decay": 1e-5},
    "mimic": {},
    "distn": {"distillation_weight": 0.7, "distillation_temperature": 3.0},
    "noisy": {"keep": 0.9, "noise_scale": 0.1},
    "codis": {
        "teacher_lr": 1e-4,
        "distillation_weight": 1.0,
        "distillation_temperature": 1.0,
    },
    "nagan": GAME_START | {"classifier_lr": 1e-4},
    "kdgan_wo_gm": {
        "discriminator_lr": 1e-4,
        "teacher_lr": 1e-4,
        "draws": 1,
        "alpha": 0.5,
        "beta": 1.0,
        "gamma": 1e-4,
    },
    "kdgan": GAME_START
    | {"teacher_lr": 1e-4, "alpha": 0.5, "beta": 1.0, "gamma": 1e-4},
}
COMMON = {"lr_schedule": ("choice", "constant", "cosine")}
WIDER_COMMON = {
    "weight_decay": ("choice", 0.0, 1e-5, 1e-4, 1e-3),
    "classifier_pretraining": ("choice", 0, 50, 200),
}
WIDER_GAME = {
    "classifier_passes": ("choice", 1, 2, 3),
    "discriminator_passes": ("choice", 1, 2),
    "label_smoothing": ("choice", 0.0, 0.1),
    "reward": ("choice", "saturating", "nonsaturating"),
    "tau_start": ("choice", 1.0, 0.5),
}
WIDER_THREE = WIDER_GAME | {
    "teacher_passes": ("choice", 1, 2),
    "supervision": ("choice", 0.0, 0.3, 1.0),
}
WIDER_ESTIMATOR = {"estimator": ("choice", "relaxed_score", "pathwise", "exact")}
WIDER_SPACES = {
    "nagan": WIDER_GAME | WIDER_ESTIMATOR,
    "kdgan_wo_gm": WIDER_THREE,
    "kdgan": WIDER_THREE | WIDER_ESTIMATOR,
}


def space(name: str, data: str = "mnist", wider: bool = False) -> dict[str, tuple]:
    """Return what is searched for a method: its own settings and C's learning rate.

    On the tag data the game's form of distillation is searched, too: a squared distance
    sums over 200 labels there. wider: with the passes of each player, C's pretraining,
    weight decay, and the reward, labels and temperature of the game.
    """
    rate = GAME_RATE if name == "nagan" else RATE
    tags = {} if data in ("mnist", "cifar10") else TAG_SPACES.get(name, {})
    found = {"classifier_lr": rate, **COMMON, **SEARCH_SPACES[name], **tags}
    return {**WIDER_COMMON, **found, **WIDER_SPACES.get(name, {})} if wider else found


def tune(
    name: str,
    n: int | None = None,
    trials: int = 12,
    progress: bool = False,
    data: str = "mnist",
    wider: bool = False,
) -> pd.DataFrame:
    """Run the trials that a method still lacks and return all of them.

    The score is the selected validation accuracy at half the reported player updates,
    on a subset and an initialisation that no reported run uses. The trials' rows go to
    the table `trials`; an interrupted search goes on after the last of them. wider:
    search `space` at its wider, from the prescribed setting on, in a table of its own.
    Raises ValueError for less than one trial.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, not {trials}.")
    n = task(data).n if n is None else n
    if wider and (data, n) != ("mnist", 100):
        raise ValueError("The wider search is for MNIST with n = 100 only.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=TUNING_SEED)
    )
    searched = space(name, data, wider)
    done = _trials(name, n, data, wider)
    for _, row in done.iterrows():
        study.add_trial(_known(row, searched))
    for number in range(len(done), trials):
        study.sampler = optuna.samplers.TPESampler(
            seed=TUNING_SEED + number, n_startup_trials=trials // 2, multivariate=True
        )
        if number == 0:
            study.enqueue_trial(prescribed(name, n, data) if wider else _start(name))
        trial = study.ask(_distributions(searched))
        score = _score(declare_trial(name, n, trial.params, data), progress)
        study.tell(trial, score)
        row = {"data": data, "method": name, "n": n, "trial": number, "score": score}
        row |= {"parameters": json.dumps(trial.params, sort_keys=True)}
        row |= provenance(torch.device("cpu"))
        runs.append_rows(_table(wider), pd.DataFrame([row]), KEY)
    return _trials(name, n, data, wider)


def prescribed(name: str, n: int, data: str = "mnist") -> Suggested:
    """Return the prescribed values of all that the wider search varies."""
    run = declare(name, data, n)
    known = asdict(run.budget) | run.method.hyperparameters()
    return {key: known[key] for key in space(name, data, wider=True)}


def declare_trial(name: str, n: int, suggested: Suggested, data: str = "mnist") -> Run:
    """Return the run of one trial: half the player updates of a reported run."""
    hyper, amounts = split_settings(suggested)
    learned, chosen = task(data), method(name, **hyper)
    budget = controlled_base(learned, n).but(**amounts)
    updates = learned.player_updates(n) // 2
    budget = with_equal_updates(chosen, budget, n, updates)
    budget = budget.but(test_every=budget.epochs, teacher_every=budget.epochs)
    return Run(chosen, data, n, "controlled", "paper", TUNING_SEED, budget)


def split_settings(suggested: Suggested) -> tuple[Suggested, Suggested]:
    """Return the method's hyperparameters and the budget's fields of a suggestion."""
    amounts = {k: v for k, v in suggested.items() if k in asdict(Budget())}
    return {k: v for k, v in suggested.items() if k not in amounts}, amounts


def freeze(
    folder: Path, n: int | None = None, data: str = "mnist", wider: bool = False
) -> dict[str, dict]:
    """Write each method's best trial as its setting; return the settings.

    Methods without a trial keep theirs. wider: those of the wider search, in the file
    `wider`, which prescribes no run of the paper's tables. Raises ValueError for a data
    set that takes another one's settings.
    """
    file = task(data).settings[0]
    owner = next(name for name in TASKS if task(name).settings[0] == file)
    if data != owner:
        raise ValueError(f"{data} takes the settings of {owner}: tune --data {owner}.")
    n = task(data).n if n is None else n
    path = folder / f"{WIDER if wider else file}.json"
    settings = json.loads(path.read_text()) if path.is_file() else {}
    for name in SEARCH_SPACES:
        done = _trials(name, n, data, wider)
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


def _start(name: str) -> Suggested:
    return {"classifier_lr": 1e-3, "lr_schedule": "cosine", **STARTS[name]}


def _score(run: Run, progress: bool) -> float:
    try:
        result = train(run, torch.device("cpu"), progress)
    except Diverged:
        return 0.0
    return float(result.metrics[f"validation_{run.task.criterion.name}"])


def _table(wider: bool) -> str:
    return WIDER_TRIALS if wider else TRIALS


def _trials(name: str, n: int, data: str, wider: bool = False) -> pd.DataFrame:
    rows = runs.read_rows(_table(wider), (*KEY, "score", "parameters"))
    chosen = (rows.data == data) & (rows.method == name) & (rows.n == n)
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
