"""Classified requests count for their use, once, and only those of accounts that agree to both."""

import json
import re

import pytest
from django.db.models import F, Sum

from accounts.deletion import erasing
from accounts.models import PrivacySettings
from activity.models import App, AppDay, ModelDay, Standing, UseDay
from activity.rankings import counting
from activity.rankings.apps import app_shares
from activity.rankings.tables import datasets, model_usage
from common.clock import utc_now

from .conftest import CLI, NOTES, count, use


@pytest.fixture
def classified(organisation) -> PrivacySettings:
    """The settings of the account, with classification on."""
    return PrivacySettings.objects.create(organisation=organisation, classify_requests=True)


def uses() -> dict[str, int]:
    """The tokens of today by use, as ranked."""
    counting.rank_again()
    count()
    rows = Standing.objects.filter(kind="use", period="day")
    found = dict(rows.filter(rank__gt=0).values_list("key", "tokens"))
    assert sum(found.values()) == sum(rows.filter(rank=0).values_list("tokens", flat=True))
    return found


def tokens_of(rows) -> int:
    return rows.aggregate(sum=Sum(F("prompt_tokens") + F("completion_tokens")))["sum"] or 0


def test_a_classified_request_without_an_app_counts_for_its_use(account, classified):
    use(account, "", 10, use="legal")
    use(account, "", 7, use="health", model="acme/one")
    use(account, "", 5)
    assert uses() == {"legal": 10, "health": 7}
    assert tokens_of(ModelDay.objects.all()) == 22
    assert not AppDay.objects.exists()


def test_the_text_of_a_request_wins_over_the_category_of_its_app(account, classified, others):
    use(account, NOTES, 100, use="legal")
    use(account, NOTES, 40)
    use(others[0], NOTES, 8)
    count()
    App.objects.update(categories=["cli-agent"])
    assert uses() == {"legal": 100, "programming": 48}
    assert tokens_of(AppDay.objects.filter(model="")) == 148  # the app still has all of them
    app = Standing.objects.get(kind="app", period="day", rank=1)
    assert (app.tokens, app.requests) == (148, 3)
    App.objects.update(categories=[])
    assert uses() == {"legal": 100, "none": 48}


def test_the_same_use_of_text_and_app_is_counted_once(account, classified):
    use(account, CLI, 100, use="programming")
    use(account, CLI, 1)
    count()
    App.objects.update(categories=["cli-agent"])
    assert uses() == {"programming": 101}
    place = Standing.objects.get(kind="use", period="day", rank=1)
    assert (place.tokens, place.requests) == (101, 2)


def test_counting_again_changes_nothing(account, classified):
    use(account, NOTES, 100, use="legal")
    use(account, "", 3, use="legal")
    count()
    before = [*AppDay.objects.order_by("pk").values()], [*UseDay.objects.order_by("pk").values()]
    count()
    assert before == ([*AppDay.objects.order_by("pk").values()], [*UseDay.objects.order_by("pk").values()])
    use(account, "", 4, use="legal")
    assert uses() == {"legal": 107}


@pytest.mark.parametrize(
    "settings", [{"classify_requests": False}, {"show_apps_in_rankings": False}, {"zero_data_retention": True}]
)
def test_an_account_that_does_not_agree_counts_for_no_use(account, classified, settings):
    use(account, "", 10, use="legal")
    PrivacySettings.objects.update(**settings)
    assert uses() == {}


def test_what_is_withdrawn_leaves_past_days_and_comes_back(client, alice, account, classified, others):
    PrivacySettings.objects.create(organisation_id=others[0].organisation_id, classify_requests=True)
    for days_ago in (0, 1, 12):
        use(account, NOTES, 100, days_ago, use="legal")
        use(account, "", 10, days_ago, use="legal")
    use(others[0], "", 7, 1, use="legal")

    def tokens() -> tuple[int, int]:
        count()
        return tokens_of(UseDay.objects.all()), tokens_of(AppDay.objects.filter(model="", use="legal"))

    assert tokens() == (37, 300)
    client.force_login(alice)
    client.post("/settings/privacy", {"show_apps_in_rankings": "on"})
    assert tokens() == (7, 0)
    assert tokens_of(AppDay.objects.filter(model="")) == 300  # for the use of the app again
    client.post("/settings/privacy", {"show_apps_in_rankings": "on", "classify_requests": "on"})
    assert tokens() == (37, 300)
    client.post("/settings/privacy", {"classify_requests": "on"})
    assert tokens() == (7, 0)
    assert tokens_of(AppDay.objects.filter(model="")) == 0
    assert tokens_of(ModelDay.objects.all()) == 337


