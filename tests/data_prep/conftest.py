"""A small data set, and a server on this machine that fails as networks do."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from photo_server import PhotoServer

from data_prep.fetch import Patience
from kdgan_lib.idx import format_idx
from kdgan_lib.images import ImageSet, RawImages


class FaultyServer(ThreadingHTTPServer):
    """Serve `content`; each request takes the next of `faults`, then none is left."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.ranges = True
        self.faults: list[tuple] = []
        self.asked: list[str | None] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file"

    @property
    def md5(self) -> str:
        return hashlib.md5(self.content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    server: FaultyServer

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        fault, *amount = self.server.faults.pop(0) if self.server.faults else ("none",)
        if fault == "status":
            return self.send_error(amount[0])
        content = amount[0] if fault == "wrong" else self.server.content
        start = int(asked[6:-1]) if asked and self.server.ranges else 0
        if start and start >= len(content):
            return self.send_error(416)
        if fault == "shifted":  # resumes elsewhere than asked
            start = max(start - 1, 0)
        self.send_response(206 if asked and self.server.ranges else 200)
        if asked and self.server.ranges:
            end = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        cut = fault in ("truncate", "stall")
        self.wfile.write(body[: amount[0]] if cut else body)
        self.wfile.flush()
        if fault == "stall":
            self.server.released.wait(10)
        return None


@pytest.fixture
def serve() -> Iterator[Callable[[bytes], FaultyServer]]:
    """Start servers, and stop them after the test."""
    servers = []

    def start(content: bytes) -> FaultyServer:
        server = FaultyServer(content)
        servers.append(server)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    """Serve photographs."""
    running = PhotoServer()
    threading.Thread(target=running.serve_forever, args=(0.01,)).start()
    yield running
    running.released.set()
    running.shutdown()
    running.server_close()


@pytest.fixture
def hasty() -> Patience:
    """Give up soon."""
    return Patience(timeout=0.5, attempts=4, pause=0.0)


@pytest.fixture
def tiny_files() -> dict[str, bytes]:
    """Two idx files: three images of two by two, and their labels."""
    images = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    labels = np.array([0, 1, 0], np.uint8)
    return {"images": format_idx(images), "labels": format_idx(labels)}


@pytest.fixture
def tiny_set(tiny_files: dict[str, bytes]) -> ImageSet:
    """The data set of `tiny_files`."""
    sums = {name: hashlib.md5(data).hexdigest() for name, data in tiny_files.items()}

    def parse(contents: list[bytes]) -> RawImages:
        raise NotImplementedError

    return ImageSet("tiny", "Tiny", 2, sums, parse)
