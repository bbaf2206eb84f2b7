"""The metadata of YFCC100M in its published format, whole and damaged."""

import bz2
import tracemalloc
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep import yfcc100m
from data_prep.yfcc100m import Tally, decode, parse_line, read_photographs

URL = "http://farm1.staticflickr.com/1/6985418911_df7747990d.jpg"


def line(
    identifier="6985418911",
    title="Jenny+%26+Ben",
    description="",
    tags="New+York,canon,Canon",
    url=URL,
    kind="0",
):
    columns = ["0", identifier, "4e2f7a26", "39019111@N00", "user+name"]
    columns += ["2012-02-16+09:56:37.0", "1331840483", "Canon+PowerShot"]
    columns += [title, description, tags, "", "-81.8", "28.3", "11"]
    columns += ["http://www.flickr.com/photos/1/2/", url, "Attribution+License"]
    columns += ["http://creativecommons.org/licenses/by/2.0/", "7205", "8"]
    columns += ["df7747990d", "692d7e0a7f", "jpg", kind]
    return "\t".join(columns).encode() + b"\n"


def write(folder, lines, packed=True):
    path = folder / ("meta.bz2" if packed else "meta.txt")
    content = b"".join(lines)
    path.write_bytes(bz2.compress(content) if packed else content)
    return path


def test_lines_with_number_and_hash_and_lines_without_are_read_alike():
    columns = line().split(b"\t")
    shorter = b"\t".join([columns[1], *columns[3:]])
    assert len(columns) == 25
    assert parse_line(shorter) == parse_line(line())


def test_fields_are_found_and_decoded():
    photograph = parse_line(line(description="a%0Ab%09c+%C3%A9t%C3%A9"))
    assert photograph.identifier == "6985418911"
    assert photograph.title == "Jenny & Ben"
    assert photograph.description == "a b c été"
    assert photograph.tags == ("new york", "canon")
    assert photograph.url == URL


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_decoding_undoes_the_encoding(text):
    assert decode(quote_plus(text)) == " ".join(text.split())


def test_an_encoded_comma_is_part_of_its_tag():
    assert parse_line(line(tags="a%2Cb,c")).tags == ("a,b", "c")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (line(kind="1"), "video"),
        (line(title="", description="+"), "no title or description"),
        (line(tags=""), "no tag"),
        (line(tags=",+,"), "no tag"),
        (line(url=""), "no address"),
        (line(url="file:///etc/passwd"), "no address"),
        (line(identifier="x"), "broken line"),
        (line(kind="7"), "broken line"),
        (line()[:60] + b"\n", "broken line"),
        (b"\xff" + line(), "broken line"),
        (b"\n", "broken line"),
    ],
)
def test_lines_that_cannot_be_used_are_counted_by_reason(tmp_path, broken, reason):
    tally = Tally()
    path = write(tmp_path, [line(), broken, line()])
    assert len(list(read_photographs(path, tally))) == 2
    assert (tally.lines, dict(tally.skipped)) == (3, {reason: 1})


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(content):
    assert isinstance(parse_line(content), str)


@pytest.mark.parametrize("packed", [True, False])
def test_plain_and_compressed_files_give_the_same(tmp_path, packed):
    lines = [line(identifier=str(i)) for i in range(50)]
    tally = Tally()
    found = list(read_photographs(write(tmp_path, lines, packed), tally))
    assert [p.identifier for p in found] == [str(i) for i in range(50)]
    assert tally.lines_per_second > 0


def test_a_file_of_several_compressed_streams_is_read_to_its_end(tmp_path):
    path = tmp_path / "meta.bz2"
    path.write_bytes(bz2.compress(line()) + bz2.compress(line(identifier="2")))
    assert [p.identifier for p in read_photographs(path)] == ["6985418911", "2"]


def test_a_file_that_is_cut_short_gives_what_it_has_and_says_so(tmp_path):
    lines = [line(identifier=str(i), title=f"t{i * 7919}") for i in range(2_000)]
    path = write(tmp_path, lines)
    path.write_bytes(path.read_bytes()[:-100])
    tally = Tally()
    list(read_photographs(path, tally))
    assert tally.skipped["file cut short"] == 1


def test_a_line_without_end_is_one_broken_line(tmp_path, monkeypatch):
    monkeypatch.setattr(yfcc100m, "LONGEST", 1000)
    path = write(tmp_path, [b"x" * 5500 + b"\n", line(), line()], packed=False)
    tally = Tally()
    assert len(list(read_photographs(path, tally))) == 2
    assert dict(tally.skipped) == {"broken line": 1}


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = write(tmp_path, [line()] * 1_000)
    tracemalloc.start()
    count = sum(1 for _ in read_photographs(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 1_000
    assert peak < 8_000_000
