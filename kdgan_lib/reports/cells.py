"""Write the cells of the book's tables: a mean, what stands below it, its command."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from kdgan_lib.stats import Estimate

BREAK, BESIDE = "<br>", " · "
"""What parts the small print of a cell: lines, or dots on one."""
SMALL_PRINT = "font-size:80%"
"""Style of what stands below a number; six columns fit a page with it."""
COLLAPSE = 10.0
"""Points that a last classifier lies below the reported one where training fails."""


def counted(runs: int, declared: int = 0) -> str:
    """Return a number of runs in words, and of how many where that is said."""
    return f"{runs} {'runs' if runs > 1 else 'run'}" + (
        f" of {declared}" if declared else ""
    )


def seeds_in_words(counts: Iterable[float]) -> str:
    """Return how many seeds several points have: `3 seeds`, `3 to 5 seeds`."""
    known = sorted({int(count) for count in counts})
    if not known:
        return "no seeds"
    ends = " to ".join(map(str, dict.fromkeys((known[0], known[-1]))))
    return f"{ends} seed" if known[-1] == 1 else f"{ends} seeds"


def seeds_of(rows: pd.DataFrame, *by: str) -> str:
    """Return over how many seeds the means of a table's rows are, in words.

    by: columns that name a mean; by default its method. Any number of rows a run.
    """
    if rows.empty:
        return seeds_in_words([])
    return seeds_in_words(rows.groupby(list(by or ("method",))).seed.nunique())


def part_of(some: int, runs: int) -> str:
    """Return in words how many of some runs are meant."""
    return f"{some} of the {runs} runs" if runs > 1 else "the one run"


def collapsed(done: pd.DataFrame) -> pd.DataFrame:
    """Return those of some finished runs whose last C is far below the reported one."""
    if done.empty:
        return done
    return done[100 * (done.test_accuracy - done.last_test_accuracy) > COLLAPSE]


def on_two_lines(difference: str) -> str:
    """Return a difference with its interval in small print below it."""
    mean, _, interval = difference.partition(" ")
    return mean + (BREAK + small_print([interval]) if interval else "")


def small_print(lines: Iterable[str], between: str = BREAK) -> str:
    """Return lines in small print, each kept whole, with `between` to part them."""
    whole = between.join(line.replace(" ", "&nbsp;") for line in lines)
    return f'<span style="{SMALL_PRINT}">{whole}</span>'


def shown(
    found: Estimate,
    lines: Sequence[str],
    command: str,
    runs: Iterable[str] = (),
    between: str = BREAK,
) -> str:
    """Return a mean with its interval, further lines, its runs and their command."""
    ends = [] if math.isnan(found.lo) else [f"[{found.lo:.2f}, {found.hi:.2f}]"]
    return linked(f"{found.mean:.2f}", [*ends, *lines], command, runs, between)


def linked(
    text: str,
    lines: Sequence[str],
    command: str,
    runs: Iterable[str],
    between: str = BREAK,
) -> str:
    """Return a cell that folds away its runs, if it has some, and their command."""
    ids = " ".join(runs)
    note = f"`kdgan runs show {ids}`" if ids else ""
    title = "runs, command" if ids else "command"
    return folded(text, lines, command, note, title, between)


def folded(
    text: str,
    lines: Sequence[str],
    command: str,
    note: str = "",
    title: str = "command",
    between: str = BREAK,
) -> str:
    """Return a cell with small lines below and a command that a click unfolds.

    between: what parts the lines; wide columns have room for `BESIDE`.
    It needs no script: the enter key unfolds it, too. The command is Markdown's code,
    since the site would turn the two hyphens of an HTML element's text into a dash.
    """
    below = BREAK + small_print(lines, between) if lines else ""
    after = f"<br>{note}" if note else ""
    return (
        f'{text}{below}<details style="{SMALL_PRINT}">'
        f'<summary style="white-space:nowrap">{title}</summary>'
        f"`{command}`{after}</details>"
    )
