"""The money of a deleted account: the rows stay with their amounts and dates, and tell nothing about the person.

In the transaction that ends the account, it is frozen, its credits are lost and its rows are cleared. What the payment
provider has of the person follows after the commit, once no payment is under way. Until then a `ProviderErasure` has
the IDs.
"""

import logging
from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.deletion import erasing, losses
from accounts.deletion.leaving import Leaving, account_deleted, finishing, locking
from accounts.models import AccountDeletion, Membership, Organisation
from billing.credits import ledger
from billing.models import (
    Adjustment,
    AutoTopUp,
    BillingDetails,
    CreditAccount,
    EmailChoice,
    LedgerEntry,
    Notice,
    PromotionalCode,
    ProviderErasure,
    ProviderEvent,
    Purchase,
    Receipt,
    SavedCard,
    SentAlert,
)
from billing.notifications import emails
from billing.providers import stripe
from billing.providers.types import ProviderError
from common.money import PicoUsd, format_usd

from . import auto_top_up, purchases, refunds

__all__ = ["FROZEN", "connect_signals"]

logger = logging.getLogger(__name__)

State, Kind = Purchase.State, ProviderErasure.Kind

#: Why the account of a deleted person is frozen. It stays so.
FROZEN = "The account was deleted."
#: Payments that may still succeed.
UNDER_WAY = (State.CREATED, State.OPEN, State.PROCESSING)
CARD_LEFT = "The member who saved the card deleted their account. Choose another card to turn auto top-up on again."


def connect_signals() -> None:
    """Take part in the deletion of accounts."""
    erasing.keep(Adjustment)  # the operator stays on record, as a tombstone
    locking.connect(_lock, dispatch_uid="billing.deletion")
    account_deleted.connect(_erase, dispatch_uid="billing.deletion")
    finishing.connect(_finish, dispatch_uid="billing.deletion")
    losses.register(_losses)


def _losses(organisations: Sequence[Organisation]) -> list[str]:
    """The credits that are lost, and the purchases that could still be refunded."""
    accounts = CreditAccount.objects.filter(organisation__in=organisations).select_related("organisation")
    told = []
    for account in accounts.order_by("pk"):
        if account.balance > 0:
            whose = f" of {account.organisation}" if len(organisations) > 1 else ""
            told.append(f"{format_usd(PicoUsd(account.balance))} in unused credits{whose}. They can't be reclaimed.")
        if refunds.refundable(account, Purchase.objects.filter(account=account).order_by("-created_at")[:50]):
            told.append(
                "The refund of a recent purchase. To get your money back, request it on the credits page first."
            )
    return list(dict.fromkeys(told))


# --- In the transaction -----------------------------------------------------------------------------


def _lock(leaving: Leaving, **_: Any) -> None:
    """Lock the rows in the order in which payments and settlements lock them: purchases, then accounts."""
    touched = Q(account__organisation__in=leaving.organisations) | Q(user=leaving.user)
    list(Purchase.objects.select_for_update().filter(touched).order_by("pk").values_list("pk"))
    theirs = Q(organisation__in=leaving.organisations) | Q(organisation__in=leaving.left_ids)
    list(CreditAccount.objects.select_for_update().filter(theirs).order_by("pk").values_list("pk"))


def _erase(leaving: Leaving, **_: Any) -> None:
    for account in CreditAccount.objects.filter(organisation__in=leaving.organisations).order_by("pk"):
        _close(account, leaving)
    for account in CreditAccount.objects.filter(organisation__in=leaving.left_ids).order_by("pk"):
        _leave(account, leaving)
    _leave_purchases(leaving)
    Adjustment.objects.filter(operator=leaving.user).update(operator_email="")
    PromotionalCode.objects.filter(operator=leaving.user).update(operator_email="")


