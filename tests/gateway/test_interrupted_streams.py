"""Streams that break off after their first token: one error, then the usage, then the end, on both paths."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from gateway import asgi
from gateway.accounting import settlement
from gateway.completions import InferenceService
from gateway.providers.failures import ProviderFailure, failed_event
from gateway.providers.moderation import Moderation
from tests.gateway.native import user

PATHS = pytest.mark.parametrize("path", ["/chat/completions", "/completions"])


async def chunks_of_stream(api, path: str, fault: str, delay: str = "") -> list[dict[str, Any]]:
    """The chunks of a complete stream from a provider with this fault, without the final [DONE]."""
    prompt = {"messages": [user("Hello")]} if path == "/chat/completions" else {"prompt": "Hello"}
    body = {"model": "acme/one", "stream": True, "provider": {"sort": "price"}, **prompt}
    headers = {"X-Sandbox-Tokens": "30", "X-Sandbox-Dialect": "plain", "X-Sandbox-Fault": fault}
    response = await api.post(path, json=body, headers=headers | ({"X-Sandbox-Delay": delay} if delay else {}))
    assert response.status_code == 200
    events = [event for event in response.text.split("\n\n") if event and not event.startswith(":")]
    assert events.pop() == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events]


@PATHS
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut:5", (502, "The connection to the provider was lost.", "provider_unavailable", 502)),
        ("truncate:5", (502, "The provider's response was interrupted.", "provider_unavailable", 502)),
        ("two-errors:5,529", (503, "Overloaded.", "provider_overloaded", 529)),
        (
            "error-in-stream:5,429",
            (429, "Rate limit reached. Please slow down and try again.", "rate_limit_exceeded", 429),
        ),
        ("error-in-stream:5,401", (502, "The provider's response was interrupted.", "provider_unavailable", 401)),
    ],
)
async def test_a_broken_stream_sends_one_error_then_the_usage_then_the_end(api, path, fault, error):
    *deltas, failed, bill = await chunks_of_stream(api, path, f"cheap={fault}")
    code, message, error_type, provider_code = error
    text = path == "/completions"
    choices = [delta["choices"][0] for delta in deltas]
    said = "".join(choice["text"] if text else choice["delta"]["content"] for choice in choices)
    assert len(said.split()) == 5
    assert not any("error" in chunk or "usage" in chunk or chunk["choices"][0]["finish_reason"] for chunk in deltas)
    assert failed == {
        "id": deltas[0]["id"],
        "object": "text_completion" if text else "chat.completion.chunk",
        "created": deltas[0]["created"],
        "model": "acme/one",
        "provider": "Cheap",
        "system_fingerprint": "fp_5a4db0c5",
        "error": {
            "code": code,
            "message": message,
            "metadata": {"error_type": error_type, "provider_code": str(provider_code)},
        },
        "choices": [
            {
                "index": 0,
                **({"text": ""} if text else {"delta": {"content": ""}}),
                "finish_reason": "error",
                "native_finish_reason": None,
            }
        ],
    }
    assert (bill["choices"], bill["usage"]["cost"], "error" in bill) == ([], 0, False)
    row = await api.generation()
    assert (row.finish_reason, row.error_status, row.cost) == ("error", code, 0)
    await api.assert_books_balance()


@PATHS
@pytest.mark.parametrize("fault", ["late-cut", "late-error"])
async def test_a_fault_after_the_finish_reason_is_ignored(api, path, fault):
    *_, finished, bill = await chunks_of_stream(api, path, f"cheap={fault}")
    assert finished["choices"][0]["finish_reason"] == "stop"
    assert (bill["choices"], bill["usage"]["is_estimated"]) == ([], True)  # the fault cut off the provider's usage
    assert bill["usage"]["cost"] > 0
    await api.assert_books_balance()


async def test_a_response_that_goes_on_for_too_long_ends_with_an_error(api, settings):
    settings.PROVIDER_TOTAL_SECONDS = 0.5
    *deltas, failed, bill = await chunks_of_stream(api, "/chat/completions", "", delay="0.1")  # 3 s
    assert deltas and failed["error"]["code"] == 504
    assert failed["error"]["message"] == "The provider took too long to finish."
    assert bill["usage"]["completion_tokens"] < 30
    await api.assert_books_balance()


class FailingQueue(settlement.SettlementQueue):
    """Fails to settle."""

    def settle(self, operation: settlement.Settle) -> "asyncio.Future[settlement.Settled]":
        failed: asyncio.Future[settlement.Settled] = asyncio.get_running_loop().create_future()
        failed.set_exception(OSError("the disk is full of secrets"))
        return failed


async def test_an_internal_error_ends_the_stream_without_its_details(api, caplog):
    service = InferenceService(settlements=FailingQueue())
    transport = httpx.ASGITransport(asgi.Application(service))
    api.client = httpx.AsyncClient(transport=transport, base_url="http://testserver")
    *_, failed = await chunks_of_stream(api, "/chat/completions", "")
    assert failed["error"] == {"code": 500, "message": "Internal Server Error", "metadata": {"error_type": "server"}}
    assert failed["choices"][0]["finish_reason"] == "error"
    assert "a stream failed: OSError" in caplog.text and "secrets" not in caplog.text
    await service.drain()


@pytest.mark.parametrize(
    ("status", "reported"),
    [(400, 400), (401, 502), (402, 502), (403, 502), (404, 502), (500, 502), (504, 504), (529, 503)],
)
def test_a_broken_stream_reports_the_status_of_a_refused_request(status, reported):
    assert failed_event(ProviderFailure(status, "No.")).status == reported


def test_a_moderated_stream_reports_403():
    assert failed_event(ProviderFailure(403, "No.", moderation=Moderation())).status == 403
