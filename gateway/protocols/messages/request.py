"""A Messages request, read as the chat request that means the same. Pure."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.chat_completions.request import parse as parse_chat
from gateway.protocols.reasoning import detail_in

__all__ = ["parse"]

#: The `format` of the `reasoning_details` that thinking blocks become.
REASONING_FORMAT = "anthropic-claude-v1"

#: Fields that mean the same in a chat request.
_SHARED = (
    "model", "models", "max_tokens", "stream", "temperature", "top_p", "top_k", "cache_control", "preset", "provider",
    "route", "session_id", "stop_server_tools_when", "trace",
)  # fmt: skip

CacheControl = dict[str, Any]


class _Base64(msgspec.Struct, tag_field="type", tag="base64"):
    data: str
    media_type: str


class _Url(msgspec.Struct, tag_field="type", tag="url"):
    url: str


class _PlainText(msgspec.Struct, tag_field="type", tag="text"):
    data: str


class _Text(msgspec.Struct, tag_field="type", tag="text"):
    text: str
    cache_control: CacheControl | None = None


class _Image(msgspec.Struct, tag_field="type", tag="image"):
    source: _Base64 | _Url
    cache_control: CacheControl | None = None


class _Blocks(msgspec.Struct, tag_field="type", tag="content"):
    content: str | list[_Text | _Image]


class _Document(msgspec.Struct, tag_field="type", tag="document"):
    source: _Base64 | _Url | _PlainText | _Blocks
    title: str | None = None
    context: str | None = None
    cache_control: CacheControl | None = None


class _SearchResult(msgspec.Struct, tag_field="type", tag="search_result"):
    source: str
    title: str
    content: list[_Text]
    cache_control: CacheControl | None = None


class _ToolUse(msgspec.Struct, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: Any = None
    cache_control: CacheControl | None = None


class _ToolResult(msgspec.Struct, tag_field="type", tag="tool_result"):
    tool_use_id: str
    content: str | list[_Text | _Image | _Document | _SearchResult] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class _Thinking(msgspec.Struct, tag_field="type", tag="thinking"):
    thinking: str
    signature: str | None = None


class _RedactedThinking(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str


class _ServerToolUse(msgspec.Struct, tag_field="type", tag="server_tool_use"):
    """A web search of an earlier turn. Its findings are in the text that follows."""


class _WebSearchResult(msgspec.Struct, tag_field="type", tag="web_search_tool_result"):
    """As `_ServerToolUse`."""


_Block = (
    _Text | _Image | _Document | _SearchResult | _ToolUse | _ToolResult | _Thinking | _RedactedThinking
    | _ServerToolUse | _WebSearchResult
)  # fmt: skip


class _Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Block]


class _Tool(msgspec.Struct):
    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None
    max_uses: int | None = None
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None


class _ToolChoice(msgspec.Struct):
    type: Literal["auto", "any", "none", "tool"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _ThinkingConfig(msgspec.Struct):
    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Annotated[int, Meta(ge=1)] | None = None
    display: Literal["summarized", "omitted"] | None = None


class _Format(msgspec.Struct):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class _OutputConfig(msgspec.Struct):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: _Format | None = None


class _Fallback(msgspec.Struct):
    model: str


class _Metadata(msgspec.Struct):
    user_id: str | None = None


class _Body(msgspec.Struct):
    messages: Annotated[list[_Message], Meta(min_length=1)]
    system: str | list[_Text] | None = None
    stop_sequences: list[str] | None = None
    tools: list[_Tool] | None = None
    tool_choice: _ToolChoice | None = None
    thinking: _ThinkingConfig | None = None
    output_config: _OutputConfig | None = None
    metadata: _Metadata | None = None
    fallbacks: Annotated[list[_Fallback], Meta(max_length=3)] | None = None
    models: list[str] | None = None
    plugins: list[dict[str, Any]] | None = None


_decoder = msgspec.json.Decoder()


def parse(body: bytes) -> ChatRequest:
    """The chat request that means the same. Raises InvalidRequest, which names the place of the first fault."""
    try:
        raw = _decoder.decode(body)
        if not isinstance(raw, dict):
            raise InvalidRequest('The body must be a JSON object, for example {"model": ..., "messages": [...]}.')
        checked = msgspec.convert(raw, _Body)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"Invalid request parameters: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from error
    if checked.fallbacks and checked.models:
        raise InvalidRequest("`fallbacks` and `models` say the same. Send one of them.")
    chat: dict[str, Any] = {name: raw[name] for name in _SHARED if raw.get(name) is not None}
    if checked.fallbacks:
        chat["models"] = [fallback.model for fallback in checked.fallbacks]
    chat["messages"] = [*_system(checked.system), *(turn for message in checked.messages for turn in _turns(message))]
    if not chat["messages"]:
        raise InvalidRequest("`messages` must contain at least one message.")
    if checked.stop_sequences:
        chat["stop"] = checked.stop_sequences
    if checked.metadata and checked.metadata.user_id:
        chat["user"] = checked.metadata.user_id[:256]
    chat |= _tools(checked)
    chat |= _output(checked)
    return parse_chat(chat)


# --- Messages -----------------------------------------------------------------------------------------


def _system(system: str | list[_Text] | None) -> list[dict[str, Any]]:
    if not system:
        return []
    content = system if isinstance(system, str) else [_part(block) for block in system]
    return [{"role": "system", "content": content}]


def _turns(message: _Message) -> Iterator[dict[str, Any]]:
    """The chat messages of one message: its tool results, each on its own, then all else."""
    if isinstance(message.content, str):
        yield {"role": message.role, "content": message.content}
        return
    results = [block for block in message.content if isinstance(block, _ToolResult)]
    yield from map(_tool_message, results)
    parts = list(_parts(message.content))
    if message.role == "assistant":
        yield _assistant(message.content, parts)
    elif parts or not results:
        yield {"role": message.role, "content": parts}


def _tool_message(result: _ToolResult) -> dict[str, Any]:
    content = result.content if isinstance(result.content, str) else list(_parts(result.content or []))
    message: dict[str, Any] = {"role": "tool", "tool_call_id": result.tool_use_id, "content": content}
    if result.is_error:
        message["is_error"] = True
    return message | _mark(result.cache_control)


def _assistant(blocks: list[_Block], parts: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": parts or None}
    calls = [block for block in blocks if isinstance(block, _ToolUse)]
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": msgspec.json.encode(call.input or {}).decode()},
            }
            for call in calls
        ]
        if mark := next((_mark(call.cache_control) for call in calls if call.cache_control), None):
            message |= mark
    elif not parts:
        message["content"] = ""
    if details := list(_reasoning_details(blocks)):
        message["reasoning_details"] = details
        message["reasoning"] = "".join(str(detail.get("text") or "") for detail in details) or None
    return message


def _reasoning_details(blocks: list[_Block]) -> Iterator[dict[str, Any]]:
    index = 0
    for block in blocks:
        if isinstance(block, _Thinking):
            detail: dict[str, Any] = {"type": "reasoning.text", "text": block.thinking, "index": index}
            if block.signature:
                detail |= {"signature": block.signature, "format": REASONING_FORMAT}
            yield detail
        elif isinstance(block, _RedactedThinking):
            yield detail_in(block.data) or {
                "type": "reasoning.encrypted", "data": block.data, "format": REASONING_FORMAT, "index": index,
            }  # fmt: skip
        else:
            continue
        index += 1


def _parts(blocks: Any) -> Iterator[dict[str, Any]]:
    """The content parts of these blocks."""
    for block in blocks:
        match block:
            case _Text() if block.text:
                yield _part(block)
            case _Image():
                yield _image(block)
            case _Document():
                yield from _document(block)
            case _SearchResult():
                text = "\n".join([f"{block.title} ({block.source})", *(part.text for part in block.content)])
                yield {"type": "text", "text": text} | _mark(block.cache_control)


def _part(block: _Text) -> dict[str, Any]:
    return {"type": "text", "text": block.text} | _mark(block.cache_control)


def _image(block: _Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": _url(block.source)}} | _mark(block.cache_control)


def _document(block: _Document) -> Iterator[dict[str, Any]]:
    """A file, or its text where the document is text, with its title and context before it."""
    heading = "\n".join(part for part in (block.title, block.context) if part)
    source = block.source
    match source:
        case _PlainText():
            parts: list[dict[str, Any]] = [{"type": "text", "text": f"{heading}\n{source.data}".strip()}]
        case _Blocks():
            inner = [_Text(text=source.content)] if isinstance(source.content, str) else source.content
            parts = [{"type": "text", "text": heading}] if heading else []
            parts += _parts(inner)
        case _:
            file = {"filename": block.title or "document.pdf", "file_data": _url(source)}
            parts = [{"type": "text", "text": block.context}] if block.context else []
            parts.append({"type": "file", "file": file})
    if parts:
        parts[-1] |= _mark(block.cache_control)
    yield from parts


def _url(source: _Base64 | _Url) -> str:
    return source.url if isinstance(source, _Url) else f"data:{source.media_type};base64,{source.data}"


def _mark(cache_control: CacheControl | None) -> dict[str, Any]:
    return {"cache_control": cache_control} if cache_control else {}


# --- Parameters ---------------------------------------------------------------------------------------


def _tools(body: _Body) -> dict[str, Any]:
    """`tools`, `tool_choice`, `parallel_tool_calls`, and the `web` plugin for a web search tool."""
    functions, plugins = [], list(body.plugins or ())
    for index, tool in enumerate(body.tools or ()):
        if tool.type in {None, "custom"}:
            functions.append(_function(tool, index))
        elif str(tool.type).startswith("web_search_"):
            domains = {"include_domains": tool.allowed_domains, "exclude_domains": tool.blocked_domains}
            plugins.append({"id": "web"} | {name: value for name, value in domains.items() if value})
        else:
            raise InvalidRequest(
                f"Invalid request parameters: tools of type {tool.type!r} are not supported. Declare a custom tool "
                f"with `name` and `input_schema` - at `$.tools[{index}].type`"
            )
    chosen: dict[str, Any] = {}
    if functions:
        chosen["tools"] = functions
    if plugins:
        chosen["plugins"] = plugins
    if (choice := body.tool_choice) and functions:
        named = {"type": "function", "function": {"name": choice.name}}
        chosen["tool_choice"] = {"any": "required", "tool": named}.get(choice.type, choice.type)
        if choice.disable_parallel_tool_use:
            chosen["parallel_tool_calls"] = False
    return chosen


def _function(tool: _Tool, index: int) -> dict[str, Any]:
    if not tool.name or tool.input_schema is None:
        missing = "input_schema" if tool.name else "name"
        raise InvalidRequest(f"Invalid request parameters: a tool needs `{missing}` - at `$.tools[{index}]`")
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function} | _mark(tool.cache_control)


def _output(body: _Body) -> dict[str, Any]:
    """`reasoning`, `verbosity` and `response_format`."""
    config = body.output_config or _OutputConfig()
    fields: dict[str, Any] = {}
    if config.format:
        schema = {"name": "response", "strict": True, "schema": config.format.schema}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    thinking = body.thinking
    if thinking is None or thinking.type == "disabled":
        if thinking is not None:
            fields["reasoning"] = {"enabled": False}
        return fields | ({"verbosity": config.effort} if config.effort else {})
    reasoning: dict[str, Any] = {"exclude": True} if thinking.display == "omitted" else {}
    if thinking.type == "enabled":
        if thinking.budget_tokens is None:
            raise InvalidRequest("Invalid request parameters: `budget_tokens` is required - at `$.thinking`")
        fields |= {"verbosity": config.effort} if config.effort else {}
        return fields | {"reasoning": reasoning | {"max_tokens": thinking.budget_tokens}}
    return fields | {"reasoning": reasoning | ({"effort": config.effort} if config.effort else {"enabled": True})}
