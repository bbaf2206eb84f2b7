"""Draw lines with bands and points with intervals from long tables of runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdgan_lib.figures.style import colour_of, figure, label_of, look_of, tidy
from kdgan_lib.stats import means_along


def curves_with_band(
    frame: pd.DataFrame,
    x: str,
    y: str,
    by: str = "method",
    labels: tuple[str, str] = ("", ""),
    scale: float = 1.0,
    axes: Axes | None = None,
) -> Figure | None:
    """Draw the mean over runs of y against x, with its 95% band, one line per group.

    frame: one row per run and evaluation, with columns `run_id`, x, y and `by`.
    A band stands where there are three runs or more. Returns None when the frame is
    empty, so that `show` can say "not run".
    """
    if frame.empty:
        return None
    fig, axes = (axes.get_figure(root=True), axes) if axes is not None else figure()
    for group, part in frame.groupby(by, sort=False):
        style = look_of(str(group)) | {"label": label_of(str(group))}
        mean_with_band(axes, scale * means_along(part, x, y), style)
    tidy(axes, labels[0] or x.replace("_", " "), labels[1] or y.replace("_", " "))
    return fig


def mean_with_band(
    axes: Axes, found: pd.DataFrame, style: Mapping[str, Any], alpha: float = 0.15
) -> None:
    """Draw a mean and its interval along an axis, as `means_along` returns them."""
    axes.plot(found.index, found["mean"], **style)
    ends = found.lo, found.hi
    axes.fill_between(found.index, *ends, alpha=alpha, lw=0, color=style["color"])


def points_with_intervals(
    frame: pd.DataFrame,
    value: str,
    lo: str,
    hi: str,
    by: str = "method",
    label: str = "",
    marks: Sequence[float] = (),
) -> Figure | None:
    """Draw one point and its interval per row, best at the top.

    marks: numbers of the paper to draw as crosses, one per row, NaN for none.
    """
    if frame.empty:
        return None
    fig, axes = figure(height=0.6 + 0.36 * len(frame))
    for place, row in enumerate(frame.to_dict("records")):
        style = {"color": colour_of(str(row[by]))}
        axes.plot([row[lo], row[hi]], [place, place], lw=2.4, **style)
        axes.plot(row[value], place, "o", **style)
    if np.isfinite(marks).any():
        axes.plot(marks, np.arange(len(frame)), "kx", label="paper")
    axes.set_yticks(range(len(frame)), [label_of(str(name)) for name in frame[by]])
    axes.set_ylim(len(frame) - 0.4, -0.6)
    tidy(axes, label or value.replace("_", " "), "")
    return fig
