"""Finding the account behind a request ID, for operators."""

from django.db.models import QuerySet

from billing import lookup
from billing.models import CreditAccount
from common.naming.ids import generation_id_of


@lookup.register
def account_of_request(text: str) -> QuerySet[CreditAccount] | None:
    """Return the account that was charged for the request `gen-...` or `resp_...`; None for any other text."""
    name = generation_id_of(text)
    return CreditAccount.objects.filter(generations=name) if name.startswith("gen-") else None
