"""Bounds of prompts whose parts are read one by one: the inputs of embeddings, the documents of a rerank request."""

from typing import cast

from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.embeddings.request import EmbeddingsRequest, Input
from gateway.protocols.rerank.request import RerankRequest

from .bounds import MAX_MESSAGE_OVERHEAD, PromptEstimate, estimate_tokens, text_bound

__all__ = ["estimate_prompt", "search_units"]

#: Documents in a search unit, and tokens of a document, its query included, that count as one: Cohere's rule for a
#: search unit (https://docs.cohere.com/docs/how-does-cohere-pricing-work).
DOCUMENTS_PER_UNIT = 100
TOKENS_PER_CHUNK = 500


def estimate_prompt(request: ChatRequest) -> PromptEstimate:
    """The tokens of a request of any task."""
    if isinstance(request, EmbeddingsRequest):
        return _of_inputs(request)
    if isinstance(request, RerankRequest):
        return _of_documents(request)
    return estimate_tokens(request.messages, request.body)


def _of_inputs(request: EmbeddingsRequest) -> PromptEstimate:
    inputs = request.inputs
    overhead = MAX_MESSAGE_OVERHEAD * len(inputs)
    if request.are_texts:
        texts = cast(list[str], inputs)
        text = "\n".join(texts)
        sizes = [*map(len, texts)] if text.isascii() else [len(_encoded(each)) for each in texts]
        longest = max(sizes)
        return PromptEstimate(
            likely=sum(sizes) // 4,
            bound=text_bound(text, _encoded(text)) + overhead,
            images=0,
            parts=len(inputs),
            longest=longest // 4,
            longest_part=sizes.index(longest),
        )
    estimates = [_of_input(each) for each in inputs]
    lengths = [each.likely for each in estimates]
    return PromptEstimate(
        likely=sum(lengths),
        bound=sum(each.bound for each in estimates) + overhead,
        images=sum(each.images for each in estimates),
        parts=len(inputs),
        longest=max(lengths),
        longest_part=lengths.index(max(lengths)),
    )


def _of_input(given: Input) -> PromptEstimate:
    if isinstance(given, str):
        return PromptEstimate(likely=_bytes(given) // 4, bound=text_bound(given, _encoded(given)), images=0)
    if isinstance(given[0], dict):
        return estimate_tokens([{"role": "user", "content": given}], {})
    return PromptEstimate(likely=len(given), bound=len(given), images=0)


def _of_documents(request: RerankRequest) -> PromptEstimate:
    """The query counts for each document: a model reads them together."""
    count = len(request.documents)
    query, encoded_query = request.query, _encoded(request.query)
    text = "\n".join(request.documents)
    sizes = [_bytes(document) for document in request.documents]
    query_bound = text_bound(query, encoded_query)
    return PromptEstimate(
        likely=(sum(sizes) + len(encoded_query) * count) // 4,
        bound=text_bound(text, _encoded(text)) + (query_bound + MAX_MESSAGE_OVERHEAD) * count,
        images=0,
        parts=count,
        longest=1,  # any document fits: the providers cut those that are too long
        search_units=search_units(query_bound, sizes),
    )


def search_units(query_tokens: int, document_tokens: list[int]) -> int:
    """The search units of a query with documents of these lengths: chunks of 500 tokens, a hundred in a unit."""
    chunks = sum(max(1, -(-(query_tokens + tokens) // TOKENS_PER_CHUNK)) for tokens in document_tokens)
    return -(-chunks // DOCUMENTS_PER_UNIT)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(_encoded(text))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
