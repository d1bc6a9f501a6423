"""The inputs of an embeddings request, as providers take them."""

from collections.abc import Mapping
from typing import Any, cast

from gateway.protocols.chat_completions.parameters import NOT_SENT
from gateway.protocols.embeddings.request import EmbeddingsRequest
from gateway.providers.failures import ProviderFailure
from gateway.providers.request_context import ProviderRequest

__all__ = ["embeddings_request", "other_fields", "texts"]

#: Fields that each protocol writes in its own way.
_WRITTEN = NOT_SENT | {"input", "encoding_format", "dimensions", "input_type", "query", "documents", "top_n"}


def embeddings_request(request: ProviderRequest) -> EmbeddingsRequest:
    """The caller's request."""
    assert isinstance(request.chat, EmbeddingsRequest)
    return request.chat


def other_fields(request: ProviderRequest) -> dict[str, Any]:
    """The fields that the gateway does not know, as the client sent them."""
    return {name: value for name, value in request.body.items() if name not in _WRITTEN and value is not None}


def texts(request: ProviderRequest) -> list[str]:
    """The inputs as texts. Raises ProviderFailure, which names the first input that has none."""
    asked = embeddings_request(request)
    if asked.are_texts:
        return cast(list[str], asked.inputs)
    return [each if isinstance(each, str) else _text(each, asked.place(at)) for at, each in enumerate(asked.inputs)]


def _text(given: list[int] | list[dict[str, Any]], place: str) -> str:
    if not all(isinstance(part, Mapping) and part["type"] == "text" for part in given):
        kind = "token IDs" if isinstance(given[0], int) else "media"
        raise ProviderFailure(400, f"This endpoint takes texts, not {kind}. Send a string - at `{place}`")
    return "\n".join(part["text"] for part in given if isinstance(part, dict))
