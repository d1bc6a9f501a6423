"""The chat's WebSocket: one for each page, with many concurrent answers. `protocol.py` lists the messages.

Conversations pass through and are never stored.
"""

# Channels has no types.
# mypy: disable-error-code="no-untyped-call"

import asyncio
import logging
from contextlib import aclosing
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from accounts.models import Organisation, User
from billing import spending
from common import database, metrics
from common.errors import ApiError, Conflict, InternalError, NotAuthenticated, RateLimited
from common.money import PicoUsd
from common.outages import outage_of
from gateway import completions
from gateway.events import Started

from . import protocol
from .billing import bill_of
from .delta_buffer import DeltaBuffer
from .remedies import remedy_for
from .session import session_user

log = logging.getLogger(__name__)

#: Close code for a signed-out user. A page sees it only after the handshake.
SIGNED_OUT = 4401
#: Close code during an outage: the page connects again after a pause.
TRY_AGAIN_LATER = 1013
#: Concurrent answers of one socket.
MAX_ANSWERS = 12
#: Seconds between checks for a bill. A provider that can't be canceled is read to its end first.
BILL_PAUSES = (0.0, 0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)


class ChatConsumer(AsyncWebsocketConsumer):
    """Runs each answer in its own task, because the next message is read only after the last has been handled."""

    channel_layer_alias = ""  # no channel layer: nothing else sends to this socket

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answers: dict[str, asyncio.Task[None]] = {}
        self.bills: set[asyncio.Task[None]] = set()
        self.gone = False

    async def __call__(self, *args: Any) -> None:
        try:
            await super().__call__(*args)
        finally:  # also when the server shuts down without a disconnect
            await self.cancel_all()

    async def connect(self) -> None:
        await self.accept()
        try:
            user, organisation = await self.signed_in()
            caller = await completions.chat_caller(user, organisation)
            balance = await database.run(_balance, organisation)
            await self.send_frame(protocol.ready(balance, await completions.unavailable_models(caller)))
        except NotAuthenticated:
            await self.close(code=SIGNED_OUT)
        except Exception as error:
            if not outage_of(error):
                raise
            await self.close(code=TRY_AGAIN_LATER)

    async def disconnect(self, code: int) -> None:
        self.gone = True
        await self.cancel_all()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = protocol.decode(text_data, settings.MAX_REQUEST_BYTES)
        except ApiError as error:
            await self.send_frame(protocol.refused(None, error))
            return
        match message:
            case protocol.Ask():
                await self.start(message)
            case protocol.Stop():
                task = self.answers.get(message.id)
                if task and not task.cancelling():  # a second cancel would cut off the final frames
                    task.cancel()
            case protocol.Bill():
                self.follow_bill(message.id, message.generation_id)
            case protocol.Ping():
                await self.send_frame(protocol.pong())

    async def start(self, ask: protocol.Ask) -> None:
        """Start an answer, unless it is already running or too many are."""
        if ask.id in self.answers:
            await self.send_frame(protocol.refused(None, Conflict(f"The answer {ask.id} is already running.")))
        elif len(self.answers) >= MAX_ANSWERS:
            busy = RateLimited(f"{MAX_ANSWERS} answers are running. Wait for one to finish, or stop one.")
            await self.send_frame(protocol.refused(ask.id, busy))
            await self.send_frame(protocol.ended(ask.id))
        else:
            task = asyncio.create_task(self.answer(ask))
            self.answers[ask.id] = task
            task.add_done_callback(lambda _: self.answers.pop(ask.id, None))

    async def answer(self, ask: protocol.Ask) -> None:
        """Stream one answer, from `accepted` to `ended`. Canceling the task stops it."""
        buffer = DeltaBuffer(ask.id, self.send_frame)
        generation_id = ""
        try:
            await self.send_frame(protocol.accepted(ask.id))
            user, organisation = await self.signed_in()
            caller = await completions.chat_caller(user, organisation, **self.caller_details())
            request = completions.parse({**ask.body, "stream": True})
            async with aclosing(completions.stream(caller, request)) as events:
                async for event in events:
                    if isinstance(event, Started):
                        generation_id = event.generation_id
                    await buffer.put(event)
        except asyncio.CancelledError:
            await buffer.flush()
            await self.send_frame(protocol.stopped(ask.id))
            if generation_id:
                self.follow_bill(ask.id, generation_id)
        except ApiError as error:
            metrics.ERRORS.labels(error.error_type).inc()
            await self.send_frame(protocol.refused(ask.id, error, remedy_for(error)))
        except Exception as error:
            # Never the message or the traceback: they may quote the prompt.
            log.error("an answer failed: %s", type(error).__name__)
            await buffer.flush()
            await self.send_frame(protocol.refused(ask.id, outage_of(error) or InternalError()))
        await self.send_frame(protocol.ended(ask.id))

    def follow_bill(self, answer_id: str, generation_id: str) -> None:
        """Send the cost of a generation once it is settled."""
        if self.gone or len(self.bills) >= MAX_ANSWERS:
            return
        task = asyncio.create_task(self.send_bill(answer_id, generation_id))
        self.bills.add(task)
        task.add_done_callback(self.bills.discard)

    async def send_bill(self, answer_id: str, generation_id: str) -> None:
        for pause in BILL_PAUSES:
            await asyncio.sleep(pause)
            try:
                _, organisation = await self.signed_in()
                bill = await database.run(bill_of, generation_id, organisation)
            except NotAuthenticated:
                return
            except Exception as error:
                if not outage_of(error):
                    raise
                continue
            if bill:
                await self.send_frame(protocol.frame(answer_id, bill))
                return

    async def signed_in(self) -> tuple[User, Organisation]:
        """Return the current user and organization. Raises NotAuthenticated if the user has signed out."""
        found = await database.run(session_user, self.scope["session"].session_key)
        if found is None:
            raise NotAuthenticated("You're signed out. Sign in to continue. Your chats are still here.")
        return found

    def caller_details(self) -> dict[str, Any]:
        """Return what the gateway records about the caller, from the headers of the handshake."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        return {
            "user_agent": headers.get("user-agent", "")[:200],
            "sandbox_headers": {name: value for name, value in headers.items() if name.startswith("x-sandbox-")},
        }

    async def send_frame(self, text: str) -> None:
        """Send a frame, unless the page is gone."""
        if not self.gone:
            try:
                await self.send(text_data=text)
            except (OSError, RuntimeError):  # the server notices before `disconnect` is called
                self.gone = True

    async def cancel_all(self) -> None:
        """Cancel every task and wait until its request is settled."""
        self.gone = True
        tasks = [*self.answers.values(), *self.bills]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _balance(organisation: Organisation) -> PicoUsd:
    return PicoUsd(spending.account_of(organisation).balance)
