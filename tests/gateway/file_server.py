"""A web server with a few files, at an address that FETCH_ALLOWED_NETWORKS allows."""

import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

#: A file (Content-Type, bytes), the target of a redirect, or a status.
Response = tuple[str, bytes] | str | int


class FileServer:
    """Call it with the response for each path; it returns the URL."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.headers: dict[str, str] = {}
        self.sent = 0  # bytes of bodies
        self._servers: list[ThreadingHTTPServer] = []

    def __call__(self, responses: Mapping[str, Response], *, length: bool = True, delay: float = 0) -> str:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                outer.paths.append(path)
                outer.headers = {name.lower(): value for name, value in self.headers.items()}
                time.sleep(delay)
                response = responses.get(path, 404)
                if isinstance(response, int | str):
                    self.send_response(302 if isinstance(response, str) else response)
                    if isinstance(response, str):
                        self.send_header("Location", response)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                content_type, contents = response
                self.send_response(200)
                if content_type:
                    self.send_header("Content-Type", content_type)
                if length:
                    self.send_header("Content-Length", str(len(contents)))
                self.end_headers()
                for start in range(0, len(contents), 10_000):
                    self.wfile.write(contents[start : start + 10_000])
                    outer.sent += 10_000

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True  # the client closed the connection

            def log_message(self, *arguments: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self._servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def served(settings: Any) -> Iterator[FileServer]:
    settings.FETCH_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    server = FileServer()
    yield server
    server.close()
