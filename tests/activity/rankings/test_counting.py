"""Days add up to the token, and for apps only what may count."""

from datetime import timedelta

import pytest
from django.db.models import F, Sum

from accounts.deletion import erasing
from accounts.models import PrivacySettings
from activity.models import App, AppDay, AppTitle, ModelDay, RankedDay, SentCategories
from activity.rankings import counting
from activity.rankings.apps import app_shares, categories
from gateway.models import Generation
from gateway.steps import attribution
from tests.activity.factory import make_history, make_request
from tests.billing.at_once import all_at_once

from .conftest import CLI, NOON, NOTES, count, use


def tokens_of(rows) -> int:
    return rows.aggregate(sum=Sum(F("prompt_tokens") + F("completion_tokens")))["sum"] or 0


def counted(slug: str) -> int:
    """All tokens of an app."""
    return tokens_of(AppDay.objects.filter(app__slug=slug, model=""))


def test_sums_agree_with_the_requests_to_the_token(account, others):
    make_history(account, [], 400, days=70)
    make_history(others[0], [], 100, days=5, seed=8)
    for _ in range(3):
        count()
    requests = Generation.objects.filter(error_status=None)
    assert tokens_of(ModelDay.objects.all()) == tokens_of(requests) > 0
    assert ModelDay.objects.aggregate(sum=Sum("requests"))["sum"] == requests.count()
    for day in ("2026-11-17", "2026-11-18"):
        stored = {row.model: row.prompt_tokens for row in ModelDay.objects.filter(day=day)}
        made = requests.filter(created_at__date=day).values_list("model").annotate(sum=Sum("prompt_tokens"))
        assert stored == dict(made)
    for slug, app in (("notes.example.com", NOTES), ("cli.example.org", "https://cli.example.org/agent")):
        assert counted(slug) == tokens_of(requests.filter(app=app)) > 0
        assert counted(slug) == tokens_of(AppDay.objects.filter(app__slug=slug).exclude(model=""))


def test_counting_again_changes_nothing_and_late_requests_are_found(account, clock):
    use(account, NOTES, 100, days_ago=1)
    count()
    before = [*AppDay.objects.order_by("pk").values()], [*ModelDay.objects.order_by("pk").values()]
    count()
    assert before == ([*AppDay.objects.order_by("pk").values()], [*ModelDay.objects.order_by("pk").values()])
    use(account, NOTES, 7, days_ago=0)
    clock.set(NOON + timedelta(hours=16))  # the next day: one of its requests has just settled
    count()
    assert counted("notes.example.com") == 107
    use(account, CLI, 5, days_ago=0)
    clock.set(NOON + timedelta(hours=19))
    count()
    assert counted("github.com/acme/cli") == 5
    last = RankedDay.objects.get(day="2026-11-18").as_of
    clock.set(NOON + timedelta(hours=20))
    count()
    assert RankedDay.objects.get(day="2026-11-18").as_of == last


def test_old_days_are_counted_some_at_a_run(account):
    use(account, NOTES, 1, days_ago=40)
    count()
    assert counted("notes.example.com") == 0
    count()
    assert counted("notes.example.com") == 1
    assert RankedDay.objects.count() == 41


def test_failed_requests_and_the_chat_are_no_apps(account):
    use(account, NOTES, 0, error_status=502, model="", requested_model="<script>")
    use(account, "", 50, source="chat")
    count()
    assert not App.objects.exists()
    assert [row.model for row in ModelDay.objects.all()] == ["openai/gpt-4o-mini"]


def test_an_account_opts_out_also_of_past_days_and_in_again(client, alice, account, others):
    for days_ago in (0, 1, 12):
        use(account, NOTES, 100, days_ago, app_title="Notes of Alice")
    use(others[0], NOTES, 7, app_title="Notes")
    count()
    assert counted("notes.example.com") == 307
    client.force_login(alice)
    client.post("/settings/privacy", {})
    count()
    assert counted("notes.example.com") == 7
    assert tokens_of(ModelDay.objects.all()) == 307  # models are not told apart by account
    client.post("/settings/privacy", {"show_apps_in_rankings": "on"})
    count()
    assert counted("notes.example.com") == 307


