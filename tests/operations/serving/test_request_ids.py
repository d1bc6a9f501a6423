"""Every answer has an ID in `X-Request-Id`, and so has every log line of its request."""

import ipaddress
import json
import logging

import httpx
import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from common.telemetry import logs
from operations.serving.edge import Edge
from tests.gateway.test_crash import build_request

CHAT = "/api/v1/chat/completions"


async def answer(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": logs.request_id().encode()})


async def ask(edge: Edge, given: str = "", client: str = "10.0.0.9") -> httpx.Response:
    transport = httpx.ASGITransport(edge, client=(client, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        return await http.get("/", headers={"X-Request-Id": given} if given else {})


async def test_each_request_gets_an_id_of_its_own():
    first, second = await ask(Edge(answer)), await ask(Edge(answer))
    assert len(first.headers["x-request-id"]) == 24
    assert first.text == first.headers["x-request-id"] != second.headers["x-request-id"]
    assert logs.request_id() == ""


@pytest.mark.parametrize(
    ("given", "client", "kept"),
    [
        ("0f1e2d3c4b5a", "10.0.0.9", True),
        ("req_01J-a:b.c", "10.0.0.9", True),
        ("0f1e2d3c4b5a", "192.0.2.1", False),  # not the proxy: anyone can send the header
        ("short", "10.0.0.9", False),
        ("a" * 129, "10.0.0.9", False),
        ("abc def ghi", "10.0.0.9", False),
        ('abcdefgh"}', "10.0.0.9", False),
    ],
)
async def test_only_a_trusted_proxys_well_formed_id_is_kept(given, client, kept):
    edge = Edge(answer, [ipaddress.ip_network("10.0.0.0/24")])
    response = await ask(edge, given, client)
    assert (response.text == given) == kept
    assert response.headers["x-request-id"] == response.text
    assert (await ask(Edge(answer), given, client)).text != given  # by default no proxy is trusted


async def test_a_fault_below_is_a_500_with_an_id_and_a_line_without_its_message(caplog):
    async def fault(scope, receive, send) -> None:
        raise ValueError("what the visitor wrote")

    response = await ask(Edge(fault))
    assert response.status_code == 500 and response.headers["x-request-id"]
    assert "ValueError" in caplog.text and "visitor" not in caplog.text


def test_a_text_line_ends_with_the_fields_and_cannot_be_forged():
    record = logging.makeLogRecord({"name": "x", "msg": "not found: %s", "args": ("/a\n2026 ERROR x: forged\x1b[2J",)})
    context = logs.begin(request_id="abc")
    logs.bind(account=5)
    try:
        line = logs.TextFormatter().format(record)
    finally:
        logs.end(context)
    assert line.endswith("[request_id=abc account=5]") and "\n" not in line and "\x1b" not in line


def test_a_json_line_has_no_field_that_a_library_attached():
    record = logging.makeLogRecord({"name": "x", "msg": "hello", "data": {"args": "a prompt"}, "request": "a prompt"})
    assert "prompt" not in logs.JsonFormatter().format(record)
    assert json.loads(logs.JsonFormatter().format(record))["message"] == "hello"


def test_a_task_that_a_request_starts_logs_the_requests_id():
    celery = Celery(broker="memory://", backend="cache+memory://", set_as_current=False)
    celery.conf.task_ignore_result = False

    @celery.task(name="tests.fields")
    def fields() -> dict:
        return dict(logs.fields())

    context = logs.begin(request_id="0f1e2d3c4b5a", account=5)
    try:
        with start_worker(celery, perform_ping_check=False, pool="solo"):
            result = fields.delay()
            seen = result.get(timeout=30)
    finally:
        logs.end(context)
    assert seen == {"task": "tests.fields", "task_id": result.id, "request_id": "0f1e2d3c4b5a"}


# --- The running site


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/models", 200),
        ("GET", "/static/css/base.css", 200),
        ("GET", "/no-such-page", 404),
        ("GET", "/api/v1/models", 200),
        ("GET", "/api/v1/no-such-path", 404),
        ("POST", CHAT, 401),
        ("GET", CHAT, 405),
        ("OPTIONS", CHAT, 204),
        ("POST", "/webhooks/stripe", 400),
        ("GET", "/credits", 302),
    ],
)
def test_every_kind_of_answer_has_an_id_that_its_access_line_has_too(operated, method, path, status):
    response = httpx.request(
        method, f"{operated.url}{path}", headers={"X-Request-Id": "chosen-by-the-client"}, timeout=60
    )
    assert response.status_code == status
    request_id = response.headers["x-request-id"]
    assert request_id != "chosen-by-the-client"
    line = operated.line("web", request_id=request_id, logger="uvicorn.access")
    assert f"{method} {path}" in line["message"] and line["level"] == "INFO"


def test_a_stream_and_a_socket_have_ids(operated):
    with httpx.Client(timeout=60) as client:
        response = client.send(build_request(operated.site, operated.key, "openai/gpt-4o-mini"), stream=True)
        response.read()
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-request-id"]
    assert "X-Request-Id" in response.headers["access-control-expose-headers"]

    address = operated.url.replace("http", "ws") + "/ws/chat"
    with connect(address, origin=operated.url) as socket:
        assert socket.response.headers["X-Request-Id"]
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin="https://elsewhere.example.com").close()
    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["X-Request-Id"]


def test_the_line_of_a_failed_provider_names_request_account_and_model_and_no_content(operated):
    marker = "xylograph-prompt"
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": marker}]}
    headers = {"Authorization": f"Bearer {operated.key}", "X-Sandbox-Fault": "500"}
    response = httpx.post(f"{operated.url}{CHAT}", json=body, headers=headers, timeout=60)
    assert response.status_code == 502
    request_id = response.headers["x-request-id"]
    [account] = [row[0] for row in operated.site.rows("SELECT id FROM billing_creditaccount")]
    for message in ("openai failed for openai/gpt-4o-mini with 500", "no provider responded: 502"):
        line = operated.line("web", request_id=request_id, message=lambda text, start=message: text.startswith(start))
        assert (line["account"], line["model"]) == (account, "openai/gpt-4o-mini")
    assert marker not in operated.site.output()


def test_a_tasks_lines_have_its_id_and_the_worker_is_not_silent(operated):
    line = operated.line("worker", task="operations.tasks.beat_heart", message=lambda text: "succeeded" in text)
    assert len(line["task_id"]) == 36
    assert operated.line("worker", message=lambda text: "ready" in text)