def _close(account: CreditAccount, leaving: Leaving) -> None:
    """Freeze the account, take its credits, and clear what its rows tell of the person."""
    bought = Purchase.objects.filter(account=account)
    bought.filter(state=State.CREATED, source=Purchase.Source.AUTO_TOP_UP).update(state=State.CANCELED)
    cards = list(SavedCard.objects.filter(account=account).values_list("provider_method", flat=True))
    _give_up_customers(leaving.deletion, account)
    _forget_events([], cards)
    AutoTopUp.objects.filter(account=account).update(
        is_on=False, card=None, off_reason="", consent_by=None, consent_at=None, consent_ip=None, consent_text=""
    )
    _remove_cards(SavedCard.objects.filter(account=account))
    _clear_purchases(account)
    receipts = Receipt.objects.filter(purchase__account=account)
    receipts.update(name=erasing.NAME, email="", address="", tax_ids="")
    details = BillingDetails.objects.filter(account=account)
    erasing.forget_in_log(CreditAccount, [account.pk])
    erasing.forget_in_log(BillingDetails, details.values_list("pk", flat=True))
    details.delete()
    Notice.objects.filter(account=account).delete()
    EmailChoice.objects.filter(account=account).delete()
    SentAlert.objects.filter(account=account).delete()
    CreditAccount.objects.filter(pk=account.pk).update(
        frozen_reason=FROZEN, auto_top_up_below=None, alert_below=None, alerted_at=None
    )
    _forfeit(account)


def _leave(account: CreditAccount, leaving: Leaving) -> None:
    """Remove the person's cards from the account of an organization that they leave, and their consent to charges."""
    cards = SavedCard.objects.filter(account=account, user=leaving.user)
    methods = list(cards.values_list("provider_method", flat=True))
    consented = Q(consent_by=leaving.user) | Q(card__in=cards)
    if AutoTopUp.objects.filter(consented, account=account, is_on=True).exists():
        auto_top_up.turn_off(account, CARD_LEFT)
        emails.auto_top_up_stopped(account, CARD_LEFT)
    AutoTopUp.objects.filter(card__in=cards).update(card=None)
    AutoTopUp.objects.filter(account=account, consent_by=leaving.user).update(
        consent_by=None, consent_ip=None, consent_text=""
    )
    _queue(leaving.deletion, account, Kind.CARD, methods)
    if Membership.objects.filter(
        organisation=account.organisation_id, user=leaving.user, role=Membership.Role.ADMIN
    ).exists():
        _queue(leaving.deletion, account, Kind.ADDRESS, [account.stripe_customer_id])
    _forget_events([], methods)
    _remove_cards(cards)


def _leave_purchases(leaving: Leaving) -> None:
    """Clear what the purchases of organizations that live on tell of the person who paid.

    The name and the address on their receipts are the organization's.
    """
    bought = Purchase.objects.filter(user=leaving.user)
    Receipt.objects.filter(purchase__in=bought).update(email="")
    for method, label in Purchase.Method.choices:
        bought.filter(method=method).exclude(paid_with="").update(paid_with=label)
    bought.update(receipt_url="", form_token=None)


def _give_up_customers(deletion: AccountDeletion, account: CreditAccount) -> None:
    """Have the provider delete every customer of the account, and forget their IDs."""
    bought = Purchase.objects.filter(account=account, provider="stripe")
    customers = {account.stripe_customer_id, *bought.values_list("provider_customer", flat=True)}
    _queue(deletion, account, Kind.CUSTOMER, customers)
    _forget_events(customers, [])
    CreditAccount.objects.filter(pk=account.pk).update(stripe_customer_id="")


def _queue(deletion: AccountDeletion, account: CreditAccount, kind: ProviderErasure.Kind, ids: Collection[str]) -> None:
    wanted = [
        ProviderErasure(deletion=deletion, account=account, kind=kind, object_id=each)
        for each in sorted(set(ids))
        if each
    ]
    ProviderErasure.objects.bulk_create(wanted, ignore_conflicts=True)


def _remove_cards(cards: Any) -> None:
    Purchase.objects.filter(card__in=cards).update(card=None)
    erasing.forget_in_log(SavedCard, cards.values_list("pk", flat=True))
    cards.delete()


