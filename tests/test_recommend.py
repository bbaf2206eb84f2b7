"""Recommending tags for one's own picture: right, and clear about what is missing."""

import numpy as np
import pytest
import torch
from PIL import Image

from kdgan_lib import cli, recommend
from kdgan_lib.nets import build_players
from kdgan_lib.tag_nets import TagClassifier
from kdgan_lib.tags import load_tags, tag_names


@pytest.fixture
def stored(runs_folder):
    """Store an untrained classifier; return it."""
    network = build_players({"classifier": TagClassifier}, 0)["classifier"].eval()
    recommend.save_classifier(network, "abc")
    return network


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGBA", (60, 30), (255, 0, 0, 255)).save(path)
    return path


def call(capsys, *arguments):
    code = cli.main(["recommend", *map(str, arguments)])
    return code, *capsys.readouterr()


def test_the_stored_classifier_sees_features_as_the_split_has_them(stored):
    found = recommend.load_classifier()
    assert (found.run_id, found.tags) == ("abc", tag_names("popular"))
    inputs = load_tags("popular").test.inputs[:20]
    raw = inputs * found.deviation + found.mean
    with torch.inference_mode():
        expected = stored(inputs)
    assert torch.allclose(found(raw), expected, atol=0.02)
    assert (recommend.runs_dir() / recommend.FILE).stat().st_size < 2_000_000


def test_a_picture_is_padded_on_white_as_the_drawings_are(picture):
    pixels = recommend.read_picture(picture)
    assert pixels.shape == (224, 224, 3)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[112, 112].tolist() == [255, 0, 0]


def test_what_is_transparent_becomes_white(tmp_path):
    path = tmp_path / "clear.png"
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(path)
    assert (recommend.read_picture(path) == 255).all()


def test_the_command_prints_the_best_tags(stored, picture, capsys, monkeypatch):
    monkeypatch.setattr(
        recommend, "extract", lambda pictures: torch.zeros(len(pictures), 1280)
    )
    code, output, _ = call(capsys, picture, "--top", "2")
    assert code == 0
    name, tags = output.strip().split(": ")
    assert name == str(picture)
    assert [tag.rsplit(" ", 1)[0] in tag_names() for tag in tags.split(", ")] == [
        True
    ] * 2


def test_without_the_classifier_the_command_that_makes_it_is_named(
    runs_folder, picture, capsys
):
    code, _, error = call(capsys, picture)
    assert code == 1
    assert "`kdgan predictions` trains the classifier" in error


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file"),
        (b"<svg/>", "is no picture that can be read: save it as PNG or JPEG."),
        (b"", "is no picture that can be read"),
    ],
)
def test_a_file_that_is_no_picture_is_one_sentence(
    stored, tmp_path, capsys, content, sentence
):
    path = tmp_path / "x.png"
    if content is not None:
        path.write_bytes(content)
    code, _, error = call(capsys, path)
    assert code == 1
    assert sentence in error
    assert str(path) in error


def test_a_damaged_picture_is_one_sentence(stored, tmp_path, capsys):
    path = tmp_path / "cut.png"
    noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:4_000])
    code, _, error = call(capsys, path)
    assert code == 1
    assert "cannot be decoded" in error


def test_a_folder_is_no_picture(stored, tmp_path, capsys):
    code, _, error = call(capsys, tmp_path)
    assert (code, "is a folder" in error) == (1, True)


@pytest.mark.parametrize("top", [0, 201])
def test_the_number_of_tags_has_limits(stored, picture, capsys, top):
    code, _, error = call(capsys, picture, "--top", top)
    assert (code, "from 1 to the 200 tags" in error) == (1, True)


@pytest.mark.parametrize("damage", ["nothing", "bits"])
def test_a_damaged_file_of_weights_says_how_to_make_it_again(
    stored, picture, capsys, runs_folder, damage
):
    content = bytearray((runs_folder / recommend.FILE).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    (runs_folder / recommend.FILE).write_bytes(
        b"nothing" if damage == "nothing" else content
    )
    code, _, error = call(capsys, picture)
    assert code == 1
    assert "is damaged: `kdgan predictions --force`" in error


def test_a_network_that_cannot_be_fetched_is_one_sentence(
    stored, picture, capsys, monkeypatch
):
    from data_prep import features
    from data_prep.errors import PrepError

    def refused(*_):
        raise PrepError("There is no connection.")

    monkeypatch.setattr(features, "load_backbone", refused)
    monkeypatch.setattr(recommend, "find_spec", lambda name: name)
    code, _, error = call(capsys, picture)
    assert code == 1
    assert "efficientnet_lite0 cannot be had" in error
    assert "There is no connection." in error


def test_a_missing_package_is_named_before_anything_is_fetched(
    stored, picture, capsys, monkeypatch
):
    from data_prep import features

    fetched = []
    monkeypatch.setattr(features, "load_backbone", lambda *place: fetched.append(place))
    monkeypatch.setattr(recommend, "find_spec", lambda name: None)
    code, _, error = call(capsys, picture)
    assert code == 1
    assert error.startswith(
        "kdgan recommend: The package efficientnet_lite_pytorch is missing"
    )
    assert 'run `pip install -e ".[data]"` in the book\'s folder.' in error
    assert not fetched
