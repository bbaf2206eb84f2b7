"""Gather the table of controls: what each ingredient moves, paired with its like."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.experiments import declare
from kdgan_lib.grids import CONTROLS, control
from kdgan_lib.names import SYMBOLS, label_of
from kdgan_lib.prose import about_zero, interval, listed
from kdgan_lib.reports import table1
from kdgan_lib.reports.cells import (
    BESIDE,
    collapsed,
    counted,
    folded,
    seeds_in_words,
    shown,
)
from kdgan_lib.stats import (
    FEWEST,
    Difference,
    Estimate,
    mean_interval,
    paired_difference,
    shared_difference,
    signed,
)

GRID = "controls"
SIZES = (100, 1_000)
CHAIN = {
    "MIMIC: T is fixed": "mimic",
    "KDGAN's rate and updates of C": "mimic with KDGAN's rate and updates of C",
    "T and D play: KDGAN": "kdgan",
}
"""From MIMIC to KDGAN."""
CHANGES = {
    "γ = 0: T does not learn from C": "gamma = 0",
    "β = 0: C does not learn from T": "beta = 0",
    "without D, C's updates as many": "without D, C's updates as many as in KDGAN",
    "without D, D's updates to C and T": "without D",
    "exact gradient": "exact gradient",
    "with the labels' cross-entropy": "with the labels' cross-entropy",
}
"""KDGAN with one thing changed."""


@dataclass(frozen=True)
class Step:
    """A row of the waterfall: an accuracy, and how far it is from the row before."""

    label: str
    """What is new."""
    before: str
    """Label of the row that it is compared with; empty for the first."""
    accuracy: Estimate | None
    """Test accuracy in percent; None where nothing was run."""
    change: Difference | None
    """Accuracy minus that of the row before, in points, paired by seed."""
    stored: int
    """Stored runs; fewer than three are too few to draw."""


def table() -> pd.DataFrame:
    """Return the controls: at each n the accuracy and its distance from the method's.

    The distance is in points, from the same method as prescribed, paired by seed.
    """
    scores = [_Scores(n) for n in SIZES]
    return pd.DataFrame(
        [
            {
                "method": label_of(change["method"]),
                "control": _what(name),
                **{f"n = {each.n:,}": _cell(each, name) for each in scores},
            }
            for name, change in CONTROLS.items()
        ]
    )


def called(name: str) -> str:
    """Return a control's name in words: its method as the paper writes it, and what."""
    return f"{label_of(CONTROLS[name]['method'])}, {_what(name)}"


def _what(name: str) -> str:
    """Return what a control changes, the weights as the paper writes them."""
    text = name.removeprefix(f"{CONTROLS[name]['method']} ")
    for word, symbol in SYMBOLS.items():
        text = text.replace(word, symbol)
    return text


def _cell(scores: "_Scores", name: str) -> str:
    method = CONTROLS[name]["method"]
    command = f"kdgan sweep controls --n {scores.n} --method {method}"
    rows = scores.rows(name)
    changed = _accuracies(rows)
    lost, fallen = len(rows) - len(changed), len(collapsed(rows))
    told = {"diverged": lost, "collapsed": fallen}
    lines = [f"{count} {what}" for what, count in told.items() if count]
    if rows.empty:
        left = table1.left(GRID, method=method, n=scores.n)
        return table1.not_run(GRID, left, command)
    if changed.empty:
        return folded(f"all {lost} diverged", [], command)
    gap = shared_difference(changed, scores.of(method), 1)
    change = [] if gap is None else [f"change {signed(gap)}"]
    lines = [BESIDE.join([*change, counted(len(changed))]), *lines]
    return shown(mean_interval(changed), lines, command, rows.run_id)


def finished() -> dict[tuple[str, int], pd.DataFrame]:
    """Return the finished runs of each control that was run, by its name and n."""
    scores = [_Scores(n) for n in SIZES]
    found = {(name, each.n): each.rows(name) for each in scores for name in CONTROLS}
    return {
        place: rows[rows.status == "finished"]
        for place, rows in found.items()
        if len(rows)
    }


def without_augmentation() -> str:
    """Return what KDGAN and MIMIC reach without augmentation, beside the paper.

    On MNIST at each n of the controls; empty where one has too few runs.
    """
    said = [*filter(None, map(_without_augmentation, SIZES))]
    if not said:
        return ""
    return (
        f"Without augmentation and all else as under `controlled`, {'; '.join(said)}."
    )


def _without_augmentation(n: int) -> str:
    """Return one n's part of the sentence: both methods, and how far apart they are."""
    scores, paper, parts = _Scores(n), {}, []
    for name in (pair := ("kdgan", "mimic")):
        found = scores.of(f"{name} without augmentation")
        if len(found) < FEWEST:
            return ""
        reached = mean_interval(found)
        paper[name] = table1.Column("mnist", n).paper(name)
        parts.append(
            f"{label_of(name)} is right on "
            f"{interval(reached.mean, reached.lo, reached.hi)}% (the paper: "
            f"{paper[name]:.2f}%)"
        )
    gap = paired_difference(
        *(scores.of(f"{name} without augmentation") for name in pair)
    )
    return (
        f"with n = {n:,} {listed(parts)}, {signed(gap)} points apart (the paper: "
        f"{paper['kdgan'] - paper['mimic']:+.2f})"
    )


