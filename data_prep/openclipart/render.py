"""Draw an SVG file as a square picture on white."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 224
"""Pixels; what the feature networks take."""


def render(path: Path, side: int = SIDE) -> np.ndarray:
    """Return `[side, side, 3]` uint8: the drawing, as large as fits, in the middle.

    Text is not drawn: fonts differ between machines. Raises ValueError when the
    file cannot be drawn.
    """
    probe = _draw(path, width=32)  # for the aspect ratio only
    wide = probe.width >= probe.height
    picture = _draw(path, width=side) if wide else _draw(path, height=side)
    square = Image.new("RGB", (side, side), "white")
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return np.asarray(square)


def _draw(
    path: Path, width: int | None = None, height: int | None = None
) -> Image.Image:
    import resvg_py

    # dpi 96 is CSS's; the package's default of 0 fails on sizes in pt, mm and cm
    png = resvg_py.svg_to_bytes(
        svg_path=str(path),
        background="white",
        skip_system_fonts=True,
        width=width,
        height=height,
        dpi=96,
    )
    return Image.open(io.BytesIO(bytes(png))).convert("RGB")
