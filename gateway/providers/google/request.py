"""Request bodies in Google's Gemini protocol."""

from collections.abc import Mapping
from typing import Any

from gateway.protocols.chat_completions.server_tools import choice_among
from gateway.providers.fetching import FetchedFile
from gateway.providers.message_parts import Body, Message
from gateway.providers.request_context import ProviderRequest
from gateway.providers.tool_schemas import as_object

from .messages import contents, system_parts
from .models import GeminiModel, gemini_model

__all__ = ["request_body"]

#: Parameters that go into `generationConfig` unchanged, with their names there.
PARAMETERS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}

#: The provider refuses a request with more.
MAX_STOP_SEQUENCES = 5
#: Fields of `image_config`, with their names in `imageConfig`.
IMAGE_CONFIG = {"aspect_ratio": "aspectRatio", "image_size": "imageSize"}

_TOOL_MODES = {"none": "NONE", "auto": "AUTO", "required": "ANY"}


def request_body(request: ProviderRequest, fetched: Mapping[str, FetchedFile]) -> Body:
    """The JSON body for this provider, without parameters that the client did not send or the model refuses."""
    model = gemini_model(request.model)
    messages = request.messages()
    system = system_parts(messages, fetched)
    conversation = contents(messages, fetched, signed=model.has_levels)
    if not conversation:  # the protocol requires a user turn
        system, conversation = [], [{"role": "user", "parts": system}]
    body: Body = {"contents": conversation}
    if system:
        body["systemInstruction"] = {"parts": system}
    body |= _tools(request)
    if config := _generation_config(request, model):
        body["generationConfig"] = config
    return body


def _tools(request: ProviderRequest) -> Body:
    tools = request.function_tools
    if not tools:
        return {}
    body: Body = {"tools": [{"functionDeclarations": [_declaration(tool["function"]) for tool in tools]}]}
    choice = choice_among(request.body)
    if isinstance(choice, Mapping):
        name = (choice.get("function") or {}).get("name")
        body["toolConfig"] = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [name]}}
    elif choice in _TOOL_MODES:
        body["toolConfig"] = {"functionCallingConfig": {"mode": _TOOL_MODES[choice]}}
    return body


def _declaration(function: Message) -> Body:
    declared = {"name": function.get("name"), "description": function.get("description") or ""}
    parameters = as_object(function.get("parameters") or {})
    takes_any = parameters.get("properties") or parameters.get("additionalProperties")
    return declared | ({"parametersJsonSchema": _schema(parameters)} if takes_any else {})


def _schema(schema: Mapping[str, Any]) -> Body:
    return {name: value for name, value in schema.items() if name != "$schema"}


def _generation_config(request: ProviderRequest, model: GeminiModel) -> Body:
    config: Body = {PARAMETERS[name]: value for name, value in request.supported(PARAMETERS).items()}
    if limit := request.token_limit:
        config["maxOutputTokens"] = limit
    if stops := request.stop_sequences:
        config["stopSequences"] = stops[:MAX_STOP_SEQUENCES]
    if request.requires_json:
        config |= _json_config(request)
    modalities = request.body.get("modalities")
    if isinstance(modalities, list) and "image" in request.attempt.model.output_modalities:
        config["responseModalities"] = [str(name).upper() for name in modalities]
    if "image" in request.attempt.model.output_modalities and (image := _image_config(request)):
        config["imageConfig"] = image
    if thinking := _thinking(request, model):
        config["thinkingConfig"] = thinking
    return config


def _image_config(request: ProviderRequest) -> Body:
    given = request.body.get("image_config") or {}
    return {theirs: given[name] for name, theirs in IMAGE_CONFIG.items() if name in given}


def _json_config(request: ProviderRequest) -> Body:
    """The fields for a JSON response, with its schema where the endpoint enforces schemas."""
    enforces_schemas = request.supports("structured_outputs")
    if not enforces_schemas and not request.supports("response_format"):
        return {}
    config: Body = {"responseMimeType": "application/json"}
    if isinstance(schema := request.response_schema, Mapping) and enforces_schemas:
        config["responseJsonSchema"] = _schema(schema)
    return config


def _thinking(request: ProviderRequest, model: GeminiModel) -> Body:
    """`thinkingConfig`. These models reason by default; the text of their reasoning comes only on request."""
    if not model.reasons or not request.supports("reasoning"):
        return {}
    output_tokens = request.max_output_tokens
    reasoning, effort = request.chat.reasoning, request.reasoning_effort(output_tokens)
    if effort == "none":
        return {"thinkingBudget": 0}
    thinking: Body = {"includeThoughts": not (reasoning is not None and reasoning.exclude)}
    if effort is None:
        return thinking
    if model.has_levels and not (reasoning is not None and reasoning.max_tokens):
        return thinking | {"thinkingLevel": model.level(effort)}
    return thinking | {"thinkingBudget": request.reasoning_budget(output_tokens, model.min_budget, model.max_budget)}
