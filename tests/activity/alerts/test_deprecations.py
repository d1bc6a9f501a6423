"""Emails about models that retire: 30 and 7 days ahead, to those who used them lately."""

from datetime import timedelta

import pytest

from activity.tasks import alert_deprecations
from billing.notifications import choices
from models_catalog import catalog
from models_catalog.models import Author, Model
from tests.activity.alerts.conftest import NOON
from tests.activity.factory import make_request

DAY = timedelta(days=1)
TODAY = NOON.date()


@pytest.fixture
def sent(emails_of):
    """Return a function that runs the clock's task and returns the emails that it caused."""
    return lambda: emails_of(alert_deprecations)


@pytest.fixture
def models(db) -> None:
    """Two models that the catalog knows."""
    acme = Author.objects.create(slug="acme", name="Acme")
    for slug in ("alpha", "beta"):
        Model.objects.create(
            id=f"acme/{slug}", canonical_slug=f"acme/{slug}", author=acme, name=f"Acme: {slug.title()}", created=1,
            context_length=1000,
        )  # fmt: skip


def retire(slug: str, days: int) -> None:
    Model.objects.filter(id=f"acme/{slug}").update(expires_on=TODAY + days * DAY)


@pytest.mark.parametrize(("days", "emails"), [(31, 0), (30, 1), (7, 1), (1, 1), (0, 0), (-1, 0)])
def test_the_first_email_comes_30_days_ahead_or_with_the_news(models, account, sent, days, emails):
    make_request(account, NOON - DAY, model="acme/alpha")
    retire("alpha", days)
    assert len(sent()) == emails
    assert sent() == []


def test_the_second_comes_7_days_ahead(models, account, sent, clock):
    make_request(account, NOON - DAY, model="acme/alpha")
    retire("alpha", 30)
    [email] = sent()
    assert email.subject == "Acme: Alpha retires on 11 Dec 2026"
    assert "- Acme: Alpha (acme/alpha): 11 Dec 2026.\n" in email.body
    clock.set(NOON + 22 * DAY)
    assert sent() == []
    clock.set(NOON + 23 * DAY)
    [email] = sent()
    assert email.subject == "Acme: Alpha retires on 11 Dec 2026"
    assert email.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    clock.set(NOON + 29 * DAY)
    assert sent() == []


def test_another_date_is_told_again(models, account, sent):
    make_request(account, NOON - DAY, model="acme/alpha")
    retire("alpha", 20)
    assert len(sent()) == 1
    retire("alpha", 25)
    assert len(sent()) == 1


@pytest.mark.parametrize(("age", "emails"), [(30 * DAY - timedelta(hours=1), 1), (30 * DAY + timedelta(hours=1), 0)])
def test_only_models_used_in_the_last_30_days_matter(models, account, sent, age, emails):
    make_request(account, NOON - age, model="acme/alpha")
    make_request(account, NOON, model="acme/beta")
    retire("alpha", 10)
    assert len(sent()) == emails


def test_admins_and_users_of_a_model_get_one_email_about_all(models, account, alice, bob, sent):
    make_request(account, NOON, model="acme/alpha", user=bob)
    make_request(account, NOON, model="acme/beta", user=alice)
    retire("alpha", 10)
    retire("beta", 9)
    emails = sent()
    assert [email.to for email in emails] == [["alice@example.com"], ["bob@example.com"]]
    assert {email.subject for email in emails} == {"2 models you use retire from 20 Nov 2026"}
    assert emails[0].body.index("acme/beta") < emails[0].body.index("acme/alpha")


def test_turned_off_it_is_not_sent(models, account, alice, sent):
    choices.choose(alice, account, {"model_deprecation": False}, NOON)
    make_request(account, NOON, model="acme/alpha")
    retire("alpha", 10)
    assert sent() == []


def test_the_newest_model_of_the_family_is_named(models, account, sent, monkeypatch):
    monkeypatch.setattr(catalog.Catalogue, "successor_of", lambda *_, gone_by: f"acme/gamma-{gone_by:%d}")
    make_request(account, NOON, model="acme/alpha")
    retire("alpha", 5)
    [email] = sent()
    assert "(acme/alpha): 16 Nov 2026. Newest of its family: acme/gamma-16\n" in email.body
