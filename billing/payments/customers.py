"""The payment provider's customer that stands for an account."""

from accounts.models import User
from billing.models import CreditAccount
from billing.providers import stripe

__all__ = ["forget", "of"]


def of(account: CreditAccount, user: User, *, key: str) -> str:
    """The customer's id, made on first use with the person's address. Raises ProviderError.

    The same `key` makes the same customer.
    """
    account.refresh_from_db(fields=["stripe_customer_id"])
    if not account.stripe_customer_id:
        organisation = account.organisation
        made = stripe.create_customer(
            email=user.email, name=organisation.name, organisation=organisation.public_id, key=key
        )
        # Two first uses at once make two customers; one of them stays, the other stays unused.
        CreditAccount.objects.filter(pk=account.pk, stripe_customer_id="").update(stripe_customer_id=made)
        account.refresh_from_db(fields=["stripe_customer_id"])
    return account.stripe_customer_id


def forget(account: CreditAccount, customer: str) -> None:
    """Make a new customer next time: this one is another provider's, e.g. the sandbox's before a real key was set."""
    CreditAccount.objects.filter(pk=account.pk, stripe_customer_id=customer).update(stripe_customer_id="")
