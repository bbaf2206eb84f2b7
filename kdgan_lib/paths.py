"""Say where things are, and what to do about a place that cannot be used."""

import errno
import os
from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parents[1]
FULL = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of the errors of a full disk."""


def data_dir() -> Path:
    """Return the data cache: `KDGAN_DATA`, or a per-user cache folder."""
    return _named_by("KDGAN_DATA", platformdirs.user_cache_path("kdgan") / "data")


def runs_dir() -> Path:
    """Return the folder of the run tables: `KDGAN_RUNS`, or `book/runs`.

    A library without its book keeps them in a per-user folder.
    """
    own = platformdirs.user_data_path("kdgan") / "runs"
    usual = book_dir() / "runs" if book_dir().is_dir() else own
    return _named_by("KDGAN_RUNS", usual)


def _named_by(variable: str, usual: Path) -> Path:
    """Return the folder that a variable names, from the home folder or the current."""
    named = os.environ.get(variable)
    return Path(os.path.expanduser(named)).absolute() if named else usual


def book_dir() -> Path:
    """Return the folder of the chapters."""
    return ROOT / "book"


def advice(error: OSError, place: Path | None = None) -> str:
    """Return a sentence on what cannot be used, why, and what to do about it.

    place: where the error happened, if it does not say so itself. Inside the data cache
    or the folder of the run tables, the variable that names another folder is named.
    """
    path = Path(error.filename) if isinstance(error.filename, str) else place
    if error.errno is None or (path is None and error.errno not in FULL):
        return str(error)
    variable = variable_of(path) if path else ""
    if error.errno in FULL:
        disk = f"The disk of {path}" if path else "The disk"
        other = f", or set {variable} to a folder on another disk," if variable else ""
        return f"{disk} is full: free some space{other} and run this again."
    other = f", or set {variable} to another folder," if variable else ""
    reason = error.strerror or error
    return f"{path} cannot be used ({reason}): mend that{other} and run this again."


def variable_of(path: Path) -> str:
    """Return the variable that moves a path; empty if none does."""
    homes = {"KDGAN_DATA": data_dir(), "KDGAN_RUNS": runs_dir()}
    for variable, home in homes.items():
        # A folder on the way may be what cannot be made.
        if path.is_relative_to(home) or home.is_relative_to(path):
            return variable
    return ""
