"""The low-balance alert: one email for each drop of the balance below the threshold."""

import pytest
from django.core import mail
from django.db import transaction

from accounts.models import Membership
from billing import spending, tasks
from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry
from billing.notifications import low_balance
from billing.payments import sweeps
from common.money import pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.conftest import spend

PAGE = "/settings/credits/low-balance-alert"


@pytest.fixture
def emails_sent(django_capture_on_commit_callbacks):
    """Return a function that runs the periodic check and returns the number of emails sent so far."""

    def check() -> int:
        with django_capture_on_commit_callbacks(execute=True):
            sweeps.alert_low_balances()
        return len(mail.outbox)

    return check


def add(account, cents: int) -> None:
    number = LedgerEntry.objects.count()
    ledger.add(account, pico_from_cents(cents), kind=LedgerEntry.Kind.GRANT, reference=f"added {number}")


# --- Conditions -------------------------------------------------------------------------------------


def test_it_is_off_by_default(account, emails_sent):
    spend(account, used=1000)
    assert emails_sent() == 0


def test_a_balance_below_the_threshold_sends_one_email(account, emails_sent):
    low_balance.turn_on(account, 500)
    spend(account, used=500)
    assert emails_sent() == 0  # at the threshold is not below
    spend(account, used=501)
    assert emails_sent() == 1
    assert emails_sent() == 1
    spend(account, used=900)
    assert emails_sent() == 1

    (warning,) = mail.outbox
    assert warning.subject == "Your balance is below $5.00"
    assert warning.to == ["alice@example.com"]
    assert "is $4.99. You asked us to email you when it drops below $5.00." in warning.body


def test_the_email_shows_the_exact_balance_which_rounds_to_the_threshold(account, emails_sent):
    low_balance.turn_on(account, 500)
    CreditAccount.objects.update(usage=account.credits - pico_from_cents(500) + 141_000_000)
    assert emails_sent() == 1
    assert "is $4.999859. You asked us to email you when it drops below $5.00." in mail.outbox[0].body


def test_the_next_email_needs_a_balance_25_percent_above_the_threshold(account, emails_sent):
    low_balance.turn_on(account, 400)
    spend(account, used=700)
    assert emails_sent() == 1

    add(account, 150)  # $4.50: above the threshold by less than 25%
    spend(account, used=800)
    assert emails_sent() == 1

    add(account, 150)  # exactly 25% above
    assert CreditAccount.objects.get().alerted_at is None
    assert emails_sent() == 1
    spend(account, used=901)
    assert emails_sent() == 2


def test_a_recovery_between_two_checks_rearms_the_alert(account, emails_sent):
    low_balance.turn_on(account, 400)
    spend(account, used=700)
    assert emails_sent() == 1
    add(account, 1000)
    spend(account, used=1900)
    assert emails_sent() == 2


def test_a_threshold_above_the_balance_waits_for_the_next_drop(account, emails_sent):
    low_balance.turn_on(account, 2000)
    assert emails_sent() == 0
    low_balance.turn_on(account, 900)  # below the balance again: armed
    spend(account, used=200)
    assert emails_sent() == 1


def test_a_frozen_account_gets_no_alert(account, emails_sent):
    low_balance.turn_on(account, 500)
    spend(account, used=900)
    CreditAccount.objects.update(frozen_reason="A payment is disputed.")
    assert emails_sent() == 0
    CreditAccount.objects.update(frozen_reason="")
    assert emails_sent() == 1


def test_turned_off_it_sends_nothing(account, emails_sent):
    low_balance.turn_on(account, 500)
    assert low_balance.turn_off(account)
    assert not low_balance.turn_off(account)
    spend(account, used=900)
    assert emails_sent() == 0


def test_admins_are_emailed_and_members_are_not(account, bob, charlie, emails_sent):
    Membership.objects.create(organisation=account.organisation, user=charlie, role="admin")
    low_balance.turn_on(account, 500)
    spend(account, used=900)
    emails_sent()
    assert [each.to for each in mail.outbox] == [["alice@example.com"], ["charlie@example.com"]]


