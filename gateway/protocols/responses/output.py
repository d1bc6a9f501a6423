"""The events of a response as output items: each begins, grows and ends. Pure."""

from collections.abc import Iterator
from typing import Any

from gateway.events import Delta
from gateway.protocols.reasoning import add_pieces, plain_detail, text_for_all

from .calls import CallWriter
from .parts import PARTS, PartKind
from .request import ForReply

__all__ = ["OutputWriter"]

Event = dict[str, Any]
_PREFIXES = {"message": "msg", "reasoning": "rs"}


class OutputWriter:
    """Turns Deltas into the protocol's events, which lack only their `sequence_number`. `items` is the output so far.

    One item is open at a time, except tool calls: providers may send the arguments of several in turns, so a tool call
    ends when its arguments are complete and the next item begins, or at the end.
    """

    def __init__(self, suffix: str, asked: ForReply) -> None:
        self.items: list[dict[str, Any]] = []
        self._suffix = suffix
        self._asked = asked
        #: Clients that ask for a summary show nothing else.
        self._thoughts = PARTS["summary" if asked.summary else "reasoning"]
        self._item: dict[str, Any] | None = None  # the open item of text or reasoning
        self._place = 0  # its index
        self._part: dict[str, Any] | None = None  # its open part
        self._kind = PARTS["text"]
        self._block: Any = None  # the `index` of the detail that the open part of reasoning has
        self._pieces: list[str] = []  # of the open part
        self._details: list[dict[str, Any]] = []  # of the open item of reasoning
        self._delta: Event = {}  # the fields that all deltas of the open part share
        self._calls: dict[int, CallWriter] = {}  # by their number
        self._open_calls: dict[int, CallWriter] = {}

    def events(self, delta: Delta) -> Iterator[Event]:
        """The events of a Delta of the first choice; none for other choices, which the protocol lacks."""
        if delta.index != 0:
            return
        if delta.reasoning_details:
            for detail in delta.reasoning_details:
                yield from self._reasoning(detail)
        elif delta.reasoning:
            yield from self._grow(self._thoughts, delta.reasoning)
        if delta.text:
            yield from self._grow(PARTS["text"], delta.text, _logprobs(delta.logprobs) if delta.logprobs else None)
        if delta.refusal:
            yield from self._grow(PARTS["refusal"], delta.refusal)
        for image in delta.images or ():
            yield from self._image(image)
        for annotation in delta.annotations or ():
            yield from self._annotation(annotation)
        for piece in delta.tool_calls or ():
            yield from self._tool_call(piece)

    def search(self, query: str) -> Iterator[Event]:
        """The events of a web search that has been made."""
        action = {"type": "search", "query": query}
        item = {"id": self._next_id("ws"), "type": "web_search_call", "status": "completed", "action": action}
        steps = ("web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed")
        yield from self._at_once(item, steps)

    def end(self, status: str = "completed") -> Iterator[Event]:
        """The events that close what is open. What was cut off gets this status."""
        yield from self._close(status)
        for call in self._open_calls.values():
            yield from call.end("completed" if call.is_complete else status)
        self._open_calls.clear()

    @property
    def text(self) -> str:
        """The text of all messages."""
        return "".join(
            part["text"]
            for item in self.items
            if item["type"] == "message"
            for part in item["content"]
            if part["type"] == "output_text"
        )

    # --- Text and reasoning

    def _grow(self, kind: PartKind, text: str, logprobs: list[Any] | None = None) -> Iterator[Event]:
        if self._part is None or self._kind is not kind:
            yield from self._open(kind)
        self._pieces.append(text)
        if logprobs:
            assert self._part is not None
            self._part["logprobs"] += logprobs
            yield {**self._delta, "delta": text, "logprobs": logprobs}
        else:
            yield {**self._delta, "delta": text}

    def _open(self, kind: PartKind) -> Iterator[Event]:
        """Begin a part, in the open item if it is one of the part's kind."""
        yield from self._open_item(kind.item)
        yield from self._close_part()
        assert self._item is not None
        parts = self._item[kind.parts]
        self._kind, self._pieces, self._part = kind, [], _copied(kind.empty)
        place = {"item_id": self._item["id"], "output_index": self._place, kind.index: len(parts)}
        self._delta = {**kind.delta, **place}
        parts.append(self._part)
        yield {"type": kind.added, **place, "part": _copied(kind.empty)}

    def _open_item(self, kind: str) -> Iterator[Event]:
        if self._item is not None and self._item["type"] == kind:
            return
        yield from self._close()
        item: dict[str, Any] = {"id": self._next_id(_PREFIXES[kind]), "type": kind, "status": "in_progress"}
        item |= {"role": "assistant", "content": []} if kind == "message" else {"summary": [], "content": []}
        self._item, self._place, self._details, self._block = item, len(self.items), [], None
        self.items.append(item)
        yield {"type": "response.output_item.added", "output_index": self._place, "item": _copied(item)}

    def _reasoning(self, detail: dict[str, Any]) -> Iterator[Event]:
        yield from self._open_item("reasoning")
        add_pieces(self._details, [detail])
        if self._block != detail.get("index"):
            yield from self._close_part()
        self._block = detail.get("index")
        for kind, field in ((self._thoughts, "text"), (PARTS["summary"], "summary")):
            if text := detail.get(field):
                yield from self._grow(kind, text)

    def _annotation(self, annotation: Any) -> Iterator[Event]:
        cited = annotation.get("url_citation") if isinstance(annotation, dict) else None
        if not isinstance(cited, dict) or not cited.get("url"):
            return
        if self._part is None or self._kind is not PARTS["text"]:
            yield from self._open(PARTS["text"])
        assert self._part is not None
        citation = {
            "type": "url_citation",
            "url": cited["url"],
            "title": cited.get("title") or "",
            "start_index": cited.get("start_index") or 0,
            "end_index": cited.get("end_index") or 0,
        }
        if cited.get("content"):
            citation["content"] = cited["content"]
        known = self._part["annotations"]
        place = {name: value for name, value in self._delta.items() if name not in {"type", "logprobs"}}
        added = {"type": "response.output_text.annotation.added", **place, "annotation_index": len(known)}
        known.append(citation)
        yield added | {"annotation": citation}

    # --- Calls and images

    def _tool_call(self, piece: dict[str, Any]) -> Iterator[Event]:
        number = piece.get("index", len(self._calls))
        function = piece.get("function") or {}
        call = self._calls.get(number)
        if call is None:
            yield from self._close()
            name, place = function.get("name") or "", len(self.items)
            call_id = piece.get("id") or f"call_{self._suffix}{place:02x}"
            call = CallWriter(place, f"{self._suffix}{place:02x}", call_id, name, self._asked.shapes.get(name))
            self._calls[number] = self._open_calls[number] = call
            self.items.append(call.item)
            yield call.begin()
        if (arguments := function.get("arguments")) and number in self._open_calls:
            yield from call.add(arguments)

    def _image(self, image: Any) -> Iterator[Event]:
        """A generated image; one that has a URL only becomes a link in the text."""
        url = str((image.get("image_url") or {}).get("url") or "")
        header, comma, data = url.partition(",")
        if not comma or not header.startswith("data:"):
            yield from self._grow(PARTS["text"], f"![image]({url})")
            return
        yield from self._close()
        item = {"id": self._next_id("ig"), "type": "image_generation_call", "status": "completed", "result": data}
        yield from self._at_once(item, ("image_generation_call.in_progress", "image_generation_call.completed"))

    def _at_once(self, item: dict[str, Any], steps: tuple[str, ...]) -> Iterator[Event]:
        """The events of an item that is there as a whole."""
        place = len(self.items)
        self.items.append(item)
        begun = item | {"status": "in_progress"} | ({"result": None} if "result" in item else {})
        yield {"type": "response.output_item.added", "output_index": place, "item": begun}
        for step in steps:
            yield {"type": f"response.{step}", "item_id": item["id"], "output_index": place}
        yield {"type": "response.output_item.done", "output_index": place, "item": item}

    # --- Ends

    def _close_part(self) -> Iterator[Event]:
        if self._part is None:
            return
        kind, part = self._kind, self._part
        text = part[kind.field] = "".join(self._pieces)
        self._part = None
        place = {name: value for name, value in self._delta.items() if name not in kind.delta}
        done = {**kind.done, **place, kind.field: text}
        if part.get("logprobs"):
            done["logprobs"] = part["logprobs"]
        yield done
        yield {"type": kind.ended, **place, "part": part}

    def _close(self, status: str = "completed") -> Iterator[Event]:
        """End the open item, and the tool calls whose arguments are complete."""
        if self._item is not None:
            yield from self._close_part()
            item, self._item = self._item, None
            item["status"] = status
            if item["type"] == "reasoning":
                item |= self._opaque()
            yield {"type": "response.output_item.done", "output_index": self._place, "item": item}
        for number in [number for number, call in self._open_calls.items() if call.is_complete]:
            yield from self._open_calls.pop(number).end("completed")

    def _opaque(self) -> dict[str, Any]:
        """The fields with which the next request repeats this reasoning exactly."""
        details = self._details
        if not details and self._asked.encrypted_reasoning and (text := self._readable()):
            details = [plain_detail(text)]
        is_opaque = any(detail.get("signature") or detail.get("data") for detail in details)
        packed = {"encrypted_content": text_for_all(details)} if is_opaque or self._asked.encrypted_reasoning else {}
        if not details:
            return {}
        return packed | {"format": details[-1].get("format"), "signature": details[-1].get("signature")}

    def _readable(self) -> str:
        """The text of the reasoning that has just ended."""
        return "".join(part["text"] for part in self.items[self._place][self._thoughts.parts])

    def _next_id(self, prefix: str) -> str:
        return f"{prefix}_{self._suffix}{len(self.items):02x}"


def _copied(value: Any) -> dict[str, Any]:
    """A copy whose lists are its own."""
    return {name: list(each) if isinstance(each, list) else each for name, each in value.items()}


def _logprobs(logprobs: Any) -> list[dict[str, Any]]:
    """The log probabilities of a piece of text, in the protocol's form."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    return [
        {**_token(token), "top_logprobs": [_token(other) for other in token.get("top_logprobs") or ()]}
        for token in content or ()
        if isinstance(token, dict)
    ]


def _token(token: dict[str, Any]) -> dict[str, Any]:
    text = str(token.get("token") or "")
    return {
        "token": text,
        "logprob": token.get("logprob") or 0,
        "bytes": token.get("bytes") or list(text.encode("utf-8", "replace")),
    }
