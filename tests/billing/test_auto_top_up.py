"""Auto top-up, told with the payments sandbox over HTTP."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from billing import auto_top_up, cards, spending, stripe_gateway, sweeps, tasks, topping_up
from billing.models import AutoTopUp, CreditAccount, LedgerEntry, ProviderEvent, Purchase, SavedCard
from common.money import PICO_PER_CENT

from .conftest import credits_of, deliver, hidden, sound
from .test_purchases import all_at_once

State = Purchase.State
PAGE = "/settings/credits/auto-top-up"


def save_card(sandbox, account, user, number: str = "4242424242424242") -> SavedCard:
    """The person saves a card on the provider's page and comes back."""
    session = cards.open_page(account, user, site="http://testserver").rsplit("/", 1)[1]
    sandbox._post(f"/_test/sessions/{session}/pay", card=number)
    card = cards.keep(session)
    assert card is not None
    return card


def agree(account, user, card, **changes) -> AutoTopUp:
    """$10 whenever the balance is below $5, at most $100 a day; unless `changes` say otherwise."""
    terms = {"threshold_cents": 500, "amount_cents": 1000, "daily_limit_cents": 10_000} | changes
    return auto_top_up.switch_on(account, user, card, ip="192.0.2.1", consent="I allow it.", **terms)


@pytest.fixture
def card(sandbox, empty_account, alice) -> SavedCard:
    return save_card(sandbox, empty_account, alice)


@pytest.fixture
def agreement(empty_account, alice, card) -> AutoTopUp:
    """Alice's empty account tops itself up."""
    return agree(empty_account, alice, card)


