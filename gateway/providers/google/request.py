"""Requests in Google's Gemini protocol."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers.fetching import Fetched
from gateway.providers.prompt import Media, Text, calls_of, is_system, names_of_calls, parts_of, text_of, thoughts_of
from gateway.providers.request_context import ceiling, effort_of, fitted, longest_answer, supports, thinking_budget
from gateway.routing.plan import Attempt

__all__ = ["FORMAT", "addresses_to_fetch", "request_body"]

Body = dict[str, Any]
Message = Mapping[str, Any]

#: The name of this protocol's thoughts in `reasoning_details`.
FORMAT = "google-gemini-v1"

#: Documented for calls that come from elsewhere: a model of the third generation refuses calls without a signature.
NO_SIGNATURE = "skip_thought_signature_validator"

#: What goes into `generationConfig` under another name, unchanged.
PARAMETERS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}

_LEVELS = {"max": "high", "xhigh": "high", "high": "high", "medium": "medium", "low": "low", "minimal": "minimal"}
_MODES = {"none": "NONE", "auto": "AUTO", "required": "ANY"}
_FETCHED_BY_GOOGLE = re.compile(r"https?://((www|m)\.)?(youtube\.com|youtu\.be)/", re.IGNORECASE)


def addresses_to_fetch(messages: list[dict[str, Any]]) -> list[str]:
    """Attachments at addresses: the provider takes bytes, except for videos that Google has itself."""
    parts = [part for message in messages for part in parts_of(message)]
    return [part.url for part in parts if isinstance(part, Media) and part.url and not _is_googles(part)]


def request_body(
    request: ChatRequest, attempt: Attempt, max_tokens: int | None, fetched: Mapping[str, Fetched]
) -> Body:
    """The JSON object for this provider. What the caller left out, and what the model refuses, is left out."""
    model = attempt.endpoint.provider_model_id or attempt.model.id
    messages = fitted(request, attempt, max_tokens)
    system = [part for message in messages if is_system(message) for part in _parts(message, fetched)]
    contents = _contents(messages, fetched, signed=_has_levels(model))
    if not contents:
        system, contents = [], [{"role": "user", "parts": system}]
    body: Body = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    body |= _tools(request, attempt)
    if config := _config(request, attempt, max_tokens, model):
        body["generationConfig"] = config
    return body


# --- Messages -----------------------------------------------------------------------------------------


def _contents(messages: list[dict[str, Any]], fetched: Mapping[str, Fetched], *, signed: bool) -> list[Body]:
    """The conversation in turns of user and model. Tools' results are a user's, all of one step in one turn."""
    names = names_of_calls(messages)
    contents: list[Body] = []
    for message in messages:
        if is_system(message):
            continue
        role = "user"
        if message.get("role") in {"tool", "function"}:
            parts = list(_result(message, names, fetched))
        elif message.get("role") == "assistant":
            role, parts = "model", _said(message, fetched, signed=signed)
        else:
            parts = _parts(message, fetched)
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    return contents


def _parts(message: Message, fetched: Mapping[str, Fetched]) -> list[Body]:
    return [
        {"text": part.text} if isinstance(part, Text) else _media(part.filled(fetched)) for part in parts_of(message)
    ]


def _media(media: Media) -> Body:
    if media.url:
        return {"fileData": {"fileUri": media.url}}
    return {"inlineData": {"mimeType": media.media_type, "data": media.data}}


def _is_googles(media: Media) -> bool:
    return media.kind == "video" and bool(_FETCHED_BY_GOOGLE.match(media.url))


def _said(message: Message, fetched: Mapping[str, Fetched], *, signed: bool) -> list[Body]:
    """The model's own turn, with the signatures of its thoughts where they were."""
    signatures = {
        str(detail.get("id") or ""): detail["data"]
        for detail in thoughts_of(message, FORMAT)
        if detail.get("type") == "reasoning.encrypted" and detail.get("data")
    }
    parts = _parts(message, fetched)
    if signature := signatures.get(""):
        if not parts:
            parts.append({"text": ""})
        parts[-1]["thoughtSignature"] = signature
    for number, call in enumerate(calls_of(message)):
        part: Body = {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}}
        if signature := signatures.get(call.id) or (NO_SIGNATURE if signed and number == 0 else ""):
            part["thoughtSignature"] = signature
        parts.append(part)
    return parts


