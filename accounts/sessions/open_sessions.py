"""The open sessions of a user, and how they are ended: their sockets close at once, in every process."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from accounts.models import User
from common import clock

from . import devices

__all__ = ["OpenSession", "end", "of"]


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that signs its user in."""

    row: UserSession
    is_current: bool

    @property
    def pk(self) -> int:
        return int(self.row.pk)

    @property
    def device(self) -> str:
        """The browser and system, as far as the user agent says."""
        return devices.describe(self.row.user_agent)

    @property
    def address(self) -> str:
        """The IP address that it was last seen at."""
        return str(self.row.ip)

    @property
    def first_seen(self) -> datetime:
        return self.row.created_at

    @property
    def last_seen(self) -> datetime:
        return self.row.last_seen_at


def of(user: User, current_key: str | None) -> list[OpenSession]:
    """Return the user's open sessions: the current one, which has this key, first, then the one last seen."""
    rows = UserSession.objects.filter(user=user).order_by("-last_seen_at", "-pk")
    open_keys = _open(user, [row.session_key for row in rows])
    found = [OpenSession(row, row.session_key == current_key) for row in rows if row.session_key in open_keys]
    return sorted(found, key=lambda session: not session.is_current)


def end(sessions: Collection[OpenSession]) -> None:
    """End the sessions. Deleting a session announces it to the sockets (`accounts.sockets.sign_out`)."""
    for session in sessions:
        session.row.end()


def _open(user: User, keys: Collection[str]) -> set[str]:
    """Return the keys of sessions that exist and were opened with the user's present password."""
    alive = Session.objects.filter(session_key__in=keys, expire_date__gt=clock.utc_now())
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    found = set()
    for session in alive:
        data = session.get_decoded()
        proof = str(data.get(HASH_SESSION_KEY, ""))
        if data.get(SESSION_KEY) == str(user.pk) and any(constant_time_compare(proof, each) for each in hashes):
            found.add(session.session_key)
    return found
