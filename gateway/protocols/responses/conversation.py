"""The conversation of a Responses request, as chat messages. Pure."""

import mimetypes
from typing import Any

import msgspec

from gateway.protocols.reasoning import details_in

from .faults import fault
from .schema import (
    AdditionalTools,
    AgentMessage,
    Call,
    CustomCall,
    CustomOutput,
    EncryptedContent,
    FunctionCall,
    FunctionOutput,
    ImageCall,
    InputAudio,
    InputFile,
    InputImage,
    InputText,
    Item,
    ItemReference,
    Message,
    OutputText,
    PatchCall,
    PatchOutput,
    Reasoning,
    Refusal,
    Result,
    ShellCall,
    ShellOutput,
    ToolSearchCall,
    ToolSearchOutput,
    WebSearchCall,
)
from .tools import chat_name

__all__ = ["messages_of", "tools_in", "with_types"]

#: The `format` of encrypted reasoning that names none: only OpenAI's own Responses API sends such items.
OPENAI_FORMAT = "openai-responses-v1"


def with_types(items: Any) -> Any:
    """The input, in which messages and references without a `type` have theirs."""
    if not isinstance(items, list):
        return items
    return [_with_type(item) if isinstance(item, dict) and "type" not in item else item for item in items]


def _with_type(item: dict[str, Any]) -> dict[str, Any]:
    if "role" in item:
        return {"type": "message", **item}
    return {"type": "item_reference", **item} if item.keys() == {"id"} else item


def tools_in(items: list[Item]) -> list[tuple[str, dict[str, Any]]]:
    """The tools that items of the conversation declare, in order: (its place, the tool)."""
    return [
        (f"input[{index}].tools[{number}]", tool)
        for index, item in enumerate(items)
        if isinstance(item, AdditionalTools | ToolSearchOutput)
        for number, tool in enumerate(item.tools)
    ]


def messages_of(items: list[Item]) -> list[dict[str, Any]]:
    """The chat messages. Raises InvalidRequest, which names the place of an item that cannot be one."""
    conversation = _Conversation()
    for index, item in enumerate(items):
        conversation.add(item, f"input[{index}]")
    return conversation.messages


class _Conversation:
    """Gathers reasoning, text and calls of the assistant into one message, until an item of another side follows."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._turn: dict[str, Any] | None = None

    def add(self, item: Item, place: str) -> None:
        match item:
            case Message(role="assistant"):
                self._say(_parts(item.content, f"{place}.content"))
            case Message():
                self._end({"role": item.role, "content": _content(item.content, f"{place}.content")})
            case AgentMessage():
                self._end({"role": "user", "content": _content(item.content, f"{place}.content")})
            case Reasoning():
                details = self._assistant().setdefault("reasoning_details", [])
                details += _details(item, len(details), place)
            case FunctionCall() | CustomCall() | ShellCall() | PatchCall() | ToolSearchCall():
                self._assistant().setdefault("tool_calls", []).append(_tool_call(item))
            case ImageCall() if item.result:
                image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{item.result}"}}
                self._assistant().setdefault("images", []).append(image)
            case WebSearchCall() | ImageCall() | AdditionalTools():
                pass
            case ItemReference():
                raise fault(
                    "nothing is stored between two requests, so an item cannot be referred to. Send the item itself; "
                    "clients that refer to items do so unless `store` is false",
                    f"{place}.type",
                )
            case _:
                self._end(_tool_message(item, place))

    def _assistant(self) -> dict[str, Any]:
        if self._turn is None:
            self._turn = {"role": "assistant", "content": ""}
            self.messages.append(self._turn)
        return self._turn

    def _say(self, parts: list[dict[str, Any]]) -> None:
        turn = self._assistant()
        known = turn["content"]
        turn["content"] = _plain([*([{"type": "text", "text": known}] if isinstance(known, str) else known), *parts])

    def _end(self, message: dict[str, Any]) -> None:
        self._turn = None
        self.messages.append(message)


# --- Content ------------------------------------------------------------------------------------------


def _content(content: str | list[Any] | None, place: str) -> str | list[dict[str, Any]]:
    return _plain(_parts(content, place))


def _plain(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """The parts without empty texts; a text alone as a string, which every provider takes."""
    parts = [part for part in parts if part["type"] != "text" or part["text"]]
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0].keys() == {"type", "text"} else parts


def _parts(content: str | list[Any] | None, place: str) -> list[dict[str, Any]]:
    if not isinstance(content, list):
        return [{"type": "text", "text": content or ""}]
    return [_part(part, f"{place}[{index}]") for index, part in enumerate(content)]


def _part(part: Any, place: str) -> dict[str, Any]:
    match part:
        case InputText():
            control = part.cache_control or ({"type": "ephemeral"} if part.prompt_cache_breakpoint else None)
            return {"type": "text", "text": part.text} | ({"cache_control": control} if control else {})
        case OutputText():
            return {"type": "text", "text": part.text}
        case EncryptedContent():
            return {"type": "text", "text": part.encrypted_content}
        case Refusal():
            return {"type": "text", "text": part.refusal}
        case InputImage():
            if not part.image_url:
                raise fault("files are not stored here. Send the image's URL or data URL as `image_url`", place)
            detail = {"detail": part.detail} if part.detail else {}
            return {"type": "image_url", "image_url": {"url": part.image_url, **detail}}
        case InputFile():
            return {
                "type": "file",
                "file": {"filename": part.filename or "document.pdf", "file_data": _data(part, place)},
            }
        case InputAudio():
            return {"type": "input_audio", "input_audio": msgspec.to_builtins(part.input_audio)}
    return {"type": "video_url", "video_url": {"url": part.video_url}}


def _data(file: InputFile, place: str) -> str:
    """The URL of a file, or its data URL; base64 alone gets the media type of the file's name."""
    source = file.file_data or file.file_url
    if not source:
        raise fault("files are not stored here. Send `file_data` or `file_url`", place)
    if source is file.file_url or source.startswith(("data:", "http:", "https:")):
        return source
    media_type = mimetypes.guess_type(file.filename or "")[0] or "application/pdf"
    return f"data:{media_type};base64,{source}"


