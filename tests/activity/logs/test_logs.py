"""The logs: filters, bounded search, sessions, and one request in detail."""

import csv
import io
import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from activity.logs import export
from activity.logs import search as searching
from activity.logs.filters import log_filter_from
from activity.logs.search import search, sessions
from activity.requests.repeating import curl_of
from activity.requests.timeline import timeline_of
from billing import spending
from common.money import PICO_PER_USD
from gateway.models import Generation
from keys import issuing
from tests.activity.factory import make_request, make_requests, make_running

URL = "/logs"
CENT = PICO_PER_USD // 100


@pytest.fixture
def view_of(organisation):
    """Return the view of a query string."""
    return lambda query="": log_filter_from(QueryDict(query), organisation, timezone.now())


def found(view, **options) -> list[str]:
    return [request.pk for request in search(view, **options).shown]


def everything(view, **options) -> list[str]:
    """The IDs on all pages, followed to the last."""
    page, ids = search(view, **options), []
    while True:
        ids += [request.pk for request in page.requests]
        if not page.older:
            return ids
        page = search(view, before=page.older, **options)


# --- Filters


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("status=failed", {"error_status": 502, "finish_reason": "error"}),
        ("status=failed", {"state": Generation.State.RELEASED}),
        ("status=stopped", {"cancelled": True}),
        ("status=cached", {"response_cache_source_id": "gen-1-a"}),
        ("model=a/b", {"model": "a/b"}),
        ("model=a/b", {"model": "", "requested_model": "a/b"}),
        ("provider=groq", {"provider": "groq"}),
        ("app=https://x.example", {"app": "https://x.example"}),
        ("source=chat", {"source": "chat"}),
        ("finish_reason=length", {"finish_reason": "length"}),
        ("session_id=s-1", {"session_id": "s-1"}),
        ("use=translation", {"use": "translation"}),
        ("use=marketing", {"use": "marketing/seo"}),
        ("use=marketing%2Fseo", {"use": "marketing/seo"}),
        ("external_user=u%2F1", {"external_user": "u/1"}),
        ("cost_from=0.05", {"cost": 5 * CENT}),
        ("cost_from=$0.05&cost_to=0.0500", {"cost": 5 * CENT}),
        ("latency_from=1.5", {"latency_ms": 1500}),
        ("latency_from=1.5s&latency_to=1.6", {"latency_ms": 1550}),
    ],
)
def test_each_filter_shows_the_requests_that_match_and_no_others(account, view_of, query, fields):
    make_request(account, cost=CENT, latency_ms=100)
    wanted = make_request(account, **{"cost": CENT, "latency_ms": 100} | fields)
    make_request(account, cost=CENT, latency_ms=200)
    view = view_of(query)
    assert not view.problems and view.narrowed
    assert found(view) == [wanted.pk]


def test_a_part_of_a_use_does_not_show_the_rest_of_it_and_an_unknown_use_restricts_nothing(account, view_of):
    marketing, seo, unknown = (make_request(account, use=use) for use in ("marketing", "marketing/seo", ""))
    assert found(view_of("use=marketing%2Fseo")) == [seo.pk]
    assert {*found(view_of("use=marketing"))} == {marketing.pk, seo.pk}
    assert {*found(view_of("use=market"))} == {marketing.pk, seo.pk, unknown.pk}


def test_spans_of_time(account, view_of):
    now = timezone.now()
    old, new = make_requests(account, [{"created_at": now - timedelta(days=2)}, {"created_at": now}])
    assert found(view_of("time=1d")) == [new.pk]
    assert found(view_of("time=3d")) == [new.pk, old.pk]
    assert found(
        view_of(f"start={now - timedelta(days=3):%Y-%m-%dT%H:%M}&end={now - timedelta(days=1):%Y-%m-%dT%H:%M}")
    ) == [old.pk]


@pytest.mark.parametrize(
    "query",
    [
        "cost_from=cheap", "cost_from=-1", "cost_to=nan", "cost_from=1e99", "latency_to=1e-", "latency_from=Infinity",
        "time=soon", "start=x", "cost_from=2&cost_to=1",
    ],
)  # fmt: skip
def test_a_filter_that_is_not_understood_is_named(alice_client, account, query):
    shown = make_request(account, cost=int(1.5 * PICO_PER_USD))
    page = alice_client.get(f"{URL}?{query}")
    assert page.status_code == 200
    assert "This filter is ignored." in page.content.decode()
    if "&" not in query:
        assert shown.pk in page.content.decode()


@pytest.mark.parametrize(
    ("time", "chosen"),
    [
        ("", ("", "All time")),
        ("7d", ("7d", "Past 7 days")),
        ("3d", ("3d", "Past 3 days")),
        ("1w", ("1w", "Past week")),
        ("soon", ("", "All time")),
    ],
)
def test_the_choice_of_time_is_the_one_that_applies(alice_client, account, time, chosen):
    make_request(account)
    page = alice_client.get(URL, {"time": time}).content.decode()
    choices = page[page.index('<select class="input" name="time"') :].partition("</select>")[0]
    assert re.findall(r'<option value="(\w*)" selected>([^<]*)</option>', choices) == [chosen]


