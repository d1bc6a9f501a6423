"""Repeatable chance: the same request with a seed, or at temperature 0, has the same words each time."""

import hashlib
from collections import OrderedDict
from random import Random

import msgspec

from sandbox.providers.prompts.chat_request import ChatRequest

__all__ = ["Wordings"]

_CAPACITY = 20_000


class Wordings:
    """Counts equal requests, so that a repetition without a seed gets other words."""

    def __init__(self) -> None:
        self._asked: OrderedDict[bytes, int] = OrderedDict()

    def chance(self, request: ChatRequest, session: str) -> Random:
        """The chance that words this answer."""
        said = (session, request.model, request.messages, request.temperature, request.seed)
        digest = hashlib.blake2b(msgspec.json.encode(said), digest_size=8).digest()
        repeat = 0
        if request.seed is None and request.temperature != 0:
            repeat = self._asked.pop(digest, 0)
            self._asked[digest] = repeat + 1
            if len(self._asked) > _CAPACITY:
                self._asked.popitem(last=False)
        return Random(int.from_bytes(digest) + repeat)
