"""Draw the variances of C's gradient along training (Figure 7 and beyond)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdgan_lib.figures.style import colour_of, figure, label_of, tidy
from kdgan_lib.figures.theory import ESTIMATORS as LOOKS
from kdgan_lib.names import ADVERSARIAL
from kdgan_lib.reports import variance_tables

TERMS = {
    "adversarial": ("from D", "discriminator", "-"),
    "distillation": ("from T", "teacher", (0, (5, 1.5))),
    "whole": ("whole gradient", "paper", (0, (1, 1))),
}
SIGNALS = {
    "adversarial": "signal",
    "distillation": "distillation_signal",
    "whole": "whole_signal",
}
WEIGHTINGS: dict[str, dict[str, Any]] = {
    "larger": {"color": "#5A5A5A", "ls": (0, (1, 1)), "label": "larger of the two"},
    "bound": {"color": "black", "ls": (0, (5, 1.5)), "label": "Lemma 4.3's bound"},
    "convex": {"color": "#D55E00", "ls": "-", "label": "Eq. 6, convex"},
    "free": {"color": "#0072B2", "ls": (0, (4, 1, 1, 1)), "label": "Eq. 3's weights"},
}
GAMES = ADVERSARIAL
NAMES = ("concrete_density", "relaxed_score", "reinforce", "reinforce_baseline")
ESTIMATORS = {name: LOOKS[name] for name in (*NAMES, "pathwise")}


def terms_figure(probes: pd.DataFrame) -> Figure | None:
    """Draw the variance of each term of C's gradient against epochs, one game a panel.

    probes: `variance_tables.probes`. None when it is empty.
    """

    def draw(panel: Axes, part: pd.DataFrame) -> None:
        for column, (label, player, line) in TERMS.items():
            if (part[column] > 0).all():
                style = {"color": colour_of(player), "ls": line, "label": label}
                _band(panel, part, column, style)

    return _one_legend(_panels(probes, GAMES, "total variance", draw))


def signal_figure(probes: pd.DataFrame) -> Figure | None:
    """Draw each term's squared mean over its variance against epochs, a game a panel.

    probes: `variance_tables.probes`; sums over seeds. A gap in a line: the squared
    mean, freed of its noise, is not positive there.
    """

    def draw(panel: Axes, part: pd.DataFrame) -> None:
        sums = part.groupby("epoch").sum(numeric_only=True)
        for column, signal in SIGNALS.items():
            label, player, line = TERMS[column]
            if (sums[column] > 0).all():
                ratio = sums[signal].where(sums[signal] > 0) / sums[column]
                style: dict[str, Any] = {"color": colour_of(player), "ls": line}
                panel.plot(ratio.index, ratio, marker="o", ms=3, label=label, **style)

    return _one_legend(_panels(probes, GAMES, "squared mean / variance", draw))


def bound_figure(probes: pd.DataFrame) -> Figure | None:
    """Draw Lemma 4.3's bound over the measured deviations against epochs.

    probes: `variance_tables.probes`; the share of distillation is Eq. 3's. Geometric
    means over seeds, of the games that have a teacher.
    """

    def draw(panel: Axes, part: pd.DataFrame) -> None:
        found = variance_tables.weightings(part)
        for column, style in WEIGHTINGS.items():
            mean = _geometric(found.groupby("epoch")[column])
            panel.plot(mean.index, mean, **style)

    return _one_legend(_panels(probes, GAMES[1:], "standard deviation", draw, 4.2))


def sources_figure(estimators: pd.DataFrame, method: str = "kdgan") -> Figure | None:
    """Draw each estimator's sampling variance and the minibatches' against epochs.

    estimators: `variance_tables.by_estimator`.
    """
    if estimators.empty or method not in set(estimators.method):
        return None
    fig, axes = figure(width=7.4, height=3.9)
    part = estimators[estimators.method == method]
    for name, (label, colour, line) in ESTIMATORS.items():
        own = part[part.estimator == name]
        _band(axes, own, "sampling", {"color": colour, "ls": line, "label": label})
    batches = part[part.estimator == "exact"]
    style = {"color": "black", "ls": (0, (1, 1)), "label": "minibatches (exact labels)"}
    _band(axes, batches, "minibatch", style)
    axes.set_yscale("log")
    tidy(axes, "outer epoch", "variance")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return fig


def temperature_figure(temperatures: pd.DataFrame, epoch: int) -> Figure:
    """Draw sampling variance and signal-to-noise ratio against tau, at one epoch.

    temperatures: `variance_tables.by_temperature` of one method; geometric mean over
    seeds. Estimators without tau are level lines.
    """
    part = temperatures[temperatures.epoch == epoch]
    fig, axes = figure(1, 2, 7.6, 4.0)
    for name, (label, colour, line) in ESTIMATORS.items():
        own = part[part.estimator == name]
        noise = own.assign(ratio=_signal(own) / own.sampling)
        for panel, column in zip(axes, ("sampling", "ratio"), strict=True):
            mean = _geometric(noise.groupby("tau")[column])
            style: dict[str, Any] = {"color": colour, "ls": line, "label": label}
            if len(mean) == 1:
                panel.axhline(mean.iloc[0], lw=1.4, **style)
            else:
                panel.plot(mean.index, mean, marker="o", ms=3, **style)
    return _finish_temperature(fig, axes, temperatures, epoch)


def _finish_temperature(
    fig: Figure, axes: Any, temperatures: pd.DataFrame, epoch: int
) -> Figure:
    """Set scales that hold for every epoch, so that frames can be compared."""
    ratios = _signal(temperatures) / temperatures.sampling
    for panel, column in zip(axes, (temperatures.sampling, ratios), strict=True):
        panel.set(xscale="log", yscale="log")
        panel.set_ylim(*_decades(column))
    tidy(axes[0], "temperature", "sampling variance", f"epoch {epoch}")
    tidy(axes[1], "temperature", "signal / sampling noise", f"epoch {epoch}")
    handles, labels = axes[0].get_legend_handles_labels()
    for panel in axes:
        panel.get_legend().remove()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return fig


def combination_figure(probes: pd.DataFrame, epoch: int) -> Figure:
    """Draw the deviation of every convex combination with Lemma 4.3's bound.

    probes: KDGAN's rows of `variance_tables.probes`; means over seeds at one epoch.
    """
    at = probes[probes.epoch == epoch]
    columns = ["adversarial", "distillation", "covariance", "whole", "alpha", "beta"]
    mean = at[columns].mean()
    curve = variance_tables.combinations(mean)
    fig, axes = figure(width=6.8, height=3.7)
    axes.plot(curve.share, curve.bound, ls=(0, (5, 1.5)), color="black", label="bound")
    axes.plot(curve.share, curve.deviation, color="#D55E00", label="measured (Eq. 6)")
    top = max(mean.adversarial, mean.distillation) ** 0.5
    axes.axhline(
        top, color="#5A5A5A", ls=(0, (1, 1)), lw=1.2, label="larger of the two"
    )
    share = mean.beta / (mean.alpha + mean.beta)
    axes.plot(share, mean.whole**0.5, "k*", ms=11, label="Eq. 3's weights")
    axes.set_yscale("log")
    label = "share of distillation in the combination"
    tidy(axes, label, "standard deviation", f"epoch {epoch}")
    axes.legend(loc="lower right", frameon=False)
    return fig


def norms_figure(norms: pd.DataFrame) -> Figure | None:
    """Draw the norms of single drawn gradients over the reference, one game a panel.

    norms: `variance_tables.norms`; grey lines mark the rule of M20.
    """

    def draw(panel: Axes, part: pd.DataFrame) -> None:
        colour = colour_of(part.method.iloc[0])
        jitter = np.linspace(-0.9, 0.9, len(part)) if len(part) > 1 else 0.0
        panel.plot(part.epoch + jitter, part.share, ".", ms=3, alpha=0.35, color=colour)
        median = part.groupby("epoch").share.median()
        panel.plot(median.index, median, color=colour)
        for bound in (variance_tables.VANISHING, variance_tables.EXPLODING):
            panel.axhline(bound, color="#5A5A5A", ls=(0, (5, 2)), lw=1)
        panel.set_ylim(_limits(norms.share))

    return _panels(norms, GAMES, "norm / labels' norm at the start", draw)


def _panels(
    frame: pd.DataFrame,
    games: Sequence[str],
    left: str,
    draw: Callable[[Axes, pd.DataFrame], None],
    width: float = 3.0,
) -> Figure | None:
    """Draw a panel for each of the games that the frame has, on one logarithmic axis.

    draw: puts a game's rows into its panel. None where there is no such game.
    """
    known = [name for name in games if len(frame) and name in set(frame.method)]
    if not known:
        return None
    size = (width * len(known), 3.6)
    fig, axes = figure(1, len(known), *size, sharey=True, squeeze=False)
    for panel, name in zip(axes[0], known, strict=True):
        draw(panel, frame[frame.method == name])
        panel.set_yscale("log")
        label = left if panel is axes[0][0] else ""
        tidy(panel, "outer epoch", label, label_of(name))
    return fig


def _one_legend(fig: Figure | None) -> Figure | None:
    """Put the legend with most entries below the panels, and no other."""
    if fig is None:
        return None
    panels: Any = fig.axes
    entries = [panel.get_legend_handles_labels() for panel in panels]
    for panel in panels:
        panel.get_legend().remove()
    handles, labels = max(entries, key=lambda entry: len(entry[1]))
    fig.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return fig


def _band(axes: Axes, frame: pd.DataFrame, column: str, style: dict[str, Any]) -> None:
    """Draw the geometric mean over seeds and the range of the seeds."""
    groups = frame.groupby("epoch")[column]
    mean = _geometric(groups)
    axes.plot(mean.index, mean, **style)
    ends = groups.min(), groups.max()
    axes.fill_between(mean.index, *ends, alpha=0.15, lw=0, color=style["color"])


def _geometric(groups: Any) -> pd.Series:
    mean: pd.Series = groups.apply(lambda values: np.exp(np.log(values).mean()))
    return mean


def _limits(shares: pd.Series) -> tuple[float, float]:
    """Return limits that hold the points and the marks, with room for the legend."""
    low = min(variance_tables.VANISHING, shares.min())
    high = max(variance_tables.EXPLODING, shares.max())
    return 0.5 * low, 20 * high


def _signal(frame: pd.DataFrame) -> pd.Series:
    """Return squared means; none where, freed of its noise, one is not positive."""
    return frame.batch_squared_norm.where(frame.batch_squared_norm > 0)


def _decades(values: pd.Series) -> tuple[float, float]:
    """Return limits at whole powers of ten around the bulk of positive values."""
    exponents = np.log10(values[values > 0].quantile([0.01, 0.99]))
    return 10.0 ** np.floor(exponents.iloc[0]), 10.0 ** np.ceil(exponents.iloc[1])
