"""The ledger: adding and taking credits, unspent lots, and append-only entries."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from accounts.models import Organisation
from billing import spending
from billing.credits import append_only, ledger
from billing.models import CreditAccount, LedgerEntry, Lot
from common.money import PICO_PER_CENT, PICO_PER_USD, PicoUsd

GRANT, PURCHASE = LedgerEntry.Kind.GRANT, LedgerEntry.Kind.PURCHASE


@pytest.fixture
def empty(organisation) -> CreditAccount:
    return spending.account_of(organisation)


def test_adding_credits_writes_an_entry_a_lot_and_the_account(empty):
    first = ledger.add(empty, PicoUsd(5 * PICO_PER_USD), kind=PURCHASE, reference="a")
    second = ledger.add(empty, PicoUsd(1), kind=GRANT, reference="a", note="A gift")

    empty.refresh_from_db()
    assert empty.credits == 5 * PICO_PER_USD + 1
    assert empty.purchased == 5 * PICO_PER_USD  # without the grant
    assert (first.credits_after, second.credits_after) == (5 * PICO_PER_USD, 5 * PICO_PER_USD + 1)
    assert [(lot.entry, lot.amount) for lot in empty.lots.order_by("pk")] == [(first, first.amount), (second, 1)]


def test_a_repeated_reference_returns_the_first_entry_and_changes_nothing(empty):
    first = ledger.add(empty, PicoUsd(700), kind=GRANT, reference="once")
    again = ledger.add(empty, PicoUsd(900), kind=GRANT, reference="once")

    empty.refresh_from_db()
    assert again == first
    assert (empty.credits, empty.entries.count(), empty.lots.count()) == (700, 1, 1)


def test_a_reference_used_by_another_account_changes_nothing(empty, charlie):
    first = ledger.add(empty, PicoUsd(700), kind=GRANT, reference="shared")
    other = spending.account_of(charlie.personal_organisation)

    assert ledger.add(other, PicoUsd(700), kind=GRANT, reference="shared") == first
    other.refresh_from_db()
    assert (other.credits, other.entries.count(), other.lots.count()) == (0, 0, 0)


@pytest.mark.parametrize("amount", [0, -1])
def test_only_positive_amounts_can_be_added(empty, amount):
    with pytest.raises(ValueError, match="positive"):
        ledger.add(empty, PicoUsd(amount), kind=GRANT, reference="x")
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: LedgerEntry.objects.filter(pk=entry.pk).update(amount=1),
        lambda entry: entry.save(),
        lambda entry: LedgerEntry.objects.filter(pk=entry.pk)._raw_delete("default"),
        lambda entry: connection.cursor().execute("DELETE FROM billing_ledgerentry"),
        lambda entry: connection.cursor().execute("UPDATE billing_ledgerentry SET note = 'mended'"),
    ],
    ids=["update", "save", "delete", "sql delete", "sql update"],
)
def test_the_database_refuses_to_change_or_delete_an_entry(empty, change):
    entry = ledger.add(empty, PicoUsd(5), kind=GRANT, reference="kept")

    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        change(entry)

    assert LedgerEntry.objects.get() == entry


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
def test_the_database_refuses_to_truncate_the_ledger(empty):
    ledger.add(empty, PicoUsd(5), kind=GRANT, reference="kept")

    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        connection.cursor().execute("TRUNCATE billing_ledgerentry CASCADE")

    assert LedgerEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_triggers_allow_a_flush_and_work_afterwards(empty):
    ledger.add(empty, PicoUsd(5), kind=GRANT, reference="gone")

    call_command("flush", interactive=False, verbosity=0)
    assert not LedgerEntry.objects.exists()

    account = spending.account_of(Organisation.objects.create(name="After the flood"))
    ledger.add(account, PicoUsd(5), kind=GRANT, reference="kept")
    with pytest.raises(IntegrityError, match="never changed or deleted"):
        LedgerEntry.objects.update(amount=6)


@pytest.mark.django_db(transaction=True)
def test_the_triggers_are_reinstalled_after_a_failure(empty):
    ledger.add(empty, PicoUsd(5), kind=GRANT, reference="kept")

    with pytest.raises(RuntimeError), append_only.disabled(connection):
        raise RuntimeError

    with pytest.raises(IntegrityError, match="never changed or deleted"):
        LedgerEntry.objects.update(amount=6)


# --- Unspent credits ------------------------------------------------------------------------------


@pytest.fixture
def three_lots(empty) -> list[Lot]:
    """Three lots of 10, 20 and 30 cents, in this order on the credit line."""
    for cents in (10, 20, 30):
        ledger.add(empty, PicoUsd(cents * PICO_PER_CENT), kind=GRANT, reference=f"{cents} cents")
    return list(empty.lots.order_by("pk"))


@pytest.mark.parametrize(
    ("usage", "held", "expected"),
    [
        (0, 0, [10, 20, 30]),
        (4, 0, [6, 20, 30]),
        (10, 0, [0, 20, 30]),
        (25, 0, [0, 5, 30]),
        (25, 10, [0, 0, 25]),  # credits on hold count as spent
        (60, 0, [0, 0, 0]),
    ],
)
def test_lots_are_spent_in_the_order_they_were_credited(empty, three_lots, usage, held, expected):
    CreditAccount.objects.filter(pk=empty.pk).update(usage=usage * PICO_PER_CENT, held=held * PICO_PER_CENT)

    assert [ledger.unspent(lot) // PICO_PER_CENT for lot in three_lots] == expected


def test_credits_on_hold_can_be_counted_as_unspent(empty, three_lots):
    CreditAccount.objects.filter(pk=empty.pk).update(usage=25 * PICO_PER_CENT, held=10 * PICO_PER_CENT)

    assert [ledger.unspent(lot, keep_held=False) // PICO_PER_CENT for lot in three_lots] == [0, 5, 30]


def test_unspent_lots_add_up_to_the_balance(empty, three_lots):
    for usage in range(0, 60 * PICO_PER_CENT, 7 * PICO_PER_CENT + 13):
        CreditAccount.objects.filter(pk=empty.pk).update(usage=usage)
        empty.refresh_from_db()
        assert sum(ledger.unspent(lot) for lot in three_lots) == empty.balance
