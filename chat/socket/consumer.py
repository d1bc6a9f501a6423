"""The chat's WebSocket: one for each page, with many concurrent answers. `protocol.py` lists the messages.

Conversations pass through. Answers are kept for some minutes, encrypted for the page that asked (`kept_answers.py`).
"""

# Channels has no types.
# mypy: disable-error-code="no-untyped-call"

import asyncio
import logging
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from accounts.models import Organisation, User
from accounts.sockets.session import session_user
from accounts.sockets.sign_out import open_sockets
from billing import spending
from chat import protocol
from chat.answers import limits
from chat.answers.answering import stream_answer
from chat.answers.kept_answers import Keeper, key_from, store
from chat.answers.remedies import remedy_for
from chat.answers.running import Place, take_place
from common.errors import ApiError, Conflict, NotAuthenticated, RateLimited
from common.limits.places import Release
from common.money import PicoUsd
from common.storage import database
from common.storage.outages import outage_of
from gateway import completions
from gateway.callers import Caller
from gateway.steps import previews

from .callers import caller_for
from .following import Following

log = logging.getLogger(__name__)

#: Close code for a signed-out user. A page sees it only after the handshake.
SIGNED_OUT = 4401
#: Close code during an outage: the page connects again after a pause.
TRY_AGAIN_LATER = 1013
#: Close code for a user or a server with too many sockets. The frame before it says which.
TOO_MANY = 4429
#: Seconds for which a socket that sends too many messages is not read.
FLOOD_PAUSE = 1.0
#: Seconds that a socket whose session has ended waits for its answers to stop.
STOP_SECONDS = 5.0

#: The answers of this process that go on without their socket.
detached: set[asyncio.Task[None]] = set()


