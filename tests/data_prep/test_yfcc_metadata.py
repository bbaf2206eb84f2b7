"""The metadata of YFCC100M in its published format, whole and damaged."""

import bz2
import gzip
import tracemalloc
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yfcc import line, write

from data_prep.errors import PrepError
from data_prep.yfcc100m import stream
from data_prep.yfcc100m.metadata import (
    Photograph,
    commons_path,
    decode,
    parse_line,
    plain,
)
from data_prep.yfcc100m.stream import Place, read_lines


def test_lines_with_number_and_hash_and_lines_without_are_read_alike():
    columns = line().split(b"\t")
    shorter = b"\t".join([columns[1], *columns[3:]])
    assert len(columns) == 25
    one, two = parse_line(line()), parse_line(shorter)
    for name in ("identifier", "user", "title", "tags", "url", "page", "licence"):
        assert getattr(one, name) == getattr(two, name)


def test_fields_are_found_and_decoded():
    photograph = parse_line(line(description="a%0Ab%09c+%C3%A9t%C3%A9"))
    assert photograph.identifier == "6985418911"
    assert photograph.user == "39019111@N00"
    assert photograph.title == "Jenny & Ben"
    assert photograph.description == "a b c été"
    assert photograph.tags == ("new york", "canon")
    assert photograph.url == "http://farm1.staticflickr.com/1/6985418911_df7747990d.jpg"
    assert photograph.page == "http://www.flickr.com/photos/39019111@N00/6985418911/"
    assert photograph.licence == "Attribution License"


def test_markup_in_a_description_is_left_out():
    given = quote_plus(
        'See <a href="http://x.org/">my &quot;page&quot;</a> &amp; 1 < 2'
    )
    assert parse_line(line(description=given)).description == 'See my "page" & 1 < 2'


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_decoding_undoes_the_encoding(text):
    assert decode(quote_plus(text)) == " ".join(text.split())


@given(st.text(alphabet="a1²<>%+& b\u00a0", max_size=6))
def test_a_text_is_missing_exactly_if_nothing_is_left_of_it(text):
    encoded = quote_plus(text)
    found = parse_line(line(title=encoded, description=""))
    assert (found == "no title or description") == (plain(encoded) == "")


def test_an_encoded_comma_is_part_of_its_tag():
    assert parse_line(line(tags="a%2Cb,c")).tags == ("a,b", "c")


def test_the_place_in_the_commons_is_the_hash_of_the_address():
    # a published line: 6985418911 has the hash 4e2f7a26a1dfbf165a7e30bdabf7e72a
    url = "http://farm8.staticflickr.com/7205/6985418911_df7747990d.jpg"
    assert commons_path(url) == "4e2/f7a/4e2f7a26a1dfbf165a7e30bdabf7e72a.jpg"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (line(kind="1"), "video"),
        (line(title="", description="+"), "no title or description"),
        (line(title="", description="%3Cbr%3E"), "no title or description"),
        (line(tags=""), "no tag"),
        (line(tags=",+,"), "no tag"),
        (line(url=""), "no address"),
        (line(url="file:///etc/passwd"), "no address"),
        (line(identifier="x"), "broken line"),
        (line(identifier="²"), "broken line"),
        (line(kind="7"), "broken line"),
        (line()[:60] + b"\n", "broken line"),
        (b"\xff" + line(), "broken line"),
        (b"\n", "broken line"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(broken, reason):
    assert parse_line(broken) == reason


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(content):
    assert isinstance(parse_line(content), str)


@given(st.lists(st.text(max_size=20), min_size=23, max_size=25))
def test_no_columns_break_the_parser(columns):
    columns[-1] = "0"
    found = parse_line("\t".join(columns).encode("utf-8", "ignore"))
    assert isinstance(found, str | Photograph)


def read(paths, place=None):
    return list(read_lines(paths, place or Place()))


def identifiers(lines):
    return [parse_line(one).identifier for one in lines]


@pytest.mark.parametrize("name", ["m.bz2", "m.txt", "m.gz"])
def test_plain_and_packed_files_give_the_same(tmp_path, name):
    lines = [line(identifier=str(i)) for i in range(50)]
    path = write(tmp_path / name, lines)
    if name == "m.gz":
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert read([path]) == lines


def test_files_are_read_in_order_and_a_file_of_several_streams_to_its_end(tmp_path):
    one, two = tmp_path / "1.bz2", tmp_path / "2.bz2"
    one.write_bytes(bz2.compress(line("1")) + bz2.compress(line("2")))
    place = Place()
    assert identifiers(read([one, write(two, [line("3")])], place)) == ["1", "2", "3"]
    assert (place.file, place.offset, place.lines) == (2, 0, 3)


@pytest.mark.parametrize("suffix", ["bz2", "txt"])
@pytest.mark.parametrize("stop", [0, 1, 20, 39, 40, 55])
def test_reading_goes_on_at_any_place(tmp_path, suffix, stop):
    lines = [line(identifier=str(i), title=f"t{i * 7919}") for i in range(60)]
    paths = [
        write(tmp_path / f"1.{suffix}", lines[:40]),
        write(tmp_path / f"2.{suffix}", lines[40:]),
    ]
    place = Place()
    reader = read_lines(paths, place)
    begun = [next(reader) for _ in range(stop)]
    reader.close()
    assert begun + read(paths, Place(place.file, place.offset, place.lines)) == lines


@pytest.mark.parametrize("suffix", ["bz2", "gz"])
def test_a_file_that_breaks_off_gives_what_it_has_and_says_so(tmp_path, capsys, suffix):
    lines = [line(identifier=str(i), title=f"t{i * 7919**3}") for i in range(6_000)]
    path = write(tmp_path / f"m.{suffix}", lines)
    packed = path.read_bytes()
    if suffix == "gz":
        packed = gzip.compress(packed)
    path.write_bytes(packed[:-200])
    place = Place()
    begun = read([path], place)
    assert begun == lines[: len(begun)]
    assert len(begun) > 1_000
    assert place.broken_off == 1
    assert f"breaks off after line {len(begun):,}" in capsys.readouterr().err


def test_a_file_that_cannot_be_unpacked_at_all_is_refused(tmp_path):
    path = tmp_path / "m.bz2"
    path.write_bytes(b"BZh9 but nothing else")
    with pytest.raises(PrepError, match="cannot be unpacked: fetch it again"):
        read([path])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PrepError, match=r"m\.bz2 is not there"):
        read([tmp_path / "m.bz2"])


@pytest.mark.parametrize("length", [999, 1000, 1001, 5500])
def test_a_line_without_end_is_one_broken_line(tmp_path, monkeypatch, length):
    monkeypatch.setattr(stream, "LONGEST", 1000)
    path = write(tmp_path / "m.txt", [b"x" * (length - 1) + b"\n", line(), line()])
    found = [parse_line(one) for one in read([path])]
    assert found[0] == "broken line"
    assert [one.identifier for one in found[1:]] == ["6985418911"] * 2


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = write(tmp_path / "m.bz2", [line()] * 4_000)
    tracemalloc.start()
    count = sum(1 for _ in read_lines([path], Place()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4_000
    assert peak < 500_000 < count * len(line())
