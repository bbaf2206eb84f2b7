"""Fix the look of every figure: one colour and one line per method."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdgan_lib.names import LABELS as LABELS
from kdgan_lib.names import label_of as label_of

# Okabe and Ito's palette: told apart with every common colour blindness.
COLOURS = {
    "kdgan": "#D55E00",
    "kdgan_wo_gm": "#E69F00",
    "nagan": "#0072B2",
    "codis": "#009E73",
    "distn": "#CC79A7",
    "noisy": "#56B4E9",
    "mimic": "#8C6D1F",
    "supervised": "#5A5A5A",
    "classifier": "#D55E00",
    "teacher": "#0072B2",
    "discriminator": "#009E73",
    "labels": "#5A5A5A",
    "relexample": "#009E73",
    "tagfeature": "#CC79A7",
    "tagprop": "#56B4E9",
    "knn": "#5A5A5A",
    "paper": "#000000",
}
LINES = {
    "kdgan": "-",
    "kdgan_wo_gm": (0, (5, 1.5)),
    "nagan": "-",
    "codis": "-",
    "distn": (0, (4, 1, 1, 1)),
    "noisy": (0, (1, 1)),
    "mimic": (0, (3, 1)),
    "supervised": (0, (2, 2)),
}
SPARE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5A5A5A")
RC: Any = {
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "figure.facecolor": "white",
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "kdgan",
}


def colour_of(name: str) -> str:
    """Return the fixed colour of a method or player; others get a steady spare one."""
    return COLOURS.get(name, SPARE[sum(map(ord, name)) % len(SPARE)])


def line_of(name: str) -> Any:
    """Return the fixed line style of a method."""
    return LINES.get(name, "-")


def look_of(name: str) -> dict[str, Any]:
    """Return the fixed colour and line style of a method."""
    return {"color": colour_of(name), "ls": line_of(name)}


@contextmanager
def house_style() -> Iterator[None]:
    """Apply the house style inside a `with` block."""
    with sns.axes_style("whitegrid"), mpl.rc_context(RC):
        yield


def figure(
    rows: int = 1,
    columns: int = 1,
    width: float = 6.4,
    height: float = 3.8,
    **options: Any,
) -> tuple[Figure, Any]:
    """Return a figure in the house style and its axes; it is not drawn by itself.

    Options go to `Figure.subplots` (`sharex`, `sharey`, ...).
    """
    with house_style():
        fig = Figure(figsize=(width, height), layout="constrained")
        axes = fig.subplots(rows, columns, **options)
    return fig, axes


def tidy(axes: Axes, x: str, y: str, title: str = "") -> Axes:
    """Label the axes and place the legend."""
    axes.set(xlabel=x, ylabel=y, title=title)
    axes.grid(True, alpha=0.35, linewidth=0.6)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9)
    return axes
