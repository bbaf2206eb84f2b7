import errno
import os
from pathlib import Path
from shutil import copy

import nbformat
import pandas as pd
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from kdgan_lib import notebooks, runs
from kdgan_lib.files import DiskFull
from kdgan_lib.notebooks import failures
from kdgan_lib.notebooks.execute import _limit, tidy
from kdgan_lib.paths import ROOT


def shown(path):
    """Return all text that the executed cells show."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [
        o.get("text", "") + o.get("data", {}).get("text/markdown", "") for o in outputs
    ]
    return "\n".join(texts)


@pytest.mark.slow
def test_parameters_reach_the_chapter_and_the_stamp_records_reads(
    toy_book, runs_folder
):
    row = {"claim": "M5", "quantity": "error", "protocol": "exact", "value": 0.25}
    runs.append_rows("evidence", pd.DataFrame([row]), ["claim", "quantity", "protocol"])
    output = toy_book.parent / "out.ipynb"
    notebooks.run("01", {"seed": "7", "profile": "smoke"}, output)
    assert "smoke 7 0.5 False" in shown(output)
    assert "It is 0.25." in shown(output)
    notebook = nbformat.read(output, as_version=4)
    reads = notebook.metadata["kdgan"]["stamp"]["reads"]
    assert list(reads) == ["evidence?claim=M5&quantity=error"]
    assert "papermill" not in notebook.metadata
    assert not any("papermill" in cell.metadata for cell in notebook.cells)
    assert all(cell.metadata.get("tags", ["kept"]) for cell in notebook.cells)


@pytest.mark.slow
def test_deleting_a_table_gives_not_run_and_no_number(toy_book, runs_folder):
    output = toy_book.parent / "out.ipynb"
    notebooks.run("01", {"profile": "smoke"}, output)
    assert "Not run" in shown(output)
    assert "`kdgan x`" in shown(output)
    assert "It is" not in shown(output)


@pytest.mark.slow
def test_chapters_run_side_by_side_and_one_failure_leaves_the_others(
    toy_book, runs_folder
):
    sound = (toy_book / "01_toy.py").read_text()
    (toy_book / "02_broken.py").write_text(sound.replace("loud)\n", "loud, 1 / 0)\n"))
    output = toy_book.parent / "executed"
    failed = notebooks.run_all(output, {"profile": "smoke", "unknown": 3}, workers=2)
    assert list(failed) == ["02_broken"]
    assert "ZeroDivisionError" in failed["02_broken"]
    assert "smoke 0 0.5 False" in shown(output / "01_toy.ipynb")
    assert not (output / "02_broken.ipynb").exists()
    assert str(output / "failed" / "02_broken.ipynb") in failed["02_broken"]
    assert (output / "failed" / "02_broken.ipynb").exists()


@pytest.mark.slow
def test_a_killed_process_ends_in_a_sentence(toy_book, runs_folder):
    killing = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nprint("
    text = toy_book / "01_toy.py"
    text.write_text(text.read_text().replace("print(", killing))
    failed = notebooks.run_all(toy_book.parent / "executed", {"profile": "smoke"})
    assert failed["01_toy"].startswith("A chapter's process was killed")
    assert "`--workers 1`" in failed["01_toy"]


@pytest.mark.slow
def test_what_a_chapter_refuses_is_one_sentence(toy_book, runs_folder):
    text = toy_book / "01_toy.py"
    refusing = "raise ValueError('Choose a seed below 5.')\nprint("
    text.write_text(text.read_text().replace("print(", refusing))
    with pytest.raises(ValueError, match=r"^01_toy: Choose a seed below 5\.$"):
        notebooks.run("01", output=toy_book.parent / "out.ipynb")


def cell_error(name, value, *places):
    """Return what papermill raises for an error whose frames are in these places."""
    traceback = [f"\x1b[36mFile \x1b[32m{place}:7\x1b[0m, in f(x)" for place in places]
    arrow = "\x1b[1m----> 7\x1b[0m assert x < 1"
    frames = ["Cell In[3], line 1", *traceback, arrow]
    return PapermillExecutionError(3, 3, "f(x)", name, value, frames)


def explained(*error):
    return failures.explained(cell_error(*error), "01_toy", Path("kept.ipynb"))


def test_a_refusal_of_the_library_is_told_as_it_is():
    error = explained("ValueError", "Choose\nbeta.", ROOT / "kdgan_lib" / "game.py")
    assert (type(error), str(error)) == (ValueError, "01_toy: Choose beta.")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (("KeyError", "'x'", ROOT / "kdgan_lib" / "game.py"), "KeyError: 'x'."),
        (("ValueError", "bad shape", "/lib/numpy/core.py"), "ValueError: bad shape."),
        (("AssertionError", ""), "AssertionError: assert x < 1."),
    ],
)
def test_an_error_that_is_no_refusal_says_where_its_traceback_is(error, said):
    failed = explained(*error)
    assert isinstance(failed, failures.ChapterFailed)
    assert str(failed) == (
        f"01_toy: {said} kept.ipynb shows the cell and the traceback."
    )


@pytest.mark.parametrize(("profile", "limit"), [("book", 3600), ("paper", None)])
def test_a_cell_that_trains_what_is_missing_may_take_any_time(profile, limit):
    assert _limit({"profile": profile}, 3600) == limit
    assert _limit({}, 3600) == 3600


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DeadKernelError("Kernel died"), "its kernel was killed"),
        (RuntimeError("no reply"), "its kernel did not start (no reply)"),
        (CellTimeoutError("1 s"), "a cell took too long"),
    ],
)
def test_a_kernel_that_is_gone_is_told_with_the_chapter(
    error, said, toy_book, monkeypatch
):
    def gone(*_, **__):
        raise error

    monkeypatch.setattr("papermill.execute_notebook", gone)
    with pytest.raises(failures.ChapterFailed) as caught:
        notebooks.run("01", output=toy_book.parent / "out.ipynb")
    assert str(caught.value).startswith(f"01_toy: {said}")


@pytest.fixture
def no_kernel(monkeypatch):
    """Fail where a chapter would be executed."""

    def started(*_, **__):
        raise AssertionError("the chapter was executed")

    monkeypatch.setattr("papermill.execute_notebook", started)


def test_a_wrong_value_is_refused_before_a_kernel_starts(toy_book, no_kernel):
    with pytest.raises(ValueError, match="01_toy: seed must be from 0"):
        notebooks.run("01", {"seed": "-1"}, toy_book.parent / "out.ipynb")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("", "is a folder: name a file"),
        ("/", "is a folder: name a file"),
        ("01_toy.py/out.ipynb", "cannot be written .*: name another place"),
        ("out.html", r"is no name of a notebook: let it end in \.ipynb"),
        ("01_toy.py", r"is no name of a notebook: let it end in \.ipynb"),
        ("notes.ipynb", "is no notebook that can be read: name another file"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_a_kernel_starts(
    place, said, toy_book, no_kernel
):
    (toy_book / "notes.ipynb").write_text("notes")
    before = {path: path.read_bytes() for path in toy_book.iterdir()}
    with pytest.raises(ValueError, match=said):
        notebooks.run("01", output=toy_book / place)
    assert {path: path.read_bytes() for path in toy_book.iterdir()} == before


def test_a_device_is_refused_and_stays_a_device(toy_book, no_kernel):
    with pytest.raises(ValueError, match="is a device: name a file"):
        notebooks.run("01", output=Path(os.devnull))
    assert not Path(os.devnull).is_file()


def test_a_full_disk_is_noticed_before_a_kernel_starts(
    toy_book, no_kernel, monkeypatch
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    output = toy_book.parent / "out.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), output)
    before = output.read_bytes()
    with pytest.raises(DiskFull, match=r"is full: free some space.* run this again\.$"):
        notebooks.run("01", output=output)
    assert output.read_bytes() == before
    assert {path.name for path in toy_book.parent.iterdir()} == {"book", "out.ipynb"}


def test_a_folder_that_cannot_be_written_to_is_refused_once(toy_book, no_kernel):
    with pytest.raises(ValueError, match="cannot be written"):
        notebooks.run_all(toy_book / "01_toy.py", {"profile": "smoke"})


def test_the_kernel_reads_the_folders_that_were_named_from_here(
    toy_book, tmp_path, monkeypatch
):
    given = {}

    def execute(source, target, **_):
        given.update(os.environ)
        copy(source, target)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KDGAN_RUNS", "here/runs")
    monkeypatch.setenv("KDGAN_DATA", "~/data")
    monkeypatch.setattr("papermill.execute_notebook", execute)
    notebooks.run("01", output=tmp_path / "out.ipynb")
    assert given["KDGAN_RUNS"] == str(tmp_path / "here" / "runs")
    assert given["KDGAN_DATA"] == str(tmp_path / "home" / "data")


@pytest.mark.parametrize("progress", [False, True])
def test_the_bar_over_the_cells_is_shown_when_asked_for(
    progress, toy_book, monkeypatch
):
    shown = []

    def execute(source, target, progress_bar, **_):
        shown.append(progress_bar)
        nbformat.write(nbformat.read(source, as_version=4), target)

    monkeypatch.setattr("papermill.execute_notebook", execute)
    notebooks.run("01", output=toy_book.parent / "out.ipynb", progress=progress)
    assert shown == [progress]


@pytest.mark.parametrize("output", [None, "01_toy.ipynb", "../link.ipynb"])
def test_changed_values_need_a_place_of_their_own(output, toy_book, no_kernel):
    notebooks.sync(toy_book / "01_toy.py")
    (toy_book.parent / "link.ipynb").symlink_to(toy_book / "01_toy.ipynb")
    place = output and toy_book / output
    with pytest.raises(ValueError, match="keeps 01_toy at its default values: name"):
        notebooks.run("01", {"seed": 1}, place)


def test_no_chapter_takes_another_one_s_place(toy_book, no_kernel):
    (toy_book / "02_toy.py").write_text((toy_book / "01_toy.py").read_text())
    with pytest.raises(ValueError, match="keeps 02_toy at"):
        notebooks.run("01", output=toy_book / "02_toy.ipynb")


def test_a_folder_of_kept_notebooks_takes_default_values_only(
    toy_book, runs_folder, monkeypatch
):
    with pytest.raises(ValueError, match="keeps 01_toy at its default values: name"):
        notebooks.run_all(toy_book, {"profile": "smoke"})
    monkeypatch.setattr("papermill.execute_notebook", lambda *x, **_: copy(*x))
    kept = notebooks.run("01", {"profile": "book"}, toy_book / "01_toy.ipynb")
    assert nbformat.read(kept, as_version=4).metadata["kdgan"]["values"] == {}


def test_progress_bars_are_removed_and_real_warnings_stay():
    bar = nbformat.v4.new_output("stream", name="stderr", text="\r10%|#  | 1/10 9it/s")
    real = nbformat.v4.new_output("stream", name="stderr", text="UserWarning: look")
    cell = nbformat.v4.new_code_cell("x", outputs=[bar, real])
    notebook = tidy(nbformat.v4.new_notebook(cells=[cell]))
    assert [output.text for output in notebook.cells[0].outputs] == [
        "UserWarning: look"
    ]
