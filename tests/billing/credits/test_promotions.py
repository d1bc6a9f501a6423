"""Promotional codes: their rules, and the credits that they add once."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from accounts.organisations import members
from billing import spending
from billing.credits import expiry, ledger, promotions, reconciliation, transfers
from billing.models import CreditAccount, LedgerEntry, Lot, PromotionalCode, Purchase, Redemption
from billing.payments import disputes, refunds
from common import clock as clocks
from common.money import PICO_PER_CENT, PicoUsd, pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.conftest import credits_of, sound, spend
from tests.conftest import make_user

Kind = LedgerEntry.Kind


@pytest.fixture
def operator(db) -> User:
    return User.objects.create_superuser("operator@example.com", "correct horse battery")


@pytest.fixture
def make(operator):
    """Make a code of $5 for ten accounts, unless told otherwise."""

    def made(name: str = "SPRING2026", **rules) -> PromotionalCode:
        return promotions.create(
            promotions.Rules(**({"cents": 500, "max_uses": 10} | rules)), operator=operator, code=name
        )

    return made


# --- Redeeming --------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["SPRING2026", "spring-2026", "  Spring 2026\t"])
def test_a_code_adds_its_credits_once_however_it_is_typed(make, empty_account, alice, typed):
    code = make()
    redemption = promotions.redeem(empty_account, alice, typed)
    entry = redemption.entry
    assert (entry.kind, entry.amount, entry.note, entry.purchase) == (
        Kind.PROMOTION,
        500 * PICO_PER_CENT,
        code.code,
        None,
    )
    assert credits_of(empty_account) == 500

    with pytest.raises(promotions.NotRedeemable, match="already redeemed"):
        promotions.redeem(empty_account, alice, typed)
    code.refresh_from_db()
    assert (code.uses, credits_of(empty_account), Redemption.objects.count()) == (1, 500, 1)
    empty_account.refresh_from_db()
    assert empty_account.purchased == 0
    assert reconciliation.faults() == []


def test_a_person_redeems_a_code_for_one_account_only(make, empty_account, alice, bob):
    make()
    promotions.redeem(empty_account, alice, "spring2026")
    acme = spending.account_of(members.create(alice, "Acme"))
    with pytest.raises(promotions.NotRedeemable, match="another account"):
        promotions.redeem(acme, alice, "spring2026")
    promotions.redeem(acme, bob, "spring2026")
    assert credits_of(acme) == 500


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "SPRING2027",
        "abc",
        "A" * 41,
        "ＳＰＲＩＮＧ2026",
        "SPRıNG2026",
        "SPRING2026\0",
        "' OR 1=1 --",
        "<b>SPRING2026</b>",
        "%",
    ],
)
def test_what_is_not_a_code_is_refused_alike(make, empty_account, alice, typed):
    make()
    with pytest.raises(promotions.NotRedeemable, match=r"This code isn't valid\. Check the spelling\."):
        promotions.redeem(empty_account, alice, typed)
    assert credits_of(empty_account) == 0


def test_codes_end(make, empty_account, alice, clock):
    tomorrow = clocks.utc_now() + timedelta(days=1)
    make("LATE", redeem_by=tomorrow)
    make("ENDED")
    PromotionalCode.objects.filter(code="ENDED").update(is_active=False)
    make("FULL", max_uses=1)
    first = make_user("first@example.com")
    promotions.redeem(spending.account_of(first.personal_organisation), first, "full")
    clock.advance(days=1)
    for name, reason in (("LATE", "has expired"), ("ENDED", "isn't valid"), ("FULL", "used up")):
        with pytest.raises(promotions.NotRedeemable, match=reason):
            promotions.redeem(empty_account, alice, name)
    assert credits_of(empty_account) == 0


def test_a_code_for_new_accounts_needs_a_young_person_and_account_without_a_purchase(
    make, empty_account, alice, bought
):
    make(new_accounts_only=True)
    refused = pytest.raises(promotions.NotRedeemable, match="only for new accounts")
    with refused:
        promotions.redeem(empty_account, alice, "spring2026")
    acme = spending.account_of(members.create(alice, "Acme"))
    User.objects.filter(pk=alice.pk).update(created_at=clocks.utc_now() - timedelta(days=31))
    alice.refresh_from_db()
    with refused:  # a new organization, but the person signed up long ago
        promotions.redeem(acme, alice, "spring2026")
    User.objects.filter(pk=alice.pk).update(created_at=clocks.utc_now() - timedelta(days=29))
    alice.refresh_from_db()
    promotions.redeem(acme, alice, "spring2026")


def test_nothing_is_redeemed_while_the_account_is_frozen(make, empty_account, alice):
    make()
    CreditAccount.objects.update(frozen_reason=disputes.FREEZE_REASON)
    with pytest.raises(promotions.NotRedeemable, match="frozen"):
        promotions.redeem(empty_account, alice, "spring2026")


# --- What can't be done with the credits ------------------------------------------------------------


def test_they_are_never_refunded_nor_moved(make, bought, empty_account, alice):
    make()
    promotions.redeem(empty_account, alice, "spring2026")
    acme = spending.account_of(members.create(alice, "Acme"))
    with pytest.raises(transfers.NotMovable, match=r"up to \$10"):
        transfers.move(empty_account, acme, pico_from_cents(1001), reference="1:all")
    transfers.move(empty_account, acme, pico_from_cents(400), reference="1:some")
    assert list(Lot.objects.filter(account=empty_account).order_by("pk").values_list("amount", flat=True)) == [
        600 * PICO_PER_CENT, 500 * PICO_PER_CENT,
    ]  # fmt: skip
    assert refunds.offer(bought).cents == 600
    refunds.request(bought, alice, cents=600)
    assert credits_of(empty_account) == 500
    assert transfers.movable(CreditAccount.objects.get(pk=empty_account.pk)) == 0
    assert sound()


# --- Expiry -----------------------------------------------------------------------------------------


def test_unspent_credits_expire_by_the_rule_of_the_code_alone(make, bought, empty_account, alice):
    """Purchases don't expire here."""
    make(credit_days=14)
    lot = promotions.redeem(empty_account, alice, "spring2026").entry.lot
    assert lot.expires_at - clocks.utc_now() > timedelta(days=13.9)
    [told] = expiry.upcoming(CreditAccount.objects.get(pk=empty_account.pk))
    assert (told.amount, told.is_promotional) == (500 * PICO_PER_CENT, True)

    spend(empty_account, used=1100)
    Lot.objects.filter(pk=lot.pk).update(expires_at=clocks.utc_now() + timedelta(days=6.5))
    assert expiry.run() == 0  # warns: 14 days are more than the 7 of the second warning, but not than 30
    lot.refresh_from_db()
    assert lot.expiry_warnings == 1
    Lot.objects.filter(pk=lot.pk).update(expires_at=clocks.utc_now() - timedelta(minutes=1))
    assert expiry.run() == 1
    assert expiry.run() == 0
    entry = LedgerEntry.objects.get(kind=Kind.EXPIRY)
    assert (entry.amount, entry.purchase, entry.note[:26]) == (-400 * PICO_PER_CENT, None, "Promotional code redeemed ")
    assert credits_of(empty_account) == 1100
    assert sound()


