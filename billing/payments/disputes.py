"""Disputes: when a bank takes a payment back, its credits go, and the account is frozen until it is settled.

`sync` compares with the provider and books each dispute once, whichever of its many events comes first.
The credits go even if they have been spent: only here may a balance fall below zero. A dispute that is won
brings them back and thaws the account; after a lost one an operator decides.
"""

import logging

from django.db import transaction
from django.utils import timezone

from billing.credits import ledger
from billing.models import CreditAccount, Dispute, LedgerEntry, Lot, Purchase
from billing.notifications import emails
from billing.providers import registry, stripe
from billing.providers.stripe import ProviderDispute
from common.money import PicoUsd, format_cents, pico_from_cents

__all__ = ["FROZEN", "sync", "take_rest", "thaw"]

logger = logging.getLogger(__name__)

State = Dispute.State

#: Why the account is frozen, as its owner reads it.
FROZEN = "A bank has disputed a payment of this account."
#: The states in which the bank has the money.
MONEY_IS_GONE = frozenset({State.OPEN, State.LOST})
#: The states that a bank does not go back from.
DECIDED = frozenset({State.WON, State.LOST})


def sync(purchase: Purchase) -> None:
    """Bring every dispute of the purchase in line with the provider.

    May be called by anybody, any number of times at once. Raises ProviderError when the provider cannot be asked.
    """
    if purchase.provider_payment is None or not registry.provider_of(purchase).supports_disputes:
        return
    for told in stripe.disputes_of(purchase.provider_payment):
        _apply(purchase, told)


def thaw(account: CreditAccount) -> bool:
    """Unfreeze the account; False, and nothing changed, while its balance does not cover what requests hold."""
    with transaction.atomic():
        locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
        if locked.available < 0:
            return False
        locked.frozen_reason = ""
        locked.save(update_fields=["frozen_reason"])
    return True


def _apply(purchase: Purchase, told: ProviderDispute) -> None:
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        account = CreditAccount.objects.select_for_update().get(pk=locked.account_id)
        before = Dispute.objects.filter(provider_dispute=told.id).first()
        if before is not None and before.state in DECIDED and told.status.value not in DECIDED:
            return  # an answer from before the decision, which somebody else has heard meanwhile
        dispute, _ = Dispute.objects.update_or_create(
            provider_dispute=told.id,
            defaults={
                "purchase": locked,
                "provider": locked.provider,
                "state": told.status.value,
                "cents": told.cents,
                "reason": told.reason[:60],
                "due_by": told.due_by,
            },
        )
        if before is not None and before.state == dispute.state:
            return
        if dispute.state in MONEY_IS_GONE:
            _take(dispute, account)
        elif dispute.state != State.INQUIRY:
            _return(dispute, account)
        if dispute.state in {State.WON, State.LOST, State.CLOSED}:
            dispute.closed_at = timezone.now()
            dispute.save(update_fields=["closed_at"])
    logger.error(
        "dispute %s of purchase %s (%s, %s) is now: %s; answer it in the provider's dashboard",
        told.id, purchase.pk, format_cents(told.cents), told.reason, dispute.state,
    )  # fmt: skip


def take_rest(purchase: Purchase) -> None:
    """Take what a dispute could not take before: credits that came back when a refund failed.

    Purchase and account must be locked.
    """
    account = CreditAccount.objects.get(pk=purchase.account_id)
    for dispute in purchase.disputes.filter(state__in=MONEY_IS_GONE):
        _take(dispute, account)


def _take(dispute: Dispute, account: CreditAccount) -> None:
    """The purchase's credits go, spent or not, and nothing more is spent, bought back or charged meanwhile."""
    if not account.frozen_reason:
        account.frozen_reason = FROZEN
        account.save(update_fields=["frozen_reason"])
        emails.frozen(account, dispute)
    lot = Lot.objects.filter(purchase=dispute.purchase).first()
    if lot is None:
        return
    earlier = _taken(dispute)
    still_due = pico_from_cents(dispute.cents) + sum(entry.amount for entry in earlier)
    if (amount := min(still_due, lot.amount)) > 0:
        reference = f"{dispute.provider_dispute}:{len(earlier) + 1}"
        ledger.claw_back(lot, PicoUsd(amount), kind=LedgerEntry.Kind.DISPUTE, reference=reference)


def _taken(dispute: Dispute) -> list[LedgerEntry]:
    mine = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.DISPUTE, purchase=dispute.purchase_id)
    return list(mine.filter(reference__startswith=f"{dispute.provider_dispute}:"))


def _return(dispute: Dispute, account: CreditAccount) -> None:
    """What the dispute took comes back; the account thaws when no other dispute keeps it frozen."""
    for entry in _taken(dispute):
        ledger.restore(entry, kind=LedgerEntry.Kind.DISPUTE_REVERSAL, reference=entry.reference)
    others = Dispute.objects.filter(purchase__account=account, state__in=MONEY_IS_GONE)
    if account.frozen_reason == FROZEN and not others.exists():
        thaw(account)
