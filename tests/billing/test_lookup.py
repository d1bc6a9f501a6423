"""An operator finds rows of money by what somebody has sent them: an address, a payment, a request."""

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
def alices(sandbox, empty_account, alice):
    """Alice's purchase with a refund, a dispute and a request that it paid for."""
    purchase = paid(sandbox, empty_account, alice)
    refunds.request(purchase, alice, cents=1000)
    sandbox.post("/_test/disputes", payment_intent=purchase.provider_payment)
    disputes.sync(purchase)
    make_request(empty_account, cost=0, id="gen-1700000000-alice")
    return purchase


@pytest.fixture
def others(alices, sandbox, charlie):
    """Another purchase, by charlie, with a refund and a request of its own."""
    account = spending.account_of(charlie.personal_organisation)
    purchase = paid(sandbox, account, charlie)
    Refund.objects.create(
        purchase=purchase, provider="stripe", cents=1, credit_cents=0, number="other", state="succeeded"
    )
    Dispute.objects.create(purchase=purchase, provider="stripe", provider_dispute="dp_other", state="inquiry", cents=1)
    make_request(account, cost=0, id="gen-1700000000-charlie")
    return purchase


def found(operator, table: str, text: str) -> set:
    """Whose rows the search lists."""
    answer = operator.get(reverse(f"admin:billing_{table}_changelist"), {"q": text})
    assert answer.status_code == 200

    def owner(row):
        row = getattr(row, "purchase", None) or row
        return getattr(row, "account", row).organisation.name

    return {owner(row) for row in answer.context["cl"].queryset}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_of_money_is_searched_by_address_payment_and_request(operator, alices, others, table):
    assert found(operator, table, "") >= {"alice", "charlie"}
    for text in ("alice@example.com", alices.provider_payment, "gen-1700000000-alice", " gen-1700000000-alice "):
        assert found(operator, table, text) == {"alice"}, text
    assert found(operator, table, "gen-1700000000-charlie") == {"charlie"}
    assert found(operator, table, "gen-1700000000-nobody") == set()
    assert found(operator, table, "nobody@example.com") == set()


@pytest.mark.parametrize("table", ["purchase", "refund", "dispute", "creditaccount"])
def test_money_of_an_organisation_is_found_by_any_members_address(operator, alices, others, bob, table):
    assert "alice" in found(operator, table, "bob@example.com")


def test_a_purchase_is_found_by_the_buyers_address_after_they_left(operator, alices, alice, bob):
    organisation = alices.account.organisation
    organisation.memberships.filter(user=alice).delete()
    assert found(operator, "purchase", "alice@example.com") == {"alice"}


@pytest.mark.parametrize("what", ["provider_payment", "provider_session", "receipt_number", "pk"])
def test_an_account_is_found_by_what_it_paid(operator, alices, others, what):
    assert found(operator, "creditaccount", str(getattr(alices, what))) == {"alice"}


def test_a_text_that_is_no_id_leads_nowhere(db):
    for text in ("", "alice", "gen", "'; DROP TABLE x", "\x00"[:0]):
        assert lookup.accounts_by_id(text) is None
        assert lookup.account_of_payment(text) is None


def test_rows_are_listed_once_though_an_organisation_has_many_members(operator, alices, bob, empty_account):
    ledger.add(empty_account, pico_from_cents(1), kind=LedgerEntry.Kind.GRANT, reference="x")
    for table, model in (("refund", Refund), ("lot", Lot), ("ledgerentry", LedgerEntry), ("receipt", Receipt)):
        answer = operator.get(reverse(f"admin:billing_{table}_changelist"), {"q": "example.com"})
        assert answer.context["cl"].result_count == model.objects.count()