@pytest.mark.parametrize(("days", "warnings"), [(None, 0), (3, 0), (7, 0), (8, 1), (31, 2)])
def test_the_owner_is_warned_if_the_credits_last_long_enough(
    make, empty_account, alice, days, warnings, mailoutbox, django_capture_on_commit_callbacks
):
    make(credit_days=days)
    lot = promotions.redeem(empty_account, alice, "spring2026").entry.lot
    if days is None:
        assert lot.expires_at is None
    with django_capture_on_commit_callbacks(execute=True):
        for left in (29.5, 6.5):
            if days and days > left:
                Lot.objects.filter(pk=lot.pk).update(expires_at=clocks.utc_now() + timedelta(days=left))
            assert expiry.run() == 0
    assert len(mailoutbox) == warnings
    assert all("from a promotional code redeemed on" in each.body for each in mailoutbox)


# --- Making codes -----------------------------------------------------------------------------------


def test_the_command_makes_codes(operator):
    out = io.StringIO()
    options = {"operator": operator.email, "stdout": out, "stderr": io.StringIO()}
    call_command("create_promotional_code", "12.50", count=3, redeem_by="2099-01-31", credit_days=90, **options)
    call_command("create_promotional_code", "5", code="wel-come", uses=100, new_accounts=True, **options)
    made = PromotionalCode.objects.order_by("pk")
    assert out.getvalue().split() == [code.code for code in made]
    assert len(set(out.getvalue().split())) == 4
    assert (made[0].cents, made[0].max_uses, made[0].credit_days) == (1250, 1, 90)
    assert f"{made[0].redeem_by:%Y-%m-%d %H:%M}" == "2099-02-01 00:00"
    assert (made[3].code, made[3].max_uses, made[3].new_accounts_only) == ("WELCOME", 100, True)
    assert made[3].operator_email == "operator@example.com"


