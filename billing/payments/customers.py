"""The customer at the payment provider that represents an account."""

from accounts.models import User
from billing.models import CreditAccount
from billing.providers import stripe

__all__ = ["discard", "get_or_create"]


def get_or_create(account: CreditAccount, user: User, *, key: str) -> str:
    """The customer's id; on first use the customer is created with the user's email address. Raises ProviderError.

    The same `key` creates the same customer.
    """
    account.refresh_from_db(fields=["stripe_customer_id"])
    if not account.stripe_customer_id:
        organisation = account.organisation
        created = stripe.create_customer(
            email=user.email, name=organisation.name, organisation=organisation.public_id, key=key
        )
        # Two concurrent first uses create two customers. One is kept, the other is never used.
        CreditAccount.objects.filter(pk=account.pk, stripe_customer_id="").update(stripe_customer_id=created)
        account.refresh_from_db(fields=["stripe_customer_id"])
    return account.stripe_customer_id


def discard(account: CreditAccount, customer_id: str) -> None:
    """Forget a customer that the provider does not know, for example the sandbox's after a real key was set."""
    CreditAccount.objects.filter(pk=account.pk, stripe_customer_id=customer_id).update(stripe_customer_id="")
