"""Reading streams of the Responses protocol, as a strict client does."""

import json
from typing import Any

import msgspec

from tests.api.described import check_described
from tests.wire import check as check_documented

__all__ = ["check", "events_in", "output_of"]

#: The events that end a stream.
ENDS = ("response.completed", "response.incomplete", "response.failed")


def check(status: int | str, answer: Any) -> None:
    """Check the answer, or the event of a "stream", against the documented shape and the site's own description.

    Amounts may be decimals, as they are before they are encoded.
    """
    answer = msgspec.json.decode(msgspec.json.Encoder(decimal_format="number").encode(answer))
    check_documented("POST /responses", status, answer)
    check_described("POST /responses", status, answer)


def events_in(text: str) -> list[dict[str, Any]]:
    """The events of a stream: each named twice alike, numbered, in its documented shape; `[DONE]` is the last line."""
    *blocks, done = text.replace(": OPENROUTER PROCESSING\n\n", "").strip().split("\n\n")
    assert done == "data: [DONE]"
    events = []
    for number, block in enumerate(blocks):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        assert event["sequence_number"] == number
        check("stream", event)
        events.append(event)
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert [event["type"] for event in events if event["type"] in ENDS] == [events[-1]["type"]]
    return events


def output_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The output that a client assembles of the events. What each `done` event repeats must be what was sent before."""
    output: list[dict[str, Any]] = []
    for event in events:
        kind = event["type"].removeprefix("response.")
        item = output[event["output_index"]] if "output_index" in event and kind != "output_item.added" else {}
        if item and "item_id" in event:
            assert event["item_id"] == item["id"]
        match kind.split("."):
            case ["output_item", "added"]:
                assert event["output_index"] == len(output)
                output.append(event["item"])
            case ["output_item", "done"]:
                assert {name: item[name] for name in ("id", "type")} == {k: event["item"][k] for k in ("id", "type")}
                for name in ("content", "arguments", "summary"):
                    assert item.get(name) == event["item"].get(name), name
                output[event["output_index"]] = event["item"]
            case ["content_part", "added"]:
                assert event["content_index"] == len(item["content"])
                item["content"].append(event["part"])
            case ["reasoning_summary_part", "added"]:
                assert event["summary_index"] == len(item["summary"])
                item["summary"].append(event["part"])
            case ["function_call_arguments", "delta"]:
                item["arguments"] += event["delta"]
            case ["function_call_arguments", "done"]:
                assert item["arguments"] == event["arguments"]
            case ["output_text", "annotation", "added"]:
                annotations = item["content"][event["content_index"]]["annotations"]
                assert event["annotation_index"] == len(annotations)
                annotations.append(event["annotation"])
            case [_, "delta"] if "content_index" in event or "summary_index" in event:
                part = _part(item, event)
                field = "refusal" if part["type"] == "refusal" else "text"
                part[field] += event["delta"]
                if "logprobs" in event:
                    part["logprobs"] += event["logprobs"]
            case ["content_part" | "reasoning_summary_part", "done"]:
                assert _part(item, event) == event["part"]
    return output


def _part(item: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = (
        item["summary"][event["summary_index"]] if "summary_index" in event else item["content"][event["content_index"]]
    )
    return part
