"""The list of models of an OpenAI-compatible server, and what the server tells of each: `read(url, key)`.

`/models` has a name for each model, and that is all that the protocol asks for. Servers add fields of their own: vLLM
and SGLang `max_model_len`, llama.cpp `meta`, others `context_length` and more. Ollama and LM Studio tell more at
addresses of their own, which are asked too; a server without them answers 404. `names(url, key)` reads the names only.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

__all__ = ["ServedModel", "UnreadableServer", "base_urls", "names", "read"]

#: Seconds to wait for the server, which may be loading a model.
TIMEOUT = 20.0
MAX_BYTES = 8 * 1024 * 1024

#: Names of the context length in tokens, the one that holds for this server first.
_CONTEXT = (
    "max_model_len", "loaded_context_length", "n_ctx", "context_length", "context_window", "max_context_length",
    "n_ctx_train", "max_input_tokens",
)  # fmt: skip
_MAX_OUTPUT = ("max_completion_tokens", "max_output_tokens")
#: The task of a model, by its `type`; that of others is to chat.
_TASKS = {
    "embedding": "embeddings",
    "embeddings": "embeddings",
    "rerank": "",
    "image": "",
    "audio": "",
    "moderation": "",
}
_VERSION = re.compile(r"/v\d\w*$")


class UnreadableServer(Exception):
    """The server has no readable list of models. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as the server describes it. None: the server does not say."""

    id: str  # the server's name of it
    created: int | None = None  # unix seconds
    context_length: int | None = None
    max_completion_tokens: int | None = None
    tools: bool | None = None
    images: bool | None = None
    reasoning: bool | None = None
    quantization: str = "unknown"
    parameters: frozenset[str] | None = None
    task: str = "chat"  # or "embeddings"; empty for models that only do something else, such as rank or listen


def base_urls(url: str) -> list[str]:
    """The addresses that `/models` may follow: the given one, with and without `/v1`. Raises UnreadableServer."""
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnreadableServer(
            "The address must start with http:// or https://, for example http://localhost:11434/v1."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UnreadableServer(
            "The address can't have a user name, a password, a query or a fragment. Use --key for keys."
        )
    path = re.sub(r"/(chat/completions|models)$", "", re.sub(r"/+", "/", parts.path).rstrip("/"))
    given = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return [given] if _VERSION.search(path) else [f"{given}/v1", given]


def read(url: str, key: str = "") -> tuple[str, list[ServedModel]]:
    """(the address to call, the models that answer chats or give embeddings). Raises UnreadableServer."""
    candidates = base_urls(url)
    host = urlsplit(candidates[0]).netloc
    with _client(host, key) as client:
        base_url, listed = _listed(client, candidates, host)
        models = _completed(client, base_url, [_described(entry) for entry in listed])
    models = [model for model in models if model.task]
    if not models:
        raise UnreadableServer(
            f"{host} lists no models for chats or embeddings. Load or download one there, then try again."
        )
    return base_url, models


def names(url: str, key: str = "") -> frozenset[str]:
    """The names of all models in the server's list. Raises UnreadableServer."""
    candidates = base_urls(url)
    host = urlsplit(candidates[0]).netloc
    with _client(host, key) as client:
        _, listed = _listed(client, candidates, host)
    return frozenset(str(entry["id"]) for entry in listed)


@contextmanager
def _client(host: str, key: str) -> Iterator[httpx.Client]:
    """A client for the server, whose errors are told as UnreadableServer."""
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    try:
        with httpx.Client(timeout=TIMEOUT, headers=headers) as client:
            yield client
    except httpx.TimeoutException:
        raise UnreadableServer(f"{host} didn't answer within {TIMEOUT:.0f} seconds. Is the server running?") from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
        # Without the cause: its text may hold the key.
        raise UnreadableServer(
            f"Couldn't connect to {host}. Check the address, and that the server is running."
        ) from None


def _listed(client: httpx.Client, candidates: list[str], host: str) -> tuple[str, list[dict[str, Any]]]:
    """(the address that has the list, its entries that name a model)."""
    status = 404
    for base_url in candidates:
        response = client.get(f"{base_url}/models")
        status = response.status_code
        if status in {401, 403}:
            raise UnreadableServer(f"{host} rejected the request ({status}). Give it a key, or check the one you gave.")
        if status not in {404, 405}:
            break
    if status != 200:
        remedy = "Check the address." if status < 500 else "Look at the server's log."
        raise UnreadableServer(f"{host} has no list of models at {candidates[0]}/models (status {status}). {remedy}")
    body = _json(response)
    listed = body.get("data") if isinstance(body, dict) else body
    if not isinstance(listed, list):
        raise UnreadableServer(
            f"{base_url}/models doesn't answer with a list of models in JSON. Check that the API is OpenAI-compatible."
        )
    return base_url, [entry for entry in listed if isinstance(entry, dict) and entry.get("id")]


