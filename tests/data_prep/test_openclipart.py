"""The embedded tag data set: its parts on small drawings, its tables as committed."""

import hashlib
import os
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepError
from data_prep.openclipart import build, source
from data_prep.openclipart.compare import differences
from data_prep.openclipart.drawings import (
    Drawing,
    clean_tags,
    read_drawing,
    select,
)
from data_prep.openclipart.grouping import group, look_alikes, merge, stem
from data_prep.openclipart.split import SHARES, split_groups
from data_prep.openclipart.vocabulary import popular_tags, random_tags, stop_tags
from data_prep.pictures import Pictures, halve, is_blank, process
from data_prep.tag_table import (
    decode_thumbnail,
    read_tables,
    write_tables,
)
from kdgan_lib.paths import book_dir
from kdgan_lib.text import names_a_tag

STEM = "openclipart"
PUBLIC = "http://web.resource.org/cc/PublicDomain"
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:cc="http://web.resource.org/cc/" xmlns:dc="http://purl.org/dc/elements/1.1/">
 <metadata><rdf:RDF><cc:Work><dc:title> Red
 Apple</dc:title><dc:description>HASH(0x862bbb8)</dc:description>
 <dc:subject><rdf:Bag><rdf:li>hash</rdf:li><rdf:li></rdf:li><rdf:li>Fruit</rdf:li>
 <rdf:li>north_america</rdf:li><rdf:li>Ann Author</rdf:li></rdf:Bag></dc:subject>
 <dc:creator><cc:Agent><dc:title>Ann Author</dc:title></cc:Agent></dc:creator>
 <cc:license rdf:resource="LICENCE"/></cc:Work></rdf:RDF></metadata>
 <rect id="ID" width="9" height="9" fill="COLOUR"/></svg>"""


def svg_file(folder, name, licence=PUBLIC, colour="red", identity="a"):
    path = folder / name
    text = SVG.replace("LICENCE", licence).replace("COLOUR", colour)
    path.write_text(text.replace('"ID"', f'"{identity}"'))
    return path


def drawing(path="a/b.svg", digest="d", title="T", tags=("x",), licence=PUBLIC):
    return Drawing(path, title, "", tuple(tags), frozenset({licence}), digest)


def test_metadata_is_read_without_the_archives_artefacts(tmp_path):
    found = read_drawing(svg_file(tmp_path, "a.svg"), tmp_path)
    assert (found.path, found.title, found.description) == ("a.svg", "Red Apple", "")
    assert found.tags == ("fruit", "north america")
    assert found.licences == {PUBLIC}


def test_the_digest_is_of_what_is_drawn_and_not_of_the_metadata(tmp_path):
    one, other_licence, other_colour = (
        read_drawing(svg_file(tmp_path, name, **options), tmp_path).digest
        for name, options in [
            ("a.svg", {}),
            ("b.svg", {"licence": "x"}),
            ("c.svg", {"colour": "blue"}),
        ]
    )
    assert one == other_licence != other_colour


def test_numbers_hashes_and_folder_names_are_no_tags():
    words = ["hash", "0x8b754fc", "11", "", "unsorted", "Cat", "cat ", "-"]
    assert clean_tags(words) == ("cat",)


def test_spirographs_unclear_licences_and_untagged_drawings_are_dropped():
    star = drawing(tags=("geometry", "magick", "shapes", "stars"))
    gpl = drawing(licence="http://creativecommons.org/licenses/GPL/2.0/")
    none = replace(drawing(), licences=frozenset())
    kept, dropped = select([drawing(), star, gpl, none, drawing(tags=())])
    assert kept == [drawing()]
    assert sorted(dropped.values()) == [1, 1, 2]


def test_equal_drawings_merge_in_order():
    merged = merge([drawing("a"), drawing("b", "e"), drawing("c")])
    assert [[one.path for one in same] for same in merged] == [["a", "c"], ["b"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Jigsaw_red_10", "jigsaw red"), ("Crawfish (B and W)", "crawfish"), ("42", "")],
)
def test_stems_drop_numbers_and_remarks(text, expected):
    assert stem(text) == expected


def noise(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 200, (count, 8, 8, 3), dtype=np.uint8)


def test_a_title_a_file_name_and_a_look_each_make_a_group():
    thumbnails = noise(7)
    thumbnails[6] = thumbnails[0]
    titles = ["Cat 1", "cat 2", "Dog", "Eel", "Fox", "", ""]
    paths = ["p/a.svg", "p/b.svg", "p/c_1.svg", "p/c_2.svg", "q/c_3.svg", "q/1.svg"]
    groups = group(titles, [*paths, "q/2.svg"], thumbnails)
    assert groups.tolist() == [0, 0, 2, 2, 4, 5, 0]


def test_a_collections_title_makes_no_group():
    count = 41
    paths = [f"{'x' * (i + 1)}.svg" for i in range(count)]
    assert len(set(group(["Icons"] * count, paths, noise(count)))) == count


def test_look_alikes_are_measured_by_their_ink():
    thumbnails = np.full((3, 8, 8, 3), 255, np.uint8)
    thumbnails[0, :4] = thumbnails[1, :4] = 0
    thumbnails[1, 0, 0] = 255  # one of 32 black pixels
    thumbnails[2, 4:] = 0
    assert list(look_alikes(thumbnails)) == [(0, 1)]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_group_is_in_two_parts_and_the_parts_have_their_shares(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 120, 300).tolist()
    tags = [[f"t{k}" for k in rng.integers(0, 12, 2)] for _ in range(300)]
    parts = split_groups(groups, tags)
    by_group = {}
    for item, part in zip(groups, parts, strict=True):
        assert by_group.setdefault(item, part) == part
    for part, share in SHARES.items():
        assert parts.count(part) == pytest.approx(300 * share, abs=30)


def test_a_rare_tag_reaches_every_part():
    tags = [["rare"] if i < 10 else ["common"] for i in range(200)]
    parts = split_groups(list(range(200)), tags)
    assert {part: parts[:10].count(part) for part in SHARES} == {
        "train": 7,
        "validation": 1,
        "test": 2,
    }


def test_vocabularies_are_the_frequent_tags_and_a_seeded_draw():
    tags = [["a", "b"]] * 6 + [["b", "c"]] * 5 + [["d"]] * 4
    assert popular_tags(tags, 2) == ["b", "a"]
    assert random_tags(tags, 10) == ["a", "b", "c"]
    assert random_tags(tags, 2, seed=1) == random_tags(tags, 2, seed=1)
    assert stop_tags([["a"]] * 3 + [["b"]] * 7 + [[]] * 10) == ["b"]


def test_blank_pictures_are_found_and_halving_averages():
    thumbnails = np.full((2, 4, 4, 3), 255, np.uint8)
    thumbnails[1, 0, 0] = 55
    assert is_blank(thumbnails).tolist() == [True, False]
    assert halve(thumbnails)[1, 0, 0].tolist() == [205] * 3


def test_finished_chunks_are_not_read_again(tmp_path, monkeypatch):
    read = []

    def picture(number):
        read.append(number)
        return np.full((224, 224, 3), number, np.uint8)

    def features(pictures):
        yield np.stack([p.mean((0, 1)) for p in pictures]).astype(np.float16)

    monkeypatch.setattr("data_prep.pictures.CHUNK", 2)
    given = list("abcde"), picture, tmp_path, {"mean": features}, "test"
    once = process(*given)
    assert (read, once.thumbnails.shape) == ([0, 1, 2, 3, 4], (5, 56, 56, 3))
    assert once.features["mean"][:, 0].tolist() == [0, 1, 2, 3, 4]
    for damage in (lambda file: file.unlink(), lambda file: os.truncate(file, 50)):
        before = len(read)
        damage(min(tmp_path.glob("*-mean.npy")))
        again = process(*given)
        assert len(read) - before in (1, 2)
        assert (again.features["mean"] == once.features["mean"]).all()


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr("data_prep.openclipart.vocabulary.EVERYWHERE", 0.9)
    rng = np.random.default_rng(0)
    merged = [
        [drawing(f"d{i}/x.svg", str(i), "t" * (i + 1), ["ab"[i % 2], "c"])]
        for i in range(20)
    ]
    pixels = rng.integers(0, 255, (20, 56, 56, 3), dtype=np.uint8)
    features = {"net": rng.random((20, 3)).astype(np.float16)}
    return build.assemble(merged, Pictures(pixels, features))


def test_tables_survive_a_round_trip_and_differences_are_named(tmp_path, small):
    tables = small
    assert tables.facts["stop"] == ["c"]
    write_tables(tables, tmp_path, STEM)
    kept = read_tables(tmp_path, STEM)
    assert differences(tables, kept) == []
    other = replace(tables, features={"net": tables.features["net"] + 1})
    assert "net features differ by up to 1.000." in differences(other, kept)
    titles = pa.array(["?"] * kept.images.num_rows)
    images = kept.images.set_column(1, "title", titles)
    assert "column title differs" in differences(replace(kept, images=images), kept)[0]


def test_comparison_says_what_to_do_when_tables_are_missing_or_differ(tmp_path, small):
    tables = small
    write_tables(tables, tmp_path / "built", STEM)
    with pytest.raises(PrepError, match="copy the tables"):
        build.compare(tmp_path / "built", tmp_path / "kept")
    other = replace(tables, facts={**tables.facts, "stop": ["z"]})
    write_tables(other, tmp_path / "kept", STEM)
    with pytest.raises(PrepError, match="vocabularies or the counts differ"):
        build.compare(tmp_path / "built", tmp_path / "kept")


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Let the package be twelve drawings, rendering a colour, features its mean."""
    drawings = tmp_path / "svg"
    drawings.mkdir()
    for number in range(12):
        svg_file(drawings, f"{'abcdefghijkl'[number]}.svg", colour=f"c{number}")
    drawn = []

    def draw(path):
        drawn.append(path.name)
        shade = np.arange(224 * 224 * 3, dtype=np.uint32) * (ord(path.name[0]) - 90)
        return (shade % 251).astype(np.uint8).reshape(224, 224, 3)

    def extractor(name, weights):
        def run(pictures):
            means = [picture.mean((0, 1)) for picture in pictures]
            yield np.stack(means).astype(np.float16)

        return run

    monkeypatch.setattr(build, "drawings_folder", lambda folder: drawings)
    monkeypatch.setattr(build, "render", draw)
    monkeypatch.setattr(build, "extractor", extractor)
    monkeypatch.setattr(build, "book_dir", lambda: tmp_path / "book")
    monkeypatch.setattr("data_prep.openclipart.vocabulary.EVERYWHERE", 1.0)
    monkeypatch.setattr("data_prep.pictures.CHUNK", 4)
    return drawn


