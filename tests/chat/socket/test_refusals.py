"""Refusals of the chat's socket: questions with faults, too many of them, and pages that may not ask."""

import asyncio
from typing import Any

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator

from accounts.models import PrivacySettings
from gateway import callers
from gateway.models import Generation
from guardrails import saving as guardrails
from keys import issuing
from tests.chat.conftest import ORIGIN
from tests.conftest import signed_in
from tests.gateway import factory


async def test_without_credits_it_points_to_the_credits_page_and_free_models_still_answer(api, open_page, charlie):
    page = await open_page(await sync_to_async(signed_in)(charlie))
    money = {"balance": "$0.00", "balance_usd": "0", "can_spend": False}
    assert await page.hear() == {"type": "ready", **money, "unavailable": [], "reasons": {}, "user": charlie.public_id}
    await page.ask()
    await page.hear_until("ended")
    refused = next(frame for frame in page.heard if frame["type"] == "refused")
    assert refused["status"] == 402
    assert refused["remedy"] == {"text": "Buy credits", "href": "/settings/credits"}
    await page.ask("a2", model="acme/one:free")
    await page.hear_until("ended", "a2")
    assert page.kinds("a2")[-2:] == ["billed", "ended"]
    assert page.text("a2")


async def test_every_fault_of_a_question_is_a_refusal_and_the_socket_goes_on(api, page):
    faults: list[tuple[dict[str, Any], int]] = [
        ({"model": "acme/none"}, 400),
        ({"messages": []}, 400),
        ({"messages": "hello"}, 400),
        ({"temperature": 7}, 400),
        ({"provider": {"only": ["unknown"]}}, 404),
    ]
    for number, (body, status) in enumerate(faults):
        await page.ask(f"bad{number}", **body)
        await page.hear_until("ended", f"bad{number}")
        assert page.kinds(f"bad{number}") == ["accepted", "refused", "ended"]
        refused = next(
            frame for frame in page.heard if frame.get("id") == f"bad{number}" and frame["type"] == "refused"
        )
        assert refused["status"] == status
        assert len(refused["message"]) > 10
    await page.ask("good")
    await page.hear_until("ended", "good")
    assert page.text("good")


async def test_the_guardrail_of_a_member_binds_the_chat(api, open_page, alice, alice_client, organisation):
    team = await sync_to_async(guardrails.create)(organisation, name="Team", allowed_models=["acme/one:free"])
    await sync_to_async(guardrails.assign)(team, alice, members=[alice])
    page = await open_page(alice_client)
    assert "acme/one" in (await page.hear_until("ready"))["unavailable"]
    await page.ask()
    refused = await page.hear_until("refused")
    assert refused["status"] == 403 and "by the guardrail “Team” (model not allowed)" in refused["message"]
    await sync_to_async(guardrails.update)(team, allowed_models=None, limit=1)
    callers.clear()
    await page.ask("a2")
    refused = await page.hear_until("refused", "a2")
    assert refused["status"] == 403 and "the remaining budget of the guardrail “Team”" in refused["message"]


async def test_when_every_provider_fails_it_says_so(api, open_page, alice_client):
    page = await open_page(alice_client, fault="*=500")
    await page.ask()
    await page.hear_until("ended")
    refused = next(frame for frame in page.heard if frame["type"] == "refused")
    assert refused["status"] == 502
    await api.assert_books_balance()


async def test_privacy_settings_apply_as_they_do_to_the_api(api, open_page, alice_client, organisation):
    @sync_to_async
    def forbid_training() -> None:
        factory.endpoint(factory.model("acme/learns"), "learner", factory.CHEAP, trains=True)
        PrivacySettings.objects.create(organisation=organisation, allow_paid_training=False)

    await forbid_training()
    page = await open_page(alice_client)
    assert (await page.hear())["unavailable"] == ["acme/learns"]
    await page.ask(model="acme/learns", provider={})
    await page.hear_until("ended")
    refused = next(frame for frame in page.heard if frame["type"] == "refused")
    answer = await api.post(json={"model": "acme/learns", "messages": [{"role": "user", "content": "Hi"}]})
    assert refused["status"] == answer.status_code == 404
    assert refused["message"] == answer.json()["error"]["message"]
    assert refused["remedy"] == {"text": "Privacy settings", "href": "/settings/privacy"}


