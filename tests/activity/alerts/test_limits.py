"""Alerts about spend limits of keys and members: at 80% and 100%, once in each window of each limit."""

from datetime import timedelta

import pytest
from django.core import mail

from accounts.models import Membership
from accounts.organisations import members
from activity.tasks import alert_limits
from billing import spending
from billing.models import SentAlert
from billing.notifications import alerts, choices, outbox
from common.clock import utc_now, window_start
from common.money import PICO_PER_USD
from common.telemetry.jobs import JobFailed
from guardrails import saving as guardrails
from keys import issuing
from keys.models import ApiKey
from tests.activity.alerts.conftest import NOON
from tests.billing.at_once import all_at_once

LIMIT = 10 * PICO_PER_USD


@pytest.fixture
def sent(emails_of):
    """Return a function that runs the clock's task and returns the emails that it caused."""
    return lambda: emails_of(alert_limits)


@pytest.fixture
def limited(key, account) -> ApiKey:
    """Alice's key, with a limit of $10 a week."""
    ApiKey.objects.filter(pk=key.pk).update(limit=LIMIT, limit_reset="weekly")
    return key


def use(key: ApiKey, amount: int) -> None:
    """Make `amount` the usage of the key in this window and altogether, as settlement does."""
    key.refresh_from_db()
    start = window_start(key.limit_reset, utc_now()) if key.limit_reset else None
    ApiKey.objects.filter(pk=key.pk).update(
        usage=amount, window_usage=amount, window_started_at=start, last_used_at=utc_now()
    )


def per_mille(share: int) -> int:
    return LIMIT * share // 1000


@pytest.mark.parametrize(
    ("usage", "steps"),
    [
        (per_mille(800) - 1, []),
        (per_mille(800), ["80%"]),
        (per_mille(995) - 1, ["80%"]),
        (per_mille(995), ["100%"]),
        (LIMIT, ["100%"]),
        (LIMIT + 1, ["100%"]),
    ],
)
@pytest.mark.parametrize("reset", ["", "weekly"])
def test_the_steps_of_a_keys_limit(limited, sent, usage, steps, reset):
    ApiKey.objects.update(limit_reset=reset)
    use(limited, usage)
    assert [email.subject for email in sent()] == [f"API key Laptop: {step} of the spend limit used" for step in steps]
    assert sent() == []


def test_the_email_says_what_is_left_and_until_when(limited, sent, client, alice, account):
    use(limited, 8 * PICO_PER_USD)
    [email] = sent()
    assert email.to == ["alice@example.com"]
    assert "API key Laptop in alice has used $8.00 of the $10.00 spend limit. $2.00 is left." in email.body
    assert "When the limit is used up, requests fail until 16 Nov 2026, 00:00 UTC, or until it is raised." in email.body
    assert f"/settings/keys/{limited.hash}" in email.body
    use(limited, LIMIT)
    [email] = sent()
    assert "Requests that cost more than that fail until 16 Nov 2026, 00:00 UTC, or until the limit" in email.body

    url = email.extra_headers["List-Unsubscribe"].strip("<>")
    assert email.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert url in email.body
    assert client.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert "key_limit" not in choices.chosen_by(alice, account)
    ApiKey.objects.update(limit=LIMIT + 1)
    assert sent() == []


def test_a_new_window_and_a_raised_limit_count_anew(limited, sent, clock):
    use(limited, LIMIT)
    assert len(sent()) == 1
    ApiKey.objects.update(limit=2 * LIMIT)  # half of it is used
    assert sent() == []
    use(limited, 2 * per_mille(800))
    assert [email.subject for email in sent()] == ["API key Laptop: 80% of the spend limit used"]
    clock.set(NOON + timedelta(days=7))
    assert sent() == []  # the usage is last week's
    use(limited, 2 * per_mille(800))
    assert len(sent()) == 1
    assert SentAlert.objects.count() == 1


def test_a_limit_raised_and_lowered_again_tells_nothing_twice(limited, sent):
    use(limited, LIMIT)
    assert len(sent()) == 1
    ApiKey.objects.update(limit=2 * LIMIT)
    assert sent() == []
    ApiKey.objects.update(limit=LIMIT)
    assert sent() == []


@pytest.mark.parametrize(
    "change",
    [
        {"limit": None},
        {"limit": 0},
        {"disabled": True},
        {"deleted_at": NOON},
        {"last_used_at": NOON - timedelta(days=2, seconds=1)},
    ],
    ids=str,
)
def test_keys_that_get_no_alert(limited, sent, change):
    use(limited, LIMIT)
    ApiKey.objects.update(**change)
    assert sent() == []


