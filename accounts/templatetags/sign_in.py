"""Ways to sign in, and devices, for pages and emails."""

from allauth.socialaccount.models import SocialAccount
from django import template
from django.conf import settings
from django.contrib.auth.password_validation import MinimumLengthValidator, get_default_password_validators
from django.contrib.humanize.templatetags.humanize import apnumber
from django.urls import reverse

from accounts.models import User
from accounts.sessions import devices
from accounts.sign_in import second_factor, social

register = template.Library()


@register.simple_tag
def social_sites() -> list[dict[str, str]]:
    """Return the other sites whose accounts can sign in here: `id`, `name` and `url` of each."""
    return [{"id": site, "name": name, "url": reverse(f"{site}_login")} for site, name in social.offered().items()]


@register.simple_tag
def password_rule() -> str:
    """Return what a new password must be: "At least 10 characters and hard to guess."."""
    rules = get_default_password_validators()
    lengths = [rule.min_length for rule in rules if isinstance(rule, MinimumLengthValidator)]
    return f"At least {max(lengths)} characters and hard to guess."


@register.simple_tag
def email_link_life() -> str:
    """Return how long the links in emails work that verify an address or choose a new password: "three days"."""
    return f"{apnumber(settings.EMAIL_LINK_DAYS)} day{'' if settings.EMAIL_LINK_DAYS == 1 else 's'}"


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
