"""Receipts and credit notes: they show the billing details and never change afterwards."""

import pytest

from billing.models import BillingDetails, Receipt
from billing.payments import refunds
from billing.receipts import receipts
from tests.billing.at_once import all_at_once
from tests.billing.conftest import paid
from tests.conftest import signed_in

DETAILS = "/settings/credits/billing-details"
GIVEN = {
    "name": "Alice Ltd", "address": "1 Main Street\r\n\r\n Dublin ",
    "tax-TOTAL_FORMS": "3", "tax-INITIAL_FORMS": "0",
    "tax-0-kind": "Ireland VAT ID", "tax-0-number": "ie 6433435 f",
    "tax-1-kind": "Australia ABN", "tax-1-number": "83914571673",
    "tax-2-kind": "", "tax-2-number": "",
}  # fmt: skip


def address_of(purchase) -> str:
    return f"/settings/credits/purchases/{purchase.pk}/receipt"


def shown(client, purchase) -> str:
    response = client.get(address_of(purchase))
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def details(empty_account) -> BillingDetails:
    return receipts.save_details(empty_account, name="Alice Ltd", address="1 Main Street", tax_ids="IE1234567X")


def test_billing_details_appear_on_the_next_receipt(alice_client, alice, sandbox, empty_account):
    assert 'value="alice"' in alice_client.get(DETAILS).content.decode()  # the default: the name of the organization
    response = alice_client.post(DETAILS, GIVEN, follow=True)
    assert "New receipts show them" in response.content.decode()
    assert "1 Main Street\nDublin</textarea>" in alice_client.get(DETAILS).content.decode()

    page = shown(alice_client, paid(sandbox, empty_account, alice))
    assert "Alice Ltd<br>1 Main Street<br>Dublin<br>" in page
    assert "Ireland VAT ID IE6433435F<br>" in page
    assert "Australia ABN 83 914 571 673<br>" in page
    assert "alice@example.com" in page
    assert "Payment provider's receipt" in page
    assert "was issued without" not in page


def test_an_issued_receipt_never_changes(alice_client, alice, sandbox, details, empty_account, settings):
    settings.RECEIPT_ISSUER = "Gateway Inc.\n5 Side Street"
    purchase = paid(sandbox, empty_account, alice)
    before = Receipt.objects.values().get()

    receipts.save_details(empty_account, name="Bob Ltd", address="2 Other Street", tax_ids="")
    empty_account.organisation.name = "Renamed"
    empty_account.organisation.save()
    alice.email = "alice@elsewhere.example"
    alice.save()
    settings.RECEIPT_ISSUER = "Another issuer"

    page = shown(alice_client, purchase)
    assert Receipt.objects.values().get() == before
    assert "Alice Ltd" in page
    assert "Gateway Inc.<br>5 Side Street" in page
    for later in ("Bob Ltd", "2 Other Street", "alice@elsewhere.example", "Another issuer"):
        assert later not in page.split("<article")[1]
    assert alice_client.post(address_of(purchase) + "/complete", follow=True).status_code == 200
    assert Receipt.objects.values().get() == before


def test_details_can_be_added_once_to_a_receipt_without_them(alice_client, bought, empty_account):
    page = shown(alice_client, bought)
    assert "alice<br>" in page
    assert f"{DETAILS}?receipt={bought.pk}" in page

    response = alice_client.post(f"{DETAILS}?receipt={bought.pk}", GIVEN)
    assert response.url == address_of(bought)  # back to the receipt
    assert "You can add them once" in shown(alice_client, bought)
    assert "Alice Ltd" not in shown(alice_client, bought)  # not automatically

    alice_client.post(address_of(bought) + "/complete")
    page = shown(alice_client, bought)
    assert "Alice Ltd" in page
    assert "Billing details added on " in page

    receipts.save_details(empty_account, name="Bob Ltd", address="x", tax_ids="")
    page = alice_client.post(address_of(bought) + "/complete", follow=True).content.decode()
    assert "already has billing details" in page
    assert "Bob Ltd" not in page