@pytest.mark.parametrize(
    ("usd", "wrong", "message"),
    [
        ("0", {}, r"from \$0\.01"),
        ("ten", {}, "Enter an amount in dollars"),
        ("5", {"uses": 0}, "from 1 to"),
        ("5", {"credit_days": 0}, "from 1 to"),
        ("5", {"redeem_by": "soon"}, "soon is not a date"),
        ("5", {"redeem_by": "2020-01-01"}, "has passed"),
        ("5", {"code": "ä"}, "4 to 40 letters and digits"),
        ("5", {"code": "taken"}, "TAKEN exists already"),
        ("5", {"count": 0}, "--count"),
        ("5", {"operator": "alice@example.com"}, "not an operator"),
    ],
)
def test_the_command_names_what_is_wrong(make, operator, alice, usd, wrong, message):
    make("TAKEN")
    with pytest.raises(CommandError, match=message):
        call_command("create_promotional_code", usd, **({"operator": operator.email} | wrong))
    assert PromotionalCode.objects.count() == 1


# --- Reconciliation ---------------------------------------------------------------------------------


def test_reconciliation_names_codes_that_do_not_match_their_entries(make, empty_account, alice):
    code = make()
    redemption = promotions.redeem(empty_account, alice, "spring2026")
    stray = ledger.add(empty_account, PicoUsd(5), kind=Kind.PROMOTION, reference="stray")
    PromotionalCode.objects.update(uses=2, cents=600)
    assert sorted({fault.row for fault in reconciliation.faults()}) == [
        f"ledger entry {stray.pk}",
        f"promotional code {code.pk}",
        f"redemption {redemption.pk}",
    ]


def test_reconciliation_names_promotional_credits_that_expired_too_early(make, empty_account, alice):
    make(credit_days=10)
    lot = promotions.redeem(empty_account, alice, "spring2026").entry.lot
    taken = ledger.claw_back(lot, PicoUsd(5), kind=Kind.EXPIRY, reference=f"lot:{lot.pk}:1")
    assert [fault.row for fault in reconciliation.faults()] == [f"ledger entry {taken.pk}"]


# --- Races ------------------------------------------------------------------------------------------

needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite allows one writer at a time")


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_redemptions_at_once_add_the_credits_once(make, empty_account, alice):
    make()
    results = all_at_once(*[lambda: promotions.redeem(empty_account, alice, "spring2026")] * 6)
    assert sum(isinstance(each, Redemption) for each in results) == 1, results
    assert {type(each) for each in results} == {Redemption, promotions.NotRedeemable}
    assert credits_of(empty_account) == 500
    assert reconciliation.faults() == []


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_last_uses_of_a_code_are_given_to_as_many_accounts_as_there_are_uses(make):
    make(max_uses=2)
    people = [make_user(f"{number}@example.com") for number in range(6)]
    accounts = [spending.account_of(person.personal_organisation) for person in people]
    jobs = [lambda a=a, p=p: promotions.redeem(a, p, "spring2026") for a, p in zip(accounts, people, strict=True)]
    results = all_at_once(*jobs)
    assert sum(isinstance(each, Redemption) for each in results) == 2, results
    assert sum(credits_of(account) for account in accounts) == 1000
    assert PromotionalCode.objects.get().uses == 2
    assert not Purchase.objects.exists()
    assert reconciliation.faults() == []
