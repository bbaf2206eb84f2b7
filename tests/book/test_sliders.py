import base64
import io
import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from kdgan_lib import figures
from kdgan_lib.figures import publish, sliders, style


def draw(*values):
    fig, axes = figures.figure(width=2, height=1)
    axes.set_title(str(values))
    return fig


@pytest.fixture
def page():
    values = {"rate": [0.1, 0.2, 0.3], "label": ["a", "b"]}
    return sliders.slider(draw, values, "Caption.", "A title", start=[1, 0]).data


def test_there_is_one_frame_per_combination_and_one_is_visible(page):
    frames = re.findall(r"<img[^>]*>", page)
    assert len(frames) == 6
    assert [place for place, frame in enumerate(frames) if "hidden" not in frame] == [2]


def test_every_slider_is_labelled_and_starts_where_told(page):
    inputs = re.findall(
        r'<label for="([\w-]+)">.*?<input type="range" id="([\w-]+)"', page
    )
    assert len(inputs) == 2
    assert all(label == identity for label, identity in inputs)
    assert 'max="2" step="1" value="1" aria-valuetext="0.2"' in page


def test_every_frame_says_the_chosen_values(page):
    assert 'alt="A title (rate = 0.3, label = b)"' in page


def test_a_frame_without_runs_says_so_and_names_its_command():
    some = {"n": [50, 100]}
    page = sliders.slider(
        lambda n: draw(n) if n == 50 else None,
        some,
        "Caption.",
        "A title",
        command="kdgan sweep b",
    ).data
    assert 'alt="A title (n = 50)"' in page
    assert 'alt="Not run: kdgan sweep b (n = 100)"' in page


def test_nothing_is_loaded_from_anywhere(page):
    assert set(re.findall(r'src="(\w+):', page)) == {"data"}
    assert "http" not in re.sub(r'src="[^"]*"', "", page)


def test_a_slider_without_values_or_texts_is_refused():
    with pytest.raises(ValueError, match="at least one value"):
        sliders.slider(draw, {"rate": []}, "Caption.", "Alt")
    with pytest.raises(ValueError, match="alternative text"):
        sliders.slider(draw, {"rate": [1]}, "Caption.", "")


def test_the_palette_of_a_frame_keeps_the_colour_of_every_method():
    fig, axes = figures.figure()
    lines = list(style.LINES.values())
    for place, colour in enumerate(sorted(set(style.COLOURS.values()))):
        heights, line = np.array([0, 0.6, 0.1, 1]) + place, lines[place % len(lines)]
        axes.plot(range(4), heights, color=colour, ls=line, label=colour)
    axes.legend()
    data = base64.b64decode(publish.data_uri(fig).split(",")[1])
    with Image.open(io.BytesIO(data)) as picture:
        shown = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    for name, colour in style.COLOURS.items():
        wanted = np.round(255 * np.array(to_rgb(colour)))
        assert np.abs(shown - wanted).max(axis=1).min() < 20, name
