"""The live socket: a page hears that its account has changed, nothing else, and only as long as it may see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import Membership, User
from accounts.sockets import sign_out
from activity.live import consumer
from activity.live.watching import watching
from gateway.changes import changed_accounts
from tests.chat.conftest import ORIGIN
from tests.conftest import signed_in
from tests.gateway.conftest import Api, api, program_key, small_catalogue

__all__ = ["Api", "api", "program_key", "small_catalogue"]

#: Longer than any test waits: what ends before was announced.
NEVER = 3600.0


class Live:
    """A page's side of the live socket."""

    def __init__(self, socket: WebsocketCommunicator) -> None:
        self.socket = socket

    async def hear(self) -> dict[str, Any]:
        return msgspec.json.decode(await self.socket.receive_from(timeout=30))

    async def ping(self) -> None:
        """Everything that was sent before is heard when the answer comes."""
        await self.socket.send_to(text_data=consumer.PING)

    async def heard_until_pong(self) -> list[str]:
        await self.ping()
        heard = []
        while (frame := await self.hear())["type"] != "pong":
            heard.append(frame["type"])
        return heard

    async def closed(self) -> int:
        while (output := await self.socket.receive_output(timeout=30))["type"] != "websocket.close":
            pass
        return output["code"]


Open = Callable[..., Awaitable[Live]]


@pytest.fixture
async def open_live(transactional_db, monkeypatch) -> AsyncIterator[Open]:
    """Opens the socket with a client's cookies."""
    from openrouter_site.asgi import application

    consumer.pings.clear()
    monkeypatch.setattr("activity.live.watching.PAUSE_SECONDS", 0.01)
    sockets: list[WebsocketCommunicator] = []

    async def open_live(client: Client | None, *, origin: bytes = ORIGIN, connects: bool = True) -> Live:
        headers = [(b"host", b"127.0.0.1"), (b"origin", origin)]
        if client is not None:
            cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
            headers.append((b"cookie", cookies.encode()))
        socket = WebsocketCommunicator(application, "/ws/activity", headers=headers)
        sockets.append(socket)
        connected, _ = await socket.connect(timeout=30)
        assert connected is connects
        return Live(socket)

    yield open_live
    for socket in sockets:
        if not socket.future.done():
            await socket.disconnect(timeout=30)
    await asyncio.sleep(0)
    assert not watching._by_account
    assert not consumer.places._taken


async def test_a_request_is_told_to_the_members_of_its_organization_and_to_no_other(
    api: Api, open_live: Open, alice_client, bob_client, charlie_client, charlie
):
    pages = [await open_live(client) for client in (alice_client, bob_client)]
    stranger = await open_live(charlie_client)
    organization = await sync_to_async(lambda: str(charlie.personal_organisation.public_id))()
    assert await stranger.hear() == {"type": "ready", "organization": organization}
    for page in pages:
        assert (await page.hear())["type"] == "ready"
    assert (await api.chat("a secret prompt")).status_code == 200
    await api.generation()
    for page in pages:
        assert await page.hear() == {"type": "changed"}
    assert await stranger.heard_until_pong() == []


async def test_many_changes_are_told_together(open_live: Open, alice_client, account, monkeypatch):
    page = await open_live(alice_client)
    await page.hear()
    monkeypatch.setattr("activity.live.watching.PAUSE_SECONDS", NEVER)
    for _ in range(200):
        changed_accounts.give({account.pk, account.pk + 1})
    assert await page.hear() == {"type": "changed"}
    for _ in range(200):
        changed_accounts.give({account.pk})
    assert await page.heard_until_pong() == []


async def test_it_reads_nothing_but_pings(open_live: Open, alice_client):
    page = await open_live(alice_client)
    await page.hear()
    await page.socket.send_to(text_data='{"type":"ask"}')
    assert (await page.hear())["type"] == "refused"
    await page.socket.send_to(bytes_data=b"\xff\x00")
    assert (await page.hear())["type"] == "refused"
    assert await page.heard_until_pong() == []


async def test_a_flood_ends_the_socket(open_live: Open, alice_client, clock):
    page = await open_live(alice_client)
    await page.hear()
    for _ in range(consumer.BURST + 1):
        await page.ping()
    assert await page.closed() == consumer.TOO_MANY


async def test_other_sites_and_signed_out_visitors_are_refused(open_live: Open, alice_client):
    await open_live(alice_client, origin=b"https://elsewhere.example.com", connects=False)
    for client in (None, Client()):
        assert await (await open_live(client)).closed() == consumer.SIGNED_OUT


async def test_a_user_has_a_limit_and_another_user_is_not_affected(
    open_live: Open, alice_client, charlie_client, settings
):
    settings.ACTIVITY_SOCKETS_PER_USER = 2
    pages = [await open_live(alice_client) for _ in range(2)]
    for page in pages:
        assert (await page.hear())["type"] == "ready"
    refused = await open_live(alice_client)
    assert "2 live pages" in (await refused.hear())["message"]
    assert await refused.closed() == consumer.TOO_MANY
    assert (await (await open_live(charlie_client)).hear())["type"] == "ready"
    await pages[0].socket.disconnect(timeout=30)
    assert (await (await open_live(alice_client)).hear())["type"] == "ready"


def by_signing_out(client: Client, bob) -> None:
    client.logout()


def by_removing_the_member(client: Client, bob) -> None:
    Membership.objects.filter(user=bob).exclude(organisation=bob.personal_organisation).get().delete()


def by_removing_it_in_bulk(client: Client, bob) -> None:
    Membership.objects.filter(user=bob).exclude(organisation=bob.personal_organisation)._raw_delete("default")


def by_deleting_the_session(client: Client, bob) -> None:
    Session.objects.filter(pk=client.session.session_key).delete()


@pytest.mark.parametrize(
    ("end", "look_seconds"),
    [
        (by_signing_out, NEVER),
        (by_removing_the_member, NEVER),
        (by_removing_it_in_bulk, 0.2),
        (by_deleting_the_session, NEVER),
    ],
)
async def test_a_member_who_leaves_or_signs_out_hears_no_more(
    open_live: Open, alice_client, bob_client, account, monkeypatch, end: Callable, look_seconds: float
):
    for name in ("LOOK_SECONDS", "LOOK_SECONDS_ALONE"):
        monkeypatch.setattr(sign_out, name, look_seconds)
    bob = await User.objects.aget(email="bob@example.com")
    leaves, stays = await open_live(bob_client), await open_live(alice_client)
    for page in (leaves, stays):
        await page.hear()
    await sync_to_async(end)(bob_client, bob)
    assert await leaves.closed() == consumer.SIGNED_OUT
    changed_accounts.give({account.pk})
    assert await stays.hear() == {"type": "changed"}
    assert await leaves.socket.receive_nothing()
    own = await open_live(await sync_to_async(signed_in)(bob))
    assert (await own.hear())["organization"] == await sync_to_async(lambda: bob.personal_organisation.public_id)()
