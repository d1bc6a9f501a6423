"""Credits moved from a personal account to an organization."""

import re
from dataclasses import replace

import pytest
from django.db import connection, transaction

from accounts.models import Membership
from accounts.organisations import members
from billing import spending
from billing.credits import ledger, reconciliation, transfers
from billing.models import CreditAccount, Dispute, LedgerEntry
from billing.payments import disputes, refunds
from billing.providers import stripe
from common.money import PICO_PER_CENT, PicoUsd, pico_from_cents
from tests.accounts.organisations.conftest import add_member, client_in
from tests.billing.at_once import all_at_once
from tests.billing.conftest import credits_of, sound, spend

PAGE = "/settings/credits/move"


@pytest.fixture
def acme(alice):
    return members.create(alice, "Acme")


@pytest.fixture
def target(acme):
    return spending.account_of(acme)


def move(source, target, cents: int, reference: str = "1:first") -> LedgerEntry:
    return transfers.move(source, target, pico_from_cents(cents), reference=reference)


def test_moved_credits_are_a_pair_that_is_written_once(bought, empty_account, target):
    first = move(empty_account, target, 400)
    assert move(empty_account, target, 400) == first
    assert (credits_of(empty_account), credits_of(target)) == (600, 400)
    pair = LedgerEntry.objects.filter(reference="1:first").order_by("amount")
    assert [(entry.kind, entry.account_id, entry.amount) for entry in pair] == [
        ("transfer_out", empty_account.pk, -400 * PICO_PER_CENT),
        ("transfer_in", target.pk, 400 * PICO_PER_CENT),
    ]
    target.refresh_from_db()
    assert target.purchased == 0
    with pytest.raises(transfers.NotMovable, match="another amount"):
        move(empty_account, target, 500)
    assert reconciliation.faults() == []


def test_what_has_moved_cannot_be_refunded(bought, empty_account, target, alice):
    move(empty_account, target, 400)
    assert refunds.offer(bought).cents == 600
    move(empty_account, target, 600, "1:second")
    with pytest.raises(refunds.NotRefundable, match="were moved to an organization"):
        refunds.offer(bought)
    assert reconciliation.faults() == []


def test_free_spent_and_held_credits_and_those_of_others_stay(bought, empty_account, target, acme, alice):
    ledger.add(empty_account, pico_from_cents(300), kind=LedgerEntry.Kind.GRANT, reference="test:gift")
    with pytest.raises(transfers.NotMovable, match=r"up to \$10"):
        move(empty_account, target, 1100)
    spend(empty_account, used=500, held=200)
    with pytest.raises(transfers.NotMovable, match=r"up to \$6"):
        move(empty_account, target, 601)
    move(empty_account, target, 600)
    with pytest.raises(transfers.NotMovable, match="personal account"):
        move(target, empty_account, 1, "1:back")
    with pytest.raises(transfers.NotMovable, match="personal account"):
        move(target, spending.account_of(members.create(alice, "Second")), 1, "1:on")


@pytest.mark.parametrize("frozen", ["source", "target"])
def test_nothing_moves_while_an_account_is_frozen(bought, empty_account, target, frozen):
    account = empty_account if frozen == "source" else target
    CreditAccount.objects.filter(pk=account.pk).update(frozen_reason=disputes.FREEZE_REASON)
    with pytest.raises(transfers.NotMovable, match="frozen"):
        move(empty_account, target, 100)


def test_reconciliation_names_a_transfer_without_its_other_half(bought, empty_account, target):
    ledger.take(empty_account, PicoUsd(5), kind=LedgerEntry.Kind.TRANSFER_OUT, reference="half")
    ledger.add(target, PicoUsd(5), kind=LedgerEntry.Kind.TRANSFER_IN, reference="other half")
    assert [fault.row.split()[0] for fault in reconciliation.faults()] == ["ledger", "ledger"]


