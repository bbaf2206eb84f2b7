"""Photographs from a folder and from a server that fails, stalls and cuts short."""

import threading

import pytest
from yfcc import jpeg, line

from data_prep.errors import PrepError
from data_prep.yfcc100m import fetching
from data_prep.yfcc100m.fetching import Fetcher, Shelf
from data_prep.yfcc100m.metadata import parse_line
from data_prep.yfcc100m.sampling import as_candidate
from data_prep.yfcc100m.sources import (
    Gone,
    Patience,
    Stopped,
    Unreachable,
    Web,
    fill,
    open_source,
)

HASTY = Patience(timeout=1.0, total=5.0, attempts=3, pause=0.0)
LASTING = 99


def candidate(number, url=None):
    return as_candidate(parse_line(line(str(number), url=url)), number, "train")


@pytest.fixture
def fetch(tmp_path, server):
    """Return a function that fetches the first alive of some numbers."""

    def run(numbers, wanted, images=None, workers=4):
        source = open_source(images or server.url, HASTY)
        shelf = Shelf(tmp_path, source.place)
        fetcher = Fetcher(shelf, source, workers)
        found = fetcher.first_alive([candidate(i) for i in numbers], wanted, "test")
        return [int(one.identifier) for one in found], shelf

    return run


def test_the_first_that_are_alive_are_found_whatever_fails(fetch, server):
    server.faults = {
        1: ["404"] * LASTING,
        2: ["503", "500"],
        3: ["truncate"],
        4: ["stall"],
        5: ["page"] * LASTING,
        6: ["taken back"] * LASTING,
        7: ["stall"] * LASTING,
        8: ["truncate"] * LASTING,
        9: ["429"] * LASTING,
        10: ["damaged"] * LASTING,
        11: ["410"] * LASTING,
    }
    found, shelf = fetch(range(1, 31), 10)
    assert found == [2, 3, 4, 12, 13, 14, 15, 16, 17, 18]
    assert shelf.dead == {
        "1": "the server answers 404",
        "5": "not an image",
        "6": "taken back",
        "7": "the server stalls",
        "8": "it broke off",
        "9": "the server answers 429",
        "10": "a damaged image",
        "11": "the server answers 410",
    }
    assert server.asked[1] == server.asked[5] == 1  # asking again would not help
    assert server.asked[2] == server.asked[7] == 3
    assert server.asked[25] == 0


def test_what_is_kept_is_the_middle_square(fetch):
    _, shelf = fetch([7], 1)
    square = shelf.get("7")
    assert square.shape == (224, 224, 3)
    assert abs(square.astype(int) - (7, 80, 160)).max() < 6


def test_a_second_run_asks_only_for_what_is_missing(fetch, server, tmp_path):
    server.faults = {2: ["404"] * LASTING}
    first, shelf = fetch(range(1, 9), 5)
    shelf.path("4").unlink()
    server.asked.clear()
    second, shelf = fetch(range(1, 9), 5)
    assert first == second == [1, 3, 4, 5, 6]
    assert server.asked == {4: 1}
    record = (tmp_path / "dead.tsv").read_text()
    assert record == f"2\tthe server answers 404\t{server.url}/{{id}}.jpg\n"


def test_what_one_place_lacks_another_may_have(fetch, server, tmp_path):
    server.faults = {2: ["404"] * LASTING}
    fetch(range(1, 9), 3)
    folder = tmp_path / "mine"
    folder.mkdir()
    for number in (1, 2, 3):
        (folder / f"{number}.jpg").write_bytes(jpeg(number))
    found, shelf = fetch(range(1, 9), 3, images=str(folder))
    assert (found, shelf.dead) == ([1, 2, 3], {})


def test_few_photographs_are_fetched_at_a_time(fetch, server):
    fetch(range(1, 60), 50, workers=3)
    assert server.busiest <= 3


def test_all_there_is_comes_when_there_is_too_little(fetch, server):
    server.faults = {2: ["404"] * LASTING}
    found, _ = fetch(range(1, 5), 10)
    assert found == [1, 3, 4]


