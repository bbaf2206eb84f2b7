"""Find the device that a run was asked for, or say which there are."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

CHOICES = "choose from auto, cpu, cuda"
FAULTS = (torch.OutOfMemoryError, torch.AcceleratorError)
"""What a GPU raises by itself, whatever was asked of it."""


class GPUFull(RuntimeError):
    """Raised when a run finds no room in the memory of the GPU."""


def find_device(wanted: str | torch.device) -> torch.device:
    """Return the device of a name; `auto` is the GPU where there is one.

    Raises ValueError for a name that torch does not know, a device that is not there,
    and one on which nothing can be scored, such as mps, which has no float64.
    """
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
    except (RuntimeError, TypeError):
        raise ValueError(f"No device {wanted!r}: {CHOICES}.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "This machine or this build of torch has no CUDA: choose the device cpu, "
            "or install a CUDA build as the README says."
        )
    try:
        torch.zeros((), dtype=torch.float64, device=device).item()
    except (RuntimeError, TypeError, AssertionError) as error:
        why = f" ({str(error).splitlines()[0]})" if device.type == "cuda" else ""
        raise ValueError(f"Nothing can be run on '{device}'{why}: {CHOICES}.") from None
    return device


@contextmanager
def gpu_memory() -> Iterator[None]:
    """Say what to do where the memory of the GPU is full, as GPUFull."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise GPUFull(
            "The memory of the GPU is full: use fewer workers, a smaller batch_size, "
            "or the device cpu."
        ) from error
