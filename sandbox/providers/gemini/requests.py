"""Reads requests to generate content."""

from typing import Any, Literal

import msgspec

from sandbox.providers.prompts.chat_request import ChatRequest, Message, Reasoning, ResponseFormat

__all__ = ["read_generation_request"]

_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto"}
_CALL = "call_sandbox"  # calls have no ids here: results find theirs by name
# The caller's own names: they are left as they are.
_OWN = {"args", "response", "parameters", "properties"}
_COUNTS = {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}


class _Blob(msgspec.Struct, frozen=True, rename="camel"):
    data: str
    mime_type: str = ""


class _File(msgspec.Struct, frozen=True, rename="camel"):
    file_uri: str


class _FunctionCall(msgspec.Struct, frozen=True):
    name: str
    args: dict[str, Any] | None = None


class _FunctionResponse(msgspec.Struct, frozen=True):
    name: str
    response: dict[str, Any] = {}


class Part(msgspec.Struct, frozen=True, rename="camel"):
    text: str | None = None
    inline_data: _Blob | None = None
    file_data: _File | None = None
    function_call: _FunctionCall | None = None
    function_response: _FunctionResponse | None = None


class Content(msgspec.Struct, frozen=True):
    parts: list[Part] = []
    role: Literal["user", "model", "system", "function"] = "user"


class _Function(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None


class _Tool(msgspec.Struct, frozen=True, rename="camel"):
    function_declarations: list[_Function] = []


class _Calling(msgspec.Struct, frozen=True, rename="camel"):
    mode: Literal["AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"] = "AUTO"
    allowed_function_names: list[str] = []


class _ToolConfig(msgspec.Struct, frozen=True, rename="camel"):
    function_calling_config: _Calling = _Calling()


class _Thinking(msgspec.Struct, frozen=True, rename="camel"):
    thinking_budget: int | None = None
    thinking_level: str | None = None
    include_thoughts: bool = False


class GenerationConfig(msgspec.Struct, frozen=True, rename="camel"):
    temperature: float | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    candidate_count: int | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    thinking_config: _Thinking | None = None
    response_modalities: list[str] | None = None


class GenerationRequest(msgspec.Struct, frozen=True, rename="camel"):
    contents: list[Content]
    system_instruction: Content | None = None
    tools: list[_Tool] = []
    tool_config: _ToolConfig = _ToolConfig()
    generation_config: GenerationConfig = GenerationConfig()


def read_generation_request(body: bytes, model: str, *, stream: bool) -> ChatRequest:
    """The request in `body` as a chat request; ValueError, with a sentence, when there is none."""
    given = msgspec.convert(_camel(msgspec.json.decode(body)), GenerationRequest)
    config = given.generation_config
    if not given.contents:
        raise ValueError("* GenerateContentRequest.contents: contents is not specified")
    if config.candidate_count not in (None, 1):
        raise ValueError("Only one candidate can be specified in the current model")
    if config.max_output_tokens is not None and config.max_output_tokens < 1:
        raise ValueError("max_output_tokens must be positive.")
    calling = given.tool_config.function_calling_config
    functions = [function for tool in given.tools for function in tool.function_declarations]
    allowed = calling.allowed_function_names or [function.name for function in functions]
    system = [Content(given.system_instruction.parts, "system")] if given.system_instruction else []
    return ChatRequest(
        model=model,
        messages=[message for content in (*system, *given.contents) for message in _messages(content)],
        stream=stream,
        max_tokens=config.max_output_tokens,
        stop=config.stop_sequences,
        temperature=config.temperature,
        seed=config.seed,
        tools=[_tool(function) for function in functions if function.name in allowed] or None,
        tool_choice=_MODES.get(calling.mode),
        response_format=_format(config),
        reasoning=_reasoning(config.thinking_config),
        modalities=[kind.lower() for kind in config.response_modalities or ()] or None,
    )


def _camel(value: Any) -> Any:
    """Google takes snake_case and camelCase alike, outside of the caller's own names."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        _name(key): item if key in _OWN or _name(key).endswith("Schema") else _camel(item)
        for key, item in value.items()
    }


def _name(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest) if first else key


def _messages(content: Content) -> list[Message]:
    """The results of functions stand in messages of their own."""
    results: list[Message] = []
    parts, calls = [], []
    for part in content.parts:
        if result := part.function_response:
            results.append({"role": "tool", "tool_call_id": _CALL + result.name, "content": _text(result.response)})
        elif call := part.function_call:
            function = {"name": call.name, "arguments": _text(call.args)}
            calls.append({"id": _CALL + call.name, "type": "function", "function": function})
        else:
            parts.append(_part(part))
    role = {"model": "assistant", "function": "user"}.get(content.role, content.role)
    said = {"role": role, "content": parts or None, **({"tool_calls": calls} if calls else {})}
    return [*results, said] if parts or calls else results


def _part(part: Part) -> dict[str, Any]:
    if blob := part.inline_data:
        url = f"data:{blob.mime_type};base64,{blob.data}"
        if blob.mime_type.startswith("image/"):
            return {"type": "image_url", "image_url": {"url": url}}
        if blob.mime_type.startswith("audio/"):
            sound = {"data": blob.data, "format": blob.mime_type.removeprefix("audio/")}
            return {"type": "input_audio", "input_audio": sound}
        return {"type": "file", "file": {"filename": f"of type {blob.mime_type}", "file_data": url}}
    if part.file_data:
        return {"type": "image_url", "image_url": {"url": part.file_data.file_uri}}
    return {"type": "text", "text": part.text or ""}


def _tool(function: _Function) -> dict[str, Any]:
    schema = function.parameters_json_schema or _schema(function.parameters) or {"type": "object"}
    named = {"name": function.name, "description": function.description}
    return {"type": "function", "function": {**named, "parameters": schema}}


def _schema(schema: Any) -> Any:
    """Google's dialect of schemas, with types in capitals, counts as text and `nullable`, as JSON Schema."""
    if isinstance(schema, list):
        return [_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    read = {key: _schema(item) if isinstance(item, dict | list) else item for key, item in schema.items()}
    if isinstance(read.get("type"), str):
        read["type"] = read["type"].lower()
        if read.pop("nullable", False) is True:
            read["type"] = [read["type"], "null"]
    return {key: int(item) if key in _COUNTS and isinstance(item, str) else item for key, item in read.items()}


def _format(config: GenerationConfig) -> ResponseFormat | None:
    if config.response_mime_type != "application/json":
        return None
    schema = config.response_json_schema or _schema(config.response_schema)
    return ResponseFormat("json_schema", {"schema": schema}) if schema else ResponseFormat("json_object")


def _reasoning(thinking: _Thinking | None) -> Reasoning | None:
    """Thoughts are counted always, and shown only with `includeThoughts`."""
    if thinking is None or thinking.thinking_budget == 0:
        return None
    budget = thinking.thinking_budget or 0
    return Reasoning(
        effort=thinking.thinking_level.lower() if thinking.thinking_level else "medium",
        max_tokens=budget if budget > 0 else None,
        exclude=not thinking.include_thoughts,
    )


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
