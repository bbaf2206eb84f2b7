"""Draw tag recommendation: Table 2 as points, Figures 3b and 5, soft labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kdgan_lib.figures.curves import curves_with_band
from kdgan_lib.figures.style import colour_of, figure, label_of, tidy
from kdgan_lib.names import CLOCKS, LETTERS, SYMBOLS
from kdgan_lib.stats import mean_interval

P_AT_3 = "P@3 on the test images"
GREY = "#B0B0B0"


def table2_points(
    panels: Mapping[str, pd.DataFrame], order: Sequence[str], metric: str = "p_at_3"
) -> Figure | None:
    """Draw each method's mean and 95% interval over seeds, a panel per vocabulary.

    panels: rows of `reports.table2.scores` by title. Empty ones are left out.
    """
    known = {title: rows for title, rows in panels.items() if len(rows)}
    if not known:
        return None
    size = (4.6 * len(known) + 1.0, 0.30 * len(order) + 1.2)
    fig, axes = figure(1, len(known), *size, sharey=True, squeeze=False)
    for (title, rows), ax in zip(known.items(), axes[0], strict=True):
        for place, name in enumerate(order):
            _point(ax, place, name, rows.loc[rows.method == name, metric].dropna())
        tidy(ax, P_AT_3 if metric == "p_at_3" else metric, "", title)
    names = ["T (reads the text)" if n == "teacher" else label_of(n) for n in order]
    axes[0, 0].set_yticks(range(len(order)), names)
    axes[0, 0].invert_yaxis()
    return fig


def _point(ax: Axes, place: int, name: str, values: pd.Series) -> None:
    if values.empty:
        return
    found, colour = mean_interval(values), colour_of(name)
    ax.plot([found.lo, found.hi], [place, place], lw=2.4, color=colour)
    mark = "D" if name == "teacher" else "o"
    ax.plot(found.mean, place, mark, ms=5.5, color=colour)


def neighbourhoods(trials: pd.DataFrame) -> Figure | None:
    """Draw validation P@3 of KNN and TagProp over k, by distance, a panel per task."""
    rows = trials.dropna(subset="k") if len(trials) else trials
    if rows.empty:
        return None
    tasks = list(dict.fromkeys(rows.data))
    fig, axes = figure(1, len(tasks), 4.4 * len(tasks), 3.5, sharey=True, squeeze=False)
    for place, (task, ax) in enumerate(zip(tasks, axes[0], strict=True)):
        own = rows[rows.data == task].sort_values("k")
        for (name, distance), run in own.groupby(["baseline", "distance"]):
            style: dict[str, Any] = {"color": colour_of(name), "marker": "o", "ms": 4}
            style["ls"] = "-" if distance == "cosine" else "--"
            label = f"{label_of(name)}, {distance}"
            ax.plot(run.k, run.validation_precision, label=label, **style)
        ax.set_xscale("log")
        ax.set_xticks(own.k.unique(), [f"{k:.0f}" for k in own.k.unique()], minor=False)
        ax.minorticks_off()
        tidy(ax, "neighbours k", "" if place else "P@3 on validation", task)
        if place:
            ax.get_legend().remove()
    return fig


def precision_curves(
    frame: pd.DataFrame, bar: float, clocks: Sequence[str] = tuple(CLOCKS)
) -> Figure | None:
    """Draw C's mean test P@3 and its band against each clock; bar: RelExample's."""
    tested = frame.dropna(subset="classifier_test") if len(frame) else frame
    if tested.empty:
        return None
    fig, axes = figure(1, len(clocks), 3.4 * len(clocks) + 0.6, 4.2, sharey=True)
    for place, (clock, ax) in enumerate(zip(clocks, axes, strict=True)):
        labels = (CLOCKS[clock], P_AT_3 if place == 0 else " ")
        curves_with_band(tested, clock, "classifier_test", labels=labels, axes=ax)
        if bar == bar:
            style: dict[str, Any] = {"color": colour_of("relexample"), "ls": ":"}
            ax.axhline(bar, label=label_of("relexample"), **style)
        ax.get_legend().remove()
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    names = axes[0].get_legend_handles_labels()
    fig.legend(*names, loc="outside upper center", ncols=4, frameon=False)
    return fig


def metric_curves(
    frame: pd.DataFrame, metrics: Mapping[str, str], methods: Sequence[str]
) -> Figure | None:
    """Draw each method's mean of every metric over outer epochs, a panel each."""
    if frame.empty:
        return None
    fig, axes = figure(2, -(-len(metrics) // 2), 9.2, 4.8, sharex=True)
    for place, ((metric, title), ax) in enumerate(
        zip(metrics.items(), axes.flat, strict=True)
    ):
        for name in methods:
            run = frame[frame.method == name].sort_values("epoch")
            label, colour = label_of(name), colour_of(name)
            ax.plot(run.epoch, run[metric], label=label, color=colour)
        tidy(ax, CLOCKS["epoch"] if place >= 3 else "", "", title)
        ax.get_legend().remove()
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    names = axes.flat[0].get_legend_handles_labels()
    fig.legend(*names, loc="outside upper center", ncols=3, frameon=False)
    return fig


def weight_effects(axes_of: Mapping[str, pd.DataFrame]) -> Figure | None:
    """Draw P@3 of C and of T over alpha, beta and gamma: mean and interval (Figure 5).

    axes_of: for each weight the rows of `reports.tag_curves.axis`.
    """
    if all(rows.value.nunique() < 2 for rows in axes_of.values()):
        return None
    fig, axes = figure(1, len(axes_of), 10.2, 3.4, sharey=True)
    for place, (name, ax) in enumerate(zip(axes_of, axes, strict=True)):
        rows = axes_of[name]
        for player in ("classifier", "teacher") if len(rows) else ():
            _effect(ax, rows, player)
        if name != "alpha":
            ax.set_xscale("log")
        tidy(ax, SYMBOLS[name], P_AT_3 if place == 0 else "")
        if place and ax.get_legend():
            ax.get_legend().remove()
    return fig


def _effect(ax: Axes, rows: pd.DataFrame, player: str) -> None:
    """Draw a player's means and intervals; the tuned value is ringed."""
    style: dict[str, Any] = {"color": colour_of(player)}
    groups = rows.dropna(subset=player).groupby("value")[player]
    found = {value: mean_interval(part) for value, part in groups}
    if not found:
        return
    at, means = np.array(list(found)), np.array([e.mean for e in found.values()])
    ends = np.array([(e.lo, e.hi) for e in found.values()]).T
    ax.plot(at, means, "o-", ms=4, label=LETTERS[player], **style)
    ax.fill_between(at, *ends, alpha=0.15, lw=0, **style)
    tuned = np.isin(at, rows[rows.tuned].value.unique())
    ax.plot(at[tuned], means[tuned], "o", ms=11, mfc="none", **style)


def soft_label_views(labels: pd.DataFrame, most: float) -> Figure:
    """Draw how undecided T's soft labels are: entropies, a panel per kind of teacher.

    labels: rows of `tag_demo.soft_labels`. most: the entropy of knowing nothing.
    """
    kinds = list(dict.fromkeys(labels.teacher))
    fig, axes = figure(1, len(kinds), 4.4 * len(kinds), 3.3, sharey=True, squeeze=False)
    bins = np.linspace(0, most, 41)
    for place, (kind, ax) in enumerate(zip(kinds, axes[0], strict=True)):
        own = labels[labels.teacher == kind]
        for part, colour in (("training", "#D55E00"), ("held out", "#0072B2")):
            values = own.loc[own.images == part, "entropy"]
            weights = np.full(len(values), 100 / len(values))
            style: dict[str, Any] = {"color": colour, "label": f"{part} images"}
            ax.hist(values, bins, weights=weights, histtype="stepfilled", alpha=0.25)
            ax.patches[-1].set_facecolor(colour)
            ax.hist(values, bins, weights=weights, histtype="step", lw=1.8, **style)
        tidy(ax, "entropy of the soft label (nats)", "% of images", f"T: {kind}")
        if place:
            ax.set_ylabel("")
            ax.get_legend().remove()
    return fig


def lesson_curves(frame: pd.DataFrame) -> Figure:
    """Draw C's validation P@3 over the passes of live lessons, a line each."""
    fig, ax = figure(width=6.4, height=3.6)
    styles = (("#5A5A5A", ":"), ("#D55E00", "--"), ("#0072B2", "-"))
    groups = frame.groupby("lesson", sort=False)
    for (title, run), (colour, line) in zip(groups, styles, strict=True):
        at, score = run.epoch, run.classifier_validation
        ax.plot(at, score, line, marker="o", ms=3, label=title, color=colour)
    ax.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    tidy(ax, "passes of C over the training images", "P@3 on validation")
    return fig


def agreements(rows: pd.DataFrame, titles: Mapping[str, str]) -> Figure | None:
    """Draw each tag's agreement of soft labels and names' similarity, by player.

    rows: the table `soft_labels`. A dot per tag, the bar is the mean.
    """
    if rows.empty:
        return None
    fig, ax = figure(width=7.2, height=0.6 * len(titles) + 1.1)
    rng = np.random.default_rng(0)
    for place, player in enumerate(titles):
        values = rows.loc[rows.player == player, "similarity"].dropna()
        height = place + rng.uniform(-0.22, 0.22, len(values))
        ax.plot(values, height, "o", ms=3, alpha=0.45, color=colour_of(player))
        ax.plot(values.mean(), place, "|", ms=24, mew=3, color=colour_of(player))
    ax.axvline(0, color=GREY, lw=1)
    ax.set_yticks(range(len(titles)), list(titles.values()))
    ax.invert_yaxis()
    tidy(ax, "rank correlation with the similarity of the names, per tag", "")
    return fig
