"""How much each owner may do: at the same time (`Places`), and in a minute (`Rate`). Counted in this process."""

from collections import Counter
from collections.abc import Callable, Hashable

from common import clock
from common.errors import RateLimited

__all__ = ["Places", "Rate", "Release"]

Release = Callable[[], None]


class Places:
    """Counts what is taken, for each owner."""

    def __init__(self) -> None:
        self._taken: Counter[Hashable] = Counter()

    def taken(self, owner: Hashable) -> int:
        """Return how many places the owner has."""
        return self._taken[owner]

    def take(self, owner: Hashable, most: int, refusal: str) -> Release:
        """Take a place and return the function that gives it back, once. Raises RateLimited if `most` are taken."""
        if self._taken[owner] >= most:
            raise RateLimited(refusal, headers={"Retry-After": "10"})
        self._taken[owner] += 1
        held = True

        def release() -> None:
            nonlocal held
            if held:
                held = False
                self._taken[owner] -= 1
                if not self._taken[owner]:
                    del self._taken[owner]

        return release


class Rate:
    """Lets each owner do `per_minute` things a minute, and `burst` at once."""

    def __init__(self) -> None:
        self._next: dict[Hashable, float] = {}  # the time at which an owner has its whole burst again

    def spend(self, owner: Hashable, per_minute: int, burst: int) -> float:
        """Count one thing and return 0, or return the seconds to wait for it, without counting."""
        now = clock.monotonic()
        pause = 60 / per_minute
        full_at = max(self._next.get(owner, now), now) + pause
        if (wait := full_at - now - burst * pause) > 0:
            return wait
        if len(self._next) > 10_000:
            self._next = {each: at for each, at in self._next.items() if at > now}
        self._next[owner] = full_at
        return 0

    def clear(self) -> None:
        """Give every owner its whole burst."""
        self._next.clear()
