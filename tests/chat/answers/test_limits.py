"""How much one user may do at once: sockets, answers and messages, and exact counts however a task ends."""

import asyncio

import pytest

from chat.answers import limits
from chat.answers.running import take_place
from common.errors import RateLimited
from common.limits.places import Places, Rate


async def refused_with(page) -> str:
    """The reason of the refusal before the socket closes with 4429."""
    frame = await page.hear()
    assert (frame["type"], frame["status"], "id" in frame) == ("refused", 429, False)
    closing = await page.socket.receive_output(timeout=30)
    assert (closing["type"], closing["code"]) == ("websocket.close", 4429)
    return frame["message"]


async def settled(api) -> None:
    """Wait until every request is settled; the books balance then."""
    for _ in range(600):
        if not (await api.account()).held:
            break
        await asyncio.sleep(0.05)
    await api.assert_books_balance()


async def test_one_user_cannot_open_more_sockets_than_allowed_and_another_still_can(
    open_page, alice_client, charlie_client, settings
):
    settings.CHAT_SOCKETS_PER_USER = 3
    pages = [await open_page(alice_client) for _ in range(3)]
    for page in pages:
        await page.hear_until("ready")
    assert "You have 3 chats open. Close a tab" in await refused_with(await open_page(alice_client))
    assert (await (await open_page(charlie_client)).hear())["type"] == "ready"
    await pages[0].socket.disconnect(timeout=30)
    assert (await (await open_page(alice_client)).hear())["type"] == "ready"


async def test_the_process_has_a_limit_for_all_users_together(open_page, alice_client, charlie_client, settings):
    settings.CHAT_SOCKETS = 1
    page = await open_page(alice_client)
    await page.hear_until("ready")
    assert "This server" in await refused_with(await open_page(charlie_client))


async def test_answers_are_counted_over_all_sockets_of_a_user(api, open_page, alice_client, settings):
    settings.CHAT_ANSWERS_PER_USER = 3
    pages = [await open_page(alice_client, tokens="2000", delay="0.05") for _ in range(2)]
    await pages[0].ask("a0")
    await pages[0].ask("a1")
    for _ in range(2):
        await pages[0].hear_until("started")
    await pages[1].ask("a0")
    await pages[1].ask("a1")
    refused = await pages[1].hear_until("refused")
    assert (refused["id"], refused["status"], refused["retry_after"]) == ("a1", 429, "10")
    assert refused["message"].startswith("Your account has 3 answers running in its tabs and on its devices.")
    assert (await pages[1].hear_until("ended", "a1"))["type"] == "ended"
    await pages[0].say(type="stop", id="a0")
    await pages[0].hear_until("ended", "a0")
    await pages[1].ask("a3")
    await pages[1].hear_until("started", "a3")
    for page in pages:
        await page.socket.disconnect(timeout=30)
    await settled(api)


async def test_every_place_is_given_back_however_an_answer_ends(api, open_page, alice_client):
    for fault in ("", "*=500", "*=cut:3"):
        page = await open_page(alice_client, tokens="5", **({"fault": fault} if fault else {}))
        await page.ask()
        await page.hear_until("ended")
        await page.ask("a2", model="acme/none")
        await page.hear_until("ended", "a2")
        await page.socket.disconnect(timeout=30)
    page = await open_page(alice_client, tokens="300", delay="0.02")
    for number in range(4):
        await page.ask(f"a{number}")
        await page.say(type="stop", id=f"a{number}")  # cancels the task, perhaps before its first step
    await page.ask("last")
    await page.hear_until("started", "last")
    page.socket.future.cancel()  # as when the server is killed: no disconnect
    await asyncio.gather(page.socket.future, return_exceptions=True)
    await asyncio.sleep(0)
    assert not limits.sockets._taken
    assert not limits.answers._taken
    await settled(api)


async def test_a_flood_is_refused_and_the_user_hears_when_to_try_again(open_page, alice_client, settings, clock):
    settings.CHAT_MESSAGES_PER_MINUTE = 60
    page = await open_page(alice_client)
    await page.hear_until("ready")
    for _ in range(59):  # opening the socket was the first of the burst
        await page.say(type="ping")
    for _ in range(59):
        assert await page.hear() == {"type": "pong"}
    await page.ask("a1")
    refused = await page.hear_until("refused")
    assert (refused["id"], refused["status"]) == ("a1", 429)
    assert refused["retry_after"] == "1"
    assert refused["message"] == "Too many messages. Wait 1 s and try again."
    await page.hear_until("ended", "a1")
    clock.advance(seconds=1)
    await page.say(type="ping")
    assert await page.hear() == {"type": "pong"}  # the socket stays open


def test_a_rate_lets_a_burst_through_and_then_one_at_a_time(clock):
    rate = Rate()
    assert [rate.spend("a", 60, 3) for _ in range(5)] == [0, 0, 0, 1, 1]
    assert rate.spend("b", 60, 3) == 0
    clock.advance(seconds=1)
    assert [rate.spend("a", 60, 3) for _ in range(2)] == [0, 1]
    clock.advance(minutes=1)
    assert [rate.spend("a", 60, 3) for _ in range(4)] == [0, 0, 0, 1]


def test_a_place_is_given_back_once():
    places = Places()
    first, _ = places.take("a", 2, "full"), places.take("a", 2, "full")
    with pytest.raises(RateLimited):
        places.take("a", 2, "full")
    first()
    first()
    assert places.taken("a") == 1


async def test_an_answer_that_the_process_refuses_is_not_counted_for_its_user(settings):
    settings.CHAT_ANSWERS = 0
    with pytest.raises(RateLimited, match="This server"):
        await take_place(1)
    assert not limits.answers._taken
