"""Ends the sockets of sessions that are signed out, and of members who leave, in every web process.

Whatever may end a session announces its user: in this process directly, to the others through the channel layer. An
announcement is only a hint: each process then reads the sessions of its sockets from the database. It also reads them
all every few seconds, for what was not announced, and at the moment at which the next one expires.
"""

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from accounts.models import Membership, User
from common import clock
from common.storage import database
from common.storage.hints import layer_between_processes, listen

__all__ = ["SignedInSockets", "Socket", "announce", "connect_signals", "open_sockets"]

log = logging.getLogger(__name__)

GROUP = "signed-out"
#: Seconds between two looks at all sessions: with a channel layer that other processes announce through, and without.
LOOK_SECONDS = 5.0
LOOK_SECONDS_ALONE = 1.0
#: Seconds that an announcement may take.
ANNOUNCE_SECONDS = 1.0


class Socket(Protocol):
    """A socket of a signed-in user; of a member, if it shows what belongs to one organization."""

    session_key: str
    user_id: int
    auth_hash: str  # of the password with which the session was opened
    organisation_id: int | None

    async def end_session(self) -> None:
        """Stop what runs and close, because the session or the membership has ended."""


class SignedInSockets:
    """The sockets of this process. A task checks their sessions as long as there are any."""

    def __init__(self) -> None:
        self._sockets: set[Socket] = set()
        self._hinted_users: set[int] = set()
        self._hint = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._hears_others = False
        self._look_at = 0.0  # when all sessions are read again, in the loop's time

    def add(self, socket: Socket) -> None:
        """Watch a socket's session."""
        self._sockets.add(socket)
        if self._loop is None:
            self._loop, self._hint = asyncio.get_running_loop(), asyncio.Event()
            self._look_at = self._loop.time() + LOOK_SECONDS_ALONE
            self._task = asyncio.create_task(self._watch())
        self._check(socket.user_id)  # the session may have ended since it was read

    def remove(self, socket: Socket) -> None:
        """Stop watching a socket's session."""
        self._sockets.discard(socket)
        if not self._sockets and self._task:
            self._task.cancel()
            self._task = self._loop = None

    def check_soon(self, user_id: int) -> None:
        """Check the sessions of a user's sockets. May be called from any thread."""
        if loop := self._loop:
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._check, user_id)

    def _check(self, user_id: int) -> None:
        self._hinted_users.add(user_id)
        self._hint.set()

    async def _watch(self) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self._look_at):
                        await self._hint.wait()
                self._hint.clear()
                users, self._hinted_users = self._hinted_users, set()
                try:
                    await self._end_signed_out(users)
                except Exception as error:  # the database is away: no reason to end anything
                    log.warning("the sessions of the sockets were not checked: %s", type(error).__name__)
        finally:
            listening.cancel()

    async def _end_signed_out(self, users: Collection[int]) -> None:
        """End the sockets of these users whose session has ended; those of all users if it is time to look."""
        loop = asyncio.get_running_loop()
        look = loop.time() >= self._look_at
        if look:
            self._look_at = loop.time() + (LOOK_SECONDS if self._hears_others else LOOK_SECONDS_ALONE)
        chosen = [each for each in self._sockets if look or each.user_id in users]
        if not chosen:
            return
        expiries, left = await database.run(_expiries, chosen), await database.run(_left, chosen)
        if expiries:
            until_next = (min(expiries.values()) - clock.utc_now()).total_seconds()
            self._look_at = min(self._look_at, loop.time() + max(0.05, until_next))
        for each in chosen:
            if (each.session_key not in expiries or each in left) and each in self._sockets:
                self._sockets.discard(each)
                task = asyncio.create_task(each.end_session())
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    async def _listen(self) -> None:
        """Take the announcements of other processes."""

        def heard(works: bool) -> None:
            if self._hears_others and not works:
                log.warning("sign-outs in other processes are seen late: the channel layer is away")
            self._hears_others = works

        await listen(GROUP, lambda message: self._check(message["user"]), heard)


open_sockets = SignedInSockets()


def announce(user_id: int) -> None:
    """Let every process check the sessions of a user's sockets. A channel layer that is away is logged, not raised."""
    open_sockets.check_soon(user_id)
    if (layer := layer_between_processes()) is None:
        return
    try:
        async_to_sync(_tell_others)(layer, user_id)
    except Exception as error:
        log.warning("a sign-out was not announced to the other processes: %s", type(error).__name__)


def connect_signals() -> None:
    """Announce the user of every session and membership that is deleted, and those whose password or status changes."""
    post_delete.connect(_session_deleted, sender=Session, dispatch_uid="sockets.session-deleted")
    post_delete.connect(_membership_deleted, sender=Membership, dispatch_uid="sockets.membership-deleted")
    post_save.connect(_user_saved, sender=User, dispatch_uid="sockets.user-saved")
    post_delete.connect(_user_deleted, sender=User, dispatch_uid="sockets.user-deleted")


async def _tell_others(layer: Any, user_id: int) -> None:
    async with asyncio.timeout(ANNOUNCE_SECONDS):
        await layer.group_send(GROUP, {"type": "check", "user": user_id})


def _expiries(sockets: Collection[Socket]) -> dict[str, datetime]:
    """Return the expiry of each session that still signs its user in, by session key."""
    keys = {each.session_key for each in sockets}
    found = Session.objects.filter(session_key__in=keys, expire_date__gt=clock.utc_now())
    expiries = dict(found.values_list("session_key", "expire_date"))
    users = User.objects.filter(pk__in={each.user_id for each in sockets}, is_active=True).only("pk", "password")
    hashes = {user.pk: user.get_session_auth_hash() for user in users}
    return {
        each.session_key: expiries[each.session_key]
        for each in sockets
        if each.session_key in expiries and hashes.get(each.user_id) == each.auth_hash
    }


def _left(sockets: Collection[Socket]) -> set[Socket]:
    """Return the sockets whose user is no longer a member of their organization."""
    bound = {each: (each.user_id, each.organisation_id) for each in sockets if each.organisation_id is not None}
    if not bound:
        return set()
    users, organisations = zip(*bound.values(), strict=True)
    found = Membership.objects.filter(user__in=set(users), organisation__in=set(organisations))
    memberships = set(found.values_list("user", "organisation"))
    return {each for each, membership in bound.items() if membership not in memberships}


def _session_deleted(instance: Session, **_: Any) -> None:
    if instance.expire_date <= clock.utc_now():
        return  # its sockets have ended with it
    user_id = instance.get_decoded().get("_auth_user_id")
    if user_id is not None:
        _announce_on_commit(int(user_id))


def _user_saved(instance: User, created: bool, update_fields: Collection[str] | None, **_: Any) -> None:
    if not created and (update_fields is None or {"password", "is_active"} & set(update_fields)):
        _announce_on_commit(instance.pk)


def _membership_deleted(instance: Membership, **_: Any) -> None:
    _announce_on_commit(instance.user_id)


def _user_deleted(instance: User, **_: Any) -> None:
    _announce_on_commit(instance.pk)


def _announce_on_commit(user_id: int) -> None:
    transaction.on_commit(partial(announce, user_id), robust=True)
