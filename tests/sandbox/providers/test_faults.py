"""Each fault, as a client sees it on the wire."""

import gzip
import json
import time
from pathlib import Path

import httpx
import pytest

from sandbox.providers.controls.faults import FAULTS, HUGE
from tests.sandbox.provider import fault, tokens


def failing(what: str, count: int = 10) -> dict[str, str]:
    return {**tokens(count), **fault(what)}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 524, 529])
def test_any_error_status_is_answered_with_a_native_error(providers, status):
    response = providers.post("openai", headers=fault(f"*={status}"))
    assert response.status_code == status
    assert response.json()["error"]["message"]
    assert "retry-after" not in response.headers


def test_a_rate_limit_says_when_to_come_back(providers):
    response = providers.post("groq", headers=fault("groq=429:7"), stream=True)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json()["error"]["type"] == "rate_limit_error"


def test_a_fault_concerns_only_the_provider_that_is_named(providers):
    headers = fault("groq=503; together=429:1")
    assert [providers.post(name, headers=headers).status_code for name in ("groq", "openai", "together")] == [
        503,
        200,
        429,
    ]


def test_a_fault_may_concern_one_model_only(providers):
    headers = fault("*@bad/model=503")
    assert providers.post("openai", headers=headers, model="bad/model").status_code == 503
    assert providers.post("openai", headers=headers, model="good/model").status_code == 200


def test_a_fault_that_happens_once_hits_the_first_request_of_a_session(providers):
    headers = fault("*=500-once")
    assert [providers.post("openai", headers=headers).status_code for _ in range(3)] == [500, 200, 200]
    assert providers.post("groq", headers=headers).status_code == 500
    other_session = {**headers, "X-Sandbox-Session": f"{providers.session}-other"}
    assert providers.post("openai", headers=other_session).status_code == 500


def test_any_fault_may_happen_once(providers):
    headers = failing("*=cut-once:2")
    assert providers.stream("openai", headers=headers).broken
    assert not providers.stream("openai", headers=headers).broken


def test_a_flapping_provider_works_and_fails_in_turns(providers):
    headers = fault("*=flap:2,3")
    assert [providers.post("openai", headers=headers).status_code for _ in range(8)] == [
        200,
        200,
        503,
        503,
        503,
        200,
        200,
        503,
    ]


@pytest.mark.parametrize("stream", [True, False])
def test_a_reset_connection_answers_nothing(providers, stream):
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)) as broken:
        providers.post("openai", headers=fault("*=reset"), stream=stream)
    assert "reset" in str(broken.value).lower()


def test_a_reset_after_some_tokens_keeps_what_was_sent(providers):
    stream = providers.stream("openai", headers=failing("*=reset:4"))
    assert isinstance(stream.broken, httpx.ReadError)
    assert len(stream.pieces) == 4


def test_a_hanging_provider_answers_nothing_until_the_client_goes(providers):
    with pytest.raises(httpx.ReadTimeout):
        providers.client.post(
            "/openai/v1/chat/completions",
            json=providers.body("Hi"),
            headers=providers.headers(fault("*=hang")),
            timeout=0.3,
        )
    assert providers.wait_for_record("disconnected") | {"headers": {}, "body": {}} == {
        "method": "POST", "path": "/openai/v1/chat/completions", "provider": "openai", "headers": {}, "body": {},
        "tokens": 0, "finished": False, "disconnected": True, "status": None,
    }  # fmt: skip


def test_a_slow_first_token_comes_after_the_headers(providers):
    request = {"method": "POST", "url": "/openai/v1/chat/completions", "json": providers.body("Hi", stream=True)}
    headers = providers.headers(failing("*=slow-first-token:3600"))
    with providers.client.stream(**request, headers=headers) as response:
        assert response.status_code == 200
    begun = time.monotonic()
    with providers.client.stream(**request, headers=providers.headers(failing("*=slow-first-token:0.4"))) as response:
        body = b"".join(response.iter_bytes())
    assert time.monotonic() - begun >= 0.4
    assert body.endswith(b"data: [DONE]\n\n")


def test_slow_headers_come_late(providers):
    begun = time.monotonic()
    assert providers.post("openai", headers=failing("*=slow-headers:0.3")).status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_too_long_a_context_is_refused_with_its_code(providers):
    response = providers.post("openai", headers=fault("*=context-length"))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "context_length_exceeded")


