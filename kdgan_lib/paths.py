"""Say where things are: the data cache, the run tables, the book."""

import os
from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parents[1]


def data_dir() -> Path:
    """Return the data cache: `KDGAN_DATA`, or a per-user cache folder."""
    default = platformdirs.user_cache_path("kdgan") / "data"
    return Path(os.environ.get("KDGAN_DATA", default))


def runs_dir() -> Path:
    """Return the folder of the run tables: `KDGAN_RUNS`, or `book/runs`."""
    return Path(os.environ.get("KDGAN_RUNS", ROOT / "book" / "runs"))


def book_dir() -> Path:
    """Return the folder of the chapters."""
    return ROOT / "book"
