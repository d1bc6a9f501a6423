"""Operators find rows of billing by an email address or by the ID of a payment or request."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing import lookup, spending
from billing.credits import ledger
from billing.models import Dispute, LedgerEntry, Lot, Receipt, Refund
from billing.payments import disputes, refunds
from common.money import pico_from_cents
from tests.activity.factory import make_request

from .conftest import paid

TABLES = ["creditaccount", "dispute", "ledgerentry", "lot", "purchase", "receipt", "refund"]


@pytest.fixture
def operator(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.net", "correct horse battery"))
    return client


@pytest.fixture
def purchase_of_alice(sandbox, empty_account, alice):
    """Alice's purchase with a refund, a dispute and a request that her account paid for."""
    purchase = paid(sandbox, empty_account, alice)
    refunds.request(purchase, alice, cents=1000)
    sandbox.post("/_test/disputes", payment_intent=purchase.provider_payment)
    disputes.sync(purchase)
    make_request(empty_account, cost=0, id="gen-1700000000-alice")
    return purchase


@pytest.fixture
def purchase_of_charlie(purchase_of_alice, sandbox, charlie):
    """Charlie's purchase with a refund, a dispute and a request."""
    account = spending.account_of(charlie.personal_organisation)
    purchase = paid(sandbox, account, charlie)
    Refund.objects.create(
        purchase=purchase, provider="stripe", cents=1, credit_cents=0, number="other", state="succeeded"
    )
    Dispute.objects.create(purchase=purchase, provider="stripe", provider_dispute="dp_other", state="inquiry", cents=1)
    make_request(account, cost=0, id="gen-1700000000-charlie")
    return purchase


def owners_found(operator, table: str, text: str) -> set:
    """Return the organizations whose rows the search lists."""
    response = operator.get(reverse(f"admin:billing_{table}_changelist"), {"q": text})
    assert response.status_code == 200

    def owner(row):
        row = getattr(row, "purchase", None) or row
        return getattr(row, "account", row).organisation.name

    return {owner(row) for row in response.context["cl"].queryset}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_searched_by_address_payment_and_request(
    operator, purchase_of_alice, purchase_of_charlie, table
):
    assert owners_found(operator, table, "") >= {"alice", "charlie"}
    for text in (
        "alice@example.com",
        purchase_of_alice.provider_payment,
        "gen-1700000000-alice",
        " gen-1700000000-alice ",
    ):
        assert owners_found(operator, table, text) == {"alice"}, text
    assert owners_found(operator, table, "gen-1700000000-charlie") == {"charlie"}
    assert owners_found(operator, table, "gen-1700000000-unknown") == set()
    assert owners_found(operator, table, "unknown@example.com") == set()


@pytest.mark.parametrize("table", ["purchase", "refund", "dispute", "creditaccount"])
def test_rows_are_found_by_the_address_of_any_member(operator, purchase_of_alice, purchase_of_charlie, bob, table):
    assert "alice" in owners_found(operator, table, "bob@example.com")


def test_a_purchase_is_found_by_the_address_of_a_former_member(operator, purchase_of_alice, alice, bob):
    organisation = purchase_of_alice.account.organisation
    organisation.memberships.filter(user=alice).delete()
    assert owners_found(operator, "purchase", "alice@example.com") == {"alice"}


@pytest.mark.parametrize("what", ["provider_payment", "provider_session", "receipt_number", "pk"])
def test_an_account_is_found_by_ids_of_its_purchases(operator, purchase_of_alice, purchase_of_charlie, what):
    assert owners_found(operator, "creditaccount", str(getattr(purchase_of_alice, what))) == {"alice"}


def test_text_that_is_no_id_finds_nothing(db):
    for text in ("", "alice", "gen", "'; DROP TABLE x", "\x00"[:0]):
        assert lookup.accounts_by_id(text) is None
        assert lookup.account_of_payment(text) is None


def test_rows_are_listed_once_for_an_organization_with_several_members(operator, purchase_of_alice, bob, empty_account):
    ledger.add(empty_account, pico_from_cents(1), kind=LedgerEntry.Kind.GRANT, reference="x")
    for table, model in (("refund", Refund), ("lot", Lot), ("ledgerentry", LedgerEntry), ("receipt", Receipt)):
        response = operator.get(reverse(f"admin:billing_{table}_changelist"), {"q": "example.com"})
        assert response.context["cl"].result_count == model.objects.count()
