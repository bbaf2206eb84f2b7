"""A download ends in the published bytes or in one sentence, come what may."""

import errno
import os
import socket
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.errors import PrepError
from data_prep.fetch import Patience, Remote, download

CONTENT = bytes(range(256)) * 4096  # 1 MiB: more than a chunk, more than a buffer


def fetch(server, folder: Path, patience: Patience) -> bytes:
    target = folder / "file"
    assert download(Remote(server.url, server.md5), target, patience) == target
    assert os.listdir(folder) == ["file"]
    return target.read_bytes()


def test_a_whole_download_is_kept(serve, hasty, tmp_path):
    assert fetch(serve(CONTENT), tmp_path, hasty) == CONTENT


def test_a_file_that_is_there_is_not_asked_for_again(serve, hasty, tmp_path):
    server = serve(CONTENT)
    (tmp_path / "file").write_bytes(CONTENT)
    fetch(server, tmp_path, hasty)
    assert server.asked == []


def test_a_damaged_file_that_is_there_is_replaced(serve, hasty, tmp_path):
    (tmp_path / "file").write_bytes(CONTENT[:-1] + b"!")
    assert fetch(serve(CONTENT), tmp_path, hasty) == CONTENT


def test_a_truncated_download_is_resumed_where_it_broke_off(serve, hasty, tmp_path):
    server = serve(CONTENT)
    server.faults = [("truncate", 300_000)]
    assert fetch(server, tmp_path, hasty) == CONTENT
    assert server.asked == [None, "bytes=300000-"]


def test_a_truncated_download_restarts_where_a_server_cannot_resume(
    serve, hasty, tmp_path
):
    server = serve(CONTENT)
    server.ranges = False
    server.faults = [("truncate", 300_000)]
    assert fetch(server, tmp_path, hasty) == CONTENT
    assert len(server.asked) == 2


def test_a_stalled_download_is_resumed(serve, hasty, tmp_path):
    server = serve(CONTENT)
    server.faults = [("stall", 300_000)]
    assert fetch(server, tmp_path, hasty) == CONTENT
    assert server.asked[-1].startswith("bytes=")


def test_an_interrupted_program_resumes_at_its_next_start(serve, hasty, tmp_path):
    server = serve(CONTENT)
    server.faults = [("truncate", 1000)] * hasty.attempts
    with pytest.raises(PrepError, match="broke off after 4,000 of 1,048,576 bytes"):
        fetch(server, tmp_path, hasty)
    assert fetch(server, tmp_path, hasty) == CONTENT
    assert server.asked[-1] == "bytes=4000-"


@pytest.mark.parametrize("part", [b"other" * 100, CONTENT + b"more", CONTENT])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_wrong_or_whole_part_does_no_harm(serve, hasty, tmp_path, part, ranges):
    server = serve(CONTENT)
    server.ranges = ranges
    (tmp_path / "file.part").write_bytes(part)
    assert fetch(server, tmp_path, hasty) == CONTENT


def test_a_server_that_resumes_at_the_wrong_place_is_asked_again(
    serve, hasty, tmp_path
):
    server = serve(CONTENT)
    server.faults = [("truncate", 1000), ("shifted",)]
    assert fetch(server, tmp_path, hasty) == CONTENT


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, len(CONTENT) - 1), max_size=3), ranges=st.booleans()
)
def test_any_three_breaks_are_survived(serve, hasty, tmp_path, cuts, ranges):
    (tmp_path / "file").unlink(missing_ok=True)
    server = serve(CONTENT)
    server.ranges = ranges
    server.faults = [("truncate", cut) for cut in cuts]
    assert fetch(server, tmp_path, hasty) == CONTENT


def test_a_passing_server_error_is_survived(serve, hasty, tmp_path):
    server = serve(CONTENT)
    server.faults = [("status", 500), ("status", 503), ("status", 429)]
    assert fetch(server, tmp_path, hasty) == CONTENT


@pytest.mark.parametrize(("status", "requests"), [(500, 4), (404, 1), (403, 1)])
def test_a_lasting_server_error_ends_in_a_sentence(
    serve, hasty, tmp_path, status, requests
):
    server = serve(CONTENT)
    server.faults = [("status", status)] * 10
    with pytest.raises(PrepError, match=f"the server answers {status}"):
        fetch(server, tmp_path, hasty)
    assert len(server.asked) == requests
    assert os.listdir(tmp_path) == []


def test_wrong_bytes_are_refused_at_once_and_not_kept(serve, hasty, tmp_path):
    server = serve(CONTENT)
    server.faults = [("wrong", b"<html>Please log in</html>")] * 10
    with pytest.raises(PrepError, match="not the published"):
        fetch(server, tmp_path, hasty)
    assert len(server.asked) == 1
    assert os.listdir(tmp_path) == []


def test_an_unreachable_server_is_given_up_at_once(hasty, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/file"
        start = time.monotonic()
        with pytest.raises(PrepError, match="cannot be reached"):
            download(Remote(url, "0" * 32), tmp_path / "file", hasty)
    assert time.monotonic() - start < 2


def test_a_server_that_never_answers_is_given_up_after_the_timeout(hasty, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # connects, and says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file"
        with pytest.raises(PrepError, match="cannot be reached"):
            download(Remote(url, "0" * 32), tmp_path / "file", hasty)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's /dev/full")
def test_a_full_disk_is_not_taken_for_a_broken_network(serve, hasty, tmp_path):
    server = serve(CONTENT)
    (tmp_path / "file.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        fetch(server, tmp_path, hasty)
    assert caught.value.errno == errno.ENOSPC
    assert len(server.asked) == 1