# --- Triggers ---------------------------------------------------------------------------------------


def test_a_settlement_reports_a_low_balance_once(account, monkeypatch, django_capture_on_commit_callbacks):
    started: list[int] = []
    monkeypatch.setattr(tasks.alert_low_balance, "delay", started.append)
    low_balance.turn_on(account, 500)
    with django_capture_on_commit_callbacks(execute=True):
        spending.report_low_balance(CreditAccount.objects.get())
        spend(account, used=501)
        for _ in range(3):
            spending.report_low_balance(CreditAccount.objects.get())
    assert started == [account.pk]

    with django_capture_on_commit_callbacks(execute=True):
        tasks.alert_low_balance(account.pk)
    assert len(mail.outbox) == 1


def test_without_a_broker_the_periodic_task_sends_it(
    account, monkeypatch, emails_sent, django_capture_on_commit_callbacks, settings
):
    def fail(account_id):
        raise ConnectionError

    monkeypatch.setattr(tasks.alert_low_balance, "delay", fail)
    low_balance.turn_on(account, 500)
    spend(account, used=501)
    with django_capture_on_commit_callbacks(execute=True):
        spending.report_low_balance(CreditAccount.objects.get())
    assert emails_sent() == 1
    assert settings.CELERY_BEAT_SCHEDULE["alert-low-balances"]["task"] == tasks.alert_low_balances.name


@pytest.mark.django_db(transaction=True)
def test_concurrent_callers_send_one_email(account):
    low_balance.turn_on(account, 500)
    spend(account, used=600)
    results = all_at_once(*[lambda: low_balance.send_if_low(account.pk)] * 16)
    assert sorted(results) == [False] * 15 + [True]
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_credits_added_during_the_alert_rearm_it(account):
    low_balance.turn_on(account, 500)
    spend(account, used=600)

    def buy():
        with transaction.atomic():
            add(account, 1000)

    all_at_once(lambda: low_balance.send_if_low(account.pk), buy, lambda: low_balance.send_if_low(account.pk))
    account.refresh_from_db()
    assert account.alerted_at is None  # $14 rearms it in either order
    assert len(mail.outbox) <= 1


# --- The page ---------------------------------------------------------------------------------------


def test_an_admin_sets_changes_and_removes_the_threshold(alice_client, account):
    page = alice_client.get("/settings/credits").content.decode()
    assert "Email admins once" in page
    assert 'value="100.00"' in page

    shown = alice_client.post(PAGE, {"threshold": "7.50"}, follow=True).content.decode()
    assert CreditAccount.objects.get().alert_below == pico_from_cents(750)
    assert "We&#x27;ll email admins when the balance drops below $7.50." in shown
    assert 'value="7.50"' in shown

    shown = alice_client.post(PAGE, {"threshold": "20"}, follow=True).content.decode()
    assert "The balance is below $20.00 now." in shown
    shown = alice_client.post(f"{PAGE}/off", follow=True).content.decode()
    assert "The low-balance alert is off." in shown
    assert CreditAccount.objects.get().alert_below is None


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        ("", "This field is required."),
        ("0.99", "Enter an amount from $1.00"),
        ("-5", "Enter an amount in dollars"),
        ("lots", "Enter an amount in dollars"),
        ("1000000.01", "Enter an amount from $1.00"),
        ("<b>9</b>", "&lt;b&gt;9&lt;/b&gt;"),
    ],
)
def test_an_invalid_threshold_is_explained(alice_client, account, threshold, message):
    response = alice_client.post(PAGE, {"threshold": threshold})
    assert response.status_code == 422
    assert message in response.content.decode()
    assert CreditAccount.objects.get().alert_below is None


def test_only_admins_set_thresholds(bob_client, client, account):
    for address in (PAGE, f"{PAGE}/off"):
        assert bob_client.post(address, {"threshold": "5"}).status_code == 403
        assert client.post(address, {"threshold": "5"}).status_code == 302
    assert CreditAccount.objects.get().alert_below is None
    assert "Low-balance alert" not in bob_client.get("/settings/credits").content.decode()
