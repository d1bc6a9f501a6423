"""Which of a provider's keys a request uses: drawn by weight, past those that are cooling down. In memory: no I/O.

A provider that answers 429 wants a pause of that key, so the key cools down for as long as `Retry-After` says, or for
some seconds if it does not. A key that is rejected, or whose account is empty, cools down too. The endpoint stays
available through the other keys. When every key of it cools down for the same model by the provider's own word, it is
not called before the first of them is due.

Each process learns at once from its own requests, and with the heartbeat from those of the others (`sync`), through the
columns of `ProviderKey` that the admin shows.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from math import log as ln
from random import Random

import msgspec

from common.clock import monotonic
from models_catalog.models import ProviderKey

from .affinity import Draw

__all__ = ["ENVIRONMENT", "KEY_STATUSES", "Cooling", "Key", "KeyRing", "ring"]

#: The ID of the key in a provider's environment variable.
ENVIRONMENT = 0

#: Seconds of a cool-down whose length the provider does not say, by the status that starts it: rejected, no credits,
#: rate limited. Others are not about the key.
KEY_STATUSES = {401: 60.0, 402: 60.0, 429: 15.0}

#: A key is due this many seconds early: clocks and timers are not exact.
_TOLERANCE = 0.05


class Key(msgspec.Struct, frozen=True):
    """A key of a provider. Its secret is not in its repr, because reprs get into logs."""

    id: int
    secret: str
    weight: int = 1

    def __repr__(self) -> str:
        return f"Key({self.id})"


class Cooling(msgspec.Struct, frozen=True):
    """The cool-down of one key. `until` is a time of the ring's clock in seconds."""

    until: float
    model: str  # the provider's name of the model whose request was refused
    is_told: bool  # the provider itself has said how long


#: A provider's slug and a key's ID.
_Id = tuple[str, int]


class _Refusal(msgspec.Struct, frozen=True):
    """A refusal that is not yet written to the key's row."""

    status: int
    model: str
    seconds: float
    at: float


class KeyRing:
    """The keys that are cooling down, in this process. `clock` gives seconds that only rise."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._random = Random()
        self.clear()

    def clear(self) -> None:
        """Forget every cool-down."""
        with self._lock:
            self._cooling: dict[_Id, Cooling] = {}
            self._unwritten: dict[int, _Refusal] = {}

    def choose(
        self, provider: str, keys: Sequence[Key], model: str, *, tried: Collection[int] = (), draw: Draw | None = None
    ) -> Key | None:
        """A key for a request of `model` that is not among those `tried`; None when there is none to use now.

        Keys that cool down are skipped. If all of them do, the one that is due first is used anyway, unless the
        provider itself has told it to wait with this very model. `draw` keeps a conversation at one key, whose account
        has its prompt cached.
        """
        if not self._cooling and len(keys) == 1 and not tried:
            return keys[0]  # the usual case
        untried = [key for key in keys if key.id not in tried]
        ready = [key for key in untried if self.cooling(provider, key.id) is None]
        if ready:
            return ready[0] if len(ready) == 1 else self._drawn(ready, draw)
        if tried:
            return None  # it has been asked today: the next endpoint is the better choice

        def due(key: Key) -> float:
            cooling = self.cooling(provider, key.id)
            return cooling.until if cooling else 0.0

        for key in sorted(untried, key=due):
            cooling = self.cooling(provider, key.id)
            if cooling is None or not cooling.is_told or cooling.model != model:
                return key
        return None

    def seconds_until_due(self, provider: str, keys: Sequence[Key]) -> float:
        """Seconds until the first of these keys has cooled down; 0 when one is ready."""
        ends = [cooling.until if (cooling := self.cooling(provider, key.id)) else 0.0 for key in keys]
        return max(0.0, min(ends, default=0.0) - self._clock())

    def cooling(self, provider: str, key_id: int) -> Cooling | None:
        """The key's cool-down, or None when it is ready."""
        cooling = self._cooling.get((provider, key_id))
        if cooling is None:
            return None
        if cooling.until - _TOLERANCE <= self._clock():
            with self._lock:
                if self._cooling.get((provider, key_id)) is cooling:
                    del self._cooling[provider, key_id]
            return None
        return cooling

    def refused(self, provider: str, key_id: int, model: str, status: int, retry_after: float | None) -> None:
        """Let the key cool down after the provider has refused it with one of KEY_STATUSES."""
        seconds = KEY_STATUSES[status] if retry_after is None else retry_after
        now = self._clock()
        with self._lock:
            known = self._cooling.get((provider, key_id))
            if known is None or known.until < now + seconds:
                self._cooling[provider, key_id] = Cooling(now + seconds, model, retry_after is not None)
            if key_id != ENVIRONMENT:
                self._unwritten[key_id] = _Refusal(status, model, seconds, now)

    def sync(self, process_id: str, now: datetime) -> None:
        """Write the refusals of this process to the keys' rows, and learn the cool-downs of the other processes."""
        with self._lock:
            unwritten, self._unwritten = self._unwritten, {}
        moment = self._clock()
        for key_id, refusal in unwritten.items():
            refused_at = now - timedelta(seconds=moment - refusal.at)
            ProviderKey.objects.filter(pk=key_id).update(
                cooling_until=refused_at + timedelta(seconds=refusal.seconds),
                cooling_model=refusal.model[:200],
                last_status=refusal.status,
                last_refused_at=refused_at,
            )
        for key in ProviderKey.objects.filter(cooling_until__gt=now):
            assert key.cooling_until is not None
            until = moment + (key.cooling_until - now).total_seconds()
            with self._lock:
                if (key.provider_id, key.pk) not in self._cooling:
                    self._cooling[key.provider_id, key.pk] = Cooling(until, key.cooling_model, is_told=False)

    def _drawn(self, keys: list[Key], draw: Draw | None) -> Key:
        """One of the keys, by weight. If a key drops out, only its own conversations move (exponential clocks)."""
        if draw is None:
            return self._random.choices(keys, [key.weight for key in keys])[0]
        return min(keys, key=lambda key: -ln(draw(f"key {key.id}")) / key.weight)


#: That of this process.
ring = KeyRing()