def dearest() -> str:
    """Return what the subset and the augmentation cost, by n; empty if not run."""
    return " ".join(filter(None, map(_dearest, SIZES)))


def _dearest(n: int) -> str:
    scores = _Scores(n)
    ends = [
        _range(scores, part)
        for part in ("on the last n images", "without augmentation")
    ]
    if not all(ends):
        return ""
    subset, augmentation = (
        f"{low:+.1f} to {high:+.1f}" for low, high in filter(None, ends)
    )
    return (
        f"With n = {n:,} the last n images in the place of a balanced subset "
        f"change a method's accuracy by {subset} points, and doing without "
        f"augmentation by {augmentation}."
    )


def _range(scores: "_Scores", ending: str) -> tuple[float, float] | None:
    """Return the least and largest mean change of the controls so named, in points."""
    names = [
        name
        for name, change in CONTROLS.items()
        if name == f"{change['method']} {ending}"
    ]
    pairs = [(scores.of(name), scores.of(CONTROLS[name]["method"])) for name in names]
    known = [gap.mean for pair in pairs if (gap := shared_difference(*pair))]
    return (min(known), max(known)) if len(known) == len(names) else None


def waterfall(n: int) -> list[Step]:
    """Return the rows of the waterfall: MIMIC to KDGAN, then KDGAN changed."""
    return list(_steps(_Scores(n)))


def waterfalls() -> dict[str, list[Step]]:
    """Return each declared size's waterfall by its title."""
    found = {n: waterfall(n) for n in SIZES}
    return {_title(n, steps): steps for n, steps in found.items()}


def worth() -> str:
    """Return what T's and D's play adds to MIMIC at C's own updates; empty if not run.

    The difference is that of the waterfall's last step, at each size that has it.
    """
    *_, place = range(len(CHAIN))
    steps = {n: waterfall(n)[place] for n in SIZES}
    said = [
        f"{signed(step.change)} points at n = {n:,} (an interval that "
        f"{about_zero(step.change.lo, step.change.hi)})"
        for n, step in steps.items()
        if step.change is not None
    ]
    if not said:
        return ""
    return (
        "What does the game of T and D add? KDGAN minus a MIMIC whose C has the same "
        f"learning rate and makes as many updates is {listed(said)}."
    )


def spreads_in_words(n: int = SIZES[0]) -> str:
    """Return standard deviations over seeds on the same images, and on drawn ones.

    In points, of the methods that were run on the last n images, on the seeds that both
    share; empty where fewer than three seeds were.
    """
    scores, said, counts = _Scores(n), [], []
    for name, change in CONTROLS.items():
        same, drawn = scores.of(name), scores.of(change["method"])
        seeds = same.index.intersection(drawn.index)
        if change.get("subset") == "last" and len(seeds) >= FEWEST:
            method, apart = label_of(change["method"]), drawn[seeds].std()
            said.append(f"{method} {same[seeds].std():.2f} ({apart:.2f})")
            counts.append(len(seeds))
    if not said:
        return ""
    return (
        f"With the last {n} images for every seed the standard deviations over "
        f"{seeds_in_words(counts)} are, in points, and in brackets those with images "
        f"drawn anew for each seed: {listed(said)}."
    )


def _title(n: int, steps: list[Step]) -> str:
    """Return the size, and over how many seeds the rows that have runs are."""
    seeds = max((step.accuracy.runs for step in steps if step.accuracy), default=0)
    return f"n = {n:,}" + (f" ({seeds} seeds)" if seeds else "")


def _steps(scores: "_Scores") -> Iterator[Step]:
    """Yield the rows, all over the seeds that those with enough runs share."""
    stored = {label: scores.of(name) for label, name in (CHAIN | CHANGES).items()}
    enough = {label: found for label, found in stored.items() if len(found) >= FEWEST}
    seeds = [set(found.index) for found in enough.values()]
    shared = set.intersection(*seeds) if seeds else set()
    known = {label: found[sorted(shared)] for label, found in enough.items()}
    *_, last = CHAIN
    before = ""
    for label, found in stored.items():
        yield _step(label, before, known, len(found))
        before = label if label in CHAIN else last


def _step(label: str, before: str, known: dict[str, pd.Series], stored: int) -> Step:
    if label not in known:
        return Step(label, before, None, None, stored)
    mine = known[label]
    change = paired_difference(mine, known[before]) if before in known else None
    return Step(label, before, mean_interval(mine), change, stored)


def _accuracies(rows: pd.DataFrame) -> pd.Series:
    """Return the accuracies of the runs that ended well, in percent, by seed."""
    if rows.empty:
        return pd.Series(dtype=float)
    done = rows[rows.status == "finished"]
    return 100 * done.set_index("seed").test_accuracy.sort_index()


class _Scores:
    """The stored accuracies of the grid at one size, in percent, by seed."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.runs = tables.runs(grid=GRID, n=n)

    def of(self, name: str) -> pd.Series:
        """Return the accuracies of a control, or of a method as prescribed."""
        return _accuracies(self.rows(name))

    def rows(self, name: str) -> pd.DataFrame:
        """Return the stored runs of a control, or of a method as prescribed."""
        if self.runs.empty:
            return self.runs
        declared = [
            control(name, self.n, seed)
            if name in CONTROLS
            else declare(name, n=self.n, seed=seed)
            for seed in sorted(map(int, self.runs.seed.unique()))
        ]
        return self.runs[self.runs.run_id.isin([run.id for run in declared])]
