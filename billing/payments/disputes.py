"""Disputes: the bank takes a payment back, so its credits are taken and the account is frozen.

`sync` compares with the provider and records each dispute once, whichever of its several events comes first. Spent
credits are taken as well: only a dispute can make a balance negative. A dispute that is won restores the credits and
unfreezes the account; after a lost one an operator decides.

A dispute takes only what its own purchase still has in the account. Credits that were moved to an organization stay
there, because its members may have spent them in good faith: operators are told how much, and to which organizations.
"""

import logging

from django.db import transaction
from django.utils import timezone

from billing.credits import ledger
from billing.models import CreditAccount, Dispute, LedgerEntry, Lot, Purchase
from billing.notifications import emails
from billing.providers import registry, stripe
from billing.providers.stripe import ProviderDispute
from common.money import PicoUsd, format_cents, format_exact_usd, pico_from_cents

__all__ = ["FREEZE_REASON", "FUNDS_WITHDRAWN", "not_taken", "receivers_of", "sync", "take_remainder", "unfreeze"]

logger = logging.getLogger(__name__)

State = Dispute.State

#: Why the account is frozen, shown to its owner.
FREEZE_REASON = "A payment on this account was disputed."
#: The states in which the bank has the money.
FUNDS_WITHDRAWN = frozenset({State.OPEN, State.LOST})
#: The states that are final.
DECIDED = frozenset({State.WON, State.LOST})


def sync(purchase: Purchase) -> None:
    """Update every dispute of the purchase from the provider.

    May be called any number of times at once. Raises ProviderError if the provider cannot be reached.
    """
    if purchase.provider_payment is None or not registry.provider_of(purchase).supports_disputes:
        return
    for reported in stripe.disputes_of(purchase.provider_payment):
        _apply(purchase, reported)


def unfreeze(account: CreditAccount) -> bool:
    """Unfreeze the account. Returns False and changes nothing if its balance does not cover what is on hold."""
    with transaction.atomic():
        locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
        if locked.available < 0:
            return False
        locked.frozen_reason = ""
        locked.save(update_fields=["frozen_reason"])
    return True


def take_remainder(purchase: Purchase) -> None:
    """Take credits that a dispute could not take before, because they came back only when a refund failed.

    Purchase and account must be locked.
    """
    account = CreditAccount.objects.get(pk=purchase.account_id)
    for dispute in purchase.disputes.filter(state__in=FUNDS_WITHDRAWN):
        _take(dispute, account)


def not_taken(dispute: Dispute) -> PicoUsd:
    """Return the credits (pico-USD) that the bank has the money of and the dispute could not take: they had been moved.

    What was refunded or has expired does not count, nor do fees.
    """
    if dispute.state not in FUNDS_WITHDRAWN:
        return PicoUsd(0)
    due = pico_from_cents(dispute.cents) + sum(entry.amount for entry in _entries_of(dispute))
    of_purchase = sum(LedgerEntry.objects.filter(purchase=dispute.purchase_id).values_list("amount", flat=True))
    return PicoUsd(max(0, min(due, of_purchase)))


def receivers_of(dispute: Dispute) -> list[str]:
    """Return the IDs of the organizations to which credits of the disputed account were moved."""
    moved = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.TRANSFER_OUT, account__purchases=dispute.purchase_id)
    received = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.TRANSFER_IN, reference__in=moved.values("reference"))
    return sorted(set(received.values_list("account__organisation__public_id", flat=True)))


def _apply(purchase: Purchase, reported: ProviderDispute) -> None:
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        account = CreditAccount.objects.select_for_update().get(pk=locked.account_id)
        before = Dispute.objects.filter(provider_dispute=reported.id).first()
        if before is not None and before.state in DECIDED and reported.status.value not in DECIDED:
            return  # outdated: the decision was recorded after this response was fetched
        dispute, _ = Dispute.objects.update_or_create(
            provider_dispute=reported.id,
            defaults={
                "purchase": locked,
                "provider": locked.provider,
                "state": reported.status.value,
                "cents": reported.cents,
                "reason": reported.reason[:60],
                "due_by": reported.due_by,
            },
        )
        if before is not None and before.state == dispute.state:
            return
        if dispute.state in FUNDS_WITHDRAWN:
            _take(dispute, account)
        elif dispute.state != State.INQUIRY:
            _restore(dispute, account)
        if dispute.state in {State.WON, State.LOST, State.CLOSED}:
            dispute.closed_at = timezone.now()
            dispute.save(update_fields=["closed_at"])
    logger.error(
        "dispute %s of purchase %s (%s, %s) is now %s; respond to it in the provider's dashboard",
        reported.id, purchase.pk, format_cents(reported.cents), reported.reason, dispute.state,
    )  # fmt: skip
    if missing := not_taken(dispute):
        logger.error(
            "dispute %s could not take %s that had been moved to %s; decide whether to freeze or adjust them",
            reported.id, format_exact_usd(missing), ", ".join(receivers_of(dispute)) or "no account",
        )  # fmt: skip


def _take(dispute: Dispute, account: CreditAccount) -> None:
    """Freeze the account and take the purchase's credits, whether spent or not."""
    if not account.frozen_reason:
        account.frozen_reason = FREEZE_REASON
        account.save(update_fields=["frozen_reason"])
        emails.frozen(account, dispute)
    lot = Lot.objects.filter(purchase=dispute.purchase).first()
    if lot is None:
        return
    earlier = _entries_of(dispute)
    still_due = pico_from_cents(dispute.cents) + sum(entry.amount for entry in earlier)
    if (amount := min(still_due, lot.amount)) > 0:
        reference = f"{dispute.provider_dispute}:{len(earlier) + 1}"
        ledger.claw_back(lot, PicoUsd(amount), kind=LedgerEntry.Kind.DISPUTE, reference=reference)


def _restore(dispute: Dispute, account: CreditAccount) -> None:
    """Restore the credits that the dispute took, and unfreeze the account unless another dispute keeps it frozen."""
    for entry in _entries_of(dispute):
        ledger.restore(entry, kind=LedgerEntry.Kind.DISPUTE_REVERSAL, reference=entry.reference)
    others = Dispute.objects.filter(purchase__account=account, state__in=FUNDS_WITHDRAWN)
    if account.frozen_reason == FREEZE_REASON and not others.exists():
        unfreeze(account)


def _entries_of(dispute: Dispute) -> list[LedgerEntry]:
    """The entries by which the dispute took credits."""
    taken = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.DISPUTE, purchase=dispute.purchase_id)
    return list(taken.filter(reference__startswith=f"{dispute.provider_dispute}:"))
