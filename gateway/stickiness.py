"""Conversations stay at the endpoint that has their prompt in its cache: cheaper for the caller, and faster.

An endpoint is remembered for ten minutes after each success that used its cache; with a `session_id`, after any.
In the process's memory, under a keyed hash: nothing of a prompt is kept, and a process that does not remember only
draws an endpoint as for a new conversation.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from functools import cached_property

from models_catalog.catalog import EndpointEntry

from .events import Usage
from .request import ChatRequest
from .tokens import prompt_texts

__all__ = ["Conversation", "forget"]

#: Seconds without a success after which a conversation may go anywhere again.
IDLE_SECONDS = 600.0
#: Conversations that a process remembers; the one that was idle for longest goes first.
MOST = 50_000
#: Characters of a message that tell its conversation from others.
BEGINNING = 32_768

_Key = tuple[bytes, str]
#: Of this process alone: nobody can find out from a hash what was said, not even by guessing.
_key = secrets.token_bytes(32)
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
        prices = endpoint.prices
        if prices.input_cache_read is None or prices.input_cache_read >= prices.prompt or self._request.provider.order:
            return
        if not (usage.cached_tokens or usage.cache_write_tokens or self._request.session_id):
            return
        key = (self._name, model_id)
        _remembered[key] = (time.monotonic() + IDLE_SECONDS, endpoint.tag)
        _remembered.move_to_end(key)
        if len(_remembered) > MOST:
            _remembered.popitem(last=False)

    @cached_property
    def _name(self) -> bytes:
        request = self._request
        named = request.session_id or request.body.get("prompt_cache_key")
        texts = [str(named)] if named else self._beginning()
        name = hashlib.blake2b(f"{self._account_id} {bool(named)}".encode(), digest_size=16, key=_key)
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


def forget() -> None:
    """Start afresh."""
    _remembered.clear()
