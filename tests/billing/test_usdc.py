"""Buying credits in USDC, told with the crypto payments sandbox over HTTP."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from django.test import Client
from django.utils import timezone

from billing import coinbase_gateway, declines, provider_answers, purchases, reconciliation, refunds, sweeps
from billing.coinbase_gateway import tokens
from billing.coinbase_gateway.connection import ask
from billing.models import LedgerEntry, Purchase, Refund
from common.money import pico_from_cents

from .conftest import buy, credits_of
from .test_purchases import all_at_once
from .usdc import buy_usdc

State = Purchase.State


def test_a_paid_purchase_is_credited_without_its_fee(crypto, usdc_purchase, empty_account):
    assert (usdc_purchase.state, usdc_purchase.provider, usdc_purchase.fee_cents) == (State.OPEN, "coinbase", 50)

    crypto.pay(usdc_purchase)
    purchase = purchases.sync(usdc_purchase)

    assert purchase.state == State.CREDITED
    assert purchase.paid_with.startswith("USDC on Base, 0x")
    assert purchase.receipt_number == f"{empty_account.pk:06d}-0001"
    assert timezone.now() - purchase.paid_at < timedelta(minutes=1)
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.amount, entry.purchase) == ("purchase", pico_from_cents(1000), purchase)
    assert credits_of(empty_account) == 1000
    assert reconciliation.faults() == []


def test_the_provider_is_asked_for_exactly_what_was_quoted(crypto, usdc_purchase):
    checkout = crypto.checkout(usdc_purchase)

    assert (checkout["amount"], checkout["currency"], checkout["network"]) == ("10.50", "USDC", "base")
    assert "fiatAmount" not in checkout  # the coins are the price, whatever they are worth
    assert checkout["metadata"] == {"purchase": str(usdc_purchase.pk), "mode": "test"}
    assert checkout["expiresAt"] == usdc_purchase.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    back = f"http://127.0.0.1:8000/settings/credits/purchases/{usdc_purchase.pk}"
    assert checkout["successRedirectUrl"] == checkout["failRedirectUrl"] == back
    assert usdc_purchase.checkout_url == checkout["url"]


def test_nothing_is_credited_before_the_buyer_has_paid(usdc_purchase, empty_account):
    assert purchases.sync(usdc_purchase).state == State.OPEN
    assert credits_of(empty_account) == 0


def test_what_was_sent_is_credited_when_the_network_has_confirmed_it(crypto, usdc_purchase, empty_account):
    crypto.pay(usdc_purchase, later=True)
    assert purchases.sync(usdc_purchase).state == State.PROCESSING
    assert credits_of(empty_account) == 0

    crypto.confirm(usdc_purchase)
    for _ in range(2):
        assert purchases.sync(usdc_purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


def test_a_payment_that_goes_wrong_is_told_with_what_to_do(crypto, usdc_purchase, empty_account):
    crypto.fail_payment(usdc_purchase)

    purchase = purchases.sync(usdc_purchase)

    assert (purchase.state, purchase.failure) == (State.FAILED, declines.explain("any", "usdc"))
    assert "wallet" in purchase.failure
    assert credits_of(empty_account) == 0


# --- Closed pages and money that comes late -----------------------------------------------------------


def test_a_cancelled_purchase_takes_no_payment_any_more(crypto, usdc_purchase):
    assert purchases.cancel(usdc_purchase).state == State.CANCELLED
    assert crypto.checkout(usdc_purchase)["status"] == "DEACTIVATED"
    assert purchases.sync(usdc_purchase).state == State.CANCELLED


@pytest.mark.parametrize(("how", "state"), [({}, State.CREDITED), ({"later": True}, State.PROCESSING)])
def test_what_has_been_sent_cannot_be_cancelled(crypto, usdc_purchase, how, state):
    crypto.pay(usdc_purchase, **how)

    assert purchases.cancel(usdc_purchase).state == state


@pytest.mark.parametrize("close", [purchases.cancel, None], ids=["cancelled", "expired"])
def test_money_that_arrives_after_the_page_has_closed_is_credited(crypto, usdc_purchase, empty_account, close):
    if close:
        close(usdc_purchase)
    else:
        crypto.expire(usdc_purchase)
    purchase = purchases.sync(usdc_purchase)
    assert purchase.state in {State.CANCELLED, State.EXPIRED}
    crypto.confirm(usdc_purchase)
    assert sweeps.sweep() == 0  # it is not waiting any more

    assert sweeps.rescue() == 1
    assert Purchase.objects.get().state == State.CREDITED
    assert credits_of(empty_account) == 1000
    assert sweeps.rescue() == 0


def test_late_money_is_looked_for_a_week_long(crypto, usdc_purchase, empty_account, monkeypatch):
    crypto.expire(usdc_purchase)
    purchases.sync(usdc_purchase)
    crypto.confirm(usdc_purchase)
    in_days = timezone.now()
    monkeypatch.setattr(sweeps.timezone, "now", lambda: in_days + timedelta(days=8))
    assert sweeps.rescue() == 0

    monkeypatch.setattr(sweeps.timezone, "now", lambda: in_days + timedelta(days=6))
    assert sweeps.rescue() == 1


def test_lists_of_many_pages_are_read_to_their_end(crypto, empty_account, alice, monkeypatch):
    bought = [buy_usdc(empty_account, alice, cents) for cents in (500, 600, 700)]
    for purchase in bought:
        crypto.pay(purchase)
    Purchase.objects.update(state=State.EXPIRED)
    monkeypatch.setattr("billing.coinbase_gateway.checkouts._PAGE", "1")

    assert sweeps.rescue() == 3
    assert credits_of(empty_account) == 1800


# --- Not what was asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "told"),
    [
        ("9.50", "$9.50 arrived, which is less than the $10.50 that this purchase costs."),
        ("10.49", "$10.49 arrived, which is less than the $10.50 that this purchase costs."),
        ("11.50", "$11.50 arrived, which is more than the $10.50 that this purchase costs."),
    ],
)
def test_another_amount_waits_for_a_person_and_the_buyer_is_told(crypto, usdc_purchase, empty_account, received, told):
    crypto.pay(usdc_purchase, received=received)

    purchase = purchases.sync(usdc_purchase)

    assert (purchase.state, purchase.failure) == (State.REVIEW, told)
    assert "cents received" in purchase.review_reason
    assert credits_of(empty_account) == 0

    accepted = purchases.accept(purchase)
    assert (accepted.state, accepted.failure) == (State.CREDITED, "")
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize(
    ("change", "named"),
    [({"credit_cents": 900}, "cents asked is 1050, not 950"), ({"provider_customer": "somebody"}, "customer is ''")],
)
def test_a_payment_other_than_quoted_waits_for_a_person(crypto, usdc_purchase, empty_account, change, named):
    Purchase.objects.update(**change)
    crypto.pay(usdc_purchase)

    purchase = purchases.sync(Purchase.objects.get())

    assert purchase.state == State.REVIEW
    assert named in purchase.review_reason
    assert credits_of(empty_account) == 0


def test_test_coins_buy_nothing_where_real_ones_are_wanted(crypto, usdc_purchase, empty_account, settings):
    crypto.pay(usdc_purchase)
    settings.COINBASE_API_KEY_ID = settings.SANDBOX_COINBASE_KEY_ID
    settings.COINBASE_API_KEY_SECRET = settings.SANDBOX_COINBASE_KEY_SECRET
    settings.COINBASE_IS_SANDBOX = False

    purchase = purchases.sync(usdc_purchase)

    assert purchase.state == State.REVIEW
    assert "live mode is False, not True" in purchase.review_reason
    assert credits_of(empty_account) == 0


def test_a_payment_page_of_another_purchase_waits_for_a_person(crypto, usdc_purchase, empty_account, alice):
    other = buy_usdc(empty_account, alice)
    crypto.pay(other)
    Purchase.objects.filter(pk=other.pk).update(provider_session=None)
    Purchase.objects.filter(pk=usdc_purchase.pk).update(provider_session=other.provider_session)

    purchase = purchases.sync(Purchase.objects.get(pk=usdc_purchase.pk))

    assert purchase.state == State.REVIEW
    assert "purchase is" in purchase.review_reason
    assert credits_of(empty_account) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "USDT"},
        {"network": "solana"},
        {"settlement": {"totalAmount": "10.50", "currency": "EURC"}},
        {"settlement": {"totalAmount": "10.499999", "currency": "USDC"}},
        {"settlement": {"totalAmount": "NaN", "currency": "USDC"}},
        {"settlement": {"totalAmount": "lots", "currency": "USDC"}},
        {"amount": None},
        {"metadata": None},
    ],
)
def test_other_coins_networks_and_figures_wait_for_a_person(crypto, usdc_purchase, empty_account, monkeypatch, changes):
    crypto.pay(usdc_purchase)
    told = crypto.checkout(usdc_purchase) | changes
    monkeypatch.setattr("billing.coinbase_gateway.checkouts.ask", lambda *_, **__: told)

    assert purchases.sync(usdc_purchase).state == State.REVIEW
    assert credits_of(empty_account) == 0


def test_a_paid_checkout_without_a_settlement_was_paid_as_asked(crypto, usdc_purchase, empty_account, monkeypatch):
    crypto.pay(usdc_purchase)
    told = crypto.checkout(usdc_purchase)
    del told["settlement"]
    monkeypatch.setattr("billing.coinbase_gateway.checkouts.ask", lambda *_, **__: told)

    assert purchases.sync(usdc_purchase).state == State.CREDITED


def test_a_state_that_we_have_never_heard_of_is_asked_about_again(crypto, usdc_purchase, monkeypatch):
    told = crypto.checkout(usdc_purchase) | {"status": "ENCHANTED"}
    monkeypatch.setattr("billing.coinbase_gateway.checkouts.ask", lambda *_, **__: told)

    assert purchases.sync(usdc_purchase).state == State.PROCESSING


# --- Forms that are sent twice, providers that do not answer ------------------------------------------


def checkouts_of(account) -> set[str]:
    ours = {str(pk) for pk in Purchase.objects.filter(account=account).values_list("pk", flat=True)}
    listed = ask("GET", query={"pageSize": "100"})["checkouts"]
    return {each["id"] for each in listed if each["metadata"].get("purchase") in ours}


def test_the_same_form_sent_twice_makes_one_purchase(crypto, empty_account, alice):
    first = buy_usdc(empty_account, alice, token="one form, sent twice")
    assert buy_usdc(empty_account, alice, token="one form, sent twice") == first
    assert checkouts_of(empty_account) == {first.provider_session}


@pytest.mark.parametrize("mode", ["drop", "crash"])
def test_a_lost_answer_is_asked_for_again_and_makes_one_payment_page(crypto, empty_account, alice, mode):
    crypto.fail(mode, method="POST")  # done, but the answer never arrives, or is an error that is repeated

    if mode == "crash":
        with pytest.raises(provider_answers.Unavailable):
            buy_usdc(empty_account, alice)
    else:
        assert buy_usdc(empty_account, alice).state == State.OPEN

    assert len(checkouts_of(empty_account)) == 1


def test_a_provider_that_does_not_answer_leaves_a_failed_purchase_and_no_page(crypto, empty_account, alice):
    crypto.fail("refuse", status=503, count=3)
    with pytest.raises(provider_answers.Unavailable):
        buy_usdc(empty_account, alice, token="sent in an outage")

    purchase = Purchase.objects.get()
    assert purchase.state == State.FAILED
    assert "Nothing was charged" in purchase.failure
    assert checkouts_of(empty_account) == set()
    assert buy_usdc(empty_account, alice, token="a new form afterwards").state == State.OPEN


def test_nothing_changes_while_the_provider_cannot_be_asked(crypto, usdc_purchase, empty_account):
    crypto.pay(usdc_purchase)
    crypto.fail("refuse", status=500, count=3)
    with pytest.raises(provider_answers.Unavailable):
        purchases.sync(usdc_purchase)
    assert Purchase.objects.get().state == State.OPEN

    assert purchases.sync(usdc_purchase).state == State.CREDITED


def test_a_paid_purchase_is_credited_although_every_webhook_is_lost(crypto, usdc_purchase, empty_account):
    crypto.control("webhooks", drop=100)
    crypto.pay(usdc_purchase)

    assert sweeps.sweep() == 1
    assert credits_of(empty_account) == 1000
    assert sweeps.sweep() == 0


def test_an_outage_of_one_provider_does_not_keep_the_others_purchases_waiting(
    sandbox, crypto, usdc_purchase, empty_account, alice
):
    by_card = buy(empty_account, alice)
    sandbox.pay(by_card)
    crypto.pay(usdc_purchase)
    sandbox.fail("refuse", status=503, count=3)

    assert sweeps.sweep() == 1
    assert credits_of(empty_account) == 1000
    sandbox.fail("refuse", status=503, count=3)
    Purchase.objects.filter(state=State.OPEN).update(state=State.EXPIRED)
    assert sweeps.rescue() == 0
    assert sweeps.rescue() == 1
    assert credits_of(empty_account) == 2000


def test_a_page_that_the_provider_has_forgotten_ends_when_its_time_is_over(crypto, usdc_purchase):
    Purchase.objects.update(provider_session="0" * 24, expires_at=timezone.now() - timedelta(seconds=1))
    sweeps.sweep()
    assert Purchase.objects.get().state == State.EXPIRED


@pytest.mark.django_db(transaction=True)
def test_everybody_who_fulfils_one_purchase_at_once_credits_it_once(crypto, empty_account, alice):
    purchase = buy_usdc(empty_account, alice)
    crypto.pay(purchase)
    letters = crypto.about(purchase, "checkout.payment.success")

    results = all_at_once(
        *[lambda: purchases.sync(purchase).state] * 3,
        *[lambda letter=letter: letter.deliver(Client()).status_code for letter in letters * 2],
        sweeps.sweep,
        sweeps.rescue,
    )

    assert not [each for each in results if isinstance(each, Exception)], results
    assert set(results[:3]) == {State.CREDITED} and set(results[3:-2]) == {200}
    assert credits_of(empty_account) == 1000
    assert (LedgerEntry.objects.count(), empty_account.lots.count()) == (1, 1)
    assert reconciliation.faults() == []


@pytest.mark.django_db(transaction=True)
def test_eight_starts_with_one_form_make_one_payment_page(crypto, empty_account, alice):
    results = all_at_once(*[lambda: buy_usdc(empty_account, alice, token="clicked eight times")] * 8)

    assert {type(each) for each in results} == {Purchase}, results
    assert len({each.checkout_url for each in results}) == 1
    assert len(checkouts_of(empty_account)) == 1


# --- Refunds --------------------------------------------------------------------------------------------


@pytest.fixture
def credited(crypto, usdc_purchase) -> Purchase:
    crypto.pay(usdc_purchase)
    return purchases.sync(usdc_purchase)


@pytest.mark.parametrize("origin", [Refund.Origin.BUTTON, Refund.Origin.OPERATOR])
def test_nobody_can_ask_for_a_refund(crypto, credited, alice, empty_account, origin):
    with pytest.raises(refunds.NotRefundable, match="final"):
        refunds.request(credited, alice, cents=1000, origin=origin)

    assert not Refund.objects.exists()
    assert "refunds" not in crypto.checkout(credited)
    assert credits_of(empty_account) == 1000


def test_a_refund_made_in_the_dashboard_takes_its_credits(client, crypto, credited, empty_account):
    crypto.refund(credited, "4.00")
    crypto.control("clock", seconds=3)
    for letter in crypto.about(credited, "checkout.refund.success"):
        assert letter.deliver(client).status_code == 200

    refund = Refund.objects.get()
    assert (refund.origin, refund.cents, refund.state) == (Refund.Origin.EXTERNAL, 400, Refund.State.SUCCEEDED)
    assert credits_of(empty_account) == 600
    assert reconciliation.faults() == []


def test_a_refund_of_which_no_webhook_told_is_found_in_the_list(crypto, credited, empty_account):
    crypto.refund(credited, "10.50")
    crypto.control("clock", seconds=3)

    sweeps.rescue()
    sweeps.rescue()

    assert Refund.objects.get().cents == 1050
    assert credits_of(empty_account) == 0
    assert reconciliation.faults() == []


def test_a_refund_before_the_credit_came_is_booked_with_it(crypto, usdc_purchase, empty_account):
    crypto.pay(usdc_purchase)
    crypto.refund(usdc_purchase, "10.50")
    crypto.control("clock", seconds=3)

    assert purchases.sync(usdc_purchase).state == State.CREDITED
    assert credits_of(empty_account) == 0
    assert reconciliation.faults() == []


def test_a_requested_refund_of_cryptocurrency_is_a_fault(credited, alice):
    Refund.objects.create(purchase=credited, user=alice, cents=1, credit_cents=0, number="x")

    assert [fault.problem for fault in reconciliation.faults()] == [
        "was asked for, although what is paid in cryptocurrency is never refunded"
    ]


# --- Keys -----------------------------------------------------------------------------------------------


def ec_key() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return key, text.decode()


@pytest.mark.parametrize("write", [str, lambda pem: pem.replace("\n", "\\n")], ids=["lines", "one line"])
def test_a_key_on_an_elliptic_curve_signs_as_well(write):
    key, pem = ec_key()

    token = tokens.bearer("my key", write(pem), "GET", "business.example/api/v1/checkouts")
    header, claims, signature = token.split(".")

    assert json.loads(decoded(header))["alg"] == "ES256"
    told = json.loads(decoded(claims))
    assert (told["sub"], told["iss"], told["exp"] - told["nbf"]) == ("my key", "cdp", 120)
    assert told["uris"] == [told["uri"]] == ["GET business.example/api/v1/checkouts"]
    raw = decoded(signature)
    halves = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.public_key().verify(encode_dss_signature(*halves), f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize("secret", ["", "nonsense", "AAAA", "-----BEGIN KEY-----\nx\n-----END KEY-----", "é" * 88])
def test_what_is_no_key_is_refused_in_words_that_do_not_repeat_it(secret):
    with pytest.raises(provider_answers.KeyRefused, match="COINBASE_API_KEY_SECRET") as refused:
        tokens.bearer("id", secret, "GET", "x")
    assert not secret or secret not in str(refused.value)


def test_the_key_of_another_account_is_refused_in_words(crypto, usdc_purchase, settings):
    settings.SANDBOX_COINBASE_KEY_ID = "somebody else's"

    with pytest.raises(provider_answers.KeyRefused, match="COINBASE_API_KEY_ID"):
        purchases.sync(usdc_purchase)


def test_without_a_key_nothing_is_asked(crypto, usdc_purchase, settings):
    settings.COINBASE_IS_SANDBOX = False

    assert not coinbase_gateway.is_configured()
    with pytest.raises(provider_answers.KeyRefused, match="COINBASE_API_KEY_ID and COINBASE_API_KEY_SECRET"):
        purchases.sync(usdc_purchase)
    assert sweeps.sweep() == 0
    assert sweeps.rescue() == 0
    assert Purchase.objects.get().state == State.OPEN


def test_without_its_key_a_page_ends_and_with_it_what_was_paid_is_found(crypto, usdc_purchase, empty_account, settings):
    crypto.pay(usdc_purchase)
    Purchase.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    settings.COINBASE_IS_SANDBOX = False
    sweeps.sweep()
    assert Purchase.objects.get().state == State.EXPIRED

    settings.COINBASE_IS_SANDBOX = True
    assert sweeps.rescue() == 1
    assert credits_of(empty_account) == 1000
