"""Expiry of credits a year after their purchase, where it is enabled."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from django.utils.html import strip_tags

from billing import tasks
from billing.credits import expiry, ledger, reconciliation
from billing.models import CreditAccount, LedgerEntry, Lot
from common.money import PICO_PER_CENT, pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.conftest import credits_of, paid, sound, spend

EXPIRY = LedgerEntry.Kind.EXPIRY


@pytest.fixture(autouse=True)
def _enabled(settings):
    settings.CREDITS_EXPIRE = True


@pytest.fixture
def lot(bought) -> Lot:
    """The lot of a purchase of $10, made just now."""
    return Lot.objects.get(purchase=bought)


@pytest.fixture
def night(django_capture_on_commit_callbacks):
    """Run the nightly task and send its emails; returns how many lots expired."""

    def run() -> int:
        with django_capture_on_commit_callbacks(execute=True):
            return expiry.run()

    return run


def days_left(lot: Lot, days: float) -> None:
    """Date the lot's purchase so that it expires in this many days."""
    lot.refresh_from_db()
    lot.expires_at = timezone.now() + timedelta(days=days)
    lot.created_at = lot.expires_at - timedelta(days=365)
    lot.save()


def is_due(lot: Lot) -> None:
    """Make the lot due: its expiration date has passed, and both warnings were sent."""
    days_left(lot, -0.01)
    Lot.objects.filter(pk=lot.pk).update(expiry_warnings=2)


# --- Dates ------------------------------------------------------------------------------------------


def test_expiry_is_off_unless_the_operator_enables_it(bought, lot, settings, night):
    is_due(lot)
    settings.CREDITS_EXPIRE = False

    assert night() == 0
    assert expiry.upcoming(bought.account) == []
    assert expiry.expiration_date(timezone.now()) is None
    assert credits_of(bought.account) == 1000
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("bought_on", "expires_on"),
    [
        (datetime(2026, 11, 23, 9, tzinfo=UTC), "2027-11-23 09:00"),
        (datetime(2028, 2, 29, tzinfo=UTC), "2029-03-01 00:00"),
    ],
)
def test_a_year_is_the_same_day_next_year(bought_on, expires_on):
    assert f"{expiry.expiration_date(bought_on):%Y-%m-%d %H:%M}" == expires_on


def test_purchases_get_an_expiration_date_and_grants_none(lot, empty_account, night):
    assert timedelta(days=364) < lot.expires_at - timezone.now() < timedelta(days=367)
    ledger.add(empty_account, pico_from_cents(100), kind=LedgerEntry.Kind.GRANT, reference="x")
    Lot.objects.filter(purchase=None).update(created_at=timezone.now() - timedelta(days=900))
    night()
    assert Lot.objects.get(purchase=None).expires_at is None
    assert credits_of(empty_account) == 1100


def test_purchases_before_expiry_was_enabled_expire_a_month_later_at_the_earliest(lot, night):
    Lot.objects.update(expires_at=None, created_at=timezone.now() - timedelta(days=700))

    assert night() == 0
    lot.refresh_from_db()
    assert timedelta(days=29.9) < lot.expires_at - timezone.now() < timedelta(days=30)
    assert len(mail.outbox) == 1


# --- Warnings ---------------------------------------------------------------------------------------


def test_the_owner_is_warned_once_thirty_and_once_seven_days_before(lot, night):
    for days, mails in ((31, 0), (29.5, 1), (29, 1), (8, 1), (6.5, 2), (5, 2), (1, 2)):
        days_left(lot, days)
        for _ in range(2):
            assert night() == 0
        assert len(mail.outbox) == mails, days
    days_left(lot, -0.1)
    assert night() == 1
    assert len(mail.outbox) == 2

    warning = mail.outbox[0]
    assert warning.to == ["alice@example.com"]
    assert "Your credits expire on " in warning.subject
    assert "$10.00 bought on " in warning.body


def test_a_late_warning_postpones_the_expiration(lot, night):
    days_left(lot, -3)  # the task did not run for a while
    assert night() == 0
    lot.refresh_from_db()
    assert (lot.expires_at - timezone.now()).days == 29
    assert len(mail.outbox) == 1

    days_left(lot, 2)
    night()
    lot.refresh_from_db()
    assert (lot.expires_at - timezone.now()).days == 6
    assert len(mail.outbox) == 2
    assert f"expire on {lot.expires_at:%d}".replace(" 0", " ") in mail.outbox[1].body


def test_there_is_no_warning_about_spent_credits(lot, empty_account, night):
    spend(empty_account, used=1000)
    days_left(lot, 20)
    night()
    assert mail.outbox == []


def test_one_email_covers_several_purchases(sandbox, lot, empty_account, alice, night):
    second = Lot.objects.get(purchase=paid(sandbox, empty_account, alice, 2500))
    days_left(lot, 20)
    days_left(second, 25)
    spend(empty_account, used=250)
    night()
    (warning,) = mail.outbox
    assert warning.body.index("$7.50 bought") < warning.body.index("$25.00 bought")


# --- Expiring ---------------------------------------------------------------------------------------


