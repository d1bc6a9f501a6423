"""The dashboard: sums that are exact, filters that combine, and who sees it."""

from datetime import timedelta
from itertools import product

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from activity import usage
from activity.dashboard.summary import dashboard_of, options_of
from activity.filters import filter_from
from billing import spending
from keys import issuing
from tests.activity.factory import MODELS, make_history, make_request, make_running

URL = "/activity"


def view_of(organisation, **query):
    asked = QueryDict(mutable=True)
    asked.update(query)
    return filter_from(asked, organisation, timezone.now())


# --- Who sees it -----------------------------------------------------------------------------------


def test_it_sends_a_visitor_to_sign_in(db):
    for url in (URL, f"{URL}/requests.csv", f"{URL}/usage.csv", f"{URL}/gen-1-a", "/logs"):
        assert Client().get(url).url.startswith("/account/login/?next=")


def test_before_the_first_request_it_says_where_to_start(alice_client):
    html = alice_client.get(URL).content.decode()
    assert "No requests yet" in html
    assert "/settings/keys" in html
    assert "/chat" in html


def test_a_member_sees_the_organisations_activity_an_outsider_none(alice_client, bob_client, charlie_client, account):
    request = make_request(account, model="acme/model-of-alice")
    for client in (alice_client, bob_client):
        html = client.get(URL).content.decode()
        assert "acme/model-of-alice" in html
        assert request.pk in html
    assert "acme/model-of-alice" not in charlie_client.get(URL).content.decode()


# --- Sums ------------------------------------------------------------------------------------------


def test_all_time_adds_up_to_the_accounts_usage_to_the_pico(organisation, account, key):
    make_history(account, [key], 300, days=400)
    make_request(account, timezone.now() - timedelta(days=3000), cost=1)
    account.refresh_from_db()
    report = usage.report(view_of(organisation, period="all"))
    assert report.total.cost == account.usage > 0
    assert report.total.requests == 301
    assert sum(group.total.cost for group in report.groups) == account.usage
    assert sum(sums.cost for sums in report.by_bucket.values()) == account.usage


@pytest.mark.parametrize("by", ["model", "provider", "key", "member", "app"])
@pytest.mark.parametrize("period", ["24h", "7d", "30d", "90d", "12mo", "all"])
def test_groups_and_buckets_add_up_however_they_are_divided(organisation, account, key, alice, period, by):
    make_history(account, [key], 60, days=100, users=(alice.pk,))
    report = usage.report(view_of(organisation, period=period, by=by))
    for name in ("cost", "requests", "failures", "prompt_tokens", "completion_tokens", "cached_tokens"):
        total = getattr(report.total, name)
        assert sum(getattr(group.total, name) for group in report.groups) == total
        assert sum(getattr(sums, name) for sums in report.by_bucket.values()) == total
    assert isinstance(report.total.cost, int)


def test_a_request_is_in_the_bucket_of_its_utc_day(organisation, account):
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    make_request(account, today - timedelta(microseconds=1), cost=1)
    make_request(account, today, cost=10)
    by_bucket = usage.report(view_of(organisation, period="7d")).by_bucket
    assert by_bucket[today - timedelta(days=1)].cost == 1
    assert by_bucket[today].cost == 10


def test_what_is_older_than_the_period_is_compared_with(organisation, account):
    make_request(account, timezone.now() - timedelta(days=1), cost=150)
    make_request(account, timezone.now() - timedelta(days=31), cost=100)
    make_request(account, timezone.now() - timedelta(days=70), cost=7)
    report = usage.report(view_of(organisation))
    assert (report.total.cost, report.before.cost) == (150, 100)
    spend = dashboard_of(view_of(organisation), organisation).tiles[0]
    assert spend.change == "+50%"