@pytest.mark.parametrize("value", ["\x00", "x" * 5000, "<script>", "‮", "'; DROP TABLE"])
def test_hostile_texts_find_nothing_and_break_nothing(alice_client, account, value):
    make_request(account)
    for name in ("model", "session_id", "finish_reason", "id", "generation", "before", "tab", "status"):
        page = alice_client.get(URL, {name: value})
        assert page.status_code == 200
        assert "<script>" not in page.content.decode()


def test_a_key_is_found_by_its_hash_under_both_names(alice_client, account, key):
    mine = make_request(account, key=key)
    other = make_request(account)
    for name in ("key", "api_key_hash"):
        page = alice_client.get(URL, {name: key.hash}).content.decode()
        assert f'data-generation="{mine.pk}"' in page and f'data-generation="{other.pk}"' not in page


def test_another_organizations_key_and_requests_are_not_found(alice_client, account, charlie):
    theirs, _ = issuing.create(charlie.personal_organisation, charlie, "Charlie's")
    assert alice_client.get(URL, {"key": theirs.hash}).status_code == 404
    foreign = make_request(spending.account_of(charlie.personal_organisation))
    make_request(account)
    assert alice_client.get(URL, {"id": foreign.pk}).status_code == 200  # no redirect to it
    assert f'data-generation="{foreign.pk}"' not in alice_client.get(URL).content.decode()


def test_a_request_is_opened_by_its_id(alice_client, account):
    request = make_request(account)
    assert alice_client.get(URL, {"id": request.pk}).url == f"/logs?generation={request.pk}"
    assert "There is no request with the ID" in alice_client.get(URL, {"id": "gen-1-nothing"}).content.decode()


def test_running_requests_are_first_unless_a_filter_is_about_their_end(account, view_of):
    ended, running = make_request(account), make_running(account, session_id="s-1")
    assert found(view_of()) == [running.pk, ended.pk]
    assert found(view_of("status=running")) == found(view_of("session_id=s-1")) == [running.pk]
    assert found(view_of("provider=openai")) == found(view_of("cost_to=1")) == [ended.pk]
    assert found(view_of("status=succeeded")) == [ended.pk]


# --- Bounded search


def test_a_search_for_a_rare_request_ends_and_goes_on_where_it_was(account, view_of, monkeypatch):
    monkeypatch.setattr(searching, "STRIDE", 4)
    now = timezone.now()
    rows = make_requests(account, [{"created_at": now - timedelta(minutes=n)} for n in range(10)])
    Generation.objects.filter(pk=rows[9].pk).update(finish_reason="length")
    view, page, steps = view_of("finish_reason=length"), None, 0
    page = search(view)
    while not page.requests:
        assert page.searched_to is not None and page.older
        page, steps = search(view, before=page.older), steps + 1
    assert [request.pk for request in page.requests] == [rows[9].pk]
    assert steps == 2 and page.searched_to is None and page.older == ""
    back = search(view, after=page.newer)
    assert back.requests == [] and back.newer  # and on to the newest
    assert search(view_of("session_id=none")).searched_to is None  # an index leads there


