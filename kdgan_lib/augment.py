"""Vary training images at random, as whole batches of tensors."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate, pad

Augmentation = Callable[[Tensor, torch.Generator], Tensor]
"""A function of images [B, C, H, W] and a generator that returns varied images."""


def augment(inputs: Tensor, generator: torch.Generator, kind: str) -> Tensor:
    """Return inputs varied by the named augmentation; raises ValueError."""
    if kind not in AUGMENTATIONS:
        names = ", ".join(AUGMENTATIONS)
        raise ValueError(f"{kind!r} is no augmentation: choose from {names}.")
    return AUGMENTATIONS[kind](inputs, generator)


def affine(
    images: Tensor,
    generator: torch.Generator,
    degrees: float = 15.0,
    shift: float = 0.1,
    zoom: float = 0.1,
) -> Tensor:
    """Rotate, zoom and shift each image by its own random amounts; outside is 0.

    images [B, C, H, W]; uniform draws: the angle within +-degrees, the step between
    sampled points along each axis within 1 +- zoom, and the shifts within +-shift of
    the width and of the height.
    """
    matrices = affine_matrices(len(images), generator, degrees, shift, zoom)
    return warp(images, sampled_places(images, matrices))


def affine_matrices(
    count: int,
    generator: torch.Generator,
    degrees: float = 15.0,
    shift: float = 0.1,
    zoom: float = 0.1,
) -> Tensor:
    """Draw `count` maps from places in the new image to places in the old.

    Returns [count, 2, 3] on the generator's device: x and y in the old image are
    linear in (x, y, 1) of the new one; both run from -1 to 1 across an image.
    """
    device = generator.device
    uniform = torch.rand(5, count, generator=generator, device=device) * 2 - 1
    angle = uniform[0] * math.radians(degrees)
    cos, sin = angle.cos(), angle.sin()
    zoom_x, zoom_y = 1 + uniform[1:3] * zoom
    shift_x, shift_y = uniform[3:] * 2 * shift  # an image is 2 units wide
    rows = [cos * zoom_x, -sin * zoom_y, shift_x, sin * zoom_x, cos * zoom_y, shift_y]
    return torch.stack(rows, dim=1).reshape(count, 2, 3)


def warp(images: Tensor, places: Tensor) -> Tensor:
    """Resample images [B, C, H, W] at places [B, H, W, 2], bilinearly; outside is 0."""
    return grid_sample(images, places, align_corners=False)


def sampled_places(images: Tensor, matrices: Tensor) -> Tensor:
    """Return the place [B, H, W, 2] in the old image of each pixel of the new one.

    matrices: [B, 2, 3], as `affine_matrices` draws them.
    """
    matrices = matrices.to(images.device, images.dtype)
    height, width = images.shape[-2:]
    ratio = matrices.new_ones(2, 3)
    ratio[0, 1], ratio[1, 0] = (
        height / width,
        width / height,
    )  # rotate pixels, not units
    return affine_grid(matrices * ratio, list(images.shape), align_corners=False)


def elastic(
    images: Tensor,
    generator: torch.Generator,
    pixels: float = 1.0,
    knots: int = 6,
    degrees: float = 10.0,
    shift: float = 0.03,
) -> Tensor:
    """Vary images as `affine` does, and bend each by a smooth field; outside is 0.

    images [B, C, H, W]; at knots x knots points each image is sampled up to `pixels`
    from where the affine map samples it, along both axes, by uniform draws; in between,
    bicubically. It turns and shifts less than `affine`, for digits lie in the middle.
    Source: Simard, Steinkraus and Platt 2003 (ICDAR), whose field is noise smoothed by
    a Gaussian.
    """
    height, width = images.shape[-2:]
    matrices = affine_matrices(len(images), generator, degrees, shift)
    steps = torch.rand(
        len(images), 2, knots, knots, generator=generator, device=generator.device
    )
    field = interpolate(
        (2 * steps - 1).to(images.device, images.dtype),
        size=(height, width),
        mode="bicubic",
        align_corners=True,
    )
    field *= field.new_tensor([width, height])[:, None, None].reciprocal() * 2 * pixels
    places = sampled_places(images, matrices)
    return warp(images, places + field.movedim(1, -1))


def elastic_or_affine(images: Tensor, generator: torch.Generator) -> Tensor:
    """Vary a batch by `elastic` or by `affine`, with even odds.

    images [B, C, H, W]. A player sees digits bent, and digits moved and turned further
    than `elastic` does; either costs as much as it does alone.
    """
    coin = torch.rand(1, generator=generator, device=generator.device)
    return (elastic if coin < 0.5 else affine)(images, generator)


def mirror(images: Tensor, generator: torch.Generator) -> Tensor:
    """Swap left and right in each image with probability one half."""
    shape = (len(images), 1, 1, 1)
    draws = torch.rand(shape, generator=generator, device=generator.device)
    return torch.where(draws.to(images.device) < 0.5, images.flip(-1), images)


def crop(images: Tensor, generator: torch.Generator, pixels: int = 4) -> Tensor:
    """Mirror half of the images, then move each by whole pixels; outside is 0.

    images [B, C, H, W]; each moves by its own steps along both axes, uniform on
    -pixels ... pixels. Source: He et al. 2016 (CVPR), section 4.2: pad and crop.
    """
    batch, _, height, width = images.shape
    padded = pad(mirror(images, generator), (pixels,) * 4)
    steps = torch.randint(
        2 * pixels + 1, (2, batch, 1), generator=generator, device=generator.device
    ).to(images.device)
    rows = steps[0] + torch.arange(height, device=images.device)
    columns = steps[1] + torch.arange(width, device=images.device)
    each = torch.arange(batch, device=images.device)[:, None, None]
    cut = padded.movedim(1, -1)[each, rows[:, :, None], columns[:, None, :]]
    return cut.movedim(-1, 1)


def _unchanged(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return the images as they are, drawing nothing."""
    return images


AUGMENTATIONS: dict[str, Augmentation] = {
    "none": _unchanged,
    "affine": affine,
    "elastic": elastic,
    "elastic_or_affine": elastic_or_affine,
    "mirror": mirror,
    "crop": crop,
}
RESAMPLING = ("affine", "elastic", "elastic_or_affine")
"""Those whose pixels lie between the ones that were given."""
