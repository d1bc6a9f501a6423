"""Requests in the Messages protocol, read as the chat requests that mean the same."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InvalidRequest
from gateway.protocols.messages.request import SHARED, parse
from gateway.protocols.messages.schema import Body
from gateway.protocols.reasoning import detail_in, text_for
from gateway.providers.anthropic.request import request_body as anthropic_body
from gateway.providers.failures import ProviderFailure
from gateway.providers.google.request import request_body as google_body
from gateway.providers.openai_chat.request import request_body as openai_body
from gateway.providers.request_context import ProviderRequest
from tests.gateway.native import CALLER, PNG, attempt

from .bodies import BODY
from .examples import TOOL, at_anthropic, parsed

CONVERSATION = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "document", "title": "a.pdf", "source": {"type": "url", "url": "https://a.example/a.pdf"}},
        ],
    },
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "Weather first.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "b3BhcXVl"},
            {"type": "text", "text": "One moment."},
            {"type": "thinking", "thinking": "In Paris.", "signature": "dHdv"},
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "toolu_1",
                "content": [{"type": "text", "text": "Rain"}],
                "is_error": True,
            },
            {"type": "text", "text": "And?"},
        ],
    },
]  # fmt: skip


def test_a_conversation_reaches_claude_as_it_came():
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    sent = at_anthropic(
        *CONVERSATION, system=system, tools=[TOOL], metadata={"user_id": "alice"}, stop_sequences=["END"]
    )
    assert sent["messages"] == CONVERSATION
    assert (sent["system"], sent["stop_sequences"]) == (system, ["END"])
    assert sent["tools"] == [TOOL]


def test_marks_for_the_cache_reach_claude_on_every_kind_of_block():
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Rain"}]}
    request = parsed(
        {"role": "user", "content": [{"type": "text", "text": "Look"} | mark]},
        {"role": "assistant", "content": [{"type": "text", "text": "So"} | mark, call | mark]},
        {"role": "user", "content": [result | mark]},
        tools=[TOOL | mark],
    )
    assert request.caches_for_an_hour()
    marked = [message for message in request.messages if "cache_control" in json.dumps(message)]
    assert len(marked) == 3 and request.body["tools"][0]["cache_control"] == mark["cache_control"]
    sent = at_anthropic(
        {"role": "user", "content": "Look"},
        {"role": "assistant", "content": [call | mark]},
        {"role": "user", "content": [result | mark]},
    )["messages"]
    for turn in sent[1:]:
        assert turn["content"][0]["cache_control"] == {"type": "ephemeral"}  # the price of an hour is not known


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "tool", "name": "get_weather"}, {"type": "tool", "name": "get_weather"}),
        ({"type": "any", "disable_parallel_tool_use": True}, {"type": "any", "disable_parallel_tool_use": True}),
        ({"type": "none"}, {"type": "none"}),
    ],
)
def test_the_choice_of_a_tool_reaches_claude_as_it_came(choice, expected):
    assert at_anthropic(tools=[TOOL], tool_choice=choice)["tool_choice"] == expected


def test_thinking_and_formats_become_the_gateways_parameters():
    fields = {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}}
    assert parsed(**fields).reasoning.max_tokens == 2000 and parsed(**fields).reasoning.exclude
    assert parsed(thinking={"type": "disabled"}).reasoning.enabled is False
    adaptive = parsed(thinking={"type": "adaptive"}, output_config={"effort": "low"})
    assert adaptive.reasoning.effort == "low"
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = parsed(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert wanted.body["response_format"]["json_schema"]["schema"] == schema
    assert parsed(fallbacks=[{"model": "acme/two"}]).models == ("acme/two",)
    search = parsed(tools=[{"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.example"]}])
    assert search.body["plugins"] == [{"id": "web", "include_domains": ["a.example"]}]


def test_a_text_document_becomes_text_and_an_opaque_detail_comes_back_as_it_was():
    document = {
        "type": "document",
        "title": "Notes",
        "source": {"type": "text", "media_type": "text/plain", "data": "Rain"},
    }
    (message,) = parsed({"role": "user", "content": [document]}).messages
    assert message["content"] == [{"type": "text", "text": "Notes\nRain"}]
    detail = {"type": "reasoning.encrypted", "data": "x", "format": "google-gemini-v1", "id": "call_1", "index": 0}
    assert detail_in(text_for(detail)) == detail
    redacted = {"type": "redacted_thinking", "data": text_for(detail)}
    message = parsed({"role": "user", "content": "Hi"}, {"role": "assistant", "content": [redacted]}).messages[1]
    assert message["reasoning_details"] == [detail]


def test_tools_are_those_that_messages_leave_and_add():
    other = TOOL | {"name": "look"}
    named = {"type": "tool_reference", "name": "look"}
    removal, addition = {"type": "tool_removal", "tool": named}, {"type": "tool_addition", "tool": named}
    said = {"role": "user", "content": "Hi"}

    def offered(*blocks):
        sent = at_anthropic(said, {"role": "system", "content": list(blocks)}, said, tools=[TOOL, other])
        assert [turn["role"] for turn in sent["messages"]] == ["user"] and "system" not in sent
        return [tool["name"] for tool in sent["tools"]]

    assert offered(removal) == ["get_weather"]
    assert offered(removal, addition) == ["get_weather", "look"]
    definition = {"type": "tool_definition", "definition": TOOL | {"name": "send"}}
    assert offered(removal, {"type": "tool_addition", "tool": definition}) == ["get_weather", "send"]
    assert offered(removal, {"type": "tool_addition", "tool": definition | {"definition": other}}) == [
        "get_weather", "look",
    ]  # fmt: skip
    with pytest.raises(InvalidRequest, match=r"messages\[0\].content\[0\].tool.type"):
        parsed({"role": "system", "content": [removal | {"tool": {"type": "mcp_toolset_reference"}}]})


def test_a_tool_that_a_programs_search_has_found_is_named_in_its_result():
    found = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "tool_reference", "tool_name": "a"}]}
    call = {"type": "tool_use", "id": "toolu_1", "name": "search_tools", "input": {}}
    said = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [found]}]
    (result,) = parsed(*said).messages[1:]
    assert result["content"] == [{"type": "text", "text": "Tool that can be called now: a"}]


@pytest.mark.parametrize("content", ["They met.", None, ""])
def test_a_summary_stands_for_all_before_it(content):
    old, new = {"type": "text", "text": "Old"}, {"type": "text", "text": "New"}
    said = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [old, {"type": "compaction", "content": content}, new]},
        {"role": "user", "content": "So?"},
    ]
    texts = [json.dumps(message["content"]) for message in parsed(*said).messages]
    first = ["Summary of the conversation so far:\\nThey met."] if content else ["Hi", "Old"]
    assert all(text in " ".join(texts) for text in [*first, "New", "So?"])
    assert ("Old" in " ".join(texts)) == (not content)


def test_the_end_user_and_the_tier_are_those_of_the_request():
    assert parsed(metadata={"user_id": "alice"}).user == "alice"
    assert parsed(metadata={"user_id": "alice"}, user="bob").user == "bob"
    for named, tier in (("priority", "priority"), ("flex", "flex"), ("auto", ""), ("standard_only", ""), (None, "")):
        assert parsed(service_tier=named).service_tier == tier
    with pytest.raises(InvalidRequest, match=r"\$.service_tier"):
        parsed(service_tier="express")


#: The properties of `MessagesRequest`, the body of "POST /messages" in OpenRouter's document.
DOCUMENTED = {
    "cache_control", "context_management", "fallbacks", "max_tokens", "messages", "metadata", "model", "models",
    "output_config", "plugins", "provider", "route", "service_tier", "session_id", "speed", "stop_sequences",
    "stop_server_tools_when", "stream", "system", "temperature", "thinking", "tool_choice", "tools", "top_k", "top_p",
    "trace", "user",
}  # fmt: skip
#: Edits of the prompt at the provider, which save tokens and change no meaning: accepted, without effect.
IGNORED = {"context_management"}


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_every_documented_parameter_is_read_or_listed_as_ignored(name):
    assert (name in {*Body.__struct_fields__, *SHARED}) is (name not in IGNORED)


def test_fast_is_the_priority_tier():
    for speed, tier in (("fast", "priority"), ("standard", ""), (None, "")):
        assert parsed(speed=speed).service_tier == tier
    assert parsed(speed="fast", service_tier="standard_only").service_tier == "priority"
    assert parsed(speed="standard", service_tier="flex").service_tier == "flex"
    with pytest.raises(InvalidRequest, match="contradict"):
        parsed(speed="fast", service_tier="flex")
    with pytest.raises(InvalidRequest, match=r"\$.speed"):
        parsed(speed="turbo")


@given(BODY)
@settings(max_examples=200)
def test_any_body_is_read_or_refused(fields):
    try:
        request = parse(json.dumps(fields).encode())
    except InvalidRequest as refused:
        assert refused.message
        return
    assert request.messages
    for provider_body in (anthropic_body, google_body, openai_body):
        try:
            context = ProviderRequest(request, attempt("claude-haiku-4-5"), CALLER, None)
            provider_body(context, {}) if provider_body is not openai_body else openai_body(context)
        except (InvalidRequest, ProviderFailure) as refused:
            assert refused.message  # what this provider cannot take


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(InvalidRequest):
        parse(data)
