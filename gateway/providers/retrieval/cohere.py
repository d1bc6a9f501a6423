"""Cohere's own embeddings protocol: it says what an input is for, which its OpenAI-compatible one cannot."""

from typing import Any

import msgspec

from gateway.protocols.embeddings.request import Input
from gateway.providers import openai_chat
from gateway.providers.client import send
from gateway.providers.errors import failure_from_body
from gateway.providers.failures import ProviderFailure
from gateway.providers.request_context import ProviderRequest
from gateway.providers.stream import ProviderResponse

from .inputs import embeddings_request, other_fields, texts
from .parts import open_parts
from .vectors import VectorsResponse, token_usage

__all__ = ["address", "open_response", "request_body"]

#: `input_type` for the words of other providers; it is required.
_INPUT_TYPES = {
    "query": "search_query",
    "document": "search_document",
    "passage": "search_document",
    "": "search_document",
}

#: Texts in one call (https://docs.cohere.com/reference/embed).
MAX_TEXTS = 96


class _Vectors(msgspec.Struct):
    float: list[msgspec.Raw] = []
    base64: list[msgspec.Raw] = []


class _Billed(msgspec.Struct):
    input_tokens: float | None = None


class _Meta(msgspec.Struct):
    billed_units: _Billed | None = None


class _Reply(msgspec.Struct):
    embeddings: _Vectors | None = None
    id: str | None = None
    meta: _Meta | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Reply, strict=False)


def address(base_url: str) -> str:
    """The address of version 2 of Cohere's own API, which is beside that of its OpenAI-compatible one."""
    return f"{base_url.removesuffix('/compatibility/v1').removesuffix('/v1').removesuffix('/v2')}/v2"


async def open_response(request: ProviderRequest) -> ProviderResponse:
    """The provider's response, once it has accepted the request; ProviderFailure when it has not."""
    upstream, asked = request.attempt.upstream, embeddings_request(request)
    url = f"{address(upstream.base_url)}/embed"
    headers = openai_chat.authorization(upstream.api_key)
    body = request_body(request)
    field = "inputs" if "inputs" in body else "texts"
    parts = [body[field][at : at + MAX_TEXTS] for at in range(0, len(body[field]), MAX_TEXTS)]
    return await open_parts(
        [(body | {field: part}, len(part)) for part in parts],
        lambda part: send(request, url, headers=headers, body=part),
        lambda response, inputs: _CohereVectors(response, asked, inputs),
    )


def request_body(request: ProviderRequest) -> dict[str, Any]:
    """The JSON body, for any number of inputs. Raises ProviderFailure for token IDs."""
    asked = embeddings_request(request)
    given = asked.input_type.lower()
    body = other_fields(request) | {
        "model": request.model,
        "input_type": _INPUT_TYPES.get(given, given),
        "embedding_types": ["base64" if asked.is_base64 else "float"],
    }
    if any(isinstance(each, list) and isinstance(each[0], dict) and _has_media(each) for each in asked.inputs):
        body["inputs"] = [{"content": _content(each, asked.place(at))} for at, each in enumerate(asked.inputs)]
    else:
        body["texts"] = texts(request)
    if asked.dimensions and request.supports("dimensions"):
        body["output_dimension"] = asked.dimensions
    return body


def _has_media(content: list[Any]) -> bool:
    return any(part["type"] != "text" for part in content)


def _content(given: Input, place: str) -> list[Any]:
    if isinstance(given, str):
        return [{"type": "text", "text": given}]
    if isinstance(given[0], int):
        raise ProviderFailure(400, f"This endpoint takes texts, not token IDs. Send a string - at `{place}`")
    return given


class _CohereVectors(VectorsResponse):
    def read(self, payload: bytes) -> list[msgspec.Raw]:
        reply = _decoder.decode(payload)
        if reply.error:
            raise failure_from_body(reply.error, default_status=502)
        self.upstream_id = reply.id or ""
        billed = reply.meta.billed_units if reply.meta else None
        self.usage = token_usage(int(billed.input_tokens or 0)) if billed else None
        vectors = reply.embeddings or _Vectors()
        return vectors.float or vectors.base64
