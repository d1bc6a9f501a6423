"""The cache of prompts: recent ones as hashes, in memory, for ten minutes."""

import time
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

__all__ = ["CacheUse", "PromptCache"]

BLOCK = 64  # tokens; prefixes are cached in whole blocks
MINIMUM = 256  # tokens; shorter prefixes are not cached
_LIFETIME = 600.0  # seconds
_CAPACITY = 50_000  # hashes


class CacheUse(msgspec.Struct, frozen=True):
    """Tokens at the start of a prompt that were there before, and that are now for the first time."""

    read: int = 0
    written: int = 0


class PromptCache:
    """Remembers the prefixes of prompts, block by block."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, float] = OrderedDict()

    def use(self, owner: str, prompt: Sequence[str]) -> CacheUse:
        """Looks up `prompt` among those of `owner` only, and remembers it."""
        if len(prompt) < MINIMUM:
            return CacheUse()
        now = time.monotonic()
        read, unbroken, state = 0, True, hash(owner)
        whole = len(prompt) // BLOCK * BLOCK
        for end in range(BLOCK, whole + 1, BLOCK):
            state = hash((state, *prompt[end - BLOCK : end]))
            unbroken = unbroken and now - self._seen.get(state, -_LIFETIME) < _LIFETIME
            read += BLOCK if unbroken else 0
            self._seen[state] = now
            self._seen.move_to_end(state)
        while len(self._seen) > _CAPACITY:
            self._seen.popitem(last=False)
        read = read if read >= MINIMUM else 0
        return CacheUse(read, whole - read)
