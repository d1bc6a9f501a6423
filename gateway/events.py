"""What an answer is made of, whoever provides it and however it leaves: the vocabulary between
providers, metering, SSE and the chatroom's socket. Pure data.

One answer is: Started, then Deltas, then Finished or Failed, then Billed.
"""

from typing import Any

import msgspec

from common.money import PicoUsd

__all__ = ["Billed", "Delta", "Event", "Failed", "Finished", "Started", "Usage"]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Native token counts. Cached and cache-write tokens are part of the prompt, reasoning of the completion."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0  # part of cache_write_tokens: written for an hour
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A provider has produced its first token; from here on there is no falling back."""

    generation_id: str
    created: int  # unix seconds
    model: str  # the one that answers
    provider: str  # its display name
    provider_slug: str
    simulated: bool
    system_fingerprint: str | None = None  # of the provider's configuration, where it has one
    routing: dict[str, Any] | None = None  # what the router did, when the caller asked to know


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the answer, in the shape of OpenAI's `delta` (and `message`) fields."""

    text: str = ""
    reasoning: str = ""
    reasoning_details: list[Any] | None = None
    tool_calls: list[Any] | None = None
    refusal: str = ""
    annotations: list[Any] | None = None
    images: list[Any] | None = None
    logprobs: Any = None
    index: int = 0  # which choice


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The provider has finished: `stop`, `length`, `tool_calls`, `content_filter`."""

    finish_reason: str
    native_finish_reason: str
    index: int = 0


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer broke off after its first token; what was said before stays."""

    status: int
    message: str
    error_type: str
    provider_code: int | None = None  # the provider's own status


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """The account has been charged: always the last event, after Finished and after Failed."""

    usage: Usage
    cost: PicoUsd
    balance: PicoUsd  # of the account afterwards
    latency_ms: int  # to the first token
    duration_ms: int  # to the last
    web_searches: int = 0


Event = Started | Delta | Finished | Failed | Billed
