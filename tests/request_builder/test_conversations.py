"""Conversations with images and tool calls, in the shape of each API, and the faults of their order."""

import json

import pytest
from django.test import Client

from gateway.protocols.table import PARSERS
from models_catalog.catalog import Catalogue
from request_builder.requests.conversations import conversation_of
from request_builder.requests.messages import Message, faults_of
from tests.request_builder.posting import code_in, fields, notes_in, result

TALK = [
    Message("user", "Weather?", image="https://example.com/sky.png"),
    Message("assistant", "I'll look.", call='get_weather {"city": "Zürich"}'),
    Message("assistant", image="https://example.com/ignored.png", call="get_time"),
    Message("tool", "21 °C"),
    Message("tool", "noon"),
    Message("user", "Thanks", call="ignored"),
]


def test_each_api_gets_calls_and_results_in_its_own_shape():
    first, second = {"name": "get_weather", "arguments": '{"city": "Zürich"}'}, {"name": "get_time", "arguments": "{}"}
    assert conversation_of(TALK, "chat/completions")[1:] == [
        {
            "role": "assistant",
            "content": "I'll look.",
            "tool_calls": [{"id": "call_1", "type": "function", "function": first}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_2", "type": "function", "function": second}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "21 °C"},
        {"role": "tool", "tool_call_id": "call_2", "content": "noon"},
        {"role": "user", "content": "Thanks"},
    ]
    assert conversation_of(TALK[1:4:2], "messages") == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I'll look."},
                {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Zürich"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "21 °C"}]},
    ]
    assert conversation_of(TALK[1:4:2], "responses") == [
        {"role": "assistant", "content": "I'll look."},
        {"type": "function_call", "call_id": "call_1", **first},
        {"type": "function_call_output", "call_id": "call_1", "output": "21 °C"},
    ]


@pytest.mark.parametrize("api", ["chat/completions", "messages", "responses"])
def test_the_api_takes_the_conversation(client: Client, bundled: Catalogue, api):
    columns = {name: [getattr(each, name) for each in TALK] for name in Message._fields}
    page = result(client, fields(api, max_tokens="100") | columns)
    assert notes_in(page)["valid"]
    body = json.loads(code_in(page)["json"])
    if api == "chat/completions":
        assert [each["role"] for each in body["messages"]] == [each.role for each in TALK]
    else:
        PARSERS[api](json.dumps(body).encode())


def test_calls_and_results_belong_together():
    call, answer, question = Message("assistant", call="f {}"), Message("tool", "1"), Message("user", "Hi")
    assert faults_of([question, call, answer]) == {}
    assert faults_of([call, call, answer, answer, question]) == {}
    no_call, no_result = "This is the result of no call.", "This call has no result."
    for messages, expected in [
        ([answer], {0: no_call}),
        ([call, answer, answer], {2: no_call}),
        ([call], {0: no_result}),
        ([call, question, answer], {0: no_result, 2: no_call}),
        ([Message("assistant", call="f [1]"), answer], {0: "Write the call as a name and a JSON object"}),
        ([Message("assistant", call='f {"a": NaN}'), answer], {0: "Write the call as"}),
        ([Message("assistant", call='f {"a": 1e999}'), answer], {0: "Write the call as"}),
        ([call, Message("tool")], {1: "Enter a text"}),
    ]:
        found = faults_of(messages)
        assert found.keys() == expected.keys()
        assert all(found[at].startswith(start) for at, start in expected.items())