def _result(message: Message, names: Mapping[str, str], fetched: Mapping[str, Fetched]) -> Iterator[Body]:
    """A tool's result: an object, and what is attached to it beside it."""
    call_id = str(message.get("tool_call_id") or message.get("name") or "")
    text = text_of(message)
    try:
        response = msgspec.json.decode(text)
    except msgspec.DecodeError:
        response = text
    if not isinstance(response, dict):
        response = {"result": response}
    name = names.get(call_id) or str(message.get("name") or call_id)
    yield {"functionResponse": {"id": call_id, "name": name, "response": response}}
    yield from (part for part in _parts(message, fetched) if "text" not in part)


# --- Everything else ----------------------------------------------------------------------------------


def _tools(request: ChatRequest, attempt: Attempt) -> Body:
    functions = [
        function for tool in request.body.get("tools") or () if isinstance(function := tool.get("function"), Mapping)
    ]
    if not functions or not supports(attempt.endpoint, "tools"):
        return {}
    body: Body = {"tools": [{"functionDeclarations": [_declaration(function) for function in functions]}]}
    choice = request.body.get("tool_choice")
    if isinstance(choice, Mapping):
        name = (choice.get("function") or {}).get("name")
        body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [name]}}
    elif choice in _MODES:
        body["toolConfig"] = {"functionCallingConfig": {"mode": _MODES[choice]}}
    return body


def _declaration(function: Message) -> Body:
    declared = {"name": function.get("name"), "description": function.get("description") or ""}
    parameters = function.get("parameters") or {}
    return declared | ({"parametersJsonSchema": _schema(parameters)} if parameters.get("properties") else {})


def _schema(schema: Mapping[str, Any]) -> Body:
    return {name: value for name, value in schema.items() if name != "$schema"}


def _config(request: ChatRequest, attempt: Attempt, max_tokens: int | None, model: str) -> Body:
    asked, endpoint = request.body, attempt.endpoint
    config: Body = {
        theirs: asked[ours]
        for ours, theirs in PARAMETERS.items()
        if asked.get(ours) is not None and supports(endpoint, ours)
    }
    if limit := ceiling(attempt, max_tokens):
        config["maxOutputTokens"] = limit
    if stop := asked.get("stop"):
        config["stopSequences"] = [stop] if isinstance(stop, str) else stop
    wanted = asked.get("response_format") or {}
    schema = (wanted.get("json_schema") or {}).get("schema")
    enforced = supports(endpoint, "structured_outputs")
    if wanted.get("type") in {"json_object", "json_schema"} and (enforced or supports(endpoint, "response_format")):
        config["responseMimeType"] = "application/json"
        if isinstance(schema, Mapping) and enforced:
            config["responseJsonSchema"] = _schema(schema)
    if "image" in attempt.model.output_modalities and isinstance(asked.get("modalities"), list):
        config["responseModalities"] = [str(name).upper() for name in asked["modalities"]]
    if thinking := _thinking(request, attempt, max_tokens, model):
        config["thinkingConfig"] = thinking
    return config


def _thinking(request: ChatRequest, attempt: Attempt, max_tokens: int | None, model: str) -> Body:
    """How hard to think, and whether to show it: these models think unasked, and showing it costs nothing."""
    if not supports(attempt.endpoint, "reasoning") or not model.startswith("gemini-"):
        return {}
    answer_tokens = longest_answer(attempt, max_tokens)
    reasoning, wish = request.reasoning, effort_of(request, answer_tokens)
    if wish == "none":
        return {"thinkingBudget": 0}
    thinking: Body = {"includeThoughts": not (reasoning is not None and reasoning.exclude)}
    if wish is None:
        return thinking
    if _has_levels(model) and not (reasoning is not None and reasoning.max_tokens):
        return thinking | {"thinkingLevel": _level(model, wish)}
    least, most = (128, 32_768) if "pro" in model else (512, 24_576)
    return thinking | {"thinkingBudget": thinking_budget(request, answer_tokens, least, most)}


def _has_levels(model: str) -> bool:
    """Whether the model is of the third generation or later, whose thoughts have levels and signatures."""
    return model.startswith("gemini-") and not re.match(r"gemini-[12]\b", model)


def _level(model: str, wish: str) -> str:
    """The nearest level that the model has: only the smallest ones can think minimally."""
    level = _LEVELS.get(wish, "medium")
    smallest = "flash-lite" in model or model.startswith("gemini-3-flash")
    return "low" if level == "minimal" and not smallest else level
