"""Run chapters by papermill and keep outputs that differ only when results do."""

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError
from papermill.exceptions import PapermillExecutionError
from tqdm import tqdm

from kdgan_lib.files import DiskFull
from kdgan_lib.notebooks import failures, pairing, parameters, stamps
from kdgan_lib.paths import ROOT, data_dir, runs_dir
from kdgan_lib.workers import worker_pool

HOUR = 3600
PROGRESS = re.compile(r"\r|it/s|s/it|IProgress|TqdmWarning|^\s*from \.autonotebook")


def run(
    chapter: str,
    values: Mapping[str, Any] | None = None,
    output: Path | None = None,
    timeout: int = HOUR,
    progress: bool = False,
) -> Path:
    """Run a chapter and return the path of the executed notebook.

    values: parameters to change. output: where to write; by default the chapter's own
    notebook, which must then run with its default values. timeout: seconds that a cell
    may take; under profile `paper`, which trains for hours, it may take any time.
    progress: show a bar over the cells.
    Raises ValueError for an unknown chapter, parameter or value and for an output that
    cannot be written, before anything runs; `ChapterFailed` where a cell fails.
    """
    return _run(pairing.find(chapter), values or {}, output, timeout, progress)


def _run(
    text: Path,
    values: Mapping[str, Any],
    output: Path | None,
    timeout: int = HOUR,
    progress: bool = False,
) -> Path:
    """Run the chapter of this text, as in `run`."""
    target = output or text.with_suffix(".ipynb")
    chosen, source = _checked(text, values, target)
    with tempfile.TemporaryDirectory() as folder:
        plain, done = Path(folder) / text.name, Path(folder) / "done.ipynb"
        plain = plain.with_suffix(".ipynb")
        pairing.write(source, plain)
        before = stamps.stamp(text, {})
        try:
            _papermill(plain, done, chosen, _limit(chosen, timeout), progress)
        except PapermillExecutionError as error:
            kept = _failed_place(text, output)
            pairing.write(nbformat.read(done, as_version=4), kept)
            raise failures.explained(error, text.stem, kept) from None
        except (CellTimeoutError, RuntimeError) as error:
            raise failures.stopped(error, text.stem) from None
        notebook = tidy(nbformat.read(done, as_version=4))
    before["reads"] = stamps.reads_of(notebook)
    before["outputs"] = stamps.digest_of_outputs(notebook)
    notebook.metadata["kdgan"] = {"stamp": before, "values": chosen}
    if target.resolve() == text.with_suffix(".ipynb").resolve():
        pairing.keep_edits(text)
    pairing.write(notebook, target)
    return target


def _checked(
    text: Path, values: Mapping[str, Any], target: Path
) -> tuple[dict[str, Any], Any]:
    """Return the values that differ from the defaults, and the notebook to execute.

    Raises ValueError for a wrong value, and for a target that cannot be written or is
    a kept notebook, unless it is the chapter's own at its default values.
    """
    chosen, place = parameters.check(text, values), target.resolve()
    for other in pairing.chapters():
        kept = place == other.with_suffix(".ipynb").resolve()
        if kept and (chosen or other != text):
            raise ValueError(
                f"{target} keeps {other.stem} at its default values: name another "
                "place."
            )
    source = pairing.paired(text)
    pairing.check_place(source, target)
    return chosen, source


def _failed_place(text: Path, output: Path | None) -> Path:
    """Return where a chapter that stopped is kept: apart from those that ran."""
    folder = output.parent if output else ROOT / "build"
    return folder / "failed" / f"{text.stem}.ipynb"


def run_all(
    folder: Path, values: Mapping[str, Any], names: Sequence[str] = (), workers: int = 2
) -> dict[str, str]:
    """Run chapters side by side into `folder`; return the failures by chapter.

    A value is passed to the chapters that have such a parameter. Each chapter's client
    is a process of its own: threads that parse Python at one time can fail, as under
    CPython 3.11.7 (SystemError: AST constructor recursion depth mismatch).
    Raises ValueError for an unknown chapter or a folder that cannot be written to, or
    holds the kept notebooks where other values are given.
    """
    wanted = [pairing.find(name) for name in names] or pairing.chapters()
    for text in wanted[:1]:
        _checked(text, _fitting(text, values), folder / f"{text.stem}.ipynb")
    failed: dict[str, str] = {}
    with (
        worker_pool(workers) as pool,
        tqdm(total=len(wanted), unit="chapter") as bar,
    ):
        flying = {pool.submit(_attempt, text, values, folder): text for text in wanted}
        for future in as_completed(flying):
            if message := _message(future):
                failed[flying[future].stem] = message
            bar.update()
    return {text.stem: failed[text.stem] for text in wanted if text.stem in failed}


def _message(future: Future) -> str:
    """Return why a chapter failed; those left when a process is killed fail with it."""
    try:
        return str(future.result())
    except BrokenProcessPool:
        return (
            "A chapter's process was killed, perhaps for want of memory: run one "
            "chapter at a time, by `--workers 1`."
        )


def _attempt(text: Path, values: Mapping[str, Any], folder: Path) -> str:
    """Run a chapter with the values that it knows; return why it failed, if it did."""
    try:
        _run(text, _fitting(text, values), folder / f"{text.stem}.ipynb")
    except (ValueError, failures.ChapterFailed, DiskFull) as error:
        return str(error)
    except Exception as error:  # every chapter gets its turn
        return f"{text.stem}: {type(error).__name__}: {error}"
    return ""


def _fitting(text: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of parameters that a chapter has."""
    known = {parameter.name for parameter in parameters.parameters_of(text)}
    return {name: value for name, value in values.items() if name in known}


def tidy(notebook: Any) -> Any:
    """Remove what changes from run to run without meaning: times, paths, progress."""
    for key in set(notebook.metadata) - {"jupytext"}:
        del notebook.metadata[key]
    for key in ("kernelspec", "language_info"):
        notebook.metadata[key] = dict(pairing.METADATA[key])
    for cell in notebook.cells:
        for key in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags"):  # papermill adds an empty list
            cell.metadata.pop("tags", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _noise(output)]
            for output in cell.outputs:
                output.get("data", {}).pop(
                    "application/vnd.jupyter.widget-view+json", 0
                )
                output.get("metadata", {}).pop("papermill", None)
    return notebook


def _noise(output: Any) -> bool:
    """Tell whether an output is a progress bar."""
    if output.output_type != "stream" or output.name != "stderr":
        return False
    return bool(PROGRESS.search(output.text)) or not output.text.strip()


def _limit(chosen: Mapping[str, Any], timeout: int) -> int | None:
    """Return the seconds a cell may take; None where it trains what is missing."""
    return None if chosen.get("profile") == "paper" else timeout


def _papermill(
    source: Path,
    target: Path,
    chosen: dict[str, Any],
    timeout: int | None,
    progress: bool,
) -> None:
    """Execute a notebook with the library importable, wherever we were called from."""
    places = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, places)))
    # A relative folder is meant from here: the kernel works in another one.
    for variable, folder in (("KDGAN_DATA", data_dir()), ("KDGAN_RUNS", runs_dir())):
        if os.environ.get(variable):
            os.environ[variable] = str(folder)
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    papermill.execute_notebook(
        source,
        target,
        parameters=chosen,
        kernel_name="python3",
        progress_bar=progress,
        log_output=False,
        execution_timeout=timeout,
        extra_arguments=["--log-level=50"],  # no notes about local sockets
        cwd=str(ROOT),
    )
