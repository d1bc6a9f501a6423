"""The operations of inference, which django-ninja does not know: `gateway/asgi.py` serves them.

Bodies are the types that the parsers check, where they are complete. An operation is in the document only if it is
served.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from gateway.protocols.chat_completions import body as chat_body
from gateway.protocols.messages import schema as messages_schema
from gateway.response_cache.options import CACHED_PATHS, DEFAULT_TTL, MAX_TTL, MIN_TTL

from . import chat, embeddings, errors, messages, rerank, responses
from .components import schemas_of

__all__ = ["OPERATIONS", "Operation", "body_like", "described"]

#: The statuses of errors before a response begins. 405 is left out: it is an answer to another method.
STATUSES = (400, 401, 402, 403, 404, 408, 413, 415, 429, 500, 502, 503, 504)

_GENERATION_ID = {
    "X-Generation-Id": {"description": "The ID to ask `/generation` for.", "schema": {"type": "string"}},
}
#: How a request uses the response cache, and what its response tells about it.
_CACHE_PARAMETERS = [
    {"name": name, "in": "header", "description": text, "schema": schema}
    for name, text, schema in (
        (
            "X-OpenRouter-Cache",
            "true: an identical request within the time to live gets the same response, free of charge.",
            {"type": "string", "enum": ["true", "false"]},
        ),
        (
            "X-OpenRouter-Cache-TTL",
            f"Seconds for which the response is kept, {MIN_TTL} to {MAX_TTL}.",
            {"type": "integer", "minimum": MIN_TTL, "maximum": MAX_TTL, "default": DEFAULT_TTL},
        ),
        (
            "X-OpenRouter-Cache-Clear",
            "true: the stored response to this request is removed, and the new one stored.",
            {"type": "string", "enum": ["true", "false"]},
        ),
    )
]
_CACHE_HEADERS = {
    "X-OpenRouter-Cache-Status": {
        "description": "Whether the response was in the cache; missing if the request does not use it.",
        "schema": {"type": "string", "enum": ["HIT", "MISS"]},
    },
    "X-OpenRouter-Cache-TTL": {
        "description": "Seconds for which the response stays in the cache.",
        "schema": {"type": "integer"},
    },
    "X-OpenRouter-Cache-Age": {
        "description": "Of a HIT: seconds since the response was stored.",
        "schema": {"type": "integer"},
    },
    "X-OpenRouter-Cache-Source-Id": {
        "description": "Of a HIT: the ID of the generation that was stored.",
        "schema": {"type": "string"},
    },
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}


@dataclass(frozen=True)
class Operation:
    """One path for POST, with the types of its body, its answer and the events of its stream (None: not streamed)."""

    path: str
    operation_id: str
    summary: str
    tag: str
    prefix: str  # of its components
    body: Any
    answer: Any
    event: Any = None
    error: Any = errors.Error
    required: tuple[str, ...] = ()  # fields beyond those that the body's type requires
    statuses: tuple[int, ...] = STATUSES

    @property
    def full_path(self) -> str:
        """The path with the prefix of the API."""
        return f"/api/v1{self.path}"


OPERATIONS = (
    Operation(
        "/chat/completions", "sendChatCompletionRequest", "Create a chat completion", "Chat", "Chat",
        chat_body.Body, chat.Completion, chat.Chunk, required=("messages",),
    ),
    Operation(
        "/completions", "createCompletions", "Create a text completion", "Chat", "Chat",
        chat_body.Body, chat.TextCompletion, chat.TextCompletion, required=("prompt",),
    ),
    Operation(
        "/messages", "createMessages", "Create a message", "Anthropic Messages", "Messages",
        messages_schema.Body, messages.Response, messages.Event, messages.Error, statuses=(*STATUSES, 529),
    ),
    Operation(
        "/messages/count_tokens", "countMessagesTokens", "Estimate the size of a prompt", "Anthropic Messages",
        "Messages", messages_schema.Body, messages.TokenCount, error=messages.Error,
        statuses=(400, 401, 403, 408, 413, 415, 500, 503),
    ),
    Operation(
        "/responses", "createResponses", "Create a response", "Responses", "Responses",
        responses.Body, responses.Response, responses.Event,
    ),
    Operation(
        "/embeddings", "createEmbeddings", "Create embeddings", "Embeddings", "Embeddings",
        embeddings.Body, embeddings.Response,
    ),
    Operation(
        "/rerank", "createRerank", "Order documents by relevance", "Rerank", "Rerank",
        rerank.Body, rerank.Response,
    ),
)  # fmt: skip


def described(served: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (the path items, the components) of the operations whose paths are in `served`."""
    paths: dict[str, Any] = {}
    components: dict[str, Any] = {}
    for operation in OPERATIONS:
        if operation.full_path in served:
            item, schemas = _path_item(operation)
            paths[operation.full_path] = {"post": item}
            components |= schemas
    return paths, components


def body_like(path: str, paths: dict[str, Any]) -> dict[str, Any] | None:
    """Return the body of the operation in `paths` whose path `path` ends with; None if there is none.

    `/presets/{slug}/chat/completions` takes the body of `/chat/completions`.
    """
    names = [operation.path for operation in OPERATIONS if operation.full_path in paths]
    for name in sorted(names, key=len, reverse=True):
        if path.endswith(name):
            body: dict[str, Any] = paths[f"/api/v1{name}"]["post"]["requestBody"]
            return body
    return None


def _path_item(operation: Operation) -> tuple[dict[str, Any], dict[str, Any]]:
    [body], asked = schemas_of(f"{operation.prefix}Request", operation.body)
    (answer, event), answered = schemas_of(operation.prefix, operation.answer, operation.event or operation.answer)
    # One component for the errors of all operations with the same envelope.
    prefix = "" if operation.error is errors.Error else operation.prefix
    [error], more = schemas_of(prefix, operation.error)
    content = {"application/json": {"schema": answer}}
    if operation.event:
        content["text/event-stream"] = {"schema": event}
    ok = {"description": "OK", "content": content}
    if 402 in operation.statuses:  # it is charged
        ok["headers"] = _GENERATION_ID | (_CACHE_HEADERS if operation.full_path in CACHED_PATHS else {})
    if operation.required:
        body = {"allOf": [body], "required": list(operation.required)}
    item = {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [operation.tag],
        **({"parameters": _CACHE_PARAMETERS} if operation.full_path in CACHED_PATHS else {}),
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": ok,
            **{
                str(status): {
                    "description": errors.meaning_of(status),
                    "content": {"application/json": {"schema": error}},
                    **({"headers": _RETRY_AFTER} if status in {429, 503, 529} else {}),
                }
                for status in operation.statuses
            },
        },
    }
    return item, asked | answered | more


def _description(operation: Operation) -> str:
    streamed = " With `stream`, the response is server-sent events." if operation.event else ""
    return f"Needs an API key, not a management key.{streamed}"
