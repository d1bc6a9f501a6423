"""The parts of output items, and the events that report their growth. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PARTS", "PartKind"]


@dataclass(frozen=True, eq=False)
class PartKind:
    """A kind of part: the item it belongs to, its empty form, and its events."""

    item: str
    parts: str  # the item's field that has the parts
    index: str  # the events' field with the part's place in that list
    field: str  # the part's field that grows
    empty: Mapping[str, Any]
    added: str
    delta: Mapping[str, Any]  # the fields of its delta event that are always the same
    done: Mapping[str, Any]  # the same of the event that repeats the whole text
    ended: str


PARTS: Mapping[str, PartKind] = {
    "text": PartKind(
        item="message",
        parts="content",
        index="content_index",
        field="text",
        empty={"type": "output_text", "text": "", "annotations": [], "logprobs": []},
        added="response.content_part.added",
        delta={"type": "response.output_text.delta", "logprobs": []},
        done={"type": "response.output_text.done", "logprobs": []},
        ended="response.content_part.done",
    ),
    "refusal": PartKind(
        item="message",
        parts="content",
        index="content_index",
        field="refusal",
        empty={"type": "refusal", "refusal": ""},
        added="response.content_part.added",
        delta={"type": "response.refusal.delta"},
        done={"type": "response.refusal.done"},
        ended="response.content_part.done",
    ),
    "reasoning": PartKind(
        item="reasoning",
        parts="content",
        index="content_index",
        field="text",
        empty={"type": "reasoning_text", "text": ""},
        added="response.content_part.added",
        delta={"type": "response.reasoning_text.delta"},
        done={"type": "response.reasoning_text.done"},
        ended="response.content_part.done",
    ),
    "summary": PartKind(
        item="reasoning",
        parts="summary",
        index="summary_index",
        field="text",
        empty={"type": "summary_text", "text": ""},
        added="response.reasoning_summary_part.added",
        delta={"type": "response.reasoning_summary_text.delta"},
        done={"type": "response.reasoning_summary_text.done"},
        ended="response.reasoning_summary_part.done",
    ),
}
