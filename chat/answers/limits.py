"""How much one user, and all users together, may do at once in the chats of this web process.

The counts live in memory, so a process that dies leaves none behind. A site with several processes multiplies the
limits by their number, but for the answers of a user: `running.py` counts them in all processes.
"""

import math

from django.conf import settings

from common.errors import RateLimited
from common.limits.places import Places, Rate, Release

__all__ = ["answers", "message_rate", "process_place", "refuse_flood", "socket_place", "sockets"]

#: The owner of what is counted for the whole process.
_PROCESS = "process"
#: Messages that may come at once before the rate applies.
_BURST = 60

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
