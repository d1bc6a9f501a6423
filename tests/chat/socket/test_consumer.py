"""The chatroom's socket against the real gateway, and a provider that answers."""

import asyncio
import time
from decimal import Decimal

import msgspec
import pytest
from asgiref.sync import sync_to_async

from accounts import access
from billing import spending
from chat.answers.delta_buffer import PAUSE_SECONDS
from common.money import PicoUsd, as_usd, format_usd
from tests.conftest import signed_in


async def test_an_answer_streams_ends_and_is_billed_exactly(api, page):
    await page.ask(prompt="Explain tides in two sentences")
    await page.hear_until("ended")
    assert page.kinds() == ["accepted", "started", "delta", "finished", "billed", "ended"]
    assert len(page.text()) > 20

    started = next(frame for frame in page.heard if frame["type"] == "started")
    billed = next(frame for frame in page.heard if frame["type"] == "billed")
    row = await api.generation(started["generation_id"])
    account = await api.account()
    assert Decimal(billed["cost"]) == as_usd(PicoUsd(row.cost)) > 0
    assert billed["balance"] == format_usd(account.balance)
    assert billed["usage"]["completion_tokens"] == row.completion_tokens
    assert (started["model"], started["provider"], started["simulated"]) == ("acme/one", "Cheap", True)
    assert (row.source, row.key_id, row.streamed) == ("chat", None, True)
    await api.assert_books_balance()


async def test_the_chatroom_and_the_api_pay_the_same_for_the_same(api, page):
    body = {"max_tokens": 12, "seed": 3}
    await page.ask(prompt="Count to ten", **body)
    await page.hear_until("ended")
    chat = await api.generation()
    await api.chat("Count to ten", **body)
    program = await api.generation()
    assert (chat.source, program.source) == ("chat", "api")
    assert chat.pk != program.pk
    assert (chat.prompt_tokens, chat.completion_tokens, chat.cost) == (
        program.prompt_tokens,
        program.completion_tokens,
        program.cost,
    )


async def test_reasoning_arrives_apart_from_the_answer(page):
    await page.ask(prompt="Why is the sky blue?", reasoning={"effort": "high"})
    await page.hear_until("ended")
    assert "".join(frame.get("reasoning", "") for frame in page.heard)
    assert page.text()
    billed = next(frame for frame in page.heard if frame["type"] == "billed")
    assert billed["usage"]["reasoning_tokens"] > 0


async def test_a_web_search_brings_sources_and_is_on_the_bill(api, page):
    await page.ask(prompt="What is new in Python?", plugins=[{"id": "web"}])
    await page.hear_until("ended")
    sources = [source for frame in page.heard for source in frame.get("annotations", ())]
    assert sources and all(source["url_citation"]["url"].startswith("https://") for source in sources)
    [started] = [frame for frame in page.heard if frame["type"] == "started"]
    assert started["search"]["query"] == "What is new in Python?"
    assert [found["url"] for found in started["search"]["pages"]] == [one["url_citation"]["url"] for one in sources]
    billed = next(frame for frame in page.heard if frame["type"] == "billed")
    assert billed["web_searches"] == 1
    row = await api.generation()
    assert Decimal(billed["cost"]) == as_usd(PicoUsd(row.cost)) > Decimal("0.007")
    await page.say(type="bill", id="old", generation_id=row.pk)
    assert (await page.hear_until("billed", "old"))["web_searches"] == 1
    await api.assert_books_balance()


async def test_tool_calls_arrive_with_their_arguments(page):
    weather = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
    await page.ask(prompt='Call get_weather with {"city": "Zürich"}', tools=[weather])
    await page.hear_until("ended")
    calls = [call for frame in page.heard for call in frame.get("tool_calls", ())]
    assert {call["index"] for call in calls} == {0}
    assert [call["name"] for call in calls if "name" in call] == ["get_weather"]
    assert msgspec.json.decode("".join(call["arguments"] for call in calls)) == {"city": "Zürich"}
    assert next(frame for frame in page.heard if frame["type"] == "finished")["reason"] == "tool_calls"


