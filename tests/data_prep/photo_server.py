"""A server of photographs on this machine that fails as servers do."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from yfcc import jpeg


class PhotoServer(ThreadingHTTPServer):
    """Serve /NUMBER.jpg; `faults[NUMBER]` is how its first requests fail."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults = {}
        self.asked = Counter()
        self.released = threading.Event()
        self.busy = self.busiest = 0
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        with self.server.lock:
            self.server.busy += 1
            self.server.busiest = max(self.server.busy, self.server.busiest)
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            with self.server.lock:
                self.server.busy -= 1

    def answer(self):
        name = self.path.strip("/").removesuffix(".jpg")
        number = int(name) if name.isdigit() else 0
        faults = self.server.faults.get(number, [])
        fault = faults.pop(0) if faults else "none"
        self.server.asked[number] += 1
        if fault.isdigit():
            return self.send_error(int(fault))
        if fault == "taken back":
            self.send_response(302)
            self.send_header("Location", "/en-us/photo_unavailable.png")
            return self.end_headers()
        content = jpeg(number)
        if fault == "page":
            content = b"<html>no picture</html>"
        if fault == "damaged":
            content = content[: len(content) // 2]
        self.send_response(200)
        if fault not in ("drip", "endless"):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = fault in ("truncate", "stall")
        self.wfile.write(content[:500] if cut else content)
        self.wfile.flush()
        if fault == "stall":
            self.server.released.wait(10)
        while fault in ("drip", "endless") and not self.server.released.wait(0.1):
            self.wfile.write(b"\0" * (10 if fault == "drip" else 100_000))
        return None
