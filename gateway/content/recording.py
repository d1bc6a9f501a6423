"""Recording what an account has agreed to store of one request: its prompt, its response and its error.

Nothing is recorded for accounts that have not turned on logging, nor for requests that demand that nothing is kept.
"""

from typing import Any
from zlib import crc32

import msgspec

from gateway.callers import Caller
from gateway.events import Delta, Finished
from gateway.protocols.chat_completions.reply import Choice
from gateway.protocols.chat_completions.request import ChatRequest

from .attachments import without_large

__all__ = ["ALL", "Content", "ContentError", "PreviousError", "Recording", "content_json", "recording_of"]

#: The share of all requests, in basis points.
ALL = 10_000


class PreviousError(msgspec.Struct, frozen=True):
    """The failure of a provider that was tried before."""

    code: int
    message: str = ""
    provider_name: str | None = None
    raw: str | None = None


class ContentError(msgspec.Struct, frozen=True):
    """The error of a request; `raw` is the provider's own text."""

    status: int
    message: str
    provider_name: str | None = None
    raw: str | None = None
    previous_errors: list[PreviousError] = []


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The stored part of a request. It has either a `prompt` or `messages`.

    `responses` are messages of the assistant, in the shape of chat completions: one for each choice.
    """

    id: str  # of the generation
    prompt: str | None = None
    messages: list[dict[str, Any]] = []
    responses: list[dict[str, Any]] = []
    error: ContentError | None = None


class Recording:
    """The content of one request, while its response arrives."""

    __slots__ = ("_choices", "_error", "_generation_id", "_request")

    def __init__(self, request: ChatRequest, generation_id: str) -> None:
        self._request = request
        self._generation_id = generation_id
        self._choices: dict[int, Choice] = {}
        self._error: ContentError | None = None

    def add(self, event: Delta | Finished) -> None:
        """Add a piece of the response. Vectors are left out: they are no text."""
        if isinstance(event, Delta):
            choice = self._choices.setdefault(event.index, Choice())
            choice.add(event)
            if event.ranking is not None:
                choice.text.append(msgspec.json.encode(event.ranking).decode())

    def failed(self, status: int, message: str, metadata: dict[str, Any]) -> None:
        """Add the error that ends the request; `metadata` is that of the API's errors."""
        self._error = ContentError(
            status=status,
            message=message,
            provider_name=metadata.get("provider_name"),
            raw=metadata.get("raw") or None,
            previous_errors=[
                PreviousError(code=int(each["code"]), provider_name=each.get("provider"))
                for each in metadata.get("previous_errors", ())
            ],
        )

    def content(self, max_file_bytes: int) -> Content:
        """Return what to store. Of files and images larger than `max_file_bytes`, a note says what was left out.

        It may take milliseconds: call it in a thread.
        """
        request = self._request
        messages = [without_large(each, max_file_bytes) for each in request.messages]
        given = [choice.as_message(show_reasoning=True)["message"] for _, choice in sorted(self._choices.items())]
        return Content(
            id=self._generation_id,
            prompt=str(messages[0]["content"]) if request.is_text_completion else None,
            messages=[] if request.is_text_completion else messages,
            responses=[without_large(each, max_file_bytes) for each in given],
            error=self._error,
        )


def recording_of(caller: Caller, request: ChatRequest, generation_id: str) -> Recording | None:
    """Return the recording of a request that is to be stored; None for any other.

    Requests are sampled by their ID. One that demands zero data retention, or that none of its data is collected, is
    not stored.
    """
    if not caller.logged_share or caller.policy.keeps_nothing or request.provider.forbids_keeping:
        return None
    if crc32(generation_id.encode()) % ALL >= caller.logged_share:
        return None
    return Recording(request, generation_id)


def content_json(content: Content) -> dict[str, Any]:
    """Return the content as the API and exports have it: `input`, `output` and `error`."""
    first = content.responses[0] if content.responses else {}
    output = {
        "completion": first.get("content") or first.get("refusal") or None,
        "reasoning": first.get("reasoning") or None,
    }
    if len(content.responses) > 1 or any(first.get(name) for name in ("tool_calls", "images", "annotations")):
        output["messages"] = content.responses
    return {
        "input": {"messages": content.messages} if content.prompt is None else {"prompt": content.prompt},
        "output": output,
        "error": msgspec.to_builtins(content.error) if content.error else None,
    }
