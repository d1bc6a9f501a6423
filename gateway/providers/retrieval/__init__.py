"""Embeddings and rerank: requests with a response in one piece, in the protocols that providers have for them."""

from gateway.providers.request_context import ProviderRequest
from gateway.providers.stream import ProviderResponse

from . import cohere, gemini, openai, rerank

__all__ = ["open_response"]


async def open_response(request: ProviderRequest) -> ProviderResponse:
    """The provider's response, once it has accepted the request.

    Raises ProviderFailure when this provider did not accept it or does not take such inputs.
    """
    if request.chat.task == "rerank":
        return await rerank.open_response(request)
    if request.attempt.upstream.protocol == "google":
        return await gemini.open_response(request)
    if request.endpoint.provider == "cohere":
        return await cohere.open_response(request)
    return await openai.open_response(request)
