"""Draw accuracy against alpha, beta and gamma (Figures 4 and 6), and the search."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from kdgan_lib import tables
from kdgan_lib.figures.curves import mean_with_band
from kdgan_lib.figures.style import colour_of, figure, label_of, look_of, tidy
from kdgan_lib.names import SYMBOLS
from kdgan_lib.stats import means_along

MEANINGS = {
    "alpha": "α (C's share of the game)",
    "beta": "β (C learns from T)",
    "gamma": "γ (T learns from C)",
}
SIZES = {
    100: ("#D55E00", "o"),
    500: ("#CC79A7", "D"),
    1_000: ("#0072B2", "s"),
    10_000: ("#009E73", "^"),
}
GREY = "#9A9A9A"
LEAST_SPAN = 4.0  # points; keeps noise from looking like an effect


def sensitivity(frame: pd.DataFrame) -> Figure | None:
    """Draw Figure 4: accuracy above, the gap to the tuned setting below.

    frame: rows of `reports.hyperparameters.sensitivity`. A cross at the foot is a
    value that was not run; an n with fewer than two values of a weight is left out
    there. None when nothing was run.
    """
    counts = frame[frame.runs > 0].groupby(["varied", "n"])["value"].transform("count")
    drawn = frame[frame.runs > 0][counts > 1][["varied", "n"]].drop_duplicates()
    frame = frame.merge(drawn, on=["varied", "n"])
    if frame.empty:
        return None
    names = list(dict.fromkeys(frame.varied))
    alone = len(names) == 1
    shape = (1, 2) if alone else (2, len(names))
    size: dict[str, Any] = {"width": 8.4 if alone else 3.0 * len(names) + 0.4}
    size |= {"height": 3.6 if alone else 6.4}
    shared = "all" if alone else "col"
    fig, axes = figure(*shape, **size, squeeze=False, sharex=shared)
    for place, name in enumerate(names):
        part = frame[frame.varied == name]
        first, second = axes[0] if alone else axes[:, place]
        for shift, (n, rows) in enumerate(part.groupby("n")):
            _line(first, rows, n, ("mean", "lo", "hi"), name, shift)
            _line(second, rows, n, ("gap", "gap_lo", "gap_hi"), name, shift)
            _cross_missing(first, rows, n, shift)
        second.axhline(0, color="black", lw=0.8)
        labels = "test accuracy of C (%)", "minus tuned setting (points)"
        for ax, label in zip((first, second), labels, strict=True):
            if name != "alpha":
                ax.set_xscale("log")
            tidy(ax, MEANINGS[name], "" if place else label)
            _keep_span(ax, 100.0 if ax is first else float("inf"))
            if ax.get_legend():
                ax.get_legend().remove()
    key = dict(zip(*axes.flat[0].get_legend_handles_labels()[::-1], strict=True))
    above: dict[str, Any] = {"loc": "outside upper left", "ncols": len(key)}
    fig.legend(list(key.values()), list(key), fontsize=9, frameon=False, **above)
    return fig


def heat_map(
    cells: pd.DataFrame, seeds: int, tuned: Mapping[str, float]
) -> Figure | None:
    """Draw mean accuracy for each alpha (rows) and beta (columns); NaN: not run.

    seeds: over how many the means are, which the figure says.
    """
    if cells.empty:
        return None
    fig, ax = figure(width=6.0, height=4.0)
    ax.set_facecolor("#E4E4E4")
    values = cells.to_numpy()
    low, high = np.nanmin(values), np.nanmax(values)
    middle, half = (low + high) / 2, max(high - low, LEAST_SPAN) / 2
    norm = Normalize(middle - half, middle + half)
    image = ax.imshow(values, "cividis", norm, aspect="auto", origin="lower")
    for (row, column), value in np.ndenumerate(values):
        known = not np.isnan(value)
        colour = "white" if known and value < middle else "black"
        text = f"{value:.1f}" if known else "not run"
        ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    ax.set_xticks(range(len(cells.columns)), [f"{b:g}" for b in cells.columns])
    ax.set_yticks(range(len(cells.index)), [f"{a:g}" for a in cells.index])
    at = (_between(cells.columns, tuned["beta"], True), tuned["alpha"])
    row = _between(cells.index, at[1], False)
    ax.plot(at[0], row, "*", ms=13, mfc="white", mec="black", label="tuned setting")
    tidy(ax, MEANINGS["beta"], MEANINGS["alpha"])
    ax.grid(False)
    ax.legend(loc="upper left", bbox_to_anchor=(0, 1.13), frameon=False)
    over = "one seed" if seeds == 1 else f"mean of {seeds} seeds"
    fig.colorbar(image, ax=ax, label=f"test accuracy of C (%), {over}")
    return fig


def teacher_curves(frame: pd.DataFrame, labels: Mapping[float, str]) -> Figure | None:
    """Draw Figure 6: T's accuracy over the game, a line and a band for each gamma.

    frame: evaluations with `gamma`, `player_updates` and T's score on the validation
    images, on which alone T is scored during training.
    """
    known = frame.dropna(subset="teacher_validation") if len(frame) else frame
    if known.empty:
        return None
    fig, ax = figure(width=6.8)
    colours = (GREY, "#0072B2", "#D55E00")
    for (gamma, label), colour in zip(labels.items(), colours, strict=False):
        part = known[known.gamma == gamma]
        if part.empty:
            continue
        found = means_along(part, "player_updates", "teacher_validation")
        style = {"marker": "o", "ms": 4, "color": colour, "label": f"γ = {label}"}
        mean_with_band(ax, found, style)
    _keep_span(ax)
    tidy(ax, "updates of all players", "validation accuracy of T (%)")
    return fig


def follow(rows: pd.DataFrame) -> Figure | None:
    """Draw T's against C's accuracy at the end, a dot for each run, gamma in colour.

    A line joins the means by gamma.

    rows: an axis's rows for gamma with `teacher`, `last` and `value`.
    """
    known = rows.dropna(subset=["teacher", "last"])
    if known.empty:
        return None
    fig, ax = figure(width=6.4, height=4.2)
    norm = LogNorm(known.value.min(), max(known.value.max(), 10 * known.value.min()))
    style: dict[str, Any] = {"cmap": "viridis", "norm": norm}
    ax.scatter(known.teacher, known["last"], c=known.value, s=22, alpha=0.55, **style)
    mean = known.groupby("value")[["teacher", "last"]].mean()
    ax.plot(mean.teacher, mean["last"], color=GREY, lw=1, zorder=1)
    shown = ax.scatter(
        *(mean.teacher, mean["last"]), c=mean.index, s=110, edgecolor="black", **style
    )
    fig.colorbar(shown, ax=ax, label=MEANINGS["gamma"])
    tidy(ax, "test accuracy of T (%)", "test accuracy of C (%)")
    return fig


def search(trials: pd.DataFrame) -> Figure | None:
    """Draw the best validation score so far against the trial, a line per method."""
    if trials.empty:
        return None
    fig, ax = figure(width=7.0, height=4.2)
    for name, part in trials.groupby("method", sort=False):
        label = f"{label_of(str(name))} ({len(part)} trials)"
        look = look_of(str(name))
        ax.step(part.trial + 1, part.best, where="post", label=label, **look)
    top, low = trials.best.max(), trials.best.min()
    ax.set_ylim(max(low - 2.0, top - 12), top + 0.5)
    tidy(ax, "trial", "best validation accuracy so far (%)")
    ax.legend(fontsize=8, ncols=2, frameon=False)
    return fig


def tried(trials: pd.DataFrame) -> Figure | None:
    """Draw the validation score of KDGAN's trials against each of its weights."""
    if trials.empty:
        return None
    fig, axes = figure(1, 3, width=9.6, height=3.2, sharey=True)
    best = trials.loc[trials.score.idxmax()]
    for ax, name in zip(axes, SYMBOLS, strict=True):
        ax.plot(trials[name], trials.score, "o", color=colour_of("kdgan"), alpha=0.7)
        ax.plot(best[name], best.score, "*", ms=14, mfc="white", mec="black")
        if name != "alpha":
            ax.set_xscale("log")
        tidy(ax, SYMBOLS[name], "validation (%)" if name == "alpha" else "")
    return fig


