"""Facts about this installation, for pages and for mails (which are rendered without the site's context)."""

from django import template
from django.conf import settings

from common.money import format_cents

register = template.Library()


@register.simple_tag
def site_name() -> str:
    """What the operator calls the site."""
    return str(settings.SITE_NAME)


@register.simple_tag
def site_url() -> str:
    """The site's own address, without a slash at the end."""
    return str(settings.SITE_URL)


@register.simple_tag
def support_email() -> str:
    """Where people ask for help."""
    return str(settings.SUPPORT_EMAIL)


@register.simple_tag
def free_allowance() -> str:
    """ "$0.10", what a verified address earns; empty when nothing is given."""
    return format_cents(settings.FREE_ALLOWANCE_CENTS) if settings.FREE_ALLOWANCE_CENTS > 0 else ""


@register.simple_tag
def mail_is_printed() -> bool:
    """No mail server is configured: messages appear in the terminal that runs the site."""
    return bool(settings.EMAIL_BACKEND.endswith(".console.EmailBackend"))


@register.filter
def compact(number: int) -> str:
    """A large number in few characters: "128K", "1.05M"."""
    for size, letter in ((1_000_000, "M"), (1_000, "K")):
        if number >= size:
            whole, rest = divmod(number * 100 // size, 100)
            return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + letter if whole < 10 else f"{whole}{letter}"
    return str(number)
