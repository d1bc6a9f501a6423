"""The chatroom's socket: one for a page, many answers at once. `protocol.py` lists the messages.

Nothing of a conversation stays here: it passes through.
"""

# Channels has no types.
# mypy: disable-error-code="no-untyped-call"

import asyncio
import logging
from contextlib import aclosing
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from accounts.models import Organisation, User
from billing import spending
from common.errors import ApiError, Conflict, InternalError, NotAuthenticated, RateLimited
from common.money import PicoUsd
from gateway import completions
from gateway.events import Started

from . import protocol
from .bills import bill_of
from .outbox import Outbox
from .remedies import remedy_for
from .visitors import visitor

log = logging.getLogger(__name__)

#: Close code for somebody who is not signed in; a page sees it only after the handshake.
SIGNED_OUT = 4401
#: Answers that one socket may have under way.
MOST_ANSWERS = 12
#: Seconds between looks for a bill. A provider that cannot be stopped is read to its end first.
BILL_PAUSES = (0.0, 0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)


class ChatConsumer(AsyncWebsocketConsumer):
    """Answers in tasks of their own, because a message is only read when the last one has been handled."""

    channel_layer_alias = ""  # no channel layer: nothing is sent to this socket from elsewhere

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answers: dict[str, asyncio.Task[None]] = {}
        self.bills: set[asyncio.Task[None]] = set()
        self.gone = False

    async def __call__(self, *args: Any) -> None:
        try:
            await super().__call__(*args)
        finally:  # also when the server shuts down without a word
            await self.end_everything()

    async def connect(self) -> None:
        await self.accept()
        try:
            user, organisation = await self.visitor()
        except NotAuthenticated:
            await self.close(code=SIGNED_OUT)
            return
        caller = await completions.chat_caller(user, organisation)
        await self.say(protocol.ready(await _balance(organisation), await completions.unavailable_models(caller)))

    async def disconnect(self, code: int) -> None:
        self.gone = True
        await self.end_everything()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = protocol.decode(text_data, settings.MAX_REQUEST_BYTES)
        except ApiError as error:
            await self.say(protocol.refused(None, error))
            return
        match message:
            case protocol.Ask():
                await self.start(message)
            case protocol.Stop():
                task = self.answers.get(message.id)
                if task and not task.cancelling():  # once is enough, and a second time would cut off its last words
                    task.cancel()
            case protocol.Bill():
                self.look_for_bill(message.id, message.generation_id)
            case protocol.Ping():
                await self.say(protocol.pong())

    async def start(self, ask: protocol.Ask) -> None:
        """Begin an answer, unless this one is under way already or there are too many."""
        if ask.id in self.answers:
            await self.say(protocol.refused(None, Conflict(f"The answer {ask.id} is under way already.")))
        elif len(self.answers) >= MOST_ANSWERS:
            busy = RateLimited(f"{MOST_ANSWERS} answers are under way. Wait for one of them, or stop it.")
            await self.say(protocol.refused(ask.id, busy))
            await self.say(protocol.ended(ask.id))
        else:
            task = asyncio.create_task(self.answer(ask))
            self.answers[ask.id] = task
            task.add_done_callback(lambda _: self.answers.pop(ask.id, None))

    async def answer(self, ask: protocol.Ask) -> None:
        """Say one answer, from `accepted` to `ended`. Cancelling stops it; what has been said stays said."""
        outbox = Outbox(ask.id, self.say)
        generation_id = ""
        try:
            await self.say(protocol.accepted(ask.id))
            user, organisation = await self.visitor()
            caller = await completions.chat_caller(user, organisation, **self.details())
            request = completions.parse({**ask.body, "stream": True})
            async with aclosing(completions.stream(caller, request)) as events:
                async for event in events:
                    if isinstance(event, Started):
                        generation_id = event.generation_id
                    await outbox.put(event)
        except asyncio.CancelledError:
            await outbox.flush()
            await self.say(protocol.stopped(ask.id))
            if generation_id:
                self.look_for_bill(ask.id, generation_id)
        except ApiError as error:
            await self.say(protocol.refused(ask.id, error, remedy_for(error)))
        except Exception as error:
            # Never the message or the traceback: they may quote the prompt.
            log.error("an answer broke off: %s", type(error).__name__)
            await outbox.flush()
            await self.say(protocol.refused(ask.id, InternalError()))
        await self.say(protocol.ended(ask.id))

    def look_for_bill(self, answer_id: str, generation_id: str) -> None:
        """Say what a generation cost as soon as it is settled."""
        if self.gone or len(self.bills) >= MOST_ANSWERS:
            return
        task = asyncio.create_task(self.say_bill(answer_id, generation_id))
        self.bills.add(task)
        task.add_done_callback(self.bills.discard)

    async def say_bill(self, answer_id: str, generation_id: str) -> None:
        try:
            _, organisation = await self.visitor()
        except NotAuthenticated:
            return
        for pause in BILL_PAUSES:
            await asyncio.sleep(pause)
            if bill := await database_sync_to_async(bill_of)(generation_id, organisation):
                await self.say(protocol.frame(answer_id, bill))
                return

    async def visitor(self) -> tuple[User, Organisation]:
        """Who is asking, as of now. NotAuthenticated when they have signed out."""
        found: tuple[User, Organisation] | None = await database_sync_to_async(visitor)(
            self.scope["session"].session_key
        )
        if found is None:
            raise NotAuthenticated("You are signed out. Sign in again to go on; your conversations stay here.")
        return found

    def details(self) -> dict[str, Any]:
        """What else the gateway wants to know of a caller, from the headers of the handshake."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        return {
            "user_agent": headers.get("user-agent", "")[:200],
            "sandbox_headers": {name: value for name, value in headers.items() if name.startswith("x-sandbox-")},
        }

    async def say(self, text: str) -> None:
        """Send a frame, unless the page has gone."""
        if not self.gone:
            try:
                await self.send(text_data=text)
            except (OSError, RuntimeError):  # the server knows before `disconnect` is called
                self.gone = True

    async def end_everything(self) -> None:
        """Cancel what is under way and wait until it has been settled."""
        self.gone = True
        tasks = [*self.answers.values(), *self.bills]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@database_sync_to_async
def _balance(organisation: Organisation) -> PicoUsd:
    return PicoUsd(spending.account_of(organisation).balance)
