"""The differences between providers on the wire, and what all have in common."""

import json
from pathlib import Path

import pytest

import sandbox.providers
from sandbox.providers.dialects import DIALECTS, dialect_of
from tests.sandbox.provider import fault, tokens

WITH_USAGE = {"stream_options": {"include_usage": True}}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def dialect(name: str, count: int | None = 30) -> dict[str, str]:
    return {"X-Sandbox-Dialect": name} | (tokens(count) if count is not None else {})


@pytest.fixture(params=sorted(DIALECTS))
def name(request):
    return request.param


def test_every_dialect_streams_one_token_a_chunk_and_ends_with_done(providers, name):
    stream = providers.stream("openai", headers=dialect(name), **WITH_USAGE)
    assert (stream.status, len(stream.pieces), stream.is_done, stream.broken) == (200, 30, True, None)
    assert len(stream.finishes) == 1
    assert all(
        chunk["object"] == "chat.completion.chunk" and chunk["model"] == "openai/gpt-4o" for chunk in stream.chunks
    )


def test_every_dialect_reports_the_same_usage_streamed_or_not(providers, name):
    stream = providers.stream("openai", headers=dialect(name), **WITH_USAGE)
    in_choices = [choice["usage"] for choice in stream.choices if choice.get("usage")]
    last = (stream.usages or in_choices)[-1]
    assert (last["prompt_tokens"], last["completion_tokens"], last["total_tokens"]) == (4, 30, 34)
    assert providers.post("openai", headers=dialect(name)).json()["usage"] == last


def test_every_dialect_shows_reasoning_and_counts_it(providers, name):
    field = DIALECTS[name].reasoning
    fields = {"headers": dialect(name, None), "seed": 3, "reasoning_effort": "medium"}
    stream = providers.stream("openai", "Tell me about tea", **fields)
    thoughts = [delta[field] for delta in stream.deltas if delta.get(field)]
    reply = providers.post("openai", "Tell me about tea", **fields).json()
    message = reply["choices"][0]["message"]
    assert "".join(thoughts) == message[field] and "tea" in message[field]
    assert reply["usage"]["completion_tokens_details"]["reasoning_tokens"] == len(thoughts)
    assert reply["usage"]["completion_tokens"] == len(thoughts) + len(stream.pieces)
    assert stream.text == message["content"]


def test_every_dialect_calls_tools(providers, name):
    fields = {"headers": dialect(name, None), "tools": TOOLS, "seed": 3}
    stream = providers.stream("openai", "What is the weather in Oslo?", **fields)
    calls = [call for delta in stream.deltas for call in delta.get("tool_calls") or ()]
    assert calls[0]["function"]["name"] == "get_weather" and calls[0]["id"]
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"city": "Oslo"}
    expected = DIALECTS[name].finish.get("tool_calls", "tool_calls")
    assert stream.finishes == [expected]
    choice = providers.post("openai", "What is the weather in Oslo?", **fields).json()["choices"][0]
    assert choice["finish_reason"] == expected
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == {"city": "Oslo"}
    assert choice["message"]["content"] is None


def test_every_dialect_refuses_in_its_own_shape(providers, name):
    response = providers.post("openai", headers={**dialect(name), **fault("*=404")})
    assert response.status_code == 404
    shape = DIALECTS[name].errors
    if shape in ("text", "html"):
        assert response.headers["content-type"].startswith("text/")
        assert "does not exist" in response.text
        return
    body = response.json()
    found = {
        "openai": lambda: body["error"]["message"],
        "message": lambda: body["message"],
        "detail": lambda: body["detail"],
        "flat": lambda: body["message"] if body["object"] == "error" else None,
        "list": lambda: body[0]["error"]["message"] if body[0]["error"]["code"] == 404 else None,
    }[shape]()
    assert "does not exist" in found


def test_every_dialect_cut_short_by_max_tokens_says_so(providers, name):
    stream = providers.stream("openai", "Tell me about tea", headers={"X-Sandbox-Dialect": name}, max_tokens=7)
    assert len(stream.pieces) == 7
    assert stream.finishes == [DIALECTS[name].finish.get("length", "length")]


@pytest.mark.parametrize("asked", [True, False])
def test_usage_is_where_the_dialect_puts_it(providers, name, asked):
    """Empty choices, the finishing chunk, every chunk, or inside the choice."""
    kind = DIALECTS[name]
    stream = providers.stream("openai", headers=dialect(name), **(WITH_USAGE if asked else {}))
    places = [len(chunk["choices"]) for chunk in stream.chunks if chunk.get("usage")]
    inside = [choice for choice in stream.choices if "usage" in choice]
    if not asked and not kind.usage_always:
        assert (places, inside) == ([], [])
    elif kind.usage == "every":
        counts = [usage["completion_tokens"] for usage in stream.usages]
        assert counts == [*range(1, 31), 30]
    else:
        assert places == {"separate": [0], "with-finish": [1], "in-choice": [0]}[kind.usage]
        assert len(inside) == (kind.usage == "in-choice")


