"""Tell what C lacks at n = 10,000: more passes, a better T, a longer training."""

from functools import cache

import pandas as pd

from kdgan_lib import declared
from kdgan_lib.beyond_grids import MANY, MANY_LABELS
from kdgan_lib.loop.schedule import game_updates
from kdgan_lib.methods import METHODS
from kdgan_lib.names import label_of
from kdgan_lib.prose import about_zero, interval, listed
from kdgan_lib.reports import table1
from kdgan_lib.reports.cells import shown
from kdgan_lib.reports.points import stored
from kdgan_lib.stats import FEWEST, mean_interval, paired_difference, signed

GRID, COMMAND = "many_labels", "kdgan sweep many_labels"
FORMATS = {
    "player updates": ",.0f",
    **dict.fromkeys(("validation", "T"), ".2f"),
    **dict.fromkeys(("looks", "runs", "missing"), ".0f"),
}
"""How the table's columns are printed."""


def points() -> pd.DataFrame:
    """Return the declared runs, one row each, with what is stored of them.

    Columns: run_id, variant, method, updates (of all players, without pretraining),
    looks (at validation), seed, and those of `points.stored`.
    """
    return stored(pd.DataFrame(_declared()), GRID)


@cache
def _declared() -> list[dict[str, object]]:
    """Return what `points` has of the declared runs before any is stored."""
    runs = declared.runs(GRID).values()
    names = [*MANY_LABELS] * (len(runs) // len(MANY_LABELS))
    return [
        {
            "run_id": run.id,
            "variant": name,
            "method": run.method.name,
            "updates": game_updates(run.method, run.budget, run.n),
            "looks": run.budget.looks,
            "seed": run.seed,
        }
        for name, run in zip(names, runs, strict=True)
    ]


def accuracies() -> pd.DataFrame:
    """Return a row per variant: updates, C's test accuracy, validation, T, runs.

    A variant that was not run keeps its row, with the command that runs it.
    """
    found, rows = points(), []
    for name, part in found.groupby("variant", sort=False):
        method = str(part.method.iloc[0])
        command = f"{COMMAND} --method {method}"
        done = part.dropna(subset="accuracy")
        if len(done):
            cell = shown(mean_interval(done.accuracy), [], command, done.run_id)
        else:
            cell = table1.not_run(GRID, part.run_id, command)
        rows.append(
            {
                "method": label_of(method),
                "setting": str(name).removeprefix(f"{method} "),
                "player updates": part.updates.iloc[0],
                "looks": part.looks.iloc[0],
                "C": cell,
                "validation": done.validation.mean(),
                "T": _teacher(method, done),
                "runs": len(done),
                "missing": len(part) - len(done),
            }
        )
    return pd.DataFrame(rows)


def _teacher(name: str, done: pd.DataFrame) -> float | str:
    """Return T's mean accuracy; a dash for a method that has no T."""
    return done.teacher.mean() if "teacher" in METHODS[name]().seats() else "–"


def standing() -> str:
    """Return where KDGAN's best form stands to its best rival, at equal updates.

    Both are chosen on validation among those with three runs or more; empty where there
    are none.
    """
    said = [*filter(None, (_standing(part) for _, part in points().groupby("updates")))]
    if not said:
        return ""
    paper = table1.Column("mnist", MANY).paper("kdgan")
    return " ".join([*said, f"The paper has {paper:.2f}% for KDGAN."])


def in_short() -> str:
    """Return `standing` for the longest games only; empty where they are not run."""
    _, longest = max(points().groupby("updates"), key=lambda part: part[0])
    said = _standing(longest)
    return f"On MNIST with n = {MANY:,}: {said[0].lower()}{said[1:]}" if said else ""


def _standing(found: pd.DataFrame) -> str:
    """Return the sentence on the declared runs of one number of player updates."""
    methods = found.method.unique()
    found = found.dropna(subset="accuracy")
    found = found[found.groupby("variant").seed.transform("size") >= FEWEST]
    absent = [label_of(name) for name in methods if name not in set(found.method)]
    mine = _best(found[found.method == "kdgan"])
    rival = _best(found[found.method != "kdgan"])
    if mine.empty or rival.empty:
        return ""
    gap = paired_difference(
        *(best.set_index("seed").accuracy for best in (mine, rival))
    )
    mean = mean_interval(mine.accuracy)
    other = label_of(rival.method.iloc[0])
    return (
        f"With {found.updates.iloc[0]:,} player updates the form of KDGAN that is best "
        f"on validation, *{mine.variant.iloc[0].removeprefix('kdgan ')}*, reaches "
        f"{interval(mean.mean, mean.lo, mean.hi)}% on test. That minus the accuracy of "
        f"{other}, the best rival on validation, is {signed(gap)} points, an interval "
        f"that {about_zero(gap.lo, gap.hi)}"
        f"{f' ({listed(absent)} not run at this length)' if absent else ''}."
    )


def _best(found: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of the variant that is best on validation."""
    if found.empty:
        return found
    return found[found.variant == found.groupby("variant").validation.mean().idxmax()]
