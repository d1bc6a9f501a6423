"""The JSON body of a request, and its headers, from the values of the form."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from common.errors import InvalidRequest
from request_builder.description import CHAT, EMBEDDINGS, MESSAGES, Field

from .conversations import conversation_of
from .messages import Message

__all__ = ["body_of", "headers_of"]


def body_of(api: str, described: Iterable[Field], values: Mapping[str, Any], messages: list[Message]) -> dict[str, Any]:
    """The body: the model, the prompt, and every field that is set, in the order of the form.

    Raises InvalidRequest if the field `other` repeats one of them.
    """
    body: dict[str, Any] = {"model": values["model"]} if values.get("model") else {}
    body |= _prompt(api, values, messages)
    for each in described:
        if (path := each.places[api]) and _is_set(value := values.get(each.name)):
            _put(body, path.split("."), json.loads(str(value)) if each.as_json else value)
    _finish(api, body, values)
    others = values.get("other") or {}
    for name in others:
        if name in body:
            raise InvalidRequest(f"`{name}` is set in a field above too. Remove one of them.")
    return body | others


def headers_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The headers that name the app."""
    given = {"HTTP-Referer": values.get("referer"), "X-Title": values.get("title")}
    return {name: value for name, value in given.items() if value}


def _is_set(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [])  # but zero is a temperature


def _put(body: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        body = body.setdefault(name, {})
    body[path[-1]] = value


def _prompt(api: str, values: Mapping[str, Any], messages: list[Message]) -> dict[str, Any]:
    system = str(values.get("system") or "").replace("\r\n", "\n")
    if api == EMBEDDINGS:
        texts = values.get("input") or []
        return {"input": texts[0] if len(texts) == 1 else texts}
    said = conversation_of(messages, api)
    if api == CHAT:
        return {"messages": [*([{"role": "system", "content": system}] if system else []), *said]}
    if api == MESSAGES:
        return ({"system": system} if system else {}) | {"messages": said}
    is_one_text = len(messages) == 1 and messages[0].role == "user" and not messages[0].image_url
    whole: Any = messages[0].text if is_one_text else said
    return ({"instructions": system} if system else {}) | {"input": whole}


def _finish(api: str, body: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Add the fields that are made of several of the form's."""
    if shape := _format(api, values):
        _put(
            body, {CHAT: ["response_format"], MESSAGES: ["output_config", "format"]}.get(api, ["text", "format"]), shape
        )
    if "thinking" in body:
        body["thinking"].setdefault("type", "enabled")
    if prediction := values.get("prediction"):
        body["prediction"] = {"type": "content", "content": prediction.replace("\r\n", "\n")}
    if plugins := _plugins(values):
        body["plugins"] = plugins


def _format(api: str, values: Mapping[str, Any]) -> dict[str, Any]:
    schema, wanted = values.get("schema"), values.get("format")
    if schema is None:
        return {"type": wanted} if wanted == "json_object" else {}
    if api == MESSAGES:
        return {"type": "json_schema", "schema": schema}
    named: dict[str, Any] = {"name": values.get("schema_name") or "response"}
    named |= {"strict": True} if values.get("strict") else {}
    named |= {"schema": schema}
    return {"type": "json_schema", "json_schema": named} if api == CHAT else {"type": "json_schema", **named}


def _plugins(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    plugins: list[dict[str, Any]] = []
    if values.get("web"):
        results = values.get("web_results")
        plugins.append({"id": "web"} | ({"max_results": results} if results else {}))
    if compression := values.get("compression"):
        plugins.append({"id": "context-compression", "enabled": json.loads(compression)})
    if values.get("heal"):
        plugins.append({"id": "response-healing"})
    return plugins
