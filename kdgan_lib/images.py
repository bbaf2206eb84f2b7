"""Read the verified image files in the data cache: MNIST's idx, CIFAR-10's records."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from kdgan_lib.idx import parse_idx
from kdgan_lib.paths import data_dir


class DataMissing(FileNotFoundError):
    """A data set is not in the cache."""


class DataCorrupt(ValueError):
    """A file in the cache is not the published one."""


@dataclass(frozen=True)
class RawImages:
    """Images and labels as stored: uint8, in the published order."""

    train_images: np.ndarray
    """uint8 [N, C, H, W]"""
    train_labels: np.ndarray
    """uint8 [N]"""
    test_images: np.ndarray
    """uint8 [M, C, H, W]"""
    test_labels: np.ndarray
    """uint8 [M]"""


@dataclass(frozen=True, eq=False)  # compared by identity, so it can key a cache
class ImageSet:
    """A published image data set: its files, their MD5, and how to read them."""

    name: str
    """Name in commands, and of its folder in the cache."""
    title: str
    """Name in sentences."""
    num_labels: int
    """Number of labels K."""
    files: dict[str, str]
    """MD5 of each file, in the order in which `parse` takes their bytes."""
    parse: Callable[[list[bytes]], RawImages]
    """Turn the files' bytes into arrays."""
    center: bool = False
    """Whether networks see it less the training images' mean at each pixel."""


def read_images(image_set: ImageSet, folder: Path | str | None = None) -> RawImages:
    """Return a data set from the cache, every byte checked; kept in memory once read.

    Raises DataMissing or DataCorrupt, each with the command that mends it.
    """
    folder = Path(folder or data_dir() / image_set.name)
    command = f"`python -m data_prep {image_set.name}`"
    try:
        stats = [(folder / name).stat() for name in image_set.files]
    except (FileNotFoundError, NotADirectoryError):
        message = f"{image_set.title} is not in {folder}: run {command}."
        raise DataMissing(message) from None
    stamp = tuple((stat.st_size, stat.st_mtime_ns, stat.st_ino) for stat in stats)
    return _read_once(image_set, folder, stamp)


@lru_cache(maxsize=2)
def _read_once(
    image_set: ImageSet, folder: Path, stamp: tuple[tuple[int, ...], ...]
) -> RawImages:
    contents = []
    for file, md5 in image_set.files.items():
        content = (folder / file).read_bytes()
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            command = f"`python -m data_prep {image_set.name}`"
            raise DataCorrupt(f"{folder / file} is damaged: run {command} again.")
        contents.append(content)
    return image_set.parse(contents)


def _parse_mnist(contents: list[bytes]) -> RawImages:
    train, train_labels, test, test_labels = (parse_idx(each) for each in contents)
    return RawImages(train[:, None], train_labels, test[:, None], test_labels)


MNIST = ImageSet(
    name="mnist",
    title="MNIST",
    num_labels=10,
    files={
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    parse=_parse_mnist,
)


def _parse_cifar10(contents: list[bytes]) -> RawImages:
    """Read records of 1 label and 3,072 pixels: red, green, blue, each row by row."""
    batches = [np.frombuffer(each, np.uint8).reshape(-1, 3073) for each in contents]
    train, test = np.concatenate(batches[:-1]), batches[-1]
    return RawImages(
        train[:, 1:].reshape(-1, 3, 32, 32),
        train[:, 0],
        test[:, 1:].reshape(-1, 3, 32, 32),
        test[:, 0],
    )


CIFAR10 = ImageSet(
    name="cifar10",
    title="CIFAR-10",
    num_labels=10,
    files={
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
        "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
    },
    parse=_parse_cifar10,
    center=True,
)
