"""The use of requests: found and stored only where the account has agreed, and nothing of the text with it."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from accounts.models import PrivacySettings, User
from common.clock import utc_now
from gateway import callers
from gateway.accounting import metering
from gateway.accounting.reaper import reap
from gateway.completions import chat_caller, parse, service, stream
from gateway.models import ClassifiedDay, Generation, Hold
from gateway.uses import classifier, requests
from tests.gateway.accounting.test_settlement import admit, settle

QUESTION = "Refactor this Python function, and say exactly: zebrafinch"
APP = {"HTTP-Referer": "https://notes.example.com/"}


@pytest.fixture
def classified(organisation) -> PrivacySettings:
    """The account's settings, with classification on."""
    return PrivacySettings.objects.create(organisation=organisation, classify_requests=True)


async def used(api) -> str:
    """The use of the newest request."""
    await service.drain()
    row = await Generation.objects.order_by("-created_at", "-id").afirst()
    return row.use


@pytest.mark.parametrize("streams", [False, True])
async def test_the_use_is_stored_with_the_request_and_its_sums(api, classified, streams):
    response = await api.post(
        json={"model": "acme/one", "messages": [{"role": "user", "content": QUESTION}], "stream": streams}, headers=APP
    )
    assert response.status_code == 200, response.text
    row = await api.generation()
    assert row.use == "programming"
    day = await ClassifiedDay.objects.aget()
    assert (day.account_id, day.day, day.app, day.model, day.use) == (
        row.account_id, row.created_at.date(), row.app, "acme/one", "programming",
    )  # fmt: skip
    await api.chat("Translate into French: Good morning")
    await api.post(json={"model": "acme/one", "messages": [{"role": "user", "content": QUESTION}]}, headers=APP)
    await service.drain()
    rows = [each async for each in Generation.objects.filter(use="programming")]
    await day.arefresh_from_db()
    assert (day.requests, day.prompt_tokens, day.completion_tokens) == (
        2, sum(each.prompt_tokens for each in rows), sum(each.completion_tokens for each in rows),
    )  # fmt: skip
    assert await ClassifiedDay.objects.acount() == 2
    await api.assert_books_balance()


async def test_without_consent_no_text_is_read_and_nothing_is_stored(api, organisation, monkeypatch):
    monkeypatch.setattr(metering, "use_of", None)  # calling it would fail the request
    assert (await api.chat(QUESTION)).status_code == 200
    assert await used(api) == ""
    assert not await ClassifiedDay.objects.aexists()


async def test_turned_off_it_ends(api, classified):
    await api.chat(QUESTION)
    assert await used(api) == "programming"
    await PrivacySettings.objects.aupdate(classify_requests=False)
    callers.clear()
    await api.chat(QUESTION)
    assert await used(api) == ""
    assert (await ClassifiedDay.objects.aget()).requests == 1


@pytest.mark.parametrize("provider", [{"zdr": True}, {"data_collection": "deny"}])
async def test_a_request_that_demands_privacy_has_none(api, classified, provider):
    await api.chat(QUESTION, provider=provider)
    assert await used(api) == ""


async def test_zero_data_retention_is_stronger(api, classified):
    await PrivacySettings.objects.aupdate(zero_data_retention=True)
    callers.clear()
    await api.chat(QUESTION)
    assert await used(api) == ""


async def test_other_ways_in_are_classified_too(api, classified, organisation, alice: User):
    """Text completions, Messages, Responses, and the chat."""
    parts = [{"type": "text", "text": QUESTION}]
    for path, body in (
        ("/completions", {"prompt": QUESTION}),
        ("/messages", {"messages": [{"role": "user", "content": parts}], "max_tokens": 20}),
        ("/responses", {"input": QUESTION}),
    ):
        response = await api.post(path, json={"model": "acme/one", **body})
        assert response.status_code == 200, response.text
        assert await used(api) == "programming"
    caller = await chat_caller(alice, organisation)
    request = parse({"model": "acme/one", "messages": [{"role": "user", "content": QUESTION}], "stream": True})
    assert [event async for event in stream(caller, request)]
    assert await used(api) == "programming"


async def test_failed_and_replayed_requests_have_none(api, classified):
    await api.chat(QUESTION, fault="*=503")
    assert await used(api) == ""
    await api.chat(QUESTION, fault="*=cut:2", stream=True)
    assert await used(api) == ""
    for status, use in (("MISS", "programming"), ("HIT", "")):
        response = await api.post(
            json={"model": "acme/one", "messages": [{"role": "user", "content": QUESTION}]},
            headers={"X-OpenRouter-Cache": "true"},
        )
        assert response.headers["X-OpenRouter-Cache-Status"] == status
        assert await used(api) == use
    assert (await ClassifiedDay.objects.aget()).requests == 1


async def test_pages_of_a_web_search_are_not_read(api, classified, search_in_the_sandbox, monkeypatch):
    texts = []
    monkeypatch.setattr(requests, "classify", lambda text: texts.append(text) or "")
    response = await api.chat("Who painted the ceiling?", model="acme/one:online")
    assert response.status_code == 200, response.text
    row = await api.generation()
    assert row.web_search_results
    assert texts == ["Who painted the ceiling?"]


async def test_a_fault_of_the_classifier_costs_nothing_but_the_use(api, classified, monkeypatch, caplog):
    def broken(text: str) -> str:
        raise ValueError(text)

    monkeypatch.setattr(requests, "classify", broken)
    response = await api.chat(QUESTION)
    assert response.status_code == 200 and "zebrafinch" in response.text
    assert await used(api) == ""
    assert "a request could not be classified: ValueError at " in caplog.text
    assert "zebrafinch" not in caplog.text
    await api.assert_books_balance()


async def test_nothing_of_the_text_is_in_a_row_or_a_log(api, classified, caplog):
    caplog.set_level("DEBUG")
    await api.chat(QUESTION)
    assert await used(api) == "programming"
    assert "zebrafinch" not in caplog.text and "Refactor" not in caplog.text
    assert [table for table, row in await sync_to_async(every_row)() if "zebrafinch" in row] == []


def every_row() -> list[tuple[str, str]]:
    """(table, row as text) of all that is stored."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [(table, repr(row)) for row in cursor.fetchall()]
    return found


def test_a_request_counts_once_however_often_it_is_settled(transactional_db, account):
    fields = {"use": "legal", "model": "acme/one", "prompt_tokens": 10, "completion_tokens": 5}
    admit(account, 1)
    admit(account, 2)
    reaper_sees_them_dead()
    assert reap() == 2  # their process was only slow: it settles them later
    for number in (1, 1, 2, 1):
        settle(account, number, cost="0.01", **fields)
    day = ClassifiedDay.objects.get()
    assert (day.requests, day.prompt_tokens, day.completion_tokens) == (2, 20, 10)
    assert [*Generation.objects.values_list("use", flat=True)] == ["legal", "legal"]


def reaper_sees_them_dead() -> None:
    Hold.objects.update(created_at=utc_now() - timedelta(hours=1), process_id="gone")


async def test_huge_texts_cost_a_bounded_read(api, classified, monkeypatch):
    lengths = []
    monkeypatch.setattr(requests, "classify", lambda text: lengths.append(len(text)) or classifier.classify(text))
    await api.chat("x" * 200_000 + "\n" + QUESTION)
    assert await used(api) == "programming"  # what is asked for stands at the end
    assert lengths and max(lengths) <= requests.MOST_CHARACTERS