def test_accounts_that_require_zero_data_retention_are_in_no_ranking(account, organisation):
    PrivacySettings.objects.create(organisation=organisation, zero_data_retention=True)
    use(account, NOTES, 100)
    count()
    assert not ModelDay.objects.exists() and not AppDay.objects.exists()


def test_one_account_alone_lifts_an_app_only_so_far(account, others):
    share = app_shares.FREE_SHARE
    use(account, NOTES, 40 * share, model="acme/alpha")
    use(account, NOTES, 10 * share, model="acme/beta")
    count()
    assert counted("notes.example.com") == share
    assert tokens_of(AppDay.objects.filter(model="acme/alpha")) == share * 4 // 5
    for other in others[:2]:
        use(other, NOTES, 3 * share)
    count()
    assert counted("notes.example.com") == 12 * share  # others used six: it adds no more than they
    App.objects.update(verified=True)
    counting.count_again()
    count()
    assert counted("notes.example.com") == 56 * share
    assert tokens_of(ModelDay.objects.all()) == 56 * share


def test_an_account_adds_only_some_apps_a_day(account, clock, monkeypatch):
    monkeypatch.setattr(app_shares, "MOST_NEW_APPS", 2)
    for number in range(5):
        use(account, f"https://app{number}.example.com", 10 + number)
    count()
    count()
    assert sorted(app.slug for app in App.objects.all()) == ["app3.example.com", "app4.example.com"]
    clock.set(NOON + timedelta(days=1))
    count()
    assert App.objects.count() == 4


def test_blocked_apps_count_for_none_and_merged_ones_for_another(account):
    use(account, NOTES, 10)
    use(account, CLI, 5)
    use(account, "https://spam.example.net", 1000)
    count()
    notes = App.objects.get(slug="notes.example.com")
    App.objects.filter(slug="spam.example.net").update(blocked=True)
    App.objects.filter(slug="github.com/acme/cli").update(merged_into=notes)
    counting.count_again()
    count()
    assert (counted("notes.example.com"), counted("github.com/acme/cli"), counted("spam.example.net")) == (15, 0, 0)


def test_an_apps_name_is_what_most_accounts_call_it(account, others, clock):
    for other, title in zip(others, ("Notes", "Notes", "Scam", ""), strict=True):
        use(other, NOTES, 10, app_title=title)
    use(account, NOTES, 10**6, app_title="Best\u202eapp")
    count()
    assert App.objects.get().title == "Notes"
    assert AppTitle.objects.exclude(title="").count() == 3
    App.objects.create(slug="other.example.com", name="Notes", verified=True)
    clock.set(NOON + timedelta(hours=2))
    count()
    assert App.objects.get(slug="notes.example.com").title == "Scam"  # "Notes" is the name of a verified app


def test_a_deleted_account_leaves_sums_alone(account, organisation):
    use(account, NOTES, 10, app_title="Notes")
    count()
    erasing._erase_related(organisation)
    assert App.objects.get().found_by is None
    assert not AppTitle.objects.exists()
    assert counted("notes.example.com") == 10


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_several_clocks_at_once_count_once(account):
    make_request(account, NOON, app=NOTES, prompt_tokens=3, completion_tokens=4)
    assert all_at_once(*[count] * 3) == [None] * 3
    assert counted("notes.example.com") == 7 == tokens_of(ModelDay.objects.all())


def test_categories_are_those_that_half_of_the_accounts_send(account, others):
    for each in (account, *others[:3]):
        use(each, NOTES, 10)
    headers = ("writing-assistant, general-chat, game", "Writing-Assistant,cooking", "<script>,roleplay", "")
    for each, header in zip((account, *others[:3]), headers, strict=True):
        attribution.note(each.organisation_id, "https://www.notes.example.com/write", header)
    attribution.note(account.organisation_id, "http://localhost:3000", "game")
    attribution.note(account.organisation_id, "", "game")
    for _ in range(2):
        categories.save("process", NOON)
        count()
    app = App.objects.get()
    assert app.sent_categories == ["writing-assistant"]  # two of three
    attribution.note(account.organisation_id, NOTES, "legal")
    categories.save("process", NOON)
    mine = SentCategories.objects.get(organisation=account.organisation_id)
    assert mine.categories == ["legal", "writing-assistant", "general-chat"]
    assert SentCategories.objects.count() == 3
