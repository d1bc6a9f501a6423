"""Logging of prompts and responses: what is stored of which requests, and what they cost."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from accounts.models import PrivacySettings, User
from accounts.organisations import logging_consent, members
from billing import spending
from common.money import as_usd
from gateway import callers
from gateway.completions import chat_caller, parse, service, stream
from gateway.content import content_json, stored
from gateway.content.recording import ALL
from gateway.models import Generation, StoredContent, UsageHour
from keys.models import ApiKey
from tests.activity.factory import make_request
from tests.gateway.accounting.test_prices import PICTURE
from tests.gateway.logged import stored_content, turn_off, turn_on

QUESTION = "Say exactly: heron lantern quartz"


async def newest(api) -> Generation:
    return await api.generation()


async def nothing_stored() -> bool:
    """Whether nothing is stored once all that runs has ended."""
    await service.drain()
    return not await StoredContent.objects.aexists()


@pytest.mark.parametrize("streams", [False, True])
async def test_a_request_is_stored_and_costs_one_percent_less(api, organisation, streams):
    await sync_to_async(turn_on)(organisation)
    response = await api.chat(QUESTION, stream=streams)
    assert response.status_code == 200, response.text
    row = await newest(api)
    content = await stored_content(row.pk)
    assert content.messages == [{"role": "user", "content": QUESTION}]
    shown = content_json(content)
    assert shown["output"] == {"completion": "heron lantern quartz", "reasoning": None} and shown["error"] is None
    listed = (row.prompt_tokens * 1 + row.completion_tokens * 2) * 10**6
    assert (row.cost, row.discount) == (listed * 99 // 100, listed // 100)
    hour = await UsageHour.objects.aget()
    assert (hour.cost, hour.discount) == (row.cost, row.discount)
    if not streams:
        usage = json.loads(response.text, parse_float=Decimal)["usage"]
        assert (usage["cost"], usage["cost_details"]["logging_discount"]) == (as_usd(row.cost), as_usd(row.discount))
    await api.assert_books_balance()


async def test_off_nothing_is_stored_and_nothing_is_cheaper(api, organisation):
    await api.chat(QUESTION)
    await sync_to_async(turn_on)(organisation)
    await sync_to_async(turn_off)(organisation)
    response = await api.chat(QUESTION)
    assert await nothing_stored()
    assert "logging_discount" not in response.json()["usage"]["cost_details"]
    assert {(row.discount, row.discount_basis_points) async for row in Generation.objects.all()} == {(0, 0)}


async def test_a_request_that_ends_after_the_consent_was_withdrawn_is_not_stored(api, organisation):
    """The caller is in memory for a moment; the consent is read again when the content is written."""
    await sync_to_async(turn_on)(organisation)
    assert (await api.chat(QUESTION)).status_code == 200
    await stored_content((await newest(api)).pk)
    await sync_to_async(stored.delete_all)([api.account_id])
    await sync_to_async(logging_consent.turn_off)(organisation, None)
    await api.chat(QUESTION)
    assert await nothing_stored()


@pytest.mark.parametrize("provider", [{"zdr": True}, {"data_collection": "deny"}])
async def test_a_request_that_demands_privacy_is_not_stored(api, organisation, provider):
    await sync_to_async(turn_on)(organisation)
    await api.chat(QUESTION, provider=provider)
    assert await nothing_stored()


async def test_zero_data_retention_is_stronger_than_logging(api, organisation):
    await sync_to_async(turn_on)(organisation)
    await PrivacySettings.objects.aupdate(zero_data_retention=True)
    callers.clear()
    await api.chat(QUESTION)
    assert await nothing_stored()


async def test_only_chosen_keys_are_logged_and_then_no_chats(api, organisation, alice: User):
    key = await ApiKey.objects.aget()
    await sync_to_async(turn_on)(organisation, ALL, ["0" * 64])
    await api.chat(QUESTION)
    assert (await newest(api)).discount == 0
    await sync_to_async(turn_on)(organisation, ALL, [key.hash])
    await api.chat(QUESTION)
    await stored_content((await newest(api)).pk)
    caller = await chat_caller(alice, organisation)
    assert caller.logged_share == 0
    await sync_to_async(turn_on)(organisation)
    caller = await chat_caller(alice, organisation)
    request = parse({"model": "acme/one", "messages": [{"role": "user", "content": QUESTION}], "stream": True})
    events = [event async for event in stream(caller, request)]
    assert events[-1].discount > 0
    await stored_content(events[0].generation_id)


async def test_a_share_of_requests_is_logged_and_only_those_are_cheaper(api, organisation):
    await sync_to_async(turn_on)(organisation, ALL // 2)
    for _ in range(12):
        await api.chat("Hi")
    await service.drain()
    kept = {pk async for pk in StoredContent.objects.values_list("pk", flat=True)}
    cheaper = {row.pk async for row in Generation.objects.filter(discount__gt=0)}
    assert kept == cheaper
    assert len(kept) < 12  # all of them once in four thousand runs


async def test_the_error_is_stored_with_those_of_other_providers(api, organisation):
    await sync_to_async(turn_on)(organisation)
    response = await api.chat(QUESTION, fault="*=503")
    assert response.status_code in {502, 503}
    shown = content_json(await stored_content((await newest(api)).pk))
    assert shown["output"] == {"completion": None, "reasoning": None}
    assert shown["error"]["status"] == response.status_code
    assert shown["error"]["message"] == response.json()["error"]["message"]
    assert [each["code"] for each in shown["error"]["previous_errors"]] == [503]
    await api.chat(QUESTION, fault="*=cut:2", stream=True)
    broken = content_json(await stored_content((await newest(api)).pk))
    assert broken["error"]["status"] == 502 and broken["output"]["completion"]


async def test_small_images_are_stored_and_large_ones_left_out(api, organisation, settings):
    await sync_to_async(turn_on)(organisation)
    body = {"model": "acme/one", "messages": [{"role": "user", "content": [{"type": "text", "text": "See"}, PICTURE]}]}
    for limit, is_kept in ((len(PICTURE["image_url"]["url"]), True), (10, False)):
        settings.LOGGING_MAX_FILE_BYTES = limit
        assert (await api.post(json=body)).status_code == 200
        content = await stored_content((await newest(api)).pk)
        text, picture = content.messages[0]["content"]
        assert text["text"] == "See"
        assert (picture == PICTURE) is is_kept
        if not is_kept:
            assert picture["image_url"]["url"].startswith("[Not stored: image/png, ")


async def test_a_text_completion_has_a_prompt_and_a_tool_call_its_messages(api, organisation):
    await sync_to_async(turn_on)(organisation)
    await api.post("/completions", json={"model": "acme/one", "prompt": QUESTION})
    assert content_json(await stored_content((await newest(api)).pk))["input"] == {"prompt": QUESTION}
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    response = await api.chat("Use the tool", tools=[tool], tool_choice="required")
    called = response.json()["choices"][0]["message"]["tool_calls"]
    shown = content_json(await stored_content((await newest(api)).pk))
    assert shown["output"]["messages"][0]["tool_calls"] == called


async def test_contents_that_can_not_be_written_soon_enough_are_lost_and_the_log_says_so(
    api, organisation, monkeypatch, caplog
):
    monkeypatch.setattr("gateway.steps.contents.MAX_WAITING", 10)
    await sync_to_async(turn_on)(organisation)
    assert (await api.chat(QUESTION)).status_code == 200
    row = await newest(api)
    assert await nothing_stored()
    assert f"the content of {row.pk} is not stored" in caplog.text and "heron" not in caplog.text


def test_a_row_is_only_the_content_of_its_own_request(account):
    request, other = make_request(account), make_request(account)
    content = stored.Content(id=request.pk, prompt="mine")
    row = StoredContent(generation=request, account=account, created_at=request.created_at)
    row.sealed = stored.sealed(content)
    assert stored.opened(row) == content
    row.generation = other
    with pytest.raises(stored.Unreadable):
        stored.opened(row)


def keep(account, days: int = 0, **fields) -> StoredContent:
    request = make_request(account, **fields)
    return StoredContent.objects.create(
        generation=request,
        account=account,
        created_at=request.created_at - timedelta(days=days),
        sealed=stored.sealed(stored.Content(id=request.pk, prompt="a secret")),
    )


def test_contents_are_deleted_for_their_age(account, settings):
    old, young = keep(account, days=91), keep(account, days=89)
    settings.LOGGING_KEEP_DAYS = 90
    assert stored.delete_old() == 1
    assert list(StoredContent.objects.all()) == [young] and Generation.objects.filter(pk=old.pk).exists()


def test_contents_go_with_a_deleted_organization_and_no_other(account, alice):
    acme = members.create(alice, "Acme")
    logging_consent.turn_on(acme, alice, ALL, [])
    theirs, mine = keep(spending.account_of(acme)), keep(account)
    with transaction.atomic():
        members.delete(acme, alice)
    assert list(StoredContent.objects.all()) == [mine] != [theirs]
    assert not PrivacySettings.objects.get(organisation=acme).log_for_discount


def test_a_new_key_encrypts_everything_again_and_a_lost_one_is_said(account, settings):
    row = keep(account)
    settings.ENCRYPTION_KEYS = ["newest", *settings.ENCRYPTION_KEYS]
    assert stored.rotate() == (1, 0)
    row.refresh_from_db()
    settings.ENCRYPTION_KEYS = ["newest"]
    settings.SECRET_KEY = "another"
    assert stored.opened(row).prompt == "a secret"
    settings.ENCRYPTION_KEYS = ["unrelated"]
    assert stored.rotate() == (1, 1)
    with pytest.raises(stored.Unreadable):
        stored.opened(row)