async def test_a_check_names_the_models_that_preferences_leave_without_a_provider(page):
    for provider, is_left in [
        ({"only": ["cheap"]}, True),
        ({"only": ["nowhere"]}, False),
        ({"order": ["nowhere"]}, True),
        ({"order": ["nowhere"], "allow_fallbacks": False}, False),
        ({"order": ["Cheap"], "allow_fallbacks": False}, True),
        ({"max_price": {"prompt": "0"}}, False),
    ]:
        await page.say(type="check", provider=provider)
        assert ("acme/one" not in (await page.hear_until("unavailable"))["models"]) == is_left, provider
    await page.say(type="check", provider={"only": 5})
    assert "$.provider.only" in (await page.hear_until("refused"))["message"]


async def test_a_refusal_says_what_excluded_the_providers(page):
    await page.ask(provider={"max_price": {"prompt": 0}})
    refused = await page.hear_until("refused")
    assert (refused["status"], refused["excluded_by"]) == (404, ["max_price"])


async def test_many_tokens_share_a_frame(open_page, alice_client):
    page = await open_page(alice_client, tokens="400", delay="0.001")
    began = time.monotonic()
    await page.ask()
    await page.hear_until("ended")
    frames = [frame for frame in page.heard if frame["type"] == "delta"]
    assert len(frames) <= (time.monotonic() - began) / PAUSE_SECONDS + 3


async def test_two_answers_run_at_once_and_one_can_be_stopped(api, open_page, alice_client, gate):
    page = await open_page(alice_client, tokens="120", gate=gate.place)
    await page.ask("left")
    await page.ask("right")
    await asyncio.to_thread(gate.wait_for_an_answer, 2)
    await page.say(type="stop", id="left")
    await page.hear_until("ended", "left")
    await asyncio.to_thread(gate.open)
    await page.hear_until("ended", "right")
    assert page.kinds("right")[-2:] == ["billed", "ended"]
    assert "stopped" in page.kinds("left")
    assert "finished" not in page.kinds("left")
    assert len(page.text("left")) < len(page.text("right"))


async def test_stopping_waits_for_no_provider_keeps_the_part_and_says_what_it_cost(api, open_page, alice_client, gate):
    page = await open_page(alice_client, tokens="400", gate=gate.place)
    await page.ask()
    started = await page.hear_until("started")
    while len(page.text()) < 40:
        await page.hear()
    await page.say(type="stop", id="a1")
    await page.hear_until("ended")  # although the provider says nothing
    billed = await page.hear_until("billed")
    row = await api.generation(started["generation_id"])
    assert row.cancelled
    assert 0 < row.completion_tokens < 400
    assert Decimal(billed["cost"]) == as_usd(PicoUsd(row.cost)) > 0
    await api.assert_books_balance()


async def test_stopping_before_the_first_token_costs_nothing(api, open_page, alice_client):
    page = await open_page(alice_client, fault="*=slow-first-token:20")
    await page.ask()
    await page.hear_until("accepted")
    await asyncio.sleep(0.2)
    await page.say(type="stop", id="a1")
    await page.hear_until("ended")
    assert page.kinds() == ["accepted", "stopped", "ended"]
    row = await api.generation((await api.generation()).pk)
    assert (row.cost, row.completion_tokens) == (0, 0)
    await api.assert_books_balance()


async def test_stopping_twice_or_something_else_does_no_harm(api, open_page, alice_client, gate):
    page = await open_page(alice_client, tokens="300", gate=gate.place)
    await page.ask()
    await page.hear_until("delta")
    for answer_id in ("a1", "a1", "another", "a1"):
        await page.say(type="stop", id=answer_id)
    await page.hear_until("ended")
    assert [frame["type"] for frame in page.heard].count("stopped") == 1
    await page.hear_until("billed")
    await api.assert_books_balance()


@pytest.mark.parametrize(
    ("fault", "status", "error_type"),
    [
        ("cut:5", 502, "provider_unavailable"),
        ("error-in-stream:5,401", 502, "provider_unavailable"),
        ("two-errors:5,529", 503, "provider_overloaded"),
    ],
)
async def test_an_answer_that_breaks_off_is_told_and_keeps_its_part(
    api, open_page, alice_client, fault, status, error_type
):
    page = await open_page(alice_client, fault=f"*={fault}", tokens="50")
    await page.ask()
    await page.hear_until("ended")
    assert page.kinds() == ["accepted", "started", "delta", "failed", "billed", "ended"]
    failed = next(frame for frame in page.heard if frame["type"] == "failed")
    assert (failed["status"], failed["error_type"]) == (status, error_type)
    assert page.text()
    await api.assert_books_balance()


