import nbformat
import pandas as pd
import pytest

from kdgan_lib import runs
from kdgan_lib.notebooks import pairing, stamps


def names(files):
    return {
        path.stem if path.stem != "__init__" else path.parent.name for path in files
    }


def test_library_files_follow_imports_through_other_modules(toy_book):
    found = names(stamps.library_files(toy_book / "01_toy.py"))
    assert {"prose", "claims", "tables", "paths"} <= found
    assert "experiments" not in found  # rows are stamped by what was read of them


def test_a_name_of_a_package_brings_only_the_module_that_holds_it(tmp_path):
    text = tmp_path / "x.py"
    text.write_text("from kdgan_lib.figures import colour_of")
    found = names(stamps.library_files(text))
    assert "style" in found
    assert "publish" not in found


def test_a_chapter_that_declares_runs_is_stamped_with_the_tuned_settings(tmp_path):
    stamped = {}
    for name, module in (("runs", "live"), ("rows", "prose")):
        text = tmp_path / f"{name}.py"
        text.write_text(f"from kdgan_lib import {module}")
        stamped[name] = set(stamps.stamp(text, {})["library"])
    settings = {each for each in stamped["runs"] if "/settings/" in each}
    assert "kdgan_lib/settings/controlled.json" in settings
    assert "kdgan_lib/settings/declared.json" not in settings
    assert not any("/settings/" in each for each in stamped["rows"])


def test_the_stamp_does_not_depend_on_line_ends(tmp_path):
    unix, dos = tmp_path / "a.py", tmp_path / "b.py"
    unix.write_bytes(b"a = 1\nb = 2\n")
    dos.write_bytes(b"a = 1\r\nb = 2\r\n")
    assert stamps.file_digest(unix) == stamps.file_digest(dos)


@pytest.fixture
def stamped(toy_book, runs_folder):
    """Return a chapter whose notebook carries today's stamp and one read."""
    append(value=1.0)
    text = toy_book / "01_toy.py"
    notebook = pairing.paired(text)
    query = "evidence?claim=M5"
    reads = {query: stamps._digest_of(query)}
    outputs = stamps.digest_of_outputs(notebook)
    made = {**stamps.stamp(text, reads), "outputs": outputs}
    notebook.metadata["kdgan"] = {"stamp": made}
    pairing.write(notebook, text.with_suffix(".ipynb"))
    return text


def append(value, claim="M5"):
    row = {"claim": claim, "quantity": "error", "protocol": "exact", "value": value}
    runs.append_rows("evidence", pd.DataFrame([row]), ["claim", "quantity", "protocol"])


def stale(monkeypatch, text):
    monkeypatch.setattr(stamps, "chapters", lambda: [text])
    return stamps.stale()


def test_a_fresh_chapter_is_not_stale(stamped, monkeypatch):
    assert stale(monkeypatch, stamped) == []


def test_a_changed_text_makes_it_stale(stamped, monkeypatch):
    stamped.write_text(stamped.read_text() + "\n# %%\n1 + 1\n")
    assert "01_toy.py" in stale(monkeypatch, stamped)[0]


def test_outputs_of_another_program_make_it_stale(stamped, monkeypatch):
    path = stamped.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    cell = next(each for each in notebook.cells if each.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("stream", text="of other values")]
    nbformat.write(notebook, path)
    assert "(its outputs)" in stale(monkeypatch, stamped)[0]


def test_a_chapter_that_reads_tags_is_stamped_with_the_embedded_tables(tmp_path):
    text = tmp_path / "tags.py"
    text.write_text("from kdgan_lib import tag_facts")
    found = set(stamps.stamp(text, {})["library"])
    assert "book/data/openclipart.parquet" in found
    text.write_text("from kdgan_lib import prose")
    assert not any("book/data" in each for each in stamps.stamp(text, {})["library"])


def test_a_changed_row_that_it_read_makes_it_stale(stamped, monkeypatch):
    append(value=2.0)
    assert "evidence?claim=M5" in stale(monkeypatch, stamped)[0]


def test_a_row_that_it_did_not_read_leaves_it_fresh(stamped, monkeypatch):
    append(value=2.0, claim="M4")
    assert stale(monkeypatch, stamped) == []


def test_a_changed_library_file_makes_it_stale(stamped, monkeypatch):
    path = stamped.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["kdgan"]["stamp"]["library"]["kdgan_lib/prose.py"] = "other"
    nbformat.write(notebook, path)
    assert "kdgan_lib/prose.py" in stale(monkeypatch, stamped)[0]


def test_other_values_than_the_defaults_make_it_stale(stamped, monkeypatch):
    path = stamped.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["kdgan"]["values"] = {"profile": "smoke"}
    nbformat.write(notebook, path)
    assert "stale (profile = smoke): run" in stale(monkeypatch, stamped)[0]


def test_a_chapter_that_was_never_run_is_stale(toy_book, monkeypatch):
    text = toy_book / "01_toy.py"
    pairing.sync(text)
    assert "never run" in stale(monkeypatch, text)[0]