def setting_curves(
    frame: pd.DataFrame, chosen: Mapping[str, float], names: Sequence[str]
) -> Figure | None:
    """Draw C's and T's curves at one setting over C's thin curves at all the others.

    frame: evaluations with the columns of `names`, which `chosen` gives a value. None
    where that setting was not run.
    """
    if frame.empty:
        return None
    mine = (frame[list(names)] == pd.Series(chosen)[list(names)]).all(axis=1)
    if not mine.any():
        return None
    fig, ax = figure(height=4.0)
    for _, part in frame.groupby(list(names)):
        others = part.groupby("player_updates").classifier_validation.mean()
        ax.plot(others.index, others, lw=0.6, color="#C8C8C8")
    for player, score in (("classifier", "C"), ("teacher", "T")):
        column = f"{player}_validation"
        known = frame[mine].dropna(subset=column)
        found = means_along(known, "player_updates", column)
        mean_with_band(ax, found, {"color": colour_of(player), "label": score})
    ax.plot([], [], lw=0.6, color="#C8C8C8", label="C at other values")
    scores = frame[["classifier_validation", "teacher_validation"]]
    ax.set_ylim(max(0, np.nanmin(scores) - 2), min(100, np.nanmax(scores) + 2))
    tidy(ax, "updates of all players", "validation accuracy (%)")
    return fig


