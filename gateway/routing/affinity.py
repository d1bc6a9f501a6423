"""Conversations stay at the endpoint that has their prompt in its cache: cheaper for the caller, and faster.

Among equal endpoints every process draws the same one for the same conversation, without asking anybody: the lots come
from a keyed hash of it. What has turned out otherwise (the drawn one failed, another has the cache) a process remembers
for itself, for ten minutes after each success that used a cache; with a `session_id`, after any. Nothing of a prompt
is kept.
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

__all__ = ["Conversation", "forget"]

#: Seconds without a success after which a conversation may go anywhere again.
IDLE_SECONDS = 600.0
#: Conversations that a process remembers; the one that was idle for longest goes first.
MOST = 50_000
#: Characters of a message that tell its conversation from others.
BEGINNING = 8192
#: Below this many tokens no provider keeps a prompt in its cache: the next one like it may go anywhere.
CACHEABLE_TOKENS = 1024

_Key = tuple[bytes, str]
_remembered: OrderedDict[_Key, tuple[float, str]] = OrderedDict()


class Conversation:
    """The conversation that a request belongs to: named by its `session_id` or `prompt_cache_key`, else by how it
    begins."""

    def __init__(self, account_id: int, request: ChatRequest) -> None:
        self._account_id = account_id
        self._request = request

    def endpoint_of(self, model_id: str) -> str:
        """The tag of the endpoint of this model where it is at home; empty when nowhere."""
        if not _remembered or self._request.provider.order:
            return ""
        expires, tag = _remembered.get((self._name, model_id), (0.0, ""))
        return tag if expires > time.monotonic() else ""

    def answered(self, model_id: str, endpoint: EndpointEntry, usage: Usage) -> None:
        """An endpoint has answered: remember it when its cache is worth coming back for."""
        if not endpoint.prices.caches or self._request.provider.order:
            return
        if not (usage.cached_tokens or usage.cache_write_tokens or self._request.session_id):
            return
        key = (self._name, model_id)
        _remembered[key] = (time.monotonic() + IDLE_SECONDS, endpoint.tag)
        _remembered.move_to_end(key)
        if len(_remembered) > MOST:
            _remembered.popitem(last=False)

    def lot(self, prompt_tokens: int) -> Callable[[str], float] | None:
        """A number above 0, up to 1, for each name: random among conversations, the same in every process for one.

        None where that is not wanted: the prompt is too short for any cache and the conversation has no name.
        """
        return self._lot if self._given_name or prompt_tokens >= CACHEABLE_TOKENS else None

    def _lot(self, name: str) -> float:
        drawn = hashlib.blake2b(name.encode(), digest_size=8, key=self._name).digest()
        return (int.from_bytes(drawn) + 1) / 2**64

    @property
    def _given_name(self) -> str:
        return self._request.session_id or str(self._request.body.get("prompt_cache_key") or "")

    @cached_property
    def _name(self) -> bytes:
        named = self._given_name
        texts = [named] if named else self._beginning()
        name = hashlib.blake2b(f"{self._account_id} {bool(named)}".encode(), digest_size=16, key=_key())
        for text in texts:
            name.update(b"\0" + text[:BEGINNING].encode("utf-8", "replace"))
        return name.digest()

    def _beginning(self) -> list[str]:
        """The first message that instructs and the first that does not."""
        first: dict[bool, list[str]] = {}
        for message in self._request.messages:
            first.setdefault(message.get("role") in {"system", "developer"}, list(prompt_texts([message])))
            if len(first) == 2:
                break
        return [text for _, texts in sorted(first.items()) for text in texts]


@cache
def _key() -> bytes:
    """Known to this site's processes alone: nobody can find out from a hash what was said, not even by guessing."""
    return hashlib.blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=b"conversations").digest()


def forget() -> None:
    """Start afresh."""
    _remembered.clear()
