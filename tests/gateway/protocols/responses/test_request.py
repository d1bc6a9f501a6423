"""Responses requests, read as the chat requests that mean the same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.reasoning import details_in, text_for_all
from gateway.protocols.responses.request import parse
from gateway.protocols.responses.tools import CallShape
from gateway.providers.anthropic.request import request_body as anthropic_body
from gateway.providers.request_context import ProviderRequest
from tests.gateway.native import CALLER, PDF, PNG, attempt

from .examples import BODY

IMAGE = f"data:image/png;base64,{PNG}"
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}, "strict": True}
CUSTOM = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edits files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: LINE"},
}
NAMESPACE = {"type": "namespace", "name": "agents", "description": "", "tools": [TOOL | {"name": "close"}]}


def parsed(said: Any = "Hi", **fields: Any) -> ChatRequest:
    return parse(json.dumps({"model": "acme/one", "input": said, **fields}).encode())


def messages(*items: Any, **fields: Any) -> list[dict[str, Any]]:
    return parsed(list(items), **fields).messages


def names(request: ChatRequest) -> list[str]:
    return [tool["function"]["name"] for tool in request.body.get("tools") or ()]


# --- Input --------------------------------------------------------------------------------------------


def test_a_text_is_a_message_after_the_instructions():
    assert parsed("Hi", instructions="Be brief.").messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "input_text", "text": "Look"}, "Look"),
        (
            {"type": "input_text", "text": "Look", "prompt_cache_breakpoint": {"mode": "explicit"}},
            [{"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}}],
        ),
        (
            {"type": "input_image", "image_url": IMAGE, "detail": "low"},
            [{"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}}],
        ),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
            [{"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}],
        ),
        (
            {"type": "input_file", "file_url": "https://a.example/b"},
            [{"type": "file", "file": {"filename": "document.pdf", "file_data": "https://a.example/b"}}],
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}],
        ),
        (
            {"type": "input_video", "video_url": "https://a.example/v.mp4"},
            [{"type": "video_url", "video_url": {"url": "https://a.example/v.mp4"}}],
        ),
    ],
)
def test_a_part_of_a_message_means_the_same(part, expected):
    assert messages({"role": "user", "content": [part]}) == [{"role": "user", "content": expected}]


def test_the_assistants_items_of_one_turn_are_one_message():
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "Rain"}]}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    assert messages(
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
        said | {"content": [{"type": "output_text", "text": "One moment.", "annotations": []}]},
        call,
        output,
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}},
        said | {"content": [{"type": "refusal", "refusal": "No."}]},
    ) == [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "One moment.",
            "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "format": "unknown", "index": 0}],
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
        {"role": "assistant", "content": "No."},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            [
                {"type": "input_text", "text": "Task:"},
                {"type": "encrypted_content", "encrypted_content": "List the files."},
                {"type": "input_image", "image_url": IMAGE},
            ],
            [
                {"type": "text", "text": "Task:"},
                {"type": "text", "text": "List the files."},
                {"type": "image_url", "image_url": {"url": IMAGE}},
            ],
        ),
        ("List the files.", "List the files."),
        (None, ""),
    ],
)
def test_the_message_of_another_agent_is_one_of_the_user(content, expected):
    item = {"type": "agent_message", "author": "lead", "recipient": "worker", "content": content}
    assert messages({"role": "assistant", "content": "Hi"}, item) == [
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": expected},
    ]


@pytest.mark.parametrize(
    ("item", "function"),
    [
        (
            {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin"},
            {"name": "apply_patch", "arguments": '{"input":"*** Begin"}'},
        ),
        (
            {"type": "function_call", "name": "close", "namespace": "agents", "arguments": "{}"},
            {"name": "agents__close", "arguments": "{}"},
        ),
        (
            {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}, "user": None}},
            {"name": "local_shell", "arguments": '{"command":["ls"],"env":{}}'},
        ),
        (
            {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}, "status": "completed"},
            {"name": "apply_patch", "arguments": '{"type":"delete_file","path":"a"}'},
        ),
    ],
)
def test_a_call_of_any_tool_is_a_call_of_its_function(item, function):
    (message,) = messages(item | {"id": "x_1", "call_id": "call_1"})
    assert message["tool_calls"] == [{"id": "call_1", "type": "function", "function": function}]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"type": "custom_tool_call_output", "call_id": "c", "output": "Done"}, {"content": "Done"}),
        ({"type": "local_shell_call_output", "id": "c", "output": "{}"}, {"content": "{}"}),
        (
            {"type": "apply_patch_call_output", "call_id": "c", "status": "failed"},
            {"content": "The patch failed.", "is_error": True},
        ),
        (
            {
                "type": "function_call_output",
                "call_id": "c",
                "output": [{"type": "input_image", "image_url": IMAGE, "detail": "auto"}],
            },
            {"content": [{"type": "image_url", "image_url": {"url": IMAGE, "detail": "auto"}}]},
        ),
    ],
)
def test_the_result_of_any_tool_is_a_tools_message(item, expected):
    assert messages(item) == [{"role": "tool", "tool_call_id": "c", **expected}]


# --- Reasoning ----------------------------------------------------------------------------------------

SIGNED = {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}
REDACTED = {"type": "reasoning.encrypted", "data": "b3Bh", "format": "anthropic-claude-v1", "index": 1}


def test_packed_reasoning_comes_back_as_the_provider_sent_it():
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": text_for_all([SIGNED, REDACTED])}
    request = parsed(
        [
            {"role": "user", "content": "Hi"},
            item,
            {"role": "assistant", "content": "Yes"},
            {"role": "user", "content": "So?"},
        ]
    )
    assert request.messages[1]["reasoning_details"] == [SIGNED, REDACTED]
    sent = anthropic_body(ProviderRequest(request, attempt("claude-haiku-4-5"), CALLER, None), {})
    assert sent["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3Bh"},
        {"type": "text", "text": "Yes"},
    ]


def test_reasoning_of_another_origin_keeps_what_its_fields_say():
    foreign = {
        "type": "reasoning",
        "id": "rs_1",
        "encrypted_content": "gAAA",
        "summary": [{"type": "summary_text", "text": "S"}],
    }
    signed = {"type": "reasoning", "id": "rs_2", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    (message,) = messages(foreign, signed | {"signature": "c2ln", "format": "anthropic-claude-v1"})
    openai = {"format": "openai-responses-v1"}
    assert message["reasoning_details"] == [
        {"type": "reasoning.encrypted", "data": "gAAA", "index": 0} | openai,
        {"type": "reasoning.summary", "summary": "S", "index": 1} | openai,
        SIGNED | {"index": 2},
    ]


@pytest.mark.parametrize("details", [{}, ["x"], [{"type": "x"}], [SIGNED | {"signature": 1}], [{"text": "x"}]])
def test_packed_reasoning_that_was_altered_is_refused(details):
    text = text_for_all(details)
    with pytest.raises(ValueError):
        details_in(text)
    with pytest.raises(InvalidRequest, match=r"input\[0\]\.encrypted_content"):
        messages({"type": "reasoning", "summary": [], "encrypted_content": text})


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        ({"effort": "high", "summary": "auto"}, {"effort": "high", "summary": "auto"}),
        ({"max_tokens": 2000}, {"max_tokens": 2000}),
        ({"enabled": False}, {"enabled": False}),
        ({"summary": "auto"}, None),
        ({}, None),
    ],
)
def test_the_model_decides_unless_effort_budget_or_switch_are_given(reasoning, expected):
    assert parsed(reasoning=reasoning).body.get("reasoning") == expected


# --- Tools and parameters -----------------------------------------------------------------------------


def test_every_kind_of_tool_is_a_function_and_its_calls_keep_their_kind():
    request = parsed(tools=[TOOL, CUSTOM, NAMESPACE, {"type": "local_shell"}])
    assert names(request) == ["get_weather", "apply_patch", "agents__close", "local_shell"]
    plain, custom, *_ = [tool["function"] for tool in request.body["tools"]]
    assert plain == {"name": "get_weather", "parameters": TOOL["parameters"], "strict": True}
    assert "lark" in custom["description"] and custom["parameters"]["required"] == ["input"]
    assert request.for_reply.shapes == {
        "apply_patch": CallShape("custom_tool_call", "apply_patch"),
        "agents__close": CallShape("function_call", "close", "agents"),
        "local_shell": CallShape("local_shell_call", "local_shell"),
    }
    assert parsed(tools=[{"type": "apply_patch"}]).for_reply.shapes["apply_patch"].type == "apply_patch_call"


SEARCH_OF_TOOLS = {"type": "tool_search", "execution": "client", "description": "Finds tools."}


def test_tools_that_the_conversation_declares_are_tools_of_the_request():
    namespace = {"type": "namespace", "name": "functions", "description": "", "tools": [CUSTOM | {"name": "exec"}]}
    called = {"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": {"query": "agents"}}
    found = {"type": "tool_search_output", "call_id": "c", "execution": "client", "tools": [NAMESPACE, TOOL]}
    items = [{"type": "additional_tools", "role": "developer", "tools": [namespace]}, {"role": "user", "content": "Hi"}]
    request = parsed([*items, called, found], tools=[SEARCH_OF_TOOLS, TOOL])
    assert names(request) == ["tool_search", "get_weather", "exec", "agents__close"]
    assert request.for_reply.shapes == {
        "tool_search": CallShape("tool_search_call", "tool_search"),
        "exec": CallShape("custom_tool_call", "exec", "functions"),
        "agents__close": CallShape("function_call", "close", "agents"),
    }
    _, call, result = request.messages
    assert call["tool_calls"][0]["function"] == {"name": "tool_search", "arguments": '{"query":"agents"}'}
    assert result["content"] == "Tools that can be called now: agents__close, get_weather"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", "required"),
        ({"type": "function", "name": "get_weather"}, {"type": "function", "function": {"name": "get_weather"}}),
        ({"type": "custom", "name": "apply_patch"}, {"type": "function", "function": {"name": "apply_patch"}}),
    ],
)
def test_the_choice_of_a_tool_is_that_of_its_function(choice, expected):
    assert parsed(tools=[TOOL, CUSTOM], tool_choice=choice).body["tool_choice"] == expected


def test_allowed_tools_leave_the_others_out():
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_weather"}]}
    request = parsed(tools=[CUSTOM, TOOL], tool_choice=allowed)
    assert (names(request), request.body["tool_choice"]) == (["get_weather"], "required")


SEARCH = {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}, "engine": "auto"}


@pytest.mark.parametrize(
    ("tools", "choice", "searches"),
    [
        ([SEARCH], None, True),
        ([SEARCH], "none", False),
        ([SEARCH, TOOL], None, False),
        ([SEARCH, TOOL], {"type": "web_search"}, True),
    ],
)
def test_a_search_tool_searches_where_the_request_clearly_wants_it(tools, choice, searches):
    request = parsed(tools=tools, tool_choice=choice)
    plugins = [{"id": "web", "include_domains": ["a.example"]}] if searches else None
    assert request.body.get("plugins") == plugins
    assert "web_search" not in names(request)


def test_parameters_become_those_of_a_chat_request():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    request = parsed(
        text={"format": {"type": "json_schema", "name": "it", "schema": schema, "strict": True}, "verbosity": "low"},
        max_output_tokens=50, top_logprobs=2, truncation="auto", user="u", models=["acme/two"], stream=True,
        prompt_cache_key="k", safety_identifier="s", session_id="x", tools=[TOOL], parallel_tool_calls=False,
        store=False, previous_response_id=None, client_metadata={"thread_id": "t"},
    )  # fmt: skip
    wanted = {"type": "json_schema", "json_schema": {"name": "it", "schema": schema, "strict": True}}
    assert request.body["response_format"] == wanted
    assert (request.max_tokens, request.user, request.session_id, request.stream) == (50, "u", "x", True)
    assert request.models == ("acme/two",)
    assert (request.body["logprobs"], request.body["top_logprobs"], request.body["verbosity"]) == (True, 2, "low")
    assert request.body["plugins"] == [{"id": "context-compression", "enabled": True}]
    assert request.body["parallel_tool_calls"] is False and "client_metadata" not in request.body
    assert parsed(text={"format": {"type": "text"}}).body.get("response_format") is None
    assert parsed(text={"format": {"type": "json_object"}}).body["response_format"] == {"type": "json_object"}


@given(BODY)
@settings(max_examples=300, deadline=None)
def test_any_body_is_read_or_refused(body):
    try:
        request = parse(json.dumps(body).encode())
    except InvalidRequest as refused:
        assert refused.message
    else:
        assert request.messages and request.for_reply.echo["tool_choice"]
