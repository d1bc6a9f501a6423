"""Links that end one kind of email, for people who are signed out as well."""

from django.conf import settings
from django.core import signing
from django.urls import reverse

from billing.models import EmailChoice

__all__ = ["choice_of", "token_of", "url_of"]

_SIGNER = signing.Signer(salt="billing.notifications.unsubscribing")


def token_of(choice: EmailChoice) -> str:
    """Return a signed text that ends these emails. It is good for nothing else and does not expire."""
    return _SIGNER.sign(str(choice.pk))


def url_of(choice: EmailChoice) -> str:
    """Return the address of the page, and of the one click (RFC 8058), that ends these emails."""
    return settings.SITE_URL + reverse("billing:unsubscribe", args=[token_of(choice)])


def choice_of(token: str) -> EmailChoice | None:
    """Return the choice that a token is about; None if we did not sign it, or the account or user is gone."""
    try:
        pk = int(_SIGNER.unsign(token))
    except (signing.BadSignature, ValueError):
        return None
    return EmailChoice.objects.select_related("user", "account__organisation").filter(pk=pk).first()