def test_all_filters_combine(organisation, account, key, alice):
    other, _ = issuing.create(organisation, alice, "Other")
    choices = product(("a/one", "b/two"), ("openai", "groq"), (key, other), ("https://a.example/", ""), ("api", "chat"))
    for power, (model, provider, used, app, source) in enumerate(choices):
        make_request(account, model=model, provider=provider, key=used, app=app, source=source, cost=2**power)
    every = usage.report(view_of(organisation)).total.cost
    assert every == 2**32 - 1
    query = {"model": "b/two", "provider": "groq", "key": key.hash, "app": "https://a.example/", "source": "chat"}
    one = usage.report(view_of(organisation, **query))
    assert (one.total.requests, one.total.cost) == (1, 2 ** (16 + 8 + 1))
    for left_out in query:
        fewer = {name: value for name, value in query.items() if name != left_out}
        assert usage.report(view_of(organisation, **fewer)).total.requests == 2


def test_the_page_shows_what_the_filter_leaves(alice_client, account, key):
    make_request(account, model="acme/alpha", provider="groq", key=key, cost=1_230_000_000_000)
    make_request(account, model="acme/beta", provider="openai", cost=4_560_000_000_000)
    html = alice_client.get(URL, {"model": "acme/alpha"}).content.decode()
    results = html[html.index('id="results"') :]
    assert "$1.23" in results
    assert "acme/beta" not in results
    assert "acme/beta" in html  # still on offer
    assert "$4.56" in alice_client.get(URL, {"provider": "openai"}).content.decode()


def test_a_filter_that_matches_nothing_says_so_and_offers_a_way_out(alice_client, account):
    make_request(account)
    html = alice_client.get(URL, {"model": "no/such-model"}).content.decode()
    assert "No requests found" in html
    assert "Clear filters" in html
    assert 'value="no/such-model" checked' in html


def test_a_deleted_keys_usage_stays_and_is_named(organisation, account, key, alice_client):
    make_request(account, key=key, cost=5)
    issuing.delete(key)
    assert usage.report(view_of(organisation, key=key.hash)).total.cost == 5
    assert "Laptop (deleted)" in alice_client.get(URL, {"by": "key"}).content.decode()


def test_choices_are_what_occurs_in_the_period_whatever_is_chosen(organisation, account, key):
    make_request(account, model="acme/alpha", provider="groq", key=key)
    make_request(account, model="acme/beta", provider="openai", app="https://a.example/x")
    make_request(account, timezone.now() - timedelta(days=60), model="acme/old", provider="mistral")
    options = options_of(view_of(organisation, model="acme/alpha"), organisation)
    assert [(option.value, option.chosen) for option in options["model"]] == [
        ("acme/alpha", True),
        ("acme/beta", False),
    ]
    assert {option.value for option in options["provider"]} == {"groq", "openai"}
    assert [(option.value, option.label) for option in options["key"]] == [(key.hash, "Laptop")]
    assert [(option.value, option.label) for option in options["app"]] == [("https://a.example/x", "a.example/x")]


# --- Hostile query strings -------------------------------------------------------------------------


FIELDS = ("period", "model", "provider", "app", "source", "by", "show", "before", "after", "since")


@pytest.mark.parametrize(
    "value", ["\x00", "'; DROP TABLE x; --", "x" * 5000, "%", "\ud800", "٣", "<script>", "[]", "-1"]
)
def test_a_hostile_filter_is_harmless(alice_client, account, value):
    make_request(account)
    for query in ({name: value.encode("utf-8", "surrogatepass")} for name in FIELDS):
        response = alice_client.get(URL, query)
        assert response.status_code == 200
        assert "<script>" not in response.content.decode()


@pytest.mark.parametrize("value", ["0" * 64, "\x00", "x" * 5000, "'", "A" * 64])
def test_a_key_that_is_none_of_ours_is_a_404(alice_client, account, value):
    make_request(account)
    assert alice_client.get(URL, {"key": value}).status_code == 404


def test_another_organisations_key_is_a_404(alice_client, charlie, account):
    theirs, _ = issuing.create(charlie.personal_organisation, charlie, "Charlie's")
    assert alice_client.get(URL, {"key": theirs.hash}).status_code == 404
    assert alice_client.get("/logs", {"api_key_hash": theirs.hash}).status_code == 404


# --- The chart -------------------------------------------------------------------------------------


