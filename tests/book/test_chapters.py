"""House rules for every chapter: what its text and its kept outputs look like."""

import ast
import re

import nbformat
import pytest

from kdgan_lib import notebooks
from kdgan_lib.notebooks.pairing import read_text
from kdgan_lib.site import facts_of

CHAPTERS = {text.stem: text for text in notebooks.chapters()}
PATHS = re.compile(r"""["'](?:[\w.-]+/)+[\w.-]*["']|\bPath\(|\bopen\(|read_parquet""")
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
TYPED = re.compile(r"\b\d\d\.\d+ ?%|\baccuracy (?:of|is) \.?\d")
chapters = pytest.mark.parametrize("name", CHAPTERS)


def code_cells(name):
    cells = read_text(CHAPTERS[name]).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def kept(name):
    path = CHAPTERS[name].with_suffix(".ipynb")
    if not path.exists():
        pytest.skip(f"{path.name} is missing: the pairing test says so")
    return nbformat.read(path, as_version=4)


def outputs(name):
    return [output for cell in kept(name).cells for output in cell.get("outputs", [])]


def figures(name):
    return [facts_of(o)["figure"] for o in outputs(name) if "figure" in facts_of(o)]


def lines_of(source):
    """Count the lines of a cell that are no imports."""
    imports = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    inside = sum(node.end_lineno - node.lineno + 1 for node in imports)
    return len([line for line in source.splitlines() if line.strip()]) - inside


@chapters
def test_code_cells_have_at_most_fifteen_lines(name):
    long = [source for source in code_cells(name) if lines_of(source) > 15]
    assert not long, long[0]


@chapters
def test_code_cells_define_no_classes_and_loop_over_no_seeds(name):
    for source in code_cells(name):
        for node in ast.walk(ast.parse(source)):
            assert not isinstance(node, ast.ClassDef), source
            if isinstance(node, ast.For):
                assert "seed" not in ast.unparse(node.target), source


@chapters
def test_code_cells_name_no_file_paths(name):
    for source in code_cells(name):
        assert not PATHS.search(source), source


@chapters
def test_code_cells_do_not_print_or_use_pyplot(name):
    for source in code_cells(name):
        assert "pyplot" not in source, source
        assert not re.search(r"^print\(", source, re.M), source


@chapters
def test_a_chapter_starts_with_its_label_and_question_and_ends_with_provenance(name):
    first = read_text(CHAPTERS[name]).cells[0].source
    assert re.match(r"\(ch-[\w-]+\)=\n# ", first)
    assert "**Question.**" in first
    assert code_cells(name)[-1].startswith("notebooks.provenance(")


@chapters
def test_a_chapter_shows_the_table_of_its_parameters(name):
    assert f'notebooks.parameters_table("{name}")' in "\n".join(code_cells(name))


@chapters
def test_every_kept_figure_has_a_name_a_caption_and_an_alternative_text(name):
    for figure in figures(name):
        assert figure["name"].startswith("fig-"), figure
        assert len(figure["caption"]) > 20, figure
        assert len(figure["alt"]) > 20, figure


@chapters
def test_images_are_shown_by_show_only(name):
    for output in outputs(name):
        if "image/png" in output.get("data", {}):
            assert "figure" in facts_of(output)


@chapters
def test_kept_outputs_hold_no_errors_warnings_or_addresses(name):
    for output in outputs(name):
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.text
        for kind, text in output.get("data", {}).items():
            if kind == "text/plain" and set(output.data) == {"text/plain"}:
                assert not ADDRESS.search(text), text


@chapters
def test_the_kept_notebook_was_run_with_default_values(name):
    assert kept(name).metadata["kdgan"]["values"] == {}


def test_names_of_figures_and_tables_are_unique_in_the_book():
    names = [figure["name"] for name in CHAPTERS for figure in figures(name)]
    facts = [facts_of(output) for name in CHAPTERS for output in outputs(name)]
    names += [fact["table"] for fact in facts if "table" in fact]
    assert len(names) == len(set(names))


def test_labels_of_sections_and_equations_are_unique_in_the_book():
    text = "\n".join(path.read_text() for path in CHAPTERS.values())
    labels = re.findall(r"^# (?:\(([\w-]+)\)=|\$\$ \(([\w-]+)\))$", text, re.M)
    assert len(labels) == len(set(labels))
