"""Finding the account behind a request ID, for operators."""

from django.db.models import QuerySet

from billing.lookup import clue
from billing.models import CreditAccount


@clue
def account_of_request(text: str) -> QuerySet[CreditAccount] | None:
    """The account that was charged for the request `gen-...`."""
    return CreditAccount.objects.filter(generations=text) if text.startswith("gen-") else None