def test_a_content_filter_refuses_the_prompt_or_ends_the_answer(providers):
    response = providers.post("openai", headers=fault("*=content-filter"))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "content_filter")
    stream = providers.stream("openai", headers=failing("*=content-filter:3"))
    assert (len(stream.pieces), stream.finishes, stream.is_done) == (3, ["content_filter"], True)


@pytest.mark.parametrize("after", [0, 1, 6])
def test_a_cut_stream_breaks_off_after_so_many_tokens(providers, after):
    stream = providers.stream("openai", headers=failing(f"*=cut:{after}"))
    assert isinstance(stream.broken, httpx.RemoteProtocolError)
    assert (len(stream.pieces), stream.finishes, stream.is_done) == (after, [], False)


def test_a_cut_reply_is_shorter_than_announced(providers):
    with pytest.raises(httpx.RemoteProtocolError):
        providers.post("openai", headers=failing("*=cut:2"))


def test_a_truncated_stream_ends_properly_but_too_early(providers):
    stream = providers.stream("openai", headers=failing("*=truncate:4"), stream_options={"include_usage": True})
    assert stream.broken is None
    assert (len(stream.pieces), stream.finishes, stream.usages, stream.is_done) == (4, [], [], False)


def test_a_truncated_reply_is_half_a_body(providers):
    response = providers.post("openai", headers=failing("*=truncate"))
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_stalled_stream_is_silent_and_then_goes_on(providers):
    begun = time.monotonic()
    stream = providers.stream("openai", headers=failing("*=stall:4,0.4"))
    assert time.monotonic() - begun >= 0.4
    assert (len(stream.pieces), stream.is_done) == (10, True)


def test_a_malformed_chunk_stands_between_good_ones(providers):
    stream = providers.stream("openai", headers=failing("*=malformed:4"))
    broken = [number for number, data in enumerate(stream.data[:-1]) if not data.endswith("}")]
    assert broken == [5]  # after the role and four tokens
    assert (len(stream.pieces), stream.is_done) == (10, True)


@pytest.mark.parametrize(("name", "errors"), [("error-in-stream", 1), ("two-errors", 2)])
def test_errors_in_a_stream_end_it(providers, name, errors):
    stream = providers.stream("openai", headers=failing(f"*={name}:4"))
    assert [bool(chunk["error"]["message"]) for chunk in stream.chunks if "error" in chunk] == [True] * errors
    assert (len(stream.pieces), stream.finishes, stream.is_done, stream.broken) == (4, [], False, None)


@pytest.mark.parametrize("name", ["error-in-stream", "error-200"])
def test_a_reply_may_be_an_error_with_status_200(providers, name):
    response = providers.post("openai", headers=failing(f"*={name}"))
    assert response.status_code == 200
    assert "choices" not in response.json() and response.json()["error"]["message"]


def test_an_error_with_status_200_may_come_instead_of_a_stream(providers):
    stream = providers.stream("openai", headers=failing("*=error-200"))
    assert (stream.status, stream.headers["content-type"], stream.data) == (200, "application/json", [])
    assert json.loads(stream.raw)["error"]["message"]


def test_a_stream_without_done_has_everything_else(providers):
    stream = providers.stream("openai", headers=failing("*=no-done"))
    assert (len(stream.pieces), stream.finishes, "[DONE]" in stream.data) == (10, ["stop"], False)


def test_a_stream_may_finish_twice(providers):
    stream = providers.stream("openai", headers=failing("*=duplicate-finish"))
    assert (len(stream.pieces), stream.finishes, stream.is_done) == (10, ["stop", "stop"], True)


@pytest.mark.parametrize(("name", "finishes"), [("empty", []), ("empty-stop", ["stop"])])
def test_an_empty_answer_has_no_tokens(providers, name, finishes):
    stream = providers.stream("openai", headers=failing(f"*={name}"), stream_options={"include_usage": True})
    assert (stream.pieces, stream.finishes, stream.is_done) == ([], finishes, True)
    assert [usage["completion_tokens"] for usage in stream.usages] == [0]
    reply = providers.post("openai", headers=failing(f"*={name}")).json()
    assert (reply["choices"][0]["message"]["content"], reply["choices"][0]["finish_reason"]) == (
        "",
        (finishes or [None])[0],
    )