async def test_bad_messages_are_answered_and_never_end_the_socket(page, settings):
    for text in ("{", "[]", '{"type":"dance"}', '{"type":"ask","id":"a1"}', " "):
        await page.socket.send_to(text_data=text)
        assert (await page.hear())["status"] == 400
    await page.socket.send_to(bytes_data=b"\x00\x01")
    assert (await page.hear())["status"] == 400
    settings.MAX_REQUEST_BYTES = 1000
    await page.ask(prompt="x" * 2000)
    assert (await page.hear())["status"] == 413
    await page.say(type="ping")
    assert await page.hear() == {"type": "pong"}


async def test_the_same_answer_is_not_begun_twice(api, open_page, alice_client, gate):
    page = await open_page(alice_client, tokens="40", gate=gate.place)
    await page.ask()
    await page.ask()
    refused = await page.hear_until("refused")
    assert refused["status"] == 409
    assert "id" not in refused
    await asyncio.to_thread(gate.open)
    await page.hear_until("ended")
    assert await Generation.objects.acount() == 1


async def test_there_is_a_limit_to_answers_at_once(open_page, alice_client, gate):
    page = await open_page(alice_client, tokens="60", gate=gate.place)
    for number in range(13):
        await page.ask(f"a{number}")
    refused = await page.hear_until("refused")
    assert (refused["status"], refused["id"]) == (429, "a12")
    await page.hear_until("ended", "a12")
    for number in range(12):
        await page.say(type="stop", id=f"a{number}")
    for _ in range(12):
        await page.hear_until("ended")


async def test_a_visitor_who_is_not_signed_in_is_told_and_let_go(open_page):
    page = await open_page(None)
    closing = await page.socket.receive_output(timeout=30)
    assert (closing["type"], closing["code"]) == ("websocket.close", 4401)


async def test_another_site_cannot_open_the_socket_with_the_visitors_cookies(api, alice_client):
    from openrouter_site.asgi import application

    cookie = f"sessionid={alice_client.cookies['sessionid'].value}".encode()
    headers = [(b"host", b"127.0.0.1"), (b"origin", b"https://evil.example"), (b"cookie", cookie)]
    socket = WebsocketCommunicator(application, "/ws/chat", headers=headers)
    connected, _ = await socket.connect(timeout=30)
    assert not connected
    assert ORIGIN != b"https://evil.example"


# --- Requests with an API key

ASKED = {"model": "acme/one", "messages": [{"role": "user", "content": "Hello"}], "provider": {"sort": "price"}}


async def test_a_request_with_an_api_key_is_one_of_that_key(api, page):
    await page.say(type="ask", id="a1", body=ASKED, api_key=api.secret)
    await page.hear_until("ended")
    row = await api.generation()
    assert (row.source, row.key_id) == ("api", api.key_id)
    await api.assert_books_balance()


async def test_a_key_that_cannot_be_used_is_refused_with_the_page_that_helps(api, page, alice, organisation, charlie):
    def other_keys() -> tuple[str, str]:
        _, management = issuing.create(organisation, alice, "management", is_management=True)
        _, foreign = issuing.create(charlie.personal_organisation, charlie, "another organization's")
        return management, foreign

    management, foreign = await sync_to_async(other_keys)()
    keys = {"text": "API keys", "href": "/settings/keys"}
    for at, (secret, status, said, remedy) in enumerate(
        [
            ("sk-or-v1-" + "0" * 64, 401, "", keys),
            ("not a key", 401, "", keys),
            (management, 403, "Management keys cannot be used for inference", None),
            (foreign, 403, "belongs to another organization", None),
        ]
    ):
        await page.say(type="ask", id=f"a{at}", body=ASKED, api_key=secret)
        refusal = await page.hear_until("refused")
        assert (refusal["status"], refusal.get("remedy")) == (status, remedy)
        assert said in refusal["message"] and secret not in refusal["message"]
        await page.hear_until("ended")
    assert not await Generation.objects.aexists()
