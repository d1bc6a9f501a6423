"""Whatever ends a session ends its sockets, and what was said until then is billed."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.db import connection

from accounts.models import User
from accounts.sockets import sign_out
from gateway.models import Generation
from tests.conftest import PASSWORD, signed_in
from tests.support.processes import wait_until

#: Longer than any test waits: what ends before was announced.
NEVER = 3600.0


async def ended(page) -> None:
    """Hear everything until the socket closes with 4401."""
    while True:
        output = await page.socket.receive_output(timeout=30)
        if output["type"] == "websocket.close":
            assert output["code"] == 4401
            return
        page.heard.append(msgspec.json.decode(output["text"]))


def set_look_seconds(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Read all sessions as often as this, with a channel layer or without."""
    for name in ("LOOK_SECONDS", "LOOK_SECONDS_ALONE"):
        monkeypatch.setattr(sign_out, name, seconds)


def by_signing_out(client, alice: User) -> None:
    assert client.post("/account/logout/").status_code == 302


def by_signing_out_everywhere_else(client, alice: User) -> None:
    client.get("/settings/profile")  # records the session
    assert signed_in(alice).post("/settings/security/sessions/end-others").status_code == 302


def by_an_operator_who_deletes_the_session(client, alice: User) -> None:
    Session.objects.all().delete()


def by_changing_the_password(client, alice: User) -> None:
    body = {"oldpassword": PASSWORD, "password1": "another long sentence", "password2": "another long sentence"}
    assert client.post("/account/password/change/", body).status_code == 302


def by_a_password_that_an_operator_sets(client, alice: User) -> None:
    alice.set_password("another long sentence")
    alice.save()


def by_disabling_the_user(client, alice: User) -> None:
    alice.is_active = False
    alice.save()


def by_a_change_that_announces_nothing(client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)


def by_rows_deleted_in_sql(client, alice: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_session")


@pytest.mark.parametrize(
    ("end", "look_seconds"),
    [
        (by_signing_out, NEVER),
        (by_signing_out_everywhere_else, NEVER),
        (by_an_operator_who_deletes_the_session, NEVER),
        (by_changing_the_password, NEVER),
        (by_a_password_that_an_operator_sets, NEVER),
        (by_disabling_the_user, NEVER),
        (by_a_change_that_announces_nothing, 0.2),
        (by_rows_deleted_in_sql, 0.2),
    ],
)
async def test_a_session_that_ends_stops_its_answers_and_bills_what_was_said(
    api, open_page, alice, alice_client, monkeypatch, end: Callable, look_seconds: float
):
    set_look_seconds(monkeypatch, look_seconds)
    page = await open_page(alice_client, tokens="2000", delay="0.02")
    await page.ask()
    started = await page.hear_until("started")
    while len(page.text()) < 40:
        await page.hear()
    await sync_to_async(end)(alice_client, alice)
    await ended(page)
    assert page.kinds()[-2:] == ["refused", "ended"]
    refused = next(frame for frame in page.heard if frame["type"] == "refused")
    assert (refused["status"], refused["message"]) == (401, "You were signed out before this answer finished.")
    assert refused["remedy"]["href"].startswith("/account/login/")
    row = await api.generation(started["generation_id"])
    assert row.cancelled
    assert 0 < row.completion_tokens < 2000
    assert row.cost > 0
    await api.assert_books_balance()


async def test_a_session_that_expires_ends_its_sockets_at_once(open_page, alice_client, clock, monkeypatch):
    set_look_seconds(monkeypatch, NEVER)
    session = await Session.objects.aget()
    session.expire_date = clock.utc_now() + timedelta(seconds=0.5)
    await session.asave()
    page = await open_page(alice_client)
    await page.hear_until("ready")
    clock.advance(seconds=1)
    await ended(page)


async def test_other_sessions_and_other_users_keep_their_sockets(open_page, alice, alice_client, charlie_client):
    first, other = await open_page(alice_client), await open_page(await sync_to_async(signed_in)(alice))
    stranger = await open_page(charlie_client)
    for page in (first, other, stranger):
        await page.hear_until("ready")
    await sync_to_async(alice_client.logout)()
    await ended(first)
    alice.name = "Alice"
    await alice.asave()
    await asyncio.sleep(0.3)
    for page in (other, stranger):
        await page.say(type="ping")
        assert await page.hear() == {"type": "pong"}


async def test_a_database_or_channel_layer_that_is_away_ends_nothing(open_page, alice_client, monkeypatch, caplog):
    set_look_seconds(monkeypatch, 0.1)
    page = await open_page(alice_client)
    await page.hear_until("ready")

    def away(_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(sign_out, "_expiries", away)
        await asyncio.to_thread(wait_until, lambda: "were not checked" in caplog.text, "a look that fails")
        assert "were not checked: ConnectionError" in caplog.text
    await page.say(type="ping")
    assert await page.hear() == {"type": "pong"}
    await sync_to_async(alice_client.logout)()
    await ended(page)


async def test_a_message_to_a_session_that_has_ended_starts_nothing(api, open_page, alice_client):
    page = await open_page(alice_client)
    await page.hear_until("ready")
    await sync_to_async(alice_client.logout)()
    await page.ask()
    await ended(page)
    assert not await Generation.objects.aexists()


async def test_redis_that_is_away_ends_no_socket_and_delays_no_sign_out(open_page, alice_client, settings):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},  # nothing listens there
        }
    }
    page = await open_page(alice_client)
    await page.hear_until("ready")
    await asyncio.sleep(0.2)
    await page.say(type="ping")
    assert await page.hear() == {"type": "pong"}
    async with asyncio.timeout(30):
        await sync_to_async(alice_client.logout)()
    await ended(page)