def keep(tmp_path):
    """Copy the built tables into the book, as a reader is told to."""
    built = read_tables(tmp_path / "openclipart" / "tables", STEM)
    write_tables(built, tmp_path / "book" / "data", STEM)


def test_the_command_builds_once_and_more_features_when_they_are_asked_for(
    tmp_path, archive
):
    folder = tmp_path / "openclipart"
    with pytest.raises(PrepError, match="copy the tables"):
        build.prepare(folder)
    keep(tmp_path)
    assert not build.prepare(folder)
    assert build.prepare(folder, features=["vgg16"])
    assert not build.prepare(folder, features=["vgg16"])
    assert not build.prepare(folder)
    built = read_tables(folder / "tables", STEM)
    assert list(built.features) == ["efficientnet_lite0", "vgg16"]
    archive.clear()
    assert build.prepare(folder, force=True)
    assert len(archive) == 12
    assert list(read_tables(folder / "tables", STEM).features) == ["efficientnet_lite0"]


def test_an_interrupted_build_goes_on_where_it_was(tmp_path, archive, monkeypatch):
    folder, draw = tmp_path / "openclipart", build.render

    def interrupted(path):
        if len(archive) == 10:
            raise KeyboardInterrupt
        return draw(path)

    with monkeypatch.context() as patch:
        patch.setattr(build, "render", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build.prepare(folder)
    with pytest.raises(PrepError, match="copy the tables"):
        build.prepare(folder)
    assert len(archive) == 10 + 4  # two chunks of four were done
    first = read_tables(folder / "tables", STEM)
    keep(tmp_path)
    assert build.prepare(folder, force=True)
    assert differences(read_tables(folder / "tables", STEM), first) == []


def test_open_clip_art_has_one_source_only(tmp_path):
    with pytest.raises(PrepError, match="as a package only"):
        build.prepare(tmp_path, source="public")


def test_what_an_interrupted_download_left_is_fetched_again(tmp_path, monkeypatch):
    asked = []

    def run(command, folder):
        asked.append(command)
        (folder / "new.deb").write_bytes(b"new")

    monkeypatch.setattr(source, "_run", run)
    monkeypatch.setattr(source, "SHA256", hashlib.sha256(b"new").hexdigest())
    (tmp_path / "old.deb").write_bytes(b"half")
    assert source._fetch(tmp_path).name == source._fetch(tmp_path).name == "new.deb"
    assert len(asked) == 1
    assert not (tmp_path / "old.deb").exists()


def test_another_package_than_the_published_one_is_refused(tmp_path):
    (tmp_path / "x.deb").write_bytes(b"no package")
    with pytest.raises(PrepError, match="delete it"):
        source.verify(tmp_path / "x.deb")
    with pytest.raises(PrepError, match="is not there"):
        source.verify(tmp_path / "y.deb")


def test_a_machine_without_apt_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrepError, match="Debian or Ubuntu"):
        source.drawings_folder(tmp_path)


