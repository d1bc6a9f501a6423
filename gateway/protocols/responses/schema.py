"""The input items of a Responses request: their fields, as far as they are read."""

from typing import Any, Literal

import msgspec

__all__ = [
    "AdditionalTools", "AgentMessage", "Call", "CustomCall", "CustomOutput", "EncryptedContent", "FunctionCall",
    "FunctionOutput", "ImageCall", "InputAudio", "InputFile", "InputImage", "InputText", "InputVideo", "Item",
    "ItemReference", "Message", "OutputText", "Part", "PatchCall", "PatchOutput", "Reasoning", "Refusal", "Result",
    "ShellCall", "ShellOutput", "ToolSearchCall", "ToolSearchOutput", "WebSearchCall",
]  # fmt: skip

CacheControl = dict[str, Any]


class InputText(msgspec.Struct, tag_field="type", tag="input_text"):
    text: str
    prompt_cache_breakpoint: dict[str, Any] | None = None
    cache_control: CacheControl | None = None


class OutputText(msgspec.Struct, tag_field="type", tag="output_text"):
    text: str


class Refusal(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


class InputImage(msgspec.Struct, tag_field="type", tag="input_image"):
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None


class InputFile(msgspec.Struct, tag_field="type", tag="input_file"):
    filename: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None


class Audio(msgspec.Struct):
    data: str
    format: str


class InputAudio(msgspec.Struct, tag_field="type", tag="input_audio"):
    input_audio: Audio


class InputVideo(msgspec.Struct, tag_field="type", tag="input_video"):
    video_url: str


Part = InputText | OutputText | Refusal | InputImage | InputFile | InputAudio | InputVideo


class Message(msgspec.Struct, tag_field="type", tag="message"):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part] | None = None


class EncryptedContent(msgspec.Struct, tag_field="type", tag="encrypted_content"):
    """The words of an agent. Only OpenAI's own models encrypt them: here they are what the model has written."""

    encrypted_content: str


class AgentMessage(msgspec.Struct, tag_field="type", tag="agent_message"):
    """The message of one agent to another, as Codex gives a task to an agent that it has begun."""

    author: str
    recipient: str
    content: str | list[InputText | InputImage | EncryptedContent] | None = None


class ReasoningText(msgspec.Struct, tag_field="type", tag="reasoning_text"):
    text: str


class SummaryText(msgspec.Struct, tag_field="type", tag="summary_text"):
    text: str


class Reasoning(msgspec.Struct, tag_field="type", tag="reasoning"):
    summary: list[SummaryText] | None = None
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None
    signature: str | None = None
    format: str | None = None


class FunctionCall(msgspec.Struct, tag_field="type", tag="function_call"):
    call_id: str
    name: str
    arguments: str
    namespace: str | None = None


class FunctionOutput(msgspec.Struct, tag_field="type", tag="function_call_output"):
    call_id: str
    output: str | list[Part]


class CustomCall(msgspec.Struct, tag_field="type", tag="custom_tool_call"):
    call_id: str
    name: str
    input: str
    namespace: str | None = None


class CustomOutput(msgspec.Struct, tag_field="type", tag="custom_tool_call_output"):
    call_id: str
    output: str | list[Part]


class ShellCall(msgspec.Struct, tag_field="type", tag="local_shell_call"):
    action: dict[str, Any]
    call_id: str


class ShellOutput(msgspec.Struct, tag_field="type", tag="local_shell_call_output"):
    output: str
    id: str | None = None
    call_id: str | None = None


class PatchCall(msgspec.Struct, tag_field="type", tag="apply_patch_call"):
    operation: dict[str, Any]
    call_id: str


class PatchOutput(msgspec.Struct, tag_field="type", tag="apply_patch_call_output"):
    call_id: str
    status: str | None = None
    output: str | None = None


class ToolSearchCall(msgspec.Struct, tag_field="type", tag="tool_search_call"):
    arguments: Any
    call_id: str


class ToolSearchOutput(msgspec.Struct, tag_field="type", tag="tool_search_output"):
    call_id: str
    tools: list[dict[str, Any]]


class AdditionalTools(msgspec.Struct, tag_field="type", tag="additional_tools"):
    """More tools, from this place of the conversation on. Codex sends all of its own like this."""

    tools: list[dict[str, Any]]


class WebSearchCall(msgspec.Struct, tag_field="type", tag="web_search_call"):
    """A web search of an earlier turn. Its findings are in the text that follows."""


class ImageCall(msgspec.Struct, tag_field="type", tag="image_generation_call"):
    result: str | None = None


class ItemReference(msgspec.Struct, tag_field="type", tag="item_reference"):
    id: str


Call = FunctionCall | CustomCall | ShellCall | PatchCall | ToolSearchCall
Result = FunctionOutput | CustomOutput | ShellOutput | PatchOutput | ToolSearchOutput
Item = Message | AgentMessage | Reasoning | Call | Result | AdditionalTools | WebSearchCall | ImageCall | ItemReference
