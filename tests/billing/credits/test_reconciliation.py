"""Reconciliation finds every kind of fault."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from billing.credits import append_only, ledger, reconciliation
from billing.models import CreditAccount, LedgerEntry, Lot, Purchase
from common.money import PicoUsd

GRANT = LedgerEntry.Kind.GRANT


@pytest.fixture
def filled(empty_account, alice):
    """An account with two grants and a purchase."""
    ledger.add(empty_account, PicoUsd(100), kind=GRANT, reference="one")
    ledger.add(empty_account, PicoUsd(200), kind=GRANT, reference="two")
    purchase = Purchase.objects.create(
        account=empty_account, user=alice, credit_cents=5, fee_cents=1, fee_basis_points=550, state="credited",
        credited_at="2026-01-01T00:00Z",
    )  # fmt: skip
    ledger.add(
        empty_account,
        PicoUsd(5 * 10**10),
        kind=LedgerEntry.Kind.PURCHASE,
        reference=str(purchase.pk),
        purchase=purchase,
    )
    empty_account.refresh_from_db()
    return empty_account


def rows() -> list[str]:
    return sorted({fault.row for fault in reconciliation.faults()})


def test_a_sound_ledger_has_no_faults(filled):
    out = io.StringIO()
    call_command("reconcile_ledger", stdout=out)
    assert "Checked 1 accounts and 3 ledger entries. All sums agree." in out.getvalue()


@pytest.mark.parametrize(
    ("column", "problem"),
    [("credits", "but its entries add up to"), ("purchased", "but its purchases less refunds and disputes add up to")],
)
def test_an_account_that_does_not_match_its_entries_is_a_fault(filled, column, problem):
    CreditAccount.objects.update(**{column: getattr(filled, column) + 1})

    with pytest.raises(CommandError) as error:
        call_command("reconcile_ledger")
    assert f"account {filled.pk}: {column} are $0.050000000" in str(error.value)
    assert problem in str(error.value)
    assert error.value.returncode == 1


def test_a_lot_that_does_not_match_its_account_is_a_fault(filled):
    lot = Lot.objects.earliest("pk")
    Lot.objects.filter(pk=lot.pk).update(amount=99)
    assert rows() == [f"account {filled.pk}"]


def test_a_lot_larger_than_its_entry_is_a_fault(filled):
    first, second, _ = Lot.objects.order_by("pk")
    Lot.objects.filter(pk=first.pk).update(amount=first.amount + 50)
    Lot.objects.filter(pk=second.pk).update(amount=second.amount - 50)
    assert rows() == [f"lot {first.pk}"]


def test_an_entry_without_a_lot_is_a_fault(filled):
    lot = Lot.objects.earliest("pk")
    Lot.objects.filter(pk=lot.pk).delete()
    assert rows() == [f"account {filled.pk}", f"ledger entry {lot.entry_id}"]


def test_an_entry_that_was_tampered_with_is_a_fault(filled):
    entry = LedgerEntry.objects.earliest("pk")
    append_only.remove(connection)
    LedgerEntry.objects.filter(pk=entry.pk).update(credits_after=1)
    append_only.install(connection)
    assert rows() == [f"ledger entry {entry.pk} of account {filled.pk}"]


def test_a_credited_purchase_without_an_entry_is_a_fault(filled):
    purchase = Purchase.objects.get()
    other = Purchase.objects.create(
        account=filled, credit_cents=700, fee_cents=80, fee_basis_points=550, state="credited",
        credited_at="2026-01-01T00:00Z",
    )  # fmt: skip
    assert rows() == [f"purchase {other.pk}"]
    other.delete()

    Purchase.objects.filter(pk=purchase.pk).update(credit_cents=6)
    assert rows() == [f"purchase {purchase.pk}"]


def test_an_entry_of_an_uncredited_purchase_is_a_fault(filled):
    Purchase.objects.update(state="open", credited_at=None)
    entry = LedgerEntry.objects.get(kind="purchase")
    assert rows() == [f"ledger entry {entry.pk}"]


def test_other_apps_can_register_checks(filled, monkeypatch):
    monkeypatch.setattr(reconciliation, "checks", list(reconciliation.checks))

    @reconciliation.check
    def accounts_are_small():
        for account in CreditAccount.objects.filter(credits__gt=5):
            yield reconciliation.Fault(f"account {account.pk}", "is large")

    reconciliation.check(accounts_are_small)  # registering it again has no effect

    assert [str(fault) for fault in reconciliation.faults()] == [f"account {filled.pk}: is large"]


@pytest.mark.django_db(transaction=True)
def test_all_checks_run_on_one_snapshot(filled, monkeypatch):
    """Otherwise transactions committed between two checks would look like faults."""
    monkeypatch.setattr(reconciliation, "checks", list(reconciliation.checks))

    @reconciliation.check
    def runs_in_a_snapshot():
        assert connection.in_atomic_block
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SHOW transaction_isolation")
                assert cursor.fetchone() == ("repeatable read",)
                cursor.execute("SHOW transaction_read_only")
                assert cursor.fetchone() == ("on",)
        yield from ()

    assert reconciliation.faults() == []
    with transaction.atomic():
        assert not connection.needs_rollback
