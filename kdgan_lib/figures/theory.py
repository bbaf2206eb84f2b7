"""Draw the game on three labels and what estimators of its gradient do."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor

from kdgan_lib.dynamics import Trajectory
from kdgan_lib.figures.style import SPARE, colour_of, figure, tidy

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 3**0.5 / 2]])
PLAYERS = ("classifier", "teacher")
LOSSES = {
    "l2_logits": "L2 on logits",
    "l2_probabilities": "L2 on probabilities",
    "kl": "KL",
    "reverse_kl": "reverse KL",
}
# An estimator's label, colour and line: the same in every chapter.
ESTIMATORS: dict[str, tuple[str, str, Any]] = {
    "reinforce": ("REINFORCE", "#0072B2", "-"),
    "reinforce_baseline": ("REINFORCE, baseline", "#56B4E9", (0, (3, 1))),
    "rloo": ("leave-one-out", "#5A5A5A", (0, (1, 1))),
    "concrete_density": ("concrete density", "#CC79A7", (0, (4, 1, 1, 1))),
    "relaxed_score": ("relaxed score", "#D55E00", "-"),
    "pathwise": ("pathwise", "#009E73", "-"),
    "bce_to_discriminator": ("released code", "#E69F00", (0, (5, 1.5))),
}
SEEN = 4  # times its noise: a figure has a hundred biases, none should be chance
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))


def on_triangle(p: Tensor) -> np.ndarray:
    """Return the plane coordinates of laws on three labels, [..., 3] -> [..., 2]."""
    return p.detach().numpy() @ CORNERS


def triangle(
    axes: Axes, labels: Sequence[str] = ("label 1", "label 2", "label 3")
) -> Axes:
    """Draw an empty ternary plot: each corner is certainty about one label."""
    outline = np.vstack([CORNERS, CORNERS[:1]])
    axes.plot(*outline.T, color="#444444", lw=1.0)
    for share in (0.25, 0.5, 0.75):
        for i in range(3):
            ends = [
                share * CORNERS[i] + (1 - share) * CORNERS[(i + 1) % 3],
                share * CORNERS[i] + (1 - share) * CORNERS[(i + 2) % 3],
            ]
            axes.plot(*np.array(ends).T, color="#bbbbbb", lw=0.5, zorder=0)
    places = [(-0.02, -0.03, "right"), (1.02, -0.03, "left"), (0.5, 0.89, "center")]
    for (x, y, side), label in zip(places, labels, strict=True):
        axes.text(x, y, label, ha=side, va="bottom" if y > 0 else "top", fontsize=9)
    axes.set(xlim=(-0.2, 1.2), ylim=(-0.12, 1.0), aspect="equal")
    axes.set_axis_off()
    return axes


def mark(axes: Axes, p: Tensor, label: str, marker: str = "*") -> None:
    """Mark one law on a ternary plot."""
    size = 13 if marker == "*" else 7
    axes.plot(
        *on_triangle(p), marker, color="black", ms=size, label=label, ls="", zorder=5
    )


def paths_on_triangle(
    path: Trajectory,
    title: str = "",
    players: Sequence[str] = PLAYERS,
) -> Figure:
    """Draw the laws of C and T of every start on the three-label simplex."""
    fig, axes = figure(width=5.2, height=4.4)
    triangle(axes)
    tables = dict(zip(path.logits._fields, path.strategies(), strict=True))
    for number, player in enumerate(players):
        lines = on_triangle(tables[player])  # [R, S, 2]
        style: dict[str, Any] = {"color": colour_of(player), "ls": DASHES[number]}
        for start in range(lines.shape[1]):
            name = player if start == 0 else None
            axes.plot(*lines[:, start].T, lw=1.2, alpha=0.85, label=name, **style)
            axes.plot(*lines[0, start], "o", ms=3.5, color=style["color"])
    mark(axes, path.game.p_u, r"true law $p_u$")
    axes.legend(loc="upper left", fontsize=9, frameon=False)
    axes.set_title(title)
    return fig


def field_on_triangle(
    slopes: Mapping[str, Callable[[Tensor], Tensor]],
    marks: Mapping[str, Tensor],
    density: int = 11,
) -> Figure:
    """Draw one arrow field per entry: how the law moves under descent on logits.

    Each function maps logits [S, 3] to their gradient [S, 3]; arrows show the move of
    the law, all of one length, coloured by speed on one scale for all entries.
    """
    count = len(slopes)
    columns = 2 if count == 4 else count
    rows = -(-count // columns)
    size = {"width": 3.4 * columns, "height": 4.0 * rows}
    fig, all_axes = figure(rows, columns, squeeze=False, **size)
    # The label of a colour bar keeps off the title of the row below.
    fig.set_layout_engine("constrained", h_pad=0.12)
    p = interior(density)
    downs = {title: -slope(p.log()) for title, slope in slopes.items()}
    moves = {
        title: on_triangle(p * (down - (p * down).sum(-1, keepdim=True)))
        for title, down in downs.items()
    }
    speeds = {title: np.linalg.norm(move, axis=-1) for title, move in moves.items()}
    shades = {t: np.log10(np.maximum(speed, 1e-6)) for t, speed in speeds.items()}
    known = np.concatenate(list(shades.values()))
    scale = Normalize(known.min(), known.max())
    for axes, (title, move) in zip(all_axes.flat, moves.items(), strict=True):
        triangle(axes, ("1", "2", "3"))
        unit = move / np.maximum(speeds[title], 1e-12)[:, None]
        drawn = axes.quiver(
            *on_triangle(p).T, *unit.T, shades[title], scale=18, norm=scale,
            width=0.008, cmap="viridis", pivot="mid",
        )  # fmt: skip
        for (label, law), sign in zip(marks.items(), "*s", strict=False):
            mark(axes, law, label, sign)
        axes.set_title(LOSSES.get(title, title))
        fig.colorbar(drawn, ax=axes, shrink=0.6, label="log10 speed", location="bottom")
    all_axes[0][0].legend(loc="upper left", fontsize=8, frameon=False)
    return fig


def interior(density: int) -> Tensor:
    """Return laws on three labels, evenly spread inside the simplex, [N, 3]."""
    grid = [
        (i + 0.5, j + 0.5, density - i - j - 1.0)
        for i in range(density)
        for j in range(density - i)
        if density - i - j - 1.0 > 0
    ]
    return torch.tensor(grid, dtype=torch.float64) / density


def convergence(paths: Mapping[str, Trajectory]) -> Figure:
    """Draw TV to p_u, |U + log 4| and |D - 1/2| against rounds, worst of the starts."""
    fig, all_axes = figure(1, 3, width=9.6, height=3.2)
    for number, (name, path) in enumerate(paths.items()):
        panels = [path.distance(), (path.value() + np.log(4)).abs(), path.doubt()]
        for axes, panel in zip(all_axes, panels, strict=True):
            axes.semilogy(
                path.steps, panel.amax(-1).clamp_min(1e-16), label=name,
                color=SPARE[number % len(SPARE)], ls=DASHES[number % 4],
            )  # fmt: skip
    for axes, label in zip(
        all_axes,
        ("total variation to $p_u$", r"$|U + \log 4|$", "largest $|D - 1/2|$"),
        strict=True,
    ):
        tidy(axes, "round", label)
    for axes in all_axes[1:]:
        axes.get_legend().remove()
    return fig


def arrival_map(rows: pd.DataFrame, value: str = "arrived") -> Figure | None:
    """Draw the share of starts that arrived: one beta-gamma map per alpha.

    rows: the table "theory", one distillation and schedule. None when empty.
    """
    if rows.empty:
        return None
    alphas = sorted(rows["alpha"].unique())
    fig, all_axes = figure(1, len(alphas), width=9.6, height=2.3, sharey=True)
    for axes, alpha in zip(np.atleast_1d(all_axes), alphas, strict=True):
        part = rows[rows["alpha"] == alpha]
        grid = part.pivot_table(value, "beta", "gamma", aggfunc="mean").astype(float)
        axes.imshow(grid, vmin=0, vmax=1, cmap="cividis", origin="lower")
        axes.set_xticks(range(grid.shape[1]), [f"{x:g}" for x in grid], rotation=90)
        axes.set_yticks(range(grid.shape[0]), [f"{x:g}" for x in grid.index])
        axes.set(title=rf"$\alpha$ = {alpha:g}", xlabel=r"$\gamma$")
        axes.grid(False)
        for (i, j), share in np.ndenumerate(grid.to_numpy()):
            ink = "black" if share > 0.6 else "white"
            text = f"{share:.2g}"
            axes.text(j, i, text, ha="center", va="center", fontsize=7.5, color=ink)
    np.atleast_1d(all_axes)[0].set_ylabel(r"$\beta$")
    return fig


def against_temperature(
    rows: pd.DataFrame, value: str, label: str, names: Sequence[str] = tuple(ESTIMATORS)
) -> Figure | None:
    """Draw one panel per shape of the law: a quantity against tau, log-log.

    rows: `estimator_study.study`, one K. A bias that its noise may explain is
    drawn at 0.001.
    """
    if rows.empty:
        return None
    shapes = list(dict.fromkeys(rows["shape"]))
    fig, all_axes = figure(1, len(shapes), width=9.6, height=3.5, sharey=True)
    for axes, shape in zip(np.atleast_1d(all_axes), shapes, strict=True):
        for name in names:
            part = rows[(rows["shape"] == shape) & (rows["estimator"] == name)]
            text, colour, line = ESTIMATORS[name]
            shown = above_noise(part, value)
            style: dict[str, Any] = {"color": colour, "ls": line, "label": text}
            axes.loglog(part["tau"], shown, marker="o", ms=3, lw=1.5, **style)
        tidy(axes, r"temperature $\tau$", label if shape == shapes[0] else "", shape)
        axes.get_legend().remove()
    handles, texts = np.atleast_1d(all_axes)[0].get_legend_handles_labels()
    fig.legend(
        handles, texts, loc="outside lower center", ncols=4, fontsize=9, frameon=False
    )
    return fig


def above_noise(part: pd.DataFrame, value: str, floor: float = 1e-3) -> pd.Series:
    """Return a column to draw; a bias that noise may explain goes to the floor."""
    if value != "bias":
        return part[value].clip(lower=1e-6)
    seen = part[value] > SEEN * part["noise_of_bias"]
    return part[value].where(seen, floor).clip(lower=floor)


def lines(
    panels: Mapping[str, pd.DataFrame], x: str, y: str, logarithmic: str = ""
) -> Figure:
    """Draw a panel per frame, columns against the index; `logarithmic`: x, y or xy."""
    fig, all_axes = figure(
        1, len(panels), width=max(5.2, 3.3 * len(panels)), height=3.2, squeeze=False
    )
    for axes, (title, frame) in zip(all_axes[0], panels.items(), strict=True):
        for number, column in enumerate(frame):
            axes.plot(
                frame.index, frame[column], label=LOSSES.get(str(column), str(column)),
                color=SPARE[number % len(SPARE)], ls=DASHES[number % 4],
            )  # fmt: skip
        axes.set_xscale("log" if "x" in logarithmic else "linear")
        axes.set_yscale("log" if "y" in logarithmic else "linear")
        tidy(axes, x, y if axes is all_axes[0][0] else "", title)
    return fig


def cloud_on_triangle(samples: Tensor, p: Tensor) -> Figure:
    """Draw relaxed samples [N, 3] and their law on the three-label simplex."""
    fig, axes = figure(width=4.6, height=3.9)
    triangle(axes)
    dots = on_triangle(samples).T
    axes.plot(*dots, ".", ms=3.5, alpha=0.5, color=SPARE[0], label="relaxed samples")
    mark(axes, p, r"law $p_c$")
    axes.legend(loc="upper left", fontsize=9, frameon=False)
    return fig


def rounds_against_speed(rows: pd.DataFrame, rounds: str) -> Figure | None:
    """Draw rounds to arrive against the predicted speed; not arrived: on the top edge.

    rows: one per start, with columns `speed`, `distillation` and the one named.
    """
    if rows.empty:
        return None
    fig, axes = figure()
    top = 30_000.0
    for number, (name, part) in enumerate(rows.groupby("distillation", sort=False)):
        shown = part[rounds].replace(np.inf, top)
        axes.loglog(
            part["speed"], shown, "osv^"[number % 4], ms=3.5, alpha=0.45,
            color=SPARE[number % len(SPARE)], label=LOSSES.get(str(name), str(name)),
        )  # fmt: skip
    axes.axhline(top, color="#888888", lw=0.8, ls=":")
    tidy(axes, "predicted speed per round", "rounds to arrive")
    return fig
