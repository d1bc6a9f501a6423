"""Answers that break off after their first token: one last word on it, the bill, the end; at both addresses alike."""

import asyncio
import json
from typing import Any

import pytest

from gateway import completions
from gateway.accounting import settlement
from gateway.providers.failures import ProviderFailure, broken_off
from gateway.providers.moderation import Moderation
from tests.gateway.native import user

ADDRESSES = pytest.mark.parametrize("path", ["/chat/completions", "/completions"])


async def broken(api, path: str, fault: str) -> list[dict[str, Any]]:
    """The chunks of a stream with a fault, which ends with the word for it."""
    asked = {"messages": [user("Hello")]} if path == "/chat/completions" else {"prompt": "Hello"}
    body = {"model": "acme/one", "stream": True, "provider": {"sort": "price"}, **asked}
    headers = {"X-Sandbox-Tokens": "30", "X-Sandbox-Dialect": "plain", "X-Sandbox-Fault": fault}
    answer = await api.post(path, json=body, headers=headers)
    assert answer.status_code == 200
    events = [event for event in answer.text.split("\n\n") if event and not event.startswith(":")]
    assert events.pop() == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events]


@ADDRESSES
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut:5", (502, "The connection to the provider broke.", "provider_unavailable", 502)),
        ("truncate:5", (502, "The provider broke off its answer.", "provider_unavailable", 502)),
        ("two-errors:5,529", (503, "Overloaded.", "provider_overloaded", 529)),
        (
            "error-in-stream:5,429",
            (429, "Rate limit reached. Please slow down and try again.", "rate_limit_exceeded", 429),
        ),
        ("error-in-stream:5,401", (502, "The provider broke off its answer.", "provider_unavailable", 401)),
    ],
)
async def test_one_error_then_the_usage_then_the_end(api, path, fault, error):
    *said, failed, bill = await broken(api, path, f"cheap={fault}")
    code, message, error_type, provider_code = error
    text = path == "/completions"
    assert len(said) == 5
    assert not any("error" in chunk or "usage" in chunk or chunk["choices"][0]["finish_reason"] for chunk in said)
    assert failed == {
        "id": said[0]["id"],
        "object": "text_completion" if text else "chat.completion.chunk",
        "created": said[0]["created"],
        "model": "acme/one",
        "provider": "Cheap",
        "system_fingerprint": "fp_5a4db0c5",
        "error": {
            "code": code,
            "message": message,
            "metadata": {"error_type": error_type, "provider_code": provider_code},
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


@ADDRESSES
@pytest.mark.parametrize("fault", ["late-cut", "late-error"])
async def test_what_breaks_after_the_finish_reason_is_nobodys_concern(api, path, fault):
    *_, finished, bill = await broken(api, path, f"cheap={fault}")
    assert finished["choices"][0]["finish_reason"] == "stop"
    assert (bill["choices"], bill["usage"]["is_estimated"]) == ([], True)  # the provider's count was lost
    assert bill["usage"]["cost"] > 0
    await api.assert_books_balance()


async def test_a_fault_of_our_own_ends_the_stream_with_a_word_that_says_nothing_of_it(api, monkeypatch, caplog):
    async def fail(_: settlement.Settle) -> settlement.Settled:
        raise OSError("the disk is full of secrets")

    monkeypatch.setattr(completions.settlement, "settle", fail)
    *_, failed = await broken(api, "/chat/completions", "")
    assert failed["error"] == {"code": 500, "message": "Internal Server Error", "metadata": {"error_type": "server"}}
    assert failed["choices"][0]["finish_reason"] == "error"
    assert "a stream failed: OSError" in caplog.text and "secrets" not in caplog.text
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("status", "told"), [(400, 400), (401, 502), (402, 502), (403, 502), (404, 502), (500, 502), (504, 504), (529, 503)]
)
def test_the_status_is_that_of_a_refusal(status, told):
    assert broken_off(ProviderFailure(status, "No.")).status == told


def test_moderation_of_an_answer_is_the_prompts_doing():
    assert broken_off(ProviderFailure(403, "No.", moderation=Moderation())).status == 403
