"""Accounts by an ID that a customer sent to support: of a request, a payment, a purchase or a receipt.

An app above this one registers the IDs that it knows:

    @lookup.register
    def account_of_request(text: str) -> QuerySet[CreditAccount] | None: ...
"""

from collections.abc import Callable

from django.db.models import Q, QuerySet

from .models import CreditAccount, Purchase, parse_id

__all__ = ["account_of_payment", "accounts_by_id", "register"]

#: Returns the accounts behind an ID, or None if the text is not an ID of the lookup's kind.
Lookup = Callable[[str], QuerySet[CreditAccount] | None]
_lookups: list[Lookup] = []


def register(function: Lookup) -> Lookup:
    """Add a lookup. It must be exact and use an index, because ledger tables are large."""
    if function not in _lookups:
        _lookups.append(function)
    return function


def accounts_by_id(text: str) -> QuerySet[CreditAccount] | None:
    """Return the accounts behind an ID of a registered kind, or None if the text is no such ID."""
    found = (function(text) for function in _lookups)
    return next((accounts for accounts in found if accounts is not None), None)


def account_of_payment(text: str) -> QuerySet[CreditAccount] | None:
    """Return the account of a payment, checkout, purchase or receipt by its complete ID, or None if there is none."""
    named = Q(provider_payment=text) | Q(provider_session=text) | Q(receipt_number=text) | Q(pk=parse_id(text))
    purchase = Purchase.objects.filter(named).first()
    return CreditAccount.objects.filter(pk=purchase.account_id) if purchase else None