def live_run(live: pd.DataFrame, stored: pd.DataFrame) -> Figure:
    """Draw C and T of a live run over the thin curves of the tuned setting's runs.

    live: the curve of a result, in shares; stored: evaluations in percent.
    """
    fig, ax = figure(height=4.0)
    game = tables.game(live.assign(run_id="live"))
    for player, name in (("classifier", "C"), ("teacher", "T")):
        column, colour = f"{player}_validation", colour_of(player)
        for _, run in stored.groupby("run_id") if len(stored) else ():
            seen = run.dropna(subset=column)
            at, score = seen.player_updates, seen[column]
            ax.plot(at, score, lw=0.6, color=colour, alpha=0.4)
        mine = game.dropna(subset=column)
        style: dict[str, Any] = {"ms": 4, "color": colour, "label": f"{name}, live"}
        ax.plot(mine.player_updates, 100 * mine[column], "o-", **style)
        if len(stored):
            label = f"{name}, stored runs of the tuned setting"
            ax.plot([], [], lw=0.6, color=colour, alpha=0.4, label=label)
    tidy(ax, "updates of all players", "validation accuracy (%)")
    return fig


def _line(
    ax: Axes,
    rows: pd.DataFrame,
    n: int,
    columns: tuple[str, str, str],
    name: str,
    shift: int,
) -> None:
    """Draw means with intervals for one n; the tuned setting gets a star."""
    mean, lo, hi = columns
    # Those that were not run stay: the line has a gap there.
    known = rows.sort_values("value")
    if known[mean].isna().all():
        return
    colour, mark = SIZES.get(n, (GREY, "o"))
    # Moved apart a little, so that intervals of several n do not cover each other.
    at = known.value + 0.008 * shift if name == "alpha" else known.value * 1.09**shift
    below = (known[mean] - known[lo]).clip(lower=0).fillna(0)
    above = (known[hi] - known[mean]).clip(lower=0).fillna(0)
    style: dict[str, Any] = {"color": colour, "fmt": f"{mark}-", "ms": 4.5}
    style |= {"lw": 1.4, "elinewidth": 1.1, "capsize": 2}
    ax.errorbar(at, known[mean], [below, above], label=f"n = {n:,}", **style)
    star = known.tuned.astype(bool)
    ax.plot(
        at[star], known[mean][star], "*", ms=13, color=colour, mec="black", zorder=5
    )


def _cross_missing(ax: Axes, rows: pd.DataFrame, n: int, shift: int) -> None:
    """Mark the values that were not run at an n by crosses at the panel's foot."""
    lacking = rows.value[rows.runs == 0]
    if len(lacking):
        colour, _ = SIZES.get(n, (GREY, "o"))
        place: dict[str, Any] = {"transform": ax.get_xaxis_transform()}
        label = f"n = {n:,}: not run"
        foot = [0.03 + 0.045 * shift] * len(lacking)
        ax.plot(lacking, foot, "x", ms=5, color=colour, label=label, **place)


def _keep_span(ax: Axes, most: float = 100.0) -> None:
    low, high = ax.get_ylim()
    short = max(0.0, LEAST_SPAN - (high - low)) / 2
    ax.set_ylim(low - short, min(high + short, most))


def _between(values: pd.Index, value: float, logarithmic: bool) -> float:
    """Return the place of a value between the ticks of a categorical axis."""
    known = np.asarray(values, dtype=float)
    if logarithmic:
        known, value = np.log(known), float(np.log(value))
    return float(np.interp(value, known, np.arange(len(known))))
