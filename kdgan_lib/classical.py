"""Command `kdgan classical`: Table 2's classical taggers, chosen on validation."""

import json
import time
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd
import torch
import tyro
from tqdm.auto import tqdm

from kdgan_lib import runs
from kdgan_lib.baselines import KNN, RelExample, TagFeature, TagProp
from kdgan_lib.baselines.tagger import Tagger
from kdgan_lib.choices import check_range
from kdgan_lib.data import Examples, Split
from kdgan_lib.provenance import provenance
from kdgan_lib.randomness import TUNING_SEED
from kdgan_lib.tasks import PRECISION, task

TABLE, TRIALS = "baselines", "baseline_trials"
KEY = ("data", "baseline", "seed")
TRIAL_KEY = ("data", "baseline", "settings")
COMMAND = "kdgan classical"
DATA = ("openclipart", "openclipart_random")
"""Vocabularies; words struck from the text change nothing for who sees images only."""
TASKS = (*DATA, "yfcc100m", "yfcc100m_random")
"""Tasks whose Table 2 has an upper half."""
TAGGERS: dict[str, type[Tagger]] = {
    "knn": KNN,
    "tagprop": TagProp,
    "tagfeature": TagFeature,
    "relexample": RelExample,
}
SEEDED = ("relexample",)
"""Taggers that draw at random; the others give the same scores every time."""
NEIGHBOURHOODS: dict[str, tuple] = {
    "k": (5, 10, 20, 40, 80, 160),
    "distance": ("euclidean", "cosine"),
}
GRIDS: dict[str, dict[str, tuple]] = {
    "knn": NEIGHBOURHOODS,
    "tagprop": NEIGHBOURHOODS,
    "tagfeature": {
        "penalty": tuple(
            float(f"{digit}e{power}") for power in (-6, -5, -4, -3) for digit in "125"
        )
    },
    "relexample": {
        "penalty": (1e-4, 1e-3, 1e-2),
        "share": (0.8, 1.0),
        "candidates": (1, 10),
    },
}
"""Settings tried for each tagger: twelve, as many as each neural method gets."""


@dataclass(frozen=True)
class Study:
    """Choose each classical tagger's settings on validation; store its test scores."""

    data: tuple[str, ...] = DATA
    """Tasks, by the names that `kdgan train --data` knows."""
    seeds: int = 10
    """Fits of a tagger that draws at random; the others are fitted once."""

    def __post_init__(self) -> None:
        """Refuse to fit nothing."""
        if not self.data:
            raise ValueError(f"data must name a task; choose from {', '.join(TASKS)}.")
        check_range(self, "seeds", least=1)


def study(plan: Study = Study(), progress: bool = True) -> int:
    """Make and store the rows that are missing; return how many were made.

    Every fit is stored when it ends, so that the study can be stopped and called again.
    """
    with tqdm(total=_fits(plan), unit="fit", disable=not progress) as bar:
        made = 0
        for data in plan.data:
            split = task(data).load(None, 0, "controlled")
            for name in TAGGERS:
                bar.set_postfix_str(f"{name}, {data}")
                made += _study_one(plan, data, name, split, bar)
    return made


def settings_of(name: str) -> list[dict[str, Any]]:
    """Return the settings that are tried for a tagger, in order."""
    grid = GRIDS[name]
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def chosen(data: str, name: str) -> dict[str, Any]:
    """Return the first of the stored settings with the best P@3 on validation.

    Raises LookupError when a setting of the grid has not been tried.
    """
    trials = runs.read_rows(TRIALS, (*TRIAL_KEY, "validation_precision"))
    tried = trials[(trials.data == data) & (trials.baseline == name)]
    scores = tried.set_index("settings").validation_precision
    texts = [json.dumps(setting) for setting in settings_of(name)]
    if not set(texts) <= set(scores.index):
        raise LookupError(f"Settings of {name} are untried: `{COMMAND}` tries them.")
    return json.loads(max(texts, key=lambda text: scores[text]))


