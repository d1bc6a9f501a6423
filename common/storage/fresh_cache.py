"""Values in memory: one caller refreshes a stale value while the others use it."""

import math
import threading
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakSet

from common.clock import monotonic

__all__ = ["FreshCache"]

Key = TypeVar("Key")
Value = TypeVar("Value")


class FreshCache(Generic[Key, Value]):
    """Values by key, each fresh for some seconds and usable for some more.

    A fresh value needs no refresh. When it gets stale, the first caller is asked to refresh it, and the others get the
    old value until it is no longer usable. Times are seconds of `clock`. Safe to share between threads and event loops.

        value, stale = cache.lookup(key)
        if value is None or stale:
            read_at = cache.now()
            cache.put(key, value := read(key), read_at=read_at)
    """

    #: Every cache of this process.
    instances: ClassVar["WeakSet[FreshCache[Any, Any]]"] = WeakSet()

    def __init__(
        self,
        *,
        fresh_seconds: float,
        usable_seconds: float = math.inf,
        max_size: int = 10_000,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._fresh_seconds = fresh_seconds
        self._usable_seconds = usable_seconds
        self._max_size = max_size
        self._clock = clock
        self._entries: dict[Key, tuple[Value, float, float]] = {}  # value, fresh until, usable until
        self._removed_at = -math.inf
        self._lock = threading.Lock()
        self.instances.add(self)

    def now(self) -> float:
        """Return the time to pass to `put` as `read_at`: take it before reading the value."""
        return self._clock()

    def lookup(self, key: Key) -> tuple[Value | None, bool]:
        """Return the value, or None if there is none to use, and whether this caller should refresh it."""
        entry = self._entries.get(key)
        if entry is None:
            return None, True
        value, fresh_until, usable_until = entry
        now = self._clock()
        if now < fresh_until:
            return value, False
        if now >= usable_until:
            return None, True
        with self._lock:
            if self._entries.get(key) is not entry:
                return value, False  # another caller refreshes it
            self._entries[key] = (value, min(usable_until, now + self._fresh_seconds), usable_until)
        return value, True

    def peek(self, key: Key) -> Value | None:
        """Return the value however old it is, or None."""
        entry = self._entries.get(key)
        return entry[0] if entry else None

    def put(self, key: Key, value: Value, *, read_at: float, lifetime: float = math.inf) -> None:
        """Keep a value that was read at `read_at`, for at most `lifetime` seconds. The oldest entry makes room.

        A value read before the last `discard` or `clear` may be outdated: it is not kept.
        """
        fresh_until = read_at + min(self._fresh_seconds, lifetime)
        usable_until = read_at + min(self._usable_seconds, lifetime)
        with self._lock:
            if read_at < self._removed_at:
                return
            self._entries.pop(key, None)  # so that it moves to the end
            if len(self._entries) >= self._max_size:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (value, fresh_until, usable_until)

    def discard(self, key: Key) -> None:
        """Remove one value."""
        with self._lock:
            self._removed_at = self._clock()
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Remove every value."""
        with self._lock:
            self._removed_at = self._clock()
            self._entries.clear()