def test_a_credit_note_shows_the_details_of_its_receipt(alice_client, alice, sandbox, details, empty_account):
    refund = refunds.request(paid(sandbox, empty_account, alice), alice, cents=1000)
    receipts.save_details(empty_account, name="Bob Ltd", address="x", tax_ids="")
    page = alice_client.get(refund.get_absolute_url()).content.decode()
    assert "Credit note" in page
    assert "Alice Ltd<br>1 Main Street" in page
    assert "IE1234567X" in page
    assert "Bob Ltd" not in page


def test_hostile_details_are_shown_as_text(alice_client, alice, sandbox, empty_account):
    hostile = "<script>alert(1)</script>"
    alice_client.post(
        DETAILS, GIVEN | {"name": hostile, "address": hostile, "tax-0-kind": "other", "tax-0-number": hostile}
    )
    page = shown(alice_client, paid(sandbox, empty_account, alice))
    assert hostile not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": " "}, "This field is required."),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"address": "\n".join("abcdefghi")}, "Enter at most 8 lines."),
        ({"tax-TOTAL_FORMS": "6"}, "Enter at most 5 tax IDs."),
        ({"tax-TOTAL_FORMS": "many"}, "The tax IDs are incomplete."),
        ({"tax-0-number": "IE1234567X"}, "valid Ireland VAT ID. Expected form: IE6433435F."),
        ({"tax-0-kind": "Atlantis"}, "Choose a country from the list."),
        ({"tax-0-kind": ""}, "Choose the country of this tax ID."),
        ({"tax-1-number": "x" * 61}, "at most 60 characters"),
        ({"tax-0-kind": "other", "tax-0-number": "a\x1bb"}, "letters, digits and signs"),
        ({"address": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_invalid_details_are_explained(alice_client, empty_account, changed, message):
    response = alice_client.post(DETAILS, GIVEN | changed)
    assert response.status_code == 422
    assert message in response.content.decode()
    assert "83914571673" in response.content.decode() or "tax-1-number" in changed or "many" in changed.values()
    assert not BillingDetails.objects.exists()


def test_saved_tax_ids_are_edited_row_by_row(alice_client, empty_account):
    alice_client.post(DETAILS, GIVEN)
    receipts.save_details(empty_account, name="Alice Ltd", address="", tax_ids="Australia ABN 83 914 571 673\nas typed")
    page = alice_client.get(DETAILS).content.decode()
    assert '<option value="Australia ABN" selected>' in page and 'value="83 914 571 673"' in page
    assert '<option value="other" selected>' in page and 'value="as typed"' in page
    assert 'name="tax-2-number"' in page  # an empty row

    changed = GIVEN | {"tax-INITIAL_FORMS": "2", "tax-0-number": "", "tax-1-number": "83 914 571 673"}
    more = alice_client.post(DETAILS, changed | {"add": "1"})
    assert more.status_code == 200 and 'name="tax-3-number"' in more.content.decode()
    assert "as typed" in BillingDetails.objects.get().tax_ids  # nothing is saved yet
    assert alice_client.post(DETAILS, changed).status_code == 302
    assert BillingDetails.objects.get().tax_ids == "Australia ABN 83 914 571 673"


def test_an_admin_of_two_organizations_edits_the_details_of_the_receipts_organization(
    alice, charlie, bought, organisation
):
    organisation.memberships.create(user=charlie, role="admin")
    client = signed_in(charlie)  # working in his own organization
    client.post(f"{DETAILS}?receipt={bought.pk}", GIVEN)
    assert BillingDetails.objects.get().account == bought.account


def test_other_users_neither_see_nor_change_receipts_and_details(bob_client, charlie_client, client, bought, details):
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
def test_a_receipt_issued_many_times_at_once_is_created_once(bought):
    Receipt.objects.all().delete()
    found = all_at_once(*[lambda: receipts.issue(bought).pk] * 6)
    assert found == [Receipt.objects.get().pk] * 6


@pytest.mark.django_db(transaction=True)
def test_a_receipt_completed_many_times_at_once_is_completed_once(bought, details):
    Receipt.objects.update(address="", tax_ids="")
    receipt = Receipt.objects.get()
    assert sorted(all_at_once(*[lambda: receipts.complete(receipt)] * 6)) == [False] * 5 + [True]
