"""A server that gets events, at an address that FETCH_ALLOWED_NETWORKS allows."""

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from broadcast.delivery import delivering
from broadcast.destinations import saving
from broadcast.models import Destination


@dataclass
class Received:
    """A request that the server got; names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def spans(self) -> list[dict[str, Any]]:
        """The spans in the body, which may be a file of lines."""
        text = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        return [
            span
            for line in text.splitlines()
            for resource in json.loads(line)["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]


class Receiver:
    """The server: what it got, and the status that it returns."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.requests.append(Received(self.command, self.path, headers, body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def do_PUT(self) -> None:
                self.do_POST()

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def ids(self) -> list[str]:
        """The IDs of the requests that it has events of, in the order in which they came."""
        return [attributes(span)["gen_ai.response.id"] for each in self.requests for span in each.spans]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a span, with their values as Python has them."""
    return {each["key"]: _value(each["value"]) for each in span["attributes"]}


def _value(value: dict[str, Any]) -> Any:
    ((kind, inside),) = value.items()
    if kind == "arrayValue":
        return [_value(each) for each in inside["values"]]
    return {"stringValue": str, "intValue": int, "doubleValue": float, "boolValue": bool}[kind](inside)


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.FETCH_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def collector(organisation, account, receiver, clock) -> Destination:
    """A destination of Alice's organization for OpenTelemetry."""
    created, _ = saving.create(organisation, None, "otel-collector", {"endpoint": receiver.url}, name="Collector")
    return created


def deliver(destination: Destination) -> Destination:
    """Let a worker do what the destination is due, and return its row."""
    delivering.deliver(destination.pk)
    destination.refresh_from_db()
    return destination
