"""A local server of JSON documents, by path, that knows ETags."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Source:
    """Documents by path (objects, bytes as they are, a status, or the target of a redirect), and the given statuses."""

    def __init__(self) -> None:
        self.url = ""
        self.documents: dict[str, Any] = {}
        self.statuses: list[int] = []


@contextmanager
def serving() -> Iterator[Source]:
    source = Source()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = source.documents.get(self.path, 404)
            body, headers = b"", {}
            if isinstance(document, int):
                status = document
            elif isinstance(document, str):
                status, headers = 302, {"Location": document}
            else:
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
                headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'}
                status = 304 if self.headers["If-None-Match"] == headers["ETag"] else 200
                body = body if status == 200 else b""
            source.statuses.append(status)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    source.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
