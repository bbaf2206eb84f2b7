import os
import re

import nbformat
import pytest

from kdgan_lib import notebooks
from kdgan_lib.notebooks import pairing, stamps


def test_every_chapter_of_the_book_is_paired():
    assert notebooks.unpaired() == []


def test_sync_leaves_the_kept_notebooks_as_they_are():
    for text in notebooks.chapters():
        kept = nbformat.read(text.with_suffix(".ipynb"), as_version=4)
        assert pairing.paired(text).metadata == kept.metadata


def test_a_missing_notebook_is_reported_and_sync_makes_it(toy_book):
    assert "missing" in notebooks.unpaired()[0]
    assert notebooks.sync(toy_book / "01_toy.py")
    assert notebooks.unpaired() == []


def test_a_changed_text_is_reported(toy_book):
    text = toy_book / "01_toy.py"
    notebooks.sync(text)
    text.write_text(text.read_text().replace("# # Toy", "# # Changed"))
    assert "differs" in notebooks.unpaired()[0]


def test_sync_twice_changes_nothing(toy_book):
    text = toy_book / "01_toy.py"
    notebooks.sync(text)
    assert not notebooks.sync(text)


def test_sync_keeps_ids_and_outputs_of_cells_that_stay(toy_book):
    text, path = toy_book / "01_toy.py", toy_book / "01_toy.ipynb"
    notebooks.sync(text)
    old = nbformat.read(path, as_version=4)
    old.cells[3]["outputs"] = [nbformat.v4.new_output("stream", text="kept")]
    nbformat.write(old, path)
    text.write_text(text.read_text().replace("# # Toy", "# # Toy\n# More."))
    notebooks.sync(text)
    new = nbformat.read(path, as_version=4)
    assert [cell["id"] for cell in new.cells[1:]] == [c["id"] for c in old.cells[1:]]
    assert new.cells[3].outputs[0].text == "kept"


def test_parameters_tag_and_nbmake_mock_survive_the_way_to_the_notebook(toy_book):
    cell = pairing.paired(toy_book / "01_toy.py").cells[1]
    assert cell.metadata["tags"] == ["parameters"]
    assert cell.metadata["nbmake"]["mock"] == {"profile": "smoke"}


def test_a_notebook_is_written_in_the_bytes_that_jupyter_writes(toy_book, tmp_path):
    notebook = pairing.paired(toy_book / "01_toy.py")
    pairing.write(notebook, tmp_path / "ours.ipynb")
    nbformat.write(notebook, tmp_path / "theirs.ipynb")
    ours, theirs = (tmp_path / f"{who}.ipynb" for who in ("ours", "theirs"))
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("name", ["01", "01_toy", "book/01_toy.py", "01_toy.ipynb"])
def test_a_chapter_is_found_by_number_name_or_path(toy_book, name):
    assert notebooks.find(name).name == "01_toy.py"


def test_an_unknown_chapter_is_refused_with_the_list(toy_book):
    with pytest.raises(ValueError, match=r"no chapter '99'.*01_toy"):
        notebooks.find("99")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"# %%\nx = = 3\n", "line 2: invalid syntax"),
        (b"# %%\nx = '\xff'\n", "can't decode byte 0xff"),
    ],
)
def test_a_damaged_text_is_named_with_what_mends_it(content, why, toy_book):
    text = toy_book / "01_toy.py"
    text.write_bytes(content)
    mend = re.escape(f"mend it, or restore it with `git checkout -- {text}`.")
    for read in (notebooks.parameters_of, stamps.library_files):
        with pytest.raises(
            ValueError, match=rf"01_toy\.py is damaged .*{why}.*{mend}$"
        ):
            read(text)


@pytest.mark.parametrize("content", [b"<<<<<<< HEAD\n{", b"\xff", b"[]", b"{}"])
def test_a_damaged_notebook_is_named_with_what_mends_it(content, toy_book, monkeypatch):
    text, path = toy_book / "01_toy.py", toy_book / "01_toy.ipynb"
    path.write_bytes(content)
    monkeypatch.setattr(stamps, "chapters", lambda: [text])
    mend = re.escape(f"mend it, or restore it with `git checkout -- {path}`.")
    for work in (notebooks.unpaired, notebooks.stale, lambda: notebooks.sync(text)):
        with pytest.raises(ValueError, match=rf"01_toy\.ipynb is damaged .*{mend}$"):
            work()
    assert path.read_bytes() == content


def test_edits_of_the_notebook_alone_are_kept_when_the_text_replaces_it(
    toy_book, tmp_path, monkeypatch
):
    monkeypatch.setattr(pairing, "ROOT", tmp_path)
    text, path = toy_book / "01_toy.py", toy_book / "01_toy.ipynb"
    notebooks.sync(text)
    edited = nbformat.read(path, as_version=4)
    edited.cells.append(nbformat.v4.new_markdown_cell("A remark."))
    nbformat.write(edited, path)
    later = text.stat().st_mtime + 10
    os.utime(path, (later, later))
    with pytest.warns(UserWarning, match=r"01_toy\.ipynb was edited after 01_toy\.py"):
        notebooks.sync(text)
    kept = nbformat.read(tmp_path / "build" / "edited" / path.name, as_version=4)
    assert kept.cells[-1].source == "A remark."
    assert notebooks.unpaired() == []
