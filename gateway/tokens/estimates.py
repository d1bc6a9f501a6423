"""Token counts for providers that report none, by a tokenizer. An unreported count is not a count of zero."""

import msgspec

from gateway.events import Delta, Usage
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.embeddings.request import EmbeddingsRequest
from gateway.protocols.rerank.request import RerankRequest
from models_catalog.catalog import EndpointEntry, ModelEntry

from . import tokenizers
from .bounds import TYPICAL_IMAGE_TOKENS, attachments, prompt_texts

__all__ = ["MESSAGE_OVERHEAD", "PROMPT_OVERHEAD", "ResponseText", "complete_usage"]

#: Tokens that a chat template adds to each message, and to the whole prompt, as OpenAI documents them. They are billed,
#: so they are the typical numbers; holds have to cover the most, `bounds.MAX_MESSAGE_OVERHEAD`.
MESSAGE_OVERHEAD = 4
PROMPT_OVERHEAD = 3


class ResponseText:
    """The text of a response so far, kept in memory until the provider has reported its tokens.

    Text beyond `max_bytes` (more than any model writes in one response) is only measured by its length.
    """

    __slots__ = ("_beyond", "_max_bytes", "_text")

    def __init__(self, max_bytes: int = 4 * 1024 * 1024) -> None:
        self._max_bytes = max_bytes
        self._text = bytearray()
        self._beyond = 0

    def __len__(self) -> int:
        """Bytes in memory."""
        return len(self._text)

    def add(self, delta: Delta) -> None:
        """Add text, reasoning, a refusal and the arguments of tools; images and citations do not count."""
        text = delta.text + delta.reasoning + delta.refusal
        for call in delta.tool_calls or ():
            function = call.get("function") or {}
            text += str(function.get("name") or "") + str(function.get("arguments") or "")
        if len(self._text) < self._max_bytes:
            self._text += text.encode("utf-8", "replace")
        else:
            self._beyond += len(text)

    def count(self, vocabulary: str) -> tuple[int, bool]:
        """(tokens, whether they were only measured by length)."""
        tokens, rough = tokenizers.count([self._text.decode("utf-8", "replace")], vocabulary)
        return tokens + self._beyond // 4, rough


def complete_usage(
    usage: Usage | None,
    response: ResponseText,
    request: ChatRequest,
    model: ModelEntry,
    endpoint: EndpointEntry,
    *,
    prompt_bound: int,
    max_tokens: int | None,
) -> tuple[Usage, bool]:
    """(the usage with the counts that the provider did not report, whether they were only measured by length).

    Without `usage` both counts are missing; with an estimated one, only the completion's. Neither exceeds what the hold
    covers: `prompt_bound`, and `max_tokens` for each of the choices. Long texts take milliseconds: call it in a thread.
    """
    vocabulary = tokenizers.vocabulary_of(model)
    completion, rough = response.count(vocabulary)
    longest = max_tokens or endpoint.max_completion_tokens or endpoint.context_length
    completion = min(completion, request.choices * longest)
    if usage is not None:
        return msgspec.structs.replace(usage, completion_tokens=max(usage.completion_tokens, completion)), rough
    prompt = min(_prompt_tokens(request, vocabulary), prompt_bound)
    if request.task == "chat":
        prompt = min(prompt, endpoint.context_length)
    return Usage(prompt_tokens=max(1, prompt), completion_tokens=completion, estimated=True), rough


def _prompt_tokens(request: ChatRequest, vocabulary: str) -> int:
    texts = list(prompt_texts(request.messages, request.body.get("tools")))
    tokens, _ = tokenizers.count(texts, vocabulary)
    tokens += TYPICAL_IMAGE_TOKENS * sum(1 for _ in attachments(request.messages))
    if isinstance(request, EmbeddingsRequest):
        return tokens + sum(len(each) for each in request.inputs if isinstance(each, list) and isinstance(each[0], int))
    if isinstance(request, RerankRequest):  # the query is read with each document
        query, _ = tokenizers.count([request.query], vocabulary)
        return tokens + query * (len(request.documents) - 1)
    return tokens + MESSAGE_OVERHEAD * len(request.messages) + PROMPT_OVERHEAD
