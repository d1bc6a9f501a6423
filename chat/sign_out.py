"""Ends the sockets of sessions that are signed out, in every web process.

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
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from accounts.models import User
from common import clock
from common.storage import database

__all__ = ["SignedInSockets", "Socket", "announce", "connect_signals", "open_sockets"]

log = logging.getLogger(__name__)

GROUP = "chat.signed-out"
#: Seconds between two looks at all sessions: with a channel layer that other processes announce through, and without.
LOOK_SECONDS = 5.0
LOOK_SECONDS_ALONE = 1.0
#: Seconds that an announcement may take, and before the channel layer is tried again.
ANNOUNCE_SECONDS = 1.0
RETRY_SECONDS = 1.0
#: Seconds after which a process joins the group again, which forgets its members after a day.
REJOIN_SECONDS = 3600.0


class Socket(Protocol):
    """A socket of a signed-in user."""

    session_key: str
    user_id: int
    auth_hash: str  # of the password with which the session was opened

    async def end_session(self) -> None:
        """Stop the answers and close, because the session has ended."""


class SignedInSockets:
    """The sockets of this process. A task checks their sessions as long as there are any."""

    def __init__(self) -> None:
        self._sockets: set[Socket] = set()
        self._hinted_users: set[int] = set()
        self._hint = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._channel = ""  # of this process in the channel layer
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
                    log.warning("the sessions of the chats were not checked: %s", type(error).__name__)
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
        expiries = await database.run(_expiries, chosen)
        if expiries:
            until_next = (min(expiries.values()) - clock.utc_now()).total_seconds()
            self._look_at = min(self._look_at, loop.time() + max(0.05, until_next))
        for each in chosen:
            if each.session_key not in expiries and each in self._sockets:
                self._sockets.discard(each)
                task = asyncio.create_task(each.end_session())
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    async def _listen(self) -> None:
        """Take the announcements of other processes, for as long as the channel layer works and whenever it does."""
        layer = get_channel_layer()
        if layer is None or isinstance(layer, InMemoryChannelLayer):
            return
        while True:
            try:
                self._channel = self._channel or await layer.new_channel()
                await layer.group_add(GROUP, self._channel)
                self._hears_others = True
                with suppress(TimeoutError):
                    async with asyncio.timeout(REJOIN_SECONDS):
                        while True:
                            self._check((await layer.receive(self._channel))["user"])
            except Exception as error:
                if self._hears_others:
                    log.warning("sign-outs in other processes are seen late: %s", type(error).__name__)
                self._hears_others = False
                await asyncio.sleep(RETRY_SECONDS)


open_sockets = SignedInSockets()


def announce(user_id: int) -> None:
    """Let every process check the sessions of a user's sockets. A channel layer that is away is logged, not raised."""
    open_sockets.check_soon(user_id)
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return
    try:
        async_to_sync(_tell_others)(layer, user_id)
    except Exception as error:
        log.warning("a sign-out was not announced to the other processes: %s", type(error).__name__)


def connect_signals() -> None:
    """Announce the user of every session that is deleted, and every user whose password or status changes."""
    post_delete.connect(_session_deleted, sender=Session, dispatch_uid="chat.session-deleted")
    post_save.connect(_user_saved, sender=User, dispatch_uid="chat.user-saved")
    post_delete.connect(_user_deleted, sender=User, dispatch_uid="chat.user-deleted")


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


def _session_deleted(instance: Session, **_: Any) -> None:
    if instance.expire_date <= clock.utc_now():
        return  # its sockets have ended with it
    user_id = instance.get_decoded().get("_auth_user_id")
    if user_id is not None:
        _announce_on_commit(int(user_id))


def _user_saved(instance: User, created: bool, update_fields: Collection[str] | None, **_: Any) -> None:
    if not created and (update_fields is None or {"password", "is_active"} & set(update_fields)):
        _announce_on_commit(instance.pk)


def _user_deleted(instance: User, **_: Any) -> None:
    _announce_on_commit(instance.pk)


def _announce_on_commit(user_id: int) -> None:
    transaction.on_commit(partial(announce, user_id), robust=True)
