"""Turn the bytes of an image file into the square picture that the networks see."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

SIDE = 224
"""Pixels of a side."""
MOST_PIXELS = 80_000_000
"""Of an image that is decoded; a small file can claim any size."""


class NotAnImage(Exception):
    """The bytes are no picture; the message says why in a few words."""


def read_picture(content: bytes, side: int = SIDE) -> NDArray[np.uint8]:
    """Return the middle square of a picture, `[side, side, 3]`; raises NotAnImage.

    The shorter side is scaled to `side`, as ImageNet's photographs are; what is
    transparent becomes white.
    """
    try:
        image = Image.open(io.BytesIO(content))
        if image.width * image.height > MOST_PIXELS:
            raise NotAnImage("too many pixels")
        image.draft("RGB", (2 * side, 2 * side))  # a JPEG is decoded at that size
        return _square(image, side)
    except NotAnImage:
        raise
    except Image.DecompressionBombError:
        raise NotAnImage("too many pixels") from None
    except UnidentifiedImageError:
        raise NotAnImage("not an image") from None
    except Exception:  # a damaged file may raise anything in a decoder
        raise NotAnImage("a damaged image") from None


def _square(image: Image.Image, side: int) -> NDArray[np.uint8]:
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        white = Image.new("RGBA", layers.size, "white")
        image = Image.alpha_composite(white, layers)
    fitted = ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.BICUBIC)
    return np.asarray(fitted)
