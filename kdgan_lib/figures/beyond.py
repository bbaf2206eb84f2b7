"""Draw KDGAN against its changes: differences, curves, and the adaptive weights."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from kdgan_lib.figures.curves import mean_with_band
from kdgan_lib.figures.style import SPARE, figure, tidy
from kdgan_lib.names import SYMBOLS
from kdgan_lib.stats import LEVEL, means_along

REFERENCE = "#5A5A5A"


def differences(frame: pd.DataFrame) -> Figure | None:
    """Draw each variant's difference from the tuned KDGAN with its interval."""
    if frame.empty:
        return None
    fig, ax = figure(width=7.2, height=0.9 + 0.4 * len(frame))
    for place, row in enumerate(frame.to_dict("records")):
        clear = row["p (Holm)"] < LEVEL
        colour = SPARE[0] if clear else REFERENCE
        ax.plot([row["low"], row["high"]], [place, place], lw=2.4, color=colour)
        face = colour if clear else "white"
        ax.plot(row["difference"], place, "o", color=colour, mfc=face, ms=7)
    ax.axvline(0, color="black", lw=0.8)
    ax.set_yticks(range(len(frame)), list(frame.variant))
    ax.set_ylim(len(frame) - 0.4, -0.6)
    tidy(ax, "test accuracy of C minus the tuned KDGAN's (points)", "")
    return fig


def curves(frame: pd.DataFrame, panels: Sequence[Sequence[str]]) -> Figure | None:
    """Draw C's validation accuracy over the game, the first variant in every panel.

    frame: evaluations with `variant`; panels: the variants of each panel. One in which
    the first would be alone is left out.
    """
    known = set(frame.variant) if len(frame) else set()
    panels = [names for names in panels if known & set(names[1:])]
    if not panels:
        return None
    rows = -(-len(panels) // 2)
    fig, axes = figure(rows, 2, 9.4, 4.4 * rows, sharey=True, squeeze=False)
    for spare in axes.flat[len(panels) :]:
        spare.set_visible(False)
    for place, (names, ax) in enumerate(zip(panels, axes.flat, strict=False)):
        for rank, name in enumerate(name for name in names if name in known):
            part = frame[frame.variant == name]
            found = 100 * means_along(part, "player_updates", "classifier_validation")
            colour = SPARE[rank - 1] if rank else "black"
            style = {"lw": 1.5, "color": colour, "label": name}
            mean_with_band(ax, found, style, alpha=0.1)
        label = "" if place % 2 else "validation accuracy of C (%)"
        tidy(ax, "updates of all players", label)
        ax.legend(fontsize=8, loc="lower right", frameon=False)
    # Bands of few runs leave the scale of accuracies; the lines decide what is shown.
    lines = [line.get_ydata() for ax in axes.flat for line in ax.lines]
    low, high = min(map(np.min, lines)), max(map(np.max, lines))
    axes[0, 0].set_ylim(low - 5, min(100, high + 5))
    return fig


def weights(frame: pd.DataFrame, tuned: Mapping[str, float]) -> Figure | None:
    """Draw the weights that the adaptive KDGAN took, over the tuned ones (dashed).

    frame: columns `ratio`, `player_updates`, `run_id`, alpha, beta and gamma.
    """
    if frame.empty:
        return None
    fig, axes = figure(1, 3, width=10.2, height=3.5)
    for ax, (name, symbol) in zip(axes, SYMBOLS.items(), strict=True):
        for rank, (ratio, part) in enumerate(frame.groupby("ratio")):
            for _, run in part.groupby("run_id"):
                ax.plot(run.player_updates, run[name], lw=0.4, color=SPARE[rank])
            mean = part.groupby("player_updates")[name].mean()
            ax.plot(mean.index, mean, color=SPARE[rank], label=f"ratio {ratio:g}")
        ax.axhline(tuned[name], ls="--", lw=1.2, color="black", label="tuned")
        if name == "alpha":
            ax.set_ylim(0, 1)
        else:
            ax.set_yscale("log")
        tidy(ax, "updates of all players", symbol)
        if name != "alpha":
            ax.get_legend().remove()
    return fig
