"""Bring a data set into the cache: try its sources in order, keep verified bytes."""

import hashlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import PrepError
from data_prep.fetch import md5_of
from data_prep.locking import only_one
from kdgan_lib.files import write_atomically
from kdgan_lib.images import ImageSet

Source = Callable[[Path], dict[str, bytes]]
"""A function of a work folder that returns each file's bytes, or raises PrepError."""


@dataclass(frozen=True)
class Recipe:
    """How one data set comes into the cache."""

    image_set: ImageSet
    """Its files and their MD5."""
    sources: dict[str, Source]
    """Where to get them, best first."""


def is_ready(image_set: ImageSet, folder: Path) -> bool:
    """Tell whether every file is in `folder` and is the published one."""
    paths = {folder / name: md5 for name, md5 in image_set.files.items()}
    return all(path.is_file() and md5_of(path) == md5 for path, md5 in paths.items())


def carry_out(
    recipe: Recipe,
    folder: Path,
    source: str | None = None,
    force: bool = False,
    wait: float = 1800.0,
) -> bool:
    """Put a data set into `folder`; return False when it was there already.

    One process at a time works on a folder; another waits up to `wait` seconds.
    Raises PrepError when no source gives the published bytes.
    """
    title = recipe.image_set.title
    if not force and is_ready(recipe.image_set, folder):
        return False
    with only_one(folder, title, wait):
        if not force and is_ready(recipe.image_set, folder):
            return False  # another process was faster
        _keep(_first_good(recipe, folder, source), folder)
        return True


def _first_good(recipe: Recipe, folder: Path, source: str | None) -> dict[str, bytes]:
    """Return the verified files of the first source that gives them."""
    image_set = recipe.image_set
    troubles: list[str] = []
    for name in [source] if source else recipe.sources:
        if troubles:
            print(f"No {image_set.title} from {troubles[-1]}.", file=sys.stderr)
        try:
            files = recipe.sources[name](_work_folder(folder) / name)
            _verify(image_set, files)
            return files
        except PrepError as error:
            troubles.append(f"{name} source: {str(error).rstrip('.')}")
    names = ", ".join(image_set.files)
    raise PrepError(
        f"{image_set.title} could not be had ({'; '.join(troubles)}): check the "
        f"network and run this again, or put {names} into {folder} yourself."
    )


def _verify(image_set: ImageSet, files: dict[str, bytes]) -> None:
    """Raise PrepError unless every file is there and is the published one."""
    for name, md5 in image_set.files.items():
        if name not in files:
            raise PrepError(f"{name} is not among its files.")
        if hashlib.md5(files[name], usedforsecurity=False).hexdigest() != md5:
            raise PrepError(f"{name} is not the published file.")


def _keep(files: dict[str, bytes], folder: Path) -> None:
    """Store verified files and clear the work folder."""
    for name, content in files.items():
        write_atomically(folder / name, content)
    shutil.rmtree(_work_folder(folder), ignore_errors=True)


def _work_folder(folder: Path) -> Path:
    """Return where downloads rest until all are there: beside the data set."""
    return folder.with_name(f".{folder.name}.work")