def test_the_chart_equals_its_table_and_the_total(organisation, account, key):
    make_history(account, [key], 200, days=28)
    for show in ("spend", "requests", "tokens"):
        view = view_of(organisation, show=show)
        dashboard = dashboard_of(view, organisation)
        drawn = sum(series.total for _, series in dashboard.picture.series)
        assert drawn == dashboard.report.total.measure(show)
        assert len(dashboard.table) == len(dashboard.picture.columns) == 30
        assert len(dashboard.table[0].values) == len(dashboard.picture.series)


def test_colours_are_the_same_in_the_chart_and_in_the_breakdown(organisation, account, key):
    make_history(account, [key], 400, days=28)
    dashboard = dashboard_of(view_of(organisation), organisation)
    named = {series.name: css for css, series in dashboard.picture.series}
    assert len(dashboard.rows) == len(MODELS)
    for row in dashboard.rows[:9]:
        assert row.swatch == row.bar == named[row.label]
    free = next(row for row in dashboard.rows if row.label.endswith(":free"))
    assert (free.swatch, free.share, free.spend) == ("none", "0%", "$0.00")
    assert {row.swatch for row in dashboard.rows[9:]} == {"k9", "none"}


def test_the_chart_can_be_read_without_seeing_it(alice_client, account):
    make_request(account)
    html = alice_client.get(URL).content.decode()
    assert '<title id="plot-title">Spend per day, 30 days</title>' in html
    assert "<desc" in html
    assert "data-bars-table" in html


def test_free_requests_leave_nothing_to_draw_in_spend_but_in_requests(alice_client, account):
    make_request(account, price={"prompt": "0", "completion": "0"})
    assert "these requests were free" in alice_client.get(URL).content.decode()
    assert 'class="k0"' in alice_client.get(URL, {"show": "requests"}).content.decode()


def test_pages_carry_no_inline_style_or_script(alice_client, account, key):
    make_history(account, [key], 50)
    html = alice_client.get(URL).content.decode()
    assert " style=" not in html
    assert " onclick=" not in html


# --- Live ------------------------------------------------------------------------------------------


def test_nothing_is_sent_again_while_nothing_has_changed(alice_client, organisation, account):
    make_request(account)
    stamp = str(usage.stamp(spending.account_of(organisation)))
    assert stamp in alice_client.get(URL).content.decode()
    assert alice_client.get(URL, {"since": stamp}).status_code == 204
    running = make_running(account)
    assert alice_client.get(URL, {"since": stamp}).status_code == 200
    newer = str(usage.stamp(spending.account_of(organisation)))
    running.delete()
    assert alice_client.get(URL, {"since": newer}).status_code == 200


def test_the_dashboard_takes_few_queries(alice_client, account, key, django_assert_max_num_queries):
    make_history(account, [key], 200)
    alice_client.get(URL)
    with django_assert_max_num_queries(16):
        alice_client.get(URL)


# --- Another view in place --------------------------------------------------------------------------


def test_htmx_gets_what_another_view_changes_and_history_the_whole_page(alice_client, account):
    make_request(account, app="https://notes.example.com")
    response = alice_client.get(URL, {"period": "7d"}, headers={"HX-Request": "true"})
    html = response.content.decode()
    assert "<html" not in html
    for part in ('id="period"', 'id="selects"', 'id="export-menu"', 'id="results"', "Top apps by cost"):
        assert html.count(part) == 1, part
    assert "HX-Request" in response["Vary"]
    whole = alice_client.get(URL, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.content.decode()


def test_insights_that_the_page_has_are_neither_read_nor_sent_again(alice_client, account):
    make_request(account, app="https://notes.example.com")

    def answer(zone: str, **query) -> str:
        headers = {"HX-Request": "true", "X-Kept-Insights": zone}
        return alice_client.get(URL, query, headers=headers).content.decode()

    kept = answer("UTC", period="7d")
    assert 'id="insights" data-zone="UTC" hx-preserve' in kept
    assert "Top apps by cost" not in kept
    assert "Top apps by cost" in answer("Europe/Berlin")  # those of another time zone
    assert 'id="insights"' not in answer("UTC", model="openai/gpt-4o-mini")
