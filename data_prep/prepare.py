"""Bring a data set into the cache: try its sources in order, keep verified bytes."""

import hashlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from data_prep.errors import PrepError
from data_prep.fetch import md5_of, write_atomically
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


def prepare(
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
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        with lock.acquire(timeout=wait):
            if not force and is_ready(recipe.image_set, folder):
                return False
            _fetch(recipe, folder, source)
            return True
    except Timeout:
        raise PrepError(
            f"Another process has been preparing {recipe.image_set.title} for "
            f"{wait:.0f} s: wait for it, or end it and run this again."
        ) from None


def _fetch(recipe: Recipe, folder: Path, source: str | None) -> None:
    names = [source] if source else list(recipe.sources)
    work = folder.with_name(f".{folder.name}.work")
    troubles = []
    for name in names:
        try:
            files = recipe.sources[name](work / name)
            _verify(recipe.image_set, files)
        except PrepError as error:
            print(f"source {name}: {error}", file=sys.stderr)
            troubles.append(f"{name}: {error}")
            continue
        for file, content in files.items():
            write_atomically(folder / file, content)
        shutil.rmtree(work, ignore_errors=True)
        return
    raise PrepError(
        f"{recipe.image_set.title} could not be had ({' '.join(troubles)}) Check the "
        f"network and run this again, or put {', '.join(recipe.image_set.files)} into "
        f"{folder} yourself."
    )


def _verify(image_set: ImageSet, files: dict[str, bytes]) -> None:
    for name, md5 in image_set.files.items():
        if name not in files:
            raise PrepError(f"{name} is not among its files.")
        if hashlib.md5(files[name], usedforsecurity=False).hexdigest() != md5:
            raise PrepError(f"{name} is not the published file.")
