"""OpenAI's Responses protocol through the gateway: the same plan, hold and bill, in other words."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from .examples import BODY
from .streams import check, events_in, output_of

PATH = "/responses"
TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Current weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def body(said: Any = "Hello", **fields: Any) -> dict[str, Any]:
    return {"model": "acme/one", "input": said, "provider": {"sort": "price"}, **fields}


async def answered(api: Any, asked: dict[str, Any], **headers: str) -> dict[str, Any]:
    """The response object, whole or at the end of a stream, in its documented shape."""
    response = await api.post(PATH, json=asked, headers=headers)
    assert response.status_code == 200, response.text
    if not asked.get("stream"):
        check(200, response.json())
        return response.json()
    events = events_in(response.text)
    assert output_of(events) == events[-1]["response"]["output"]
    return events[-1]["response"]


# --- Responses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_is_answered_and_charged(api, stream):
    response = await answered(api, body(stream=stream, metadata={"a": "b"}, instructions="Be brief.", temperature=0.5))
    assert (response["object"], response["status"], response["model"]) == ("response", "completed", "acme/one")
    [message] = response["output"]
    assert (message["type"], message["role"], message["status"]) == ("message", "assistant", "completed")
    assert message["content"][0]["text"] == response["output_text"] != ""
    assert (response["metadata"], response["instructions"], response["temperature"]) == ({"a": "b"}, "Be brief.", 0.5)
    row = await api.generation()
    usage = response["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (row.prompt_tokens, row.completion_tokens)
    assert Decimal(str(usage["cost"])) * 10**12 == row.cost > 0
    assert response["id"] == row.id.replace("gen-", "resp_")
    await api.assert_books_balance()


@pytest.mark.parametrize("stream", [False, True])
async def test_the_id_is_in_the_header_too(api, stream):
    response = await api.post(PATH, json=body(stream=stream))
    row = await api.generation()
    assert response.headers["x-generation-id"] == row.id.replace("gen-", "resp_")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_is_called_and_its_result_answered(api, stream):
    question = {"role": "user", "content": "Weather in Lisbon?"}
    asked = body([question], tools=[TOOL], tool_choice="required", stream=stream)
    called = await answered(api, asked)
    [call] = called["output"]
    assert (call["type"], call["name"], call["status"]) == ("function_call", "get_weather", "completed")
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "17 degrees"}
    replied = await answered(api, body([question, call, result], tools=[TOOL], stream=stream))
    assert "17 degrees" in replied["output_text"]
    first, second = [request["body"] for request in await api.received()]
    assert first["tool_choice"] == "required" and first["tools"][0]["function"]["name"] == "get_weather"
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "tool"]
    await api.assert_books_balance()


@pytest.mark.parametrize("stream", [True, False])
async def test_reasoning_is_an_item_before_the_text(api, stream):
    response = await answered(api, body(reasoning={"effort": "high"}, stream=stream))
    reasoning, message = response["output"]
    assert reasoning["type"] == "reasoning" and reasoning["content"][0]["text"]
    assert message["type"] == "message" and response["usage"]["output_tokens_details"]["reasoning_tokens"] > 0


@pytest.mark.parametrize("stream", [True, False])
async def test_a_response_that_is_cut_by_its_limit_is_incomplete(api, stream):
    response = await answered(api, body(max_output_tokens=3, stream=stream))
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert response["output"][0]["status"] == "incomplete" and response["usage"]["output_tokens"] == 3


@pytest.mark.parametrize("stream", [True, False])
async def test_a_prompt_without_room_is_an_incomplete_response_and_free(api, stream):
    response = await answered(api, body(stream=stream), **{"X-Sandbox-Fault": "*=context-length"})
    assert (response["status"], response["error_type"]) == ("incomplete", "context_length_exceeded")
    assert response["incomplete_details"]["reason"] == "max_output_tokens" and response["output"] == []
    assert response["usage"]["total_tokens"] == response["usage"]["cost"] == 0  # strict clients require counts
    assert (await api.account()).usage == 0
    await api.assert_books_balance()


async def test_a_broken_stream_ends_with_a_failed_response_and_is_free(api):
    response = await api.post(PATH, json=body(stream=True), headers={"X-Sandbox-Fault": "cheap=cut:3"})
    ending = events_in(response.text)[-1]
    assert ending["type"] == "response.failed"
    assert (ending["response"]["status"], ending["response"]["error"]["code"]) == ("failed", "server_error")
    assert ending["response"]["error_type"] == "provider_unavailable"
    assert ending["response"]["output"][0]["status"] == "incomplete"
    assert (await api.generation()).cost == 0
    await api.assert_books_balance()


async def test_the_next_provider_answers_when_one_fails(api):
    assert (await answered(api, body(), **{"X-Sandbox-Fault": "cheap=503"}))["provider"] == "Dear"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_web_search_is_an_item_before_the_text_with_its_sources_in_it(api, search_in_the_sandbox, stream):
    response = await answered(api, body("Rain in Lisbon", tools=[{"type": "web_search"}], stream=stream))
    search, message = response["output"]
    assert (search["type"], search["status"]) == ("web_search_call", "completed")
    assert search["action"] == {"type": "search", "query": "Rain in Lisbon"}
    assert message["content"][0]["annotations"][0]["url"].startswith("https://")
    assert response["usage"]["server_tool_use_details"] == {"web_search_requests": 1}
    again = await answered(api, body([{"role": "user", "content": "Rain"}, *response["output"]], stream=stream))
    assert again["status"] == "completed"


async def test_an_agents_search_tool_does_not_search_by_itself(api, search_in_the_sandbox):
    await answered(api, body("Rain in Lisbon", tools=[TOOL, {"type": "web_search"}]))
    assert (await api.generation()).web_search_engine == ""
    await answered(api, body("Rain", tools=[TOOL, {"type": "web_search"}], tool_choice={"type": "web_search"}))
    assert (await api.generation()).web_search_engine != ""


# --- Errors -------------------------------------------------------------------------------------------


def message(**part: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [part]}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": [message(type="input_text", text="a"), message(type="video")]}, "input[1].content[0].type"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"input": ["text"]}, "input[0]"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
        ({"input": [{"id": "msg_1"}]}, "input[0].type"),
        ({"input": [message(type="input_image", file_id="file-1")]}, "input[0].content[0]"),
        ({"input": [message(type="input_file", file_id="file-1")]}, "input[0].content[0]"),
        ({"input": [{"type": "reasoning", "summary": [], "encrypted_content": "or1.x"}]}, "input[0].encrypted_content"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"tools": [TOOL, TOOL]}, "tools[1].name"),
        ({"tools": [TOOL, {"type": "code_interpreter"}]}, "tools[1].type"),
        ({"tools": [{"type": "namespace", "name": "a", "tools": [{"type": "mcp"}]}]}, "tools[0].tools[0].type"),
        ({"tools": [{"type": "tool_search", "execution": "server"}]}, "tools[0].execution"),
        ({"input": [{"type": "additional_tools", "tools": [{"type": "mcp"}]}]}, "input[0].tools[0].type"),
        ({"tools": [TOOL], "tool_choice": "always"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "mcp"}}, "tool_choice.type"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "x"}}, "tool_choice.name"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ],
)
async def test_a_malformed_request_is_refused_with_the_place(api, changes, place):
    response = await api.post(PATH, json=body() | changes)
    assert response.status_code == 400
    refused = response.json()
    check(400, refused)
    assert (refused["error"]["type"], refused["error_type"]) == ("invalid_request_error", "invalid_request")
    assert refused["error"]["param"] == place and len(refused["error"]["message"].split()) > 3


@pytest.mark.parametrize("sent", [b"", b"[]", b'"x"', b"{", b"\xff", b'{"input": ' + b"[" * 3000])
async def test_what_is_no_object_is_refused(api, sent):
    response = await api.post(PATH, content=sent)
    assert response.status_code == 400 and response.json()["error_type"] == "invalid_request"


@pytest.mark.parametrize(
    ("headers", "changes", "status", "kind"),
    [
        ({"Authorization": "Bearer sk-or-v1-" + "0" * 64}, {}, 401, "authentication"),
        ({}, {"model": "acme/none"}, 400, "not_found"),
        ({}, {"provider": {"only": ["nowhere"]}}, 404, "not_found"),
        ({"X-Sandbox-Fault": "*=503"}, {}, 503, "provider_overloaded"),
        ({"X-Sandbox-Fault": "*=429"}, {}, 429, "rate_limit_exceeded"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_errors_have_the_protocols_shape(api, headers, changes, status, kind, stream):
    response = await api.post(PATH, json=body(stream=stream) | changes, headers=headers)
    assert response.status_code == status
    check(status, response.json())
    assert response.json()["error_type"] == kind and response.json()["error"]["code"] == status


async def test_other_methods_are_refused_and_browsers_may_ask(api):
    refused = await api.client.get(f"/api/v1{PATH}")
    assert (refused.status_code, refused.json()["error"]["type"]) == (405, "invalid_request_error")
    preflight = await api.client.options(f"/api/v1{PATH}")
    assert preflight.status_code == 204 and preflight.headers["access-control-allow-origin"] == "*"


@given(asked=BODY)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_whole_path_never_answers_500(api, asked):
    response = await api.post(PATH, json=asked)
    assert response.status_code != 500
    if response.status_code != 200:
        check(response.status_code, response.json())
    elif not asked.get("stream"):
        check(200, response.json())
    account = await api.account()
    assert account.held == 0 and account.credits >= account.usage