@pytest.fixture(scope="module")
def committed():
    return read_tables(book_dir() / "data", STEM)


def test_the_committed_tables_are_whole_and_small(committed):
    rows = committed.images.num_rows
    assert all(len(values) == rows for values in committed.features.values())
    widths = {name: values.shape[1] for name, values in committed.features.items()}
    assert widths == {"efficientnet_lite0": 1280, "vgg16": 512}
    for values in committed.features.values():
        assert np.isfinite(values).all()
        assert (values >= 0).all()  # both end in a rectifier
        assert values.any(1).all()
    size = sum(file.stat().st_size for file in (book_dir() / "data").iterdir())
    assert size <= 15_000_000


def test_the_committed_split_shares_no_group(committed):
    frame = committed.images.select(["group", "split"]).to_pandas()
    assert (frame.groupby("group").split.nunique() == 1).all()


def test_the_committed_vocabularies_have_the_declared_sizes(committed):
    facts = committed.facts
    tags = committed.images.column("tags").to_pylist()
    assert len(set(facts["popular"])) == len(set(facts["random"])) == 200
    for vocabulary in ("popular", "random"):
        for tag in facts[vocabulary]:
            assert sum(tag in row for row in tags) >= 5


def test_the_committed_thumbnails_are_pictures(committed):
    for content in committed.images.column("thumbnail").to_pylist()[::500]:
        assert decode_thumbnail(content).shape == (56, 56, 3)


def test_the_datasheets_counts_are_the_tables(committed):
    counts = committed.facts["counts"]
    assert counts["images"] == committed.images.num_rows
    popular = set(committed.facts["popular"])
    rows = committed.images.select(["title", "tags"]).to_pylist()
    named = sum(names_a_tag(row["title"], popular & set(row["tags"])) for row in rows)
    assert counts["title names a popular tag of the image"] == named
    sheet = (book_dir() / "data" / "openclipart.md").read_text()
    for name, number in counts.items():
        assert f"| {name} | {number:,} |" in sheet
    tagged = counts["with a popular tag"]
    share = (
        f"{named:,} of the {tagged:,} images with a popular tag ({named / tagged:.0%})"
    )
    assert share in sheet


def test_the_datasheet_owns_up_to_what_was_seen_of_the_test_part():
    sheet = (book_dir() / "data" / "openclipart.md").read_text()
    assert "chosen while looking at test scores" in sheet