def usage_of(providers, name):
    with_usage = {"stream_options": {"include_usage": True}}
    streamed = providers.stream("openai", headers=failing(f"*={name}"), **with_usage).usages
    return streamed, providers.post("openai", headers=failing(f"*={name}")).json().get("usage")


def test_usage_may_be_missing(providers):
    assert usage_of(providers, "no-usage") == ([], None)


@pytest.mark.parametrize(
    ("name", "prompt", "completion"),
    [("zero-usage", 0, 0), ("negative-usage", -4, -10), ("huge-usage", HUGE, HUGE), ("text-usage", "4", "10")],
)
def test_usage_may_be_nonsense(providers, name, prompt, completion):
    streamed, replied = usage_of(providers, name)
    assert [(usage["prompt_tokens"], usage["completion_tokens"]) for usage in (*streamed, replied)] == [
        (prompt, completion)
    ] * 2


def test_usage_may_be_beside_the_finish_reason_even_if_not_requested(providers):
    stream = providers.stream("openai", headers=failing("*=usage-with-choices"))
    (chunk,) = [chunk for chunk in stream.chunks if chunk.get("usage")]
    assert chunk["choices"][0]["finish_reason"] == "stop"
    assert chunk["usage"]["completion_tokens"] == 10


def test_usage_may_count_reasoning_in_the_total_only(providers):
    fields = {"seed": 1, "reasoning_effort": "low"}
    usual = providers.post("openai", "Tea?", **fields).json()["usage"]
    other = providers.post("openai", "Tea?", fault("*=usage-excludes-reasoning"), **fields).json()["usage"]
    reasoning = usual["completion_tokens_details"]["reasoning_tokens"]
    assert reasoning > 0
    assert other["completion_tokens"] == usual["completion_tokens"] - reasoning
    assert other["total_tokens"] == usual["total_tokens"]


def test_a_right_body_may_have_the_wrong_type(providers):
    stream = providers.stream("openai", headers=failing("*=wrong-content-type"))
    assert (stream.headers["content-type"], len(stream.pieces)) == ("text/plain", 10)
    response = providers.post("openai", headers=failing("*=wrong-content-type"))
    assert (response.headers["content-type"], response.json()["object"]) == ("text/html", "chat.completion")


@pytest.mark.parametrize("stream", [True, False])
def test_a_page_to_sign_in_may_come_instead(providers, stream):
    response = providers.post("openai", headers=fault("*=html-200"), stream=stream)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert response.text.startswith("<!doctype html>")


def test_a_response_may_be_compressed(providers):
    headers = failing("*=gzip")
    stream = providers.stream("openai", headers=headers)
    assert (stream.headers["content-encoding"], len(stream.pieces), stream.is_done) == ("gzip", 10, True)
    response = providers.post("openai", headers=headers)
    assert (response.headers["content-encoding"], response.json()["object"]) == ("gzip", "chat.completion")
    body = b"".join(providers.chunks("openai", "Hi", headers))
    assert b"[DONE]" not in body and body.startswith(gzip.compress(b"")[:2])


def test_faults_can_be_combined(providers):
    begun = time.monotonic()
    stream = providers.stream("openai", headers=failing("*=slow-first-token:0.2; openai=cut:3; groq=500"))
    assert time.monotonic() - begun >= 0.2
    assert len(stream.pieces) == 3 and stream.broken


@pytest.mark.parametrize("header", ["*=explode", "*=cut:many", "groq=", "*=399", "*=600"])
def test_a_fault_that_does_not_exist_is_refused_with_a_sentence(providers, header):
    response = providers.post("openai", headers=fault(header))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "sandbox_header")
    assert response.json()["error"]["message"].endswith(".")


def test_every_fault_is_in_the_manual():
    from sandbox import providers

    manual = Path(providers.__path__[0], "README.md").read_text()
    assert [name for name in FAULTS if f"`{name}" not in manual] == []


def test_a_person_in_a_chat_window_can_ask_for_faults(providers):
    stream = providers.stream("openai", "/sandbox tokens=8 cut:3\nTell me about tea")
    assert len(stream.pieces) == 3 and stream.broken
    assert providers.post("openai", "/sandbox 429:5").headers["retry-after"] == "5"
    assert "tea" in providers.say("/sandbox stall:1,0.01\nTell me about tea").lower()
    assert providers.post("openai", "/sandbox explode").status_code == 400
