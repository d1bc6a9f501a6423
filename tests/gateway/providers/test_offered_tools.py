"""Tools whose names providers refuse, and custom tools: offered as functions, called as the caller knows them."""

import json
from typing import Any

import pytest

from gateway.events import Delta, Finished
from gateway.protocols.chat_completions.custom_tools import arguments_of, input_of
from gateway.protocols.chat_completions.request import ChatRequest, parse
from gateway.providers.offered_tools import OfferedTools
from gateway.providers.stream import ProviderResponse
from tests.gateway import native
from tests.gateway.native import WEATHER, chunks_of, user

LONG = "a" * 70


def function(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def custom(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "custom", "custom": {"name": name, **fields}}


def chat(*tools: Any, messages: Any = (), **fields: Any) -> ChatRequest:
    return parse({"messages": [user("Go"), *messages], "tools": list(tools), **fields})


def sent_names(request: ChatRequest) -> list[str]:
    return [tool["function"]["name"] for tool in OfferedTools(request).sent(request).body["tools"]]


def test_a_request_whose_names_all_providers_take_is_sent_as_it_is():
    request = chat(WEATHER, function("_a-1"), function("a" * 64), tool_choice=function("_a-1"))
    assert OfferedTools(request).sent(request) is request


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("fs.read", "fs_read"),
        ("my tool", "my_tool"),
        ("3d", "_3d"),
        ("-x", "_-x"),
        ("größe", "gr__e"),
        (LONG, "a" * 64),
    ],
)
def test_a_name_that_a_provider_refuses_gets_the_nearest_that_all_take(name, sent):
    assert sent_names(chat(function(name), WEATHER)) == [sent, "get_weather"]


def test_no_two_tools_get_the_same_name():
    tools = [function("fs.read"), function("fs_read"), function("fs read"), custom("fs_read"), function(LONG + "b")]
    names = sent_names(chat(*tools, function(LONG)))
    assert len({*names}) == 6 and names[1] == "fs_read" and max(map(len, names)) == 64
    assert sent_names(chat(*reversed(tools), function(LONG)))[:-1] == names[-2::-1]  # in whatever order


def test_choices_and_earlier_calls_have_the_names_that_are_sent():
    call = {"id": "c1", "type": "function", "function": {"name": "fs.read", "arguments": "{}"}}
    said = {"id": "c2", "type": "custom", "custom": {"name": "shell", "input": 'ls "a"'}}
    history = [
        {"role": "assistant", "tool_calls": [call, said]},
        {"role": "tool", "tool_call_id": "c1", "name": "fs.read", "content": "x"},
        {"role": "tool", "tool_call_id": "c2", "content": "y"},
    ]
    request = chat(function("fs.read"), custom("shell"), messages=history, tool_choice=custom("shell"))
    sent = OfferedTools(request).sent(request)
    assert sent.body["tool_choice"] == function("shell")
    _, turn, result, _ = sent.messages
    assert [each["function"]["name"] for each in turn["tool_calls"]] == ["fs_read", "shell"]
    assert json.loads(turn["tool_calls"][1]["function"]["arguments"]) == {"input": 'ls "a"'}
    assert "custom" not in turn["tool_calls"][1] and turn["tool_calls"][1]["type"] == "function"
    assert result["name"] == "fs_read"
    some = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [custom("shell"), function("fs.read")]}}
    request = chat(function("fs.read"), custom("shell"), tool_choice=some)
    allowed = OfferedTools(request).sent(request).body["tool_choice"]["allowed_tools"]
    assert allowed == {"mode": "auto", "tools": [function("shell"), function("fs_read")]}


def test_a_custom_tool_takes_one_string_and_describes_its_grammar():
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: WORD"}}
    request = chat(custom("shell", description="Runs a command.", format=grammar))
    (tool,) = OfferedTools(request).sent(request).body["tools"]
    assert tool["function"]["parameters"]["required"] == ["input"]
    assert tool["function"]["description"].startswith("Runs a command.") and "lark" in tool["function"]["description"]


class Response(ProviderResponse):
    def __init__(self, *batches: list[Delta | Finished]) -> None:
        super().__init__()
        self._batches = iter(batches)

    async def next_batch(self):
        self.upstream_id = "up-1"
        return next(self._batches, None)

    async def close(self) -> None:
        self.finished = True


def piece(index: int, arguments: str, name: str = "") -> dict[str, Any]:
    begun = {"id": f"c{index}", "type": "function"} if name else {}
    return {"index": index, **begun, "function": {"arguments": arguments} | ({"name": name} if name else {})}


