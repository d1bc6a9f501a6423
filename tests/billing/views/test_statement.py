"""The transaction history as CSV."""

import csv
import io
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry, Purchase
from billing.payments import refunds
from common.money import PicoUsd, pico_from_cents
from tests.billing.conftest import spend

URL = "/settings/credits/transactions.csv"

# The test client reads asynchronous responses synchronously, which Django warns about.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")


def rows(client) -> list[dict]:
    response = client.get(URL)
    assert response.status_code == 200
    assert response.streaming
    assert "attachment" in response["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(b"".join(response).decode())))


def test_it_lists_every_entry_with_its_cause_and_adds_up(alice_client, alice, sandbox, bought, empty_account):
    ledger.add(empty_account, PicoUsd(123_456), kind=LedgerEntry.Kind.GRANT, reference="x", note="Sorry")
    spend(empty_account, used=100)
    refund = refunds.request(bought, alice, cents=900)

    found = rows(alice_client)
    assert [row["kind"] for row in found] == ["Refund", "Grant", "Purchase"]
    assert [row["cause"] for row in found] == [
        f"For receipt {bought.receipt_number}", "Sorry", "Visa ending in 4242, by alice@example.com",
    ]  # fmt: skip
    empty_account.refresh_from_db()
    assert sum(Decimal(row["amount_usd"]) for row in found) * 10**12 == empty_account.credits
    assert found[0]["credit_note"] == refund.number
    assert (found[2]["fee_usd"], found[2]["paid_usd"], found[2]["amount_usd"]) == ("0.80", "10.80", "10")
    assert found[2]["payment_id"] == bought.provider_payment
    assert found[0]["amount_usd"] == "-9"  # a number, not escaped text


def test_a_long_history_is_streamed_in_batches_newest_first(alice_client, account, monkeypatch):
    monkeypatch.setattr("billing.views.statement.BATCH", 7)
    for number in range(20):
        ledger.add(account, pico_from_cents(1), kind=LedgerEntry.Kind.GRANT, reference=f"{number}")
    ids = [int(row["entry_id"]) for row in rows(alice_client)]
    assert ids == list(account.entries.order_by("-pk").values_list("pk", flat=True))
    assert len(ids) == 21


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'])
def test_formulas_in_a_reason_are_escaped(alice_client, empty_account, text):
    ledger.add(empty_account, PicoUsd(1), kind=LedgerEntry.Kind.GRANT, reference="x", note=text)
    assert rows(alice_client)[0]["cause"] == f"'{text}"


def test_only_admins_can_download_it(bob_client, charlie_client, client, account):
    assert bob_client.get(URL).status_code == 403
    assert rows(charlie_client) == []
    assert client.get(URL).status_code == 302


def test_the_sums_on_the_page_are_exact(alice_client, account):
    CreditAccount.objects.update(usage=12_345_600_000, held=1_000_000_000)
    page = alice_client.get("/settings/credits").content.decode()

    assert page.count("data-balance>$9.99<") == 2  # rounded half up: in the navigation bar and as the figure
    assert "<dd>$10.00</dd>" in page
    assert "<dd>$0.0123456</dd>" in page
    assert '<dd class="sum">$9.9876544</dd>' in page
    assert '<dd class="sum">$9.9866544</dd>' in page  # less the holds


def test_a_long_history_needs_no_more_queries_than_a_short_one(alice_client, empty_account, alice, settings):
    settings.CREDITS_EXPIRE = True

    def buy(count: int) -> None:
        """Make recent purchases, all refundable."""
        now = timezone.now()
        for number in range(count):
            purchase = Purchase.objects.create(
                account=empty_account, user=alice, credit_cents=100, fee_cents=80, fee_basis_points=550,
                state="credited", credited_at=now, paid_at=now, receipt_number=f"{timezone.now():%S%f}-{number}",
            )  # fmt: skip
            ledger.add(
                empty_account,
                pico_from_cents(100),
                kind=LedgerEntry.Kind.PURCHASE,
                reference=str(purchase.pk),
                purchase=purchase,
            )

    buy(2)
    alice_client.get("/settings/credits")
    with CaptureQueriesContext(connection) as few:
        alice_client.get("/settings/credits")
    buy(60)
    for number, lines in ((1, 20), (3, 20), (4, 2)):
        with CaptureQueriesContext(connection) as many:
            page = alice_client.get(f"/settings/credits?page={number}")
        assert len(page.context["lines"]) == lines
        assert all(line.can_be_refunded for line in page.context["lines"])
        assert len(many) <= len(few)


def test_taking_from_many_lots_reads_only_a_few(empty_account):
    for number in range(120):
        ledger.add(empty_account, pico_from_cents(1), kind=LedgerEntry.Kind.GRANT, reference=f"gift {number}")
    with CaptureQueriesContext(connection) as captured:
        ledger.take(empty_account, pico_from_cents(2), kind=LedgerEntry.Kind.ADJUSTMENT, reference="back")
    assert len(captured) < 20
    ledger.take(empty_account, pico_from_cents(110), kind=LedgerEntry.Kind.ADJUSTMENT, reference="much back")
    assert [lot.amount for lot in empty_account.lots.order_by("pk")] == [pico_from_cents(1)] * 8 + [0] * 112
