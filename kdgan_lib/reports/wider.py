"""Tell what the wider search tried, what it found, and what that changed on test."""

import json

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.experiments import from_configuration
from kdgan_lib.loop.schedule import all_updates, game_updates
from kdgan_lib.names import COMPARED, label_of
from kdgan_lib.reports import table1
from kdgan_lib.reports.cells import shown
from kdgan_lib.reports.orderings import standing
from kdgan_lib.reports.search import spaces_and_found
from kdgan_lib.search_spaces import space
from kdgan_lib.stats import mean_interval, shared_difference, signed
from kdgan_lib.tuning import WIDER, WIDER_TRIALS, Search, prescribed

SEARCH = "kdgan tune --wider --freeze"
COMMAND = "kdgan sweep wider"
COLUMN = table1.Column("mnist", 100)
FORMATS = {
    **dict.fromkeys(("trials", "found in trial"), ".0f"),
    **dict.fromkeys(("validation, prescribed", "validation, best"), ".2f"),
}
"""How the columns of this module's tables are printed."""


def spaces() -> pd.DataFrame:
    """Return what is searched for each method besides the first search's settings.

    A setting with other values than in the first search stands there, too.
    """
    further = {
        name: {
            key: values
            for key, values in space(name, wider=True).items()
            if space(name).get(key) != values
        }
        for name in COMPARED
    }
    return spaces_and_found(_trials(), further)


def _trials() -> pd.DataFrame:
    return tables.rows(WIDER_TRIALS, data=COLUMN.data, n=COLUMN.n)


def searched() -> pd.DataFrame:
    """Return each method's trials, the prescribed setting's score, and the best's.

    Scores are in percent of the validation images; the first trial is the prescribed
    setting. The last column has what the best changes.
    """
    trials = _trials()
    if trials.empty:
        return pd.DataFrame()
    rows = []
    for name in COMPARED:
        done = trials[trials.method == name].sort_values("trial")
        if len(done):
            best = done.loc[done.score.idxmax()]
            rows.append(
                {
                    "method": label_of(name),
                    "trials": len(done),
                    "validation, prescribed": 100 * done.score.iloc[0],
                    "validation, best": 100 * best.score,
                    "found in trial": best.trial + 1,
                    "changed": _changed(name, json.loads(best.parameters)),
                }
            )
    return pd.DataFrame(rows)


def _changed(name: str, found: dict[str, object]) -> str:
    """Return what a setting changes of the prescribed one, numbers with two digits."""
    usual = prescribed(name, Search(wider=True))
    said = [
        f"`{key}` {value:.2g}" if isinstance(value, float) else f"`{key}` {value}"
        for key, value in found.items()
        if value != usual[key]
    ]
    return ", ".join(said) or "nothing"


def scores() -> pd.DataFrame:
    """Return the found settings' test accuracies in percent, by seed and method."""
    stored = tables.runs(grid=WIDER, status="finished")
    if stored.empty:
        return pd.DataFrame()
    return 100 * stored.pivot(index="seed", columns="method", values="test_accuracy")


def accuracies() -> pd.DataFrame:
    """Return each method's test accuracy with the found setting, and the change.

    The change is from the prescribed setting, in points, paired by seed. All methods
    that have runs are compared on the seeds that they share. Beside it: the updates of
    all players, those of the game and all, and how often C was looked at on validation.
    """
    found = scores().dropna()
    usual = table1.scores("controlled", (COLUMN,))[COLUMN]
    known = [name for name in COMPARED if name in found]
    return pd.DataFrame(
        [_accuracy(name, found[name], usual) | _amounts(name) for name in known]
    )


def _amounts(name: str) -> dict[str, str]:
    """Return the updates of a method's runs in the game and in all, and its looks."""
    found = tables.runs(grid=WIDER, status="finished", method=name)
    run = from_configuration(found.iloc[0].to_dict())
    return {
        "updates in the game": f"{game_updates(run.method, run.budget, run.n):,}",
        "with pretraining": f"{all_updates(run.method, run.budget, run.n):,}",
        "looks": f"{run.budget.looks}",
    }


def _accuracy(name: str, found: pd.Series, usual: pd.DataFrame) -> dict[str, object]:
    mean = mean_interval(found)
    stored = tables.runs(grid=WIDER, status="finished", method=name)
    ids = stored.run_id[stored.seed.isin(found.index)]
    return {
        "method": label_of(name),
        "test accuracy": shown(mean, [], f"{COMMAND} --method {name}", ids),
        "change": _change(found, usual[name].dropna()) if name in usual else "–",
        "runs": mean.runs,
    }


def _change(mine: pd.Series, before: pd.Series) -> str:
    gap = shared_difference(mine, before, 1)
    if gap is None:
        return "–"
    shared = before.index.intersection(mine.index)
    return "the same runs" if mine[shared].equals(before[shared]) else signed(gap)


def in_short() -> str:
    """Return where KDGAN stands with the found settings; empty with too few runs."""
    found = scores()
    if found.empty:
        return ""
    return standing(
        found,
        "kdgan",
        "With what a wider search found, at budgets that are equal in updates of the "
        "game only,",
    )


def sentence() -> str:
    """Return `in_short`, and what KDGAN and MIMIC had of updates and looks."""
    found, said = scores(), in_short()
    runs = {name: _amounts(name) for name in ("kdgan", "mimic") if name in found}
    if not said or len(runs) < 2:
        return said
    mine, rival = runs["kdgan"], runs["mimic"]
    return (
        f"{said} With pretraining KDGAN has {mine['with pretraining']} updates, and "
        f"{mine['looks']} looks at validation; MIMIC {rival['with pretraining']} and "
        f"{rival['looks']}."
    )