def payments(sandbox, purchase: Purchase) -> list[str]:
    """What became of every payment that the provider has of this purchase."""
    found = sandbox._get(f"/v1/payment_intents?limit=100&customer={purchase.provider_customer}")["data"]
    return [each["status"] for each in found if each["metadata"].get("purchase") == str(purchase.pk)]


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """`with committed():` what happens inside is committed, so that its mails are sent."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def later(hours: float) -> None:
    """All attempts were made so many hours earlier."""
    for purchase in Purchase.objects.all():
        moved = {
            name: getattr(purchase, name) - timedelta(hours=hours)
            for name in ("created_at", "synced_at")
            if getattr(purchase, name)
        }
        Purchase.objects.filter(pk=purchase.pk).update(**moved)
    AutoTopUp.objects.update(resumed_at=AutoTopUp.objects.get().resumed_at - timedelta(hours=hours))


def spend_all(account: CreditAccount) -> None:
    CreditAccount.objects.filter(pk=account.pk).update(usage=CreditAccount.objects.get(pk=account.pk).credits)


# --- Saved cards ------------------------------------------------------------------------------------


def test_a_card_is_saved_without_paying(sandbox, card, empty_account, alice):
    assert str(card) == "Visa ending in 4242"
    assert (card.account, card.user, card.state) == (empty_account, alice, "active")
    assert credits_of(empty_account) == 0


def test_a_saved_card_is_learned_from_the_webhook_too(client, sandbox, empty_account, alice):
    session = cards.open_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    sandbox._post(f"/_test/sessions/{session}/pay", card="5555555555554444")
    told = next(
        event
        for event in sandbox._all("events")
        if event["type"] == "checkout.session.completed" and event["data"]["object"]["id"] == session
    )

    for _ in range(2):
        assert deliver(client, told).status_code == 200
    assert str(SavedCard.objects.get()) == "Mastercard ending in 4444"
    assert cards.keep(session) == SavedCard.objects.get()
    assert ProviderEvent.objects.get().state == ProviderEvent.State.DONE


def test_a_page_that_was_not_finished_saves_nothing(sandbox, empty_account, alice):
    session = cards.open_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    assert cards.keep(session) is None
    assert cards.keep("cs_made_up") is None


def test_the_page_of_a_purchase_saves_nothing(sandbox, purchase):
    sandbox.pay(purchase)
    assert cards.keep(purchase.provider_session) is None
    assert not SavedCard.objects.exists()


def test_the_same_card_saved_again_takes_the_place_of_the_first(sandbox, agreement, empty_account, alice):
    second = save_card(sandbox, empty_account, alice)

    assert SavedCard.objects.filter(state="active").get() == second
    assert AutoTopUp.objects.get().card == second


def test_a_removed_card_is_forgotten_by_the_provider_and_switches_off(sandbox, agreement, card, empty_account):
    cards.remove(card)

    assert stripe_gateway.fetch_card(card.provider_method) is None
    agreement.refresh_from_db()
    assert not agreement.is_on
    assert "was removed" in agreement.off_reason
    assert CreditAccount.objects.get().top_up_below is None
    cards.remove(card)  # harmless


def test_a_card_that_the_bank_renews_is_known_by_its_new_date(client, sandbox, card):
    sandbox._post(f"/_test/payment_methods/{card.provider_method}/renew", exp_month=7, exp_year=2040)
    told = next(event for event in sandbox._all("events") if event["type"] == "payment_method.automatically_updated")

    assert deliver(client, told).status_code == 200
    card.refresh_from_db()
    assert (card.exp_month, card.exp_year) == (7, 2040)


# --- Buying -----------------------------------------------------------------------------------------


def test_a_low_balance_buys_credits_with_the_saved_card(sandbox, agreement, empty_account, alice, committed):
    with committed():
        purchase = topping_up.run(empty_account.pk)

    assert (purchase.state, purchase.source, purchase.user) == (State.CREDITED, "auto_topup", alice)
    assert (purchase.credit_cents, purchase.fee_cents) == (1000, 80)  # the same fee as by hand
    assert payments(sandbox, purchase) == ["succeeded"]
    assert credits_of(empty_account) == 1000
    assert purchase.receipt_number
    assert sound()
    assert [message.subject for message in mail.outbox] == ["$10.00 of credits added by auto top-up"]
    assert "Charged to Visa ending in 4242: $10.80" in mail.outbox[0].body


def test_a_balance_at_the_line_is_not_low(sandbox, agreement, account):
    CreditAccount.objects.update(usage=500 * PICO_PER_CENT)
    assert topping_up.run(account.pk) is None

    CreditAccount.objects.update(usage=500 * PICO_PER_CENT + 1)
    assert topping_up.run(account.pk).state == State.CREDITED


def test_nothing_is_bought_once_it_is_switched_off(sandbox, agreement, empty_account):
    assert auto_top_up.switch_off(empty_account) is True
    assert topping_up.run(empty_account.pk) is None
    assert auto_top_up.switch_off(empty_account) is False
    assert sweeps.top_up_low_balances() == 0


def test_nothing_is_bought_for_a_frozen_account(sandbox, agreement, empty_account):
    CreditAccount.objects.update(frozen_reason="A payment is disputed.")
    assert topping_up.run(empty_account.pk) is None


def test_the_clock_notices_what_no_request_has_reported(sandbox, agreement, empty_account):
    assert sweeps.top_up_low_balances() == 1
    assert sweeps.top_up_low_balances() == 0  # the balance is high again
    assert credits_of(empty_account) == 1000


def test_a_request_reports_a_low_balance_to_the_background(
    sandbox, agreement, empty_account, monkeypatch, django_capture_on_commit_callbacks
):
    asked = []
    monkeypatch.setattr(tasks.top_up, "delay", asked.append)
    account = CreditAccount.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(50):  # fifty requests in a row
            spending.spent(account)
    assert asked == [account.pk]

    account.credits = 500 * PICO_PER_CENT  # not low any more
    with django_capture_on_commit_callbacks(execute=True):
        spending.spent(account)
    assert asked == [account.pk]


def test_a_broker_that_is_away_does_not_disturb_the_request(agreement, monkeypatch, django_capture_on_commit_callbacks):
    asked = []

    def away(account_id):
        asked.append(account_id)
        raise ConnectionError

    monkeypatch.setattr(tasks.top_up, "delay", away)
    account = CreditAccount.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        spending.spent(account)
    assert asked == [account.pk]


def test_the_task_buys(sandbox, agreement, empty_account):
    tasks.top_up(empty_account.pk)
    assert credits_of(empty_account) == 1000


@pytest.mark.django_db(transaction=True)
def test_sixteen_who_notice_at_once_make_one_attempt(sandbox, agreement, empty_account):
    results = all_at_once(*[lambda: topping_up.run(empty_account.pk)] * 16)

    assert not [each for each in results if isinstance(each, Exception)], results
    purchase = Purchase.objects.get()
    assert payments(sandbox, purchase) == ["succeeded"]
    assert credits_of(empty_account) == 1000
    assert sound()


@pytest.mark.django_db(transaction=True)
def test_task_webhook_and_clock_may_race_over_one_attempt(client, sandbox, agreement, empty_account):
    sandbox.fail("drop", count=3, path="/v1/payment_intents", method="POST")
    purchase = topping_up.run(empty_account.pk)
    assert purchase.state == State.PROCESSING
    told = sandbox.events(purchase)
    later(1)

    from django.test import Client

    results = all_at_once(
        *[lambda event=event: deliver(Client(), event).status_code for event in told * 2],
        sweeps.sweep,
        sweeps.sweep,
        lambda: topping_up.run(empty_account.pk),
    )

    assert not [each for each in results if isinstance(each, Exception)], results
    sweeps.sweep()
    assert payments(sandbox, Purchase.objects.get()) == ["succeeded"]
    assert credits_of(empty_account) == 1000
    assert LedgerEntry.objects.count() == 1
    assert sound()


# --- Answers that never come ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["drop", "crash"])
def test_a_charge_whose_answer_was_lost_is_found_and_credited_once(sandbox, agreement, empty_account, mode):
    """Charged at the provider, but nobody told us; with `crash` the failure is even remembered for its key."""
    sandbox.fail(mode, count=3, path="/v1/payment_intents", method="POST")
    purchase = topping_up.run(empty_account.pk)
    assert purchase.state == State.PROCESSING  # unknown is not failed
    assert topping_up.run(empty_account.pk) is None  # and nobody begins another one

    sweeps.sweep()  # too young: its process may still be waiting for the answer
    assert credits_of(empty_account) == 0
    later(0.1)
    sweeps.sweep()
    purchase.refresh_from_db()
    assert purchase.state == State.CREDITED
    assert payments(sandbox, purchase) == ["succeeded"]
    assert credits_of(empty_account) == 1000


def test_a_charge_that_never_arrived_is_sent_again_with_its_key(sandbox, agreement, empty_account):
    sandbox.fail("refuse", status=503, count=3)
    purchase = topping_up.run(empty_account.pk)
    assert payments(sandbox, purchase) == []

    later(0.1)
    sweeps.sweep()
    assert payments(sandbox, purchase) == ["succeeded"]
    assert credits_of(empty_account) == 1000


def test_a_process_that_dies_before_charging_is_taken_over(sandbox, agreement, empty_account, card):
    Purchase.objects.create(
        account=empty_account, source="auto_topup", card=card, credit_cents=1000, fee_cents=80, fee_basis_points=550,
        provider_customer=CreditAccount.objects.get().stripe_customer_id,
        created_at=timezone.now() - timedelta(minutes=3),
    )  # fmt: skip
    sweeps.sweep()
    assert credits_of(empty_account) == 1000


def test_after_a_day_nothing_is_sent_again(sandbox, agreement, empty_account):
    """The provider forgets keys: asking again could charge again."""
    sandbox.fail("refuse", status=503, count=3)
    purchase = topping_up.run(empty_account.pk)
    later(24)

    sweeps.sweep()
    purchase.refresh_from_db()
    assert purchase.state == State.FAILED
    assert payments(sandbox, purchase) == []


def test_but_a_charge_of_yesterday_is_still_found(sandbox, agreement, empty_account):
    sandbox.fail("drop", count=3, path="/v1/payment_intents", method="POST")
    topping_up.run(empty_account.pk)
    Purchase.objects.update(synced_at=timezone.now() - timedelta(hours=24))
    sweeps.sweep()
    assert credits_of(empty_account) == 1000


def test_a_wrong_key_of_ours_is_no_decline(sandbox, agreement, empty_account, settings):
    settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_test_somebody_else"
    purchase = topping_up.run(empty_account.pk)
    assert purchase.state == State.PROCESSING
    assert AutoTopUp.objects.get().is_on


# --- Banks that say no ------------------------------------------------------------------------------

#: Can be saved; declines when it is charged.
DECLINES_LATER = "4000000000000341"


@pytest.fixture
def declining(sandbox, empty_account, alice) -> AutoTopUp:
    return agree(empty_account, alice, save_card(sandbox, empty_account, alice, DECLINES_LATER))


def test_a_decline_waits_an_hour_then_six_then_gives_up(sandbox, declining, empty_account, committed):
    with committed():
        first = topping_up.run(empty_account.pk)
    assert (first.state, first.decline_code) == (State.FAILED, "generic_decline")
    assert "declined" in first.failure

    later(0.9)
    assert topping_up.run(empty_account.pk) is None
    later(0.2)
    with committed():
        second = topping_up.run(empty_account.pk)
    assert second.state == State.FAILED
    assert second != first  # a new attempt with a key of its own: the provider repeats its answer for the old one

    later(5.9)
    assert topping_up.run(empty_account.pk) is None
    assert AutoTopUp.objects.get().is_on
    later(0.2)
    with committed():
        third = topping_up.run(empty_account.pk)
    assert third.state == State.FAILED

    declining.refresh_from_db()
    assert not declining.is_on
    assert declining.off_reason.startswith("The card was declined 3 times in a row.")
    later(100)
    assert topping_up.run(empty_account.pk) is None
    assert [message.subject for message in mail.outbox] == [
        "Auto top-up failed",
        "Auto top-up failed",
        "Auto top-up is switched off",
    ]
    assert "It will be tried again after" in mail.outbox[0].body
    assert credits_of(empty_account) == 0


def test_a_success_in_between_forgives_earlier_declines(sandbox, declining, empty_account, alice):
    topping_up.run(empty_account.pk)
    later(2)
    AutoTopUp.objects.update(card=save_card(sandbox, empty_account, alice))
    assert topping_up.run(empty_account.pk).state == State.CREDITED
    spend_all(empty_account)
    AutoTopUp.objects.update(card=declining.card)
    later(2)
    topping_up.run(empty_account.pk)

    declining.refresh_from_db()
    assert declining.is_on
    assert auto_top_up.outlook(declining).wait_until is not None


def test_a_bank_that_wants_its_customer_to_be_there_stops_it_at_once(sandbox, empty_account, alice, committed):
    agreement = agree(empty_account, alice, save_card(sandbox, empty_account, alice, "4000002760003184"))
    with committed():
        purchase = topping_up.run(empty_account.pk)

    assert (purchase.state, purchase.decline_code) == (State.FAILED, "authentication_required")
    agreement.refresh_from_db()
    assert not agreement.is_on
    assert "The bank wants you to confirm this payment." in agreement.off_reason
    assert [message.subject for message in mail.outbox] == ["Auto top-up is switched off"]
    assert mail.outbox[0].to == ["alice@example.com"]


def test_a_card_that_the_provider_no_longer_has_stops_it_at_once(sandbox, agreement, empty_account, card):
    stripe_gateway.remove_card(card.provider_method)
    purchase = topping_up.run(empty_account.pk)

    assert purchase.state == State.FAILED
    agreement.refresh_from_db()
    assert agreement.off_reason == "Visa ending in 4242 can no longer be charged."


def test_an_outage_is_no_decline(sandbox, agreement, empty_account):
    for _ in range(4):
        sandbox.fail("refuse", status=503, count=3, path="/v1/payment_intents", method="POST")
        topping_up.run(empty_account.pk)
        later(0.1)
        sweeps.sweep()
    assert AutoTopUp.objects.get().is_on
    assert not Purchase.objects.filter(state=State.FAILED).exists()


def test_switching_it_on_again_forgets_earlier_declines(sandbox, declining, empty_account, alice):
    for hours in (0, 2, 7):
        later(hours)
        topping_up.run(empty_account.pk)
    assert not AutoTopUp.objects.get().is_on

    later(1)
    agree(empty_account, alice, save_card(sandbox, empty_account, alice))
    assert topping_up.run(empty_account.pk).state == State.CREDITED


def test_the_owner_is_told_once_whoever_hears_first(client, sandbox, agreement, empty_account, committed):
    with committed():
        purchase = topping_up.run(empty_account.pk)
        for event in sandbox.events(purchase):
            deliver(client, event)
        sweeps.sweep()
    assert len(mail.outbox) == 1


# --- Guards -----------------------------------------------------------------------------------------


def test_two_attempts_are_at_least_a_minute_apart(sandbox, agreement, empty_account):
    topping_up.run(empty_account.pk)
    spend_all(empty_account)
    assert topping_up.run(empty_account.pk) is None

    later(0.02)
    assert topping_up.run(empty_account.pk).state == State.CREDITED


def test_it_runs_at_most_five_times_in_a_day(sandbox, agreement, empty_account):
    for _ in range(5):
        assert topping_up.run(empty_account.pk).state == State.CREDITED
        spend_all(empty_account)
        later(0.5)
    assert topping_up.run(empty_account.pk) is None
    assert auto_top_up.outlook(AutoTopUp.objects.get()).why == "It has run 5 times today."

    later(22)
    assert topping_up.run(empty_account.pk).state == State.CREDITED


def test_the_limit_for_a_day_is_kept(sandbox, empty_account, alice, card):
    agree(empty_account, alice, card, daily_limit_cents=2500)
    for _ in range(2):
        assert topping_up.run(empty_account.pk).state == State.CREDITED
        spend_all(empty_account)
        later(1)
    assert topping_up.run(empty_account.pk) is None
    assert auto_top_up.outlook(AutoTopUp.objects.get()).why == "The limit for a day has been reached."


def test_an_attempt_keeps_its_quote_when_the_terms_change_meanwhile(sandbox, agreement, empty_account, alice, card):
    sandbox.fail("refuse", status=503, count=3)
    topping_up.run(empty_account.pk)
    agree(empty_account, alice, card, amount_cents=50_000, daily_limit_cents=50_000)
    later(0.1)
    sweeps.sweep()
    assert credits_of(empty_account) == 1000


def test_an_amount_that_is_no_longer_sold_stops_it(sandbox, agreement, empty_account, settings):
    settings.PURCHASE_MINIMUM_CENTS = 2000
    assert topping_up.run(empty_account.pk) is None
    agreement.refresh_from_db()
    assert "The smallest purchase is $20.00" in agreement.off_reason


def test_an_expired_saved_card_says_so(card):
    card.exp_year, card.exp_month = 2020, 1
    assert card.has_expired
    now = timezone.now()
    card.exp_year, card.exp_month = now.year, now.month
    assert not card.has_expired


def test_a_top_up_can_be_refunded_like_any_purchase(sandbox, agreement, empty_account, alice):
    from billing import refunds

    purchase = topping_up.run(empty_account.pk)
    auto_top_up.switch_off(empty_account)
    assert refunds.request(purchase, alice, cents=1000).state == "succeeded"
    assert sound()


# --- Pages ------------------------------------------------------------------------------------------


def terms(**changes) -> dict:
    return {
        "threshold": "5", "amount": "25", "daily_limit": "100", "card": SavedCard.objects.get().pk, "consent": "on",
    } | changes  # fmt: skip


def test_the_page_leads_to_saving_a_card_first(alice_client, sandbox, organisation):
    page = alice_client.get(PAGE).content.decode()
    assert "No card is saved." in page
    assert "Switch on" not in page

    answer = alice_client.post("/settings/credits/cards/add")
    assert answer.url.startswith(f"{sandbox.address}/c/pay/")


def test_coming_back_from_the_page_shows_the_card(alice_client, sandbox, empty_account, alice):
    session = cards.open_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    sandbox._post(f"/_test/sessions/{session}/pay", card="4242424242424242")
    page = alice_client.get(f"/settings/credits/cards/return?s={session}", follow=True).content.decode()
    assert "Visa ending in 4242 is saved." in page
    assert "Switch on" in page


def test_switching_on_keeps_who_agreed_to_what(alice_client, alice, card, empty_account):
    assert alice_client.post(PAGE, terms()).status_code == 302

    agreement = AutoTopUp.objects.get()
    assert agreement.is_on
    assert (agreement.threshold_cents, agreement.amount_cents, agreement.daily_limit_cents) == (500, 2500, 10_000)
    assert (agreement.consent_by, agreement.consent_ip) == (alice, "127.0.0.1")
    assert (
        "to charge Visa ending in 4242 $26.38 ($25.00 of credits and a platform fee of $1.38)" in agreement.consent_text
    )
    assert CreditAccount.objects.get().top_up_below == 500 * PICO_PER_CENT
    page = alice_client.get(PAGE).content.decode()
    assert "Save changes" in page and "Switch off" in page
    assert "Buys $25.00 of credits with Visa ending in 4242" in alice_client.get("/settings/credits").content.decode()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"consent": ""}, "Auto top-up needs your consent"),
        ({"card": "999999"}, "Choose one of your saved cards."),
        ({"card": ""}, "Choose the card to charge."),
        ({"threshold": "30"}, "Enter $25.00 or less, so that one top-up is enough."),
        ({"threshold": "0.5"}, "Enter $1.00 or more."),
        ({"threshold": "x"}, "Enter an amount in dollars"),
        ({"amount": "3"}, "The smallest purchase is $5.00"),
        ({"daily_limit": "20"}, "Enter $25.00 or more: one top-up buys that much."),
    ],
)
def test_terms_that_make_no_sense_are_explained(alice_client, card, changes, told):
    answer = alice_client.post(PAGE, terms(**changes))
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not AutoTopUp.objects.exists()


def test_the_price_follows_the_amount(alice_client, organisation):
    page = alice_client.get(f"{PAGE}/price", {"amount": "14.64"}).content.decode()
    assert "$15.45" in page and "$0.81" in page
    assert "Enter an amount" in alice_client.get(f"{PAGE}/price", {"amount": "?"}).content.decode()


def test_it_can_be_switched_off(alice_client, agreement):
    alice_client.post(f"{PAGE}/off")
    assert not AutoTopUp.objects.get().is_on
    assert AutoTopUp.objects.get().off_reason == ""


def test_a_stopped_top_up_says_why_on_both_pages(alice_client, sandbox, empty_account, alice):
    agree(empty_account, alice, save_card(sandbox, empty_account, alice, "4000002760003184"))
    topping_up.run(empty_account.pk)
    for address in (PAGE, "/settings/credits"):
        assert "The bank wants you to confirm this payment." in alice_client.get(address).content.decode()


def test_a_card_can_be_removed(alice_client, agreement, card):
    alice_client.post(f"/settings/credits/cards/{card.pk}/remove")
    card.refresh_from_db()
    assert card.state == "removed"
    assert not AutoTopUp.objects.get().is_on


def test_a_waiting_top_up_says_until_when(alice_client, declining, empty_account):
    topping_up.run(empty_account.pk)
    assert "The last attempt was declined. Auto top-up waits until" in alice_client.get(PAGE).content.decode()


def test_a_member_can_neither_see_nor_change_it(bob_client, agreement, card):
    for address in (PAGE, f"{PAGE}/price?amount=10"):
        assert bob_client.get(address).status_code == 403
    for address in (PAGE, f"{PAGE}/off", "/settings/credits/cards/add", f"/settings/credits/cards/{card.pk}/remove"):
        assert bob_client.post(address, terms()).status_code == 403
    assert "Auto top-up" not in bob_client.get("/settings/credits").content.decode()
    assert AutoTopUp.objects.get().is_on


def test_an_outsider_cannot_touch_anybody_elses_card(charlie_client, sandbox, empty_account, alice, card, agreement):
    assert charlie_client.post(f"/settings/credits/cards/{card.pk}/remove").status_code == 404
    assert charlie_client.post(PAGE, terms()).status_code == 422
    session = cards.open_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    sandbox._post(f"/_test/sessions/{session}/pay", card="5555555555554444")
    assert charlie_client.get(f"/settings/credits/cards/return?s={session}").status_code == 404
    card.refresh_from_db()
    assert card.state == "active"
    assert not SavedCard.objects.exclude(account=empty_account).exists()


def test_everything_asks_for_a_form_of_this_site(alice, agreement):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    for address in (PAGE, f"{PAGE}/off", "/settings/credits/cards/add"):
        assert strict.post(address, terms()).status_code == 403
    assert hidden(strict.get(PAGE).content.decode(), "csrfmiddlewaretoken")
