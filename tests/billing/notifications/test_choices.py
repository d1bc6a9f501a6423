"""Emails by kind: sent to those who have the kind on, with one click that ends it."""

import pytest
from django.core import mail

from accounts.models import Membership
from billing import spending
from billing.models import EmailChoice, Notice
from billing.notifications import choices, emails, outbox
from billing.notifications.choices import Kind
from common.clock import utc_now
from common.money import pico_from_cents

WRITERS = {
    Kind.LOW_BALANCE: emails.balance_is_low,
    Kind.AUTO_TOP_UP: lambda account: emails.auto_top_up_stopped(account, "The card was removed."),
}


@pytest.fixture
def account(account, charlie):
    """Alice's account with a threshold; Charlie is a second admin."""
    Membership.objects.create(organisation=account.organisation, user=charlie, role="admin")
    account.alert_below = pico_from_cents(500)
    account.save()
    return account


@pytest.fixture
def sent(django_capture_on_commit_callbacks):
    """Return a function that stores an email and returns the addresses that got it."""

    def run(write, *args) -> list[str]:
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            write(*args)
        return [message.to[0] for message in mail.outbox]

    return run


@pytest.mark.parametrize("kind", WRITERS)
def test_one_admin_turns_a_kind_off_with_one_click(account, client, alice, sent, kind):
    assert sent(WRITERS[kind], account) == ["alice@example.com", "charlie@example.com"]
    [message, _] = mail.outbox
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = message.extra_headers["List-Unsubscribe"].strip("<>")
    assert url in message.body and "/settings/notifications" in message.body
    assert client.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert sent(WRITERS[kind], account) == ["charlie@example.com"]
    other = next(each for each in WRITERS if each != kind)
    assert sent(WRITERS[other], account) == ["alice@example.com", "charlie@example.com"]
    choices.choose(alice, account, {kind.value: True}, utc_now())
    assert sent(WRITERS[kind], account) == ["alice@example.com", "charlie@example.com"]


def test_an_email_that_waits_is_dropped_if_its_kind_is_turned_off(account, alice, monkeypatch):
    monkeypatch.setattr(outbox, "wake_worker", lambda notice: None)
    emails.balance_is_low(account)
    choices.choose(alice, account, {"low_balance": False}, utc_now())
    outbox.deliver_due()
    assert [message.to for message in mail.outbox] == [["charlie@example.com"]]
    assert not Notice.objects.exists()


def test_what_is_always_sent_has_no_link_to_unsubscribe(account, alice, sent):
    choices.choose(alice, account, {kind.value: False for kind in Kind}, utc_now())
    assert sent(outbox.enqueue, account, lambda _: ("A payment", "failed")) == [
        "alice@example.com",
        "charlie@example.com",
    ]
    assert "List-Unsubscribe" not in mail.outbox[0].extra_headers


@pytest.mark.parametrize(("kind", "emails_sent"), [(Kind.LOW_BALANCE, 1), (Kind.KEY_LIMIT, 2)])
def test_a_former_admin_gets_no_email_that_is_for_admins(account, charlie, monkeypatch, kind, emails_sent):
    monkeypatch.setattr(outbox, "wake_worker", lambda notice: None)
    outbox.enqueue(account, lambda _: ("News", ""), kind=kind)
    Membership.objects.filter(user=charlie).update(role="member")
    outbox.deliver_due()
    assert len(mail.outbox) == emails_sent


def test_the_choices_of_one_account_are_not_those_of_another(account, charlie):
    choices.choose(charlie, account, {"budget": False, "weekly": True}, utc_now())
    assert EmailChoice.objects.count() == 2
    own = spending.account_of(charlie.personal_organisation)
    assert "budget" in choices.chosen_by(charlie, own) and "weekly" not in choices.chosen_by(charlie, own)
