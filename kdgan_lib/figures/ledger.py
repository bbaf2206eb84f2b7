"""Draw the ledger's verdicts: by kind of claim, and under wider intervals."""

import pandas as pd
from matplotlib.figure import Figure

from kdgan_lib.figures.style import figure, tidy

COLOURS = {
    "reproduced": "#6FC7A8",
    "partly": "#F4C55C",
    "at most partly": "#F9E2B0",
    "not reproduced": "#EE9A6B",
    "not testable here": "#C9C9C9",
    "not run": "#FFFFFF",
}


def shares(frame: pd.DataFrame) -> Figure | None:
    """Return a bar of shares with counts for each row, named by the first column."""
    counts = frame.iloc[::-1, 1:]
    if not counts.to_numpy().sum():
        return None
    fig, axes = figure(width=7.2, height=0.7 + 0.5 * len(frame))
    sums = counts.sum(axis=1)
    names = [f"{row} ({n})" for row, n in zip(frame.iloc[::-1, 0], sums, strict=True)]
    left = pd.Series(0.0, index=counts.index)
    for verdict in counts:
        part = (counts[verdict] / sums).fillna(0)
        bars = axes.barh(
            names, part, left=left, color=COLOURS[verdict], ec="#5A5A5A", lw=0.6
        )
        said = [str(count) if count else "" for count in counts[verdict]]
        axes.bar_label(bars, said, label_type="center", fontsize=9)
        bars.set_label(verdict)
        left += part
    axes.set(xlabel="share of the claims", xlim=(0, 1))
    axes.grid(False, axis="y")
    fig.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def widths(frame: pd.DataFrame, marked: float) -> Figure | None:
    """Return the answers over the intervals' width as areas, and a line at `marked`."""
    if frame.empty or not frame.iloc[:, 1:].to_numpy().sum():
        return None
    fig, axes = figure(width=7.2, height=3.4)
    answers = list(frame.columns[1:])
    axes.stackplot(
        frame.width,
        [frame[name] for name in answers],
        colors=[COLOURS[name] for name in answers],
        labels=answers,
        edgecolor="#5A5A5A",
        linewidth=0.6,
        step="mid",
    )
    axes.axvline(1, color="black", lw=1)
    axes.axvline(marked, color="black", lw=1, ls=":")
    tidy(axes, "width of the intervals (1: as measured)", "number of claims")
    axes.set_xlim(frame.width.min(), frame.width.max())
    axes.get_legend().remove()
    fig.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig
