"""Error reports say where an error was raised, and nothing of what a person has written.

They go to a server in this process that speaks the protocol of Sentry's ingestion: envelopes over HTTP.
"""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli
import pytest

from scripts.environment import ROOT

MARKER = "chalcedony-prompt"
PROGRAM = f"""
import logging, types
import django
django.setup()
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import path

def fail(request, name):
    written = request.body.decode()
    raise ValueError("cannot read " + written)

urls = types.ModuleType("urls")
urls.urlpatterns = [path("fail/<str:name>", fail)]
urls.handler500 = lambda request: HttpResponse(status=500)
settings.ROOT_URLCONF, settings.MIDDLEWARE = urls, []
client = Client(raise_request_exception=False, headers={{
    "Authorization": "Bearer {MARKER}", "Cookie": "sessionid={MARKER}", "User-Agent": "{MARKER}",
}})

from common.telemetry import logs
logs.begin(request_id="0f1e2d3c4b5a", account=7, model="acme/one")
logging.getLogger("gateway").info("%s is an earlier line", "{MARKER}")
assert client.post("/fail/{MARKER}?q={MARKER}", {{"messages": "{MARKER}"}}).status_code == 500
logging.getLogger("gateway.steps.relay").error("reading from %s failed", "{MARKER}")
import sentry_sdk
sentry_sdk.flush(20)
"""


class Ingestion:
    """Receives envelopes. `raw` is all that was sent, headers included; `events` are the reported errors."""

    def __init__(self) -> None:
        self.raw = b""
        self.events: list[dict[str, Any]] = []
        ingestion = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                ingestion.receive(self)
                body = b'{"id": "0"}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.dsn = f"http://publickey@127.0.0.1:{self.server.server_port}/42"

    def receive(self, request: BaseHTTPRequestHandler) -> None:
        assert request.path == "/api/42/envelope/"
        assert "sentry_key=publickey" in request.headers["X-Sentry-Auth"]
        body = request.rfile.read(int(request.headers["Content-Length"]))
        decode = {"gzip": gzip.decompress, "br": brotli.decompress}.get(request.headers.get("Content-Encoding", ""))
        body = decode(body) if decode else body
        self.raw += str(request.headers).encode() + request.path.encode() + body
        _, *items = body.split(b"\n")
        for header, payload in zip(items[::2], items[1::2], strict=False):
            if json.loads(header)["type"] == "event":
                self.events.append(json.loads(payload))


@pytest.fixture
def ingestion() -> Iterator[Ingestion]:
    ingestion = Ingestion()
    threading.Thread(target=ingestion.server.serve_forever, daemon=True).start()
    yield ingestion
    ingestion.server.shutdown()
    ingestion.server.server_close()


def run(program: str, tmp_path, **variables: str) -> subprocess.CompletedProcess:
    env = {"PATH": "", "DJANGO_SETTINGS_MODULE": "openrouter_site.settings", "DATA_DIR": str(tmp_path), **variables}
    return subprocess.run([sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True)


def test_a_report_names_the_place_and_holds_no_content(ingestion, tmp_path):
    ended = run(PROGRAM, tmp_path, SENTRY_DSN=ingestion.dsn)
    assert ended.returncode == 0, ended.stderr
    assert MARKER.encode() not in ingestion.raw
    assert MARKER in ended.stderr  # the program did write it, into a line of its own log

    failed, logged = ingestion.events
    [error] = failed["exception"]["values"]
    assert (error["type"], error["stacktrace"]["frames"][-1]["function"]) == ("ValueError", "fail")
    assert "value" not in error and not any("vars" in frame for frame in error["stacktrace"]["frames"])
    assert logged["logentry"] == {"message": "reading from %s failed"}
    assert logged["logger"] == "gateway.steps.relay" and logged["environment"] == "development"
    for event in ingestion.events:
        assert event["tags"] == {"request_id": "0f1e2d3c4b5a", "account": "7", "model": "acme/one"}
        assert not event.keys() & {"request", "user", "breadcrumbs", "extra", "contexts", "modules"}


def test_without_a_dsn_the_package_is_not_even_imported(tmp_path):
    program = "import django, sys; django.setup(); print([name for name in sys.modules if 'sentry' in name])"
    assert run(program, tmp_path).stdout.strip() == "[]"


def test_with_a_dsn_and_without_the_package_the_remedy_is_named(tmp_path):
    program = "import sys; sys.modules['sentry_sdk'] = None; import django; django.setup()"
    ended = run(program, tmp_path, SENTRY_DSN="http://key@127.0.0.1:1/1")
    assert ended.returncode != 0 and "requirements/sentry.txt" in ended.stderr
