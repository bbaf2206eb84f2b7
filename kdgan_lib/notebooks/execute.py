"""Run chapters by papermill and keep outputs that differ only when results do."""

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import papermill

from kdgan_lib.notebooks import pairing, parameters, stamps
from kdgan_lib.paths import ROOT

PROGRESS = re.compile(r"\r|it/s|s/it|IProgress|TqdmWarning|^\s*from \.autonotebook")


def run(
    chapter: str,
    values: Mapping[str, Any] | None = None,
    output: Path | None = None,
    timeout: int = 3600,
) -> Path:
    """Run a chapter and return the path of the executed notebook.

    values: parameters to change. output: where to write; by default the chapter's own
    notebook, which must then run with its default values.
    Raises ValueError for an unknown chapter, parameter or value.
    """
    text = pairing.find(chapter)
    chosen = parameters.check(text, values or {})
    if output is None and chosen:
        raise ValueError("the kept notebook holds default values: name an output file.")
    target = output or text.with_suffix(".ipynb")
    with tempfile.TemporaryDirectory() as folder:
        plain, done = Path(folder) / text.name, Path(folder) / "done.ipynb"
        plain = plain.with_suffix(".ipynb")
        pairing.write(pairing.paired(text), plain)
        before = stamps.stamp(text, {})
        _papermill(plain, done, chosen, timeout)
        notebook = tidy(nbformat.read(done, as_version=4))
    before["reads"] = stamps.reads_of(notebook)
    notebook.metadata["kdgan"] = {"stamp": before, "values": chosen}
    pairing.write(notebook, target)
    return target


def run_all(
    folder: Path, values: Mapping[str, Any], names: Sequence[str] = (), workers: int = 2
) -> dict[str, str]:
    """Run chapters side by side into `folder`; return the failures by chapter.

    A value is passed to the chapters that have such a parameter.
    """
    wanted = [pairing.find(name) for name in names] or pairing.chapters()

    def one(text: Path) -> str:
        known = {parameter.name for parameter in parameters.parameters_of(text)}
        fitting = {name: value for name, value in values.items() if name in known}
        try:
            run(text.stem, fitting, folder / f"{text.stem}.ipynb")
        except Exception as error:  # every chapter gets its turn
            return f"{type(error).__name__}: {error}"
        return ""

    with ThreadPoolExecutor(max_workers=workers) as pool:
        results = zip(wanted, pool.map(one, wanted), strict=True)
        return {text.stem: message for text, message in results if message}


def tidy(notebook: Any) -> Any:
    """Remove what changes from run to run without meaning: times, paths, progress."""
    kept = {"kernelspec", "jupytext"}
    for key in set(notebook.metadata) - kept:
        del notebook.metadata[key]
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["kernelspec"] = dict(pairing.METADATA["kernelspec"])
    for cell in notebook.cells:
        for key in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(key, None)
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


def _papermill(
    source: Path, target: Path, chosen: dict[str, Any], timeout: int
) -> None:
    """Execute a notebook with the library importable, wherever we were called from."""
    places = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, places)))
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    papermill.execute_notebook(
        source,
        target,
        parameters=chosen,
        kernel_name="python3",
        progress_bar=False,
        log_output=False,
        execution_timeout=timeout,
        extra_arguments=["--log-level=50"],  # no notes about local sockets
        cwd=str(ROOT),
    )