def test_a_folder_that_goes_away_meanwhile_buries_nothing(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(jpeg(1))
    source = open_source(str(folder))
    with pytest.raises(Gone, match="no file"):
        source.read(candidate(2))
    (folder / "3.jpg").mkdir()  # there, and cannot be read
    with pytest.raises(Unreachable, match="no file"):
        source.read(candidate(3))
    folder.rename(tmp_path / "away")
    with pytest.raises(Unreachable, match="no file"):
        source.read(candidate(1))


def test_a_network_that_is_down_ends_in_a_sentence_and_buries_nothing(
    fetch, server, tmp_path, monkeypatch
):
    fetch([1, 2], 2)
    monkeypatch.setattr(fetching, "IN_A_ROW", 5)
    with pytest.raises(PrepError, match="The last 5 photographs could not be reached"):
        fetch(range(1, 40), 30, images="http://127.0.0.1:9")
    assert not (tmp_path / "dead.tsv").exists()


def test_even_few_unreachable_photographs_bury_nothing_at_first(fetch, tmp_path):
    with pytest.raises(PrepError, match="check the network and --images"):
        fetch([1, 2], 2, images="http://127.0.0.1:9")
    assert not (tmp_path / "dead.tsv").exists()


def test_a_place_without_any_of_the_photographs_is_named(fetch, tmp_path, monkeypatch):
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.setattr(fetching, "AT_FIRST", 8)
    sentence = r"None of the first 8 photographs is at .*empty/\{id\}\.jpg \(no file"
    with pytest.raises(PrepError, match=sentence):
        fetch(range(1, 40), 30, images=str(folder))
    assert not (tmp_path / "dead.tsv").exists()


def test_a_place_that_serves_no_images_is_named(fetch, server, monkeypatch):
    server.faults = {number: ["page"] * LASTING for number in range(40)}
    monkeypatch.setattr(fetching, "AT_FIRST", 8)
    with pytest.raises(PrepError, match=r"None of the first 8 .* \(not an image\)"):
        fetch(range(1, 40), 30)


def test_a_full_disk_ends_it(fetch, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetching, "write_atomically", full)
    with pytest.raises(OSError, match="No space left"):
        fetch(range(1, 40), 30)


def test_a_damaged_file_on_the_shelf_is_forgotten_and_fetched_again(fetch):
    _, shelf = fetch([1], 1)
    shelf.path("1").write_bytes(b"\xff\xd8 damaged")
    with pytest.raises(PrepError, match="run this again"):
        shelf.get("1")
    fetch([1], 1)
    assert shelf.get("1").shape == (224, 224, 3)


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        ("drip", Unreachable, "the server is too slow"),
        ("endless", Unreachable, "the server is too slow"),
        ("404", Gone, "the server answers 404"),
    ],
)
def test_no_answer_takes_longer_than_patience(server, fault, kind, reason):
    server.faults = {1: [fault] * LASTING}
    patience = Patience(timeout=0.4, total=0.5, attempts=1, pause=0.0)
    with pytest.raises(kind, match=reason):
        Web(f"{server.url}/{{id}}.jpg", patience).read(candidate(1))


def test_a_file_that_is_too_large_is_given_up(server, monkeypatch):
    monkeypatch.setattr("data_prep.yfcc100m.sources.MOST_BYTES", 300_000)
    server.faults = {1: ["endless"]}
    with pytest.raises(Gone, match="too large a file"):
        Web(f"{server.url}/{{id}}.jpg", HASTY).read(candidate(1))


def test_an_address_that_is_none_is_gone(server):
    for url in ("http://127.0.0.1:x/a.jpg", "http://127.0.0.1/a b.jpg"):
        with pytest.raises(Gone, match="no address"):
            open_source(None, HASTY).read(candidate(1, url))


def test_each_photographs_own_address_is_the_default(server):
    source = open_source(None, HASTY)
    assert source.read(candidate(3, f"{server.url}/3.jpg")) == jpeg(3)


def test_places_are_filled_in(tmp_path):
    one = candidate(5, "http://farm8.staticflickr.com/7205/6985418911_df7747990d.jpg")
    assert fill("http://x/{path}", one).startswith("http://x/4e2/f7a/4e2f7a26a1df")
    assert open_source(f"{tmp_path}/").place == f"{tmp_path}/{{id}}.jpg"
    assert open_source(f"{tmp_path}/a{{id}}.png").place == f"{tmp_path}/a{{id}}.png"
    assert open_source("https://x.org/y/").place == "https://x.org/y/{id}.jpg"


@pytest.mark.parametrize("images", ["none/there", "none/{id}.jpg", "ftp://x/y"])
def test_a_folder_that_is_not_there_is_named(images):
    with pytest.raises(PrepError, match="is no folder: --images takes"):
        open_source(images)


def test_waiting_ends_when_the_program_does(server):
    server.faults = {1: ["503"] * LASTING}
    source = Web(f"{server.url}/{{id}}.jpg", Patience(attempts=9, pause=60.0))
    threading.Timer(0.2, source.stop.set).start()
    with pytest.raises(Stopped):
        source.read(candidate(1))
