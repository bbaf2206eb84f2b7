import nbformat
import pytest

from kdgan_lib.front_page import fill_front_page
from kdgan_lib.paths import book_dir
from kdgan_lib.site import figure_directive

FENCE = "```{{from}} 01_toy {word}\n```"


@pytest.fixture
def staged(tmp_path):
    """Return a folder with a staged chapter that shows a figure and a slider."""
    facts = {"name": "fig-line", "alt": "A rising line.", "caption": "A line."}
    shown = [
        {"text/markdown": figure_directive(facts, "_figures/01_toy/fig-line.png", 640)},
        {"text/html": '<figure class="kd-slider"></figure>'},
    ]
    outputs = [nbformat.v4.new_output("display_data", data) for data in shown]
    cell = nbformat.v4.new_code_cell("draw()", outputs=outputs)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "01_toy.ipynb")
    return tmp_path


def filled(folder, text):
    (folder / "index.md").write_text(f"Before.\n\n{text}\n\nAfter.\n")
    fill_front_page(folder)
    return (folder / "index.md").read_text()


def test_a_chapters_figure_is_shown_without_its_number_and_name(staged):
    text = filled(staged, FENCE.format(word="fig-line"))
    assert "{image} _figures/01_toy/fig-line.png" in text
    assert ":alt: A rising line." in text
    assert ":name:" not in text
    assert "{figure}" not in text
    assert text.startswith("Before.")
    assert text.endswith("After.\n")


def test_a_chapters_slider_is_shown_as_it_is(staged):
    text = filled(staged, FENCE.format(word="kd-slider"))
    assert '```{raw} html\n<figure class="kd-slider"></figure>\n```' in text


def test_a_chapter_that_is_not_written_leaves_nothing(staged):
    (staged / "01_toy.ipynb").unlink()
    assert "{from}" not in filled(staged, FENCE.format(word="fig-line"))


def test_an_output_that_a_chapter_does_not_show_is_refused(staged):
    with pytest.raises(LookupError, match="'fig-other' of 01_toy"):
        filled(staged, FENCE.format(word="fig-other"))


def test_the_front_page_asks_for_the_game_the_curves_and_the_verdicts():
    text = (book_dir() / "index.md").read_text()
    for word in ("fig-game-players", "fig-curves-controlled", "kd-slider", "kd-strip"):
        assert word in text