async def test_a_page_that_leaves_ends_its_answers_and_pays_for_what_was_made(api, open_page, alice_client):
    page = await open_page(alice_client, tokens="400", delay="0.02")
    await page.ask()
    started = await page.hear_until("started")
    await page.hear_until("delta")
    await page.socket.disconnect(timeout=30)
    row = await api.generation(started["generation_id"])
    assert row.cancelled
    assert row.completion_tokens < 400
    await api.assert_books_balance()


async def test_a_member_asks_at_the_expense_of_the_organisation_they_work_in(api, open_page, bob, bob_client):
    page = await open_page(bob_client)
    await page.ask()
    await page.hear_until("ended")
    row = await api.generation()
    assert (row.account_id, row.user_id) == (api.account_id, bob.pk)

    @sync_to_async
    def go_home() -> int:
        session = bob_client.session
        del session[access.SESSION_ORGANISATION]
        session.save()
        return spending.account_of(bob.personal_organisation).pk

    own = await go_home()
    await page.ask("a2", model="acme/one:free")
    await page.hear_until("ended", "a2")
    row = await api.generation()
    assert row.account_id == own


async def test_a_bill_is_said_to_its_payer_only(api, page, open_page, charlie):
    await page.ask()
    await page.hear_until("ended")
    row = await api.generation()
    await page.say(type="bill", id="old", generation_id=row.pk)
    bill = await page.hear()
    assert (bill["type"], bill["id"], Decimal(bill["cost"])) == ("billed", "old", as_usd(PicoUsd(row.cost)))
    stranger = await open_page(await sync_to_async(signed_in)(charlie))
    await stranger.hear_until("ready")
    await stranger.say(type="bill", id="old", generation_id=row.pk)
    await stranger.say(type="ping")
    assert await stranger.hear() == {"type": "pong"}
    assert await stranger.socket.receive_nothing(timeout=1.0)


@pytest.mark.parametrize("fault", ["", "*=500", "*=cut:5", "*=context-length", "*=moderation"])
async def test_nothing_of_a_conversation_stays_on_the_server(api, open_page, alice_client, caplog, capfd, fault):
    from django.core.cache import cache
    from django.db import connection

    marker = "heliotrope-marmalade-7319"
    caplog.set_level("DEBUG")
    page = await open_page(alice_client, **({"fault": fault} if fault else {}))
    await page.ask(prompt=f"Repeat after me: {marker}", user="someone")
    await page.hear_until("ended")
    received = await api.received()
    assert marker in str(received), "the marker must have gone through the gateway"

    @sync_to_async
    def everything_stored() -> str:
        with connection.cursor() as cursor:
            stored = []
            for table in connection.introspection.table_names():
                cursor.execute(f'SELECT * FROM "{table}"')
                stored.append(str(cursor.fetchall()))
        return "".join(stored) + str(getattr(cache, "_cache", {}))

    assert marker not in await everything_stored()
    assert marker not in caplog.text
    assert marker not in "".join(capfd.readouterr())


async def test_requests_of_the_other_apis_are_answered_like_those_of_the_chat(api, page):
    messages = {"model": "acme/one", "max_tokens": 50, "messages": [{"role": "user", "content": "Say exactly: one"}]}
    responses = {"model": "acme/one", "input": "Say exactly: two", "stream": False}
    for answer_id, path, body in (("m", "messages", messages), ("r", "responses", responses)):
        await page.say(type="ask", id=answer_id, api=path, body=body)
        await page.hear_until("ended", answer_id)
        assert page.kinds(answer_id) == ["accepted", "started", "delta", "finished", "billed", "ended"]
    assert (page.text("m"), page.text("r")) == ("one", "two")
    for path in ("messages", "responses", "embeddings"):
        await page.say(type="ask", id=path, api=path, body={"model": "acme/one"})
        refused = await page.hear_until("refused", path)
        assert refused["status"] == 400
    await page.say(type="ask", id="x", api="keys", body={})
    assert (await page.hear_until("refused"))["error_type"] == "invalid_request"
    await api.assert_books_balance()