def _study_one(plan: Study, data: str, name: str, split: Split, bar: tqdm) -> int:
    """Try the settings of a tagger that are untried, then make its missing rows."""
    key = {"data": data, "baseline": name}
    made = 0
    for setting in settings_of(name):
        trial = {**key, "settings": json.dumps(setting)}
        if not _stored(TRIALS, trial):
            _store(TRIALS, TRIAL_KEY, trial | _trial(name, setting, split))
            made += 1
        bar.update()
    best = chosen(data, name)
    for seed in _seeds(plan, name):
        row = {**key, "seed": seed, "settings": json.dumps(best)}
        if not _stored(TABLE, row):
            _store(TABLE, KEY, row | reported(name, best, seed, split))
            made += 1
        bar.update()
    return made


def _trial(name: str, setting: dict[str, Any], split: Split) -> dict[str, object]:
    tagger, seconds = _timed_fit(name, setting, TUNING_SEED, split.train)
    return {"validation_precision": _precision(tagger, split.validation), **seconds}


def reported(
    name: str, setting: dict[str, Any], seed: int, split: Split
) -> dict[str, object]:
    """Fit a tagger and return its scores on validation and test.

    seconds and cpu_seconds: of fitting, and of rating the training images themselves.
    """
    tagger, seconds = _timed_fit(name, setting, seed, split.train)
    assert PRECISION.report is not None
    report = PRECISION.report(_scores(tagger, split.test), split.test.targets)
    return {
        "validation_precision": _precision(tagger, split.validation),
        "test_precision": _precision(tagger, split.test),
        **{f"test_{metric}": value for metric, value in report.items()},
        **seconds,
    }


def build(name: str, setting: dict[str, Any], seed: int = 0) -> Tagger:
    """Return an unfitted tagger; those that draw at random take the seed."""
    return TAGGERS[name](**setting, **({"seed": seed} if name in SEEDED else {}))


def _timed_fit(
    name: str, setting: dict[str, Any], seed: int, train: Examples
) -> tuple[Tagger, dict[str, float]]:
    """Fit on the training images and rate them; return wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    tagger = build(name, setting, seed).fit(train.inputs.numpy(), train.targets.numpy())
    _scores(tagger, train)
    return tagger, {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - processor,
    }


def _scores(tagger: Tagger, examples: Examples) -> torch.Tensor:
    return torch.from_numpy(tagger.predict_proba(examples.inputs.numpy()))


def _precision(tagger: Tagger, examples: Examples) -> float:
    return PRECISION.score(_scores(tagger, examples), examples.targets)


def _seeds(plan: Study, name: str) -> range:
    return range(plan.seeds if name in SEEDED else 1)


def _fits(plan: Study) -> int:
    per_data = sum(len(settings_of(name)) + len(_seeds(plan, name)) for name in TAGGERS)
    return len(plan.data) * per_data


def _stored(table: str, row: dict[str, Any]) -> bool:
    """Return whether a table has a row with these values."""
    rows = runs.read_rows(table, tuple(row))
    same = rows[list(row)].astype(str) == pd.Series(row).astype(str)
    return bool(same.all(axis=1).any())


def _store(table: str, key: tuple[str, ...], row: dict[str, object]) -> None:
    made_on = provenance(torch.device("cpu"))
    runs.append_rows(table, pd.DataFrame([{**row, **made_on}]), key)


def main(arguments: list[str]) -> int:
    """Run `kdgan classical`; return the exit code."""
    torch.set_num_threads(1)
    plan = tyro.cli(Study, prog=COMMAND, args=arguments)
    for data in plan.data:  # refused before anything is fitted
        if task(data).criterion is not PRECISION:
            raise ValueError(
                f"{data} has one label an image, and these rank several: choose from "
                f"{', '.join(TASKS)}."
            )
    study(plan)
    return 0
