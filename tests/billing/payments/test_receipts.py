"""Receipts and credit notes: made out to the billing details, and frozen."""

import pytest

from billing.models import BillingDetails, Receipt
from billing.payments import receipts, refunds
from tests.billing.at_once import all_at_once
from tests.billing.conftest import paid
from tests.conftest import signed_in

DETAILS = "/settings/credits/billing-details"
GIVEN = {"name": "Alice Ltd", "address": "1 Main Street\r\n\r\n Dublin ", "tax_ids": "IE1234567X\nGB999 9999 73"}


def address_of(purchase) -> str:
    return f"/settings/credits/purchases/{purchase.pk}/receipt"


def shown(client, purchase) -> str:
    answer = client.get(address_of(purchase))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def details(empty_account) -> BillingDetails:
    return receipts.save_details(empty_account, name="Alice Ltd", address="1 Main Street", tax_ids="IE1234567X")


def test_the_buyer_enters_details_and_the_next_receipt_bears_them(alice_client, alice, sandbox, empty_account):
    assert 'value="alice"' in alice_client.get(DETAILS).content.decode()  # the organisation's name, to begin with
    answer = alice_client.post(DETAILS, GIVEN, follow=True)
    assert "Every receipt from now on" in answer.content.decode()
    assert "1 Main Street\nDublin</textarea>" in alice_client.get(DETAILS).content.decode()

    page = shown(alice_client, paid(sandbox, empty_account, alice))
    assert "Alice Ltd<br>1 Main Street<br>Dublin<br>" in page
    assert "IE1234567X<br>" in page
    assert "GB999 9999 73<br>" in page
    assert "alice@example.com" in page
    assert "Payment provider's receipt" in page
    assert "was issued without" not in page


def test_a_receipt_that_was_issued_never_changes(alice_client, alice, sandbox, details, empty_account, settings):
    settings.RECEIPT_ISSUER = "Gateway Inc.\n5 Side Street"
    purchase = paid(sandbox, empty_account, alice)
    before = Receipt.objects.values().get()

    receipts.save_details(empty_account, name="Bob Ltd", address="2 Other Street", tax_ids="")
    empty_account.organisation.name = "Renamed"
    empty_account.organisation.save()
    alice.email = "alice@elsewhere.example"
    alice.save()
    settings.RECEIPT_ISSUER = "Somebody else"

    page = shown(alice_client, purchase)
    assert Receipt.objects.values().get() == before
    assert "Alice Ltd" in page
    assert "Gateway Inc.<br>5 Side Street" in page
    for later in ("Bob Ltd", "2 Other Street", "alice@elsewhere.example", "Somebody else"):
        assert later not in page.split("<article")[1]
    assert alice_client.post(address_of(purchase) + "/complete", follow=True).status_code == 200
    assert Receipt.objects.values().get() == before


def test_a_receipt_without_details_is_completed_once(alice_client, bought, empty_account):
    page = shown(alice_client, bought)
    assert "alice<br>" in page
    assert f"{DETAILS}?receipt={bought.pk}" in page

    answer = alice_client.post(f"{DETAILS}?receipt={bought.pk}", GIVEN)
    assert answer.url == address_of(bought)  # back to where they came from
    assert "You can add them once" in shown(alice_client, bought)
    assert "Alice Ltd" not in shown(alice_client, bought)  # not by itself

    alice_client.post(address_of(bought) + "/complete")
    page = shown(alice_client, bought)
    assert "Alice Ltd" in page
    assert "Billing details added on " in page

    receipts.save_details(empty_account, name="Bob Ltd", address="x", tax_ids="")
    told = alice_client.post(address_of(bought) + "/complete", follow=True).content.decode()
    assert "not changed any more" in told
    assert "Bob Ltd" not in told


def test_the_credit_note_is_made_out_to_the_same(alice_client, alice, sandbox, details, empty_account):
    refund = refunds.request(paid(sandbox, empty_account, alice), alice, cents=1000)
    receipts.save_details(empty_account, name="Bob Ltd", address="x", tax_ids="")
    page = alice_client.get(refund.get_absolute_url()).content.decode()
    assert "Credit note" in page
    assert "Alice Ltd<br>1 Main Street" in page
    assert "IE1234567X" in page
    assert "Bob Ltd" not in page


def test_hostile_details_are_shown_as_text(alice_client, alice, sandbox, empty_account):
    hostile = "<script>alert(1)</script>"
    alice_client.post(DETAILS, {"name": hostile, "address": hostile, "tax_ids": hostile})
    page = shown(alice_client, paid(sandbox, empty_account, alice))
    assert hostile not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": " "}, "This field is required."),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"address": "\n".join("abcdefghi")}, "Use 8 lines at most."),
        ({"tax_ids": "\n".join("abcdef")}, "Use 5 lines at most."),
        ({"address": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_what_does_not_fit_comes_back_with_the_reason(alice_client, empty_account, changed, told):
    answer = alice_client.post(DETAILS, GIVEN | changed)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert "IE1234567X" in answer.content.decode() or "tax_ids" in changed
    assert not BillingDetails.objects.exists()


def test_an_admin_of_two_organisations_edits_those_of_the_receipt(alice, charlie, bought, organisation):
    organisation.memberships.create(user=charlie, role="admin")
    client = signed_in(charlie)  # working in an organisation of their own
    client.post(f"{DETAILS}?receipt={bought.pk}", GIVEN)
    assert BillingDetails.objects.get().account == bought.account


def test_nobody_else_sees_or_changes_any_of_it(bob_client, charlie_client, client, bought, details):
    for stranger, status in ((bob_client, 404), (charlie_client, 404), (client, 302)):
        assert stranger.get(address_of(bought)).status_code == status
        assert stranger.post(address_of(bought) + "/complete").status_code == status
    assert bob_client.post(DETAILS, GIVEN).status_code == 403
    for stranger in (bob_client, charlie_client):
        assert stranger.post(f"{DETAILS}?receipt={bought.pk}", GIVEN).status_code in {403, 404}
    assert BillingDetails.objects.get().name == "Alice Ltd"


def test_an_unpaid_purchase_has_no_receipt(alice_client, purchase):
    assert alice_client.get(address_of(purchase)).status_code == 404
    assert not Receipt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_receipt_that_is_asked_for_many_times_at_once_is_issued_once(bought):
    Receipt.objects.all().delete()
    found = all_at_once(*[lambda: receipts.issue(bought).pk] * 6)
    assert found == [Receipt.objects.get().pk] * 6


@pytest.mark.django_db(transaction=True)
def test_a_receipt_is_completed_by_one_of_many(bought, details):
    Receipt.objects.update(address="", tax_ids="")
    receipt = Receipt.objects.get()
    assert sorted(all_at_once(*[lambda: receipts.complete(receipt)] * 6)) == [False] * 5 + [True]
