"""Affinity: a conversation returns to the endpoint that has its prompt cached, which is cheaper and faster.

Every process draws the same endpoint for a conversation, without coordination: the draw is a keyed hash of both. A
conversation may end up elsewhere (the drawn endpoint failed, another one has its cache); the process that served it
then remembers the endpoint for ten minutes after each success that used a cache, or after any success if the request
has a `session_id`. No text of a prompt is stored.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache, cached_property

from django.conf import settings

from gateway.events import Usage
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.tokens.bounds import prompt_texts
from models_catalog.catalog import EndpointEntry

__all__ = ["Conversation", "Draw", "StickyEndpoints", "sticky_endpoints"]

#: Seconds after the last success until a conversation may be sent to any endpoint again.
IDLE_SECONDS = 600.0
#: Characters of a message that tell its conversation from others.
PREFIX_CHARACTERS = 8192
#: No provider caches a prompt of fewer tokens, so the next request of the conversation may go to any endpoint.
CACHEABLE_TOKENS = 1024

#: A number above 0, up to 1, for each name.
Draw = Callable[[str], float]


class StickyEndpoints:
    """The endpoints that conversations return to, by conversation and model, in the memory of this process.

    When it is full, the conversation that has been idle for longest is dropped. `clock` returns seconds.
    """

    def __init__(self, capacity: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._entries: OrderedDict[tuple[bytes, str], tuple[float, str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, conversation: bytes, model_id: str) -> str:
        """The endpoint's tag; empty when there is none."""
        expires, tag = self._entries.get((conversation, model_id), (0.0, ""))
        return tag if expires > self._clock() else ""

    def put(self, conversation: bytes, model_id: str, tag: str) -> None:
        key = (conversation, model_id)
        self._entries[key] = (self._clock() + IDLE_SECONDS, tag)
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        self._entries.clear()


#: Those of this process.
sticky_endpoints = StickyEndpoints()


class Conversation:
    """The conversation that a request continues: identified by its `session_id` or `prompt_cache_key`, else by its
    first messages."""

    def __init__(self, account_id: int, request: ChatRequest, sticky: StickyEndpoints = sticky_endpoints) -> None:
        self._account_id = account_id
        self._request = request
        self._sticky = sticky

    def sticky_endpoint(self, model_id: str) -> str:
        """The tag of the model's endpoint that has the conversation cached; empty when none is known."""
        if not self._sticky or self._request.provider.order:
            return ""
        return self._sticky.get(self._digest, model_id)

    def succeeded(self, model_id: str, endpoint: EndpointEntry, usage: Usage) -> None:
        """The endpoint has served the request: remember it if its cache makes it worth returning to."""
        if not endpoint.prices.caches or self._request.provider.order:
            return
        if usage.cached_tokens or usage.cache_write_tokens or self._request.session_id:
            self._sticky.put(self._digest, model_id, endpoint.tag)

    def stable_draw(self, prompt_tokens: int) -> Draw | None:
        """A draw that is random among conversations and the same in every process for one conversation.

        None when the conversation gains nothing from it: it has no name and its prompt is too short to be cached.
        """
        return self._draw if self._given_name or prompt_tokens >= CACHEABLE_TOKENS else None

    def _draw(self, name: str) -> float:
        drawn = hashlib.blake2b(name.encode(), digest_size=8, key=self._digest).digest()
        return (int.from_bytes(drawn) + 1) / 2**64

    @property
    def _given_name(self) -> str:
        return self._request.session_id or str(self._request.body.get("prompt_cache_key") or "")

    @cached_property
    def _digest(self) -> bytes:
        given_name = self._given_name
        texts = [given_name] if given_name else self._first_messages()
        digest = hashlib.blake2b(f"{self._account_id} {bool(given_name)}".encode(), digest_size=16, key=_hash_key())
        for text in texts:
            digest.update(b"\0" + text[:PREFIX_CHARACTERS].encode("utf-8", "replace"))
        return digest.digest()

    def _first_messages(self) -> list[str]:
        """The texts of the first instruction (system or developer) and of the first other message."""
        first: dict[bool, list[str]] = {}
        for message in self._request.messages:
            first.setdefault(message.get("role") in {"system", "developer"}, list(prompt_texts([message])))
            if len(first) == 2:
                break
        return [text for _, texts in sorted(first.items()) for text in texts]


@cache
def _hash_key() -> bytes:
    """A secret of the site: without it, a digest cannot be compared with those of guessed prompts."""
    return hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=b"conversations").digest()