def test_the_share_of_an_app_does_not_limit_uses(account, classified, others):
    share = app_shares.FREE_SHARE
    use(account, NOTES, 3 * share, use="legal", model="acme/one")
    use(account, NOTES, share)
    use(others[0], NOTES, 5)
    count()
    App.objects.update(categories=["cli-agent"])
    assert uses() == {"legal": 3 * share, "programming": share // 4 + 5}
    assert tokens_of(AppDay.objects.filter(model="")) == share + 5  # the app has its share: a quarter of each
    assert tokens_of(UseDay.objects.all()) == 3 * share - 3 * share // 4


def test_requests_of_blocked_apps_keep_their_use(account, classified):
    use(account, "https://spam.example.net", 10, use="legal")
    use(account, "https://spam.example.net", 1)
    count()
    App.objects.update(blocked=True)
    counting.count_again()
    assert uses() == {"legal": 10}
    assert not AppDay.objects.exists()


def test_failed_requests_and_empty_ones_count_for_no_use(account, classified):
    use(account, "", 10, use="legal")
    use(account, "", 20, error_status=502)
    use(account, "", 0, use="health")
    assert uses() == {"legal": 10}


def test_the_sums_stay_when_the_account_is_deleted(account, organisation, classified):
    use(account, "", 10, use="legal")
    assert uses() == {"legal": 10}
    erasing._erase_related(organisation)
    assert tokens_of(ModelDay.objects.all()) == 10


def test_models_by_use_have_classified_requests(account, classified):
    use(account, "", 10, use="marketing/seo", model="acme/one")
    use(account, CLI, 5, use="marketing", model="acme/two")
    use(account, CLI, 3, model="acme/three")
    count()
    App.objects.update(categories=["cli-agent"])
    today = utc_now().date()

    def models(name: str) -> list[tuple[str, int]]:
        return [(each.permaslug, each.tokens) for each in datasets.models_by_date("day", today, today, use=name)]

    assert models("marketing") == [("acme/one", 10), ("acme/two", 5)]
    assert models("marketing/seo") == [("acme/one", 10)]
    assert models("programming") == [("acme/three", 3)]
    assert {name: usage.categories for name, usage in model_usage.recent().items()} == {
        "acme/one": {"marketing", "marketing/seo"},
        "acme/two": {"marketing"},
        "acme/three": {"programming"},
    }


def test_the_page_shows_uses_without_an_app(client, account, classified):
    page = client.get("/rankings?by=use").content.decode()
    assert "No uses in the last 7 days" in page
    use(account, "", 10, use="marketing/seo")
    count()
    page = client.get("/rankings?by=use").content.decode()
    assert "10 tokens of requests that name their app or are classified" in page
    assert re.search(r"<bdi>SEO</bdi>", page)
    assert json.dumps("legal") not in page


def test_the_use_is_on_the_page_of_the_request(client, alice, account):
    client.force_login(alice)
    named, unnamed = use(account, "", 10, use="marketing/seo"), use(account, "", 10)
    assert "<dt>Use</dt><dd>SEO" in client.get(f"/activity/{named.pk}").content.decode()
    assert "<dt>Use</dt>" not in client.get(f"/activity/{unnamed.pk}").content.decode()


def test_the_growth_of_a_use_counts_what_is_used_no_more(account, classified):
    use(account, CLI, 100, 2, use="legal")
    use(account, "", 20, 1, use="legal")
    use(account, "", 3, use="legal")
    count()
    place = Standing.objects.get(kind="use", period="day", key="legal")
    assert (place.tokens, place.now, place.before) == (3, 20, 100)
