"""Reads requests to generate content."""

from typing import Any

import msgspec

from sandbox.providers.chat_request import ChatRequest, Message, Reasoning, ResponseFormat

__all__ = ["read_generation_request"]

_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto"}
_LEVELS = {"minimal": "minimal", "low": "low", "medium": "medium", "high": "high"}
# What is the caller's own: its names are left as they are.
_OWN = {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema"}
_CALL = "call_sandbox"  # calls have no ids here: results find theirs by name


class Content(msgspec.Struct, frozen=True):
    parts: list[dict[str, Any]] = []
    role: str = "user"


class GenerationConfig(msgspec.Struct, frozen=True, rename="camel"):
    temperature: float | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    candidate_count: int | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    thinking_config: dict[str, Any] | None = None


class GenerationRequest(msgspec.Struct, frozen=True, rename="camel"):
    contents: list[Content]
    system_instruction: Content | None = None
    tools: list[dict[str, Any]] | None = None
    tool_config: dict[str, Any] | None = None
    generation_config: GenerationConfig = GenerationConfig()


def read_generation_request(body: bytes, model: str, *, stream: bool) -> ChatRequest:
    """The request in `body` as a chat request; ValueError, with a sentence, when there is none."""
    asked = msgspec.convert(_camel(msgspec.json.decode(body)), GenerationRequest)
    config = asked.generation_config
    if not asked.contents:
        raise ValueError("* GenerateContentRequest.contents: contents is not specified")
    if config.candidate_count not in (None, 1):
        raise ValueError("Only one candidate can be specified in the current model")
    if config.max_output_tokens is not None and config.max_output_tokens < 1:
        raise ValueError("max_output_tokens must be positive.")
    calling = (asked.tool_config or {}).get("functionCallingConfig") or {}
    functions = [one for tool in asked.tools or () for one in tool.get("functionDeclarations") or ()]
    allowed = calling.get("allowedFunctionNames")
    return ChatRequest(
        model=model,
        messages=[message for content in _contents(asked) for message in _messages(content)],
        stream=stream,
        max_tokens=config.max_output_tokens,
        stop=config.stop_sequences,
        temperature=config.temperature,
        seed=config.seed,
        tools=[_tool(one) for one in functions if not allowed or one.get("name") in allowed] or None,
        tool_choice=_MODES.get(str(calling.get("mode"))),
        response_format=_format(config),
        reasoning=_reasoning(config.thinking_config),
    )


def _camel(value: Any) -> Any:
    """Google takes snake_case and camelCase alike, outside of what belongs to the caller."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    own = {"args", "response", "parameters", "properties"}
    return {
        _name(key): item if key in own or _name(key).endswith("Schema") else _camel(item) for key, item in value.items()
    }


def _name(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest) if first else key


def _contents(asked: GenerationRequest) -> list[Content]:
    system = asked.system_instruction
    return ([Content(system.parts, "system")] if system else []) + asked.contents


def _messages(content: Content) -> list[Message]:
    if content.role not in ("user", "model", "system", "function"):
        raise ValueError("Please use a valid role: user, model.")
    results = [
        {"role": "tool", "tool_call_id": _CALL + str(response.get("name")), "content": _text(response.get("response"))}
        for part in content.parts
        if (response := part.get("functionResponse"))
    ]
    parts = [_part(part) for part in content.parts if not part.get("functionResponse") and not part.get("functionCall")]
    calls = [_call(part["functionCall"]) for part in content.parts if part.get("functionCall")]
    role = {"model": "assistant", "function": "user"}.get(content.role, content.role)
    said: list[Message] = []
    if parts or calls:
        said.append({"role": role, "content": parts or None, **({"tool_calls": calls} if calls else {})})
    return results + said


def _call(call: dict[str, Any]) -> dict[str, Any]:
    function = {"name": call.get("name"), "arguments": _text(call.get("args"))}
    return {"id": _CALL + str(call.get("name")), "type": "function", "function": function}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    data, file = part.get("inlineData"), part.get("fileData")
    if isinstance(data, dict):
        url = f"data:{data.get('mimeType')};base64,{data.get('data')}"
        if str(data.get("mimeType")).startswith("image/"):
            return {"type": "image_url", "image_url": {"url": url}}
        return {"type": "file", "file": {"filename": f"a file of type {data.get('mimeType')}", "file_data": url}}
    if isinstance(file, dict):
        return {"type": "image_url", "image_url": {"url": str(file.get("fileUri"))}}
    return {"type": "text", "text": str(part.get("text") or "")}


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    schema = function.get("parametersJsonSchema") or _schema(function.get("parameters")) or {"type": "object"}
    return {"type": "function", "function": {**function, "parameters": schema}}


def _schema(schema: Any) -> Any:
    """Google's dialect of schemas, with types in capitals and `nullable`, as JSON Schema."""
    if isinstance(schema, list):
        return [_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    read = {key: _schema(item) if isinstance(item, dict | list) else item for key, item in schema.items()}
    if isinstance(read.get("type"), str):
        read["type"] = read["type"].lower()
        if read.pop("nullable", False) is True:
            read["type"] = [read["type"], "null"]
    return {key: int(item) if key in ("minItems", "maxItems") else item for key, item in read.items()}


def _format(config: GenerationConfig) -> ResponseFormat | None:
    if config.response_mime_type != "application/json":
        return None
    schema = config.response_json_schema or _schema(config.response_schema)
    if schema:
        return ResponseFormat("json_schema", {"name": "response", "schema": schema})
    return ResponseFormat("json_object")


def _reasoning(config: dict[str, Any] | None) -> Reasoning | None:
    """Thoughts are counted always, and shown only with `includeThoughts`."""
    if not config or config.get("thinkingBudget") == 0:
        return None
    budget = config.get("thinkingBudget")
    return Reasoning(
        effort=_LEVELS.get(str(config.get("thinkingLevel")).lower(), "medium"),
        max_tokens=budget if isinstance(budget, int) and budget > 0 else None,
        exclude=not config.get("includeThoughts"),
    )


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
