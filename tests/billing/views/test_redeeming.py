"""Redeeming a promotional code on the credits page."""

import csv

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from accounts.organisations import members
from billing import spending
from billing.credits import promotions
from billing.models import CreditAccount, LedgerEntry, PromotionalCode
from billing.payments import disputes
from billing.views import credits
from tests.accounts.organisations.conftest import add_member, client_in
from tests.billing.conftest import credits_of

PAGE = "/settings/credits"
REDEEM = f"{PAGE}/redeem"


@pytest.fixture
def operator(db) -> User:
    return User.objects.create_superuser("operator@example.com", "correct horse battery")


@pytest.fixture
def code(operator) -> PromotionalCode:
    rules = promotions.Rules(cents=500, max_uses=10, credit_days=60)
    return promotions.create(rules, operator=operator, code="SPRING2026")


@pytest.fixture
def staff(operator) -> Client:
    client = Client()
    client.force_login(operator)
    return client


# The test client reads asynchronous responses synchronously, which Django warns about.
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_the_credits_appear_in_balance_history_and_statement(alice_client, code, empty_account):
    assert "<details" in alice_client.get(PAGE).content.decode()
    response = alice_client.post(REDEEM, {"code": " spring-2026 "})
    assert response["Location"] == f"{PAGE}#history"
    page = alice_client.get(PAGE).content.decode()
    assert "$5.00 in credits added." in page
    assert '<span class="strong">Promotional code</span><small>SPRING2026, expires on' in page
    assert "$5.00 expires on" in page and "as their code says" in page
    assert "/refund" not in page

    lines = b"".join(alice_client.get(f"{PAGE}/transactions.csv")).decode()
    [row] = csv.DictReader(lines.splitlines())
    assert (row["kind"], row["amount_usd"], row["paid_usd"]) == ("Promotional code", "5", "")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Enter a code."),
        ("SPRING", "This code isn&#x27;t valid. Check the spelling."),
        ("<script>alert(1)</script>", "This code isn&#x27;t valid."),
        ("x" * 10_000, "This code isn&#x27;t valid."),
    ],
)
def test_a_refusal_is_shown_at_the_field(alice_client, code, empty_account, typed, message):
    response = alice_client.post(REDEEM, {"code": typed})
    page = response.content.decode()
    assert (response.status_code, message in page) == (422, True)
    assert '<details class="redeem" id="redeem" open>' in page and "<script>alert" not in page
    assert credits_of(empty_account) == 0


def test_a_second_submission_adds_nothing_and_says_so(alice_client, code, empty_account):
    alice_client.post(REDEEM, {"code": "SPRING2026"})
    again = alice_client.post(REDEEM, {"code": "SPRING2026"})
    assert (again.status_code, credits_of(empty_account)) == (422, 500)
    assert "This account has already redeemed this code." in again.content.decode()


def test_guessing_is_limited_to_some_attempts_in_an_hour(alice_client, charlie_client, code, empty_account, clock):
    for number in range(credits.REDEEM_ATTEMPTS):
        assert alice_client.post(REDEEM, {"code": f"GUESS{number}"}).status_code == 422
    refused = alice_client.post(REDEEM, {"code": "SPRING2026"})
    assert refused.status_code == 429 and "Too many attempts." in refused.content.decode()
    assert charlie_client.post(REDEEM, {"code": "SPRING2027"}).status_code == 422
    clock.advance(hours=1)
    assert alice_client.post(REDEEM, {"code": "SPRING2026"}).status_code == 302


def test_the_address_is_limited_whoever_asks(alice_client, code, monkeypatch):
    monkeypatch.setattr(credits, "REDEEM_ATTEMPTS", 1)
    others = [Client() for _ in range(5)]
    for number, client in enumerate(others):
        client.force_login(User.objects.create_user(f"guesser{number}@example.com"))
        assert client.post(REDEEM, {"code": "GUESS"}).status_code == 422
    assert alice_client.post(REDEEM, {"code": "SPRING2026"}).status_code == 429