def test_a_keys_creator_and_the_admins_are_told(limited, account, bob, sent):
    theirs, _ = issuing.create(account.organisation, bob, "Bob's")
    ApiKey.objects.filter(pk=theirs.pk).update(limit=LIMIT)
    use(theirs, LIMIT)
    assert [email.to for email in sent()] == [["alice@example.com"], ["bob@example.com"]]
    use(limited, LIMIT)
    assert [email.to for email in sent()] == [["alice@example.com"]]
    Membership.objects.filter(user=bob, organisation=account.organisation).delete()
    ApiKey.objects.filter(pk=theirs.pk).update(limit=LIMIT + 1)
    assert [email.to for email in sent()] == [["alice@example.com"]]


def test_a_members_limit_is_told_to_them_and_the_admins(organisation, alice, bob, account, sent):
    organisation.personal_of = None
    organisation.save()
    members.set_limit(organisation, alice, bob, LIMIT, "")
    spent = Membership.objects.filter(user=bob, organisation=organisation)
    spent.update(window_usage=per_mille(800) - 1)
    assert sent() == []
    spent.update(window_usage=per_mille(800))
    emails = sent()
    assert [email.to for email in emails] == [["alice@example.com"], ["bob@example.com"]]
    assert emails[0].subject == "bob@example.com: 80% of the spend limit used"
    assert "requests fail until it is raised" in emails[0].body

    choices.choose(alice, account, {"budget": False}, NOON)
    spent.update(window_usage=LIMIT)
    assert [email.to for email in sent()] == [["bob@example.com"]]


def test_a_members_limit_that_is_removed_and_set_again_counts_anew(organisation, alice, bob, account, sent, clock):
    organisation.personal_of = None
    organisation.save()
    for step in range(2):
        clock.set(NOON + timedelta(hours=step))
        members.set_limit(organisation, alice, bob, LIMIT, "")
        Membership.objects.filter(user=bob, organisation=organisation).update(window_usage=LIMIT)
        assert len(sent()) == 2
        members.set_limit(organisation, alice, bob, None, "")
        assert sent() == []


def test_the_budget_of_a_guardrail_is_told_for_each_key_and_member(organisation, alice, bob, account, sent, key):
    organisation.personal_of = None
    organisation.save()
    team = guardrails.create(organisation, name="Team", limit=LIMIT, limit_reset="weekly")
    guardrails.assign(team, alice, keys=[key], members=[bob])
    start = window_start("weekly", utc_now())
    team.assignments.update(window_usage=per_mille(800) - 1, window_started_at=start)
    assert sent() == []
    team.assignments.filter(key=key).update(window_usage=per_mille(800))
    [email] = sent()
    assert (email.to, email.subject) == (
        ["alice@example.com"],
        "Guardrail Team, API key Laptop: 80% of the spend limit used",
    )
    assert f"/settings/guardrails/{team.public_id}" in email.body
    team.assignments.filter(user=bob).update(window_usage=LIMIT)
    assert [email.to for email in sent()] == [["alice@example.com"], ["bob@example.com"]]
    assert sent() == []
    team.assignments.update(window_started_at=start - timedelta(days=7))
    assert sent() == []


def test_a_failure_keeps_no_other_from_its_email(limited, account, alice, sent, monkeypatch):
    other, _ = issuing.create(account.organisation, alice, "Other")
    ApiKey.objects.filter(pk=other.pk).update(limit=LIMIT)
    use(limited, LIMIT)
    use(other, LIMIT)
    real = alerts.alert_limit

    def fail_first(account, what, *args):
        if what.name == "API key Laptop":
            raise RuntimeError
        return real(account, what, *args)

    with monkeypatch.context() as broken:
        broken.setattr(alerts, "alert_limit", fail_first)
        with pytest.raises(JobFailed, match=r"alert about the limit of .* not written"):
            sent()
    assert [email.subject for email in mail.outbox] == ["API key Other: 100% of the spend limit used"]
    assert [email.subject for email in sent()] == ["API key Laptop: 100% of the spend limit used"]


def test_names_cannot_forge_an_email(limited, sent):
    ApiKey.objects.update(name="Laptop\r\nBcc: charlie@example.com \u202eevil")
    use(limited, LIMIT)
    [email] = sent()
    assert email.subject == "API key Laptop Bcc: charlie@example.com evil: 100% of the spend limit used"
    assert email.message().as_bytes()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_store_one_email(limited, monkeypatch):
    monkeypatch.setattr(outbox, "wake_worker", outbox.deliver)
    for amount in (8 * PICO_PER_USD, LIMIT):
        use(limited, amount)
        all_at_once(*[alert_limits] * 6)
    assert [email.subject.split()[3] for email in mail.outbox] == ["80%", "100%"]
    assert spending.account_of(limited.organisation).sent_alerts.get().step == 100
