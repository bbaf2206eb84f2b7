"""Command `kdgan recommend`: the best tags for a picture of the reader's own.

KDGAN's classifier of seed 0 is stored with the run tables, in half precision and with
the scale of its inputs, so that nothing has to be trained. The features of a picture
come from the same network as those of the data set; its weights are fetched once.
"""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor, nn

from kdgan_lib.files import write_atomically
from kdgan_lib.paths import data_dir, runs_dir
from kdgan_lib.tag_facts import scale_of
from kdgan_lib.tag_nets import TagClassifier
from kdgan_lib.tags import tag_names

FILE = "classifier-openclipart.npz"
BACKBONE = "efficientnet_lite0"
PACKAGE = "efficientnet_lite_pytorch"
SIDE = 224
"""Pixels of a side that the network sees."""


@dataclass(frozen=True)
class Recommend:
    """Print the best tags for pictures of your own: `kdgan recommend photo.jpg`."""

    images: tyro.conf.Positional[tuple[Path, ...]]
    """Image files (PNG, JPEG, WebP, GIF, ...)."""
    top: int = 5
    """Tags to print."""

    def __call__(self) -> int:
        """Print a line for every picture."""
        if not self.images:
            raise ValueError("Name a picture: `kdgan recommend photo.jpg`.")
        if not 1 <= self.top <= 200:
            raise ValueError(f"top must be from 1 to the 200 tags, not {self.top}.")
        pictures = [read_picture(path) for path in self.images]
        classifier = load_classifier()
        features = extract(pictures)
        for path, found in zip(self.images, classifier(features), strict=True):
            best = found.softmax(0).topk(self.top)
            shown = ", ".join(
                f"{classifier.tags[place]} {share:.2f}"
                for share, place in zip(best.values, best.indices, strict=True)
            )
            print(f"{path}: {shown}")
        return 0


@dataclass(frozen=True)
class StoredClassifier:
    """A trained C with the scale of its inputs and the names of its labels."""

    network: nn.Module
    """In evaluation mode."""
    mean: Tensor
    """Of the training images' features, [1280]."""
    deviation: Tensor
    """Of the same."""
    tags: list[str]
    """Names of the labels."""
    run_id: str
    """The run that trained it."""

    def __call__(self, features: Tensor) -> Tensor:
        """Return [pictures, tags] logits of features as the network gives them."""
        with torch.inference_mode():
            return self.network((features - self.mean) / self.deviation)


def save_classifier(network: nn.Module, run_id: str) -> Path:
    """Store a trained C of the popular tags in half precision; return the file."""
    mean, deviation = scale_of("popular")
    arrays: dict[str, Any] = {
        f"weights/{name}": value.numpy().astype(np.float16)
        for name, value in network.state_dict().items()
    }
    arrays |= {"mean": mean, "deviation": deviation}
    arrays["facts"] = json.dumps({"run_id": run_id, "tags": tag_names("popular")})
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    path = runs_dir() / FILE
    write_atomically(path, stream.getvalue())
    return path


def load_classifier() -> StoredClassifier:
    """Return the stored classifier; raise RuntimeError with advice if there is none."""
    path = runs_dir() / FILE
    try:
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        facts = json.loads(str(arrays.pop("facts")))
        mean, deviation = (
            torch.from_numpy(arrays.pop(name).astype(np.float32))
            for name in ("mean", "deviation")
        )
        state = {
            name.removeprefix("weights/"): torch.from_numpy(value.astype(np.float32))
            for name, value in arrays.items()
        }
        hidden, inputs = state["layers.1.weight"].shape
        network = TagClassifier(inputs, hidden, len(facts["tags"]))
        network.load_state_dict(state)
    except FileNotFoundError:
        raise RuntimeError(
            f"{FILE} is not in {path.parent}: `kdgan predictions` trains the "
            "classifier and stores it."
        ) from None
    except (
        *(ValueError, KeyError, EOFError, RuntimeError),
        *(zipfile.BadZipFile, zlib.error),
    ):
        raise RuntimeError(
            f"{path} is damaged: `kdgan predictions --force` makes it again."
        ) from None
    return StoredClassifier(
        network.eval(), mean, deviation, facts["tags"], facts["run_id"]
    )


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture as large as fits on a white square, [224, 224, 3].

    Raises ValueError or an OSError with a sentence that names the file.
    """
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if not path.is_file():
        raise ValueError(f"{path} is a folder: name a picture.")
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except UnidentifiedImageError:
        raise ValueError(
            f"{path} is no picture that can be read: save it as PNG or JPEG."
        ) from None
    except PermissionError:
        raise
    except Exception as error:  # a damaged file may raise anything in a decoder
        raise ValueError(f"{path} cannot be decoded: {error}.") from None
    white = Image.new("RGBA", upright.size, "white")
    flat = Image.alpha_composite(white, upright).convert("RGB")
    return np.asarray(ImageOps.pad(flat, (SIDE, SIDE), color="white"))


def extract(pictures: list[NDArray[np.uint8]]) -> Tensor:
    """Return features [pictures, 1280] as the data set has them.

    The network's weights are fetched at first use. Raises RuntimeError with advice.
    """
    if find_spec(PACKAGE) is None:  # before anything is fetched
        raise RuntimeError(
            f"The package {PACKAGE} is missing, which has the network's layers: run "
            '`pip install -e ".[data]"` in the book\'s folder.'
        )
    from data_prep.errors import PrepError
    from data_prep.features import extractor

    run = extractor(BACKBONE, data_dir() / "openclipart" / "weights")
    try:
        return torch.from_numpy(np.concatenate(list(run(pictures)))).float()
    except PrepError as error:
        raise RuntimeError(
            f"The network {BACKBONE} cannot be had, so the picture has no features: "
            f"{error}"
        ) from None


def main(arguments: list[str]) -> int:
    """Run `kdgan recommend`; return the exit code."""
    return tyro.cli(Recommend, prog="kdgan recommend", args=arguments)()


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
