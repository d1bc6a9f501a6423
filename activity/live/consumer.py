"""The WebSocket of the dashboard and the logs: it says that requests have changed, and never which or how.

The page then loads again what it shows, like any reader of that page. Frames are JSON with a `type`: to the page
`ready` (with the organization's ID), `changed`, `pong` and `refused`; from the page `ping`.
"""

# Channels has no types.
# mypy: disable-error-code="no-untyped-call"

from contextlib import ExitStack
from typing import Any

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from accounts.sockets.session import session_user
from accounts.sockets.sign_out import open_sockets
from billing import spending
from common.errors import RateLimited
from common.limits.places import Places, Rate
from common.storage import database
from common.storage.outages import outage_of

from .watching import watching

#: Close codes, as those of the chat's socket: signed out (or no longer a member), an outage, too much.
SIGNED_OUT = 4401
TRY_AGAIN_LATER = 1013
TOO_MANY = 4429

PING = '{"type":"ping"}'
#: Pings of one user a minute, and at once.
PINGS_PER_MINUTE = 120
BURST = 60

_PROCESS = "process"
places = Places()
pings = Rate()


class LiveConsumer(AsyncWebsocketConsumer):
    """One open page of a member. It is bound to the organization that the page was opened for."""

    channel_layer_alias = ""  # no channel layer of its own: `watching.py` listens once for the process

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = ExitStack()  # what this socket occupies, given back however it ends
        self.gone = False
        self.user_id = self.account_id = 0
        self.organisation_id: int | None = None
        self.session_key = self.auth_hash = ""

    async def __call__(self, *args: Any) -> None:
        try:
            await super().__call__(*args)
        finally:
            self.gone = True
            self.places.close()

    async def connect(self) -> None:
        await self.accept()
        try:
            await self._watch()
        except RateLimited as error:
            await self._send({"type": "refused", "message": error.message})
            await self.close(code=TOO_MANY)
        except Exception as error:
            if not outage_of(error):
                raise
            await self.close(code=TRY_AGAIN_LATER)

    async def _watch(self) -> None:
        """Watch the account of the session's organization, or close."""
        self.places.callback(
            places.take(_PROCESS, settings.ACTIVITY_SOCKETS, "This server has as many live pages as it can serve.")
        )
        self.session_key = self.scope["session"].session_key
        found = await database.run(session_user, self.session_key)
        if found is None:
            await self.close(code=SIGNED_OUT)
            return
        user, organisation = found
        most = settings.ACTIVITY_SOCKETS_PER_USER
        self.places.callback(places.take(user.pk, most, f"You have {most} live pages open. This one reloads slowly."))
        account = await database.run(spending.account_of, organisation)
        self.user_id, self.organisation_id, self.account_id = user.pk, organisation.pk, account.pk
        self.auth_hash = user.get_session_auth_hash()
        watching.add(self)
        self.places.callback(watching.remove, self)
        self.places.callback(open_sockets.remove, self)
        open_sockets.add(self)
        await self._send({"type": "ready", "organization": organisation.public_id})

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if pings.spend(self.user_id, PINGS_PER_MINUTE, BURST):
            await self.close(code=TOO_MANY)
        elif text_data == PING:
            await self._send({"type": "pong"})
        else:
            await self._send({"type": "refused", "message": f"This socket reads only {PING}"})

    async def changed(self) -> None:
        """Tell the page that requests of the account have changed."""
        await self._send({"type": "changed"})

    async def end_session(self) -> None:
        """Close, because the session or the membership has ended."""
        if not self.gone:
            watching.remove(self)
            await self.close(code=SIGNED_OUT)

    async def _send(self, frame: dict[str, str]) -> None:
        if not self.gone:
            try:
                await self.send(text_data=msgspec.json.encode(frame).decode())
            except (OSError, RuntimeError):  # the server notices before the consumer is told
                self.gone = True
