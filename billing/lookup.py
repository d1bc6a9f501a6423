"""Whose account an operator is looking for, from what somebody has sent them: the id of a request or of a payment.

An app above this one adds the ids that it knows:

    @finding.clue
    def account_of_request(text: str) -> QuerySet[CreditAccount] | None: ...
"""

from collections.abc import Callable

from django.db.models import Q, QuerySet

from .models import CreditAccount, Purchase, parse_id

__all__ = ["accounts_behind", "accounts_that_paid", "clue"]

#: The accounts that a text stands for; None when it is no id of the kind that the function knows.
Clue = Callable[[str], QuerySet[CreditAccount] | None]
_clues: list[Clue] = []


def clue(function: Clue) -> Clue:
    """Register a kind of id. Its look-up must be exact and indexed: tables of money are large."""
    if function not in _clues:
        _clues.append(function)
    return function


def accounts_behind(text: str) -> QuerySet[CreditAccount] | None:
    """The accounts that an id of a registered kind stands for; None when the text is no such id."""
    found = (function(text) for function in _clues)
    return next((accounts for accounts in found if accounts is not None), None)


def accounts_that_paid(text: str) -> QuerySet[CreditAccount] | None:
    """The account of a payment, a checkout, a purchase or a receipt, by its whole id; None when there is no such."""
    named = Q(provider_payment=text) | Q(provider_session=text) | Q(receipt_number=text) | Q(pk=parse_id(text))
    purchase = Purchase.objects.filter(named).first()
    return CreditAccount.objects.filter(pk=purchase.account_id) if purchase else None
