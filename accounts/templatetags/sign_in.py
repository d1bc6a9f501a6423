"""Ways to sign in, and devices, for pages and emails."""

from allauth.socialaccount.models import SocialAccount
from django import template
from django.urls import reverse

from accounts.sessions import devices
from accounts.sign_in import social

register = template.Library()


@register.simple_tag
def social_sites() -> list[dict[str, str]]:
    """Return the other sites whose accounts can sign in here: `id`, `name` and `url` of each."""
    return [{"id": site, "name": name, "url": reverse(f"{site}_login")} for site, name in social.offered().items()]


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
