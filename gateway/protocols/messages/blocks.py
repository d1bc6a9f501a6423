"""The events of a response as content blocks: each begins, grows and ends. Pure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from gateway.events import Delta, Started
from gateway.protocols.json_text import decoded, is_json
from gateway.protocols.reasoning import text_for

from .conversation import REASONING_FORMAT

__all__ = ["BlockWriter", "Change", "content_of"]


#: The model called the tool itself, not a program of its.
_DIRECT = {"type": "direct"}


#: The types of citations that providers send, each with the fields that it may lack.
_CITATIONS: dict[str, dict[str, Any]] = {
    "char_location": {"document_title": None, "file_id": None},
    "page_location": {"document_title": None, "file_id": None},
    "content_block_location": {"document_title": None, "file_id": None},
    "search_result_location": {"title": None},
    "web_search_result_location": {"title": None},
}

#: The type of a detail that has no text.
_ENCRYPTED = "reasoning.encrypted"


class Change(NamedTuple):
    """A step in the life of block number `place`: its start with a block, a delta of it, or its end."""

    place: int
    block: dict[str, Any] | None = None
    delta: dict[str, Any] | None = None


class BlockWriter:
    """Turns Deltas into changes of blocks.

    One block is open at a time, except tool calls: providers may send the arguments of several in turns, so a tool call
    ends when its arguments are complete and the next block begins, or at the end.
    """

    def __init__(self, *, show_reasoning: bool = True) -> None:
        """Without `show_reasoning`, thinking has no text: its signatures alone, which later requests must have."""
        self._show_reasoning = show_reasoning
        self._count = 0
        self._open: tuple[str, int] | None = None  # kind and index of the open block of text or thinking
        self._thinking: Any = None  # the `index` of the detail that the open block of thinking has
        self._foreign: dict[str, Any] | None = None  # that detail without its text, if it is of another provider
        self._calls: dict[int, int] = {}  # number of the tool call: index of its block
        self._arguments: dict[int, list[str]] = {}  # of the tool calls whose block is open
        self.refusal = ""

    def search(self, started: Started) -> Iterator[Change]:
        """The changes that show the web search made before the response: a call of the tool, and its results."""
        call_id = f"srvtoolu_{self._count}"
        call = {"type": "server_tool_use", "id": call_id, "name": "web_search", "input": {}}
        query = msgspec.json.encode({"query": started.web_search}).decode()
        index = self._next()
        yield Change(index, block=call)
        yield Change(index, delta={"type": "input_json_delta", "partial_json": query})
        yield Change(index)
        found = [_found(page) for page in started.search_results or ()]
        index = self._next()
        yield Change(
            index,
            block={"type": "web_search_tool_result", "tool_use_id": call_id, "content": found, "caller": _DIRECT},
        )
        yield Change(index)

    def changes(self, delta: Delta) -> Iterator[Change]:
        """The changes that a Delta of the first choice makes; none for other choices, which the protocol lacks."""
        if delta.index != 0:
            return
        self.refusal += delta.refusal
        if delta.reasoning_details or delta.reasoning:
            yield from self._reasoning(delta)
        if delta.text:
            if delta.citations is not None:
                yield from self._close()
            yield from self._grow("text", {"type": "text_delta", "text": delta.text}, delta.citations)
        for citation in delta.citations or ():
            if isinstance(citation, dict) and citation.get("type") in _CITATIONS:
                known = _CITATIONS[citation["type"]] | citation
                yield from self._grow("text", {"type": "citations_delta", "citation": known})
        for detail in delta.reasoning_details or ():
            if detail.get("type") == _ENCRYPTED:  # after the text, which it may be the signature of
                yield from self._encrypted(detail)
        for image in delta.images or ():
            url = (image.get("image_url") or {}).get("url")
            yield from self._grow("text", {"type": "text_delta", "text": f"![image]({url})"})
        for annotation in delta.annotations or ():
            if citation := _citation(annotation):
                yield from self._grow("text", {"type": "citations_delta", "citation": citation})
        for piece in delta.tool_calls or ():
            yield from self._tool_call(piece)

    def end(self) -> Iterator[Change]:
        """The ends of all open blocks."""
        yield from self._close()
        for number in sorted(self._arguments):
            yield Change(self._calls[number])
        self._arguments.clear()

    def _reasoning(self, delta: Delta) -> Iterator[Change]:
        if delta.reasoning_details:
            for detail in delta.reasoning_details:
                if detail.get("type") != _ENCRYPTED:
                    yield from self._thought(detail)
        elif delta.reasoning and self._show_reasoning:
            yield from self._grow("thinking", {"type": "thinking_delta", "thinking": delta.reasoning})

    def _encrypted(self, detail: dict[str, Any]) -> Iterator[Change]:
        yield from self._close()
        kept = (detail.get("data") or "") if detail.get("format") == REASONING_FORMAT else text_for(detail)
        index = self._next()
        yield Change(index, block={"type": "redacted_thinking", "data": kept})
        yield Change(index)

    def _thought(self, detail: dict[str, Any]) -> Iterator[Change]:
        if self._open and self._open[0] == "thinking" and self._thinking != detail.get("index"):
            yield from self._close()
        text = detail.get("text") or detail.get("summary") or ""
        if text and self._show_reasoning:
            yield from self._grow("thinking", {"type": "thinking_delta", "thinking": text})
        self._thinking = detail.get("index")
        if detail.get("format") not in {REASONING_FORMAT, "unknown", None}:
            self._foreign = {name: value for name, value in detail.items() if name not in {"text", "summary"}}
        elif signature := detail.get("signature"):
            yield from self._grow("thinking", {"type": "signature_delta", "signature": signature})

    def _grow(self, kind: str, delta: dict[str, Any], citations: list[Any] | None = None) -> Iterator[Change]:
        """Add to the block of this kind, or to a new one; `citations` are those that a new text begins with."""
        if self._open is None or self._open[0] != kind:
            yield from self._close()
            self._open = (kind, self._next())
            empty: dict[str, Any] = {"thinking": "", "signature": ""}
            if kind == "text":
                empty = {"text": "", "citations": None if citations is None else []}
            yield Change(self._open[1], block={"type": kind, **empty})
        yield Change(self._open[1], delta=delta)

    def _tool_call(self, piece: dict[str, Any]) -> Iterator[Change]:
        number = piece.get("index", len(self._calls))
        function = piece.get("function") or {}
        if number not in self._calls:
            yield from self._close()
            self._calls[number] = self._next()
            self._arguments[number] = []
            block = {
                "type": "tool_use", "id": piece.get("id") or f"call_{number}", "name": function.get("name") or "",
                "input": {}, "caller": _DIRECT,
            }  # fmt: skip
            yield Change(self._calls[number], block=block)
        if arguments := function.get("arguments"):
            self._arguments.setdefault(number, []).append(arguments)
            yield Change(self._calls[number], delta={"type": "input_json_delta", "partial_json": arguments})

    def _close(self) -> Iterator[Change]:
        """End the open block, and the tool calls whose arguments are complete."""
        if self._open is not None:
            if self._open[0] == "thinking" and self._foreign is not None:
                yield Change(self._open[1], delta={"type": "signature_delta", "signature": text_for(self._foreign)})
            self._foreign = None
            yield Change(self._open[1])
            self._open = None
        for number in [number for number, pieces in self._arguments.items() if is_json("".join(pieces))]:
            del self._arguments[number]
            yield Change(self._calls[number])

    def _next(self) -> int:
        self._count += 1
        return self._count - 1


def content_of(changes: Iterator[Change], blocks: list[dict[str, Any]]) -> None:
    """Apply the changes to the blocks of a whole message. The `input` of a tool call stays a text until its end."""
    for change in changes:
        if change.block is not None:
            blocks.append(dict(change.block))
        elif change.delta is not None:
            _apply(change.delta, blocks[change.place])
        elif blocks[change.place]["type"] in {"tool_use", "server_tool_use"}:
            blocks[change.place]["input"] = _decoded(blocks[change.place]["input"] or "{}")


def _apply(delta: dict[str, Any], block: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] += delta["signature"]
        case "citations_delta":
            block["citations"] = [*(block["citations"] or ()), delta["citation"]]
        case "input_json_delta":
            block["input"] = (block["input"] or "") + delta["partial_json"]


def _decoded(arguments: Any) -> Any:
    """The arguments as an object; malformed ones in a field of their own, as the model wrote them."""
    if not isinstance(arguments, str):
        return arguments
    try:
        read = decoded(arguments)
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {"arguments": arguments}


def _found(page: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "web_search_result",
        "url": page["url"],
        "title": page["title"],
        "encrypted_content": "",
        "page_age": page["published"] or None,
    }


def _citation(annotation: Any) -> dict[str, Any] | None:
    cited = annotation.get("url_citation") if isinstance(annotation, dict) else None
    if not isinstance(cited, dict) or not cited.get("url"):
        return None
    return {
        "type": "web_search_result_location",
        "cited_text": str(cited.get("content") or ""),
        "encrypted_index": "",
        "title": cited.get("title"),
        "url": cited["url"],
    }
