"""Ways to sign in, and devices, for pages and emails."""

from allauth.socialaccount.models import SocialAccount
from django import template
from django.urls import reverse

from accounts.models import User
from accounts.sessions import devices
from accounts.sign_in import second_factor, social

register = template.Library()


@register.simple_tag
def social_sites() -> list[dict[str, str]]:
    """Return the other sites whose accounts can sign in here: `id`, `name` and `url` of each."""
    return [{"id": site, "name": name, "url": reverse(f"{site}_login")} for site, name in social.offered().items()]


@register.filter
def has_second_factor(user: User) -> bool:
    """Return whether the user has set up an authenticator app or a passkey."""
    return bool(second_factor.kinds_of(user))


@register.filter
def device(user_agent: str) -> str:
    """Return the device that a user agent names: "Firefox on Windows"."""
    return devices.describe(user_agent)


@register.filter
def social_name(account: SocialAccount) -> str:
    """Return the name of an account's site: "GitHub"."""
    return social.NAMES.get(account.provider, account.provider)


@register.filter
def social_label(account: SocialAccount) -> str:
    """Return what the other site calls the account."""
    return social.label_of(account)
