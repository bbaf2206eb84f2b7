"""Draw test images with their tags, their text and what each method recommends."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from kdgan_lib.figures.style import figure
from kdgan_lib.reports.tag_gallery import Card

RIGHT, WRONG = "#006B4E", "#6E6E6E"
FIRST, PITCH = 0.165, 0.167
"""Where the first column of words starts, and how wide one is."""


def show_cards(cards: Sequence[Card]) -> Figure | None:
    """Draw images one under the other; own tags are bold and ticked.

    None without cards.
    """
    if not cards:
        return None
    lines = max(len(card.recommended) for card in cards) + 3
    fig, axes = figure(
        len(cards),
        2,
        9.2,
        (0.24 * lines + 0.25) * len(cards),
        width_ratios=(1, 4),
        squeeze=False,
    )
    for card, (left, right) in zip(cards, axes, strict=True):
        _thumbnail(left, card.thumbnail)
        _words(right, card, lines)
    return fig


def _thumbnail(ax: Axes, content: bytes) -> None:
    with Image.open(io.BytesIO(content)) as picture:
        ax.imshow(np.asarray(picture.convert("RGB")), interpolation="bilinear")
    ax.set_axis_off()


def _words(ax: Axes, card: Card, lines: int) -> None:
    ax.set(xlim=(0, 1), ylim=(lines - 0.5, -0.5))
    ax.set_axis_off()
    _line(ax, 0, "own tags", [(", ".join(card.tags), True)])
    _line(ax, 1, "text (T only)", [(_short(card.text), False)], style="italic")
    for row, (title, tags) in enumerate(card.recommended.items(), start=2):
        _line(ax, row, title, [(tag, tag in card.tags) for tag in tags])


def _line(
    ax: Axes,
    row: int,
    title: str,
    parts: Sequence[tuple[str, bool]],
    style: str = "normal",
) -> None:
    """Write a title and words one after the other, five columns of them at most."""
    ax.text(0, row, title, ha="left", va="center", fontsize=9, color="black")
    for place, (word, right) in enumerate(parts):
        alone = len(parts) == 1
        mark = "✓ " if right and not alone else ""
        most = 11 if right else 15  # a ticked word is bold, so it is wider
        ax.text(
            FIRST + PITCH * place,
            row,
            mark + (word if alone else _short(word, most)),
            ha="left",
            va="center",
            fontsize=8.5,
            fontstyle=style,
            fontweight="bold" if right else "normal",
            color=RIGHT if right else WRONG,
        )


def _short(text: str, most: int = 88) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
