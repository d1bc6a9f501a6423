"""The low-balance alert: one mail for each time that the balance falls below the line."""

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
def told(django_capture_on_commit_callbacks):
    """The clock looks; returns how many mails there are by now."""

    def look() -> int:
        with django_capture_on_commit_callbacks(execute=True):
            sweeps.alert_low_balances()
        return len(mail.outbox)

    return look


def add(account, cents: int) -> None:
    number = LedgerEntry.objects.count()
    ledger.add(account, pico_from_cents(cents), kind=LedgerEntry.Kind.GRANT, reference=f"added {number}")


# --- When -------------------------------------------------------------------------------------------


def test_it_is_off_until_somebody_draws_a_line(account, told):
    spend(account, used=1000)
    assert told() == 0


def test_a_balance_below_the_line_is_told_once(account, told):
    low_balance.turn_on(account, 500)
    spend(account, used=500)
    assert told() == 0  # at the line is not below
    spend(account, used=501)
    assert told() == 1
    assert told() == 1
    spend(account, used=900)
    assert told() == 1

    (warning,) = mail.outbox
    assert warning.subject == "Your balance is below $5.00"
    assert warning.to == ["alice@example.com"]
    assert "is $4.99. You asked us to email you when it drops below $5.00." in warning.body


def test_it_is_told_again_only_after_the_balance_was_clearly_above(account, told):
    low_balance.turn_on(account, 400)
    spend(account, used=700)
    assert told() == 1

    add(account, 150)  # $4.50: above the line, not a quarter above it
    spend(account, used=800)
    assert told() == 1

    add(account, 150)  # exactly a quarter above it
    assert CreditAccount.objects.get().alerted_at is None
    assert told() == 1
    spend(account, used=901)
    assert told() == 2


def test_credits_that_come_and_go_between_two_looks_are_noticed(account, told):
    low_balance.turn_on(account, 400)
    spend(account, used=700)
    assert told() == 1
    add(account, 1000)
    spend(account, used=1900)
    assert told() == 2


def test_a_line_above_the_balance_waits_for_the_next_fall(account, told):
    low_balance.turn_on(account, 2000)
    assert told() == 0
    low_balance.turn_on(account, 900)  # lowered below the balance: it is awake
    spend(account, used=200)
    assert told() == 1


def test_a_frozen_account_has_more_pressing_news(account, told):
    low_balance.turn_on(account, 500)
    spend(account, used=900)
    CreditAccount.objects.update(frozen_reason="A payment is disputed.")
    assert told() == 0
    CreditAccount.objects.update(frozen_reason="")
    assert told() == 1


def test_switched_off_it_tells_nobody(account, told):
    low_balance.turn_on(account, 500)
    assert low_balance.turn_off(account)
    assert not low_balance.turn_off(account)
    spend(account, used=900)
    assert told() == 0


def test_every_admin_is_told_and_no_member(account, bob, charlie, told):
    Membership.objects.create(organisation=account.organisation, user=charlie, role="admin")
    low_balance.turn_on(account, 500)
    spend(account, used=900)
    told()
    assert [each.to for each in mail.outbox] == [["alice@example.com"], ["charlie@example.com"]]


# --- Who notices ------------------------------------------------------------------------------------


def test_the_settlement_that_makes_it_low_reports_it_once(account, monkeypatch, django_capture_on_commit_callbacks):
    asked: list[int] = []
    monkeypatch.setattr(tasks.alert_low_balance, "delay", asked.append)
    low_balance.turn_on(account, 500)
    with django_capture_on_commit_callbacks(execute=True):
        spending.report_low_balance(CreditAccount.objects.get())
        spend(account, used=501)
        for _ in range(3):
            spending.report_low_balance(CreditAccount.objects.get())
    assert asked == [account.pk]

    with django_capture_on_commit_callbacks(execute=True):
        tasks.alert_low_balance(account.pk)
    assert len(mail.outbox) == 1


def test_without_a_broker_the_clock_tells_it(account, monkeypatch, told, django_capture_on_commit_callbacks, settings):
    def away(account_id):
        raise ConnectionError

    monkeypatch.setattr(tasks.alert_low_balance, "delay", away)
    low_balance.turn_on(account, 500)
    spend(account, used=501)
    with django_capture_on_commit_callbacks(execute=True):
        spending.report_low_balance(CreditAccount.objects.get())
    assert told() == 1
    assert settings.CELERY_BEAT_SCHEDULE["alert-low-balances"]["task"] == tasks.alert_low_balances.name


@pytest.mark.django_db(transaction=True)
def test_sixteen_who_notice_it_at_once_send_one_mail(account):
    low_balance.turn_on(account, 500)
    spend(account, used=600)
    results = all_at_once(*[lambda: low_balance.send_if_low(account.pk)] * 16)
    assert sorted(results) == [False] * 15 + [True]
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_credits_that_arrive_while_it_is_told_never_lose_the_alert(account):
    low_balance.turn_on(account, 500)
    spend(account, used=600)

    def buy():
        with transaction.atomic():
            add(account, 1000)

    all_at_once(lambda: low_balance.send_if_low(account.pk), buy, lambda: low_balance.send_if_low(account.pk))
    account.refresh_from_db()
    assert account.alerted_at is None  # $14 is clearly above: awake, whoever came first
    assert len(mail.outbox) <= 1


# --- The page ---------------------------------------------------------------------------------------


def test_an_admin_draws_a_line_changes_it_and_switches_it_off(alice_client, account):
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
    ("line", "told"),
    [
        ("", "This field is required."),
        ("0.99", "Enter an amount from $1.00"),
        ("-5", "Enter an amount in dollars"),
        ("lots", "Enter an amount in dollars"),
        ("1000000.01", "Enter an amount from $1.00"),
        ("<b>9</b>", "&lt;b&gt;9&lt;/b&gt;"),
    ],
)
def test_a_line_that_makes_no_sense_comes_back_with_the_reason(alice_client, account, line, told):
    answer = alice_client.post(PAGE, {"threshold": line})
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert CreditAccount.objects.get().alert_below is None


def test_only_an_admin_draws_lines(bob_client, client, account):
    for address in (PAGE, f"{PAGE}/off"):
        assert bob_client.post(address, {"threshold": "5"}).status_code == 403
        assert client.post(address, {"threshold": "5"}).status_code == 302
    assert CreditAccount.objects.get().alert_below is None
    assert "Low-balance alert" not in bob_client.get("/settings/credits").content.decode()
