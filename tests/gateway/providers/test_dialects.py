"""The table of provider dialects: every field does what it says, and every entry is of a provider in the catalog."""

import dataclasses
import json
from typing import Any

import pytest

from gateway.protocols.chat_completions.request import parse
from gateway.providers.failures import ProviderFailure
from gateway.providers.openai_chat.dialects import DIALECTS, TOLERANT, Dialect
from gateway.providers.openai_chat.request import request_body
from gateway.providers.request_context import ProviderRequest
from gateway.routing.plan import Attempt
from models_catalog.loading.bundled import FILE
from tests.gateway.native import ALL_PARAMETERS, CALLER, PNG, TOOL_CALL, WEATHER, user
from tests.gateway.providers.test_patience import asked
from tests.gateway.routing.examples import REAL, endpoint, model

CACHED = {"cache_control": {"type": "ephemeral"}}
EFFORTS = ("max", "xhigh", "high", "medium", "low", "minimal", "none")
#: A conversation with everything that some dialect changes.
MESSAGES = [
    {"role": "developer", "content": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]},
    user([{"type": "text", "text": "Hello", **CACHED}]) | {"name": "Ann"} | CACHED,
    {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL], "reasoning": "Weather first.", "audio": None},
    {"role": "tool", "tool_call_id": "call_1", "name": "get_weather", "content": "Rain"},
]
REQUEST = {
    "messages": MESSAGES,
    "tools": [WEATHER | CACHED],
    "temperature": 0.5,
    "prompt_cache_key": "alice",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "explicit"},
    "invented": 1,
}


def body_in(dialect: Dialect, **parameters: Any) -> dict[str, Any]:
    """The body for a provider that has this dialect."""
    served = endpoint("acme", "1", supported_parameters=ALL_PARAMETERS)
    request = parse({**REQUEST, **parameters}, max_stops=None)
    context = ProviderRequest(request, Attempt(model("acme/one", served), served, REAL, ""), CALLER, 100)
    return request_body(context, {"acme": dialect})


def message(number: int, **fields: Any) -> dict[str, Any]:
    """One of MESSAGES as it is sent in a dialect with these fields."""
    return body_in(Dialect(**fields))["messages"][number]


# --- The fields -----------------------------------------------------------------------------------------


def accepted_fields() -> None:
    assert "invented" in body_in(TOLERANT)
    assert body_in(Dialect(accepted_fields=frozenset({"model", "messages"}))).keys() == {"model", "messages"}


def refused_fields() -> None:
    assert "prompt_cache_retention" not in body_in(TOLERANT)
    body = body_in(Dialect(refused_fields=frozenset({"invented"})))
    assert "invented" not in body and body["prompt_cache_retention"] == "24h"


def field_names() -> None:
    assert body_in(TOLERANT)["temperature"] == 0.5
    body = body_in(Dialect(field_names={"temperature": "heat"}))
    assert body["heat"] == 0.5 and "temperature" not in body


def output_limit_field() -> None:
    assert body_in(TOLERANT)["max_tokens"] == 100
    body = body_in(Dialect(output_limit_field="max_completion_tokens"))
    assert body["max_completion_tokens"] == 100 and "max_tokens" not in body


def efforts() -> None:
    dialect = Dialect(efforts={"low": "medium"})
    sent = [body_in(dialect, reasoning={"effort": effort})["reasoning_effort"] for effort in ("low", "high", "none")]
    assert sent == ["medium", "high", "none"]
    assert body_in(TOLERANT, reasoning={"effort": "max"})["reasoning_effort"] == "high"


def reasoning_on() -> None:
    dialect = Dialect(reasoning_on={"enable_thinking": True})
    sent = [body_in(dialect, reasoning=asked) for asked in ({"effort": "low"}, {"effort": "none"}, {"enabled": False})]
    assert [body.get("enable_thinking") for body in sent] == [True, None, None]
    assert "enable_thinking" not in body_in(dialect)


def reasoning_off() -> None:
    dialect = Dialect(reasoning_off={"enable_thinking": False})
    sent = [body_in(dialect, reasoning=asked) for asked in ({"effort": "low"}, {"effort": "none"}, {"enabled": False})]
    assert [body.get("enable_thinking") for body in sent] == [None, False, False]
    assert "enable_thinking" not in body_in(dialect)


def shows_reasoning() -> None:
    assert asked("acme").streamed and asked("deepseek").streamed
    assert not asked("openai").streamed  # the only entry of these three that says so


def prompt_cache_key() -> None:
    assert "prompt_cache_key" not in body_in(TOLERANT)
    assert len(body_in(Dialect(prompt_cache_key=True))["prompt_cache_key"]) == 32


def max_stop_sequences() -> None:
    assert body_in(TOLERANT, stop=list("abcdef"))["stop"] == list("abcd")
    assert body_in(Dialect(max_stop_sequences=5), stop=list("abcdef"))["stop"] == list("abcde")
    assert body_in(TOLERANT, stop="END")["stop"] == "END"
    assert body_in(TOLERANT, stop=["", "END"])["stop"] == ["END"]
    assert not any("stop" in body_in(TOLERANT, stop=empty) for empty in ("", [], [""]))


def roles() -> None:
    assert message(0)["role"] == "system"
    assert message(0, roles={})["role"] == "developer"
    assert message(1, roles={"developer": "system"}) == MESSAGES[1]


def message_fields() -> None:
    assert message(2)["reasoning"] == "Weather first."
    strict = message(2, message_fields=frozenset({"role", "content", "tool_calls", "audio"}))
    assert strict == {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}


