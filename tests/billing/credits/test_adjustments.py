"""Credits that operators grant or take, with a reason: in the admin and by command."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.credits import adjustments, reconciliation
from billing.models import Adjustment, LedgerEntry, Lot
from common.money import pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.conftest import credits_of, hidden, sound, spend


@pytest.fixture
def boss(db) -> User:
    """An operator."""
    return User.objects.create_superuser("boss@example.com", "correct horse battery")


@pytest.fixture
def operator(boss) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def page_of(account) -> str:
    return reverse("admin:billing_creditaccount_adjust", args=[account.pk])


def grant(account, usd: str = "12.50", **options: str) -> None:
    given = {"reason": "Sorry for the outage", "operator": "boss@example.com", "reference": "T-7"} | options
    call_command("grant_credits", account, usd, **given)


# --- In the admin -----------------------------------------------------------------------------------


def test_a_grant_names_operator_and_reason_and_is_made_once(operator, boss, empty_account, alice_client):
    form = {"amount": "12.5", "reason": "Sorry for the outage"}
    form["token"] = hidden(operator.get(page_of(empty_account)).content.decode(), "token")

    for _ in range(2):  # submitted twice, granted once
        assert operator.post(page_of(empty_account), form).status_code == 302

    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.amount, entry.note) == ("grant", pico_from_cents(1250), "Sorry for the outage")
    assert (entry.adjustment.operator, entry.adjustment.reason) == (boss, entry.note)
    empty_account.refresh_from_db()
    assert empty_account.purchased == 0
    assert LogEntry.objects.get().change_message == "Granted $12.50: Sorry for the outage"
    assert sound()

    page = alice_client.get("/settings/credits").content.decode()
    assert "Sorry for the outage" in page
    assert "boss@" not in page
    listed = operator.get(reverse("admin:billing_adjustment_changelist"), {"q": "boss@example.com"}).content.decode()
    assert "$12.50" in listed


def test_only_available_credits_can_be_taken(operator, account):
    spend(account, used=300, held=200)

    refused = operator.post(page_of(account), {"amount": "-6", "reason": "x", "token": "one"})
    assert "You can deduct at most $5.00." in refused.content.decode()
    operator.post(page_of(account), {"amount": "-4.5", "reason": "A mistake of ours", "token": "two"})
    assert credits_of(account) == 550
    assert LedgerEntry.objects.latest("pk").kind == "adjustment"
    assert "Enter an amount other than zero" in operator.post(page_of(account), {"amount": "0"}).content.decode()
    assert Adjustment.objects.count() == 1
    assert sound()


def test_a_form_reused_with_another_amount_changes_nothing(operator, empty_account):
    operator.post(page_of(empty_account), {"amount": "1", "reason": "x", "token": "one"})
    response = operator.post(page_of(empty_account), {"amount": "2", "reason": "x", "token": "one"})
    assert "Reload it." in response.content.decode()
    assert credits_of(empty_account) == 100


def test_an_adjustment_keeps_the_email_of_a_deleted_operator(boss, empty_account):
    adjustments.adjust(empty_account, pico_from_cents(5), operator=boss, reason="x", reference="y")
    boss.delete()
    assert Adjustment.objects.get().operator_email == "boss@example.com"


def test_a_manual_entry_without_an_operator_is_a_fault(boss, empty_account):
    adjustments.adjust(empty_account, pico_from_cents(5), operator=boss, reason="x", reference="y")
    assert sound()
    Adjustment.objects.all().delete()
    assert [fault.problem for fault in reconciliation.faults()] == ["was made by an operator but has no adjustment"]


# --- By command -------------------------------------------------------------------------------------


def test_the_command_grants_once_however_often_it_runs(boss, empty_account, capsys):
    grant("Alice@example.com")
    assert "Granted $12.50 to alice. Balance: $12.50." in capsys.readouterr().out
    grant(empty_account.organisation.public_id)
    assert "Already granted on " in capsys.readouterr().out

    assert credits_of(empty_account) == 1250
    assert Adjustment.objects.get().operator == boss
    assert Lot.objects.get().expires_at is None
    assert sound()


def test_a_reference_used_for_another_grant_is_refused(boss, empty_account, charlie):
    grant("alice@example.com")
    for account, usd in (("alice@example.com", "13"), ("charlie@example.com", "12.50")):
        with pytest.raises(CommandError, match="Choose another --reference"):
            grant(account, usd)
    assert LedgerEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"account": "unknown@example.com"}, "No user or organization"),
        ({"account": "org_nothing"}, "No user or organization"),
        ({"usd": "ten"}, "Invalid amount"),
        ({"usd": "0"}, "Invalid amount"),
        ({"usd": "0.0000001"}, "Invalid amount"),
        ({"usd": "NaN"}, "Invalid amount"),
        ({"usd": "10000000"}, "Invalid amount"),
        ({"reason": " "}, "--reason must have"),
        ({"reference": "x" * 61}, "--reference 1 to 60"),
        ({"operator": "alice@example.com"}, "not an operator"),
        ({"operator": "clerk@example.com"}, "not an operator"),
    ],
)
def test_invalid_arguments_are_refused_and_change_nothing(boss, empty_account, changed, message):
    clerk = User.objects.create_user("clerk@example.com", "correct horse battery", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_creditaccount"))
    with pytest.raises(CommandError, match=message):
        grant(**{"account": "alice@example.com"} | changed)
    assert not LedgerEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_grant_requested_many_times_at_once_is_made_once(boss, empty_account):
    def ask():
        return adjustments.adjust(empty_account, pico_from_cents(500), operator=boss, reason="x", reference="T-8")[1]

    assert sorted(all_at_once(*[ask] * 6)) == [False] * 5 + [True]
    assert credits_of(empty_account) == 500
    assert sound()
