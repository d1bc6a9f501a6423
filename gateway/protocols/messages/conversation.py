"""The messages of a Messages request as chat messages. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.protocols.citations import CITED
from gateway.protocols.reasoning import detail_in, text_of_details

from .schema import (
    Base64,
    Block,
    Blocks,
    CacheControl,
    Compaction,
    Document,
    Image,
    Message,
    PlainText,
    RedactedThinking,
    SearchResult,
    Text,
    Thinking,
    ToolAddition,
    ToolReference,
    ToolRemoval,
    ToolResult,
    ToolUse,
    Url,
)

#: The `format` of the `reasoning_details` that thinking blocks become.
REASONING_FORMAT = "anthropic-claude-v1"

__all__ = ["REASONING_FORMAT", "mark", "since_compaction", "system_messages", "turns"]


def system_messages(system: str | list[Text] | None) -> list[dict[str, Any]]:
    if not system:
        return []
    content = system if isinstance(system, str) else [_part(block) for block in system]
    return [{"role": "system", "content": content}]


def since_compaction(messages: list[Message]) -> list[Message]:
    """The messages from the last summary on, which stands for all before it; all messages if there is none."""
    for index in reversed(range(len(messages))):
        blocks = messages[index].blocks
        for place in reversed(range(len(blocks))):
            block = blocks[place]
            if isinstance(block, Compaction) and block.content:
                summary = Message(role="user", content=f"Summary of the conversation so far:\n{block.content}")
                rest = Message(role=messages[index].role, content=blocks[place + 1 :])
                return [summary, *([rest] if rest.content else []), *messages[index + 1 :]]
    return messages


def turns(message: Message) -> Iterator[dict[str, Any]]:
    """The chat messages of one message: its tool results, each on its own, then all else."""
    if isinstance(message.content, str):
        yield {"role": message.role, "content": message.content}
        return
    results = [block for block in message.content if isinstance(block, ToolResult)]
    yield from map(_tool_message, results)
    if message.role == "assistant":
        yield from map(_assistant, _in_order(message.content))
    elif (parts := list(_parts(message.content))) or not (results or _changes_tools(message.content)):
        yield {"role": message.role, "content": parts}


def _changes_tools(blocks: list[Block]) -> bool:
    return any(isinstance(block, ToolAddition | ToolRemoval) for block in blocks)


def _in_order(blocks: list[Block]) -> Iterator[list[Block]]:
    """The blocks of a reply, cut where the model thought again after its text.

    A chat message has its reasoning before its text, but Anthropic refuses thinking in another order than its own. It
    gets the pieces as one turn again.
    """
    run: list[Block] = []
    for block in blocks:
        if run and isinstance(run[-1], Text) and _is_anthropics(block):
            yield run
            run = []
        run.append(block)
    yield run


def _is_anthropics(block: Block) -> bool:
    """Whether the block is signed or encrypted thinking of Anthropic's own."""
    match block:
        case RedactedThinking():
            opaque = block.data
        case Thinking():
            opaque = block.signature or ""
        case _:
            return False
    return bool(opaque) and detail_in(opaque) is None


def _tool_message(result: ToolResult) -> dict[str, Any]:
    content = result.content if isinstance(result.content, str) else list(_parts(result.content or []))
    message: dict[str, Any] = {"role": "tool", "tool_call_id": result.tool_use_id, "content": content}
    if result.is_error:
        message["is_error"] = True
    return message | mark(result.cache_control)


def _assistant(blocks: list[Block]) -> dict[str, Any]:
    parts = list(_parts(blocks))
    message: dict[str, Any] = {"role": "assistant", "content": parts or None}
    calls = [block for block in blocks if isinstance(block, ToolUse)]
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": msgspec.json.encode(call.input or {}).decode()},
            }
            for call in calls
        ]
        message |= mark(next((call.cache_control for call in calls if call.cache_control), None))
    elif not parts:
        message["content"] = ""
    if details := list(_reasoning_details(blocks)):
        message["reasoning_details"] = details
        message["reasoning"] = text_of_details(details) or None
    return message


