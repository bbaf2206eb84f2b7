from pathlib import Path

import nbformat
import pandas as pd
import pytest
from IPython.display import Markdown

from kdgan_lib import figures, prose, site
from kdgan_lib.notebooks import pairing


def displayed(monkeypatch, make):
    """Return notebook outputs of what `make` displays."""
    shown = []
    monkeypatch.setattr("kdgan_lib.figures.publish.display", shown.append)
    make()
    return [as_output(item) for item in shown]


def as_output(item):
    """Return an IPython object as a notebook keeps it."""
    kind, method = (
        ("text/markdown", "_repr_markdown_")
        if isinstance(item, Markdown)
        else ("image/png", "_repr_png_")
    )
    data = getattr(item, method)()
    data, marks = data if isinstance(data, tuple) else (data, {})
    return nbformat.v4.new_output("display_data", {kind: data}, metadata={kind: marks})


@pytest.fixture
def figure_outputs(monkeypatch):
    fig, axes = figures.figure()
    axes.plot([0, 1], [0, 1])
    return displayed(
        monkeypatch,
        lambda: figures.show(fig, "fig-line", "A line.", "A rising line."),
    )


def test_a_figure_becomes_a_numbered_figure_with_alternative_text(
    figure_outputs, tmp_path
):
    picture, caption = figure_outputs
    done = site._translate(picture, tmp_path, "01_toy")
    text = done["data"]["text/markdown"]
    assert "{figure} _figures/01_toy/fig-line.png" in text
    assert ":name: fig-line" in text
    assert ":alt: A rising line." in text
    assert text.rstrip().endswith("A line.\n::::")
    assert (tmp_path / "_figures/01_toy/fig-line.png").read_bytes()[1:4] == b"PNG"
    assert site._translate(caption, tmp_path, "01_toy") is None


def test_a_missing_figure_says_not_run_in_its_alternative_text(monkeypatch):
    picture, _ = displayed(
        monkeypatch,
        lambda: figures.show(
            None, "fig-x", "Caption.", "Alt.", command="kdgan sweep x"
        ),
    )
    assert site.facts_of(picture)["figure"]["alt"] == "Not run: kdgan sweep x"


def test_a_table_becomes_a_numbered_table(tmp_path):
    made = prose.table(pd.DataFrame({"a": [1]}), "Caption.", "tab-a")
    done = site._translate(as_output(made), tmp_path, "01_toy")
    assert done["data"]["text/markdown"].startswith(
        "::::{table} Caption.\n:name: tab-a"
    )


def test_plain_markdown_is_left_alone(tmp_path):
    output = as_output(Markdown("text"))
    assert site._translate(output, tmp_path, "01_toy") == output


def test_a_figure_without_alternative_text_is_refused():
    fig, _ = figures.figure()
    with pytest.raises(ValueError, match="alternative text"):
        figures.show(fig, "fig-x", "Caption.", " ")
    with pytest.raises(ValueError, match="must start with 'fig-'"):
        figures.show(fig, "x", "Caption.", "Alt.")


@pytest.mark.parametrize(
    "page",
    [
        '<script defer src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        '<link href="https://fonts.example/x.css" rel="stylesheet">',
        '<img alt="x" src="http://example/x.png">',
    ],
)
def test_a_page_that_loads_from_the_network_is_noticed(tmp_path, page):
    (tmp_path / "index.html").write_text(page)
    assert len(site.from_network(tmp_path)) == 1


def test_links_and_local_files_are_no_network(tmp_path):
    page = '<a href="https://example/">x</a><img src="_images/x.png">'
    (tmp_path / "index.html").write_text(page)
    assert site.from_network(tmp_path) == []


def test_the_drawing_of_the_same_figure_has_the_same_bytes():
    def drawn():
        fig, axes = figures.figure()
        axes.plot([0, 1], [1, 0])
        return figures.png(fig)

    assert drawn() == drawn()


@pytest.fixture
def chapters(tmp_path, monkeypatch):
    """Return a folder with one executed chapter; Sphinx writes one page or fails."""
    folder = tmp_path / "executed"
    folder.mkdir()
    (folder / "01_toy.ipynb").write_text("{}")
    monkeypatch.setattr(site, "stage", lambda target, notebooks: None)
    sphinx(monkeypatch, 0)
    return folder


def sphinx(monkeypatch, code):
    def made(source, target):
        (target / "objects.inv").write_text("new")
        return code

    monkeypatch.setattr(site, "_sphinx", made)


@pytest.fixture
def earlier(tmp_path):
    """Return the folder of a site with a page that no new one has."""
    folder = tmp_path / "site"
    folder.mkdir()
    for name in ("objects.inv", "old.html"):
        (folder / name).write_text("old")
    return folder


def left(folder):
    """Return the files of a folder, after nothing else was left beside it."""
    assert {path.name for path in folder.parent.iterdir()} <= {"executed", "site"}
    return {path.name: path.read_text() for path in folder.iterdir()}


OLD = {"objects.inv": "old", "old.html": "old"}


def test_a_whole_new_site_replaces_the_earlier_one(chapters, earlier, capsys):
    assert site.build(earlier, chapters) == 0
    assert left(earlier) == {"objects.inv": "new"}
    assert capsys.readouterr().out == f"{earlier / 'index.html'}\n"


def test_a_first_site_is_built_where_nothing_is(chapters, tmp_path):
    assert site.build(tmp_path / "site", chapters) == 0
    assert left(tmp_path / "site") == {"objects.inv": "new"}


@pytest.mark.parametrize("folder", ["nope", "site"])
def test_a_folder_without_chapters_leaves_the_earlier_site(folder, earlier, tmp_path):
    with pytest.raises(ValueError, match="holds no executed chapters"):
        site.build(earlier, tmp_path / folder)
    assert left(earlier) == OLD


def test_a_damaged_notebook_is_named_with_what_mends_it(tmp_path):
    broken = tmp_path / "01_toy.ipynb"
    broken.write_text("{")
    with pytest.raises(ValueError, match=r"01_toy\.ipynb is damaged .*git checkout"):
        site.stage_chapter(broken, tmp_path)


def test_a_build_that_fails_leaves_the_earlier_site(chapters, earlier, monkeypatch):
    sphinx(monkeypatch, 1)
    assert site.build(earlier, chapters) == 1
    assert left(earlier) == OLD

    def interrupted(target, notebooks):
        raise KeyboardInterrupt

    monkeypatch.setattr(site, "stage", interrupted)
    with pytest.raises(KeyboardInterrupt):
        site.build(earlier, chapters)
    assert left(earlier) == OLD


def test_an_earlier_site_comes_back_when_the_new_one_cannot_take_its_place(
    chapters, earlier, monkeypatch
):
    rename = Path.rename

    def failing(path, target):
        if path.suffix == ".new":
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no"):
        site.build(earlier, chapters)
    assert left(earlier) == OLD


def test_files_that_are_no_site_are_not_removed(chapters, tmp_path):
    with pytest.raises(ValueError, match="is no earlier site"):
        site.build(chapters, chapters)
    with pytest.raises(ValueError, match="cannot be written"):
        site.build(chapters / "01_toy.ipynb" / "site", chapters)
    assert left(chapters) == {"01_toy.ipynb": "{}"}


def test_a_chapter_that_is_older_than_what_it_shows_is_named(toy_book):
    pairing.sync(toy_book / "01_toy.py")
    (said,) = site.outdated(toy_book)
    assert said == f"{toy_book / '01_toy.ipynb'} is stale (never run): run it again."
