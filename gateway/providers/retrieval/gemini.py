"""Gemini's embeddings protocol: `batchEmbedContents`, which reports no usage."""

from typing import Any
from urllib.parse import quote

import msgspec

from gateway.providers import google
from gateway.providers.client import send
from gateway.providers.errors import failure_from_body
from gateway.providers.request_context import ProviderRequest
from gateway.providers.stream import ProviderResponse

from .inputs import embeddings_request, texts
from .parts import open_parts
from .vectors import VectorsResponse, token_usage

__all__ = ["open_response", "request_body"]

#: Texts in one call (https://ai.google.dev/gemini-api/docs/embeddings).
MAX_TEXTS = 100

#: `taskType` for the usual values of `input_type`; other values are sent in capitals, as Gemini writes its own.
_TASK_TYPES = {
    "query": "RETRIEVAL_QUERY",
    "search_query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "passage": "RETRIEVAL_DOCUMENT",
    "search_document": "RETRIEVAL_DOCUMENT",
}


class _Embedding(msgspec.Struct):
    values: msgspec.Raw


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Reply(msgspec.Struct, rename="camel"):
    embeddings: list[_Embedding] = []
    usage_metadata: _Usage | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Reply, strict=False)


async def open_response(request: ProviderRequest) -> ProviderResponse:
    """The provider's response, once it has accepted the request; ProviderFailure when it has not."""
    upstream, asked = request.attempt.upstream, embeddings_request(request)
    url = f"{upstream.base_url}/models/{quote(request.model, safe='')}:batchEmbedContents"
    headers = google.authorization(upstream.api_key)
    requests = request_body(request)["requests"]
    parts = [requests[at : at + MAX_TEXTS] for at in range(0, len(requests), MAX_TEXTS)]
    return await open_parts(
        [({"requests": part}, len(part)) for part in parts],
        lambda body: send(request, url, headers=headers, body=body),
        lambda response, inputs: _GeminiVectors(response, asked, inputs),
    )


def request_body(request: ProviderRequest) -> dict[str, Any]:
    """The JSON body, for any number of inputs. Raises ProviderFailure for inputs that are not texts."""
    asked = embeddings_request(request)
    shared: dict[str, Any] = {"model": f"models/{request.model}"}
    if asked.dimensions:
        shared["outputDimensionality"] = asked.dimensions
    if asked.input_type:
        shared["taskType"] = _TASK_TYPES.get(asked.input_type.lower(), asked.input_type.upper())
    return {"requests": [{**shared, "content": {"parts": [{"text": text}]}} for text in texts(request)]}


class _GeminiVectors(VectorsResponse):
    def read(self, payload: bytes) -> list[msgspec.Raw]:
        reply = _decoder.decode(payload)
        if reply.error:
            raise failure_from_body(reply.error, default_status=502)
        if reply.usage_metadata is not None:
            self.usage = token_usage(reply.usage_metadata.prompt_token_count)
        return [each.values for each in reply.embeddings]
