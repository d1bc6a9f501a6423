"""OpenAI's embeddings protocol, which most providers speak."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec

from gateway.protocols.embeddings.request import Input
from gateway.providers import openai_chat
from gateway.providers.client import send
from gateway.providers.errors import failure_from_body
from gateway.providers.request_context import ProviderRequest

from .dialects import DIALECTS, PLAIN, Dialect
from .inputs import embeddings_request, other_fields, texts
from .vectors import VectorsResponse, token_usage

__all__ = ["open_response", "request_body"]


class _Item(msgspec.Struct):
    embedding: msgspec.Raw
    index: int = 0


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Reply(msgspec.Struct):
    data: list[_Item] = []
    id: str | None = None
    usage: _Usage | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Reply, strict=False)


async def open_response(request: ProviderRequest) -> VectorsResponse:
    """The provider's response, once it has accepted the request; ProviderFailure when it has not."""
    upstream = request.attempt.upstream
    body = request_body(request)
    response = await send(
        request,
        f"{upstream.base_url}/embeddings",
        headers=openai_chat.authorization(upstream.api_key),
        body=body,
    )
    return _OpenAiVectors(response, embeddings_request(request))


def request_body(request: ProviderRequest, dialects: Mapping[str, Dialect] = DIALECTS) -> dict[str, Any]:
    """The JSON body for this provider. Raises ProviderFailure for inputs that it does not take."""
    asked = embeddings_request(request)
    dialect = dialects.get(request.endpoint.provider, PLAIN)
    # Token IDs of one kind: a list that mixes them with texts is not part of the protocol.
    are_tokens = not asked.are_texts and all(
        isinstance(each, list) and isinstance(each[0], int) for each in asked.inputs
    )
    inputs: list[Input] | list[str] = asked.inputs if are_tokens and dialect.takes_tokens else texts(request)
    body = other_fields(request) | {"model": request.model, "input": inputs}
    if asked.is_base64 and dialect.sends_base64:
        body["encoding_format"] = "base64"
    if asked.dimensions and request.supports("dimensions"):
        body[dialect.dimensions_field] = asked.dimensions
    if asked.input_type and request.supports("input_type"):
        body["input_type"] = asked.input_type
    if end_user := request.end_user_id:
        body["user"] = end_user
    return body


class _OpenAiVectors(VectorsResponse):
    def read(self, payload: bytes) -> list[msgspec.Raw]:
        reply = _decoder.decode(payload)
        if reply.error:
            raise failure_from_body(reply.error, default_status=502)
        self.upstream_id = reply.id or ""
        if reply.usage is not None:
            self.usage = token_usage(reply.usage.prompt_tokens or reply.usage.total_tokens)
        items = reply.data
        if [item.index for item in items] != [*range(len(items))]:
            items = sorted(items, key=attrgetter("index"))  # without indexes, the order stays
        return [item.embedding for item in items]