def _forget_events(customers: Collection[str], cards: Collection[str]) -> None:
    """Clear the IDs of these customers and cards from the webhook events that we keep."""
    customers, cards = [each for each in customers if each], list(cards)
    ProviderEvent.objects.filter(customer_id__in=customers).update(customer_id="")
    ProviderEvent.objects.filter(object_id__in=[*customers, *cards]).update(object_id="")


def _clear_purchases(account: CreditAccount) -> None:
    """Keep of the account's purchases what accounting needs. A payment under way still needs its customer."""
    bought = Purchase.objects.filter(account=account)
    bought.update(
        user=None, form_token=None, saves_card=False, checkout_url="", receipt_url="", paid_with="", failure="",
        review_reason="",
    )  # fmt: skip
    bought.exclude(state__in=UNDER_WAY).update(provider_customer="")


def _forfeit(account: CreditAccount) -> None:
    """Take the credits that are neither spent nor on hold."""
    locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
    if locked.available <= 0:
        return
    earlier = LedgerEntry.objects.filter(account=account, kind=LedgerEntry.Kind.FORFEIT).count()
    ledger.take(
        locked,
        PicoUsd(locked.available),
        kind=LedgerEntry.Kind.FORFEIT,
        reference=f"account:{account.pk}:{earlier + 1}",
        note="Unused when the account was deleted",
    )


# --- After the commit -------------------------------------------------------------------------------


def _finish(deletion: AccountDeletion, **_: Any) -> str:
    accounts = list(CreditAccount.objects.filter(organisation__in=deletion.organisations.all()).order_by("pk"))
    if waits := _end_payments(accounts):
        return waits
    for account in accounts:  # again: a payment page may have been opening when the account was closed
        _give_up_customers(deletion, account)
    if waits := _erase_at_provider(deletion):
        return waits
    for account in accounts:
        with transaction.atomic():
            _clear_purchases(account)
            Receipt.objects.filter(purchase__account=account).update(name=erasing.NAME, email="")
            AutoTopUp.objects.filter(account=account).delete()
            if CreditAccount.objects.select_for_update().get(pk=account.pk).held:
                return "running requests"
            _forfeit(account)
    return ""


def _end_payments(accounts: Sequence[CreditAccount]) -> str:
    """Close the payment pages. A payment that has been made is credited, and waits for an operator to return it."""
    for purchase in Purchase.objects.filter(account__in=accounts, state__in=UNDER_WAY).order_by("pk"):
        if not (purchase.provider_session or purchase.provider_payment):
            continue  # the sweep closes it or finds out how it ended
        try:
            ended = purchases.cancel(purchase)
        except ProviderError as error:
            logger.warning("purchase %s of a deleted account is not ended yet: %s", purchase.pk, type(error).__name__)
            return "the payment provider"
        if ended.state == State.CREDITED:
            logger.error("purchase %s was paid while its account was deleted: refund it", purchase.pk)
    under_way = Purchase.objects.filter(account__in=accounts, state__in=UNDER_WAY)
    return "a payment that is under way" if under_way.exists() else ""


def _erase_at_provider(deletion: AccountDeletion) -> str:
    for erasure in ProviderErasure.objects.filter(deletion=deletion).select_related("account").order_by("pk"):
        try:
            _ask_provider(erasure)
        except ProviderError as error:
            # Not its text, which may name the object.
            logger.warning("erasure %s is tried again later: %s", erasure.pk, type(error).__name__)
            return "the payment provider"
        erasure.delete()
    return ""


def _ask_provider(erasure: ProviderErasure) -> None:
    if erasure.kind == Kind.CUSTOMER:
        stripe.delete_customer(erasure.object_id)
    elif erasure.kind == Kind.CARD:
        stripe.detach_card(erasure.object_id)
    else:
        admins = Membership.objects.filter(
            organisation=erasure.account.organisation_id, role=Membership.Role.ADMIN, user__is_active=True
        )
        admin = admins.select_related("user").order_by("pk").first()
        stripe.change_address(erasure.object_id, admin.user.email if admin else "")
