"""Faults of providers, streamed and not: the client's response, the provider that serves it, and the charge.

Two providers serve `acme/one`. The fault is at the cheap one, which is tried first.
"""

import json
from dataclasses import dataclass

import pytest

from gateway.models import Generation


@dataclass(frozen=True)
class Case:
    """A fault and its expected outcome."""

    fault: str
    served_by: str = "Dear"
    free: bool = False
    estimated: bool = False
    text: bool = True
    interrupts: bool = True
    same_unstreamed: bool = True  # False: unstreamed, the fault comes before the first token

    def __str__(self) -> str:
        return self.fault


#: Faults before the first token: the next provider serves the request.
BEFORE = [
    Case("429"), Case("429:1"), Case("500-once"), Case("500"), Case("503"), Case("401"), Case("402"), Case("404"),
    Case("reset"), Case("hang"), Case("slow-first-token:20"), Case("slow-headers:20"), Case("context-length"),
    Case("content-filter"), Case("html-200"), Case("error-200"), Case("malformed:0"), Case("cut:0"),
]  # fmt: skip

#: Faults during a streamed response: it ends with one error and is free, except after one text that is skipped.
#: Unstreamed, the next provider takes over.
DURING = [
    Case("cut:10", "Cheap", free=True, same_unstreamed=False),
    Case("truncate:10", "Cheap", free=True, same_unstreamed=False),
    Case("reset:10", "Cheap", free=True, same_unstreamed=False),
    Case("stall:10,20", "Cheap", free=True, same_unstreamed=False),
    Case("malformed:10", "Cheap", same_unstreamed=False, interrupts=False),
    Case("error-in-stream:10", "Cheap", free=True, same_unstreamed=False),
    Case("two-errors:10", "Cheap", free=True, same_unstreamed=False),
]

#: Deviations from the protocol: the response is good, and its charge is right.
FORM = [
    Case("no-done", "Cheap"),
    Case("duplicate-finish", "Cheap"),
    Case("late-cut", "Cheap"),
    Case("late-error", "Cheap"),
    Case("wrong-content-type", "Cheap"),
    Case("gzip", "Cheap"),
    Case("usage-with-choices", "Cheap"),
    Case("text-usage", "Cheap"),
    Case("no-usage", "Cheap", estimated=True),
    Case("negative-usage", "Cheap", estimated=True),
    Case("huge-usage", "Cheap", estimated=True),
    Case("zero-usage", "Cheap", free=True),
    Case("content-filter:5", "Cheap"),
    Case("empty", "Cheap", free=True, text=False),
    Case("empty-stop", "Cheap", text=False),
]


def is_silent(fault: str) -> bool:
    """Whether only the end of patience reveals the fault."""
    return fault.startswith(("hang", "slow-", "stall"))


def text_of(answer, streamed: bool) -> tuple[str, list[dict], str]:
    """(text, errors, provider) of a whole response or of a stream."""
    if not streamed:
        body = answer.json()
        choice = body["choices"][0]
        return choice["message"]["content"] or "", [choice["error"]] if "error" in choice else [], body["provider"]
    assert answer.text.endswith("data: [DONE]\n\n")
    chunks = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line.startswith("data: {")]
    assert [chunk["choices"] for chunk in chunks if "usage" in chunk] == [[]]
    assert "usage" in chunks[-1]
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    return text, [chunk["error"] for chunk in chunks if "error" in chunk], chunks[0]["provider"]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("case", [*BEFORE, *DURING, *FORM], ids=str)
async def test_a_fault_at_the_first_provider(api, settings, case, streamed):
    if is_silent(case.fault):
        # The next provider has no more time for a stream. A healthy one meets that on a busy machine.
        patience = 2 if streamed and case in BEFORE else 0.5
        settings.PROVIDER_FIRST_TOKEN_SECONDS = settings.PROVIDER_IDLE_SECONDS = patience
    answer = await api.chat(fault=f"cheap={case.fault}", tokens=60, stream=streamed)
    assert answer.status_code == 200
    text, errors, provider = text_of(answer, streamed)
    fell_back = case in DURING and not streamed
    was_interrupted = case in DURING and streamed and case.interrupts
    assert provider == ("Dear" if fell_back else case.served_by)
    assert len(errors) == (1 if was_interrupted else 0)
    assert bool(text) == case.text
    row = await api.generation()
    assert row.state == Generation.State.SETTLED
    assert row.provider == provider.lower()
    if case.free and not fell_back:
        assert row.cost == 0
    else:
        assert row.cost > 0
    wanted = Generation.TokenSource.ESTIMATE if case.estimated else Generation.TokenSource.PROVIDER
    if not was_interrupted:
        assert row.token_source == wanted
    if not case.estimated and not case.free and case.text and not case.fault.startswith("content-filter:"):
        assert row.completion_tokens == 60
    await api.assert_books_balance()


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("fault", "status", "error_type"),
    [
        ("429:30", 429, "rate_limit_exceeded"),
        ("429", 429, "rate_limit_exceeded"),
        ("500", 502, "provider_unavailable"),
        ("503", 503, "provider_overloaded"),
        ("hang", 504, "timeout"),
        ("reset", 502, "provider_unavailable"),
        ("context-length", 400, "context_length_exceeded"),
        ("content-filter", 400, "content_policy_violation"),
    ],
)
async def test_a_fault_at_every_provider_is_an_error_and_free(api, settings, fault, status, error_type, streamed):
    if is_silent(fault):
        settings.PROVIDER_FIRST_TOKEN_SECONDS = settings.PROVIDER_WHOLE_SECONDS = 0.3
    answer = await api.chat(fault=f"*={fault}", stream=streamed)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == status
    assert error["metadata"]["error_type"] == error_type
    assert ("retry-after" in answer.headers) == (fault == "429:30")
    assert (await api.generation()).cost == 0
    await api.assert_books_balance()


async def test_short_rate_limits_are_waited_for_once(api):
    answer = await api.chat(fault="*=429-once:1", tokens=5)
    assert answer.status_code == 200
    assert [note["status"] for note in (await api.generation()).attempts] == [429, 429, 200]


async def test_an_unstable_provider_does_not_fail_requests(api):
    for _ in range(8):
        answer = await api.chat(fault="cheap=flap:1,3", tokens=3)
        assert answer.status_code == 200
    await api.assert_books_balance()


async def test_a_failing_provider_is_tried_last_for_a_while(api):
    await api.chat(fault="cheap=503-once", tokens=3)
    answer = await api.chat(tokens=3)
    assert answer.json()["provider"] == "Dear"


async def test_routing_metadata_is_returned_on_request(api):
    headers = {"X-OpenRouter-Metadata": "enabled", "X-Sandbox-Fault": "cheap=503"}
    body = {"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}], "provider": {"sort": "price"}}
    routing = (await api.post(json=body, headers=headers)).json()["openrouter_metadata"]
    assert routing["requested"] == "acme/one"
    assert [attempt["status"] for attempt in routing["attempts"]] == [503, 200]
    assert [one["selected"] for one in routing["endpoints"]["available"]] == [False, True]
    failed = await api.post(json=body, headers=headers | {"X-Sandbox-Fault": "*=500"})
    assert len(failed.json()["openrouter_metadata"]["attempts"]) == 2
    assert "openrouter_metadata" not in (await api.chat()).json()
