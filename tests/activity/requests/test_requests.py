"""The list of requests and its pages."""

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from activity.filters import filter_from
from activity.requests.listing import cursor_of, page_of
from tests.activity.factory import make_request, make_requests, make_running


@pytest.fixture
def view(organisation):
    return filter_from(QueryDict("period=all"), organisation, timezone.now())


@pytest.fixture
def twenty(account):
    """Twenty requests, some of them made in the same microsecond."""
    now = timezone.now()
    return make_requests(account, [{"created_at": now - timedelta(seconds=n // 4)} for n in range(20)])


def ids(page):
    return [request.pk for request in page.requests]


def test_pages_hold_every_request_once_newest_first(view, twenty):
    page, seen = page_of(view, size=6), []
    while True:
        seen += page.requests
        if not page.older:
            break
        page = page_of(view, before=page.older, size=6)
    assert len(seen) == len({request.pk for request in seen}) == 20
    assert [(request.created_at, request.pk) for request in seen] == sorted(
        ((request.created_at, request.pk) for request in twenty), reverse=True
    )


def test_going_back_shows_what_was_there_before(view, twenty):
    first = page_of(view, size=6)
    second = page_of(view, before=first.older, size=6)
    third = page_of(view, before=second.older, size=6)
    assert ids(page_of(view, after=third.newer, size=6)) == ids(second)
    assert ids(page_of(view, after=second.newer, size=6)) == ids(first)
    assert first.newer == ""


def test_a_new_request_does_not_shift_older_pages(view, twenty, account):
    older = page_of(view, size=6).older
    before = ids(page_of(view, before=older, size=6))
    make_request(account)
    assert ids(page_of(view, before=older, size=6)) == before


def test_going_back_past_the_newest_page_fills_it_up(view, twenty, account):
    first = page_of(view, size=6)
    after = cursor_of(first.requests[3])
    assert ids(page_of(view, after=after, size=6)) == ids(first)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "~", "~gen-1", "2026-01-01~gen-1", "2026-13-45T00:00:00Z~gen-1", "2026-01-01T00:00:00~gen-1",
     "2026-01-01T00:00:00Z~", "2026-01-01T00:00:00Z~\x00", "2026-01-01T00:00:00Z~" + "x" * 41, "é~é"],
)  # fmt: skip
def test_a_cursor_that_makes_no_sense_is_taken_for_none(view, twenty, cursor):
    assert ids(page_of(view, before=cursor, size=6)) == ids(page_of(view, size=6))
    assert ids(page_of(view, after=cursor, size=6)) == ids(page_of(view, size=6))


def test_a_request_that_nobody_answered_is_found_under_the_model_it_asked_for(organisation, account):
    failed = make_request(account, model="", requested_model="acme/alpha", provider="", error_status=502)
    make_request(account, model="acme/beta", requested_model="acme/alpha")
    view = filter_from(QueryDict("model=acme/alpha"), organisation, timezone.now())
    assert ids(page_of(view)) == [failed.pk]


def test_the_list_shows_every_column(alice_client, account, key):
    make_request(
        account, key=key, app="https://notes.example.com/", app_title="Notes", cost=1_234_567, prompt_tokens=1_111,
        completion_tokens=2_222, latency_ms=500, duration_ms=2_722, simulated=True,
    )  # fmt: skip
    html = alice_client.get("/activity").content.decode()
    results = html[html.index('id="requests"') :]
    shown = ("openai/gpt-4o-mini", "Notes", "Laptop", "1,111", "2,222", "$0.000001234567", "1,000", "0.50 s", "stop")
    for text in (*shown, "Simulated"):
        assert text in results, text


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"state": "released", "cost": 0}, "Interrupted"),
        ({"error_status": 502, "finish_reason": "error"}, "Error 502"),
        ({"cancelled": True}, "Stopped"),
        ({"finish_reason": "length"}, "length"),
        ({"finish_reason": ""}, "no response"),
    ],
)
def test_the_list_says_how_a_request_ended(alice_client, account, fields, word):
    make_request(account, **fields)
    assert f">{word}</span>" in alice_client.get("/activity").content.decode()


def test_requests_that_run_stand_above_those_that_have_ended(alice_client, account, key):
    ended = make_request(account)
    running = make_running(account, created_at=ended.created_at - timedelta(hours=1), key=key)
    html = alice_client.get("/activity").content.decode()
    assert ">Running</span>" in html
    assert html.index(f"/activity/{running.pk}") < html.index(f"/activity/{ended.pk}")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"model": "openai/gpt-4o-mini"}, True),
        ({"model": "acme/one"}, False),
        ({"provider": "openai"}, False),
        ({"source": "chat"}, False),
        ({"app": "https://example.com"}, False),
    ],
)
def test_filters_hold_for_requests_that_run(alice_client, account, query, shown):
    running = make_running(account)
    assert (f"/activity/{running.pk}" in alice_client.get("/activity", query).content.decode()) is shown


def test_older_requests_are_a_link_away(alice_client, account):
    now = timezone.now()
    made = make_requests(account, [{"created_at": now - timedelta(minutes=n)} for n in range(15)])
    response = alice_client.get("/activity")
    assert f"/activity/{made[0].pk}" in response.content.decode()
    older = alice_client.get("/activity", {"before": response.context["page"].older}).content.decode()
    assert f"/activity/{made[-1].pk}" in older
    assert f"/activity/{made[0].pk}" not in older
