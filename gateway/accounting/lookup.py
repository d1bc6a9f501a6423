"""Finding the account behind a request ID, for operators."""

from django.db.models import QuerySet

from billing import lookup
from billing.models import CreditAccount


@lookup.register
def account_of_request(text: str) -> QuerySet[CreditAccount] | None:
    """Return the account that was charged for the request `gen-...`; None for any other text."""
    return CreditAccount.objects.filter(generations=text) if text.startswith("gen-") else None
