import nbformat
import pandas as pd
import pytest

from kdgan_lib import notebooks, runs
from kdgan_lib.notebooks.execute import tidy


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


@pytest.mark.slow
def test_a_killed_process_ends_in_a_sentence(toy_book, runs_folder):
    killing = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nprint("
    text = toy_book / "01_toy.py"
    text.write_text(text.read_text().replace("print(", killing))
    failed = notebooks.run_all(toy_book.parent / "executed", {"profile": "smoke"})
    assert failed["01_toy"].startswith("A chapter's process was killed")
    assert "`--workers 1`" in failed["01_toy"]


def test_changed_values_need_an_output_file(toy_book):
    with pytest.raises(ValueError, match="name an output file"):
        notebooks.run("01", {"seed": 1})


def test_progress_bars_are_removed_and_real_warnings_stay():
    bar = nbformat.v4.new_output("stream", name="stderr", text="\r10%|#  | 1/10 9it/s")
    real = nbformat.v4.new_output("stream", name="stderr", text="UserWarning: look")
    cell = nbformat.v4.new_code_cell("x", outputs=[bar, real])
    notebook = tidy(nbformat.v4.new_notebook(cells=[cell]))
    assert [output.text for output in notebook.cells[0].outputs] == [
        "UserWarning: look"
    ]