@pytest.mark.parametrize("seed", range(5))
def test_pages_hold_each_match_once_whatever_the_stride(account, view_of, monkeypatch, seed):
    rng = random.Random(seed)
    now = timezone.now()
    make_requests(
        account,
        [
            {
                "created_at": now - timedelta(seconds=n // 3),
                "provider": rng.choice(("groq", "openai")),
                "cost": CENT * rng.randrange(3),
            }
            for n in range(40)
        ],
    )
    view = view_of("provider=groq&cost_from=0.01")
    expected = [
        request.pk
        for request in Generation.objects.filter(account=account, provider="groq", cost__gte=CENT).order_by(
            "-created_at", "-id"
        )
    ]
    for stride, size in ((1, 3), (7, 2), (40, 5), (100, 50)):
        monkeypatch.setattr(searching, "STRIDE", stride)
        assert everything(view, size=size) == expected
    pages = [search(view, size=3)]
    while pages[-1].older:
        pages.append(search(view, before=pages[-1].older, size=3))
    if len(pages) > 2 and pages[-1].newer:
        assert [r.pk for r in search(view, after=pages[-1].newer, size=3).requests] == [
            r.pk for r in pages[-2].requests
        ]


# --- Times of the reader's zone


def test_times_are_typed_in_the_readers_zone_and_the_address_has_utc(alice, alice_client, account):
    alice.time_zone = "Europe/Berlin"
    alice.save()
    make_request(account)
    typed = {"local_start": "2026-07-01T10:00", "local_end": "", "status": "failed"}
    address = f"{URL}?start=2026-07-01T08%3A00Z&status=failed"
    assert alice_client.get(URL, typed).url == address
    assert alice_client.get(URL, typed, headers={"HX-Request": "true"})["HX-Push-Url"] == address
    html = alice_client.get(address).content.decode()
    assert "From (Europe/Berlin)" in html and 'value="2026-07-01T10:00"' in html
    assert "zone=utc" in html
    utc = alice_client.get(URL, typed | {"zone": "utc"})
    assert utc.url == f"{URL}?start=2026-07-01T10%3A00Z&status=failed&zone=utc"


def test_htmx_gets_what_other_filters_change_and_history_the_whole_page(alice_client, account):
    made = make_request(account)
    response = alice_client.get(URL, {"status": "succeeded"}, headers={"HX-Request": "true"})
    html = response.content.decode()
    assert "<html" not in html and "<form" not in html
    for part in ('id="clear"', 'id="export-menu"', 'id="results"', "Clear filters"):
        assert html.count(part) == 1, part
    assert made.pk in html
    assert "HX-Request" in response["Vary"]
    whole = alice_client.get(URL, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.content.decode()


def test_an_address_without_an_offset_still_means_utc(alice, alice_client, account):
    alice.time_zone = "Europe/Berlin"
    alice.save()
    make_request(account)
    response = alice_client.get(URL, {"start": "2026-07-01T08:00"})
    assert response.context["view"].span.start == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert 'value="2026-07-01T10:00"' in response.content.decode()


# --- Sessions


def test_requests_are_grouped_by_session_last_used_first(alice_client, account, view_of):
    now = timezone.now()
    make_requests(
        account,
        [
            {"created_at": now - timedelta(minutes=9), "session_id": "a", "cost": CENT},
            {"created_at": now - timedelta(minutes=5), "session_id": "b", "cost": CENT},
            {"created_at": now - timedelta(minutes=1), "session_id": "a", "cost": 2 * CENT},
            {"created_at": now},
        ],
    )
    [first, second], searched_to = sessions(view_of())
    assert (first.session_id, first.requests, first.cost, first.tokens) == ("a", 2, 3 * CENT, 2400)
    assert (second.session_id, second.requests) == ("b", 1)
    assert searched_to is None and first.first < second.last < first.last
    assert 'href="/logs?session_id=a"' in alice_client.get(f"{URL}?tab=sessions").content.decode()


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_all_sessions_are_exported_batch_by_batch(alice_client, account, monkeypatch):
    monkeypatch.setattr(export, "BATCH", 2)
    now = timezone.now().replace(microsecond=0)
    ids = ["b", "=1+1", "a", "c", "b"]
    make_requests(account, [{"created_at": now, "session_id": each, "cost": 3} for each in ids])
    make_request(account, model="acme/other", session_id="d")
    make_request(account)
    response = alice_client.get("/logs/sessions.csv", {"model": "openai/gpt-4o-mini"})
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode())))
    assert [row["session_id"] for row in rows] == ["'=1+1", "a", "b", "c"]
    both = {"requests": "2", "tokens": "2400", "cost_usd": "0.000000000006"}
    assert rows[2] == {"session_id": "b", "first_request": now.isoformat(), "last_request": now.isoformat(), **both}
    assert len(b"".join(alice_client.get("/logs/sessions.csv", {"status": "running"})).splitlines()) == 1


def test_sessions_say_how_far_back_they_go(account, view_of, monkeypatch):
    monkeypatch.setattr(searching, "STRIDE", 2)
    now = timezone.now()
    rows = make_requests(account, [{"created_at": now - timedelta(minutes=n), "session_id": f"s{n}"} for n in range(4)])
    found_sessions, searched_to = sessions(view_of())
    assert [session.session_id for session in found_sessions] == ["s0", "s1"]
    assert searched_to == rows[1].created_at


# --- One request


def test_the_timeline_adds_up_to_the_whole_time(account):
    failed = {"endpoint": "azure", "provider": "azure", "model": "m", "status": 429, "latency_ms": 300, "reason": "x"}
    request = make_request(account, failed_attempts=[failed], latency_ms=900, upstream_latency_ms=500, duration_ms=2900)
    steps = timeline_of(request)
    assert [(step.start_ms, step.length_ms, step.css) for step in steps] == [
        (0, 100, "quiet"), (100, 300, "bad"), (400, 500, ""), (900, 2000, ""),
    ]  # fmt: skip
    assert steps[1].label.lower() == "azure failed (429)" and steps[-1].end_ms == 2900
    assert timeline_of(make_request(account, duration_ms=None, latency_ms=None)) == []


def test_a_request_is_repeated_by_curl_without_its_prompt(account):
    hostile = make_request(account, requested_model="a/'b$(x)`", provider="groq", session_id="s", streamed=True)
    command = curl_of(hostile)
    assert command.startswith("curl http") and "/api/v1/chat/completions" in command
    assert "a/'\"'\"'b$(x)`" in command  # quoted for the shell
    assert '"only": [' in command and "Your prompt" in command and '"stream": true' in command
    assert "/api/v1/embeddings" in curl_of(make_request(account, api_type=Generation.ApiType.EMBEDDINGS))
