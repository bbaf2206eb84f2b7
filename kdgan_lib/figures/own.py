"""Draw one's own problem: what the players see, and the course of one run."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from kdgan_lib.data import Examples
from kdgan_lib.figures.style import colour_of, figure, tidy
from kdgan_lib.names import LETTERS
from kdgan_lib.runs import GAME


def two_views(examples: Examples) -> Figure:
    """Return square pictures as T and D see them, above those that C sees."""
    count, views = len(examples), (examples.privileged, examples.inputs)
    fig, axes = figure(2, count, width=0.85 * count, height=1.9, squeeze=False)
    for row, pictures in zip(axes, views, strict=True):
        assert pictures is not None
        side = round(pictures.shape[1] ** 0.5)
        for ax, picture in zip(row, pictures, strict=True):
            ax.imshow(picture.view(side, side).numpy(), cmap="gray_r", vmin=0, vmax=1)
            ax.set_axis_off()
    return fig


def course(curve: pd.DataFrame) -> Figure:
    """Return accuracies and losses over the outer epochs of a run's game.

    D has a panel of its own, with the loss that it has at the game's equilibrium.
    """
    played = curve[curve.stage == GAME].set_index("epoch")
    fig, (scores, losses, last) = figure(1, 3, width=10.2, height=3.2)
    for player, letter in LETTERS.items():
        style = {"color": colour_of(player), "label": letter, "marker": "o", "ms": 2.5}
        panel = last if player == "discriminator" else losses
        for ax, name, scale in ((scores, "validation", 100), (panel, "loss", 1)):
            line = played.get(f"{player}_{name}", pd.Series(dtype=float)).dropna()
            if len(line):
                ax.plot(line.index, scale * line, **style)
    if last.lines:
        last.axhline(np.log(4), color="black", lw=1, ls=":", label="log 4")
    tidy(scores, "outer epoch", "accuracy on held-out examples (%)")
    tidy(losses, "outer epoch", "losses of C and T")
    tidy(last, "outer epoch", "loss of D")
    return fig
