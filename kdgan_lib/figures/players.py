"""Draw the three players, what each one sees and who teaches whom (Eq. 3)."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from kdgan_lib.figures.style import colour_of, figure

Point = tuple[float, float]
PLACES: dict[str, Point] = {
    "teacher": (2.1, 3.1),
    "classifier": (2.1, 0.7),
    "discriminator": (6.6, 1.9),
    "labels": (10.35, 1.9),
}
"""Centre of each box, in units of the drawing."""
WORDS = {
    "teacher": ("Teacher T", "sees $x$ and, in training, $z$"),
    "classifier": ("Classifier C", "sees $x$; is what one deploys"),
    "discriminator": ("Discriminator D", "a true label of $x$?"),
    "labels": ("True labels", "$y \\sim p_u(y\\,|\\,x)$"),
}
HALF: Point = (1.45, 0.46)
"""Half the width and half the height of a box."""
SIGNALS = {"offered": "-", "reward": (0, (4, 2))}
"""What goes between C or T and D: labels one way, a reward the other."""


def the_game() -> Figure:
    """Return the picture of Eq. 3: labels that are offered, rewards, distillation."""
    fig, axes = figure(width=8.4, height=3.1)
    axes.set(xlim=(0.5, 11.95), ylim=(-0.05, 3.85), aspect="equal")
    axes.set_axis_off()
    for name in PLACES:
        _box(axes, name)
    _to_discriminator(axes, "teacher", r"$y \sim p_t$, weight $1 - \alpha$", 0.75)
    _to_discriminator(axes, "classifier", r"$y \sim p_c$, weight $\alpha$", -0.75)
    _arrow(axes, (8.9, 1.9), (8.05, 1.9), "labels")
    _arrow(axes, (1.85, 2.6), (1.85, 1.2), "teacher")
    _arrow(axes, (2.35, 1.2), (2.35, 2.6), "classifier")
    _say(axes, (1.75, 1.9), r"$\beta\,\ell_{DS}(h, f)$", "teacher", "right")
    _say(axes, (2.45, 1.9), r"$\gamma\,\ell_{DS}(f, h)$", "classifier", "left")
    return fig


def _to_discriminator(axes: Axes, name: str, words: str, side: float) -> None:
    """Draw the labels that a player offers to D, and the reward that comes back."""
    x, y = PLACES[name]
    end = PLACES["discriminator"]
    out = (x + HALF[0], y + side * 0.25)
    into = (end[0] - 0.35, end[1] + (HALF[1] if side > 0 else -HALF[1]))
    _arrow(axes, out, into, name, bend=-0.28 if side > 0 else 0.28)
    _say(axes, (5.0, y + side * 0.62), words, name, "left")
    back = (end[0] - HALF[0], end[1] + side * 0.25)
    home = (x + HALF[0], y - side * 0.35)
    _arrow(axes, back, home, "discriminator", "reward")
    if side > 0:
        _say(axes, (4.35, 1.9), r"$\log(1 - p_d)$", "discriminator", "center")


def _box(axes: Axes, name: str) -> None:
    """Draw a player with its name and what it sees."""
    (x, y), (wide, high) = PLACES[name], HALF
    title, line = WORDS[name]
    box = FancyBboxPatch(
        (x - wide, y - high),
        2 * wide,
        2 * high,
        boxstyle="round,pad=0,rounding_size=0.14",
        facecolor="white",
        edgecolor=colour_of(name),
        linewidth=1.8,
    )
    axes.add_patch(box)
    axes.text(x, y + 0.16, title, ha="center", va="center", weight="bold", size=10)
    axes.text(x, y - 0.2, line, ha="center", va="center", size=8.5)


def _arrow(
    axes: Axes,
    start: Point,
    end: Point,
    name: str,
    signal: str = "offered",
    bend: float = 0.0,
) -> None:
    """Draw an arrow in a player's colour."""
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=13,
        connectionstyle=f"arc3,rad={bend}",
        linestyle=SIGNALS[signal],
        linewidth=1.6,
        color=colour_of(name),
        shrinkA=0,
        shrinkB=2,
    )
    axes.add_patch(arrow)


def _say(axes: Axes, place: Point, words: str, name: str, side: str) -> None:
    """Write on an arrow, in its colour."""
    axes.text(*place, words, color=colour_of(name), ha=side, va="center", size=9.5)
