"""Draw training curves: accuracy against outer epochs and player updates (Figure 3)."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdgan_lib import tables
from kdgan_lib.figures.curves import curves_with_band
from kdgan_lib.figures.style import colour_of, figure, label_of, tidy
from kdgan_lib.names import CLOCKS

TEST, LABEL = "classifier_test", "test accuracy of C (%)"


def accuracy_curves(
    frame: pd.DataFrame, clocks: Sequence[str] = ("epoch", "player_updates")
) -> Figure | None:
    """Draw C's mean test accuracy and its 95% band against each clock, side by side.

    frame: evaluations with columns `method`, `run_id`, `classifier_test` and the
    clocks. Returns None for an empty frame.
    """
    tested = _tested(frame)
    if tested.empty:
        return None
    width = 4.6 * len(clocks)
    fig, axes = figure(1, len(clocks), width=width, height=4.6, squeeze=False)
    for place, (clock, ax) in enumerate(zip(clocks, axes[0], strict=True)):
        labels = (CLOCKS[clock], LABEL if place == 0 else " ")
        curves_with_band(tested, clock, TEST, labels=labels, scale=100, axes=ax)
        _look_up(ax)
        if place:
            ax.get_legend().remove()
    return fig


def protocol_curves(frame: pd.DataFrame, protocols: Sequence[str]) -> Figure | None:
    """Draw C's test accuracy against outer epochs, one panel per protocol.

    All on one axis, which ends where accuracy does.
    """
    tested = _tested(frame)
    if tested.empty:
        return None
    known = [name for name in protocols if (tested.protocol == name).any()]
    width = 4.6 * len(known)
    size = {"width": width, "height": 3.8}
    fig, axes = figure(1, len(known), **size, sharey=True, squeeze=False)
    for place, (name, ax) in enumerate(zip(known, axes[0], strict=True)):
        part = tested[tested.protocol == name]
        labels = (CLOCKS["epoch"], LABEL if place == 0 else " ")
        curves_with_band(part, "epoch", TEST, labels=labels, scale=100, axes=ax)
        ax.set_title(f"protocol {name}")
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(max(low, 0), min(high, 100))
    return fig


def live_against_runs(live: pd.DataFrame, frame: pd.DataFrame, method: str) -> Figure:
    """Draw one live run over the stored runs of the same method (thin lines)."""
    fig, ax = figure()
    stored = _tested(frame)
    for _, run in stored.groupby("run_id") if len(stored) else ():
        ax.plot(run.player_updates, 100 * run[TEST], lw=0.7, color="#B0B0B0")
    game = tables.game(live.assign(run_id="live")).dropna(subset=TEST)
    style: dict[str, Any] = {"color": colour_of(method), "marker": "o", "ms": 4}
    ax.plot(
        game.player_updates,
        100 * game[TEST],
        label=f"{label_of(method)}, live",
        **style,
    )
    if len(stored):
        ax.plot([], [], lw=0.7, color="#B0B0B0", label="stored runs")
    tidy(ax, CLOCKS["player_updates"], LABEL)
    return fig


def convergence_points(frame: pd.DataFrame, clock: str, share: float) -> Figure | None:
    """Draw where each run first reaches a share of its best accuracy, by method.

    frame: columns `method` and the clock, one row per run.
    """
    if frame.empty:
        return None
    methods = list(dict.fromkeys(frame.method))
    fig, ax = figure(height=0.42 * len(methods) + 1.3)
    for place, name in enumerate(methods):
        at = frame.loc[frame.method == name, clock]
        ax.plot(at, [place] * len(at), "o", ms=5, alpha=0.5, color=colour_of(name))
        ax.plot(at.mean(), place, "|", ms=18, mew=2.5, color=colour_of(name))
    ax.set_yticks(range(len(methods)), [label_of(name) for name in methods])
    ax.invert_yaxis()
    tidy(ax, f"{CLOCKS[clock]} to {share:.1%} of the best accuracy", "")
    return fig


def _look_up(axes: Axes, span: float = 16.0) -> None:
    """Show the upper points of accuracy only, where the methods part."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, high - span), high)


def _tested(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the game's evaluations on the test set, methods in the table's order."""
    if frame.empty:
        return frame
    return frame[frame.stage == "game"].dropna(subset=TEST)
