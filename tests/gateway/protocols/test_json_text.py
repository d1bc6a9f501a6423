"""JSON that programs and models write: halves of characters, and values of too many levels."""

import json

import pytest

from gateway.protocols.json_text import decoded
from tests.gateway.native import ANTHROPIC, connect, for_anthropic, for_google, user

DEEP = "[" * 3000 + "]" * 3000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"cut \ud83d"', "cut \ufffd"),
        (r'"\ude00 cut"', "\ufffd cut"),
        (r'"\uD83D\uD83D\uDE00"', "\ufffd\U0001f600"),
        (r'"\ud83d\u0041"', "\ufffdA"),
        (r'{"\ud83d": ["\ude00\ud83d"]}', {"\ufffd": ["\ufffd\ufffd"]}),
        (r'"\ud83d \\ud83d \\\ud83d \" \ud83d\ude00"', '\ufffd \\ud83d \\\ufffd " \U0001f600'),
    ],
)
def test_half_of_a_character_is_replaced_and_all_else_is_as_it_was(text, value):
    assert decoded(text) == decoded(text.encode()) == value


@pytest.mark.parametrize("text", ["", "{", r'"\ud83d', '{"a": NaN}', '{"a": 1e999}', b'"\xed\xa0\x80"', DEEP])
def test_what_is_not_json_is_no_value(text):
    with pytest.raises(ValueError):
        decoded(text)


@pytest.mark.parametrize(
    ("path", "fields", "sent"),
    [
        ("/chat/completions", {"messages": [user("Look: \ud83d")]}, "Look: \ufffd"),
        ("/messages", {"messages": [user("Look: \ud83d")]}, "Look: \ufffd"),
        ("/responses", {"input": "Look: \ud83d"}, "Look: \ufffd"),
    ],
)
async def test_a_request_with_half_of_a_character_is_served(api, path, fields, sent):
    body = {"model": "acme/one", **fields}
    response = await api.post(path, content=json.dumps(body), headers={"X-OpenRouter-Cache": "true"})
    assert response.status_code == 200
    (received,) = await api.received()
    assert received["body"]["messages"] == [{"role": "user", "content": sent}]


@pytest.mark.parametrize("body_for", [for_anthropic, for_google])
def test_calls_and_results_of_tools_reach_providers_whatever_they_are(body_for):
    def body(arguments: str, result: str) -> str:
        call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": arguments}}
        said = [user("Hi"), {"role": "assistant", "content": None, "tool_calls": [call]}]
        return json.dumps(body_for(*said, {"role": "tool", "tool_call_id": "call_1", "content": result}))

    assert DEEP in body(DEEP, "{}") and DEEP in body("{}", DEEP)
    assert json.dumps({"a": "\ufffd"}) in body(r'{"a": "\ud83d"}', "{}")


@pytest.mark.parametrize("levels", [200, 700, 2000])
async def test_a_schema_of_too_many_levels_is_refused(api, monkeypatch, levels):
    await connect(ANTHROPIC, api.headers["X-Test-Sandbox"], monkeypatch)
    schema = '{"items":' * levels + "{}" + "}" * levels
    tool = {"type": "function", "function": {"name": "look", "strict": True, "parameters": "SCHEMA"}}
    body = json.dumps({"model": ANTHROPIC.model, "messages": [user("Hi")], "tools": [tool]})
    response = await api.post(content=body.replace('"SCHEMA"', schema))
    assert response.status_code == 400 and response.json()["error"]["metadata"]["error_type"] == "invalid_request"