def test_only_admins_redeem_codes_for_an_organization(alice, bob, code):
    acme = members.create(alice, "Acme")
    add_member(acme, "member@example.com", Membership.Role.MEMBER)
    member = client_in(acme, User.objects.get(email="member@example.com"))
    assert 'id="redeem"' not in member.get(PAGE).content.decode()
    assert member.post(REDEEM, {"code": "SPRING2026"}).status_code == 403
    assert client_in(acme, alice).post(REDEEM, {"code": "SPRING2026"}).status_code == 302
    assert credits_of(spending.account_of(acme)) == 500


def test_a_frozen_account_is_told_why_it_gets_nothing(alice_client, code, empty_account):
    CreditAccount.objects.filter(pk=empty_account.pk).update(frozen_reason=disputes.FREEZE_REASON)
    assert 'id="redeem"' not in alice_client.get(PAGE).content.decode()
    refused = alice_client.post(REDEEM, {"code": "SPRING2026"})
    assert "You can&#x27;t redeem codes while the account is frozen." in refused.content.decode()


# --- The admin --------------------------------------------------------------------------------------

ADD = {"code": "launch-day", "amount": "7.50", "max_uses": "3", "credit_days": "30", "note": "for the launch"}


def test_an_operator_makes_ends_and_extends_codes(staff, operator, alice, empty_account):
    assert staff.post(reverse("admin:billing_promotionalcode_add"), ADD).status_code == 302
    code = PromotionalCode.objects.get()
    assert (code.code, code.cents, code.max_uses, code.credit_days) == ("LAUNCHDAY", 750, 3, 30)
    assert (code.operator, code.note) == (operator, "for the launch")
    promotions.redeem(empty_account, alice, "launchday")

    change = reverse("admin:billing_promotionalcode_change", args=[code.pk])
    page = staff.get(change).content.decode()
    assert "LAUNCHDAY" in page and 'name="cents"' not in page and 'name="amount"' not in page
    assert "Enter 1 to" in staff.post(change, {"max_uses": "0", "is_active": "on"}).content.decode()
    assert staff.post(change, {"max_uses": "5", "cents": "99999", "code": "OTHER"}).status_code == 302
    code.refresh_from_db()
    assert (code.max_uses, code.is_active, code.cents, code.uses, code.code) == (5, False, 750, 1, "LAUNCHDAY")
    assert staff.get(reverse("admin:billing_promotionalcode_delete", args=[code.pk])).status_code == 403
    assert LedgerEntry.objects.get().kind == "promotion"
    assert (
        "launch"
        in staff.get(reverse("admin:billing_promotionalcode_changelist"), {"q": "launch"}).content.decode().lower()
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"amount": "0"}, "Enter an amount from $0.01"),
        ({"amount": "much"}, "Enter an amount in dollars"),
        ({"code": "SPRING2026"}, "SPRING2026 exists already."),
        ({"code": "é"}, "Enter 4 to 40 letters and digits."),
        ({"max_uses": "0"}, "from 1 to"),
        ({"redeem_by": "2020-01-01 00:00"}, "has passed already"),
    ],
)
def test_the_admin_names_what_is_wrong(staff, code, wrong, message):
    page = staff.post(reverse("admin:billing_promotionalcode_add"), ADD | wrong)
    assert message in page.content.decode()
    assert PromotionalCode.objects.count() == 1


def test_a_random_code_is_made_without_a_name(staff):
    staff.post(reverse("admin:billing_promotionalcode_add"), ADD | {"code": ""})
    assert len(PromotionalCode.objects.get().code) == 12


def test_viewing_codes_does_not_allow_making_them(db):
    viewer = User.objects.create_user("viewer@example.com", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(viewer)
    assert client.get(reverse("admin:billing_promotionalcode_changelist")).status_code == 200
    assert client.post(reverse("admin:billing_promotionalcode_add"), ADD).status_code == 403
