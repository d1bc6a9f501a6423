"""The input items of a Responses request, and the chat messages that mean the same. Pure."""

import mimetypes
from typing import Any, Literal

import msgspec

from gateway.protocols.reasoning import details_in

from .faults import fault
from .tools import chat_name

__all__ = ["Item", "messages_of", "with_types"]

#: The `format` of encrypted reasoning that names none: only OpenAI's own Responses API sends such items.
OPENAI_FORMAT = "openai-responses-v1"

CacheControl = dict[str, Any]


class _InputText(msgspec.Struct, tag_field="type", tag="input_text"):
    text: str
    prompt_cache_breakpoint: dict[str, Any] | None = None
    cache_control: CacheControl | None = None


class _OutputText(msgspec.Struct, tag_field="type", tag="output_text"):
    text: str


class _Refusal(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


class _InputImage(msgspec.Struct, tag_field="type", tag="input_image"):
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None


class _InputFile(msgspec.Struct, tag_field="type", tag="input_file"):
    filename: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None


class _Audio(msgspec.Struct):
    data: str
    format: str


class _InputAudio(msgspec.Struct, tag_field="type", tag="input_audio"):
    input_audio: _Audio


class _InputVideo(msgspec.Struct, tag_field="type", tag="input_video"):
    video_url: str


_Part = _InputText | _OutputText | _Refusal | _InputImage | _InputFile | _InputAudio | _InputVideo
_Output = str | list[_InputText | _InputImage | _InputFile]


class _Message(msgspec.Struct, tag_field="type", tag="message"):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[_Part] | None = None


class _ReasoningText(msgspec.Struct, tag_field="type", tag="reasoning_text"):
    text: str


class _SummaryText(msgspec.Struct, tag_field="type", tag="summary_text"):
    text: str


class _Reasoning(msgspec.Struct, tag_field="type", tag="reasoning"):
    summary: list[_SummaryText] | None = None
    content: list[_ReasoningText] | None = None
    encrypted_content: str | None = None
    signature: str | None = None
    format: str | None = None


class _FunctionCall(msgspec.Struct, tag_field="type", tag="function_call"):
    call_id: str
    name: str
    arguments: str
    namespace: str | None = None


class _FunctionOutput(msgspec.Struct, tag_field="type", tag="function_call_output"):
    call_id: str
    output: _Output


class _CustomCall(msgspec.Struct, tag_field="type", tag="custom_tool_call"):
    call_id: str
    name: str
    input: str
    namespace: str | None = None


class _CustomOutput(msgspec.Struct, tag_field="type", tag="custom_tool_call_output"):
    call_id: str
    output: _Output


class _ShellCall(msgspec.Struct, tag_field="type", tag="local_shell_call"):
    action: dict[str, Any]
    call_id: str


class _ShellOutput(msgspec.Struct, tag_field="type", tag="local_shell_call_output"):
    output: str
    id: str | None = None
    call_id: str | None = None


class _PatchCall(msgspec.Struct, tag_field="type", tag="apply_patch_call"):
    operation: dict[str, Any]
    call_id: str


class _PatchOutput(msgspec.Struct, tag_field="type", tag="apply_patch_call_output"):
    call_id: str
    status: str | None = None
    output: str | None = None


class _WebSearchCall(msgspec.Struct, tag_field="type", tag="web_search_call"):
    """A web search of an earlier turn. Its findings are in the text that follows."""


class _ImageCall(msgspec.Struct, tag_field="type", tag="image_generation_call"):
    result: str | None = None


class _ItemReference(msgspec.Struct, tag_field="type", tag="item_reference"):
    id: str


_Call = _FunctionCall | _CustomCall | _ShellCall | _PatchCall
_Result = _FunctionOutput | _CustomOutput | _ShellOutput | _PatchOutput
Item = _Message | _Reasoning | _Call | _Result | _WebSearchCall | _ImageCall | _ItemReference


def with_types(items: Any) -> Any:
    """The input, in which messages without a `type` have theirs."""
    if not isinstance(items, list):
        return items
    return [
        {"type": "message", **item} if isinstance(item, dict) and "role" in item and "type" not in item else item
        for item in items
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
            case _Message(role="assistant"):
                self._say(_parts(item.content, f"{place}.content"))
            case _Message():
                self._end({"role": item.role, "content": _content(item.content, f"{place}.content")})
            case _Reasoning():
                details = self._assistant().setdefault("reasoning_details", [])
                details += _details(item, len(details), place)
            case _FunctionCall() | _CustomCall() | _ShellCall() | _PatchCall():
                self._assistant().setdefault("tool_calls", []).append(_tool_call(item))
            case _ImageCall() if item.result:
                image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{item.result}"}}
                self._assistant().setdefault("images", []).append(image)
            case _WebSearchCall() | _ImageCall():
                pass
            case _ItemReference():
                raise fault(
                    "nothing is stored between two requests, so an item cannot be referred to. Send the item itself",
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
        case _InputText():
            control = part.cache_control or ({"type": "ephemeral"} if part.prompt_cache_breakpoint else None)
            return {"type": "text", "text": part.text} | ({"cache_control": control} if control else {})
        case _OutputText():
            return {"type": "text", "text": part.text}
        case _Refusal():
            return {"type": "text", "text": part.refusal}
        case _InputImage():
            if not part.image_url:
                raise fault("files are not stored here. Send the image's URL or data URL as `image_url`", place)
            detail = {"detail": part.detail} if part.detail else {}
            return {"type": "image_url", "image_url": {"url": part.image_url, **detail}}
        case _InputFile():
            return {
                "type": "file",
                "file": {"filename": part.filename or "document.pdf", "file_data": _data(part, place)},
            }
        case _InputAudio():
            return {"type": "input_audio", "input_audio": msgspec.to_builtins(part.input_audio)}
    return {"type": "video_url", "video_url": {"url": part.video_url}}


def _data(file: _InputFile, place: str) -> str:
    """The URL of a file, or its data URL; base64 alone gets the media type of the file's name."""
    source = file.file_data or file.file_url
    if not source:
        raise fault("files are not stored here. Send `file_data` or `file_url`", place)
    if source is file.file_url or source.startswith(("data:", "http:", "https:")):
        return source
    media_type = mimetypes.guess_type(file.filename or "")[0] or "application/pdf"
    return f"data:{media_type};base64,{source}"


# --- Reasoning and tools ------------------------------------------------------------------------------


def _details(item: _Reasoning, index: int, place: str) -> list[dict[str, Any]]:
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


def _tool_call(call: _Call) -> dict[str, Any]:
    match call:
        case _FunctionCall():
            name, arguments = chat_name(call.name, call.namespace), call.arguments
        case _CustomCall():
            name, arguments = chat_name(call.name, call.namespace), _json({"input": call.input})
        case _ShellCall():
            action = {key: value for key, value in call.action.items() if key != "type" and value is not None}
            name, arguments = "local_shell", _json(action)
        case _PatchCall():
            name, arguments = "apply_patch", _json(call.operation)
    return {"id": call.call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _tool_message(result: _Result, place: str) -> dict[str, Any]:
    failed = False
    match result:
        case _FunctionOutput() | _CustomOutput():
            content = _content(result.output, f"{place}.output")
        case _ShellOutput():
            content = result.output
        case _PatchOutput():
            failed = result.status == "failed"
            content = result.output or ("The patch failed." if failed else "Done.")
    call_id = result.call_id or (result.id if isinstance(result, _ShellOutput) else None)
    if not call_id:
        raise fault("the result of a call needs its `call_id`", place)
    message: dict[str, Any] = {"role": "tool", "tool_call_id": call_id, "content": content}
    return message | ({"is_error": True} if failed else {})


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