async def stop_detached() -> None:
    """Stop the answers that go on without their socket, because the process ends."""
    tasks = list(detached)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class ChatConsumer(AsyncWebsocketConsumer):
    """Runs each answer in its own task, because the next message is read only after the last has been handled."""

    channel_layer_alias = ""  # no channel layer of its own: `accounts/sockets/sign_out.py` listens once for the process

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answers: dict[str, asyncio.Task[None]] = {}
        self.kept: set[str] = set()  # those that go on without the socket
        self.following = Following(self.send_frame, self.signed_in)
        self.places: list[Release] = []  # what this socket occupies, given back however it ends
        self.gone = False  # the page
        self.closed = False
        self.session_ended = False
        self.user_id = 0
        self.organisation_id: int | None = None  # of each message anew
        self.session_key = self.auth_hash = ""
        self.user_agent = ""
        self.sandbox_headers: dict[str, str] = {}

    async def __call__(self, *args: Any) -> None:
        try:
            await super().__call__(*args)
        except BaseException:  # also when the server shuts down without a disconnect
            await self.cancel(*self.answers)
            raise
        finally:
            self.closed = True
            while self.places:
                self.places.pop()()
            self.forget_session()

    async def connect(self) -> None:
        await self.accept()
        self.take_headers()
        try:
            self.places.append(limits.socket_place(None))
            user, organisation = await self.signed_in()
            self.places.append(limits.socket_place(user.pk))
            limits.refuse_flood(user.pk)
            self.watch_session(user)
            caller = await completions.chat_caller(user, organisation)
            balance = await database.run(_balance, organisation)
            unavailable = await previews.exclusion_reasons(caller)
            await self.send_frame(protocol.ready(balance, unavailable, user.public_id))
        except NotAuthenticated:
            await self.close(code=SIGNED_OUT)
        except RateLimited as error:
            await self.send_frame(protocol.refused(None, error))
            await self.close(code=TOO_MANY)
        except Exception as error:
            if not outage_of(error):
                raise
            await self.close(code=TRY_AGAIN_LATER)

    async def disconnect(self, code: int) -> None:
        """Let the answers that a page can resume go on, and cancel the rest."""
        self.gone = True
        detached.update(self.answers[each] for each in self.kept)
        await self.cancel(*(each for each in self.answers if each not in self.kept))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.session_ended or not self.user_id:
            return  # this socket is closing
        message: protocol.Message | None = None
        try:
            message = protocol.decode(text_data, settings.MAX_REQUEST_BYTES)
            limits.refuse_flood(self.user_id)
        except RateLimited as error:
            await self.refuse(message, error)
            await asyncio.sleep(FLOOD_PAUSE)  # nothing more is read from this socket until then
            return
        except ApiError as error:
            await self.refuse(message, error)
            return
        match message:
            case protocol.Ask():
                await self.start(message)
            case protocol.Stop() if message.id in self.following:
                await store().stop(self.name_of(message.id))
            case protocol.Stop():
                self.stop(message.id)
            case protocol.Resume():
                if message.id not in self.answers:
                    self.following.resume(message, self.name_of(message.id))
            case protocol.Forget():
                if message.id not in self.answers:
                    await store().remove(self.name_of(message.id))
            case protocol.Bill():
                self.following.bill(message.id, message.generation_id)
            case protocol.Check():
                await self.check(message)
            case protocol.Ping():
                await self.send_frame(protocol.pong())

    async def check(self, message: protocol.Check) -> None:
        """Send the models that the preferences leave without a provider."""
        try:
            caller, _ = await self.caller()
            await self.send_frame(protocol.unavailable(await completions.unavailable_models(caller, message.provider)))
        except ApiError as error:
            await self.refuse(None, error)

    async def start(self, ask: protocol.Ask) -> None:
        """Start an answer, unless it is already running or too many are."""
        if ask.id in self.answers:
            await self.refuse(None, Conflict(f"The answer {ask.id} is already running."))
            return
        try:
            place = await take_place(self.user_id)
        except RateLimited as busy:
            await self.refuse(ask, busy)
            return
        task = asyncio.create_task(self.answer(ask, place))
        self.answers[ask.id] = task
        if ask.key:
            self.kept.add(ask.id)

        def ended(task: asyncio.Task[None]) -> None:  # also of a task that was canceled before it began
            place.give_back()
            self.answers.pop(ask.id, None)
            self.kept.discard(ask.id)
            detached.discard(task)
            self.forget_session()

        task.add_done_callback(ended)

    def stop(self, answer_id: str) -> None:
        """Stop an answer, which keeps what was said."""
        task = self.answers.get(answer_id)
        if task and not task.cancelling():  # a second cancel would cut off the final frames
            task.cancel()

    async def refuse(self, message: protocol.Message | None, error: ApiError) -> None:
        """Refuse a message. An `ask` has ended then; any other refusal is about the socket."""
        asked = message.id if isinstance(message, protocol.Ask) else None
        await self.send_frame(protocol.refused(asked, error, remedy_for(error)))
        if asked:
            await self.send_frame(protocol.ended(asked))

    async def answer(self, ask: protocol.Ask, place: Place) -> None:
        """Stream one answer, from `accepted` to `ended`. Canceling the task stops it."""
        keeper = None
        if ask.key:
            keeper = Keeper(self.name_of(ask.id), key_from(ask.key), lambda: self.stop(ask.id))

        async def send(frame: str) -> None:
            if keeper:
                keeper.add(frame)
            await self.send_frame(frame)

        try:
            if keeper:
                await keeper.open()
            stopped = await stream_answer(ask, send, self.caller, self.reason_to_stop)
            if stopped and not self.gone:
                self.following.bill(ask.id, stopped)
        finally:
            # Before the page hears of the end: what it then forgets is all there is, and it may ask again at once.
            if keeper:
                keeper.add(protocol.ended(ask.id))
                await keeper.close()
            if told := place.give_back():
                await asyncio.shield(told)
        await self.send_frame(protocol.ended(ask.id))

    def name_of(self, answer_id: str) -> str:
        """Return the name under which an answer of this user is kept."""
        return f"{self.user_id}:{answer_id}"

    def watch_session(self, user: User) -> None:
        """Let `end_session` be called when the session that opened this socket ends."""
        self.user_id, self.auth_hash = user.pk, user.get_session_auth_hash()
        self.session_key = self.scope["session"].session_key
        open_sockets.add(self)

    def forget_session(self) -> None:
        """No longer let the session end this socket, if it is closed and its last answer has ended."""
        if self.closed and not self.answers:
            open_sockets.remove(self)

    async def end_session(self) -> None:
        """Stop the answers, which bills what was said, and close."""
        self.session_ended = True
        answers = list(self.answers.values())
        for task in answers:
            if not task.cancelling():
                task.cancel()
        if answers:
            await asyncio.wait(answers, timeout=STOP_SECONDS)
        if not self.gone:
            await self.close(code=SIGNED_OUT)

    async def signed_in(self) -> tuple[User, Organisation]:
        """Return the current user and organization. Raises NotAuthenticated if the user has signed out."""
        found = await database.run(session_user, self.scope["session"].session_key)
        if found is None:
            raise NotAuthenticated("You're signed out. Sign in to continue. Your chats are still here.")
        return found

    def take_headers(self) -> None:
        """Keep what answers need of the handshake's headers. The others would take memory for as long as the socket."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        self.user_agent = headers.get("user-agent", "")[:200]
        self.sandbox_headers = {name: value for name, value in headers.items() if name.startswith("x-sandbox-")}
        self.scope["headers"].clear()
        self.scope["cookies"].clear()  # the session is open

    async def caller(self, api_key: str | None = None) -> tuple[Caller, int]:
        """Return whom the gateway serves, as the headers of the handshake describe it, and the organization's ID.

        With the secret of an API key, that is the key. Raises NotAuthenticated or PermissionDenied if it can't be used.
        """
        user, organisation = await self.signed_in()
        details = {"user_agent": self.user_agent, "sandbox_headers": self.sandbox_headers}
        address = client[0] if (client := self.scope.get("client")) else None
        return await caller_for(user, organisation, api_key, address, details), organisation.pk

    def reason_to_stop(self) -> NotAuthenticated | None:
        """Return why the answers of this socket are stopped, unless its page stops them."""
        if not self.session_ended:
            return None
        return NotAuthenticated("You were signed out before this answer finished.")

    async def send_frame(self, text: str) -> None:
        """Send a frame, unless the page is gone."""
        if not self.gone:
            try:
                await self.send(text_data=text)
            except (OSError, RuntimeError):  # the server notices before `disconnect` is called
                self.gone = True

    async def cancel(self, *answers: str) -> None:
        """Cancel these answers, and all that only this socket needs; wait until they are settled."""
        self.gone = True
        tasks = [self.answers[each] for each in answers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self.following.cancel(), return_exceptions=True)


def _balance(organisation: Organisation) -> PicoUsd:
    return PicoUsd(spending.account_of(organisation).balance)
