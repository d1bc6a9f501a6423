"""The admin of billing: every row can be viewed and none edited, and actions use the usual functions."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Organisation, User
from billing.credits import adjustments, ledger, promotions
from billing.models import (
    CreditAccount,
    EmailChoice,
    LedgerEntry,
    Lot,
    Notice,
    ProviderEvent,
    Purchase,
    Refund,
    SavedCard,
)
from billing.payments import disputes, purchases
from billing.receipts import receipts
from common.money import pico_from_cents

from .auto_top_ups import save_card, turn_on
from .conftest import credits_of, deliver, sound, spend

TABLES = [
    "adjustment", "autotopup", "billingdetails", "creditaccount", "dispute", "emailchoice", "ledgerentry", "lot",
    "notice", "providerevent", "purchase", "receipt", "redemption", "refund", "savedcard",
]  # fmt: skip


@pytest.fixture
def operator(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    return client


@pytest.fixture
def viewer(db) -> Client:
    """Has permission to view all of billing, and nothing else."""
    user = User.objects.create_user("viewer@example.com", "correct horse battery", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="billing", codename__startswith="view_")
    )
    client = Client()
    client.force_login(user)
    return client


def act(client: Client, table: str, action: str, *rows, **seen: str):
    return client.post(
        reverse(f"admin:billing_{table}_changelist"),
        {"action": action, "_selected_action": [str(row.pk) for row in rows]} | seen,
        follow=True,
    )


@pytest.fixture
def everything(client, sandbox, bought, empty_account, alice):
    """One row of every kind."""
    rules = promotions.Rules(cents=1, max_uses=1)
    promotions.redeem(empty_account, alice, promotions.create(rules, operator=alice, code="example").code)
    turn_on(empty_account, alice, save_card(sandbox, empty_account, alice))
    for event in sandbox.events(bought):
        deliver(client, event)
    sandbox.post("/_test/disputes", payment_intent=bought.provider_payment)
    disputes.sync(bought)
    adjustments.adjust(empty_account, pico_from_cents(1), operator=alice, reason="a gift", reference="everything")
    Notice.objects.create(account=empty_account, user=alice, subject="example", body="")
    EmailChoice.objects.create(account=empty_account, user=alice, kind="weekly", covered_until="2026-01-05")
    receipts.save_details(empty_account, name="Alice Ltd", address="1 Main Street", tax_ids="")
    Refund.objects.create(
        purchase=bought, provider="stripe", user=alice, cents=5, credit_cents=5, number="x", state="failed"
    )


@pytest.mark.parametrize("table", TABLES)
def test_every_table_can_be_viewed_and_searched_but_not_edited(operator, everything, table):
    page = operator.get(reverse(f"admin:billing_{table}_changelist"), {"q": "example"})
    assert page.status_code == 200
    listed = operator.get(reverse(f"admin:billing_{table}_changelist"))
    row = listed.context["cl"].queryset.first()
    assert row is not None

    one = reverse(f"admin:billing_{table}_change", args=[row.pk])
    assert operator.get(one).status_code == 200
    assert 'name="_save"' not in operator.get(one).content.decode()
    assert operator.post(one, {"amount": "1"}).status_code == 403
    assert operator.get(reverse(f"admin:billing_{table}_add")).status_code == 403
    assert operator.get(reverse(f"admin:billing_{table}_delete", args=[row.pk])).status_code == 403


def test_viewing_it_creates_no_organization_for_an_operator_without_one(operator, everything):
    clerk = User.objects.create_user("clerk@example.com", is_staff=True, is_superuser=True)
    operator.force_login(clerk)
    for page in ("admin:index", *(f"admin:billing_{table}_changelist" for table in TABLES)):
        assert operator.get(reverse(page)).status_code == 200
    assert not Organisation.objects.filter(members=clerk).exists()


@pytest.mark.parametrize("client_fixture", ["alice_client", "client"])
def test_only_staff_have_access(request, everything, client_fixture):
    for table in TABLES:
        assert (
            request.getfixturevalue(client_fixture).get(reverse(f"admin:billing_{table}_changelist")).status_code == 302
        )


def test_view_permission_does_not_allow_actions(viewer, everything, empty_account):
    assert viewer.get(reverse("admin:billing_creditaccount_changelist")).status_code == 200
    CreditAccount.objects.update(frozen_reason="")
    act(viewer, "creditaccount", "freeze", empty_account)
    empty_account.refresh_from_db()
    assert empty_account.frozen_reason == ""
    adjust = reverse("admin:billing_creditaccount_adjust", args=[empty_account.pk])
    assert viewer.post(adjust, {"amount": "5", "reason": "x", "token": "t"}).status_code == 403
    assert not LedgerEntry.objects.filter(note="x").exists()


def test_an_account_is_frozen_and_unfrozen(operator, account):
    act(operator, "creditaccount", "freeze", account)
    account.refresh_from_db()
    assert account.frozen_reason

    spend(account, used=1000, held=0)
    CreditAccount.objects.filter(pk=account.pk).update(credits=0)
    refused = act(operator, "creditaccount", "unfreeze", account).content.decode()
    assert "Accounts unfrozen: 0." in refused and "credits don&#x27;t cover usage and holds" in refused
    spend(account, used=0)
    assert "Accounts unfrozen: 1." in act(operator, "creditaccount", "unfreeze", account).content.decode()
    account.refresh_from_db()
    assert account.frozen_reason == ""


def test_a_purchase_is_synced(operator, sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    assert "Purchases synced: 1." in act(operator, "purchase", "sync", purchase).content.decode()
    assert credits_of(empty_account) == 1000

    sandbox.fail("refuse", status=503, count=9)
    other = Purchase.objects.get()
    assert "Purchases synced: 0." in act(operator, "purchase", "sync", other).content.decode()


def test_a_paid_purchase_under_review_is_accepted(operator, sandbox, purchase, empty_account):
    Purchase.objects.update(fee_cents=100)
    sandbox.pay(purchase)
    assert purchases.sync(Purchase.objects.get()).state == "review"

    act(operator, "purchase", "accept", purchase)

    assert Purchase.objects.get().state == "credited"
    assert credits_of(empty_account) == 1000
    assert "cents requested is 1080, not 1100" in LogEntry.objects.latest("pk").change_message
    assert sound()
    refused = act(operator, "purchase", "accept", purchase).content.decode()
    assert "Only a paid purchase under review can be accepted." in refused
    assert credits_of(empty_account) == 1000


def test_an_unpaid_purchase_cannot_be_accepted(operator, sandbox, purchase, empty_account):
    Purchase.objects.update(state="review")
    act(operator, "purchase", "accept", purchase)
    assert credits_of(empty_account) == 0


def test_unspent_credits_are_refunded_after_the_window(operator, sandbox, bought, empty_account):
    Purchase.objects.update(paid_at="2020-01-01T00:00Z")
    spend(empty_account, used=100)
    page = act(operator, "purchase", "refund_unspent", bought).content.decode()
    assert "Refund $9.00" in page and "can't be undone" in page
    assert not Refund.objects.exists()

    response = act(operator, "purchase", "refund_unspent", bought, **{f"cents:{bought.pk}": "900"})

    assert "Refunds requested: 1." in response.content.decode()
    refund = Refund.objects.get()
    assert (refund.origin, refund.state, refund.cents) == ("operator", "succeeded", 900)
    assert LogEntry.objects.get().change_message == "Refunded $9.00."
    refused = act(operator, "purchase", "refund_unspent", bought).content.decode()
    assert "spent or on hold" in refused and "Refunds requested: 0." in refused


@pytest.mark.parametrize(
    ("seen", "message"), [("1000", "The refundable amount has changed."), ("all of it", "invalid")]
)
def test_a_refund_is_made_only_for_the_confirmed_amount(operator, bought, empty_account, seen, message):
    act(operator, "purchase", "refund_unspent", bought)
    spend(empty_account, used=100)
    response = act(operator, "purchase", "refund_unspent", bought, **{f"cents:{bought.pk}": seen}).content.decode()
    assert message in response and "Refunds requested: 0." in response
    assert not Refund.objects.exists()


def test_a_failed_event_is_reprocessed(operator, client, sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    message = sandbox.events(purchase, "checkout.session.completed")[0]
    sandbox.fail("refuse", status=503, count=3)
    deliver(client, message)

    act(operator, "providerevent", "reprocess", ProviderEvent.objects.get())
    assert credits_of(empty_account) == 1000


def test_a_card_is_removed(operator, sandbox, empty_account, alice):
    turn_on(empty_account, alice, save_card(sandbox, empty_account, alice))
    act(operator, "savedcard", "remove", SavedCard.objects.get())
    assert SavedCard.objects.get().state == "removed"
    empty_account.refresh_from_db()
    assert empty_account.auto_top_up_below is None


def test_an_account_is_shown_in_dollars(operator, account):
    CreditAccount.objects.update(usage=1_234_567 * 10**6, alert_below=pico_from_cents(500))
    page = operator.get(reverse("admin:billing_creditaccount_change", args=[account.pk])).content.decode()
    assert "$10.00" in page and "$1.234567" in page and "$5.00" in page
    assert str(account.credits) not in page


def test_lots_show_their_unspent_credits(operator, empty_account):
    ledger.add(empty_account, pico_from_cents(700), kind=LedgerEntry.Kind.GRANT, reference="x")
    spend(empty_account, used=200)
    page = operator.get(reverse("admin:billing_lot_change", args=[Lot.objects.get().pk])).content.decode()
    assert "$7.00" in page and "$5.00" in page
    assert Lot.objects.count() == 1


def test_the_admin_shows_the_site_name(operator, settings):
    assert f"<title>Site administration | {settings.SITE_NAME} administration</title>" in (
        operator.get(reverse("admin:index")).content.decode()
    )
