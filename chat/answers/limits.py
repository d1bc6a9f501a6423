"""How much one user, and all users together, may do at once in the chats of this web process.

The counts live in memory, so a process that dies leaves none behind. A site with several processes multiplies the
limits by their number, but for the answers of a user: `running.py` counts them in all processes.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable

from django.conf import settings

from common import clock
from common.errors import RateLimited

__all__ = [
    "Places", "Rate", "Release", "answers", "message_rate", "process_place", "refuse_flood", "socket_place", "sockets",
]  # fmt: skip

Release = Callable[[], None]

#: The owner of what is counted for the whole process.
_PROCESS = "process"
#: Messages that may come at once before the rate applies.
_BURST = 60


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


sockets = Places()
answers = Places()
message_rate = Rate()


def socket_place(user_id: int | None) -> Release:
    """Take a place for a socket: of the process (None), or of a user. Raises RateLimited with the remedy."""
    if user_id is None:
        return sockets.take(
            _PROCESS,
            settings.CHAT_SOCKETS,
            "This server has as many chats open as it can serve. Try again in a minute.",
        )
    most = settings.CHAT_SOCKETS_PER_USER
    return sockets.take(
        user_id, most, f"You have {most} {'chat' if most == 1 else 'chats'} open. Close a tab to continue here."
    )


def process_place() -> Release:
    """Take a place for an answer of this process. Raises RateLimited if it has as many as it can serve."""
    return answers.take(
        _PROCESS, settings.CHAT_ANSWERS, "This server has as many answers running as it can serve. Try again soon."
    )


def refuse_flood(user_id: int) -> None:
    """Count a message of the user. Raises RateLimited, with the seconds to wait, beyond CHAT_MESSAGES_PER_MINUTE."""
    if wait := message_rate.spend(user_id, settings.CHAT_MESSAGES_PER_MINUTE, _BURST):
        seconds = math.ceil(wait)
        raise RateLimited(f"Too many messages. Wait {seconds} s and try again.", headers={"Retry-After": str(seconds)})
