"""Say in one sentence why a chapter stopped."""

import re
from pathlib import Path

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError, strip_color

from kdgan_lib.paths import ROOT

REFUSALS = (
    *("ValueError", "LookupError", "FileNotFoundError", "DataMissing", "DataCorrupt"),
    *("DiskFull", "TableDamaged", "MissingRuns", "Diverged"),
)
"""Errors by which the library tells its user what to do."""
PLACE = re.compile(r"^(?:File (.+?):\d+|Cell In)", re.MULTILINE)
"""Where a frame of IPython's traceback is: in a file, or in a cell of the chapter."""
LINE = re.compile(r"^-+> \d+ (.+)$", re.MULTILINE)
"""The line of a frame that was reached."""


class ChapterFailed(RuntimeError):
    """Raised when a chapter stops by something that its parameters do not explain."""


def explained(error: PapermillExecutionError, chapter: str, kept: Path) -> Exception:
    """Return what to raise for an error in a cell.

    A refusal of the library's is told as it is; of any other error, `kept` is named,
    the notebook with its traceback.
    """
    said = " ".join(str(error.evalue).split())
    if error.ename in REFUSALS and said and _is_ours(error.traceback):
        return ValueError(f"{chapter}: {said}")
    if not said:  # as of a failed assertion
        reached = LINE.findall(strip_color("\n".join(error.traceback)))
        said = reached[-1].strip() if reached else "nothing more is known"
    return ChapterFailed(
        f"{chapter}: {error.ename}: {said.rstrip('.')}. {kept} shows the cell and the "
        "traceback."
    )


def stopped(error: RuntimeError | CellTimeoutError, chapter: str) -> Exception:
    """Return what to raise for a kernel that did not start, died or took too long."""
    if isinstance(error, CellTimeoutError):
        what = "a cell took too long: give the chapter less to do"
    elif isinstance(error, DeadKernelError):
        what = (
            "its kernel was killed, perhaps for want of memory: give the chapter less "
            "to do, or end what else is running"
        )
    else:
        what = f"its kernel did not start ({error}): end what else is running"
    return ChapterFailed(f"{chapter}: {what}.")


def _is_ours(traceback: list[str]) -> bool:
    """Tell whether the innermost frame is the chapter's or the library's."""
    frames = list(PLACE.finditer(strip_color("\n".join(traceback))))
    if not frames:
        return False
    file = frames[-1][1]
    return file is None or ROOT / "kdgan_lib" in Path(file).expanduser().parents