async def test_calls_in_pieces_come_back_under_their_own_names():
    request = chat(function("fs.read"), custom("shell"), WEATHER)
    finish = Finished(finish_reason="tool_calls", native_finish_reason="tool_calls")
    provided = Response(
        [Delta(text="Now"), Delta(tool_calls=[piece(0, '{"input":', "shell"), piece(1, "", "fs_read")])],
        [Delta(tool_calls=[piece(0, '"ls')]), Delta(tool_calls=[piece(1, "{}"), piece(2, "{}", "get_weather")])],
        [Delta(tool_calls=[piece(0, '"}')]), finish],
    )
    response = OfferedTools(request).restored(provided)
    events = [event async for batch in response.batches() for event in batch]
    begun, read, last = events[1].tool_calls, events[2].tool_calls, events[3].tool_calls
    assert begun[0] == {"index": 0, "id": "c0", "type": "custom", "custom": {"name": "shell", "input": ""}}
    assert begun[1]["function"] == {"name": "fs.read", "arguments": ""}
    assert read == [piece(1, "{}"), piece(2, "{}", "get_weather")]
    assert last == [{"index": 0, "custom": {"input": "ls"}}] and events[4] == finish and len(events) == 5
    assert response.upstream_id == "up-1"
    await response.close()
    assert response.finished and provided.finished


@pytest.mark.parametrize(
    ("arguments", "text"),
    [('{"input": "ls"}', "ls"), ("{}", ""), ('{"command": "ls"}', '{"command": "ls"}'), ("[]", "[]"), ("ls", "ls")],
)
def test_the_input_is_what_the_model_has_written(arguments, text):
    assert input_of(arguments) == text
    assert input_of(arguments_of(text)) == text


async def test_arguments_of_a_custom_tool_that_are_cut_short_come_back_as_they_are():
    response = OfferedTools(request := chat(custom("shell"))).restored(
        Response([Delta(tool_calls=[piece(0, '{"input": "l', "shell")])])
    )
    *_, last = [event async for batch in response.batches() for event in batch]
    assert last.tool_calls == [{"index": 0, "custom": {"input": '{"input": "l'}}] and request.body["tools"]


@pytest.fixture(params=["openai_chat", native.ANTHROPIC, native.GOOGLE], ids=["openai", "anthropic", "google"])
async def model(request, api, provider_sandbox, monkeypatch) -> str:
    """A model at a provider of each protocol. All of them refuse a name with a dot."""
    if request.param == "openai_chat":
        return "acme/one"
    await native.connect(request.param, provider_sandbox, monkeypatch)
    return request.param.model


def called(response: Any, *, stream: bool) -> dict[str, Any]:
    """The only tool call of a response."""
    if not stream:
        (call,) = response.json()["choices"][0]["message"]["tool_calls"]
        return call
    pieces = [
        each
        for chunk in chunks_of(response.text)
        for choice in chunk["choices"]
        for each in choice["delta"].get("tool_calls") or ()
    ]
    kind = pieces[0]["type"]
    texts: dict[str, str] = {}
    for each in pieces:
        for name, text in each[kind].items():
            texts[name] = texts.get(name, "") + text
    return {"id": pieces[0]["id"], "type": kind, kind: texts}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("tool", [function("fs.read"), custom("shell.run")], ids=["function", "custom"])
async def test_every_protocol_calls_the_callers_tool_and_takes_its_result(api, model, tool, stream):
    kind = tool["type"]
    if kind == "function":
        tool = {"type": kind, kind: WEATHER["function"] | tool[kind]}
    body = {"model": model, "tools": [tool], "stream": stream, "provider": {"sort": "price"}}
    question = user("What is the weather in Paris?")
    choice = {"type": kind, kind: {"name": tool[kind]["name"]}}
    response = await api.post(json=body | {"messages": [question], "tool_choice": choice})
    assert response.status_code == 200, response.text
    call = called(response, stream=stream)
    assert call["type"] == kind and call[kind]["name"] == tool[kind]["name"] and call["id"]
    if kind == "custom":
        assert isinstance(call[kind]["input"], str) and not call[kind]["input"].startswith("{")
    result = {"role": "tool", "tool_call_id": call["id"], "content": "17 degrees"}
    turn = {"role": "assistant", "content": None, "tool_calls": [call]}
    answer = await api.post(json=body | {"messages": [question, turn, result]})
    assert answer.status_code == 200, answer.text
    sent = json.dumps((await api.received())[-1]["body"])
    assert tool[kind]["name"] not in sent and tool[kind]["name"].replace(".", "_") in sent
    await api.assert_books_balance()