def test_openai_has_null_usage_in_every_chunk_but_the_last(providers):
    stream = providers.stream("openai", headers=tokens(5), **WITH_USAGE)
    assert [chunk["usage"] is None for chunk in stream.chunks] == [True] * 7 + [False]
    assert all("usage" not in chunk for chunk in providers.stream("openai", headers=tokens(5)).chunks)


def test_the_role_comes_as_the_dialect_has_it(providers, name):
    roles = [
        "role" in delta
        for delta in providers.stream("openai", headers=dialect(name, 4)).deltas
        if delta.get("content") or "role" in delta
    ]
    expected = {
        "own": [True, False, False, False, False],
        "first": [True, False, False, False],
        "every": [True] * 4,
        "never": [False] * 4,
    }[DIALECTS[name].role]
    assert roles == expected


def test_some_dialects_have_no_ids(providers):
    assert all("id" not in chunk for chunk in providers.stream("mistral", headers=tokens(3)).chunks)
    ids = {chunk["id"] for chunk in providers.stream("openai", headers=tokens(3)).chunks}
    assert len(ids) == 1 and ids != {chunk["id"] for chunk in providers.stream("openai", headers=tokens(3)).chunks}


def test_comments_come_first_and_in_between(providers):
    stream = providers.stream("openai", headers=dialect("carriage", 60))
    assert stream.raw.startswith(b": keep-alive\r\n\r\n")
    assert len(stream.comments) == 3


def test_line_ends_and_spaces_differ(providers):
    assert providers.stream("openai", headers=dialect("tight")).raw.startswith(b'data:{"id"')
    crlf = providers.stream("openai", headers=dialect("carriage")).raw
    assert crlf.count(b"\n") == crlf.count(b"\r\n") and crlf.endswith(b"data: [DONE]\r\n\r\n")


def test_empty_deltas_stand_between_tokens(providers):
    deltas = providers.stream("openai", headers=dialect("tight", 25)).deltas
    assert len([delta for delta in deltas if delta.get("content") == ""]) == 2


def test_content_may_be_null(providers):
    deltas = providers.stream("openai", headers=dialect("turns", 3)).deltas
    assert [delta["content"] for delta in deltas][0::4] == [None, None]


def test_cached_tokens_have_different_names(providers):
    """The second request with the same long prompt reads it from the cache."""

    def cached(name, provider):
        prompt = "The quick brown fox. " * 100
        for _ in range(2):
            reply = providers.post(provider, prompt, dialect(name, 1))
        return reply.json()["usage"]

    assert cached("plain", "a")["prompt_tokens_details"] == {"cached_tokens": 448}
    usage = cached("hit-miss", "b")
    assert (usage["prompt_cache_hit_tokens"], usage["prompt_tokens_details"]["cached_tokens"]) == (448, 448)
    assert usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"] - 448
    usage = cached("in-choice", "c")
    assert usage["cached_tokens"] == 448 and "prompt_tokens_details" not in usage


def test_chunks_end_inside_characters_and_lines(providers):
    """A single chunk is not valid text; all of them together are."""
    prompt = "Say exactly: naïve café – 日本語 🙂"
    chunks = providers.chunks("openai", prompt, {"X-Sandbox-Dialect": "splitting"})
    assert any(ends_inside_a_character(chunk) for chunk in chunks)
    assert any(not chunk.endswith(b"\n") for chunk in chunks)
    assert "日本語" not in b"".join(chunks[:2]).decode("utf-8", "ignore")
    assert providers.stream("openai", prompt, {"X-Sandbox-Dialect": "splitting"}).text == "naïve café – 日本語 🙂"


def ends_inside_a_character(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False


def test_calls_have_short_ids_at_mistral(providers):
    message = providers.answer("What is the weather in Oslo?", "mistral", tools=TOOLS)
    assert len(message["tool_calls"][0]["id"]) == 9


def test_a_provider_always_speaks_the_same_dialect_and_every_dialect_is_spoken():
    assert dialect_of("novita") is dialect_of("novita")
    assert {dialect_of(f"provider-{number}").name for number in range(200)} == set(DIALECTS)


def test_every_dialect_is_in_the_manual():
    manual = Path(sandbox.providers.__path__[0], "README.md").read_text()
    assert [name for name in DIALECTS if f"| `{name}` |" not in manual] == []


def test_an_unknown_dialect_is_refused_with_a_sentence(providers):
    response = providers.post("openai", headers=dialect("klingon"))
    assert response.status_code == 400 and "klingon" in response.json()["error"]["message"]