def _reasoning_details(blocks: list[Block]) -> Iterator[dict[str, Any]]:
    index = 0
    for block in blocks:
        if isinstance(block, Thinking):
            yield _thinking_detail(block, index)
        elif isinstance(block, RedactedThinking):
            yield detail_in(block.data) or {
                "type": "reasoning.encrypted", "data": block.data, "format": REASONING_FORMAT, "index": index,
            }  # fmt: skip
        else:
            continue
        index += 1


def _thinking_detail(block: Thinking, index: int) -> dict[str, Any]:
    """The detail of a thinking block. That of another provider is in its signature, all but its text."""
    if block.signature and (detail := detail_in(block.signature)):
        name = "summary" if detail.get("type") == "reasoning.summary" else "text"
        return detail | {name: block.thinking}
    detail = {"type": "reasoning.text", "text": block.thinking, "index": index}
    return detail | ({"signature": block.signature, "format": REASONING_FORMAT} if block.signature else {})


def _parts(blocks: Any) -> Iterator[dict[str, Any]]:
    """The content parts of these blocks."""
    for block in blocks:
        match block:
            case Text() if block.text:
                yield _part(block)
            case Image():
                yield _image(block)
            case Document():
                yield from _document(block)
            case ToolReference():
                yield {"type": "text", "text": f"Tool that can be called now: {block.tool_name}"} | mark(
                    block.cache_control
                )
            case SearchResult():
                text = "\n".join([f"{block.title} ({block.source})", *(part.text for part in block.content)])
                yield {"type": "text", "text": text} | mark(block.cache_control)


def _part(block: Text) -> dict[str, Any]:
    return {"type": "text", "text": block.text} | mark(block.cache_control)


def _image(block: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": _url(block.source)}} | mark(block.cache_control)


def _document(block: Document) -> Iterator[dict[str, Any]]:
    """A file, or its text where the document is text, with its title and context before it.

    The part that is to be cited says so in CITED: providers that know no citations take it for a text or a file.
    """
    asked = block.citations is not None and block.citations.enabled
    cited: dict[str, dict[str, Any]] = {CITED: {"title": block.title, "context": block.context}} if asked else {}
    heading = "\n".join(part for part in (block.title, block.context) if part)
    source = block.source
    match source:
        case PlainText():
            parts: list[dict[str, Any]] = [{"type": "text", "text": f"{heading}\n{source.data}".strip()} | cited]
        case Blocks() if asked and (texts := _citable(source)):
            cited[CITED]["blocks"] = [len(text) for text in texts]
            parts = [{"type": "text", "text": "\n".join([heading, *texts] if heading else texts)} | cited]
        case Blocks():
            inner = [Text(text=source.content)] if isinstance(source.content, str) else source.content
            parts = [{"type": "text", "text": heading}] if heading else []
            parts += _parts(inner)
        case _:
            file = {"filename": block.title or "document.pdf", "file_data": _url(source)}
            parts = [{"type": "text", "text": block.context}] if block.context else []
            parts.append({"type": "file", "file": file} | cited)
    if parts:
        parts[-1] |= mark(block.cache_control)
    yield from parts


def _citable(source: Blocks) -> list[str]:
    """The texts of a document's blocks; none if one of the blocks is an image, which cannot be cited."""
    if isinstance(source.content, str):
        return [source.content] if source.content.strip() else []
    texts = [block.text for block in source.content if isinstance(block, Text)]
    return [text for text in texts if text.strip()] if len(texts) == len(source.content) else []


def _url(source: Base64 | Url) -> str:
    return source.url if isinstance(source, Url) else f"data:{source.media_type};base64,{source.data}"


def mark(cache_control: CacheControl | None) -> dict[str, Any]:
    return {"cache_control": cache_control} if cache_control else {}