def test_an_admin_moves_credits_on_the_page_and_a_member_cannot(bought, empty_account, target, acme, alice):
    client = client_in(acme, alice)
    assert 'href="/settings/credits/move"' in client.get("/settings/credits").content.decode()
    page = client.get(PAGE).content.decode()
    [token] = re.findall(r'name="token" value="([^"]+)"', page)
    sent = {"organization": acme.public_id, "amount": "4.00", "token": token}
    for _ in range(2):  # the second is a reload
        assert client.post(PAGE, sent)["Location"] == "/settings/credits"
    assert credits_of(target) == 400
    shown = client.get("/settings/credits").content.decode()
    assert "Moved from a personal account" in shown
    refused = client.post(PAGE, sent | {"amount": "40.00", "token": token[::-1]})
    assert refused.status_code == 422 and "up to $6" in refused.content.decode()
    assert client.post(PAGE, sent | {"amount": "-1", "token": token[::-1]}).status_code == 422

    bob = add_member(acme, "bob@example.com")
    outsider = client_in(acme, bob)
    assert "No organization to move credits to" in outsider.get(PAGE).content.decode()
    assert outsider.post(PAGE, sent).status_code == 422
    Membership.objects.filter(user=alice).delete()
    assert client.post(PAGE, sent | {"token": token[::-1]}).status_code == 422
    assert credits_of(target) == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite allows one writer at a time")
def test_moves_at_once_never_move_more_than_there_is(bought, empty_account, target, alice):
    def one(number: int) -> None:
        with transaction.atomic():
            move(empty_account, target, 600, f"1:{number % 3}")

    results = all_at_once(*[lambda n=n: one(n) for n in range(6)])
    assert results.count(None) == 2  # one move, and its repetition
    assert (credits_of(empty_account), credits_of(target)) == (400, 600)
    assert reconciliation.faults() == []


# --- Disputes of what has moved ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        (400, None, 600, 400),
        (1000, None, 0, 1000),
        (400, 500, 500, 0),
        (400, 600, 600, 0),
        (400, 601, 600, 1),
    ],
)
def test_a_dispute_takes_only_what_has_not_moved(sandbox, bought, target, caplog, monkeypatch, case):
    moved, disputed, taken, missing = case  # cents; the whole payment is disputed if `disputed` is None
    empty_account, acme = bought.account, target.organisation
    move(empty_account, target, moved)
    spend(empty_account, used=min(100, 1000 - moved))  # spent credits that did not move are taken as well
    spend(target, used=100)
    sandbox.post("/_test/disputes", payment_intent=bought.provider_payment)
    if disputed is not None:  # a part of the payment
        reported = [replace(each, cents=disputed) for each in stripe.disputes_of(bought.provider_payment)]
        monkeypatch.setattr(stripe, "disputes_of", lambda payment: reported)
    disputes.sync(bought)

    dispute = Dispute.objects.get()
    entries = LedgerEntry.objects.filter(kind="dispute")
    assert -sum(entries.values_list("amount", flat=True)) == taken * PICO_PER_CENT
    assert (credits_of(empty_account), credits_of(target)) == (1000 - moved - taken, moved)
    assert disputes.not_taken(dispute) == missing * PICO_PER_CENT
    told = f"could not take ${missing / 100:.2f} that had been moved to {acme.public_id}"
    assert (told in caplog.text) == bool(missing)
    empty_account.refresh_from_db()
    target.refresh_from_db()
    assert empty_account.frozen_reason == disputes.FREEZE_REASON and not target.frozen_reason
    assert target.balance == (moved - 100) * PICO_PER_CENT
    assert sound()


def test_an_operator_sees_what_a_dispute_could_not_take(sandbox, bought, empty_account, target, acme, admin_client):
    move(empty_account, target, 400)
    taken = sandbox.post("/_test/disputes", payment_intent=bought.provider_payment)["id"]
    disputes.sync(bought)
    address = f"/admin/billing/dispute/{Dispute.objects.get().pk}/change/"
    assert f"$4.00, moved to {acme.public_id}." in admin_client.get(address).content.decode()
    sandbox.post(f"/_test/disputes/{taken}/win")
    disputes.sync(bought)
    assert "moved to" not in admin_client.get(address).content.decode()
    assert (credits_of(empty_account), credits_of(target)) == (600, 400)
    assert sound()