def speaker_names() -> None:
    assert message(1)["name"] == "Ann"
    named = message(1, speaker_names=False)
    assert "name" not in named and named["content"][0]["text"] == "Ann: Hello"
    assert message(3, speaker_names=False) == {"role": "tool", "tool_call_id": "call_1", "content": "Rain"}


def text_only_roles() -> None:
    assert message(0)["content"] == "Be brief.\nBe kind."
    assert message(0, text_only_roles=frozenset({"user"}))["content"] == MESSAGES[0]["content"]
    assert message(1, text_only_roles=frozenset({"user"})) == MESSAGES[1]  # has a mark for the cache
    assert message(1, text_only_roles=frozenset({"user"}), cache_control=False)["content"] == "Hello"
    image = user([{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "https://a.example/x"}}])
    body = body_in(Dialect(text_only_roles=frozenset({"user"})), messages=[image])
    assert body["messages"] == [image]


def reasoning_field() -> None:
    assert message(2)["reasoning"] == "Weather first."
    moved = message(2, reasoning_field="reasoning_content")
    assert moved["reasoning_content"] == "Weather first." and "reasoning" not in moved
    assert message(1, reasoning_field="reasoning_content") == MESSAGES[1]


def call_signatures() -> None:
    signature = {"type": "reasoning.encrypted", "format": "google-gemini-v1", "id": "call_1", "data": "c2ln"}
    calling = {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL], "reasoning_details": [signature]}

    def sent(calls: bool, *messages: Any) -> Any:
        body = body_in(Dialect(call_signatures=calls), messages=list(messages))
        return body["messages"][0]["tool_calls"]

    signed = TOOL_CALL | {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    assert sent(True, calling) == [signed] and sent(False, calling) == [TOOL_CALL]
    assert sent(True, calling | {"tool_calls": [signed]}) == [signed]
    assert sent(True, calling | {"reasoning_details": [signature | {"id": "other"}]}) == [TOOL_CALL]


def image_types() -> None:
    def sent(declared: str, data: str, **fields: Any) -> Any:
        url = f"data:{declared};base64,{data}"
        body = body_in(Dialect(**fields), messages=[user([{"type": "image_url", "image_url": {"url": url}}])])
        return body["messages"][0]["content"][0]["image_url"]["url"].partition(";")[0]

    assert sent("image/png", PNG) == sent("image/jpeg", PNG) == "data:image/png"  # by the bytes
    none: dict[str, Any] = {"image_types": frozenset()}
    for declared, data, fields in [("image/svg+xml", "PHN2Zz4=", {}), ("image/png", PNG, none)]:
        with pytest.raises(ProviderFailure) as refused:
            sent(declared, data, **fields)
        assert refused.value.status == 400 and declared in refused.value.message


def cache_control() -> None:
    assert body_in(TOLERANT)["tools"] == [WEATHER | CACHED] and message(1) == MESSAGES[1]
    body = body_in(Dialect(cache_control=False))
    assert "cache_control" not in json.dumps(body)
    assert body["tools"] == [WEATHER]
    assert body["messages"][1] == user([{"type": "text", "text": "Hello"}]) | {"name": "Ann"}


CHECKS = [
    accepted_fields, refused_fields, field_names, output_limit_field, efforts, reasoning_on, reasoning_off,
    shows_reasoning, prompt_cache_key, max_stop_sequences, roles,
    message_fields, speaker_names, text_only_roles, reasoning_field, call_signatures, image_types, cache_control,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_field_of_a_dialect_does_what_it_says(check):
    before = json.dumps(REQUEST)
    check()
    assert json.dumps(REQUEST) == before  # the client's request is never modified


def test_every_field_of_a_dialect_is_checked():
    assert {check.__name__ for check in CHECKS} == {field.name for field in dataclasses.fields(Dialect)}


# --- The entries ----------------------------------------------------------------------------------------


def test_every_dialect_is_of_a_provider_in_the_catalog():
    assert DIALECTS.keys() <= {provider["slug"] for provider in json.loads(FILE.read_text())["providers"]}


@pytest.mark.parametrize("slug", DIALECTS)
def test_an_entry_differs_from_the_default(slug):
    assert dataclasses.asdict(DIALECTS[slug]) != dataclasses.asdict(TOLERANT)


@pytest.mark.parametrize("slug", DIALECTS)
def test_a_request_is_written_in_the_dialect_of_its_provider(slug):
    dialect = DIALECTS[slug]
    served = endpoint(slug, "1")
    attempt = Attempt(model("acme/one", served), served, REAL, "")
    for effort in EFFORTS:
        request = parse({**REQUEST, "reasoning": {"effort": effort}})
        body = request_body(ProviderRequest(request, attempt, CALLER, 100))
        assert body == body_in(dialect, reasoning={"effort": effort}) | {"model": body["model"]}
        assert dialect.accepted_fields is None or body.keys() <= dialect.accepted_fields
        assert not body.keys() & dialect.refused_fields
        assert body[dialect.output_limit_field] == 100
        assert body["reasoning_effort"] == dialect.efforts.get(effort, effort)
        assert ("prompt_cache_key" in body) == dialect.prompt_cache_key
        assert ("cache_control" in json.dumps(body)) == dialect.cache_control
        for sent in body["messages"]:
            assert dialect.message_fields is None or sent.keys() <= dialect.message_fields
            assert sent["role"] not in dialect.roles
            assert sent["role"] not in dialect.text_only_roles or not isinstance(sent["content"], list)
            assert dialect.speaker_names or "name" not in sent
            assert dialect.reasoning_field in {"", "reasoning"} or "reasoning" not in sent