def _described(entry: Mapping[str, Any]) -> ServedModel:
    """The model from its entry in the list, by the fields that servers are known to add."""
    meta = entry.get("meta")
    fields = {**(meta if isinstance(meta, dict) else {}), **entry}
    architecture = fields.get("architecture")
    inputs = architecture.get("input_modalities") if isinstance(architecture, dict) else None
    parameters = fields.get("supported_parameters")
    told = _abilities(fields.get("capabilities"))
    created = fields.get("created")
    return ServedModel(
        id=str(entry["id"])[:200],
        created=created if isinstance(created, int) and 1_000_000_000 < created < 4_000_000_000 else None,
        context_length=_count(fields, _CONTEXT),
        max_completion_tokens=_count(fields, _MAX_OUTPUT),
        tools=told(("tools", "tool_use", "function_calling")),
        images="image" in inputs if isinstance(inputs, list) else told(("vision", "multimodal", "image")),
        reasoning=told(("thinking", "reasoning")),
        parameters=frozenset(map(str, parameters)) if isinstance(parameters, list) else None,
        task=_TASKS.get(str(fields.get("type")), "chat"),
    )


def _abilities(told: Any) -> Callable[[tuple[str, ...]], bool | None]:
    """Whether one of some names is among the abilities that a server lists, or maps to true; None if it lists none."""

    def has(names: tuple[str, ...]) -> bool | None:
        if isinstance(told, dict):
            known = [bool(told[name]) for name in names if name in told]
            return any(known) if known else None
        return any(name in told for name in names) if isinstance(told, list) else None

    return has


def _count(fields: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """The first of these fields that is a plausible number of tokens."""
    values = (fields.get(name) for name in names)
    return next((value for value in values if type(value) is int and 0 < value <= 100_000_000), None)


# --- Servers that tell more elsewhere ----------------------------------------------------------------


def _completed(client: httpx.Client, base_url: str, models: list[ServedModel]) -> list[ServedModel]:
    """The models with what Ollama or LM Studio tells at its own addresses."""
    root = _VERSION.sub("", base_url)
    version = _optional(client, "GET", f"{root}/api/version")
    if isinstance(version, dict) and "version" in version:
        return [_of_ollama(client, root, model) for model in models]
    details = _optional(client, "GET", f"{root}/api/v0/models")
    listed = details.get("data") if isinstance(details, dict) else None
    by_id = {entry["id"]: entry for entry in listed or () if isinstance(entry, dict) and "id" in entry}
    return [_of_lm_studio(model, by_id[model.id]) if model.id in by_id else model for model in models]


def _of_ollama(client: httpx.Client, root: str, model: ServedModel) -> ServedModel:
    shown = _optional(client, "POST", f"{root}/api/show", json={"model": model.id})
    if not isinstance(shown, dict):
        return model
    info = shown.get("model_info")
    contexts = [
        value for name, value in (info.items() if isinstance(info, dict) else ()) if name.endswith(".context_length")
    ]
    told = _abilities(shown.get("capabilities"))
    details = shown.get("details")
    return replace(
        model,
        context_length=_count({"n_ctx": contexts[0]}, _CONTEXT) if contexts else model.context_length,
        tools=told(("tools",)),
        images=told(("vision",)),
        reasoning=told(("thinking",)),
        quantization=_quantization(details.get("quantization_level") if isinstance(details, dict) else None),
        task="chat" if told(("completion",)) is not False else "embeddings" if told(("embedding",)) else "",
    )


def _of_lm_studio(model: ServedModel, entry: Mapping[str, Any]) -> ServedModel:
    described = _described(entry)
    return replace(
        described,
        created=model.created,
        images=entry.get("type") == "vlm" or described.images,
        quantization=_quantization(entry.get("quantization")),
    )


def _quantization(name: Any) -> str:
    """The catalog's name for a server's: `Q4_K_M` is int4."""
    text = str(name or "").lower()
    if found := re.match(r"i?q(\d)", text):
        return f"int{found[1]}" if found[1] in "48" else "unknown"
    return (
        text
        if text in {"bf16", "fp16", "fp32", "fp8", "fp4", "int8", "int4"}
        else {"f16": "fp16", "f32": "fp32"}.get(text, "unknown")
    )


def _optional(client: httpx.Client, method: str, url: str, **options: Any) -> Any:
    """The decoded JSON of an address that not every server has; None without it."""
    try:
        response = client.request(method, url, **options)
    except httpx.HTTPError:
        return None
    return _json(response) if response.status_code == 200 else None


def _json(response: httpx.Response) -> Any:
    try:
        return response.json() if len(response.content) <= MAX_BYTES else None
    except ValueError:
        return None
