"""Draw what ingredients move, and what labelled images and hidden units are worth."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from kdgan_lib.figures.curves import points_with_intervals
from kdgan_lib.figures.style import colour_of, figure, label_of, look_of, tidy
from kdgan_lib.reports.cells import seeds_in_words
from kdgan_lib.stats import mean_interval

if TYPE_CHECKING:
    from kdgan_lib.reports.controls import Step

UP, DOWN, TOTAL = "#0072B2", "#D55E00", "#5A5A5A"
ACCURACY = "test accuracy of C (%)"
ABSENT: Any = {"facecolor": "none", "edgecolor": "#9A9A9A", "hatch": "////", "lw": 0.6}
MARGIN, SPAN = 0.6, 6.0
"""Points of accuracy: room beside the bars, and how far down a panel looks."""
ASIDE = 1.015
"""Factor by which neighbouring methods stand apart on a logarithmic axis."""


def waterfall(panels: dict[str, Sequence["Step"]]) -> Figure | None:
    """Draw how each ingredient moves the accuracy, one panel per heading.

    A grey point is a mean with its 95% interval; a bar is the step from the row before,
    with the interval of the paired difference; a hatched row was not run, an arrow
    points to what is out of sight. Returns None where nothing was run.
    """
    if all(step.accuracy is None for steps in panels.values() for step in steps):
        return None
    first = next(iter(panels.values()))
    height = 0.9 + 0.36 * len(first)
    fig, axes = figure(
        1, len(panels), width=9.6, height=height, sharey=True, squeeze=False
    )
    for ax, (heading, steps) in zip(axes[0], panels.items(), strict=True):
        _panel(ax, steps)
        tidy(ax, ACCURACY, "", heading)
        ax.grid(False, axis="y")
    axes[0][0].set_yticks(range(len(first)), [step.label for step in first])
    axes[0][0].invert_yaxis()
    return fig


def released(frame: pd.DataFrame, levels: Mapping[str, float]) -> Figure | None:
    """Draw the test accuracy of long runs over outer epochs, and levels to compare.

    frame: columns run_id, epoch and accuracy in percent. Returns None without runs.
    """
    if frame.empty:
        return None
    fig, ax = figure(height=4.2)
    colour = colour_of("kdgan")
    for place, (_, run) in enumerate(frame.groupby("run_id")):
        label = "" if place else "KDGAN, one line for each seed"
        ax.plot(run.epoch, run.accuracy, lw=1.1, color=colour, label=label or None)
    for (name, value), dashes in zip(
        levels.items(), ("-", "--", "-.", ":"), strict=False
    ):
        ax.axhline(value, lw=1.1, ls=dashes, color=TOTAL, label=name)
    ax.set_ylim(max(0.0, min(levels.values()) - 20), None)
    tidy(ax, "outer epochs", ACCURACY)
    return fig


def _panel(ax: Axes, steps: Sequence["Step"]) -> None:
    means = {step.label: step.accuracy.mean for step in steps if step.accuracy}
    for place, step in enumerate(steps):
        if step.accuracy is not None:
            _row(ax, place, step, means.get(step.before))
    low, high = ax.get_xlim() if means else (0.0, 1.0)
    least = max(means.values(), default=0.0) - SPAN
    ax.set_xlim(max(low, least) - MARGIN, high + 4 * MARGIN)
    ax.xaxis.set_major_locator(MaxNLocator(5) if means else NullLocator())
    if means:  # beyond 100% there is room for words only
        left, right = ax.get_xlim()
        ticks = [at for at in ax.get_xticks() if left <= at <= min(right, 100)]
        ax.set_xticks(ticks)
    for place, step in enumerate(steps):
        if step.accuracy is None:
            _absent(ax, place, "too few runs" if step.stored else "not run")
        elif step.accuracy.mean < least:
            ax.plot(least - MARGIN, place, "<", ms=7, color=DOWN, clip_on=False)
    changed = [place for place, step in enumerate(steps) if _is_change(steps, place)]
    if changed:
        ax.axhline(changed[0] - 0.5, color="#9A9A9A", lw=0.8)


def _is_change(steps: Sequence["Step"], place: int) -> bool:
    """Tell whether a row is compared with the same row as the one above it."""
    return any(
        steps[other].before == steps[place].before
        for other in (place - 1, place + 1)
        if 0 <= other < len(steps)
    )


def _row(ax: Axes, place: int, step: "Step", start: float | None) -> None:
    found, change = step.accuracy, step.change
    assert found is not None
    if start is None or change is None:
        ax.plot([found.lo, found.hi], [place, place], color=TOTAL, lw=2)
        ax.plot(found.mean, place, "o", color=TOTAL, ms=6)
        words = f"{found.mean:.2f}"
        right = max(found.mean, found.hi if found.hi == found.hi else found.mean)
    else:
        colour = UP if change.mean >= 0 else DOWN
        ax.barh(place, change.mean, left=start, height=0.5, color=colour, alpha=0.75)
        ax.plot([start, start], [place - 1, place + 0.25], color=TOTAL, lw=0.7, ls=":")
        ends = [start + change.lo, start + change.hi]
        ax.plot(ends, [place, place], color="black", lw=1.2)
        words = f"{change.mean:+.2f} → {found.mean:.2f}"
        if change.mean < -SPAN:
            words += f"\n[{change.lo:+.2f}, {change.hi:+.2f}]"
        right = max(start, start + change.mean, *(e for e in ends if e == e))
    options: Any = {"textcoords": "offset points", "va": "center", "linespacing": 0.95}
    size = 8 if "\n" in words else 10
    ax.annotate(words, (right, place), (8, 0), fontsize=size, **options)


def _absent(ax: Axes, place: int, why: str) -> None:
    """Fill a row with hatches and say why nothing stands there."""
    low, high = ax.get_xlim()
    ax.barh(place, high - low, left=low, height=0.5, **ABSENT)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    style: Any = {"ha": "center", "va": "center", "fontsize": 9, "bbox": box}
    ax.text((low + high) / 2, place, why, **style)


def accuracy_against_size(frame: pd.DataFrame, sizes: Sequence[int]) -> Figure | None:
    """Draw test accuracy against the number of labelled images, a line per method.

    frame: one row per run with columns `method`, `n` and `test_accuracy`. A bar is the
    95% interval over seeds. sizes: marks of the axis, between which lines are drawn
    where both were run. The methods stand side by side at a size, so that no bar hides
    another.
    """
    if frame.empty:
        return None
    fig, ax = figure(height=4.2)
    methods = list(dict.fromkeys(frame.method))
    for place, name in enumerate(methods):
        aside = ASIDE ** (place - (len(methods) - 1) / 2)
        _line(ax, str(name), frame[frame.method == name], aside, sizes)
    _logarithmic(ax, sizes)
    tidy(ax, "labelled training images", ACCURACY)
    return fig


def _line(
    ax: Axes, name: str, runs: pd.DataFrame, aside: float, sizes: Sequence[int]
) -> None:
    by_size = 100 * runs.set_index("n").test_accuracy
    found = {n: mean_interval(part) for n, part in by_size.groupby(level=0)}
    # A size that was not run is NaN: it breaks the line.
    points = pd.DataFrame(
        {n: (e.mean, e.mean - e.lo, e.hi - e.mean) for n, e in found.items()},
        index=["mean", "below", "above"],
    ).T.reindex(sorted({*sizes, *found}))
    errors = points[["below", "above"]].to_numpy().T
    ax.errorbar(
        points.index.to_numpy(float) * aside,
        points["mean"],
        errors,
        marker="o",
        ms=4,
        lw=1.4,
        label=label_of(name),
        **look_of(name),
    )


def _logarithmic(ax: Axes, marks: Sequence[int]) -> None:
    """Give a horizontal axis equal steps for equal factors, marked as asked."""
    ax.set_xscale("log")
    ax.set_xticks(list(marks), [f"{mark:,}" for mark in marks])
    ax.minorticks_off()
    ax.set_xlim(min(marks) / 1.2, max(marks) * 1.2)


def methods_at_size(frame: pd.DataFrame, n: int) -> Figure | None:
    """Draw the methods' accuracies at one n with intervals, the paper's as crosses.

    frame: rows of `reports.sizes.at_size`. The title says how many seeds there are.
    """
    if frame.empty:
        return None
    fig = points_with_intervals(
        frame, "accuracy", "low", "high", label=ACCURACY, marks=list(frame.paper)
    )
    if fig is not None:
        seeds = seeds_in_words(frame.runs)
        fig.axes[0].set_title(f"MNIST, n = {n:,} ({seeds})", loc="left")
        _key_above(fig.axes[0])
    return fig


def _key_above(ax: Axes) -> None:
    """Put the legend above the axes: inside, its marks would look like more numbers."""
    known, _ = ax.get_legend_handles_labels()
    if known:
        style: dict[str, Any] = {"frameon": False, "ncols": 2}
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), **style)


def accuracy_against_width(
    frame: pd.DataFrame,
    live: tuple[int, float, float],
    label: str,
    widths: Sequence[int],
) -> Figure:
    """Draw accuracy against hidden units, stored runs and one live run.

    frame: columns `method`, `hidden`, `accuracy`, `low`, `high`, in percent; may be
    empty. live: hidden units, and the accuracies of C and T in percent. widths: marks
    of the axis.
    """
    fig, ax = figure()
    for name, part in frame.groupby("method", sort=False) if len(frame) else ():
        errors = [part.accuracy - part.low, part.high - part.accuracy]
        ax.errorbar(
            part.hidden,
            part.accuracy,
            errors,
            marker="o",
            ms=4,
            label=f"{label_of(str(name))}, stored runs",
            **look_of(str(name)),
        )
    hidden, classifier, teacher = live
    ax.plot(hidden, classifier, "*", ms=14, color="black", label=label)
    if teacher == teacher:
        ax.axhline(teacher, color=colour_of("teacher"), ls="--", label="T, live")
    _logarithmic(ax, sorted({hidden, *widths}))
    tidy(ax, "hidden units of C", ACCURACY)
    _key_above(ax)
    return fig
