"""Facts about this installation, for pages and for emails (which are rendered without the site's context)."""

from django import template
from django.conf import settings

from common.money import format_cents

register = template.Library()


@register.simple_tag
def site_name() -> str:
    """Return the site's name."""
    return str(settings.SITE_NAME)


@register.simple_tag
def site_url() -> str:
    """Return the site's URL, without a trailing slash."""
    return str(settings.SITE_URL)


@register.simple_tag
def support_email() -> str:
    """Return the URL of the community."""
    return str(settings.SUPPORT_EMAIL)


@register.simple_tag
def free_allowance() -> str:
    """Return the free allowance, "$0.10"; empty if there is none."""
    return format_cents(settings.FREE_ALLOWANCE_CENTS) if settings.FREE_ALLOWANCE_CENTS > 0 else ""


@register.simple_tag
def mail_is_printed() -> bool:
    """Return whether no mail server is configured, so that emails are printed in the terminal."""
    return bool(settings.EMAIL_BACKEND == "common.email.console.EmailBackend")


@register.simple_tag
def admin_requires_second_factor() -> bool:
    """Return whether the admin is closed to operators without a second factor."""
    return bool(settings.ADMIN_REQUIRES_SECOND_FACTOR)


@register.filter
def compact(number: int) -> str:
    """Return a large number in short form: "128K", "1.05M"."""
    for size, letter in ((1_000_000, "M"), (1_000, "K")):
        if number >= size:
            whole, rest = divmod(number * 100 // size, 100)
            return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + letter if whole < 10 else f"{whole}{letter}"
    return str(number)
