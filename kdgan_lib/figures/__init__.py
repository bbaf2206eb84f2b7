"""Draw the figures of the book; nothing here computes a result."""

from kdgan_lib.figures.curves import curves_with_band, points_with_intervals
from kdgan_lib.figures.publish import png, show
from kdgan_lib.figures.style import LABELS, colour_of, figure, label_of, line_of

__all__ = [
    "LABELS",
    "colour_of",
    "curves_with_band",
    "figure",
    "label_of",
    "line_of",
    "png",
    "points_with_intervals",
    "show",
]