def test_unspent_credits_expire_with_an_entry_of_their_own(bought, lot, empty_account, night):
    spend(empty_account, used=400)
    is_due(lot)

    assert night() == 1
    assert night() == 0
    entry = LedgerEntry.objects.get(kind=EXPIRY)
    assert (entry.amount, entry.purchase) == (-pico_from_cents(600), bought)
    assert "not used within a year" in entry.note
    empty_account.refresh_from_db()
    assert (empty_account.balance, empty_account.purchased) == (0, pico_from_cents(1000))
    assert sound()


def test_only_due_lots_expire_oldest_first(sandbox, lot, empty_account, alice, night):
    second = Lot.objects.get(purchase=paid(sandbox, empty_account, alice, 2500))
    spend(empty_account, used=300)
    is_due(lot)

    night()
    lot.refresh_from_db(), second.refresh_from_db()
    assert (lot.amount, second.amount) == (pico_from_cents(300), pico_from_cents(2500))

    is_due(second)
    night()
    amounts = LedgerEntry.objects.filter(kind=EXPIRY).order_by("pk").values_list("amount", flat=True)
    assert list(amounts) == [-pico_from_cents(700), -pico_from_cents(2500)]
    assert CreditAccount.objects.get().balance == 0
    assert sound()


def test_credits_on_hold_expire_only_after_their_release(lot, empty_account, night):
    spend(empty_account, used=100, held=300)
    is_due(lot)

    assert night() == 1
    empty_account.refresh_from_db()
    assert (empty_account.balance, empty_account.available) == (pico_from_cents(300), 0)

    spend(empty_account, used=150)  # the request cost 50 cents
    assert night() == 1
    empty_account.refresh_from_db()
    assert empty_account.balance == 0
    assert LedgerEntry.objects.filter(kind=EXPIRY).count() == 2
    assert sound()


def test_a_frozen_account_keeps_its_credits(lot, empty_account, night):
    CreditAccount.objects.update(frozen_reason="A payment is disputed.")
    is_due(lot)
    assert night() == 0
    assert credits_of(empty_account) == 1000
    CreditAccount.objects.update(frozen_reason="")
    assert night() == 1


def test_the_task_runs_every_night(lot, settings):
    assert settings.CELERY_BEAT_SCHEDULE["expire-credits"]["task"] == tasks.expire_credits.name
    is_due(lot)
    tasks.expire_credits()
    assert LedgerEntry.objects.get(kind=EXPIRY)


# --- Reconciliation and concurrency -----------------------------------------------------------------


def test_credits_that_expired_too_early_are_a_fault(lot, empty_account, night, capsys):
    is_due(lot)
    night()
    assert sound()
    call_command("reconcile_ledger")

    Lot.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert [fault.problem for fault in reconciliation.faults()] == ["expired credits that were not due"]
    Lot.objects.update(expires_at=timezone.now() - timedelta(days=1), expiry_warnings=1)
    assert not sound()


def test_expired_credits_without_a_purchase_are_a_fault(account):
    ledger.take(account, pico_from_cents(1), kind=EXPIRY, reference="made up")
    assert [fault.problem for fault in reconciliation.faults()] == ["expired credits that were not due"]


@pytest.mark.django_db(transaction=True)
def test_a_race_with_spending_expires_only_unspent_credits(lot, empty_account):
    is_due(lot)

    def spend_if_possible():
        with transaction.atomic():
            account = CreditAccount.objects.select_for_update().get(pk=empty_account.pk)
            if account.available >= 400 * PICO_PER_CENT:
                account.usage += 400 * PICO_PER_CENT
                account.save(update_fields=["usage"])
                return "spent"
        return None

    results = all_at_once(expiry.run, spend_if_possible, expiry.run, spend_if_possible)

    spent = 400 * results.count("spent")
    empty_account.refresh_from_db()
    assert empty_account.balance == 0
    assert empty_account.usage == spent * PICO_PER_CENT
    gone = sum(LedgerEntry.objects.filter(kind=EXPIRY).values_list("amount", flat=True))
    assert gone == -(1000 - spent) * PICO_PER_CENT
    assert LedgerEntry.objects.filter(kind=EXPIRY).count() == 1
    assert sound()


# --- The page ---------------------------------------------------------------------------------------


def test_the_page_shows_what_expires_when(alice_client, sandbox, lot, empty_account, alice, night, settings):
    paid(sandbox, empty_account, alice, 2500)
    spend(empty_account, used=250)
    page = alice_client.get("/settings/credits").content.decode()
    date = f"{lot.expires_at:%d %b %Y}".removeprefix("0")
    assert f"$7.50 expires on {date}, and more later" in strip_tags(page)
    assert '<td class="n">$25.00</td>' in page
    assert "Unspent credits expire after one year." in page

    is_due(lot)
    night()
    page = alice_client.get("/settings/credits").content.decode()
    assert "Expired" in page
    assert "-$7.50" in page

    settings.CREDITS_EXPIRE = False
    page = alice_client.get("/settings/credits").content.decode()
    assert "expires on" not in page
    assert "after one year" not in page