# --- Reasoning and tools ------------------------------------------------------------------------------


def _details(item: Reasoning, index: int, place: str) -> list[dict[str, Any]]:
    """The `reasoning_details` of an item: those that we packed into it, or what its fields say."""
    details: list[dict[str, Any]] = []
    if item.encrypted_content:
        try:
            packed = details_in(item.encrypted_content)
        except ValueError as error:
            raise fault("this is no text that a response contained", f"{place}.encrypted_content") from error
        if packed is not None:
            return packed
        details.append({"type": "reasoning.encrypted", "data": item.encrypted_content})
    details += [{"type": "reasoning.summary", "summary": part.text} for part in item.summary or ()]
    details += [{"type": "reasoning.text", "text": part.text} for part in item.content or ()]
    kind = item.format or (OPENAI_FORMAT if item.encrypted_content else "unknown")
    if item.signature and details and details[-1]["type"] == "reasoning.text":
        details[-1]["signature"] = item.signature
    return [detail | {"format": kind, "index": index + number} for number, detail in enumerate(details)]


def _tool_call(call: Call) -> dict[str, Any]:
    match call:
        case FunctionCall():
            name, arguments = chat_name(call.name, call.namespace), call.arguments
        case CustomCall():
            name, arguments = chat_name(call.name, call.namespace), _json({"input": call.input})
        case ShellCall():
            action = {key: value for key, value in call.action.items() if key != "type" and value is not None}
            name, arguments = "local_shell", _json(action)
        case PatchCall():
            name, arguments = "apply_patch", _json(call.operation)
        case ToolSearchCall():
            name, arguments = "tool_search", _json(call.arguments)
    return {"id": call.call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _tool_message(result: Result, place: str) -> dict[str, Any]:
    failed = False
    match result:
        case FunctionOutput() | CustomOutput():
            content = _content(result.output, f"{place}.output")
        case ShellOutput():
            content = result.output
        case PatchOutput():
            failed = result.status == "failed"
            content = result.output or ("The patch failed." if failed else "Done.")
        case ToolSearchOutput():
            content = _found(result.tools)
    call_id = result.call_id or (result.id if isinstance(result, ShellOutput) else None)
    if not call_id:
        raise fault("the result of a call needs its `call_id`", place)
    message: dict[str, Any] = {"role": "tool", "tool_call_id": call_id, "content": content}
    return message | ({"is_error": True} if failed else {})


def _found(tools: list[dict[str, Any]]) -> str:
    """The names of the tools that a search has found; `tools` of the chat request describes them."""
    names = [
        chat_name(str(member.get("name")), str(tool.get("name")) if member is not tool else None)
        for tool in tools
        for member in (tool.get("tools") if tool.get("type") == "namespace" else None) or [tool]
        if isinstance(member, dict)
    ]
    return f"Tools that can be called now: {', '.join(names)}" if names else "No tool was found."


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
