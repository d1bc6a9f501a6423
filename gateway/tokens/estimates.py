"""Token counts of our own, for when the provider gives none. A missing count is not a count of zero."""

import msgspec

from gateway.events import Delta, Usage
from gateway.protocols.chat_completions.request import ChatRequest
from models_catalog.catalog import EndpointEntry, ModelEntry

from . import tokenizers
from .bounds import TYPICAL_IMAGE_TOKENS, attachments, prompt_texts

__all__ = ["Said", "complete"]

#: Tokens around each message, and around all of them, as OpenAI counts.
MESSAGE_TOKENS = 4
PROMPT_TOKENS = 3


class Said:
    """The text of an answer so far: kept in memory, and only until the provider has counted it."""

    __slots__ = ("_beyond", "_text")

    #: More than any model says in one answer, in bytes; what comes after that is only measured.
    MOST = 4 * 1024 * 1024

    def __init__(self) -> None:
        self._text = bytearray()
        self._beyond = 0

    def add(self, delta: Delta) -> None:
        """Text, reasoning, a refusal and the arguments of tools count; images and citations do not."""
        said = delta.text + delta.reasoning + delta.refusal
        for call in delta.tool_calls or ():
            function = call.get("function") or {}
            said += str(function.get("name") or "") + str(function.get("arguments") or "")
        if len(self._text) < self.MOST:
            self._text += said.encode("utf-8", "replace")
        else:
            self._beyond += len(said)

    def count(self, vocabulary: str) -> tuple[int, bool]:
        """(tokens, whether they were only measured by length)."""
        tokens, rough = tokenizers.count([self._text.decode("utf-8", "replace")], vocabulary)
        return tokens + self._beyond // 4, rough


def complete(
    usage: Usage | None,
    said: Said,
    request: ChatRequest,
    model: ModelEntry,
    endpoint: EndpointEntry,
    *,
    prompt_bound: int,
    max_tokens: int | None,
) -> tuple[Usage, bool]:
    """(the usage with what the provider has not counted, whether that was only measured by length).

    Without `usage` both counts are missing; with an estimated one, only the completion's. Neither gets larger
    than the hold has room for: `prompt_bound` and `max_tokens`. Long texts take milliseconds: call it in a thread.
    """
    vocabulary = tokenizers.vocabulary_of(model)
    completion, rough = said.count(vocabulary)
    completion = min(completion, max_tokens or endpoint.max_completion_tokens or endpoint.context_length)
    if usage is not None:
        return msgspec.structs.replace(usage, completion_tokens=max(usage.completion_tokens, completion)), rough
    texts = list(prompt_texts(request.messages, request.body.get("tools")))
    prompt = tokenizers.count(texts, vocabulary)[0] + MESSAGE_TOKENS * len(request.messages) + PROMPT_TOKENS
    prompt += TYPICAL_IMAGE_TOKENS * sum(1 for _ in attachments(request.messages))
    prompt = min(prompt, prompt_bound, endpoint.context_length)
    return Usage(prompt_tokens=max(1, prompt), completion_tokens=completion, estimated=True), rough
