"""The events of a response as output items, whole and streamed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ProviderUnavailable, RateLimited
from common.money import PicoUsd
from gateway.events import Billed, Delta, Event, Failed, Finished, Started, Usage
from gateway.protocols.reasoning import details_in, plain_detail
from gateway.protocols.responses.reply import ResponsesEncoder, failed_reply, gather
from gateway.protocols.responses.request import ForReply, parse

from .streams import check, events_in, output_of

ID = "gen-1700000000-0123456789abcdef0123"
STARTED = Started(
    generation_id=ID, created=1700000000, model="acme/one", provider="Acme", provider_slug="acme", simulated=True
)
BILLED = Billed(
    usage=Usage(prompt_tokens=3, completion_tokens=2), cost=PicoUsd(10), balance=PicoUsd(0), latency_ms=1, duration_ms=2
)
STOP = Finished(finish_reason="stop", native_finish_reason="stop")


def asked(**fields: Any) -> ForReply:
    reply: ForReply = parse(json.dumps({"input": "Hi", **fields}).encode()).for_reply
    return reply


def response(*deltas: Event, request: ForReply | None = None) -> dict[str, Any]:
    """The response of these events: the same whole and streamed, and in its documented shape both times."""
    request = request or asked()
    ends = any(isinstance(event, Finished | Failed) for event in deltas)
    events: list[Event] = [STARTED, *deltas, *([] if ends else [STOP]), BILLED]
    whole = gather(events, request)
    check(200, whole)
    encoder = ResponsesEncoder(request)
    streamed = events_in((b"".join(map(encoder.encode, events)) + encoder.end()).decode())
    ending = streamed[-1]["response"]
    if ending["status"] != "failed":
        assert output_of(streamed) == ending["output"]
    assert ending | {"usage": 0, "completed_at": 0} == whole | {"usage": 0, "completed_at": 0}
    return whole


def call(number: int, arguments: str, **fields: Any) -> Delta:
    function = {"arguments": arguments, **({"name": fields.pop("name")} if "name" in fields else {})}
    return Delta(tool_calls=[{"index": number, "function": function, **fields}])


# --- Items --------------------------------------------------------------------------------------------


def test_text_is_a_message():
    body = response(Delta(text="He"), Delta(text="llo"), Delta(text="other", index=1))
    [message] = body["output"]
    part = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
    assert message == {
        "id": "msg_0123456789abcdef012300", "type": "message", "status": "completed", "role": "assistant",
        "content": [part],
    }  # fmt: skip
    assert (body["id"], body["output_text"], body["status"]) == ("resp_" + ID[4:], "Hello", "completed")


def test_a_refusal_is_a_part_of_its_own():
    [message] = (response(Delta(text="Well."), Delta(refusal="I can"), Delta(refusal="not.")))["output"]
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    assert message["content"][1]["refusal"] == "I cannot."


def test_reasoning_keeps_its_signatures_and_opaque_details():
    detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    redacted = {"type": "reasoning.encrypted", "data": "x", "format": "anthropic-claude-v1", "index": 1}
    body = response(
        Delta(reasoning="We", reasoning_details=[detail | {"text": "We"}]),
        Delta(reasoning="at", reasoning_details=[detail | {"text": "at"}]),
        Delta(reasoning_details=[detail | {"text": "", "signature": "sig"}]),
        Delta(reasoning_details=[redacted]),
        Delta(reasoning="Two", reasoning_details=[detail | {"text": "Two", "index": 2}]),
        Delta(text="her"),
    )
    reasoning, message = body["output"]
    assert [part["text"] for part in reasoning["content"]] == ["Weat", "Two"] and reasoning["summary"] == []
    assert details_in(reasoning["encrypted_content"]) == [
        detail | {"text": "Weat", "signature": "sig"},
        redacted,
        detail | {"text": "Two", "index": 2},
    ]
    assert message["content"][0]["text"] == "her"
    again = parse(json.dumps({"input": [*body["output"], {"role": "user", "content": "?"}]}).encode())
    assert again.messages[0]["reasoning_details"] == details_in(reasoning["encrypted_content"])


def test_summaries_are_summaries_and_plain_reasoning_is_packed_when_it_is_asked_for():
    detail = {"type": "reasoning.summary", "summary": "Sum", "format": "openai-responses-v1", "index": 0}
    events = [Delta(reasoning="Sum", reasoning_details=[detail]), Delta(text="x")]
    reasoning = (response(*events))["output"][0]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Sum"}] and "encrypted_content" not in reasoning
    reasoning = (response(*events, request=asked(include=["reasoning.encrypted_content"])))["output"][0]
    assert details_in(reasoning["encrypted_content"]) == [detail]


@pytest.mark.parametrize("summary", [None, "auto"])
def test_reasoning_of_text_alone_is_packed_when_it_is_asked_for(summary):
    request = asked(include=["reasoning.encrypted_content"], reasoning={"summary": summary})
    body = response(Delta(reasoning="We"), Delta(reasoning="ather"), Delta(text="x"), request=request)
    reasoning = body["output"][0]
    assert details_in(reasoning["encrypted_content"]) == [plain_detail("Weather")]
    again = parse(json.dumps({"input": [*body["output"], {"role": "user", "content": "?"}]}).encode())
    assert again.messages[0]["reasoning_details"] == [plain_detail("Weather")]


@pytest.mark.parametrize(("summary", "field"), [(None, "content"), ("auto", "summary")])
def test_readable_reasoning_is_a_summary_for_a_client_that_asks_for_one(summary, field):
    detail = {"type": "reasoning.text", "text": "Hm.", "signature": "s", "format": "anthropic-claude-v1", "index": 0}
    request = asked(reasoning={"summary": summary})
    for delta in (Delta(reasoning="Hm."), Delta(reasoning="Hm.", reasoning_details=[detail])):
        reasoning, _ = (response(delta, Delta(text="x"), request=request))["output"]
        assert [part["text"] for part in reasoning[field]] == ["Hm."]
        assert reasoning["content" if field == "summary" else "summary"] == []
    assert details_in(reasoning["encrypted_content"]) == [detail]


def test_tool_calls_whose_arguments_come_in_turns_are_whole():
    body = response(
        Delta(text="Hi"), call(0, "", id="a", name="one"), call(1, '{"x"', id="b", name="two"), call(0, '{"y":1}'),
        call(1, ":2}"), Delta(text="!"),
    )  # fmt: skip
    assert [item["type"] for item in body["output"]] == ["message", "function_call", "function_call", "message"]
    assert [(item["call_id"], item["arguments"]) for item in body["output"][1:3]] == [
        ("a", '{"y":1}'),
        ("b", '{"x":2}'),
    ]


@pytest.mark.parametrize(
    ("tool", "name", "arguments", "expected"),
    [
        (
            {"type": "custom", "name": "apply_patch"},
            "apply_patch",
            '{"input": "*** Begin"}',
            {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin"},
        ),
        (
            {"type": "custom", "name": "run"},
            "run",
            "ls -l",
            {"type": "custom_tool_call", "name": "run", "input": "ls -l"},
        ),
        (
            {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "close"}]},
            "agents__close",
            "{}",
            {"type": "function_call", "name": "close", "namespace": "agents", "arguments": "{}"},
        ),
        (
            {"type": "apply_patch"},
            "apply_patch",
            '{"type": "create_file", "path": "a", "diff": "+x"}',
            {"type": "apply_patch_call", "operation": {"type": "create_file", "path": "a", "diff": "+x"}},
        ),
        ({"type": "apply_patch"}, "apply_patch", "x", {"operation": {"type": "update_file", "path": "", "diff": ""}}),
    ],
)
def test_a_call_keeps_the_kind_of_its_tool(tool, name, arguments, expected):
    body = response(call(0, arguments, id="c", name=name), request=asked(tools=[tool]))
    [item] = body["output"]
    assert expected.items() <= item.items() and item["call_id"] == "c"


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        (
            {"type": "local_shell"},
            '{"command": "ls", "timeout_ms": 5}',
            {
                "action": {
                    "type": "exec", "command": ["bash", "-lc", "ls"], "env": {}, "timeout_ms": 5, "user": None,
                    "working_directory": None,
                },
            },
        ),
        ({"type": "local_shell"}, "[1]", {"type": "local_shell_call", "status": "completed"}),
        (
            {"type": "tool_search", "execution": "client"},
            '{"query": "agents"}',
            {"type": "tool_search_call", "execution": "client", "arguments": {"query": "agents"}},
        ),
    ],
)  # fmt: skip
def test_calls_of_agents_tools_that_the_document_lacks_have_openais_form(tool, arguments, expected):
    encoder = ResponsesEncoder(asked(tools=[tool]))
    encoder.encode(STARTED)
    sent = encoder.encode(call(0, arguments, id="c", name=tool["type"])) + encoder.end()
    done = json.loads(sent.decode().split("event: response.output_item.done\ndata: ")[1].split("\n")[0])
    assert expected.items() <= done["item"].items() and done["item"]["call_id"] == "c"


def test_citations_log_probabilities_and_images_have_the_protocols_form():
    cited = {"url": "https://a.example", "title": "A", "content": "Rain", "start_index": 0, "end_index": 2}
    logprob = {"token": "Hi", "logprob": -0.5, "top_logprobs": [{"token": "Ho", "logprob": -1}]}
    body = response(
        Delta(text="Hi", logprobs={"content": [logprob]}),
        Delta(annotations=[{"type": "url_citation", "url_citation": cited}, {"type": "file"}]),
        Delta(images=[{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]),
        Delta(images=[{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]),
    )
    message, image, link = body["output"]
    [part] = message["content"]
    assert part["annotations"] == [{"type": "url_citation", **cited}]
    assert part["logprobs"] == [
        {
            "token": "Hi", "logprob": -0.5, "bytes": [72, 105],
            "top_logprobs": [{"token": "Ho", "logprob": -1, "bytes": [72, 111]}],
        }
    ]  # fmt: skip
    assert (image["type"], image["result"]) == ("image_generation_call", "AAAA")
    assert link["content"][0]["text"] == "![image](https://a.example/b.png)"


# --- Ends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "status", "reason", "code"),
    [
        (Finished(finish_reason="tool_calls", native_finish_reason=""), "completed", None, None),
        (Finished(finish_reason="length", native_finish_reason=""), "incomplete", "max_output_tokens", None),
        (Finished(finish_reason="content_filter", native_finish_reason=""), "incomplete", "content_filter", None),
        (Failed(status=502, message="m", error_type="provider_unavailable"), "failed", None, "server_error"),
        (Failed(status=429, message="m", error_type="rate_limit_exceeded"), "failed", None, "rate_limit_exceeded"),
        (
            Failed(status=400, message="m", error_type="context_length_exceeded"),
            "incomplete",
            "max_output_tokens",
            None,
        ),
    ],
)
def test_every_end_has_its_status_and_reason(end, status, reason, code):
    body = response(Delta(text="x"), end)
    assert body["status"] == status and (body["completed_at"] is None) == (status != "completed")
    assert (body["incomplete_details"] or {}).get("reason") == reason
    assert (body["error"] or {}).get("code") == code
    assert body["output"][0]["status"] == ("completed" if status == "completed" else "incomplete")


def test_a_stream_without_a_bill_ends_all_the_same():
    encoder = ResponsesEncoder(asked())
    sent = b"".join(map(encoder.encode, [STARTED, Delta(text="x"), STOP])) + encoder.end()
    ending = events_in(sent.decode())[-1]
    assert ending["type"] == "response.completed" and "usage" not in ending["response"]


@pytest.mark.parametrize(
    ("error", "code"), [(ProviderUnavailable("Down."), "server_error"), (RateLimited("Wait."), "rate_limit_exceeded")]
)
def test_a_response_that_fails_after_its_status_says_so(error, code):
    body = failed_reply(ID, "acme/one", error, asked())
    check(200, body)
    assert (body["status"], body["error"]["code"], body["error_type"]) == ("failed", code, error.error_type)
    assert body["error"]["message"] == error.message


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["command", "env", "type", "path", "diff", "input", "query"]), inner, max_size=3
        )
    ),
)
KINDS = [
    {"type": "custom", "name": "custom"}, {"type": "local_shell"}, {"type": "apply_patch"},
    {"type": "tool_search", "execution": "client"}, {"type": "function", "name": "function"},
]  # fmt: skip


@given(st.sampled_from(KINDS), VALUES.map(json.dumps) | st.text(max_size=9) | st.just("[" * 5000))
def test_any_arguments_of_a_model_are_written_back(tool, arguments):
    encoder = ResponsesEncoder(asked(tools=KINDS))
    encoder.encode(STARTED)
    sent = encoder.encode(call(0, arguments, id="c", name=tool["type"])) + encoder.end()
    assert b"response.completed" in sent and b'"call_id":"c"' in sent


PIECES = st.one_of(
    st.text(max_size=5).map(lambda text: Delta(text=text)),
    st.text(max_size=5).map(lambda text: Delta(refusal=text)),
    st.text(max_size=5).map(lambda text: Delta(reasoning=text)),
    st.builds(
        lambda kind, text, index: Delta(
            reasoning_details=[{"type": f"reasoning.{kind}", kind: text, "format": "unknown", "index": index}]
        ),
        st.sampled_from(["text", "summary"]), st.text(max_size=5), st.integers(0, 2),
    ),
    st.builds(
        lambda number, arguments: call(number, arguments, id=f"call_{number}", name="one"),
        st.integers(0, 2), st.sampled_from(["", "{", "}", '{"a": 1}']),
    ),
    st.just(Delta(annotations=[{"type": "url_citation", "url_citation": {"url": "https://a.example", "title": None}}])),
)  # fmt: skip


@given(st.lists(PIECES, max_size=12))
def test_any_deltas_are_the_same_whole_and_streamed(deltas):
    body = response(*deltas)
    assert body["output_text"] == "".join(delta.text for delta in deltas)
