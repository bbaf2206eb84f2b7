"""Refuse a split that cannot be trained on."""

from operator import index

import torch
from torch import Tensor

from kdgan_lib.augment import RESAMPLING
from kdgan_lib.budget import Budget
from kdgan_lib.data import Examples, Split
from kdgan_lib.loop.schedule import stages
from kdgan_lib.methods import Method

IMAGES = 4
"""Dimensions of a batch of images."""
PARTS = ("train", "validation", "test")
"""Names of a split's parts."""
ROUNDING = 1e-3
"""Most by which a distribution's sum may miss 1."""


def check_tensors(split: Split) -> None:
    """Raise ValueError for a part that is no examples, or holds other than tensors."""
    for part in PARTS:
        examples = getattr(split, part)
        if not isinstance(examples, Examples):
            raise ValueError(
                f"The split's {part} is a {type(examples).__name__}: make it "
                "kdgan_lib.Examples(inputs, targets), of a loader's batches joined by "
                "torch.cat."
            )
        for name in ("inputs", "targets", "privileged"):
            value = getattr(examples, name)
            if name == "privileged" and value is None:
                continue
            if value is None:
                raise ValueError(
                    f"The {part} set has no {name}: without labels, take a teacher's, "
                    "such as teacher(inputs).softmax(1)."
                )
            if not isinstance(value, Tensor):
                raise ValueError(
                    f"The {part} set's {name} are a {type(value).__name__} and no "
                    f"tensor: convert them with torch.as_tensor({name}, "
                    "dtype=torch.float32)."
                )
            if value.ndim == 0:
                raise ValueError(
                    f"The {part} set's {name} have no dimension: pass a row per "
                    "example."
                )
            if value.layout != torch.strided:
                raise ValueError(
                    f"The {part} set's {name} are sparse: pass .to_dense() of them."
                )
            if value.requires_grad or value.is_inference():
                raise ValueError(
                    f"The {part} set's {name} belong to a computation that is not the "
                    "run's: pass .detach().clone() of them, made outside "
                    "torch.inference_mode."
                )


def check_split(split: Split, budget: Budget) -> None:
    """Raise ValueError for nothing to train, select or report on, or wrong targets."""
    try:
        index(split.num_labels)
    except TypeError:
        raise ValueError(
            f"The split's num_labels must be a whole number, not {split.num_labels!r}."
        ) from None
    if len(split.train) == 0:
        raise ValueError("The split has no training examples.")
    if len(split.test) == 0:
        raise ValueError("The split has no test examples to report on: add some.")
    if budget.selection == "validation" and len(split.validation) == 0:
        raise ValueError(
            "The split has no validation examples to select on: add some, or set the "
            "budget's selection to 'last'."
        )
    for part in PARTS:
        _check_examples(part, getattr(split, part), split.num_labels)


def _check_examples(part: str, examples: Examples, num_labels: int) -> None:
    """Raise ValueError for targets that are no distribution for each of the inputs."""
    targets, wanted = examples.targets, (len(examples), num_labels)
    if tuple(targets.shape) != wanted:
        way = ""
        if targets.shape in ((len(examples),), (len(examples), 1)):
            way = (
                " Turn class indices into that with torch.nn.functional.one_hot("
                f"targets.flatten().long(), {num_labels}).float()."
            )
        raise ValueError(
            f"The {part} set's targets have shape {tuple(targets.shape)}; they must "
            f"have a row per example and a column per label: {wanted}.{way}"
        )
    if examples.privileged is not None and len(examples.privileged) != len(examples):
        raise ValueError(
            f"The {part} set has {len(examples)} inputs and "
            f"{len(examples.privileged)} rows of privileged: pass as many of both."
        )
    for name in ("inputs", "privileged"):
        values = getattr(examples, name)
        if values is not None and not torch.isfinite(values).all():
            raise ValueError(
                f"The {part} set's {name} hold a NaN or an infinity: remove those "
                "examples, or fill in what is missing."
            )
    if targets.dtype == torch.bool:
        raise ValueError(
            f"The {part} set's targets are bool: pass .float() of them, each row "
            "divided by its sum."
        )
    # Not exactly 1, since shares such as 1/3 are rounded.
    sums_to_one = (targets.float().sum(1) - 1).abs() < ROUNDING
    if not (sums_to_one.all() and (targets >= 0).all()):
        raise ValueError(
            f"The {part} set's targets have a row that is no distribution over the "
            "labels: make it non-negative, and divide it by its sum."
        )


def check_augmentation(method: Method, budget: Budget, split: Split) -> None:
    """Raise ValueError for a random change of images where there are none.

    Or for one that resamples images of whole numbers.
    """
    inputs = split.train.inputs
    shape = tuple(inputs.shape)
    for stage in stages(method, budget):
        if stage.augmentation != "none" and len(shape) != IMAGES:
            raise ValueError(
                f"The augmentation '{stage.augmentation}' ({stage.name}) changes "
                f"images [N, C, H, W], and the inputs have shape {shape}: set the "
                "budget's augmentations to 'none'."
            )
        if stage.augmentation in RESAMPLING and not inputs.is_floating_point():
            raise ValueError(
                f"The augmentation '{stage.augmentation}' ({stage.name}) takes values "
                f"between pixels, and the inputs are {inputs.dtype}: pass .float() of "
                "them."
            )
